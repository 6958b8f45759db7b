"""What autoencoders share whose codes follow a known distribution: networks, and samples."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen.autoencoders._networks import BaseNetworkAutoencoder
from skgen.engine.random_state import drawing
from skgen.inputs.images import ImageInput, RowsOrImages
from skgen.networks.convolutional import ConvolutionalAutoencoder
from skgen.networks.dense import DenseAutoencoder
from skgen.parameters import checked_count

__all__ = ["BaseSamplingAutoencoder"]


class BaseSamplingAutoencoder(RowsOrImages, BaseNetworkAutoencoder, ABC):
    """Base class of the autoencoders that new rows can be drawn from."""

    if TYPE_CHECKING:
        input_: ImageInput

    @abstractmethod
    def _prior_codes(self, n_samples: int) -> Tensor:
        """Return codes as they are distributed, drawn by torch's generator."""

    def _new_module(self) -> nn.Module:
        settings: dict[str, Any] = {
            "activation": self.activation,
            "code_activation": self._code_activation(),
            "output_activation": self._last_activation(),
            "code_heads": self._code_heads,
        }
        shape, sizes = self.input_.image_shape, self._layer_sizes()
        code_size = self._code_size(self.n_features_in_)
        if shape is not None:
            return ConvolutionalAutoencoder(shape, sizes, (code_size,), **settings)
        return DenseAutoencoder(self.n_features_in_, sizes, code_size, **settings)

    def _drawn(self, n_samples: Any) -> NDArray:
        """Return rows decoded from the prior, with the noise of the random state in charge."""
        codes = self._prior_codes(checked_count("n_samples", n_samples)).numpy()
        return self._decoded(codes.astype(self.input_.dtype, copy=False))

    def sample(
        self, n_samples: int = 1, *, random_state: int | np.random.RandomState | None = None
    ) -> NDArray:
        """Draw new rows.

        Parameters
        ----------
        n_samples : int, default=1
            How many.

        random_state : int, RandomState instance or None, default=None
            Seeds the draw.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            In the units of X; or images, if `fit` got such.
        """
        check_is_fitted(self)
        with drawing(random_state):
            rows = self._drawn(n_samples)
        return self.input_.restore(rows)
