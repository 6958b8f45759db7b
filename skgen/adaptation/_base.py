"""What all classifiers that adapt to a target domain share."""

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from math import ceil, log2
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen._sklearn import StrOptions, _fit_context
from skgen.adaptation._harm import (
    warn_of_few_rows,
    warn_of_signs_in_source,
    warn_of_signs_in_target,
)
from skgen.adaptation._objective import SCHEDULES, HeldOutLoss, Objective
from skgen.alignments import Alignment
from skgen.base import BaseModel
from skgen.corruptions import CORRUPTION, CORRUPTIONS, Corruption, on_rows, resolve_corruption
from skgen.engine import Batches, Column, DomainPairs, Rows, Turn, TurnLoss
from skgen.exceptions import warn
from skgen.inputs import DomainInput, ImageInput, Units
from skgen.inputs.domains import (
    checked_domains,
    checked_labels,
    labeled_accuracy,
    source_rows,
)
from skgen.inputs.images import RowsOrImages
from skgen.metrics._shares import checked_shares, class_weights, estimated_shares
from skgen.networks.adaptation import DomainClassifier, pooling_levels
from skgen.networks.convolutional import UnflattenImages
from skgen.networks.dense import ACTIVATIONS, dense_levels
from skgen.networks.encoders import custom_network, n_outputs
from skgen.parameters import COUNT, NETWORK, NOT_NEGATIVE, override, parameter, resolve_all

__all__ = ["BaseAdaptedClassifier"]

_Head = Callable[[Any, Tensor], Tensor]

# Rows of each domain by which training is judged, at least and at most.
_LEAST_JUDGED = 50
_MOST_JUDGED = 1000

