"""Moves in a code space, for any model with `transform` and `inverse_transform`."""

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skgen._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    _fit_context,
    _num_samples,
    _safe_indexing,
    validate_params,
)
from skgen.exceptions import warn
from skgen.inputs.attributes import Attributes
from skgen.inputs.images import stacked_images

__all__ = ["AttributeEditor", "interpolate"]


@validate_params(
    {
        "model": [HasMethods(["transform", "inverse_transform"])],
        "start": ["array-like"],
        "stop": ["array-like"],
        "n_steps": [Interval(Integral, 2, None, closed="left")],
        "method": [StrOptions({"linear", "spherical"})],
    },
    prefer_skip_nested_validation=True,
)
def interpolate(
    model: Any,
    start: ArrayLike,
    stop: ArrayLike,
    n_steps: int = 9,
    *,
    method: str = "linear",
) -> NDArray:
    r"""Morph rows into others, along the way between their codes.

    .. math:: \text{Dec}((1 - t)\, c_1 + t\, c_2), \quad t = 0, \ldots, 1

    Parameters
    ----------
    model : estimator instance
        A fitted model with `transform` and `inverse_transform`: an autoencoder, `PCA`.

    start, stop : array-like
        Rows or images as the model takes them, as many of one as of the other; or one of each,
        without the first axis. In a pipeline, images need it.

    n_steps : int, default=9
        Steps of a morph, both ends among them.

    method : {'linear', 'spherical'}, default='linear'
        Along a line; or along the great circle through both codes [1]_, while the distance from the
        origin changes evenly. The latter is for codes that lie about the origin as a normal
        distribution does, of which few are near its center. Codes on opposite sides of the origin
        have no one great circle and are joined by a line.

    Returns
    -------
    morphs : ndarray of shape (n_pairs, n_steps, ...)
        Decoded steps. Of a single pair, without the first axis.

    References
    ----------
    .. [1] T. White, "Sampling generative networks", arXiv:1609.04468, 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from skgen.latent import interpolate
    >>> X, _ = load_digits(return_X_y=True)
    >>> interpolate(PCA(10).fit(X), X[:3], X[3:6], n_steps=5).shape
    (3, 5, 64)
    """
    check_is_fitted(model)
    first, single = as_pairs(model, start)
    last, single_too = as_pairs(model, stop)
    if single != single_too:
        raise ValueError(
            f"start and stop have to be one row each or as many, got {np.shape(start)} and "
            f"{np.shape(stop)}."
        )
    check_consistent_length(first, last)
    ends = [np.asarray(model.transform(rows)) for rows in (first, last)]
    kind = np.result_type(*ends, np.float32)
    one, other = (codes[:, None].astype(kind) for codes in ends)  # (pairs, 1, components)
    t = np.linspace(0, 1, n_steps, dtype=one.dtype)[:, None]
    codes = (1 - t) * one + t * other
    if method == "spherical":
        codes = _along_great_circles(one, other, t, codes)
    decoded = model.inverse_transform(codes.reshape(-1, codes.shape[2]))
    morphs: NDArray = np.asarray(decoded).reshape(len(one), n_steps, *np.shape(decoded)[1:])
    return morphs[0] if single else morphs


def as_pairs(model: Any, X: ArrayLike) -> tuple[Any, bool]:
    """Return X with an axis of rows, and whether that is new."""
    shape = np.shape(X)
    image = getattr(model, "image_shape_", ())
    whole = len(shape) > 1 and (*shape, 1)[:3] == (*image, 1)[:3]
    single = len(shape) == 1 or (whole and shape[:-1] != (1,))  # a line may be a table
    return (np.asarray(X)[None] if single else X), single


