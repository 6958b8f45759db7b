"""What all classifiers that adapt to a target domain share."""

import copy
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
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

from skgen.adaptation._harm import few_rows, signs_in_source, signs_in_target
from skgen.adaptation._objective import SCHEDULES, HeldOutLoss, Objective
from skgen.alignments import Alignment
from skgen.base import BaseModel
from skgen.corruptions import CORRUPTIONS, Corruption, on_rows
from skgen.engine import Batches, DomainPairs, Rows, Turn, TurnLoss
from skgen.inputs.domains import (
    checked_domains,
    checked_labels,
    labeled_accuracy,
    labeled_rows,
    plain_labels,
    source_rows,
)
from skgen.inputs.rows_or_images import RowsOrImages
from skgen.inputs.scaling import Scaling, inference_dtype
from skgen.networks.adaptation import DomainClassifier, pooling_levels
from skgen.networks.convolutional import UnflattenImages
from skgen.networks.dense import ACTIVATIONS, dense_levels
from skgen.parameters import override, parameter, resolve

__all__ = ["BaseAdaptedClassifier"]

_Head = Callable[[Any, Tensor], Tensor]

# Rows of each domain by which training is judged, at least and at most.
_LEAST_JUDGED = 50
_MOST_JUDGED = 1000

# Updates before which signs of harm mean nothing.
_LEAST_UPDATES = 100


