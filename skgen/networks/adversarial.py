"""What adversarial training takes."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Discriminator", "MovingAverage", "Players", "SpectralNorm"]


class Discriminator(nn.Module):
    """Layers that say one number of a row, given its conditions if there are any.

    Conditions enter by projection [1]_: they add their own linear function of the last features.

    Parameters
    ----------
    levels : torch.nn.Sequential
        From rows to flat features; submodules are the levels whose activations `pooled` returns.

    n_features : int
        Number of features that they end in.

    n_conditions : int
        Numbers that describe the condition of a row.

    References
    ----------
    .. [1] T. Miyato, M. Koyama, "cGANs with projection discriminator", ICLR 2018.
    """

    def __init__(self, levels: nn.Sequential, n_features: int, n_conditions: int = 0):
        super().__init__()
        self.levels = levels
        self.head: nn.Module = nn.Linear(n_features, 1)
        self.projection: nn.Module | None = (
            nn.Linear(n_conditions, n_features, bias=False) if n_conditions else None
        )

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return a number for every row: (batch, n_features) to (batch,)."""
        return self._of_features(self.levels(x), condition)

    def _of_features(self, features: Tensor, condition: Tensor | None) -> Tensor:
        output: Tensor = self.head(features)[:, 0]
        if self.projection is not None:
            output = output + (self.projection(condition) * features).sum(dim=1)
        return output

    def pooled(self, x: Tensor) -> Tensor:  # (batch, n_features) -> (batch, sum of widths)
        """Return the activations of all levels, those of images averaged over the image."""
        return self._through(x)[1]

    def said_and_seen(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return what `forward` does and what `pooled` does, in one pass."""
        features, seen = self._through(x)
        return self._of_features(features, condition), seen

    def _through(self, x: Tensor) -> tuple[Tensor, Tensor]:
        activations = []
        for level in self.levels:
            x = level(x)
            if isinstance(level, nn.Sequential):
                activations.append(x.mean(dim=(2, 3)) if x.ndim == 4 else x)
        return x, torch.cat(activations, dim=1)


class Players(nn.Module):
    """A generator, its moving average, and a discriminator.

    Parameters
    ----------
    generator : torch.nn.Module
        From noise, and conditions beside it, to rows.

    discriminator : Discriminator
        Tells rows from samples.

    averaged : bool
        Whether samples come from a moving average of the generator's weights.
    """

    def __init__(self, generator: nn.Module, discriminator: Discriminator, averaged: bool):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.average = copy.deepcopy(generator).requires_grad_(False) if averaged else None
        self.n_averaged = 0  # a number, which no step has to wait for

    def get_extra_state(self) -> int:
        """Return what a state has beside the weights."""
        return self.n_averaged

    def set_extra_state(self, state: int) -> None:
        """Take over what `get_extra_state` returned."""
        self.n_averaged = state

    @property
    def sampler(self) -> nn.Module:
        """The network that samples come from."""
        return self.generator if self.average is None else self.average


class MovingAverage:
    r"""Lets the average follow the generator, after each of its steps.

    .. math:: \bar\theta \leftarrow \bar\theta + (1 - d_t) (\theta - \bar\theta), \quad
              d_t = \min\left(\text{decay}, \frac{1 + t}{10 + t}\right)

    so that the untrained start is soon forgotten.
    """

    def __init__(self, decay: float):
        self.decay = decay

    def __call__(self, module: Any, state: Any) -> None:
        """Move the average by one step."""
        steps = module.n_averaged
        module.n_averaged += 1
        share = 1 - min(self.decay, (1 + steps) / (10 + steps))
        averages, weights = list(module.average.parameters()), list(module.generator.parameters())
        torch._foreach_lerp_(averages, weights, share)
        of_average, of_generator = module.average.buffers(), module.generator.buffers()
        for average, value in zip(of_average, of_generator, strict=True):  # statistics of layers
            average.copy_(value)


class SpectralNorm(nn.Module):
    r"""A layer whose weight is divided by its largest singular value.

    That value is followed by one power iteration for every pass in training. The weight of a
    convolution counts as a matrix with a row for every channel that it gives.

    Parameters
    ----------
    layer : torch.nn.Linear or torch.nn.Conv2d
        The layer.

    References
    ----------
    .. [1] T. Miyato, T. Kataoka, M. Koyama, Y. Yoshida, "Spectral normalization for generative
       adversarial networks", ICLR 2018.
    """

    left: Tensor
    right: Tensor

    def __init__(self, layer: nn.Linear | nn.Conv2d):
        super().__init__()
        self.layer = layer
        matrix = layer.weight.detach().flatten(1)
        right = functional.normalize(torch.randn(matrix.shape[1]), dim=0)
        self.register_buffer("left", functional.normalize(matrix @ right, dim=0))
        self.register_buffer("right", right)
        for _ in range(10):
            self._iterate(matrix)

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        self.right.copy_(functional.normalize(matrix.T @ self.left, dim=0))
        self.left.copy_(functional.normalize(matrix @ self.right, dim=0))

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer gives with its normalized weight."""
        layer = self.layer
        matrix = layer.weight.flatten(1)
        if self.training:
            self._iterate(matrix.detach())
        # Clones, since the next pass changes the vectors in place before this one's gradient.
        weight = layer.weight / (self.left.clone() @ matrix @ self.right.clone())
        if isinstance(layer, nn.Linear):
            return functional.linear(x, weight, layer.bias)
        return functional.conv2d(x, weight, layer.bias, layer.stride, layer.padding)