def _along_great_circles(one: NDArray, other: NDArray, t: NDArray, lines: NDArray) -> NDArray:
    lengths = [np.linalg.norm(codes, axis=2, keepdims=True) for codes in (one, other)]
    product = lengths[0] * lengths[1]
    cosine = np.sum(one * other, axis=2, keepdims=True) / np.where(product == 0, 1, product)
    angle = np.arccos(np.clip(cosine, -1, 1))
    defined = (product > 0) & (np.sin(angle) > 1e-4)
    sine = np.where(defined, np.sin(angle), 1)
    units = [codes / np.where(n == 0, 1, n) for codes, n in zip((one, other), lengths, strict=True)]
    direction = (np.sin((1 - t) * angle) * units[0] + np.sin(t * angle) * units[1]) / sine
    length = (1 - t) * lengths[0] + t * lengths[1]
    return np.where(defined, length * direction, lines).astype(lines.dtype)


class AttributeEditor(MetaEstimatorMixin, BaseEstimator):
    r"""Learn which way of a code an attribute lies, and go there: add a moustache, for one.

    With the codes :math:`c` of labeled rows and their attributes :math:`y`,

    * ``method="mean_difference"`` takes for each attribute by itself the average code of those that
      have it less that of those that do not,
      :math:`d_j = \bar c_{y_j = 1} - \bar c_{y_j = 0}` [1]_;
    * ``method="least_squares"`` fits all of them together,
      :math:`\min_{b, d} \sum_r \|c_r - b - \sum_j y_{rj} d_j\|^2`, so that what correlated
      attributes share is not counted for each of them: if most who have a beard wear glasses, its
      direction is without glasses.

    A code leaves part of an attribute out, so that a step from one mean code to the other changes a
    row by less than the means of rows differ. So each direction is stretched: strength 1 changes
    rows of X, in the mean and along the difference of the groups' rows, by all of that difference.

    `edit` then returns :math:`x + \text{Dec}(c + \sum_j s_j g_j d_j) - \text{Dec}(c)`: what the
    decoder changes, on top of the row as it is, with the stretches :math:`g_j`.

    Parameters
    ----------
    model : estimator instance
        A transformer with `inverse_transform`: an autoencoder, `PCA`, a pipeline of such. A clone
        of it is fitted on X; wrap a model that is fitted in `sklearn.frozen.FrozenEstimator`.

    method : {'least_squares', 'mean_difference'}, default='least_squares'
        How directions are learned.

    keep_details : bool, default=True
        Whether `edit` keeps what the code leaves out of a row, as above. Otherwise it returns
        :math:`\text{Dec}(c + \sum_j s_j g_j d_j)`, which is blurred where reconstructions are, but
        free of traces of what was there before.

    Attributes
    ----------
    model_ : estimator instance
        The fitted model.

    directions_ : dict of str to ndarray of shape (n_components,)
        The direction of every attribute, as long as strength 1 goes, :math:`g_j d_j`: that from
        the average code without it (False, 0, -1, or any other string) to the average code with it
        (True, 1 or a string), or for one more of a number; with ``"least_squares"``, all other
        attributes equal.

    stretches_ : dict of str to float
        How many of these differences of codes strength 1 takes, :math:`g_j`: 1 where the code
        leaves nothing out, and 10 at most.

    attribute_names_ : list of str
        Their names: those of the columns; ``"attribute 0"`` and so on of an array; of columns of
        strings, booleans aside, ``"column=value"`` for every value.

    n_features_in_ : int
        Number of features of the model.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X had string names.

    See Also
    --------
    interpolate : Morphs one row into another.

    Notes
    -----
    The unit of strength is a difference of groups, and edits are relative: with strength 1 a face
    that has a moustache already gets another one's worth. It is measured on up to 128 rows, which
    are moved to the other group: for a number, by a standard deviation. X that is no array of
    numbers which the model gives back has no such measure, and directions are left as they are.

    If columns make up a category, one of them 1 in every row and the others 0, the direction of
    each leads to it from the average of the others.

    References
    ----------
    .. [1] A. Larsen, S. Sonderby, H. Larochelle, O. Winther, "Autoencoding beyond pixels using a
       learned similarity metric", ICML 2016, section 4.2.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from skgen.latent import AttributeEditor
    >>> X, digit = load_digits(return_X_y=True)
    >>> attributes = pd.DataFrame({"round": digit == 0, "left heavy": X[:, 2::8].mean(axis=1)})
    >>> editor = AttributeEditor(PCA(10)).fit(X, attributes)
    >>> editor.edit(X[:5], {"round": +1, "left heavy": -0.5}).shape
    (5, 64)
    """

    _parameter_constraints = {
        "model": [HasMethods(["fit", "transform", "inverse_transform"])],
        "method": [StrOptions({"least_squares", "mean_difference"})],
        "keep_details": ["boolean"],
    }

    def __init__(
        self, model: Any, *, method: str = "least_squares", keep_details: bool = True
    ) -> None:
        self.model = model
        self.method = method
        self.keep_details = keep_details

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike) -> "AttributeEditor":
        """Fit the model on X, and learn the directions of the attributes.

        Parameters
        ----------
        X : array-like
            Rows or images, as the model takes them.

        y : array-like of shape (n_samples,) or (n_samples, n_attributes)
            Attributes, such as a frame or a dictionary of columns: booleans, numbers, or strings
            that stand for categories.

        Returns
        -------
        self : object
            The fitted editor.

        Raises
        ------
        ValueError
            If an attribute is the same for all rows, has missing values, or follows from others.
        """
        if y is None:
            raise ValueError(
                "AttributeEditor requires y to be passed, but the target y is None: attributes of "
                "the rows of X."
            )
        if _num_samples(X) < 2:
            raise ValueError("X has 1 sample, and directions are learned from differences.")
        attributes = Attributes(y)
        names, values = attributes.names, attributes.numbers(y)
        check_consistent_length(X, values)
        model = clone(self.model).fit(X, None)
        codes = np.asarray(model.transform(X), dtype=np.float64)
        learn = {"least_squares": _jointly, "mean_difference": _one_by_one}[self.method]
        slopes = learn(codes - codes.mean(axis=0), values, names)
        stretches = _stretches(model, X, codes, values, slopes, names, learn)
        self.model_ = model
        self.attribute_names_ = names
        self._attributes, self._slopes = attributes, slopes
        self.stretches_ = dict(zip(names, stretches.tolist(), strict=True))
        self.directions_ = dict(zip(names, stretches[:, None] * slopes, strict=True))
        self._mean_code, self._mean_attributes = codes.mean(axis=0), values.mean(axis=0)
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(model, name):
                setattr(self, name, getattr(model, name))
        return self

    def edit(self, X: ArrayLike, changes: Mapping[str, float | ArrayLike]) -> NDArray:
        """Add attributes to rows, or take them away.

        Parameters
        ----------
        X : array-like
            Rows or images, as the model takes them.

        changes : mapping of str to float or array-like of shape (n_samples,)
            Strengths by the names of attributes: 1 changes rows, in the mean, by the difference
            between those that have it and those that do not, -1 takes it away. An array has one
            for each row.

        Returns
        -------
        edited : ndarray
            The edited rows, in the layout that the model restores. If it knows the range of its
            images, they are not moved out of it.
        """
        check_is_fitted(self)
        unknown = [name for name in changes if name not in self.directions_]
        if unknown:
            known = ", ".join(self.attribute_names_)
            raise ValueError(f"No attribute is called {unknown}. There are: {known}.")
        codes = np.asarray(self.model_.transform(X))
        moved = codes.astype(np.result_type(codes, np.float32))
        for name, strength in changes.items():
            strengths = np.asarray(strength, dtype=moved.dtype)
            if strengths.shape not in {(), (len(moved),)} or not np.isfinite(strengths).all():
                raise ValueError(
                    f"The strength of {name!r} has to be a finite number, or one for each of the "
                    f"{len(moved)} rows; got {strength!r}."
                )
            moved += np.multiply.outer(
                np.broadcast_to(strengths, len(moved)), self.directions_[name]
            ).astype(moved.dtype)
        edited: NDArray = np.asarray(self.model_.inverse_transform(moved))
        if not self.keep_details:
            return edited
        before = np.asarray(self.model_.inverse_transform(codes))
        rows = _as_array(X).astype(edited.dtype).reshape(edited.shape)
        return _added(self.model_, rows, edited - before)

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        r"""Return the share of the variance of X that its attributes explain, by their directions.

        .. math:: 1 - \frac{\sum_r \|x_r - \text{Dec}(\bar c + \sum_j (y_{rj} - \bar y_j) d_j)\|^2}
                  {\sum_r \|x_r - \bar x\|^2}

        Rows are drawn from their attributes alone, by directions that are not stretched. Nothing is
        said about detail that no attribute tells of.

        Parameters
        ----------
        X : array-like
            Rows or images, as the model takes them.

        y : array-like of shape (n_samples,) or (n_samples, n_attributes)
            Their attributes, as in `fit`.

        Returns
        -------
        score : float
            1 where attributes tell everything, 0 for what the mean row explains.
        """
        check_is_fitted(self)
        values = self._attributes.numbers(y)
        check_consistent_length(X, values)
        self.model_.transform(_safe_indexing(X, [0]))  # which raises an error for what is no row
        codes = self._mean_code + (values - self._mean_attributes) @ self._slopes
        drawn = np.asarray(self.model_.inverse_transform(codes))
        rows = _as_array(X).astype(np.float64).reshape(drawn.shape)
        total = np.sum((rows - rows.mean(axis=0)) ** 2)
        residual = np.sum((rows - drawn) ** 2)
        return float(1 - residual / total) if total > 0 else float(residual == 0)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.model).input_tags
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _as_array(X: Any) -> NDArray:
    """Return rows or images, also a list of these, as an array."""
    images = stacked_images(X)
    return np.asarray(X) if images is None else images


