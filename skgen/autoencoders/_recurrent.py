"""The recurrent autoencoder."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen._sklearn import Interval, StrOptions
from skgen.autoencoders._base import BaseAutoencoder, RowFunction
from skgen.autoencoders._sequence_reconstruction import SequenceReconstruction
from skgen.autoencoders._sequence_start import start_from_components
from skgen.corruptions import (
    CORRUPTION,
    Corruption,
    OnSequences,
    on_sequences,
    resolve_corruption,
    usual_sequence_views,
)
from skgen.engine import Batches, Column, TensorColumn, Turn
from skgen.inputs import ChannelScaling, SequenceInput
from skgen.inputs.scaling import result_dtype, tensor_of
from skgen.losses import LOSSES, BinaryCrossEntropy, Loss, PerceptualLoss
from skgen.networks.frames import unpacked
from skgen.networks.recurrent import (
    CELLS,
    POOLINGS,
    RecurrentNetwork,
    SequenceDecoder,
    SequenceEncoder,
    SequencesInUnits,
)
from skgen.parameters import COUNT, SHARE, override, parameter, resolve

__all__ = ["RecurrentAutoencoder"]

# Losses of which values that are not observed can be left out: they are 0 where the target is met.
_LOSSES = [name for name in LOSSES if name != "binary_cross_entropy"]

# Gradients below it move weights by less than the learning rate. Where components leave little to
# learn, Adam would blow noise up to full steps.
_LEAST_GRADIENT = 1e-3


@final
class RecurrentAutoencoder(BaseAutoencoder):
    r"""An autoencoder of sequences of any lengths: each to a code of one size, and back.

    .. math:: L = \frac{1}{|O|} \sum_{(t, c) \in O} \Big[ \ell\big(
              \text{Dec}(\text{Enc}(n(x)), T)_{tc},\; x_{tc}\big) + \ell\big(
              \text{Dec}'(h(n(x)), T)_{tc},\; x_{tc}\big) \Big]

    over the observed values :math:`O` of the sequences of a minibatch, with a corruption :math:`n`
    of what the encoder sees and the length :math:`T`, which the decoder is told. The encoder is a
    recurrent network, whose states are pooled over time to :math:`h`; a code is a linear map of
    them, and of a cosine series of the sequence. The decoder is another one that gets the code and
    the place in the sequence at every step, beside a cosine series whose terms are linear in the
    code. Training starts from the principal components of these series: so far the code is what PCA
    would make of sequences of one length, and the recurrent networks learn what it leaves. That may
    be little, so the second term has them restore the sequence by themselves, too, from the states,
    by the same decoder without a series. It is for training alone.

    Attributes
    ----------
    scaling_ : ChannelScaling
        The fitted map from X to network units: `mean` and `scale` of every channel.

    See Also
    --------
    Autoencoder : Of dense layers, for tables.
    skgen.inspection.SequenceDisplay : Draws sequences and what is made of their codes.

    Notes
    -----
    X is a list, tuple, 1-D object array or Series of arrays of shape (time, channels), or (time,)
    of one channel; or an array (n_samples, time, channels). A 2-D array or a frame holds one
    sequence of one channel in every row. NaN is a missing value: it counts in no loss, and the
    networks are told. A code depends on its sequence alone, not on others of the batch. Sequences
    may be longer than any seen in `fit`.

    Every channel is centered and divided by its own standard deviation, so that units do not
    matter; `score` and `score_samples` count in these units.

    Minibatches hold sequences of like length, and as few long ones as make 32,768 steps with their
    padding. On a CPU ``cell="lstm"`` is several times as fast as ``"gru"``, which torch has no
    kernel for.

    References
    ----------
    .. [1] I. Sutskever, O. Vinyals, Q. Le, "Sequence to sequence learning with neural networks",
       NeurIPS 2014.
    .. [2] N. Srivastava, E. Mansimov, R. Salakhutdinov, "Unsupervised learning of video
       representations using LSTMs", ICML 2015.
    .. [3] S. Bowman et al., "Generating sentences from a continuous space", CoNLL 2016: steps that
       a decoder is shown, or not.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen import RecurrentAutoencoder
    >>> random = np.random.default_rng(0)
    >>> X = [np.sin(np.arange(length) / random.uniform(1, 3)) for length in range(20, 60)]
    >>> model = RecurrentAutoencoder(8, max_epochs=5, random_state=0).fit(X)
    >>> codes = model.transform(X)
    >>> codes.shape
    (40, 8)
    >>> [len(one) for one in model.inverse_transform(codes[:2], lengths=[20, 21])]
    [20, 21]
    """

    if TYPE_CHECKING:
        input_: SequenceInput  # type: ignore[assignment]

    _fitted: ClassVar[Mapping[str, str]] = {
        "n_features_in_ : int": "Number of channels; of a 2-D array, number of columns.",
        "patch_ : int": "Steps that the networks read at once.",
    }

    n_components: int | None = override(None, "Size of the code. None stands for 64.")
    channels: str = parameter(
        "last",
        [StrOptions({"last", "first"})],
        """How arrays of two dimensions are read: (time, channels), or (channels, time).""",
    )
    features: str = parameter(
        "code",
        [StrOptions({"code", "hidden"})],
        """What `transform` returns: the code, or the pooled states of the encoder with the code
        beside them. These are more, often feed a classifier better, and have no way back.""",
    )
    cell: str = parameter("lstm", [StrOptions(set(CELLS))], "The kind of recurrent cell.")
    hidden_size: int = parameter(64, COUNT, "Units of a layer, in one direction.")
    n_layers: int = parameter(1, COUNT, "Layers of the encoder, and of the decoder.")
    bidirectional: bool = parameter(
        True, ["boolean"], "Whether the encoder also reads from the end."
    )
    pooling: str = parameter(
        "concat",
        [StrOptions(set(POOLINGS))],
        """What is read off the states: the one at the end, their mean, their maximum, or all three
        side by side.""",
    )
    patch: int | None = parameter(
        None,
        [Interval(Integral, 1, None, closed="left"), None],
        """Steps that are read, and made, at once: k of them make training k times as fast. None
        stands for as many as leave 64 tokens of a sequence of median length, or a few more.""",
    )
    n_waves: int = parameter(
        128,
        [Interval(Integral, 0, None, closed="left")],
        """Terms of a cosine series of every channel that goes beside the recurrent networks,
        through linear maps alone: to the code, and from it. These maps start from the principal
        components of the series, and learn at a tenth of `lr`. There are at most as many terms as a
        sequence of median length has steps; 0 leaves everything to the recurrent networks.""",
    )
    corruption: str | Corruption | Sequence[str | Corruption] | None = parameter(
        None,
        [*CORRUPTION, None],
        """Distorts what the encoder sees in training, while the target stays clean: an object of
        `skgen.corruptions` that works on sequences, a list of these, or a name: ``"gaussian"``,
        ``"masking"`` or ``"dropout"``, on single values.""",
        kind="str, Corruption, list of these, or None",
    )
    teacher_forcing: float = parameter(
        0.0,
        SHARE,
        """Share of the steps at which the decoder is shown the step before as it was, at the
        beginning of training; none from its middle on, and never later. A decoder that sees the
        last value needs no code.""",
    )
    loss: str | Loss = parameter(
        "squared_error",
        [StrOptions(set(_LOSSES)), Loss],
        f"""How far a reconstruction is from what was observed: {", ".join(_LOSSES)}, or an object
        of `skgen.losses`.""",
        kind="str or Loss",
    )
    max_epochs: int | None = override(
        None,
        """Passes over X. None stands for as many as make 800 updates, for 10 at least and 200 at
        most.""",
    )
    batch_size: int = override(
        32, "Sequences in a minibatch; fewer of them where they are long, see Notes."
    )

    # What is built

    def _input(self) -> SequenceInput:
        return SequenceInput(self.channels)

    def _code_size(self, n_features: int) -> int:
        return self.n_components or 64

    def _patch(self) -> int:
        return self.patch or max(1, self.input_.median_length // 64)

    def _default_epochs(self, n_batches: int) -> int:
        return int(np.clip(-(-800 // n_batches), 10, 200))

    def _built_with(self) -> dict[str, Any]:
        names = (
            "channels",
            "cell",
            "hidden_size",
            "n_layers",
            "bidirectional",
            "pooling",
            "patch",
            "n_waves",
        )
        shown = {"teacher_forcing": self.teacher_forcing > 0}
        return {**super()._built_with(), **{name: getattr(self, name) for name in names}, **shown}

    def _module(self) -> nn.Module:
        sizes = self.input_.n_channels, self._code_size(self.n_features_in_)
        shared: dict[str, Any] = {
            name: getattr(self, name) for name in ("hidden_size", "n_layers", "cell")
        }
        shared["patch"] = self._patch()
        shared["n_waves"] = min(self.n_waves, self.input_.median_length)
        encoder = SequenceEncoder(
            *sizes, **shared, bidirectional=self.bidirectional, pooling=self.pooling
        )
        decoder = SequenceDecoder(
            *sizes,
            **shared,
            sees_before=self.teacher_forcing > 0,
            n_states=encoder.n_states if self.n_waves else 0,
        )
        return RecurrentNetwork(encoder, decoder)

    def _initialize(self, module: RecurrentNetwork, batches: Batches) -> None:
        if module.encoder.n_waves:
            start_from_components(module, batches)

    def _net_settings(self) -> dict[str, Any]:
        """Have what begins near its end move slowly, and no weight on gradients that are noise."""
        given = super()._net_settings()
        if not self.n_waves:
            return given
        by_adam = self.optimizer in ("adam", "adamw") and "optimizer__eps" not in given
        steady: dict[str, Any] = {"eps": _LEAST_GRADIENT} if by_adam else {}
        slow = {"lr": self.lr / 10, **steady}
        groups = [("encoder.head*", slow), ("decoder.of_series*", slow)]
        if by_adam:
            groups += [("decoder.of_code*", steady), ("decoder.output.*", steady)]
        return {"optimizer__param_groups": groups} | given

    def _turns(self) -> list[Turn]:
        loss = resolve(self.loss, LOSSES)
        assert loss is not None  # the parameter's constraint
        if isinstance(loss, BinaryCrossEntropy | PerceptualLoss):
            raise ValueError(
                f"{loss} is not for sequences: its value on what is missing is not known. Use one "
                f"of {', '.join(_LOSSES)}."
            )
        corruption = self._distortion(self.corruption)
        objective = SequenceReconstruction(
            loss, corruption, self.teacher_forcing, of_states=self.n_waves > 0
        )
        return [Turn(("encoder", "decoder"), objective)]

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        columns = super()._learn(X, y, **options)
        self.patch_ = self._network().encoder.patch
        return columns

    def _distortion(self, given: Any) -> OnSequences | None:
        return on_sequences(resolve_corruption(given))

    def _usual_views(self) -> list[Corruption]:
        return usual_sequence_views()

    # What is asked

    def _encoder(self) -> nn.Module:
        encoder: nn.Module = self._network().encoder
        return encoder

    def _maps(self) -> tuple[RowFunction, RowFunction]:
        """Return the way from frames to codes, and from codes to values of the median length."""
        network, n_steps = self._network(), self.input_.median_length

        def decode(code: Tensor) -> Tensor:
            lengths = torch.full((len(code),), n_steps, device=code.device)
            decoded: Tensor = network.decoder(code, lengths, n_steps)
            return decoded

        return network.encoder, decode

    def _features(self) -> RowFunction:
        encoder = self._network().encoder
        chosen: RowFunction = encoder if self.features == "code" else encoder.hidden
        return chosen

    @property
    def _n_features_out(self) -> int:
        return self.n_components_ if self.features == "code" else self._network().encoder.n_hidden

    def _check_invertible(self) -> None:
        if self.features == "hidden":
            raise ValueError(
                'With features="hidden", transform returns pooled states beside the code, '
                'and the decoder starts from the code. Set features="code" to decode.'
            )

    def encoder_module(self) -> nn.Module:
        """Return scaling and encoder as one torch module, in the units of X.

        Returns
        -------
        module : torch.nn.Module
            From a tensor (n_samples, time, channels), whose missing values are NaN, and the lengths
            (n_samples,) of the sequences that it holds, if they differ, to codes. It is a copy, in
            evaluation mode. Its submodule ``encoder`` starts from frames in network units.
        """
        check_is_fitted(self)
        scaling: Any = self.scaling_
        return SequencesInUnits(
            self._encoder(), torch.from_numpy(scaling.mean), torch.from_numpy(scaling.scale)
        )

    def inverse_transform(self, X: ArrayLike, lengths: ArrayLike | None = None) -> Any:
        """Decode codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes, such as `transform` returns.

        lengths : int or array-like of shape (n_samples,), default=None
            How many steps sequences are to have. None stands for the median of those of `fit`.

        Returns
        -------
        sequences : list of ndarray of shape (time, channels), or ndarray
            Sequences in the units of the training data, laid out as these were; an array where
            `fit` got one and all are equally long.

        Raises
        ------
        ValueError
            If what `transform` returns is no code and has no way back.
        """
        codes = self._checked_codes(X)
        asked = torch.from_numpy(self.input_.checked_lengths(lengths, len(codes)))
        dtype, decoder = result_dtype(codes), self._network().decoder
        given = TensorColumn(tensor_of(codes, np.dtype(np.float32)), dtype)
        given.lengths = asked

        def decode(code: Tensor, lengths: Tensor) -> list[Tensor]:
            made = self.input_.undo(decoder(code, lengths, int(lengths.max())), dtype)
            return [one[:n] for one, n in zip(made, lengths.tolist(), strict=True)]

        return self.input_.restore(self._apply(decode, {"code": given, "n": TensorColumn(asked)}))

    def score_samples(self, X: ArrayLike) -> NDArray:
        r"""Say how normal each sequence is: its negative mean squared reconstruction error.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or sequences
            Sequences of the kind seen in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            :math:`-\frac{1}{|O|} \sum_O (x - \hat x)^2` over the values observed, each channel in
            units of its own standard deviation, so that neither length nor units matter; higher is
            more normal. NaN where nothing was observed.
        """
        errors: NDArray = self._measured(self._columns(X)).astype(np.float64)
        counts = errors[:, 2]
        return -np.divide(errors[:, 0], counts, where=counts > 0, out=np.full(len(errors), np.nan))

    def _errors(self, columns: Mapping[str, Column]) -> NDArray:
        return self._measured(columns)[:, :2]

    def _measured(self, columns: Mapping[str, Column]) -> NDArray:
        """Return squared distances from the reconstruction and the mean, and of how many values."""
        network = self._network()

        def measure(x: Tensor) -> Tensor:
            values, observed, _ = frames = unpacked(x)
            made = network.decoder(network.encoder(x), frames.lengths, x.shape[1])
            parts = [(made - values).square() * observed, values.square(), observed]
            return torch.stack([one.sum(dim=(1, 2)) for one in parts], dim=1)

        measured: NDArray = self._apply(measure, columns)
        return measured

    @property
    def scaling_(self) -> ChannelScaling:  # type: ignore[override]
        """The fitted map from X to network units."""
        return self.input_.scaling

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags
