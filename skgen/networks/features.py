"""Networks that are not trained but looked into: what their layers say of an input."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["VGG16_LAYERS", "LayerOutputs", "vgg16"]

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
        outputs: dict[str, Tensor] = {}

        def note(name: str) -> None:
            def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
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