def _added(model: Any, rows: NDArray, change: NDArray) -> NDArray:
    """Return rows with a change, not moved out of the range that the model knows of, if any."""
    result: NDArray = rows + change
    if getattr(model, "value_range_", None) is None:
        return result
    low, high = model.value_range_
    return result.clip(np.minimum(low, rows), np.maximum(high, rows))


# How far strength 1 goes

# Rows of each group that are moved, and how often, to find out.
_N_MOVED, _N_TRIALS = 64, 8

# A code that leaves out more than the rest by this factor tells too little of an attribute.
_MOST_STRETCHED = 10.0

# Numbers of X that are looked at in one piece.
_PIECE = 1 << 22


def _stretches(
    model: Any,
    X: Any,
    codes: NDArray,
    values: NDArray,
    slopes: NDArray,
    names: list[str],
    learn: Callable[[NDArray, NDArray, list[str]], NDArray],
) -> NDArray[np.float64]:  # (n_attributes,)
    """Return what to multiply directions by, so that a step of 1 makes the groups' difference."""
    stretches = np.ones(len(names))
    decoded = np.asarray(model.inverse_transform(codes[:1]))
    array = _as_array(X)
    if array.dtype.kind not in "biuf" or array.size != len(codes) * decoded.size:
        return stretches
    rows = array.reshape(len(codes), -1)
    width = max(1, _PIECE // len(rows))
    parts = [rows[:, at : at + width] for at in range(0, rows.shape[1], width)]
    differences = np.hstack([learn(part.astype(np.float64), values, names) for part in parts])
    for number, (name, difference) in enumerate(zip(names, differences, strict=True)):
        share = _share_made(model, rows, codes, values[:, number], slopes[number], difference)
        stretches[number], made = _stretch(share)
        if not 0.8 < made < 1.25:
            warn(
                f"Codes tell too little of the attribute {name!r}: an edit of strength 1 makes "
                f"{made:.2g} of the difference between its groups. A larger code holds more, and "
                "so does that of a model which was trained for longer.",
            )
    return stretches


def _share_made(
    model: Any,
    rows: NDArray,
    codes: NDArray,
    attribute: NDArray,
    direction: NDArray,
    difference: NDArray,
) -> Callable[[float], float]:
    """Return the share of a difference of rows that a step makes, by how far it is stretched."""
    distinct = np.unique(attribute)
    step = np.ptp(distinct) if len(distinct) == 2 else attribute.std()
    above = attribute > attribute.mean()
    some = [np.flatnonzero(side) for side in (~above, above)]
    some = [side[np.unique(np.linspace(0, len(side) - 1, _N_MOVED, dtype=int))] for side in some]
    moved, signs = np.concatenate(some), np.repeat([1.0, -1.0], [len(side) for side in some])
    weights = np.repeat([0.5 / len(side) for side in some], [len(side) for side in some])
    before = np.asarray(model.inverse_transform(codes[moved]))
    start = rows[moved].astype(before.dtype).reshape(before.shape)
    size = step * np.square(difference).sum()

    def share(stretch: float) -> float:
        steps = np.multiply.outer(stretch * step * signs, direction)
        change = np.asarray(model.inverse_transform(codes[moved] + steps)) - before
        made = (_added(model, start, change) - start).reshape(len(moved), -1) @ difference
        return float((weights * signs * made).sum() / size) if size > 0 else 1.0

    return share


def _stretch(share: Callable[[float], float]) -> tuple[float, float]:
    """Return the stretch at which a step makes all of a difference, or most, and that share."""
    stretch, tried = 1.0, []
    for _ in range(_N_TRIALS):
        made = share(stretch)
        tried.append((abs(made - 1), stretch, made))
        if made <= 0 or abs(made - 1) < 0.005:
            break
        stretch = float(np.clip(stretch / made, 1 / _MOST_STRETCHED, _MOST_STRETCHED))
    _, best, made = min(tried)
    return best, made


# Directions

# Columns depend on each other if one follows from the others up to this share of its spread.
_DEPENDENT = 1e-4


def _one_by_one(codes: NDArray, values: NDArray, names: list[str]) -> NDArray:
    """Return slopes of codes on each attribute alone: for two values, the difference of means."""
    centered = values - values.mean(axis=0)
    slopes: NDArray = centered.T @ codes / np.square(centered).sum(axis=0)[:, None]
    return slopes


def _jointly(codes: NDArray, values: NDArray, names: list[str]) -> NDArray:
    """Return the slopes of codes on all attributes together."""
    centered = values - values.mean(axis=0)
    spread = centered.std(axis=0)
    standardized = centered / spread
    slopes, _, rank, _ = np.linalg.lstsq(standardized, codes, rcond=_DEPENDENT)
    slopes = slopes / spread[:, None]
    if rank < values.shape[1]:
        for group in _dependent_groups(standardized, int(rank)):
            _to_contrasts(slopes, values, group, names)
    return slopes


def _dependent_groups(standardized: NDArray, rank: int) -> list[NDArray]:
    """Return the sets of columns within which one follows from the others."""
    null = np.linalg.svd(standardized.T @ standardized)[2][rank:]
    related = np.abs(null.T @ null) > 1e-6
    n_groups, member = connected_components(related)
    groups = [np.flatnonzero(member == group) for group in range(n_groups)]
    return [group for group in groups if related[group[0], group[0]]]


def _to_contrasts(slopes: NDArray, values: NDArray, group: NDArray, names: list[str]) -> None:
    """Make the slopes of a category's columns lead from the average of its other values."""
    members = values[:, group]
    if not (np.isin(members, (0, 1)).all() and (members.sum(axis=1) == 1).all()):
        listed = ", ".join(repr(names[column]) for column in group)
        raise ValueError(
            f"The attributes {listed} follow from each other, so their directions cannot be told "
            'apart. Leave one of them out, or use method="mean_difference".'
        )
    share = members.mean(axis=0)
    total = share @ slopes[group]
    for column, effect, own in zip(group, slopes[group].copy(), share, strict=True):
        slopes[column] = effect - (total - own * effect) / (1 - own)
