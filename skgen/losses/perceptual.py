"""The perceptual loss: images compared by what another network sees in them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional

from skgen.extractors import (
    LooksIntoNetwork,
    frozen,
    layer_weights,
    n_channels_of,
    n_poolings,
    opened,
)
from skgen.inputs import RowInput, Scaling
from skgen.losses.elementwise import Loss
from skgen.networks.convolutional import as_images, as_rows
from skgen.networks.features import FeatureMaps, LayerOutputs
from skgen.parameters import NOT_NEGATIVE, parameter

__all__ = ["PerceptualLoss"]

_VGG16_DEFAULT = ("relu1_2", "relu2_2", "relu3_3")

# Sides of images that a network may work on, where it does not on those of X.
_SIDES = (8, 16, 24, 28, 32, 48, 64, 96, 128, 192, 224, 256, 299, 384, 512)

_BYTES, _UNIT = (0.0, 255.0), (0.0, 1.0)

Features = Callable[[Tensor], list[Tensor]]


class PerceptualLoss(LooksIntoNetwork, Loss):
    r"""Compare images by what another, frozen network `f` sees in them.

    .. math:: L = \sum_l w_l \frac{\|f_l(\hat x) - f_l(x)\|^2}
              {\frac{1}{2} (\|f_l(\hat x)\|^2 + \|f_l(x)\|^2)}
              + \text{pixel\_weight} \cdot \frac{1}{d} \|\hat x - x\|^2

    with the outputs :math:`f_l` of its layers, norms over a minibatch, of which the denominator is
    held constant in gradients, and the mean squared error of the d pixels in network units. A
    image shifted by a pixel is far from itself in pixels, and near in what it shows [1]_, [2]_.
    Each layer counts relative to the size of its outputs, so that their scales, which differ by
    orders of magnitude, do not decide which is heard.

    The network may be:

    * a fitted autoencoder of skgen. It needs no labels and no download. X has to be in the units
      that it was fitted on; only between bytes and numbers from 0 to 1, values are mapped.
    * ``"vgg16"``, with the weights that torchvision has for it, if that is installed, or out of a
      safetensors file. Images reach it as VGG16 was trained: in three channels, of gray ones all
      equal, their range mapped to [0, 1] and then standardized as ImageNet's colors. Sides are
      enlarged where the deepest layer would see fewer than four places along them.
    * any `torch.nn.Module` of images (batch, channels, height, width). Their range is mapped to
      [0, 1]; channels are repeated or averaged where its first convolution has three and the
      images one, or the other way round, and a fourth channel is left out. Put a layer in front
      of it for more. Of a layer that it uses several times, the first time counts.

    The network is never trained: a frozen copy is made for a `fit`, and left out of pickles.

    Notes
    -----
    VGG16 takes many times as long as the autoencoder that it teaches, and learned from
    photographs: for small or drawn images, an autoencoder trained on the same images is the
    better teacher for its price. Some squared error of pixels (`pixel_weight`) keeps colors true,
    about which deep layers do not care. `score` and `score_samples` still count pixels.

    References
    ----------
    .. [1] J. Johnson, A. Alahi, L. Fei-Fei, "Perceptual losses for real-time style transfer and
       super-resolution", ECCV 2016.
    .. [2] A. Dosovitskiy, T. Brox, "Generating images with perceptual similarity metrics based on
       deep networks", NeurIPS 2016.
    .. [3] G. Pihlgren, F. Sandin, M. Liwicki, "Improving image autoencoder embeddings with
       perceptual loss", IJCNN 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import ConvAutoencoder
    >>> from skgen.losses import PerceptualLoss
    >>> images = load_digits().images
    >>> teacher = ConvAutoencoder(max_epochs=5, random_state=0).fit(images)
    >>> model = ConvAutoencoder(16, loss=PerceptualLoss(teacher), max_epochs=5, random_state=0)
    >>> model.fit(images).transform(images).shape
    (1797, 16)
    """

    layers: Sequence[str] | Mapping[str, float] | None = parameter(
        None,
        [list, tuple, dict, None],
        """The layers to compare, or their weights by name; listed ones weigh the same. Names are
        those of the module's `named_modules`; of VGG16 ``"conv1_1"``, ``"relu1_1"``, ...,
        ``"pool5"``; of an autoencoder those of its encoder. None stands for ``"relu1_2"``,
        ``"relu2_2"`` and ``"relu3_3"`` of VGG16, for the hidden layers and the code of an
        autoencoder, and for the output of another module. Weights are taken relative to their
        sum.""",
        kind="list of str, dict of str to float, or None",
        positional=True,
    )
    pixel_weight: float = parameter(
        0.1,
        NOT_NEGATIVE,
        """How much the squared error of pixels counts beside it, in network units.""",
    )

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of images (batch, channels, height, width), values in [0, 1]."""
        zeros = np.zeros(output[0].numel())
        identity = Scaling(zeros, zeros, 1.0)
        channels, *size = output.shape[1:]
        loss = _FeatureLoss(self, identity, (size[0], size[1], channels), (0.0, 1.0))
        return loss(as_rows(output), as_rows(target))

    def in_units(self, taken: RowInput) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the loss as a function of rows in network units; see `Loss.in_units`."""
        return _FeatureLoss(self, taken.scaling, taken.image_shape, taken.value_range)


class _FeatureLoss:
    """A perceptual loss of rows in the network units of some model."""

    def __init__(
        self,
        spec: PerceptualLoss,
        scaling: Scaling,
        image_shape: tuple[int, int, int] | None,
        value_range: tuple[float, float] | None,
    ):
        self.spec = spec
        self.scaling = scaling
        self.image_shape = image_shape
        self.value_range = value_range
        self.device = torch.device("cpu")
        self.features: Features | None = self._build(self.device)
        self.weights = list(self._layers.values())

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of `output` against `target`, both flat rows."""
        if self.features is None or self.device != output.device:
            self.features, self.device = self._build(output.device), output.device
        with torch.no_grad():
            wanted = self.features(target)
        loss = self.spec.pixel_weight * functional.mse_loss(output, target)
        for weight, seen, want in zip(self.weights, self.features(output), wanted, strict=True):
            size = (want.square().mean() + seen.detach().square().mean()) / 2
            error = functional.mse_loss(seen, want)
            loss = loss + weight * error / size.clamp_min(torch.finfo(size.dtype).tiny)
        return loss

    is_mean_over_rows: ClassVar[bool] = False  # each layer counts by its norm over a batch

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "features": None}

    def _build(self, device: torch.device) -> Features:
        """Return a function from rows in network units to what the layers make of them."""
        if isinstance(self.spec.network, str | nn.Module):
            return self._of_images(device)
        return self._of_rows(device)

    def _of_rows(self, device: torch.device) -> Features:
        """Build for a fitted autoencoder."""
        network = self.spec.network
        check_is_fitted(network)
        if not hasattr(network, "encoder_module"):
            raise ValueError(
                f"{network} has no encoder network to look into. Pass a fitted autoencoder of "
                'skgen, a torch.nn.Module, or "vgg16".'
            )
        if self.spec.weights is not None:
            raise ValueError("A fitted autoencoder has its weights: leave out `weights`.")
        module, seen, theirs = (
            network.encoder_module(),
            self.image_shape,
            network.input_.image_shape,
        )
        if network.n_features_in_ != len(self.scaling.mean) or (
            seen and theirs not in (None, seen)
        ):
            raise ValueError(
                f"The network of the perceptual loss was fitted on "
                f"{theirs or network.n_features_in_} features, but X has "
                f"{seen or len(self.scaling.mean)}. Resize X, or fit it on rows like these."
            )
        self._layers = layer_weights(self.spec.layers, module.layers)
        outputs = LayerOutputs(frozen(module.encoder, device), list(self._layers))
        ranges: Any = self.value_range, network.input_.value_range
        factor = {(_BYTES, _UNIT): 1 / 255, (_UNIT, _BYTES): 255.0}.get(ranges, 1.0)
        scaling = network.scaling_
        ratio = self.scaling.scale * factor / scaling.scale
        if not 0.1 < ratio < 10:
            raise ValueError(
                f"The network of the perceptual loss was fitted on values that vary by "
                f"{scaling.scale:.3g}, and those of X vary by {self.scaling.scale * factor:.3g}. "
                "Bring both to the same units."
            )
        to_theirs = self._affine(factor / scaling.scale, scaling.offset / factor, device)
        return lambda rows: outputs(to_theirs(rows))

    def _of_images(self, device: torch.device) -> Features:
        """Build for a network of images."""
        shape, spec = self.image_shape, self.spec
        if shape is None or self.value_range is None:
            raise ValueError(
                "This perceptual loss compares images, and X is rows. Use ConvAutoencoder with "
                "arrays of images or image_shape; or pass a fitted autoencoder as the network."
            )
        is_vgg16 = spec.network == "vgg16"
        self._layers = layer_weights(spec.layers, _VGG16_DEFAULT if is_vgg16 else ("",))
        network, mean, deviation = opened(spec.network, list(self._layers), spec.weights)
        n_channels = n_channels_of(network, shape[2])
        maps = FeatureMaps(
            frozen(network, device), list(self._layers), mean, deviation, n_channels
        ).to(device)
        least = 4 * 2 ** max(map(n_poolings, self._layers)) if is_vgg16 else 1
        if not is_vgg16:  # which images are enlarged for
            _check_size(maps.outputs, network, n_channels, shape, device)
        low, high = self.value_range
        to_unit = self._affine(1 / ((high - low) or 1.0), np.float64(low), device)
        enlarged = [max(side, least) for side in shape[:2]]

        def features(rows: Tensor) -> list[Tensor]:
            images = as_images(to_unit(rows), shape)
            if enlarged != list(shape[:2]):
                images = functional.interpolate(images, size=enlarged, mode="bilinear")
            seen: list[Tensor] = maps(images)
            return seen

        return features

    def _affine(self, factor: float, zero: Any, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Return the map of rows in network units to ``(x - zero) * factor``, x in those of X."""
        offsets = ((self.scaling.offset - zero) * factor).astype(np.float32)
        offset = torch.as_tensor(offsets, device=device)
        return lambda rows: torch.add(offset, rows, alpha=self.scaling.scale * factor)


def _check_size(
    outputs: LayerOutputs,
    network: nn.Module,
    n_channels: int,
    shape: Sequence[int],
    device: torch.device,
) -> None:
    """Raise an error if a network does not work on images of that size, with one that it does."""

    def failure(height: int, width: int) -> Exception | None:
        try:
            with torch.no_grad(), torch.random.fork_rng([]):
                seen = outputs(torch.zeros(2, n_channels, height, width, device=device))
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            return error
        empty = any(one.numel() == 0 for one in seen)
        return ValueError("nothing is left of such images") if empty else None

    height, width = shape[:2]
    error = failure(height, width)
    if error is None:
        return
    at_least = max(height, width)
    sides = sorted(_SIDES, key=lambda side: (side < at_least, abs(side - at_least)))
    fitting = next((side for side in sides if failure(side, side) is None), None)
    fails = (
        f"The network of the perceptual loss, {type(network).__name__}, does not work on images of "
        f"{height} x {width} pixels and {n_channels} channels, as those of X are"
    )
    if fitting is None:  # so it is not for the size
        raise ValueError(f"{fails}: {error}") from error
    raise ValueError(
        f"{fails} ({error}); it does on {fitting} x {fitting}. Resize X to that, or compare layers "
        "nearer to the network's input, by `layers`."
    ) from error
