"""What autoencoders share whose codes follow a known distribution: networks, and samples."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen.autoencoders._networks import BaseNetworkAutoencoder
from skgen.engine.random_state import drawing
from skgen.inputs.rows_or_images import RowsOrImages
from skgen.networks.convolutional import ConvolutionalAutoencoder
from skgen.networks.dense import DenseAutoencoder
from skgen.parameters import checked_count

__all__ = ["BaseSamplingAutoencoder"]


class BaseSamplingAutoencoder(RowsOrImages, BaseNetworkAutoencoder, ABC):
    """Base class of the autoencoders that new rows can be drawn from."""

    @abstractmethod
    def _prior_codes(self, n_samples: int) -> Tensor:
        """Return codes as they are distributed, drawn by torch's generator."""

    def _networks(self, n_features: int, **settings: Any) -> nn.Module:
        """Return an encoder and a decoder of the kind that fits X."""
        settings = {"activation": self.activation, **settings}
        code_size = self._code_size(n_features)
        if self._of_images:
            shape, channels = self._image_shape(), self._layer_sizes()
            return ConvolutionalAutoencoder(shape, channels, (code_size,), **settings)
        return DenseAutoencoder(n_features, self._layer_sizes(), code_size, **settings)

    def _learn(self, X: ArrayLike, *, partial: bool) -> NDArray:
        X = super()._learn(X, partial=partial)
        self._widen_value_range(X)
        return X

    def _drawn(self, n_samples: Any) -> NDArray:
        """Return rows decoded from the prior, with the noise of the random state in charge."""
        codes = self._prior_codes(checked_count("n_samples", n_samples)).numpy()
        codes = codes.astype(self._precision, copy=False)
        return self._apply(self._maps(codes.dtype)[1], codes)

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
        return self._as_given(rows)
