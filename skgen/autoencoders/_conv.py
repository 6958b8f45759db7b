"""The convolutional autoencoder."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from torch import nn

from skgen.autoencoders._deep import BaseDeepAutoencoder
from skgen.autoencoders._regularized import Regularized
from skgen.engine import Column
from skgen.inputs import ImageInput
from skgen.inputs.images import FILTERS, TakesImages, filters_for
from skgen.networks.convolutional import ConvolutionalAutoencoder, halved
from skgen.parameters import COUNT, SIZES, checked_sizes, parameter

__all__ = ["ConvAutoencoder"]

# How many times smaller than an image its code is by default.
_COMPRESSION = 8


@final
class ConvAutoencoder(TakesImages, Regularized, BaseDeepAutoencoder):
    r"""A convolutional autoencoder: images to a code, and back to images.

    It minimizes

    .. math:: L = \ell(\text{Dec}(n(\text{Enc}(c(x)))), x) + \sum_p p(x, \text{Enc}(c(x)))

    over minibatches, where the loss :math:`\ell` is the mean squared error by default, and the
    corruption :math:`c`, the noise on the code :math:`n` and the penalties :math:`p` are none.

    Every level of the encoder halves height and width by a 3x3 convolution of stride 2. The
    decoder doubles them by repeating pixels before it convolves, which leaves no checkerboard
    [2]_. The code is the last level, mixed down to few channels, and so again an image; or a dense
    code of a size of your choice.

    Attributes
    ----------
    code_shape_ : tuple of int
        ``(height, width, channels)`` of the code, or ``(n_components,)``. `transform` returns it
        flat: ``codes.reshape(-1, *code_shape_)``.

    compression_rate_ : float
        Numbers in an image for every number in its code.

    See Also
    --------
    Autoencoder : Of dense layers, for tables.
    skgen.losses.PerceptualLoss : Compares images by what another network sees in them.

    Notes
    -----
    X may be of shape (n_samples, height, width), (n_samples, height, width, channels) or, with
    `image_shape`, (n_samples, n_features); `inverse_transform` returns the layout that `fit` was
    given, as floats in the range of X: of bytes, 0 to 255. Any size will do. Bytes stay bytes until
    a minibatch is made of them.

    X is centered pixel by pixel and divided by one overall scale before it enters the network, and
    results come back in the units of X.

    References
    ----------
    .. [1] J. Masci, U. Meier, D. Ciresan, J. Schmidhuber, "Stacked convolutional auto-encoders for
       hierarchical feature extraction", ICANN 2011.
    .. [2] A. Odena, V. Dumoulin, C. Olah, "Deconvolution and checkerboard artifacts", Distill,
       2016.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import ConvAutoencoder
    >>> images = load_digits().images
    >>> images.shape
    (1797, 8, 8)
    >>> model = ConvAutoencoder(16, max_epochs=10, random_state=0).fit(images)
    >>> model.transform(images).shape, model.compression_rate_
    ((1797, 16), 4.0)
    >>> model.inverse_transform(model.transform(images[:5])).shape
    (5, 8, 8)
    """

    if TYPE_CHECKING:
        input_: ImageInput

    _fitted: ClassVar[Mapping[str, str]] = {"n_components_ : int": "Numbers in a code."}

    n_components: int | None = parameter(
        None,
        [*COUNT, None],
        """Size of a dense code. None leaves the code an image of features.""",
        positional=True,
    )
    n_filters: Sequence[int] | None = parameter(
        None,
        [*SIZES, None],
        """Filters of the encoder's levels, input side first, each of which halves height and
        width. The decoder mirrors them. None stands for ``(32, 64, 128)``; and for 16, 32, 64, 128,
        256, 256, ... before a dense code of images with more pixels than 64 x 64: as many levels
        as leave 8 x 8 places at most.""",
        kind="sequence of int or None",
    )
    n_code_filters: int | None = parameter(
        None,
        [*COUNT, None],
        """Filters of a code that is an image of features. None stands for as many as make it an
        eighth of the size of X, and for one at least. Not used with `n_components`.""",
    )

    def _input(self) -> ImageInput:
        units = self._units()
        return ImageInput(self.image_shape, units, units, as_lines=True)

    def _image_shape(self) -> tuple[int, int, int]:
        shape = self.input_.image_shape
        assert shape is not None  # rows are lines
        return shape

    def _filters(self) -> list[int]:
        """Return `n_filters`, checked, or what it stands for."""
        if self.n_filters is not None:
            return checked_sizes(self, "n_filters", at_least=1)
        if self.n_components is None:  # whose code is no smaller for more levels
            return list(FILTERS)
        return filters_for(self._image_shape())

    def _code_shape(self) -> tuple[int, ...]:
        if self.n_components is not None:
            return (self.n_components,)
        shape = self._image_shape()
        height, width = halved(shape, len(self._filters()))[-1]
        fitting = np.prod(shape) // (_COMPRESSION * height * width)
        return height, width, self.n_code_filters or max(1, int(fitting))

    def _code_size(self, n_features: int) -> int:
        return int(np.prod(self._code_shape()))

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "n_filters": self._filters(),
            "n_code_filters": self.n_code_filters,
        }

    def _new_module(self) -> nn.Module:
        return ConvolutionalAutoencoder(
            self._image_shape(),
            self._filters(),
            self._code_shape(),
            activation=self.activation,
            code_activation=self._code_activation(),
            output_activation=self._last_activation(),
        )

    def _n_hidden_features(self) -> int:
        n_features: int = sum(self.net_.built_with_["n_filters"])
        return n_features

    def _code_image_shape(self) -> tuple[int, int, int] | None:
        height, width, channels = (*self._code_shape(), 0, 0)[:3]
        return (height, width, channels) if channels else None

    def _code_size_was_chosen(self) -> bool:
        return self.n_components is not None or self.n_code_filters is not None

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        columns = super()._learn(X, y, **options)
        self.code_shape_ = self._code_shape()
        self.compression_rate_ = self.n_features_in_ / self.n_components_
        return columns
