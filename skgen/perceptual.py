"""The perceptual loss: pictures compared by what another network sees in them."""

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional

from skgen.losses import Loss
from skgen.networks.convolutional import as_pictures, as_rows
from skgen.networks.features import VGG16_LAYERS, LayerOutputs, vgg16
from skgen.parameters import parameter
from skgen.scaling import Scaling

__all__ = ["PerceptualLoss"]

_VGG16_DEFAULT = ("relu1_2", "relu2_2", "relu3_3")
_VGG16_FILE = "vgg16_features.safetensors"
_IMAGENET_MEAN: tuple[float, ...] = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION: tuple[float, ...] = (0.229, 0.224, 0.225)

Features = Callable[[Tensor], list[Tensor]]


class PerceptualLoss(Loss):
    r"""Compare pictures by what another, frozen network `f` sees in them.

    .. math:: L = \sum_l w_l \frac{\|f_l(\hat x) - f_l(x)\|^2}{\|f_l(x)\|^2}
              + \text{pixel\_weight} \cdot (\hat x - x)^2

    with the outputs :math:`f_l` of its layers, norms over a minibatch, and the pixels' squared
    error in network units. A picture shifted by a pixel is far from itself in pixels, and near in
    what it shows [1]_, [2]_. Each layer counts relative to the size of its outputs, so that their
    scales, which differ by orders of magnitude, do not decide which is heard.

    The network may be:

    * a fitted autoencoder of skgen. It needs no labels and no download. Rows reach it in the units
      that it was fitted on.
    * ``"vgg16"``, with the weights that torchvision has for it, if that is installed, or out of a
      safetensors file. Pictures reach it as VGG16 was trained: in three channels, of grey ones all
      equal, their range mapped to [0, 1] and then standardised as ImageNet's colours. They are
      enlarged where the deepest layer would see fewer than four by four places.
    * any `torch.nn.Module` of pictures (batch, channels, height, width). Their range is mapped to
      [0, 1]; channels are repeated or averaged where its first convolution has three and the
      pictures one, or the other way round. Put a layer in front of it for more.

    The network is never trained: a frozen copy is made for a `fit`, and left out of pickles.

    Notes
    -----
    VGG16 takes many times as long as the autoencoder that it teaches, and learned from
    photographs: for small or drawn pictures, an autoencoder trained on the same pictures is the
    better teacher for its price. Some squared error of pixels (`pixel_weight`) keeps colours true,
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
    >>> from skgen.perceptual import PerceptualLoss
    >>> images = load_digits().images
    >>> teacher = ConvAutoencoder(max_epochs=5, random_state=0).fit(images)
    >>> model = ConvAutoencoder(16, loss=PerceptualLoss(teacher), max_epochs=5, random_state=0)
    >>> model.fit(images).transform(images).shape
    (1797, 16)
    """

    network: Any = parameter(
        "vgg16",
        [StrOptions({"vgg16"}), nn.Module, HasMethods(["fit", "transform"])],
        "'vgg16', torch.nn.Module or fitted estimator",
        """What looks at the pictures.""",
        positional=True,
    )
    layers: Sequence[str] | Mapping[str, float] | None = parameter(
        None,
        [list, tuple, dict, None],
        "list of str, dict of str to float, or None",
        """The layers to compare, or their weights by name; listed ones weigh the same. Names are
        those of the module's `named_modules`; of VGG16 ``"conv1_1"``, ``"relu1_1"``, ...,
        ``"pool5"``; of an autoencoder those of its encoder. None stands for ``"relu1_2"``,
        ``"relu2_2"`` and ``"relu3_3"`` of VGG16, for the hidden layers and the code of an
        autoencoder, and for the output of another module. Weights are taken relative to their
        sum.""",
        positional=True,
    )
    weights: str | Path | None = parameter(
        None,
        [str, Path, None],
        "str, Path or None",
        """A safetensors file with the network's weights under the names of its `state_dict`; for
        VGG16 as in torchvision, ``"0.weight"`` or ``"features.0.weight"``. For VGG16, None stands
        for torchvision's, and without torchvision for the file ``vgg16_features.safetensors`` in
        the folder that the environment variable SKGEN_DATA names.""",
    )
    pixel_weight: float = parameter(
        0.1,
        [Interval(Real, 0, None, closed="left")],
        "float",
        """How much the squared error of pixels counts beside it, in network units.""",
    )

    def __sklearn_clone__(self) -> "PerceptualLoss":
        """Copy without what scikit-learn does to a fitted network: it would unfit it."""
        return type(self)(**self.get_params(deep=False))

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of pictures (batch, channels, height, width), values in [0, 1]."""
        zeros = np.zeros(output[0].numel())
        identity = Scaling(zeros, zeros, 1.0)
        channels, *size = output.shape[1:]
        loss = self.in_units(identity, (size[0], size[1], channels), (0.0, 1.0))
        return loss(as_rows(output), as_rows(target))

    def in_units(
        self,
        scaling: Scaling,
        picture_shape: tuple[int, int, int] | None,
        value_range: tuple[float, float] | None,
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the loss as a function of rows in network units; see `Loss.in_units`."""
        return _FeatureLoss(self, scaling, picture_shape, value_range)