# Filters of the levels of images, which larger ones are halved for by further levels.
_FILTERS, _LARGEST_SIDE = (16, 32, 64), 64

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
        "target_shares_ : ndarray of shape (n_classes,)": """The shares of the classes that the
            target was taken to have: `target_shares`, or else the source's, unless others explain
            how the rows differ.""",
        "value_range_ : tuple of float or None": """The range that images were taken to have: 0 to
            255 for bytes; 0 to 1 for other numbers that lie in between; otherwise that of X. None
            for rows that were not said to be images.""",
    }

    n_components: int = parameter(
        64,
        COUNT,
        """Number of features that `transform` returns.""",
        positional=True,
    )
    adaptation_weight: float = parameter(
        1.0,
        NOT_NEGATIVE,
        """How much the target counts beside the labels. With 0 training is on the source alone, but
        for the statistics of the target that ``batch_norm="per_domain"`` takes: the baselines to
        compare with.""",
    )
    adaptation_schedule: str | Callable[[float], float] = parameter(
        "ramp",
        [StrOptions(set(SCHEDULES)), callable],
        """How `adaptation_weight` moves in `fit`: up from 0 along the curve of Ganin et al. (2016),
        of which it has made half at a ninth of training, or not at all. A callable maps the share
        of training done to a share of the weight.""",
        kind="{'ramp', 'constant'} or callable",
    )
    alignment: Alignment | Sequence[Alignment] | None = parameter(
        None,
        [Alignment, list, tuple, None],
        """Further losses that bring the domains together: objects of `skgen.alignments`.""",
        kind="Alignment, list of Alignment, or None",
    )
    batch_norm: str | None = parameter(
        "per_domain",
        [StrOptions({"joint", "per_domain"}), None],
        """Batch normalization after every layer of the extractor: with the statistics of both
        domains together, with those of each domain its own, or none. With ``"per_domain"`` also
        normalizations inside an `extractor` have statistics for each; otherwise they are left as
        they are.""",
    )
    corruption: str | Corruption | Sequence[str | Corruption] | None = parameter(
        None,
        [*CORRUPTION, None],
        f"""Distorts the rows of both domains in training: {", ".join(CORRUPTIONS)}, an object of
        `skgen.corruptions`, or a list of these, done one after the other.""",
        kind="str, Corruption, list of these, or None",
    )
    target_shares: ArrayLike | None = parameter(
        None,
        ["array-like", None],
        """The shares of the classes in the target, in the order of `classes_`, if you know them.
        None has them estimated from the rows, and takes the source's where these do not tell.""",
        kind="array-like of shape (n_classes,) or None",
    )
    extractor: nn.Module | Callable[[tuple[int, ...]], nn.Module] | None = parameter(
        None,
        NETWORK,
        """Layers in place of those that `hidden_layer_sizes` or `n_filters` describe, from rows, or
        images (batch, channels, height, width), to anything; a linear layer to `n_components`
        features follows. A module is copied, and training starts from its weights. A callable gets
        the shape of a row without the batch, and returns a new module.""",
    )
    activation: str = parameter(
        "relu",
        [StrOptions(set(ACTIVATIONS))],
        f"""Activation of the hidden layers: one of {", ".join(ACTIVATIONS)}.""",
        kind="str",
    )
    n_filters: Sequence[int] | None = override(
        None,
        """For images: channels of the levels, on the side of X first, each of which convolves and
        halves height and width. None stands for ``(16, 32, 64)``; of images with more than 64
        pixels a side, further levels of 16 come first, which halve them to that size.""",
    )
    batch_size: int = override(
        256,
        """Rows in a minibatch: half of them of the source, half of the target, two of each at
        least; all of the source if there is no target.""",
    )

    if TYPE_CHECKING:
        input_: ImageInput
        target_input_: DomainInput

    # What subclasses say

    _is_adversarial: ClassVar[bool] = False
    _has_steady_loss: ClassVar[bool] = False  # but one whose parts count more and more

    def _alignments(self) -> list[Alignment]:
        """Return the losses that bring the domains together."""
        return resolve_all(self.alignment)

    def _domain_head(self) -> nn.Module | None:
        """Return the layers that tell the domains apart, of an adversarial model."""
        return None

    # Input

    def _units(self, *, of_images: bool) -> Units:
        return Units((-1.0, 1.0), by_value_range=True) if of_images else Units()

    def _layer_sizes(self) -> list[int]:
        shape = self.input_.image_shape
        if shape is None or self.n_filters is not None:
            return super()._layer_sizes()
        n_halvings = max(0, ceil(log2(max(shape[:2]) / _LARGEST_SIDE)))
        return [*[_FILTERS[0]] * n_halvings, *_FILTERS]

    def _target_input(self) -> DomainInput:
        return DomainInput()

    @property
    def classes_(self) -> NDArray:
        """The labels of the source."""
        return self.target_input_.classes

    @property
    def domain_counts_(self) -> dict[str, int]:
        """How many rows of the source and of the target there were."""
        return self.target_input_.counts

    def _read(self, X: Any, y: Any, *, going_on: bool) -> dict[str, Column]:
        """Return the columns of X and y, and estimate the shares that the target's classes have."""
        columns = super()._read(X, y, going_on=going_on)
        if not going_on:
            self.target_shares_ = self._shares(columns)
        return columns

    def _shares(self, columns: Mapping[str, Column]) -> NDArray:
        """Return the shares that the user says the target's classes have, or an estimate."""
        if self.target_shares is not None:
            return checked_shares(self.target_shares, len(self.classes_))
        rows: Any = columns["x"]
        return estimated_shares(
            lambda index: rows.take(torch.from_numpy(index)).cpu().numpy(), _class_numbers(columns)
        )

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        """Train, set the fitted attributes, and look for signs of harm."""
        columns = super()._learn(X, y, **options)
        counts = self.domain_counts_
        if self.batch_norm == "per_domain":
            warn_of_few_rows(counts)
        self._warn_of_harm(columns)
        if not counts["target"]:
            warn(
                f"All {counts['source']} rows are of the source, so {type(self).__name__} was "
                "trained on these alone. Mark rows of the target by y=-1, or say sample_domain=-1 "
                "of them.",
                UserWarning,
            )
        return columns

    def _split(
        self, columns: Mapping[str, Column], seed: int
    ) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
        order, both = np.random.default_rng(seed), []
        for side in _sides(columns):
            if len(side):
                both.append(self._cut(order.permutation(side), "rows of a domain"))
        first, last = (np.concatenate(parts) for parts in zip(*both, strict=True))
        return first, last

    def _batches(self, columns: Mapping[str, Column], rows: NDArray | None) -> Batches:
        source, target = _sides(columns, rows)
        if not len(target):
            return Rows(columns, max(2, self.batch_size), source)
        half = max(2, self.batch_size // 2)
        return DomainPairs(
            Rows(columns, half, source), Rows({"target": columns["x"]}, half, target), half
        )

    # Networks and turns

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "extractor": self.extractor,
            "n_components": self.n_components,
            "batch_norm": self.batch_norm,
            "activation": self.activation,
            "target_shares": _as_tuple(self.target_shares),
        }

    def _module(self) -> nn.Module:
        normalized, taken = self.batch_norm is not None, self.input_
        n_features, shape = self.n_features_in_, taken.image_shape
        kind = f"rows {taken.shape}"
        levels: list[nn.Module]
        if self.extractor is not None:
            own = custom_network("extractor", self.extractor, taken.shape)
            levels = [own] if shape is None else [UnflattenImages(shape), own]
        elif shape is not None:
            sizes = self._layer_sizes()
            levels = pooling_levels(shape, sizes, self.activation, batch_norm=normalized)
        else:
            sizes = [n_features, *self._layer_sizes()]
            levels = dense_levels(sizes, self.activation, batch_norm=normalized)
        body = nn.Sequential(*levels, nn.Flatten())
        n_last = n_outputs("extractor", body, n_features, kind)
        last = dense_levels([n_last, self.n_components], self.activation, batch_norm=normalized)
        module: nn.Module = DomainClassifier(
            body.extend(last),
            self.n_components,
            len(self.classes_),
            self._domain_head(),
            self.batch_norm == "per_domain" and self.domain_counts_["target"] > 0,
            class_weights(self.target_shares_, self.target_input_.shares),
        )
        if self.extractor is not None:
            return module
        return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _turns(self) -> list[Turn]:
        heads = ["label_head", "domain_head"] if self._is_adversarial else ["label_head"]
        return [Turn(("extractor", *heads), self._objective())]

    def _objective(self) -> Objective:
        return Objective(
            on_rows(resolve_corruption(self.corruption), self.input_.image_shape),
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
        self,
        X: ArrayLike,
        y: Any,
        sample_domain: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: Any = None,
    ) -> Self:
        """Learn from the labels of the source, and from the target's rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows of both domains, in any order: finite numbers.

        y : array-like of shape (n_samples,)
            Classes of the source's rows, and -1 for those of the target. Where the labels are -1
            and 1, and no others, both are classes. Among strings, y is an array of objects with
            the number -1 in it.

        sample_domain : array-like of shape (n_samples,), default=None
            Positive for rows of the source, negative for those of the target; several sources
            count as one. With it, what y says of the target is not looked at. With None, y says
            all. It is routed as metadata where that is switched on.

        X_val, y_val : array-like, default=None
            Rows of both domains that `early_stopping` goes by in place of a part of X, and their
            labels, -1 for rows of the target.

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
            If there is no row of the target.

        TrainingWarning
            At signs that adapting did harm.
        """
        with self._all_or_nothing():
            self._learn(
                X, (y, sample_domain), X_val=X_val, y_val=y_val if X_val is None else (y_val, None)
            )
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
            Their classes. Rows of -1, for none, do not count.

        sample_weight : array-like of shape (n_samples,), default=None
            How much every row counts.

        sample_domain : array-like of shape (n_samples,), default=None
            Positive for rows of the source, negative for those of the target. None takes all for
            the target's, as `predict` does, also those beside rows of -1.

        Returns
        -------
        accuracy : float
            The share of right predictions. To choose settings by it is to choose by the source if
            only that has labels: see `skgen.metrics.LabelFreeScorer`.
        """
        check_is_fitted(self)
        predicted = self.predict(X, sample_domain)
        return labeled_accuracy(y, predicted, self.classes_, sample_weight)

    def _infer(self, head: _Head, X: ArrayLike, sample_domain: ArrayLike | None) -> NDArray:
        """Return what a head makes of the features of rows, each normalized as its domain is."""
        columns = self._columns(X)
        n_rows = len(columns["x"])
        if sample_domain is not None:
            source = checked_domains(sample_domain, n_rows)
        else:
            source = np.full(n_rows, not self.domain_counts_["target"])
        split = self.net_.built_with_["batch_norm"] == "per_domain"
        if not split or source.all() or not source.any():
            return self._of_domain(head, columns, bool(source.any()))
        numbers = [np.flatnonzero(source == side) for side in (True, False)]
        parts = [
            self._of_domain(head, columns, side, rows)
            for side, rows in zip((True, False), numbers, strict=True)
        ]
        result = np.empty((n_rows, *parts[0].shape[1:]), parts[0].dtype)
        for rows, part in zip(numbers, parts, strict=True):
            result[rows] = part
        return result

    def _of_domain(
        self,
        head: _Head,
        columns: Mapping[str, Column],
        is_source: bool,
        rows: NDArray | None = None,
    ) -> NDArray:
        """Return what a head makes of the features of rows of one domain."""
        network = self._network()

        def made(x: Tensor) -> Tensor:
            return head(network, network.features(x, len(x) if is_source else 0))

        result: NDArray = self._apply(made, {"x": columns["x"]}, rows)
        return result

    def _warn_of_harm(self, columns: Mapping[str, Column]) -> None:
        """Warn of what training did to the source, and to the target."""
        progress, fewest = self.net_.progress_, min(self.domain_counts_.values())
        enough = progress.update >= _LEAST_UPDATES and fewest >= _LEAST_JUDGED
        if not (enough and self._objective().adapts):
            return
        draw = np.random.default_rng(0)
        rows = [draw.permutation(side)[:_MOST_JUDGED] for side in _sides(columns)]
        of_source, of_target = (
            self._of_domain(_probabilities, columns, is_source, part).argmax(axis=1)
            for part, is_source in zip(rows, (True, False), strict=True)
        )
        curve = None  # stopping early keeps other weights than the last
        if not self.early_stopping:
            curve = self.net_.history[-progress.epoch :, "label_loss"]
        true = _class_numbers(columns)[rows[0]]
        warn_of_signs_in_source(of_source, true, curve, self.adaptation_weight, self.lr)
        n_source = self.domain_counts_["source"]
        warn_of_signs_in_target(
            of_target, self.target_shares_, n_source, self.classes_, self.adaptation_weight
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _probabilities(network: Any, features: Tensor) -> Tensor:
    probabilities: Tensor = network.label_head(features).softmax(dim=1)
    return probabilities


def _class_numbers(columns: Mapping[str, Column]) -> NDArray[np.integer[Any]]:
    """Return the numbers of classes, -1 for rows of the target."""
    y: Any = columns["y"].take(slice(None))
    numbers: NDArray[np.integer[Any]] = y.cpu().numpy()
    return numbers


def _as_tuple(given: ArrayLike | None) -> tuple[Any, ...] | None:
    return None if given is None else tuple(np.asarray(given).tolist())


def _sides(
    columns: Mapping[str, Column], rows: NDArray | None = None
) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
    """Return the numbers of rows of the source, and of the target, out of some or of all."""
    numbers = _class_numbers(columns)
    there = np.arange(len(numbers)) if rows is None else np.sort(rows)
    return there[numbers[there] >= 0], there[numbers[there] < 0]