class BaseAdaptedClassifier(
    RowsOrImages,
    ClassifierMixin,
    TransformerMixin,
    ClassNamePrefixFeaturesOutMixin,
    BaseModel,
    ABC,
):
    """Base class of the classifiers that learn from a labeled source and an unlabeled target."""

    # Where metadata are routed, every method asks for domains; fit_transform for those of two.
    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"sample_domain": True}
    __metadata_request__transform = __metadata_request__fit
    __metadata_request__predict = __metadata_request__fit
    __metadata_request__predict_proba = __metadata_request__fit
    __metadata_request__score = __metadata_request__fit

    _fitted: ClassVar[Mapping[str, str]] = {
        "classes_ : ndarray of shape (n_classes,)": "The labels of the source.",
        "domain_counts_ : dict": 'How many rows of ``"source"`` and of ``"target"`` there were.',
        "value_range_ : tuple of float or None": """The range that images were taken to have: 0 to
            255 for bytes; 0 to 1 for other numbers that lie in between; otherwise that of X. None
            for rows that were not said to be images.""",
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
        """How much the target counts beside the labels. With 0 training is on the source alone, but
        for the statistics of the target that ``batch_norm="per_domain"`` takes: the baselines to
        compare with.""",
    )
    adaptation_schedule: str | Callable[[float], float] = parameter(
        "ramp",
        [StrOptions(set(SCHEDULES)), callable],
        "{'ramp', 'constant'} or callable",
        """How `adaptation_weight` moves in `fit`: up from 0 along the curve of Ganin et al. (2016),
        of which it has made half at a ninth of training, or not at all. A callable maps the share
        of training done to a share of the weight.""",
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
        """Batch normalization after every layer of the extractor: with the statistics of both
        domains together, with those of each domain its own, or none. With ``"per_domain"`` also
        normalizations inside an `extractor` have statistics for each; otherwise they are left as
        they are.""",
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
        """Layers in place of those that `hidden_layer_sizes` or `n_filters` describe, from rows, or
        images (batch, channels, height, width), to anything; a linear layer to `n_components`
        features follows. A module is copied, and training starts from its weights; a callable
        without arguments returns a new one.""",
    )
    activation: str = parameter(
        "relu",
        [StrOptions(set(ACTIVATIONS))],
        "str",
        f"""Activation of the hidden layers: one of {", ".join(ACTIVATIONS)}.""",
    )
    n_filters: Sequence[int] = override(
        (16, 32, 64),
        """For images: channels of the levels, on the side of X first, each of which convolves and
        halves height and width.""",
    )
    batch_size: int = override(
        256,
        """Rows in a minibatch: half of them of the source, half of the target, two of each at
        least; all of the source if there is no target.""",
    )

    # What subclasses say

    _is_adversarial: ClassVar[bool] = False
    _has_steady_loss: ClassVar[bool] = False  # but one whose parts count more and more

    def _alignments(self) -> list[Alignment]:
        """Return the losses that bring the domains together."""
        several = self.alignment if isinstance(self.alignment, list | tuple) else [self.alignment]
        return [one for spec in several if (one := resolve(spec, {})) is not None]

    def _domain_head(self) -> nn.Module | None:
        """Return the layers that tell the domains apart, of an adversarial model."""
        return None

    # Input

    def _scaling(self, X: NDArray) -> Scaling:
        if not self._of_images:
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
        known = plain_labels(labels[source])
        check_classification_targets(known)
        encoder = LabelEncoder().fit(known)
        if len(encoder.classes_) < 2:
            raise ValueError(
                f"The source has one class only, {encoder.classes_.tolist()[0]!r}, so there is "
                "nothing to tell it from. Add rows of another class."
            )
        if self.warm_start and hasattr(self, "net_"):
            self._check_unchanged(encoder.classes_, bool(source.all()))
        numbers = np.full(len(labels), -1)
        numbers[source] = encoder.transform(known)
        self._training: NDArray = numbers
        self.classes_: NDArray = encoder.classes_
        self.domain_counts_ = {"source": int(source.sum()), "target": int((~source).sum())}
        X = self._train(X)
        if self.batch_norm == "per_domain":
            self._complaints += few_rows(self.domain_counts_)
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
        if not len(target):
            return Rows({"x": column, "y": labels}, max(2, self.batch_size), source)
        half = max(2, self.batch_size // 2)
        return DomainPairs(
            Rows({"x": column, "y": labels}, half, source),
            Rows({"target": column}, half, target),
            half,
        )

    # Networks and turns

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "extractor": self.extractor,
            "n_components": self.n_components,
            "batch_norm": self.batch_norm,
            "activation": self.activation,
        }

    def _module(self, n_features: int) -> nn.Module:
        normalized = self.batch_norm is not None
        if self.extractor is not None:
            levels = self._given_levels()
        elif self._of_images:
            shape, sizes = self._image_shape(), self._layer_sizes()
            levels = pooling_levels(shape, sizes, self.activation, batch_norm=normalized)
        else:
            sizes = [n_features, *self._layer_sizes()]
            levels = dense_levels(sizes, self.activation, batch_norm=normalized)
        body = nn.Sequential(*levels, nn.Flatten())
        n_last = self._n_made(body.eval(), n_features)
        last = dense_levels([n_last, self.n_components], self.activation, batch_norm=normalized)
        module: nn.Module = DomainClassifier(
            body.train().extend(last),
            self.n_components,
            len(self.classes_),
            self._domain_head(),
            self.batch_norm == "per_domain" and self.domain_counts_["target"] > 0,
        )
        if self.extractor is not None:
            return module
        return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _given_levels(self) -> list[nn.Module]:
        """Return the extractor that the user gave, as layers from rows."""
        given = self.extractor
        layers = copy.deepcopy(given) if isinstance(given, nn.Module) else given()  # type: ignore[misc]
        if not isinstance(layers, nn.Module):
            raise ValueError(f"extractor has to return a torch.nn.Module, got {layers!r}.")
        return [UnflattenImages(self._image_shape()), layers] if self._of_images else [layers]

    def _n_made(self, body: nn.Module, n_features: int) -> int:
        """Return how many numbers the layers make of a row."""
        rows = torch.zeros(2, n_features)
        kind = "rows"
        if self._of_images:
            height, width, channels = self._image_shape()
            kind = f"images (batch, {channels}, {height}, {width})"
        try:
            with torch.no_grad():
                shape = tuple(body(rows).shape)
        except (RuntimeError, TypeError, IndexError, ValueError) as error:
            raise ValueError(
                f"The layers do not work on {kind}, which is what X holds: {error}"
            ) from error
        if len(shape) != 2 or shape[0] != 2:
            raise ValueError(
                f"extractor has to make one thing of every row, got {shape} of 2 {kind}."
            )
        return shape[1]

    def _turns(self) -> list[Turn]:
        heads = ["label_head", "domain_head"] if self._is_adversarial else ["label_head"]
        return [Turn(("extractor", *heads), self._objective())]

    def _objective(self) -> Objective:
        return Objective(
            on_rows(
                resolve(self.corruption, CORRUPTIONS),
                self._image_shape() if self._of_images else None,
            ),
            self.adaptation_weight,
            self.adaptation_schedule,
            self._alignments(),
            self.domain_counts_["target"] > 0
            and (self.adaptation_weight > 0 or self.batch_norm == "per_domain"),
        )

    def _validation_loss(self) -> TurnLoss:
        return HeldOutLoss(self._objective().adapts)

    # Use

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: ArrayLike, y: Any, sample_domain: ArrayLike | None = None
    ) -> "BaseAdaptedClassifier":
        """Learn from the labels of the source, and from the target's rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
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
        X : array-like of shape (n_samples, n_features), or images
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
        X : array-like of shape (n_samples, n_features), or images
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
        n_features: int = self.net_.built_with_["n_components"]
        return n_features

    def predict(self, X: ArrayLike, sample_domain: ArrayLike | None = None) -> NDArray:
        """Return the most probable classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
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
        X : array-like of shape (n_samples, n_features), or images
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
        X : array-like of shape (n_samples, n_features), or images
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
            labeled = labeled_rows(checked_labels(y), self.classes_)
            sample_domain = None if labeled.all() else np.where(labeled, 1, -1)
        predicted = self.predict(X, sample_domain)
        return labeled_accuracy(y, predicted, self.classes_, sample_weight)

    def _infer(self, head: _Head, X: ArrayLike, sample_domain: ArrayLike | None) -> NDArray:
        """Return what a head makes of the features of rows, each normalized as its domain is."""
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        if sample_domain is not None:
            source = checked_domains(sample_domain, len(X))
        else:
            source = np.full(len(X), not self.domain_counts_["target"])
        split = self.net_.built_with_["batch_norm"] == "per_domain"
        if not split or source.all() or not source.any():
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
        """Return complaints about what training did to the source, and to the target."""
        progress, sides = self.net_.progress_, [self._training >= 0, self._training < 0]
        fewest = min(self.domain_counts_.values())
        enough = progress.update >= _LEAST_UPDATES and fewest >= _LEAST_JUDGED
        if not (enough and self._objective().adapts):
            return []
        draw = np.random.default_rng(0)
        rows = [draw.permutation(np.flatnonzero(side))[:_MOST_JUDGED] for side in sides]
        of_source, of_target = (
            self._of_domain(_probabilities, X[part], is_source).argmax(axis=1)
            for part, is_source in zip(rows, (True, False), strict=True)
        )
        curve = None  # stopping early keeps other weights than the last
        if not self.early_stopping:
            curve = self.net_.history[-progress.epoch :, "label_loss"]
        true = self._training[rows[0]]
        return [
            *signs_in_source(of_source, true, curve, self.adaptation_weight, self.lr),
            *signs_in_target(of_target, true, self.classes_, self.adaptation_weight),
        ]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _probabilities(network: Any, features: Tensor) -> Tensor:
    probabilities: Tensor = network.label_head(features).softmax(dim=1)
    return probabilities


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
