"""A trained encoder with a head on top."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from skgen.networks.dense import ACTIVATIONS

__all__ = ["FineTuned", "one_below_the_other", "prediction_head"]


class FineTuned(nn.Module):
    """An encoder, and a head that reads predictions off its codes.

    Parameters
    ----------
    encoder : torch.nn.Module
        From flat rows to codes.

    head : torch.nn.Module
        From codes to predictions.

    class_weights : Tensor of shape (n_classes,), default=None
        How much rows count by class.

    pretrained : torch.nn.Module, default=None
        The networks that the encoder was trained in, if that goes on beside the labels. It shares
        the encoder's weights.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        class_weights: Tensor | None = None,
        pretrained: nn.Module | None = None,
    ):
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.pretrained = pretrained
        self.register_buffer("class_weights", class_weights)

    def forward(self, rows: Tensor) -> Tensor:  # (batch, n_features) -> (batch, n_outputs)
        """Return predictions."""
        predictions: Tensor = self.head(self.codes(rows))
        return predictions

    def codes(self, rows: Tensor) -> Tensor:  # (batch, n_features) -> (batch, n_codes)
        """Return what the head reads."""
        codes: Tensor = self.encoder(rows.float())
        return codes

    def of_frozen_codes(self, rows: Tensor) -> Tensor:
        """Return predictions from codes as they are, through which no gradient comes back."""
        self.encoder.eval()  # also statistics of batch normalization stand still
        with torch.no_grad():
            codes = self.codes(rows)
        predictions: Tensor = self.head(codes)
        return predictions


def one_below_the_other(first: Tensor, second: Tensor) -> Tensor:
    """Return the rows of both. Sequences are padded to the longer of the two."""
    if first.ndim == 3:
        n_steps = max(first.shape[1], second.shape[1])
        first, second = (
            functional.pad(one, (0, 0, 0, n_steps - one.shape[1])) for one in (first, second)
        )
    return torch.cat([first, second])


def prediction_head(
    n_codes: int, layer_sizes: Sequence[int], n_outputs: int, dropout: float
) -> nn.Sequential:
    """Return dropout and a linear layer, after as many hidden layers as there are sizes."""
    layers: list[nn.Module] = []
    for size in layer_sizes:
        layers += [nn.Dropout(dropout), nn.Linear(n_codes, size), ACTIVATIONS["relu"]()]
        n_codes = size
    return nn.Sequential(*layers, nn.Dropout(dropout), nn.Linear(n_codes, n_outputs))