class _FeatureLoss:
    """A perceptual loss of rows in the network units of some model."""

    def __init__(
        self,
        spec: PerceptualLoss,
        scaling: Scaling,
        picture_shape: tuple[int, int, int] | None,
        value_range: tuple[float, float] | None,
    ):
        self.spec = spec
        self.scaling = scaling
        self.picture_shape = picture_shape
        self.value_range = value_range
        self.features: tuple[Features, list[float]] | None = self._build("cpu")
        self.device = torch.device("cpu")

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of `output` against `target`, both flat rows."""
        if self.features is None or self.device != output.device:
            self.features, self.device = self._build(str(output.device)), output.device
        features, weights = self.features
        with torch.no_grad():
            wanted = features(self.scaling.undo(target))
        loss = self.spec.pixel_weight * functional.mse_loss(output, target)
        for weight, seen, want in zip(
            weights, features(self.scaling.undo(output)), wanted, strict=True
        ):
            size = want.square().mean().clamp_min(torch.finfo(want.dtype).tiny)
            loss = loss + weight * functional.mse_loss(seen, want) / size
        return loss

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "features": None}

    def _build(self, device: str) -> tuple[Features, list[float]]:
        """Return a function from rows in the units of X to layers, and the layers' weights."""
        network = self.spec.network
        if isinstance(network, str | nn.Module):
            return self._of_pictures(device)
        check_is_fitted(network)
        module = getattr(getattr(network, "net_", None), "module_", None)
        if module is None or not hasattr(module, "hidden_layers"):
            raise ValueError(
                f"{network} has no encoder network to look into. Pass a fitted autoencoder of "
                'skgen, a torch.nn.Module, or "vgg16".'
            )
        n_features = len(self.scaling.mean)
        if network.n_features_in_ != n_features:
            raise ValueError(
                f"The network of the perceptual loss was fitted on {network.n_features_in_} "
                f"features, but X has {n_features}."
            )
        encoder = module.encoder
        last = list(dict(encoder.named_children()))[-1]
        layers = _weights_of(self.spec.layers, (*module.hidden_layers, last))
        outputs = LayerOutputs(_frozen(encoder, device), list(layers))
        to_units, scaling = _range_map(self.value_range, network), network.scaling_
        return lambda rows: outputs(scaling.apply(to_units(rows))), list(layers.values())

    def _of_pictures(self, device: str) -> tuple[Features, list[float]]:
        """Build for a network of pictures."""
        shape, spec = self.picture_shape, self.spec
        if shape is None or self.value_range is None:
            raise ValueError(
                "This perceptual loss compares pictures, and X is rows. Use ConvAutoencoder with "
                "arrays of pictures or image_shape; or pass a fitted autoencoder as the network."
            )
        low, high = self.value_range
        span = (high - low) or 1.0
        if spec.network == "vgg16":
            layers = _weights_of(spec.layers, _VGG16_DEFAULT)
            network = _load_vgg16(list(layers), spec.weights)
            offset, unit = _IMAGENET_MEAN, _IMAGENET_DEVIATION
            least = 4 * 2 ** max(_n_poolings(name) for name in layers)
        else:
            layers = _weights_of(spec.layers, ("",))
            network = spec.network
            if spec.weights is not None:
                network = copy.deepcopy(network)
                _load(network, _read(spec.weights), spec.weights)
            offset, unit, least = (0.0,), (1.0,), 1
        outputs = LayerOutputs(_frozen(network, device), list(layers))
        n_channels = _n_channels(network, shape[2])
        offsets, units = (torch.tensor(one, device=device).view(-1, 1, 1) for one in (offset, unit))

        def features(rows: Tensor) -> list[Tensor]:
            pictures = (as_pictures(rows, shape) - low) / span
            pictures = _in_channels(pictures, n_channels)
            enlarge = max(1.0, least / min(shape[:2]))
            if enlarge > 1:
                pictures = functional.interpolate(pictures, scale_factor=enlarge, mode="bilinear")
            return outputs((pictures - offsets) / units)

        return features, list(layers.values())


def _weights_of(
    layers: Sequence[str] | Mapping[str, float] | None, default: Sequence[str]
) -> dict[str, float]:
    """Return the weights of layers by name, relative to their sum."""
    weights = dict(layers) if isinstance(layers, Mapping) else dict.fromkeys(layers or default, 1.0)
    total = sum(weights.values())
    if min(weights.values()) < 0 or total <= 0:
        raise ValueError(f"The weights of layers have to be positive numbers, got {weights}.")
    return {name: weight / total for name, weight in weights.items()}


def _frozen(network: nn.Module, device: str) -> nn.Module:
    """Return a copy of a network that is not trained, in single precision."""
    copied = copy.deepcopy(network).to(device=device, dtype=torch.float32).eval()
    for layer in copied.modules():
        if getattr(layer, "inplace", False):  # would overwrite the layer before, which may count
            setattr(layer, "inplace", False)  # noqa: B010
    return copied.requires_grad_(False)


def _range_map(
    value_range: tuple[float, float] | None, network: BaseEstimator
) -> Callable[[Tensor], Tensor]:
    """Return the map from a model's range of values to that of another model."""
    theirs = getattr(network, "value_range_", None)
    if value_range is None or theirs is None or value_range == theirs:
        return lambda rows: rows
    factor = (theirs[1] - theirs[0]) / ((value_range[1] - value_range[0]) or 1.0)
    return lambda rows: (rows - value_range[0]) * factor + theirs[0]


def _n_channels(network: nn.Module, given: int) -> int:
    """Return how many channels a network takes: those given, if it does not say."""
    first = next((one for one in network.modules() if isinstance(one, nn.Conv2d)), None)
    takes = given if first is None else first.in_channels
    if takes == given or 1 in (takes, given) or (takes, given) == (3, 4):
        return takes
    raise ValueError(f"The network takes {takes} channels, but the pictures of X have {given}.")


def _in_channels(pictures: Tensor, n_channels: int) -> Tensor:
    """Return pictures in grey or in colour."""
    given = pictures.shape[1]
    if given == n_channels:
        return pictures
    if given == 1:
        return pictures.expand(-1, n_channels, -1, -1)
    colours = pictures[:, :3]  # without what a fourth channel says of transparency
    return colours.mean(dim=1, keepdim=True) if n_channels == 1 else colours


# VGG16


def _n_poolings(layer: str) -> int:
    """Return how many times a layer of VGG16 comes after a halving of the picture."""
    return sum(name.startswith("pool") for name in VGG16_LAYERS[: VGG16_LAYERS.index(layer) + 1])


def _load_vgg16(layers: Sequence[str], weights: str | Path | None) -> nn.Module:
    """Return VGG16 with pretrained weights, up to the deepest of the layers."""
    unknown = [name for name in layers if name not in VGG16_LAYERS]
    if unknown:
        raise ValueError(f"VGG16 has no layer {unknown}. It has: {', '.join(VGG16_LAYERS)}.")
    deepest = max(layers, key=VGG16_LAYERS.index)
    network = vgg16(deepest)
    positions = {str(n): name for n, name in enumerate(VGG16_LAYERS[: len(network)])}
    source, values = _vgg16_weights(weights)
    renamed = {}
    for key, value in values.items():
        number, _, kind = key.removeprefix("features.").partition(".")
        if number in positions:
            renamed[f"{positions[number]}.{kind}"] = value
    _load(network, renamed, source)
    return network


def _vgg16_weights(weights: str | Path | None) -> tuple[str, Mapping[str, Tensor]]:
    if weights is not None:
        return str(weights), _read(weights)
    try:
        from torchvision.models import VGG16_Weights
    except ImportError:
        path = Path(os.environ.get("SKGEN_DATA", "")) / _VGG16_FILE
        if "SKGEN_DATA" in os.environ and path.exists():
            return str(path), _read(path)
        raise ImportError(
            'network="vgg16" needs its weights: pip install torchvision, which downloads them; or '
            "pass weights=, a safetensors file; or let the environment variable SKGEN_DATA name a "
            f"folder with {_VGG16_FILE}. A fitted autoencoder as the network needs none of these."
        ) from None
    return "torchvision", VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=False)


def _read(path: str | Path) -> Mapping[str, Tensor]:
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise ImportError(
            "Reading weights needs safetensors: pip install skgen[perceptual]"
        ) from error
    tensors: Mapping[str, Tensor] = load_file(str(path))
    return tensors


def _load(network: nn.Module, values: Mapping[str, Tensor], source: str | Path) -> None:
    """Give a network its weights, or say which names or shapes do not match."""
    wanted = network.state_dict()
    missing = sorted(wanted.keys() - values.keys())
    surplus = sorted(values.keys() - wanted.keys())
    misshapen = [
        f"{name} {tuple(values[name].shape)} for {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in values and values[name].shape != tensor.shape
    ]
    problems = {"missing": missing, "not in the network": surplus, "of another shape": misshapen}
    found = [f"{what}: {', '.join(names[:5])}" for what, names in problems.items() if names]
    if found:
        raise ValueError(f"The weights in {source} do not match the network; {'; '.join(found)}.")
    network.load_state_dict({name: value.float() for name, value in values.items()}, assign=True)
