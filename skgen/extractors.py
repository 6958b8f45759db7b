"""Networks that are looked into, opened: with their weights, in the units that they want."""

import copy
import os
from abc import ABC
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen._sklearn import HasMethods, StrOptions
from skgen.networks.features import VGG16_LAYERS, FeatureMaps, vgg16
from skgen.parameters import Component, parameter

__all__ = [
    "FeatureExtractor",
    "LooksIntoNetwork",
    "frozen",
    "layer_weights",
    "n_channels_of",
    "n_poolings",
    "opened",
]

_VGG16_FILE = "vgg16_features.safetensors"
_IMAGENET_MEAN: tuple[float, ...] = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION: tuple[float, ...] = (0.229, 0.224, 0.225)


class LooksIntoNetwork(Component, ABC):
    """What looks into a frozen network: a component that holds it, or says where it is."""

    network: Any = parameter(
        "vgg16",
        [StrOptions({"vgg16"}), nn.Module, HasMethods(["fit", "transform"])],
        """What looks at the images.""",
        kind="'vgg16', torch.nn.Module or fitted autoencoder",
        positional=True,
    )
    weights: str | Path | None = parameter(
        None,
        [str, Path, None],
        """A safetensors file with the network's weights under the names of its `state_dict`; for
        VGG16 as in torchvision, ``"0.weight"`` or ``"features.0.weight"``. For VGG16, None stands
        for torchvision's, and without torchvision for the file ``vgg16_features.safetensors`` in
        the folder that the environment variable SKGEN_DATA names; and ``"random"`` for weights
        that are drawn, always the same ones, and have learned nothing.""",
        kind="str, Path or None",
    )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, not those of the network: they are of no use in a fitted one.

        Parameters
        ----------
        deep : bool, default=True
            Present for scikit-learn's sake.

        Returns
        -------
        params : dict
            Values by name.
        """
        return super().get_params(deep=False)

    def __sklearn_clone__(self) -> Self:
        """Copy without what scikit-learn does to a fitted network: it would unfit it."""
        return type(self)(**self.get_params(deep=False))


@final
class FeatureExtractor(LooksIntoNetwork):
    """A frozen network that is looked into: what its layers make of images of any size.

    The network may be:

    * ``"vgg16"``, with the weights that torchvision has for it, if that is installed, or out of a
      safetensors file.
    * a fitted `ConvAutoencoder`, whose levels are convolutions. It needs no labels and no download.
    * any `torch.nn.Module` of images (batch, channels, height, width) with values from 0 to 1.
      Channels are averaged where its first convolution has one.

    It is never trained: a frozen copy is made of it.

    Examples
    --------
    >>> import torch
    >>> from skgen.extractors import FeatureExtractor
    >>> features = FeatureExtractor(weights="random").build(["relu1_1", "relu2_1"])
    >>> [tuple(maps.shape) for maps in features(torch.rand(2, 3, 40, 60))]
    [(2, 64, 40, 60), (2, 128, 20, 30)]
    """

    def default_layers(self) -> list[str]:
        """Return the layers to look at where nobody says which, the deepest last."""
        if isinstance(self.network, str):
            return ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
        if isinstance(self.network, nn.Module):
            return [""]
        return list(_levels(self.network))

    def build(self, layers: Sequence[str], device: str = "cpu") -> FeatureMaps:
        """Return the network as a module from images with values in [0, 1] to maps of features.

        Convolutions that pad with zeros repeat the image's border in their place, so that no
        frame shows. Where VGG16 takes maxima of neighbors, averages are taken, as is usual for
        style [1]_: pictures are smoother.

        Parameters
        ----------
        layers : sequence of str
            Names of its layers: of VGG16 ``"conv1_1"``, ``"relu1_1"``, ..., ``"pool5"``; of an
            autoencoder the numbers of its levels, from ``"1"``; of a module those that
            `named_modules` has.

        device : str, default="cpu"
            Where to put it.

        Returns
        -------
        features : FeatureMaps
            Maps images (batch, channels, height, width) to a list of tensors.

        Raises
        ------
        ValueError
            If there is no such layer, or if the network has no levels to look into.

        ImportError
            If there are no weights to be found.

        References
        ----------
        .. [1] L. Gatys, A. Ecker, M. Bethge, "Image style transfer using convolutional neural
           networks", CVPR 2016.
        """
        found = (
            opened(self.network, layers, self.weights)
            if isinstance(self.network, str | nn.Module)
            else _levels_and_units(self.network, self.weights)
        )
        network, mean, deviation = found
        network = frozen(network, torch.device(device))
        for one in network.modules():
            if isinstance(one, nn.Conv2d) and one.padding_mode == "zeros":
                one.padding_mode = "replicate"
        if isinstance(self.network, str):  # maxima make for speckles in pictures
            for name, one in network.named_children():
                if isinstance(one, nn.MaxPool2d):
                    setattr(network, name, nn.AvgPool2d(2))
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        channels = n_channels_of(network, 3)
        return FeatureMaps(network, layers, mean, deviation, channels).to(device)


def opened(
    network: Any, layers: Sequence[str], weights: str | Path | None
) -> tuple[nn.Module, Sequence[float], Sequence[float]]:
    """Return VGG16 up to the deepest of the layers, or a module, with weights out of a file.

    Returns
    -------
    network : torch.nn.Module
        The network.

    mean, deviation : sequence of float
        By channel, what images of values in [0, 1] are to be standardized by.
    """
    if isinstance(network, str):
        return _load_vgg16(layers, weights), _IMAGENET_MEAN, _IMAGENET_DEVIATION
    if weights is not None:
        network = copy.deepcopy(network)
        _load(network, _read(weights), weights)
    return network, (0.0,), (1.0,)


def _levels(model: Any) -> list[str]:
    """Return the names of the levels of a fitted convolutional autoencoder."""
    check_is_fitted(model)
    module: Any = getattr(getattr(model, "net_", None), "module_", None)
    shape = getattr(getattr(model, "input_", None), "image_shape", None)
    if shape is None or not hasattr(module, "hidden_layers"):
        raise ValueError(
            f"{model} has no levels of convolutions to look into. Pass a fitted ConvAutoencoder, a "
            'torch.nn.Module, or "vgg16".'
        )
    return list(module.hidden_layers)


def _levels_and_units(
    model: Any, weights: str | Path | None
) -> tuple[nn.Module, Sequence[float], Sequence[float]]:
    """Return the levels of a fitted convolutional autoencoder, and its units as those of [0, 1].

    What its pixels are centered by is averaged over the image, since images have other sizes.
    """
    if weights is not None:
        raise ValueError("A fitted autoencoder has its weights: leave out `weights`.")
    levels = _levels(model)
    encoder = model.net_.module_.encoder
    network = nn.Sequential()
    for name in levels:
        network.add_module(name, encoder.get_submodule(name))
    low, high = model.input_.value_range or (0.0, 1.0)
    shape, scaling = model.input_.image_shape, model.scaling_
    width = (high - low) or 1.0
    mean = (scaling.offset.reshape(shape).mean(axis=(0, 1)) - low) / width
    return network, mean.tolist(), [scaling.scale / width]


def layer_weights(
    layers: Sequence[str] | Mapping[str, float] | None,
    default: Sequence[str],
    name: str = "layers",
) -> dict[str, float]:
    """Return the weights of layers by name, relative to their sum."""
    named = default if layers is None else layers
    weights = dict(named) if isinstance(named, Mapping) else dict.fromkeys(named, 1.0)
    numbers = [isinstance(one, Real) and 0 <= one < np.inf for one in weights.values()]
    if not weights or not all(numbers) or sum(weights.values()) == 0:
        raise ValueError(
            f"{name} has to name one at least, with weights of 0 or more, got {layers}."
        )
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def frozen(network: nn.Module, device: torch.device) -> nn.Module:
    """Return a copy of a network that is not trained, in single precision."""
    copied = copy.deepcopy(network).to(device=device, dtype=torch.float32).eval()
    return copied.requires_grad_(False)


def n_channels_of(network: nn.Module, given: int) -> int:
    """Return how many channels a network takes: those given, if it does not say."""
    first = next((one for one in network.modules() if isinstance(one, nn.Conv2d)), None)
    takes = given if first is None else first.in_channels
    if takes == given or (takes, given) in {(3, 1), (1, 3), (1, 4), (3, 4)}:
        return takes
    raise ValueError(f"The network takes {takes} channels, but the images of X have {given}.")


# VGG16


def n_poolings(layer: str) -> int:
    """Return how many times a layer of VGG16 comes after a halving of the image."""
    return sum(name.startswith("pool") for name in VGG16_LAYERS[: VGG16_LAYERS.index(layer) + 1])


def _load_vgg16(layers: Sequence[str], weights: str | Path | None) -> nn.Module:
    """Return VGG16 with pretrained weights, up to the deepest of the layers."""
    unknown = [name for name in layers if name not in VGG16_LAYERS]
    if unknown:
        raise ValueError(f"VGG16 has no layer {unknown}. It has: {', '.join(VGG16_LAYERS)}.")
    deepest = max(layers, key=VGG16_LAYERS.index)
    network = vgg16(deepest)
    if weights == "random":
        _draw(network)
        return network
    positions = {str(n): name for n, name in enumerate(VGG16_LAYERS[: len(network)])}
    source, values = _vgg16_weights(weights)
    renamed = {}
    for key, value in values.items():
        number, _, kind = key.removeprefix("features.").partition(".")
        if number in positions:
            renamed[f"{positions[number]}.{kind}"] = value
    _load(network, renamed, source)
    return network


def _draw(network: nn.Module) -> None:
    """Give a rectified network weights that keep the size of what passes, and no bias."""
    generator = torch.Generator().manual_seed(0)
    values = {}
    for name, weight in network.state_dict().items():
        drawn = torch.zeros(weight.shape, dtype=torch.float32)
        if weight.ndim > 1:
            drawn.normal_(0, (2 / weight[0].numel()) ** 0.5, generator=generator)
        values[name] = drawn
    network.load_state_dict(values, assign=True)


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
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise ImportError(
            "Reading weights needs safetensors: pip install 'scikit-gen[perceptual]'"
        ) from error
    try:
        tensors: Mapping[str, Tensor] = load_file(str(path))
    except SafetensorError as error:
        raise ValueError(
            f"{path} is no safetensors file ({error}). Out of one of torch's, .pt or .pth, make "
            "one by safetensors.torch.save_file(torch.load(path, weights_only=True), new_path)."
        ) from error
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
    typed = {name: value.to(wanted[name].dtype) for name, value in values.items()}
    network.load_state_dict(typed, assign=True)
