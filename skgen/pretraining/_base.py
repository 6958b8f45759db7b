"""What models that pretrain and then fine-tune share."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen._sklearn import HasMethods, Interval, StrOptions, _fit_context, _num_samples
from skgen.autoencoders import DenoisingAutoencoder
from skgen.base import BaseModel
from skgen.corruptions import (
    CORRUPTION,
    CORRUPTIONS,
    Corruption,
)
from skgen.encoders import RowFunction
from skgen.engine import Batches, Column, DomainPairs, FitProgress, Phase, Rows, Turn
from skgen.inputs import Input
from skgen.inputs.images import stacked_images
from skgen.invariant import InvariantEncoder
from skgen.networks.encoders import n_outputs
from skgen.networks.fine_tuning import FineTuned, prediction_head
from skgen.parameters import (
    NOT_NEGATIVE,
    POSITIVE,
    SIZES,
    checked_sizes,
    override,
    parameter,
)
from skgen.pretraining._objective import FineTuning, LabeledLoss, WithLabels

__all__ = ["BasePretrained"]

# Updates that fine-tuning makes by default, without and with the unlabeled rows; and the least
# passes over labeled rows, where these are alone.
_N_UPDATES, _LEAST_PASSES = {False: 600, True: 1500}, 20


class BasePretrained(TransformerMixin, ClassNamePrefixFeaturesOutMixin, BaseModel, ABC):
    """Base class of the models that learn from all rows first, and then from labeled ones."""

    _fitted: ClassVar[Mapping[str, str]] = {
        "encoder_ : estimator": """The encoder as it was after it had learned from all rows, before
            it saw a label.""",
        "loss_curve_ : dict of str to list of float": """Training losses of every epoch:
            ``"pretraining"`` of the encoder, ``"fine_tuning"``, and of what else was trained.""",
    }

    encoder: Any = parameter(
        None,
        [HasMethods(["fit", "transform", "encoder_module"]), FrozenEstimator, None],
        """What learns from all rows: any transformer of skgen that has an encoder. A copy of it is
        fitted first; one that is fitted already is only fine-tuned. A search clones it, so there
        ``FrozenEstimator(encoder)`` keeps what it learned. None stands for `InvariantEncoder()` of
        images, and of rows for ``DenoisingAutoencoder(256, hidden_layer_sizes=(256,),
        corruption="swap", corruption_level=0.3)``. Images that come as flat rows need one with an
        `image_shape`.""",
        kind="transformer or None",
        positional=True,
    )
    consistency_weight: float | None = parameter(
        None,
        [*NOT_NEGATIVE, None],
        """How much it counts, in fine-tuning, that the network says of a distorted row what it says
        of the row itself. It is asked on all rows, those without labels too. None stands for 1 of
        images, where it is most of the gain and takes several times as long as 0, and for 0 of
        rows.""",
    )
    supervised_weight: float = parameter(
        0.0,
        NOT_NEGATIVE,
        """If above 0, the encoder goes on learning as it did, with the loss on labeled rows beside,
        for another run of as many epochs before fine-tuning. How much that loss counts.""",
    )
    freeze: bool | int = parameter(
        False,
        ["boolean", Interval(Integral, 1, None, closed="left")],
        """True leaves the encoder as pretraining left it, so that only the head learns; a number
        does for so many epochs of fine-tuning.""",
    )
    encoder_lr: float = parameter(
        1.0,
        POSITIVE,
        """Learning rate of the encoder in fine-tuning, as a share of `lr`.""",
    )
    head_layer_sizes: Sequence[int] = parameter(
        (), SIZES, """Sizes of hidden layers between code and prediction."""
    )
    dropout: float = parameter(
        0.0,
        [Interval(Real, 0, 1, closed="left")],
        """Share of the numbers that are dropped before every layer of the head.""",
    )
    corruption: str | Corruption | Sequence[str | Corruption] | None = parameter(
        None,
        [*CORRUPTION, None],
        f"""Distorts labeled rows in fine-tuning: {", ".join(CORRUPTIONS)}, an object of
        `skgen.corruptions`, or a list of these. None stands for ``[Crop(), Brightness(0.3),
        ErasedPatches(0.3)]`` of images, and for nothing of rows; an empty list for nothing.""",
        kind="str, Corruption, list of these, or None",
    )
    features: str = parameter(
        "pretrained",
        [StrOptions({"pretrained", "fine_tuned"})],
        """What `transform` returns: features that know no labels, of the encoder before
        fine-tuning; or the codes that the head reads. These are closer to the labels that were
        trained on than to any others: a model that is fitted to them and the same labels takes them
        for better than they are.""",
    )
    max_epochs: int | None = override(
        None,
        """Passes over the labeled rows in fine-tuning; over all rows where these take part, by
        `consistency_weight`, as those of images do. None stands for as many as make 600 updates,
        and 20 at least; with all rows, for 1,500 updates. How long the encoder learns is a
        parameter of the encoder.""",
    )
    batch_size: int = override(
        256, """Labeled rows in a minibatch; half of it, beside as many of all rows."""
    )
    lr: float = override(2e-3)
    optimizer: str | type[torch.optim.Optimizer] = override("adamw")
    weight_decay: float | None = parameter(  # type: ignore[assignment]
        None,
        [*NOT_NEGATIVE, None],
        """How much weights are drawn to 0, as the optimizer means it. None stands for 0.3 of
        ``"adamw"``, at which few labels can be learned for long, for 0.01 where all rows take part,
        and for 0 of other optimizers.""",
    )

    # What subclasses say

    _of_classes: ClassVar[bool]

    @abstractmethod
    def _target_input(self) -> Input:
        """Return what y is to be, not yet fitted."""

    @abstractmethod
    def _n_outputs(self) -> int:
        """Return how many numbers a prediction has."""

    def _class_weights(self) -> Tensor | None:
        """Return how much labeled rows count by class."""
        return None

    @abstractmethod
    def _strata(self, y: NDArray) -> NDArray | None:
        """Return what rows set aside keep the shares of, from numbers of the column ``y``."""

    # What is learned

    def _learn(
        self, X: Any, y: Any = None, *, partial: bool = False, **options: Any
    ) -> dict[str, Column]:
        """Pretrain, and fine-tune. What is wrong with y is found before that."""
        going_on = hasattr(self, "net_") and (partial or self.warm_start)
        taken: Any = self.target_input_ if going_on else self._target_input()
        labels = (taken.columns if going_on else taken.fit)(y, self)
        if len(labels["y"]) != _num_samples(X):
            raise ValueError(
                f"X has {_num_samples(X)} rows and y {len(labels['y'])}: inconsistent numbers of "
                "samples. Rows without a label have -1 or NaN in y."
            )
        if not going_on:
            self.encoder_ = self._pretrained(X)
        elif partial and hasattr(self.encoder_, "partial_fit"):
            self.encoder_ = copy.deepcopy(self.encoder_).partial_fit(X)
        if going_on and not len(_labeled(labels)):
            return labels
        columns = super()._learn(X, y, partial=partial, **options)
        after: Any = self.loss_curve_
        curves = after if isinstance(after, dict) else {"fine_tuning": after}
        if not going_on:  # what went before
            for name, losses in self._curves_of_encoder().items():
                curves[name] = [*losses, *curves.get(name, [])]
        self.loss_curve_ = curves
        return columns

    def _pretrained(self, X: Any) -> Any:
        """Return the encoder, fitted to all rows."""
        given = self.encoder
        if isinstance(given, FrozenEstimator):
            given = given.estimator
            if not (hasattr(given, "encoder_module") and _is_fitted(given)):
                raise ValueError(f"{given} is no fitted encoder of skgen, which fine-tuning takes.")
        if given is None:
            given = _usual_encoder(of_images=stacked_images(X) is not None, device=self.device)
        elif _is_fitted(given):
            return copy.deepcopy(given)
        encoder, callbacks = clone(given), given.callbacks
        if encoder.random_state is None:
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            encoder.set_params(random_state=seed)
        if self.verbose == 1:  # one bar for all
            bar = FitProgress(type(self).__name__, n_more=1)
            encoder.set_params(callbacks=[*(callbacks or []), lambda: ("progress_bar", bar)])
        return encoder.fit(X).set_params(callbacks=callbacks)

    def _curves_of_encoder(self) -> dict[str, list[float]]:
        curves = getattr(self.encoder_, "loss_curve_", [])
        if isinstance(curves, dict):
            return {f"pretraining_{name}": losses for name, losses in curves.items()}
        return {"pretraining": curves} if curves else {}

    def _input(self) -> Input:
        """Return what the encoder has learned of X."""
        known: Input = self.encoder_.input_
        return known

    def _engine_settings(self, stopping: bool) -> dict[str, Any]:
        settings = super()._engine_settings(stopping)
        bars = [
            one
            for name, one in getattr(getattr(self.encoder_, "net_", None), "callbacks_", [])
            if name == "progress_bar" and one.is_open
        ]
        if bars and self.verbose == 1:  # that of pretraining goes on
            others = [one for one in settings["callbacks"] if not _is_progress_bar(one)]
            settings["callbacks"] = [*others, *(("progress_bar", bar) for bar in bars)]
        return settings

    def _read(self, X: Any, y: Any, *, going_on: bool) -> dict[str, Column]:
        """Return the columns of X, which the encoder knows, and of y."""
        if going_on:
            return super()._read(X, y, going_on=True)
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(self.encoder_, name):
                setattr(self, name, getattr(self.encoder_, name))
        self.input_, self.target_input_ = self._input(), self._target_input()
        rows: dict[str, Column] = self.input_.columns(X, self, to_train=True)
        return self.target_input_.fit(y, self) | rows

    def _split(
        self, columns: Mapping[str, Column], seed: int
    ) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
        """Set some labeled rows aside, of every class its share."""
        rows, order = _labeled(columns), np.random.default_rng(seed)
        strata = self._strata(_numbers(columns)[rows])
        parts = [rows] if strata is None else [rows[strata == one] for one in np.unique(strata)]
        both = [self._cut(order.permutation(part), "labeled rows of a class") for part in parts]
        first, last = (np.concatenate(sides) for sides in zip(*both, strict=True))
        return first, last

    def _batches(self, columns: Mapping[str, Column], rows: NDArray | None) -> Batches:
        known = _labeled(columns) if rows is None else rows
        named = {"labeled": columns["x"], "y": columns["y"]}
        labeled = Rows(named, max(2, self.batch_size), known)
        return self._beside_all_rows(labeled) if self._consistency() else labeled

    def _beside_all_rows(self, labeled: Rows) -> DomainPairs:
        """Return batches of labeled rows, and of as many out of all rows."""
        half = max(2, self.batch_size // 2)
        all_rows = Rows({"x": labeled.columns["labeled"]}, half)
        return DomainPairs(Rows(labeled.columns, half, labeled.rows.numpy()), all_rows, half)

    def _validation_batches(
        self, columns: Mapping[str, Column], rows: NDArray | None, seed: int
    ) -> Batches:
        labeled = {"labeled": columns["x"], "y": columns["y"]}
        return Rows(labeled, self.batch_size, _labeled(columns) if rows is None else rows)

    def _validation_loss(self) -> LabeledLoss:
        return LabeledLoss(self._of_classes)

    def _default_epochs(self, n_batches: int) -> int:
        agrees = self._consistency() > 0
        return max(1 if agrees else _LEAST_PASSES, -(-_N_UPDATES[agrees] // n_batches))

    def _built_with(self) -> dict[str, Any]:
        sizes = checked_sizes(self, "head_layer_sizes")
        return {**super()._built_with(), "head_layer_sizes": sizes, "dropout": self.dropout}

    def _net_settings(self) -> dict[str, Any]:
        slower = [("encoder.*", {"lr": self.lr * self.encoder_lr})]
        settings = super()._net_settings() | {"optimizer__param_groups": slower}
        if self.weight_decay is None and self.optimizer == "adamw":
            usual = {"optimizer__weight_decay": 0.01 if self._consistency() else 0.3}
            settings = usual | settings
        return settings

    def _module(self) -> nn.Module:
        pretrained: Any = None
        if self.supervised_weight and not hasattr(self.encoder_, "net_"):
            raise ValueError(
                f"supervised_weight={self.supervised_weight} has {self.encoder_} trained further, "
                "and it was not trained but computed. Set it to 0, or take another encoder."
            )
        if self.supervised_weight:
            pretrained = copy.deepcopy(self.encoder_.net_.module_).cpu()
        units = self.encoder_.encoder_module().cpu()
        body = units.encoder if pretrained is None else pretrained.encoder
        encoder = nn.Sequential(body, units.head)
        row = self.input_.tensor_shape or self.n_features_in_
        n_codes = n_outputs("encoder", encoder, row, f"rows {self.input_.shape}")
        sizes = checked_sizes(self, "head_layer_sizes")
        head = prediction_head(n_codes, sizes, self._n_outputs(), self.dropout)
        return FineTuned(encoder, head, self._class_weights(), pretrained)

    def _turns(self) -> list[Turn]:
        return [Turn(("encoder", "head"), self._objective(), "fine_tuning")]

    def _objective(self, *, frozen: bool = False) -> FineTuning:
        shape, given = self.input_.image_shape, self.corruption
        views = self._distortion(self.encoder_._usual_views() if given is None else given)
        if self._consistency() and views is None:
            raise ValueError(
                f"consistency_weight={self._consistency():g} compares rows with distorted ones, "
                "and corruption is an empty list. Say what may be distorted, or set it to 0."
            )
        return FineTuning(
            LabeledLoss(self._of_classes),
            None if given is None and shape is None else views,
            views,
            self._consistency(),
            self._confidence(),
            frozen,
        )

    def _consistency(self) -> float:
        """Return `consistency_weight`, or what it stands for."""
        if self.consistency_weight is not None:
            return self.consistency_weight
        return float(self.input_.image_shape is not None)

    def _confidence(self) -> float:
        """Return how sure a prediction is that others are to agree with."""
        return 0.0

    def _distortion(self, given: Any) -> RowFunction | None:
        """Return what it does to the rows of a batch, as the encoder sees these."""
        if isinstance(given, list | tuple) and not given:
            return None
        distortion: RowFunction | None = self.encoder_._distortion(given)
        return distortion

    def _phases(
        self, turns: Sequence[Turn], batches: Any, n_epochs: int, validation: Batches | None
    ) -> list[Phase]:
        """Return what comes one after the other: all rows, the head alone, encoder and head."""
        phases: list[Phase] = []
        if self.supervised_weight:
            labeled = batches.source if isinstance(batches, DomainPairs) else batches
            n_before = self.encoder_.n_iter_ if n_epochs > 1 else 1
            beside = self._beside_all_rows(labeled)
            phases.append(Phase(beside, self._turns_of_encoder(), n_before))
        n_frozen = n_epochs if self.freeze is True else min(int(self.freeze), n_epochs)
        if n_frozen:
            alone = Turn(("head",), self._objective(frozen=True), "fine_tuning")
            phases.append(Phase(batches, [alone], n_frozen, validation))
        if n_frozen < n_epochs:
            phases.append(Phase(batches, turns, n_epochs - n_frozen, validation))
        return phases

    def _turns_of_encoder(self) -> list[Turn]:
        """Return the encoder's own turns, with the loss on labeled rows beside."""
        turns: list[Turn] = []
        for turn in self.encoder_._turns():
            players = tuple(f"pretrained.{name}" for name in turn.players)
            weight = 0.0
            if "encoder" in turn.players and not any("head" in one.players for one in turns):
                players, weight = (*players, "head"), self.supervised_weight
            turns.append(
                turn._replace(
                    players=players,
                    loss=WithLabels(turn.loss, LabeledLoss(self._of_classes), weight),
                    name="pretraining" if turn.name == "loss" else f"pretraining_{turn.name}",
                    optimizer={"lr": self.encoder_.lr, **(turn.optimizer or {})},
                )
            )
        return turns

    # What is asked

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: ArrayLike, y: Any, *, X_val: ArrayLike | None = None, y_val: Any = None
    ) -> Self:
        """Learn from all rows, and then from those that have a label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            All rows, as the encoder takes them.

        y : array-like of shape (n_samples,)
            Their labels. Rows without have NaN, None or pandas' NA; of classes, -1 as well, unless
            the labels are -1 and 1.

        X_val, y_val : array-like, default=None
            Labeled rows that `early_stopping` goes by, in place of a part of the others.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If no row has a label.

        FloatingPointError
            If training diverges. The estimator is then as it was before.
        """
        with self._all_or_nothing():
            self._learn(X, y, X_val=X_val, y_val=y_val)
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Return the features of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows of the kind seen in `fit`.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features_out)
            What `features` says, in double precision if X is.
        """
        columns = self._columns(X)
        result: NDArray
        if self.features == "pretrained":
            result = self.encoder_._apply(self.encoder_._features(), columns)
        else:
            result = self._apply(self._network().codes, columns)
        return result

    @property
    def _n_features_out(self) -> int:
        if self.features == "pretrained":
            return int(self.encoder_._n_features_out)
        first = next(one for one in self.net_.module_.head if isinstance(one, nn.Linear))
        return first.in_features

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _usual_encoder(*, of_images: bool, device: str) -> Any:
    """Return what measured best: of images the invariant encoder, of rows the denoising one."""
    kind: Any = InvariantEncoder if of_images else DenoisingAutoencoder
    settings: dict[str, Any] = {"device": device}
    if not of_images:
        settings |= {"n_components": 256, "hidden_layer_sizes": (256,)}
        settings |= {"corruption": "swap", "corruption_level": 0.3}
    return kind(**settings)


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def _is_progress_bar(callback: Any) -> bool:
    return isinstance(callback, tuple) and callback[0] == "progress_bar"


def _numbers(columns: Mapping[str, Column]) -> NDArray:
    y: Any = columns["y"].take(slice(None))
    numbers: NDArray = y.cpu().numpy()
    return numbers


def _labeled(columns: Mapping[str, Column]) -> NDArray[np.integer[Any]]:
    """Return the numbers of the rows that have a label."""
    numbers = _numbers(columns)
    known = ~np.isnan(numbers) if numbers.dtype.kind == "f" else numbers >= 0
    return np.flatnonzero(known)
