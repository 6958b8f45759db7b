"""Recurrent networks on padded sequences: from sequences to codes, and from codes to sequences."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from skgen.networks.frames import (
    bridged,
    filled_up,
    frames_of,
    in_reverse,
    steps_there,
    tokens_of,
    unpacked,
)

__all__ = [
    "CELLS",
    "POOLINGS",
    "Recurrence",
    "RecurrentNetwork",
    "SequenceDecoder",
    "SequenceEncoder",
    "SequencesInUnits",
]

# On a CPU, torch has a fast kernel for the LSTM alone; others go step by step.
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}

# How many vectors of states side by side a pooling gives.
POOLINGS = {"last": 1, "mean": 1, "max": 1, "concat": 3}

# Waves by which a decoder knows how far a sequence has come.
_N_PLACES = 16

# What is added to the bias of the forget gates of a decoder's LSTM, so that states last from the
# beginning: R. Jozefowicz, W. Zaremba, I. Sutskever, "An empirical exploration of recurrent network
# architectures", ICML 2015. States of the encoder that forget tell one local shape from another.
_REMEMBERED = 1.0


def waves(lengths: Tensor, n_waves: int, places: Tensor) -> Tensor:
    r"""Return orthogonal waves at places t: (batch or 1, places, waves), 1 where all are as long.

    They are :math:`\phi_0(t) = 1` and :math:`\phi_k(t) = \sqrt 2 \cos(\pi k (t + 1/2) / T)`, whose
    mean products over T steps are 1 with themselves and 0 with each other. There are T of them, and
    0 in place of any more.
    """
    known, which = lengths.unique(return_inverse=True)
    numbers = torch.arange(n_waves, device=lengths.device)
    angles = math.pi * (places + 0.5) / known[:, None]
    heights = (numbers < known[:, None]) * torch.where(numbers > 0, math.sqrt(2), 1.0)
    made = (angles[..., None] * numbers).cos_() * heights[:, None]
    return made if len(known) == 1 else made[which]


class Recurrence(nn.Module):
    """Layers of recurrent cells that read padded sequences, in one direction or in both.

    Sequences are padded on the right, so that no state before the end of a sequence knows of the
    padding; for the other direction every sequence is reversed by its own length.

    Parameters
    ----------
    n_inputs, hidden_size, n_layers : int
        Numbers of a step, units of a layer in one direction, and layers.

    cell : {'lstm', 'gru'}
        The kind of cell.

    bidirectional : bool
        Whether to read backwards, too.
    """

    def __init__(
        self, n_inputs: int, hidden_size: int, n_layers: int, cell: str, *, bidirectional: bool
    ):
        super().__init__()
        self.bidirectional = bidirectional
        self.n_outputs = hidden_size * (1 + bidirectional)
        sizes = [n_inputs, *[self.n_outputs] * (n_layers - 1)]
        make = CELLS[cell]
        self.forwards = nn.ModuleList(make(size, hidden_size, batch_first=True) for size in sizes)
        self.backwards = nn.ModuleList(
            make(size, hidden_size, batch_first=True) for size in sizes if bidirectional
        )

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the states of the last layer: (batch, time, n_outputs)."""
        for number, forwards in enumerate(self.forwards):
            states = forwards(x)[0]
            if self.bidirectional:
                other = self.backwards[number](in_reverse(x, lengths))[0]
                states = torch.cat([states, in_reverse(other, lengths)], dim=2)
            x = states
        return x

    def last(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return what each direction knows at its end: (batch, n_outputs)."""
        ends = (lengths - 1)[:, None, None].expand(-1, 1, states.shape[2])
        at_end = states.gather(1, ends)[:, 0]
        if not self.bidirectional:
            return at_end
        size = self.n_outputs // 2
        return torch.cat([at_end[:, :size], states[:, 0, size:]], dim=1)


class SequenceEncoder(nn.Module):
    r"""Frames to codes.

    .. math:: z = A \left[\operatorname{pool}(h_1, \dots, h_m), c\right] + b, \quad
              h = \text{RNN}(E u_1, \dots, E u_m), \quad
              c_k = \frac{1}{n} \sum_t x_t \, \phi_k(t)

    with tokens :math:`u_j` of `patch` steps side by side, of which a sequence of :math:`n` steps
    has :math:`m = \lceil n / \text{patch} \rceil`. A token has the values of its steps, a straight
    line over what is missing, and for each whether it is missing. The second part, :math:`c`, is a
    cosine series of these values, with the :math:`\phi_k` of `waves`. It goes to the code by a
    linear map, and the states say the rest.

    Parameters
    ----------
    n_channels, n_components : int
        Numbers of a step, and of a code.

    hidden_size, n_layers, cell, bidirectional
        As of `Recurrence`.

    pooling : {'last', 'mean', 'max', 'concat'}
        What is read off the states: at the end, their mean, their maximum, or all three.

    patch : int
        Steps in a token.

    n_waves : int
        Terms of the cosine series of every channel.
    """

    def __init__(
        self,
        n_channels: int,
        n_components: int,
        *,
        hidden_size: int,
        n_layers: int,
        cell: str,
        bidirectional: bool,
        pooling: str,
        patch: int,
        n_waves: int,
    ):
        super().__init__()
        self.patch = patch
        self.n_waves = n_waves
        self.pooling = pooling
        self.embedding = nn.Linear(2 * patch * n_channels, hidden_size)
        self.recurrence = Recurrence(
            hidden_size, hidden_size, n_layers, cell, bidirectional=bidirectional
        )
        n_states = POOLINGS[pooling] * self.recurrence.n_outputs
        self.n_states = n_states
        self.n_hidden = n_states + n_components
        self.head = nn.Linear(n_states + n_waves * n_channels, n_components)

    def forward(self, frames: Tensor) -> Tensor:  # (batch, time, .) -> (batch, n_components)
        """Return the codes of sequences."""
        return self.states_and_codes(frames)[1]

    def hidden(self, frames: Tensor) -> Tensor:  # (batch, time, .) -> (batch, n_hidden)
        """Return pooled states, and the codes beside them."""
        return torch.cat(self.states_and_codes(frames), dim=1)

    def states_and_codes(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return pooled states, and the codes."""
        states = self.states(frames)
        return states, self.head(torch.cat([states, self.series(frames)], dim=1))

    def states(self, frames: Tensor) -> Tensor:
        """Return pooled states."""
        parts = unpacked(filled_up(frames, self.patch))
        values, lengths = bridged(parts), -(-parts.lengths // self.patch)
        tokens = [tokens_of(one, self.patch) for one in (values, 1 - parts.observed)]
        states = self.recurrence(self.embedding(torch.cat(tokens, dim=2)), lengths)
        pooled: list[Tensor] = []
        if self.pooling in ("last", "concat"):
            pooled.append(self.recurrence.last(states, lengths))
        there = steps_there(lengths, states.shape[1])[..., None]
        if self.pooling in ("mean", "concat"):
            pooled.append((states * there).sum(dim=1) / lengths[:, None])
        if self.pooling in ("max", "concat"):
            pooled.append(states.masked_fill(~there, -torch.inf).amax(dim=1))
        return torch.cat(pooled, dim=1)

    def series(self, frames: Tensor) -> Tensor:
        """Return the cosine series of values: (batch, waves * channels)."""
        parts = unpacked(frames)
        places = torch.arange(frames.shape[1], device=frames.device)
        sums = waves(parts.lengths, self.n_waves, places).transpose(1, 2) @ bridged(parts)
        return (sums / parts.lengths[:, None, None]).flatten(1)


class SequenceDecoder(nn.Module):
    r"""Codes to sequences of given lengths.

    .. math:: \hat x_t = \left[O \, \text{RNN}(v_1, \dots, v_m)\right]_t
              + \sum_k (W_k z) \, \phi_k(t), \quad
              v_j = B z + F \phi(t_j) + P u_{j - 1}

    with the code :math:`z` at every token :math:`j`, waves :math:`\phi` at its place :math:`t_j`,
    and the token before it, where that is shown. The sum is a cosine series whose terms are linear
    in the code, as in principal components.

    Parameters
    ----------
    n_channels, n_components : int
        Numbers of a step, and of a code.

    hidden_size, n_layers, cell
        As of `Recurrence`.

    patch, n_waves : int
        Steps in a token, and terms of the cosine series of every channel.

    sees_before : bool
        Whether the token before can be shown.

    n_states : int
        Pooled states of the encoder, which are to be decoded `alone`, too. 0 if they are not.
    """

    def __init__(
        self,
        n_channels: int,
        n_components: int,
        *,
        hidden_size: int,
        n_layers: int,
        cell: str,
        patch: int,
        n_waves: int,
        sees_before: bool,
        n_states: int = 0,
    ):
        super().__init__()
        self.patch = patch
        self.n_waves = n_waves
        self.of_series = nn.Linear(n_components, n_waves * n_channels) if n_waves else None
        self.of_code = nn.Linear(n_components, hidden_size)
        self.of_place = nn.Linear(_N_PLACES, hidden_size, bias=False)
        self.of_before = (
            nn.Linear(patch * n_channels, hidden_size, bias=False) if sees_before else None
        )
        self.recurrence = Recurrence(hidden_size, hidden_size, n_layers, cell, bidirectional=False)
        with torch.no_grad():
            for one in self.recurrence.forwards:
                if isinstance(one, nn.LSTM):
                    forget = slice(hidden_size, 2 * hidden_size)
                    one.get_parameter("bias_ih_l0")[forget] += _REMEMBERED
        self.output = nn.Linear(hidden_size, patch * n_channels)
        if n_states:
            self.of_states = nn.Linear(n_states, hidden_size)
            self.output_alone = nn.Linear(hidden_size, patch * n_channels)

    def forward(
        self, codes: Tensor, lengths: Tensor, n_steps: int, before: Tensor | None = None
    ) -> Tensor:
        """Return values: (batch, n_steps, channels).

        Parameters
        ----------
        codes : Tensor of shape (batch, n_components)
            Codes.

        lengths : Tensor of shape (batch,)
            How many steps each sequence is to have.

        n_steps : int
            How many there are at most. What is beyond the length of a sequence means nothing.

        before : Tensor of shape (batch, n_steps, channels), default=None
            Values of which every token gets those of the token before it; 0 where it is to get
            none. None shows nothing.
        """
        made = self._decoded(self.of_code(codes), self.output, lengths, n_steps, before)
        if self.of_series is None:
            return made
        series = self.of_series(codes).view(len(codes), self.n_waves, -1)
        places = torch.arange(n_steps, device=codes.device)
        return made + waves(lengths, self.n_waves, places) @ series

    def alone(
        self, states: Tensor, lengths: Tensor, n_steps: int, before: Tensor | None = None
    ) -> Tensor:
        """Return values decoded from pooled states in place of codes, without a cosine series."""
        return self._decoded(self.of_states(states), self.output_alone, lengths, n_steps, before)

    def _decoded(
        self,
        given: Tensor,
        output: nn.Module,
        lengths: Tensor,
        n_steps: int,
        before: Tensor | None,
    ) -> Tensor:
        """Return what the recurrent network makes of the same input at every token."""
        places = torch.arange(0, n_steps, self.patch, device=given.device)
        inputs = given[:, None] + self.of_place(waves(lengths, _N_PLACES, places))
        if before is not None and self.of_before is not None:
            shown = self.of_before(tokens_of(filled_up(before, self.patch), self.patch))
            inputs = inputs + functional.pad(shown[:, :-1], (0, 0, 1, 0))
        tokens: Tensor = output(self.recurrence(inputs, lengths))
        return tokens.reshape(len(given), len(places) * self.patch, -1)[:, :n_steps]


class RecurrentNetwork(nn.Module):
    """An encoder of sequences, and a decoder."""

    def __init__(self, encoder: SequenceEncoder, decoder: SequenceDecoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def start_from(self, mean: Tensor, axes: Tensor) -> None:
        """Have codes be projections of cosine series, and decode them to what they project.

        What is decoded is that alone until the recurrent networks have learned to add to it.

        Parameters
        ----------
        mean : Tensor of shape (n_waves * n_channels,)
            The series that a code of zeros stands for.

        axes : Tensor of shape (n_axes, n_waves * n_channels)
            Orthogonal directions, of which there are at most as many as a code has numbers.
        """
        head, series, output = self.encoder.head, self.decoder.of_series, self.decoder.output
        assert series is not None  # whoever has no series starts from nothing
        n_axes, n_terms = axes.shape
        with torch.no_grad():
            head.weight[:n_axes] = 0
            head.weight[:n_axes, -n_terms:] = axes
            head.bias[:n_axes] = -axes @ mean
            series.weight.zero_()
            series.weight[:, :n_axes] = axes.T
            series.bias.copy_(mean)
            output.weight.zero_()
            output.bias.zero_()


class SequencesInUnits(nn.Module):
    """An encoder that takes sequences in the units of data.

    Parameters
    ----------
    encoder : torch.nn.Module
        From frames. It is in evaluation mode afterwards.

    mean, scale : Tensor of shape (channels,)
        What is subtracted from every channel, and what it is divided by then.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, encoder: nn.Module, mean: Tensor, scale: Tensor):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Identity()
        self.layers = ["recurrence", "head"]
        device = next(weight.device for weight in encoder.parameters())
        self.register_buffer("mean", mean.to(device, torch.float32))
        self.register_buffer("scale", scale.to(device, torch.float32))
        self.eval()

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the codes of sequences (batch, time, channels), whose missing values are NaN.

        Without `lengths`, (batch,), all are as long as the tensor.
        """
        there = None if lengths is None else steps_there(lengths, x.shape[1])
        codes: Tensor = self.encoder(frames_of((x.to(self.mean) - self.mean) / self.scale, there))
        return codes
