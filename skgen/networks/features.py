"""Networks that are not trained but looked into: what their layers say of an input."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["VGG16_LAYERS", "FeatureMaps", "LayerOutputs", "in_channels", "vgg16"]

# Numbers of channels of VGG16's convolutions; a 2x2 maximum follows each group.
_VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def _vgg16_layers() -> "OrderedDict[str, nn.Module]":
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    n_in = 3
    for group, widths in enumerate(_VGG16, start=1):
        for number, n_out in enumerate(widths, start=1):
            layers[f"conv{group}_{number}"] = nn.Conv2d(n_in, n_out, 3, padding=1, device="meta")
            layers[f"relu{group}_{number}"] = nn.ReLU()
            n_in = n_out
        layers[f"pool{group}"] = nn.MaxPool2d(2)
    return layers


VGG16_LAYERS = tuple(_vgg16_layers())


def vgg16(last_layer: str) -> nn.Sequential:
    """Return the convolutional part of VGG16 up to a layer, without values for its weights.

    Parameters
    ----------
    last_layer : str
        One of `VGG16_LAYERS`, such as ``"relu3_3"``: the third group's third rectified convolution.

    Returns
    -------
    network : torch.nn.Sequential
        Layers by those names, of images (batch, 3, height, width) in colors that are
        standardized as ImageNet's.

    References
    ----------
    .. [1] K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image
       recognition", ICLR 2015, column D of table 1.
    """
    layers = list(_vgg16_layers().items())
    depth = VGG16_LAYERS.index(last_layer) + 1
    return nn.Sequential(OrderedDict(layers[:depth]))


# Layers that leave what they are given as it is.
_KEEPS = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)


class _AllSeen(Exception):  # noqa: N818
    """Raised to leave a network early: what comes later is not asked for."""


class LayerOutputs(nn.Module):
    """What some layers of a network give, as a list; of one that is used again, the first time.

    Parameters
    ----------
    network : torch.nn.Module
        Any network.

    layers : sequence of str
        Names of submodules, as `named_modules` has them.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str]):
        super().__init__()
        known = dict(network.named_modules())
        unknown = [name for name in layers if name not in known]
        if unknown:
            there = ", ".join(name for name in known if name)
            raise ValueError(f"The network has no layer {unknown}. It has: {there}.")
        self.network = network
        self.layers = list(layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the outputs of the layers, in the order in which these were given."""
        network = self.network
        if type(network) is nn.Sequential and {*self.layers} <= {*network._modules}:
            return self._one_by_one(x)
        return self._by_hooks(x)

    def _one_by_one(self, x: Tensor) -> list[Tensor]:
        """Return the outputs of layers that follow each other."""
        names, steps = zip(*self.network._modules.items(), strict=True)
        outputs: dict[str, Tensor] = {}
        for name, step, following in zip(names, steps, [*steps[1:], None], strict=True):
            x = step(x)
            if name in self.layers:
                kept = following is None or isinstance(following, _KEEPS)
                outputs[name] = x if kept else x.clone()
            if len(outputs) == len(set(self.layers)):
                break
        return [outputs[name] for name in self.layers]

    def _by_hooks(self, x: Tensor) -> list[Tensor]:
        """Return the outputs of layers wherever they are, without running those that come later."""
        thread = threading.get_ident()
        outputs: dict[str, Tensor] = {}

        def note(name: str) -> None:
            def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
                if threading.get_ident() != thread:
                    return
                if name not in outputs:  # a copy, since what follows may write over it
                    outputs[name] = output.clone() if isinstance(output, Tensor) else output
                if len(outputs) == len(self.layers):
                    raise _AllSeen

            hooks.append(self.network.get_submodule(name).register_forward_hook(hook))

        hooks: list[torch.utils.hooks.RemovableHandle] = []
        try:
            for name in self.layers:
                note(name)
            self.network(x)
        except _AllSeen:
            pass
        finally:
            for hook in hooks:
                hook.remove()
        for name in self.layers:
            if not isinstance(outputs.get(name), Tensor):
                raise ValueError(f"Layer {name!r} gives no tensor when the network is called.")
        return [outputs[name] for name in self.layers]


class FeatureMaps(nn.Module):
    """What some layers of a network make of images with values in [0, 1].

    Parameters
    ----------
    network : torch.nn.Module
        A network of images (batch, channels, height, width).

    layers : sequence of str
        Names of its layers.

    mean, deviation : array-like
        By channel, what it wants images to be standardized by.

    n_channels : int or None
        Channels that it takes. Gray images are repeated, and colors averaged, to have them; a
        fourth channel is left out. None leaves images as they are.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        network: nn.Module,
        layers: Sequence[str],
        mean: Any = (0.0,),
        deviation: Any = (1.0,),
        n_channels: int | None = None,
    ):
        super().__init__()
        self.outputs = LayerOutputs(network, layers)
        self.eval()
        for name, values in {"mean": mean, "deviation": deviation}.items():
            self.register_buffer(name, torch.as_tensor(values, dtype=torch.float32).view(-1, 1, 1))
        self.n_channels = n_channels

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the outputs of the layers."""
        if self.n_channels is not None:
            images = in_channels(images, self.n_channels)
        outputs: list[Tensor] = self.outputs((images - self.mean) / self.deviation)
        return outputs

    def of(self, *layers: str) -> "FeatureMaps":
        """Return what other layers of the same network make of images."""
        mean, deviation = self.mean.flatten(), self.deviation.flatten()
        maps = FeatureMaps(self.outputs.network, layers, mean, deviation, self.n_channels)
        return maps.to(mean.device)

    def train(self, mode: bool = True) -> "FeatureMaps":
        """Stay in evaluation mode: the network is not trained."""
        return super().train(False)


def in_channels(images: Tensor, n_channels: int) -> Tensor:
    """Return images in gray or in color."""
    given = images.shape[1]
    if given == n_channels:
        return images
    if given == 1:
        return images.expand(-1, n_channels, -1, -1)
    colors = images[:, :3]  # without what a fourth channel says of transparency
    return colors.mean(dim=1, keepdim=True) if n_channels == 1 else colors
