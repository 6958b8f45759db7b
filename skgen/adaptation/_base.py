"""What all classifiers that adapt to a target domain share."""

import copy
import math
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.stats import entropy
from sklearn.base import (
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import Tensor, nn
from torch.nn import functional

from skgen.alignments import Alignment, Side
from skgen.base import BaseModel
from skgen.batches import Batch, Batches, DomainPairs, Rows
from skgen.corruptions import CORRUPTIONS, Corruption, OnPictures, on_rows
from skgen.domains import (
    checked_domains,
    checked_labels,
    labelled_accuracy,
    labelled_rows,
    source_rows,
)
from skgen.networks.adaptation import DomainClassifier, pooling_levels, reverse_gradient
from skgen.networks.convolutional import Pictures
from skgen.networks.dense import ACTIVATIONS, dense_levels
from skgen.parameters import override, parameter, resolve
from skgen.rows_or_pictures import RowsOrPictures
from skgen.scaling import Scaling, inference_dtype
from skgen.turns import Progress, Turn, TurnLoss

__all__ = ["BaseAdaptedClassifier"]

_Head = Callable[[Any, Tensor], Tensor]

# Rows of each domain by which training is judged, at least and at most.
_LEAST_JUDGED = 50
_MOST_JUDGED = 2000

# Updates before which signs of harm mean nothing.
_LEAST_UPDATES = 100


def ramp(fraction: float) -> float:
    """Return the share of its weight that adaptation has at a point of training.

    References
    ----------
    .. [1] Y. Ganin et al., "Domain-adversarial training of neural networks", JMLR 17, 2016, section
       5.2.2.
    """
    return 2 / (1 + math.exp(-10 * fraction)) - 1


SCHEDULES: Mapping[str, Callable[[float], float]] = {"ramp": ramp, "constant": lambda _: 1.0}


@dataclass(frozen=True)
class _Objective:
    r"""Cross-entropy on the source, and what brings the target closer.

    .. math:: L = L_y + \lambda(t) \sum_a L_a + L_d

    with alignments :math:`L_a`. The domain loss :math:`L_d` is descended by the domain head, and
    ascended by the features, :math:`\lambda(t)` times as fast.
    """

    corruption: Corruption | OnPictures | None
    weight: float
    schedule: str | Callable[[float], float]
    alignments: Sequence[Alignment]
    sees_target: bool

    @property
    def adapts(self) -> bool:
        """Whether the target counts, beyond statistics of batch normalisation."""
        return self.sees_target and self.weight > 0

    def __call__(
        self, module: Any, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the objective on a batch, and the losses that it is made of."""
        x, n = batch["x"], len(batch["x"])
        if self.sees_target:
            x = torch.cat([x, batch["target"]])
        if self.corruption is not None and module.training:
            x = self.corruption(x)
        features = module.features(x, n)
        outputs = module.label_head(features)
        of_labels = functional.cross_entropy(outputs[:n], batch["y"])
        parts = {"label_loss": of_labels}
        if not self.adapts:
            return of_labels, parts
        schedule = SCHEDULES[self.schedule] if isinstance(self.schedule, str) else self.schedule
        weight = self.weight * schedule(state.fraction)
        source, target = Side(features[:n], outputs[:n]), Side(features[n:], outputs[n:])
        objective = of_labels
        for alignment in self.alignments:
            loss = alignment(source, target)
            parts[f"{type(alignment).__name__}_loss"] = loss
            objective = objective + weight * loss
        if module.domain_head is not None:
            said = module.domain_head(reverse_gradient(features, weight))[:, 0]
            of_domains = (
                functional.softplus(-said[:n]).mean() + functional.softplus(said[n:]).mean()
            )
            parts["domain_loss"] = of_domains / 2
            objective = objective + of_domains / 2
        return objective, parts


class BaseAdaptedClassifier(
    RowsOrPictures,
    ClassifierMixin,
    TransformerMixin,
    ClassNamePrefixFeaturesOutMixin,
    BaseModel,
    ABC,
):
    """Base class of the classifiers that learn from a labelled source and an unlabelled target."""

    # Where metadata are routed, every method asks for domains; fit_transform for those of two.
    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"sample_domain": True}
    __metadata_request__transform = __metadata_request__fit
    __metadata_request__predict = __metadata_request__fit
    __metadata_request__predict_proba = __metadata_request__fit
    __metadata_request__score = __metadata_request__fit

    _fitted: ClassVar[Mapping[str, str]] = {
        "classes_ : ndarray of shape (n_classes,)": "The labels of the source.",
        "domain_counts_ : dict": 'How many rows of ``"source"`` and of ``"target"`` there were.',
        "value_range_ : tuple of float or None": """The range that pictures were taken to have: 0 to
            255 for bytes; 0 to 1 for other numbers that lie in between; otherwise that of X. None
            for rows that were not said to be pictures.""",
    }

    n_components: int = parameter(
        64,
        [Interval(Integral, 1, None, closed="left")],
        "int",
        """Number of features that `transform` returns.""",
        positional=True,
    )
    adaptation_weight: float = parameter(
        1.0,
        [Interval(Real, 0, None, closed="left")],
        "float",
        """How much the target counts beside the labels. 0 trains on the source alone.""",
    )
    adaptation_schedule: str | Callable[[float], float] = parameter(
        "ramp",
        [StrOptions(set(SCHEDULES)), callable],
        "{'ramp', 'constant'} or callable",
        """How `adaptation_weight` moves in `fit`: up from 0 along the curve of [1]_, or not at all.
        A callable maps the share of training done to a share of the weight.""",
    )
    alignment: Alignment | Sequence[Alignment] | None = parameter(
        None,
        [Alignment, list, tuple, None],
        "Alignment, list of Alignment, or None",
        """Further losses that bring the domains together: objects of `skgen.alignments`.""",
    )
    batch_norm: str | None = parameter(
        "per_domain",
        [StrOptions({"joint", "per_domain"}), None],
        "{'joint', 'per_domain'} or None",
        """Batch normalisation after every layer of the extractor: with the statistics of both
        domains together, with those of each domain its own, or none.""",
    )
    corruption: str | Corruption | None = parameter(
        None,
        [StrOptions(set(CORRUPTIONS)), Corruption, None],
        "str, Corruption or None",
        f"""Distorts the rows of both domains in training: {", ".join(CORRUPTIONS)}, or an object
        of `skgen.corruptions`.""",
    )
    extractor: nn.Module | Callable[[], nn.Module] | None = parameter(
        None,
        [nn.Module, callable, None],
        "torch.nn.Module, callable or None",
        """Layers in place of those that `hidden_layer_sizes` or `channels` describe, from rows, or
        pictures (batch, channels, height, width), to anything; a linear layer to `n_components`
        features follows. A module is copied, and training starts from its weights; a callable
        without arguments returns a new one.""",
    )
    activation: str = parameter(
        "relu",
        [StrOptions(set(ACTIVATIONS))],
        "str",
        f"""Activation of the hidden layers: one of {", ".join(ACTIVATIONS)}.""",
    )
    channels: Sequence[int] = override(
        (16, 32, 64),
        """For pictures: channels of the levels, on the side of X first, each of which convolves and
        halves height and width.""",
    )
    batch_size: int = override(
        256, """Rows in a minibatch: half of them of the source, half of the target."""
    )

    # What subclasses say

    _is_adversarial: ClassVar[bool] = False

    def _alignments(self) -> list[Alignment]:
        """Return the losses that bring the domains together."""
        several = self.alignment if isinstance(self.alignment, list | tuple) else [self.alignment]
        return [one for spec in several if (one := resolve(spec, {})) is not None]

    def _domain_head(self) -> nn.Module | None:
        """Return the layers that tell the domains apart, of an adversarial model."""
        return None

    # Input

    def _scaling(self, X: NDArray) -> Scaling:
        if not self._of_pictures:
            return super()._scaling(X)
        low, high = self.value_range_ or (0.0, 1.0)
        measured = Scaling.fit(X)
        half = (high - low) / 2 or 1.0
        return Scaling(measured.mean, np.full(X.shape[1], low + half), half)

    def _check_trainable(self, X: NDArray) -> None:
        check_consistent_length(X, self._training)

    def _learn(self, X: ArrayLike, y: Any, sample_domain: ArrayLike | None) -> None:
        """Train, and set the fitted attributes."""
        name = type(self).__name__
        if y is None:
            raise ValueError(f"{name} requires y to be passed, but the target y is None.")
        labels = checked_labels(y)
        source = source_rows(labels, sample_domain)
        if not source.any():
            raise ValueError(
                f"There are {len(labels)} rows of the target and none of the source, whose labels "
                "there is to learn from."
            )
        check_classification_targets(labels[source])
        encoder = LabelEncoder().fit(labels[source])
        if len(encoder.classes_) < 2:
            raise ValueError(
                f"The source has one class only, {encoder.classes_.tolist()[0]!r}, so there is "
                "nothing to tell it from. Add rows of another class."
            )
        if self.warm_start and hasattr(self, "net_"):
            self._check_unchanged(encoder.classes_, bool(source.all()))
        numbers = np.full(len(labels), -1)
        numbers[source] = encoder.transform(labels[source])
        self._training: NDArray = numbers
        self.classes_: NDArray = encoder.classes_
        self.domain_counts_ = {"source": int(source.sum()), "target": int((~source).sum())}
        X = self._train(X)
        self._complaints += self._signs_of_harm(X)
        del self._training
        if source.all():
            self._complaints.append(
                f"All {len(labels)} rows are of the source, so {name} was trained on these alone. "
                "Mark rows of the target by y=-1, or say sample_domain=-1 of them."
            )

    def _check_unchanged(self, classes: NDArray, source_alone: bool) -> None:
        """Raise an error if training cannot go on with these classes and domains."""
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"The classes were {self.classes_.tolist()} when the networks were built, and are "
                f"{classes.tolist()} now. Fit anew with warm_start=False."
            )
        if source_alone != (self.domain_counts_["target"] == 0):
            raise ValueError(
                f"When the networks were built there were {self.domain_counts_['target']} rows of "
                f"the target, and now there are {'none' if source_alone else 'some'}. Fit anew "
                "with warm_start=False."
            )

    def _split(self, X: NDArray, device: str, seed: int | None) -> tuple[Batches, Batches | None]:
        column = self._column(X, device)
        labels = torch.from_numpy(self._training).to(device)
        sides = [np.flatnonzero(self._training >= 0), np.flatnonzero(self._training < 0)]
        held_out = None
        if seed is not None:
            order = np.random.default_rng(seed)
            cut = [_cut(order.permutation(side), self.validation_fraction) for side in sides]
            held_out = self._batches(column, labels, *(np.sort(last) for _, last in cut))
            sides = [np.sort(first) for first, _ in cut]
        return self._batches(column, labels, *sides), held_out

    def _batches(self, column: Any, labels: Tensor, source: NDArray, target: NDArray) -> Batches:
        if not self._sees_target(len(target)):
            return Rows({"x": column, "y": labels}, self.batch_size, source)
        half = max(1, self.batch_size // 2)
        return DomainPairs(
            Rows({"x": column, "y": labels}, half, source),
            Rows({"target": column}, half, target),
            half,
        )

    def _sees_target(self, n_target: int) -> bool:
        """Whether rows of the target make a difference to training."""
        return n_target > 0 and (self.adaptation_weight > 0 or self.batch_norm == "per_domain")

    # Networks and turns

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "n_components": self.n_components,
            "batch_norm": self.batch_norm,
            "activation": self.activation,
        }

    def _module(self, n_features: int) -> nn.Module:
        normalised = self.batch_norm is not None
        if self.extractor is not None:
            given = self.extractor
            layers = copy.deepcopy(given) if isinstance(given, nn.Module) else given()
            levels = [Pictures(self._picture_shape()), layers] if self._of_pictures else [layers]
        elif self._of_pictures:
            shape, sizes = self._picture_shape(), self._layer_sizes()
            levels = pooling_levels(shape, sizes, self.activation, batch_norm=normalised)
        else:
            sizes = [n_features, *self._layer_sizes()]
            levels = dense_levels(sizes, self.activation, batch_norm=normalised)
        body = nn.Sequential(*levels, nn.Flatten())
        with torch.no_grad():
            n_last = body.eval()(torch.zeros(1, n_features)).shape[1]
        last = dense_levels([n_last, self.n_components], self.activation, batch_norm=normalised)
        module: nn.Module = DomainClassifier(
            body.train().extend(last),
            self.n_components,
            len(self.classes_),
            self._domain_head(),
            self.batch_norm == "per_domain" and self.domain_counts_["target"] > 0,
        )
        return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _turns(self) -> list[Turn]:
        heads = ["label_head"]
        if self._objective().adapts and self._is_adversarial:
            heads.append("domain_head")
        return [Turn(("extractor", *heads), self._objective())]

    def _objective(self) -> _Objective:
        return _Objective(
            on_rows(
                resolve(self.corruption, CORRUPTIONS),
                self._picture_shape() if self._of_pictures else None,
            ),
            self.adaptation_weight,
            self.adaptation_schedule,
            self._alignments(),
            self._sees_target(self.domain_counts_["target"]),
        )

    def _validation_loss(self) -> TurnLoss:
        return _held_out_loss

    # Use

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: ArrayLike, y: Any, sample_domain: ArrayLike | None = None
    ) -> "BaseAdaptedClassifier":
        """Learn from the labels of the source, and from the target's rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or pictures
            Rows of both domains, in any order: finite numbers.

        y : array-like of shape (n_samples,)
            Classes of the source's rows, and -1 for those of the target. Beside a single other
            label -1 is a class, as everywhere in scikit-learn. Among strings, y is an array of
            objects with the number -1 in it.

        sample_domain : array-like of shape (n_samples,), default=None
            Positive for rows of the source, negative for those of the target; several sources
            count as one. With it, what y says of the target is not looked at. With None, y says
            all. It is routed as metadata where that is switched on.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If there is no row of the source, or but one class in it; if a label is NaN; or if
            `sample_domain` says source of a row without a label.

        FloatingPointError
            If training diverges. The estimator is then as it was before.

        Warns
        -----
        UserWarning
            If there is no row of the target; or at signs that adapting did harm.
        """
        with self._all_or_nothing():
            self._learn(X, y, sample_domain)
        return self

    def fit_transform(
        self, X: ArrayLike, y: Any = None, sample_domain: ArrayLike | None = None
    ) -> NDArray:
        """Fit, and return the features of the same rows, each as one of its own domain.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or pictures
            Rows of both domains.

        y : array-like of shape (n_samples,)
            Classes, and -1 for rows of the target.

        sample_domain : array-like of shape (n_samples,), default=None
            What domain a row is of; with None, y says it.

        Returns
        -------
        features : ndarray of shape (n_samples, n_components)
            With ``batch_norm="per_domain"`` they are not what `transform` returns, which takes all
            rows for the target's unless it is told otherwise.
        """
        self.fit(X, y, sample_domain)
        source = source_rows(checked_labels(y), sample_domain)
        return self.transform(X, sample_domain=np.where(source, 1, -1))

    def transform(self, X: ArrayLike, sample_domain: ArrayLike | None = None) -> NDArray:
        """Return the features that the domains have in common.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or pictures
            Rows of the kind seen in `fit`.

        sample_domain : array-like of shape (n_samples,), default=None
            Positive for rows of the source, negative for those of the target. None takes all for
            the target's. It makes a difference with ``batch_norm="per_domain"`` alone.

        Returns
        -------
        features : ndarray of shape (n_samples, n_components)
            In double precision if X is.
        """
        return self._infer(lambda network, features: features, X, sample_domain)

    @property
    def _n_features_out(self) -> int:
        return self.n_components

    def predict(self, X: ArrayLike, sample_domain: ArrayLike | None = None) -> NDArray:
        """Return the most probable classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or pictures
            Rows of the kind seen in `fit`.

        sample_domain : array-like of shape (n_samples,), default=None
            As in `transform`.

        Returns
        -------
        classes : ndarray of shape (n_samples,)
            Out of `classes_`.
        """
        probabilities = self.predict_proba(X, sample_domain)
        classes: NDArray = self.classes_[probabilities.argmax(axis=1)]
        return classes

    def predict_proba(self, X: ArrayLike, sample_domain: ArrayLike | None = None) -> NDArray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or pictures
            Rows of the kind seen in `fit`.

        sample_domain : array-like of shape (n_samples,), default=None
            As in `transform`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        return self._infer(_probabilities, X, sample_domain)

    def score(
        self,
        X: ArrayLike,
        y: Any,
        sample_weight: ArrayLike | None = None,
        sample_domain: ArrayLike | None = None,
    ) -> float:
        """Return the accuracy on rows that have a label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or pictures
            Rows of the kind seen in `fit`.

        y : array-like of shape (n_samples,)
            Their classes. If some are -1, for none, the others count, and are taken for rows of the
            source; if none is, all are taken for rows of the target.

        sample_weight : array-like of shape (n_samples,), default=None
            How much every row counts.

        sample_domain : array-like of shape (n_samples,), default=None
            What domain a row is of, if not the one that y says.

        Returns
        -------
        accuracy : float
            The share of right predictions. To choose settings by it is to choose by the source if
            only that has labels: see `skgen.metrics.LabelFreeScorer`.
        """
        check_is_fitted(self)
        if sample_domain is None:
            labelled = labelled_rows(checked_labels(y), self.classes_)
            sample_domain = None if labelled.all() else np.where(labelled, 1, -1)
        predicted = self.predict(X, sample_domain)
        return labelled_accuracy(y, predicted, self.classes_, sample_weight)

    def _infer(self, head: _Head, X: ArrayLike, sample_domain: ArrayLike | None) -> NDArray:
        """Return what a head makes of the features of rows, each normalised as its domain is."""
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        if sample_domain is not None:
            source = checked_domains(sample_domain, len(X))
        else:
            source = np.full(len(X), not self.domain_counts_["target"])
        if self.batch_norm != "per_domain" or source.all() or not source.any():
            return self._of_domain(head, X, bool(source.any()))
        parts = {side: self._of_domain(head, X[source == side], side) for side in (True, False)}
        result = np.empty((len(X), *parts[True].shape[1:]), parts[True].dtype)
        for side, part in parts.items():
            result[source == side] = part
        return result

    def _of_domain(self, head: _Head, X: NDArray, is_source: bool) -> NDArray:
        """Return what a head makes of the features of validated rows of one domain."""
        network: Any = self._network(inference_dtype(X))

        def result(x: Tensor) -> Tensor:
            n_source = len(x) if is_source else 0
            return head(network, network.features(self.scaling_.apply(x), n_source))

        return self._apply(result, X)

    def _signs_of_harm(self, X: NDArray) -> list[str]:
        """Return complaints if training lost the source's classes, or most of the target's."""
        sides = [self._training >= 0, self._training < 0]
        settled = self.net_.progress_.update >= _LEAST_UPDATES
        if (
            not (settled and self._objective().adapts)
            or min(side.sum() for side in sides) < _LEAST_JUDGED
        ):
            return []
        some = np.random.default_rng(0)
        rows = [some.permutation(np.flatnonzero(side))[:_MOST_JUDGED] for side in sides]
        source, target = (
            self._of_domain(_probabilities, X[part], is_source).argmax(axis=1)
            for part, is_source in zip(rows, (True, False), strict=True)
        )
        true, signs = self._training[rows[0]], []
        accuracy, curve = (source == true).mean(), self.net_.history[:, "label_loss"]
        most_frequent = np.bincount(true).max() / len(true)
        best = int(np.argmin(curve))
        lost = curve[-1] > max(2 * curve[best], curve[best] + 0.1 * math.log(len(self.classes_)))
        if lost or accuracy < most_frequent + 0.2 * (1 - most_frequent):
            signs.append(
                f"Adapting cost accuracy on the source: {accuracy:.0%} of the rows that it was "
                f"trained on are predicted right (always saying the most frequent class is right "
                f"in {most_frequent:.0%}), and their loss was {curve[best]:.2g} in epoch "
                f"{best + 1} and {curve[-1]:.2g} at the end. Lower adaptation_weight, which is "
                f"{self.adaptation_weight}, or lr, which is {self.lr}."
            )
        shares = [
            np.bincount(side, minlength=len(self.classes_)) / len(side) for side in (true, target)
        ]
        n_used, n_expected = (np.exp(entropy(part)) for part in (shares[1], shares[0]))
        if n_used < 1 + 0.5 * (n_expected - 1):
            top = int(shares[1].argmax())
            signs.append(
                f"Predictions of the target have collapsed: {shares[1][top]:.0%} of its rows are "
                f"said to be {self.classes_[top]!r}, which {shares[0][top]:.0%} of the source's "
                "are. Unless the target is like that, adapting does harm here: lower "
                f"adaptation_weight, which is {self.adaptation_weight}, and compare with 0."
            )
        return signs

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _probabilities(network: Any, features: Tensor) -> Tensor:
    probabilities: Tensor = network.label_head(features).softmax(dim=1)
    return probabilities


def _held_out_loss(module: Any, batch: Batch, state: Progress) -> Tensor:
    r"""Return what stopping early looks at.

    .. math:: L_y - \left( H(\bar y) - \overline{H(\hat y_i)} \right)

    the cross-entropy of source rows set aside, less the mutual information of target rows set aside
    and their predicted classes.
    """
    loss = functional.cross_entropy(
        module.label_head(module.features(batch["x"], len(batch["x"]))), batch["y"]
    )
    if "target" not in batch:
        return loss
    log_p = functional.log_softmax(module.label_head(module.features(batch["target"], 0)), dim=1)
    of_mean, mean_of = log_p.exp().mean(dim=0), -(log_p.exp() * log_p).sum(dim=1).mean()
    return loss - (torch.special.entr(of_mean).sum() - mean_of)


def _cut(rows: NDArray, fraction: float) -> tuple[NDArray, NDArray]:
    """Return rows to train on, and a share of them to set aside."""
    if not len(rows):
        return rows, rows
    n_held_out = max(1, round(fraction * len(rows)))
    if n_held_out >= len(rows):
        raise ValueError(
            f"validation_fraction={fraction} of {len(rows)} rows of a domain leaves none to train "
            "on. Lower it, or set early_stopping=False."
        )
    return rows[n_held_out:], rows[:n_held_out]
