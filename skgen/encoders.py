"""What all models with an encoder share: the transformer's methods, and the encoder by itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen.base import BaseModel
from skgen.corruptions import Corruption, on_rows, resolve_corruption, usual_views
from skgen.networks.encoders import InUnits

__all__ = ["BaseEncoder", "RowFunction"]

RowFunction = Callable[[Tensor], Tensor]


class BaseEncoder(TransformerMixin, ClassNamePrefixFeaturesOutMixin, BaseModel, ABC):
    """Base class of the models that encode rows."""

    @abstractmethod
    def _encoder(self) -> nn.Module:
        """Return the encoder, which takes rows in network units."""

    def _hidden_layers(self) -> Sequence[str]:
        """Return the names of its hidden layers."""
        return ()

    def _code_head(self) -> nn.Module | None:
        """Return what makes codes of what it gives, if these are not codes."""
        return None

    @abstractmethod
    def _features(self) -> RowFunction:
        """Return what `transform` applies to rows in network units."""

    def _distortion(self, given: Any) -> RowFunction | None:
        """Return what a parameter `corruption` does to the rows of a batch; None for nothing."""
        distortion: RowFunction | None = on_rows(resolve_corruption(given), self.input_.image_shape)
        return distortion

    def _usual_views(self) -> list[Corruption]:
        """Return what makes a row another one of the same meaning, where nothing is known of it."""
        return usual_views(of_images=self.input_.image_shape is not None)

    def encoder_module(self) -> nn.Module:
        """Return scaling and encoder as one torch module, in the units of X.

        For a loss that compares what it sees, for a classifier on top, or for export.

        Returns
        -------
        module : torch.nn.Module
            From rows as X has them, (n_samples, n_features) or images of X's layout, to codes. It
            is a copy, in evaluation mode. Its submodule ``encoder`` starts from network units.
        """
        check_is_fitted(self)
        encoder, scaling = self._encoder(), self.scaling_
        hidden_layers = self._hidden_layers()
        return InUnits(encoder, scaling.offset, scaling.scale, hidden_layers, self._code_head())

    def transform(self, X: ArrayLike) -> NDArray:
        """Encode rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows of the kind seen in `fit`.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_features_out)
            Their codes, or what `features` says where there is such a parameter; in double
            precision if X is. Those of images are flat, too.
        """
        columns = self._columns(X)
        codes: NDArray = self._apply(self._features(), columns)
        return codes

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
