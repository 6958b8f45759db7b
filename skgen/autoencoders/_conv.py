"""The convolutional autoencoder."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval
from torch import nn

from skgen.autoencoders._deep import BaseDeepAutoencoder
from skgen.autoencoders._regularized import Regularized
from skgen.inputs.images import ImageInput
from skgen.networks.convolutional import ConvolutionalAutoencoder, halved
from skgen.parameters import checked_sizes, parameter

__all__ = ["ConvAutoencoder"]

# How many times smaller than an image its code is by default.
_COMPRESSION = 8


@final
class ConvAutoencoder(ImageInput, Regularized, BaseDeepAutoencoder):
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

    _fitted: ClassVar[Mapping[str, str]] = {"n_components_ : int": "Numbers in a code."}

    n_components: int | None = parameter(
        None,
        [Interval(Integral, 1, None, closed="left"), None],
        "int or None",
        """Size of a dense code. None leaves the code an image of features.""",
        positional=True,
    )
    n_filters: Sequence[int] = parameter(
        (32, 64, 128),
        ["array-like"],
        "sequence of int",
        """Channels of the encoder's levels, input side first, each of which halves height and
        width. The decoder mirrors them.""",
    )
    n_code_filters: int | None = parameter(
        None,
        [Interval(Integral, 1, None, closed="left"), None],
        "int or None",
        """Channels of a code that is an image of features. None stands for as many as make it an
        eighth of the size of X, and for one at least. Not used with `n_components`.""",
    )

    def _code_shape(self) -> tuple[int, ...]:
        if self.n_components is not None:
            return (self.n_components,)
        shape = self._image_shape()
        height, width = halved(shape, len(self.n_filters))[-1]
        fitting = np.prod(shape) // (_COMPRESSION * height * width)
        return height, width, self.n_code_filters or max(1, int(fitting))

    def _code_size(self, n_features: int) -> int:
        return int(np.prod(self._code_shape()))

    def _channels(self) -> list[int]:
        channels = checked_sizes(self, "n_filters")
        if not channels:
            raise ValueError("channels needs at least one level, got none.")
        return channels

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "image_shape": None if self.image_shape is None else tuple(self.image_shape),
            "n_filters": self._channels(),
            "n_code_filters": self.n_code_filters,
        }

    def _new_module(self, n_features: int) -> nn.Module:
        return ConvolutionalAutoencoder(
            self._image_shape(),
            self._channels(),
            self._code_shape(),
            activation=self.activation,
            code_activation=self._code_activation(),
            output_activation=self._last_activation(),
        )

    def _n_hidden_features(self) -> int:
        return sum(self.net_.built_with_["n_filters"])

    def _code_image_shape(self) -> tuple[int, int, int] | None:
        height, width, channels = (*self._code_shape(), 0, 0)[:3]
        return (height, width, channels) if channels else None

    def _code_size_was_chosen(self) -> bool:
        return self.n_components is not None or self.n_code_filters is not None

    def _learn(self, X: ArrayLike, *, partial: bool) -> NDArray:
        X = super()._learn(X, partial=partial)
        self._widen_value_range(X)
        self.code_shape_ = self._code_shape()
        self.compression_rate_ = self.n_features_in_ / self.n_components_
        return X
