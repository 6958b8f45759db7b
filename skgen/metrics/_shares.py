"""What shares the classes have in a target without labels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls
from sklearn.linear_model import Ridge
from sklearn.model_selection import StratifiedKFold
from torch import Tensor

__all__ = ["checked_shares", "class_weights", "estimated_shares"]

_FOLDS = 3
_FREQUENCIES = 200
_MOST_STEPS = 100

# Rows of each domain that are looked at: so many in all, and of every class at least.
_MOST_ROWS = 1000
_LEAST_OF_CLASS = 20

# A distance below so many times its noise needs no explanation; shares are one if no more noises
# are left than that, and no more than this part of it. Where shares differed, .05 was left for rows
# and .2 to .4 for digits; for targets that differ otherwise, .55 or more.
_NOISES = 2.0
_MOST_NOISES = 5.0
_MOST_LEFT = 0.45
_MOST_OF_ONE = 0.98

# What a class counts at least, so that every batch has rows that count.
_LEAST_WEIGHT = 1e-3


def checked_shares(given: ArrayLike, n_classes: int) -> NDArray:
    """Return shares of classes that the user names, which sum to 1.

    Raises
    ------
    ValueError
        If they are not as many as there are classes, are negative, or all 0.
    """
    shares = np.asarray(given, dtype=np.float64)
    if shares.shape != (n_classes,) or not np.isfinite(shares).all() or not shares.max() > 0:
        raise ValueError(
            f"target_shares has to hold a number for each of the {n_classes} classes of the "
            f"source, got {given!r}."
        )
    if shares.min() < 0:
        raise ValueError(f"target_shares cannot be negative, got {given!r}.")
    return shares / shares.sum()


def class_weights(target: NDArray, source: NDArray) -> Tensor | None:
    """Return how much rows of the source count, class by class, to have the target's shares."""
    if np.array_equal(target, source):
        return None
    return torch.from_numpy(np.maximum(target / source, _LEAST_WEIGHT)).float()


def estimated_shares(
    rows_of: Callable[[NDArray[np.integer[Any]]], NDArray], numbers: NDArray[np.integer[Any]]
) -> NDArray:
    r"""Return the shares of the classes in the target, or the source's if these do as well.

    .. math:: \hat\pi = \operatorname{argmin}_\pi D(\pi), \qquad
              D(\pi) = \Big\| \sum_k \pi_k \, \overline{\varphi(s(x))}_{x \in S_k}
              - \overline{\varphi(s(T_\pi x))}_{x \in T} \Big\|^2

    over the simplex, with scores :math:`s` by ridge regression of the source's classes on rows set
    aside, random Fourier features :math:`\varphi` of these, and a map :math:`T_\pi` of the target:
    the identity, where that leaves no more than noise or is closer; or else the one that gives
    every column the mean and the variance of a source with shares :math:`\pi`.

    The distance is compared with its noise, and with that at the source's shares. Unless it goes
    away, the target differs in other ways, of which shares are no account, and the source's are
    returned: so they are where rows were changed in more ways than column by column. A target that
    is moved, and all of one class, cannot be told from one of another class, and gets them, too.

    Parameters
    ----------
    rows_of : callable
        Maps numbers of rows to an array of them.

    numbers : ndarray of int of shape (n_samples,)
        Numbers of their classes, -1 for rows of the target.

    Returns
    -------
    shares : ndarray of shape (n_classes,)
        They sum to 1.

    References
    ----------
    .. [1] K. Zhang, B. Schoelkopf, K. Muandet, Z. Wang, "Domain adaptation under target and
       conditional shift", ICML 2013, sections 3 and 4.
    .. [2] Z. Lipton, Y.-X. Wang, A. Smola, "Detecting and correcting for label shift with black box
       predictors", ICML 2018.
    """
    counts = np.bincount(numbers[numbers >= 0])
    shares: NDArray = counts / counts.sum()
    draw, target = np.random.default_rng(0), np.flatnonzero(numbers < 0)
    if counts.min() < _FOLDS or len(target) < _LEAST_OF_CLASS:
        return shares
    of_each = max(_MOST_ROWS // len(counts), _LEAST_OF_CLASS)
    chosen = np.concatenate(
        [draw.permutation(np.flatnonzero(numbers == k))[:of_each] for k in range(len(counts))]
    )
    sides = [rows_of(side) for side in (chosen, draw.permutation(target)[:_MOST_ROWS])]
    X, Z = (side.reshape(len(side), -1).astype(np.float32) for side in sides)
    offset, scale = X.mean(axis=0), X.std(axis=0)
    # A column that is constant on one side, but for rounding, cannot be moved to the other's.
    kept = (scale > 1e-4 * scale.max()) & (Z.std(axis=0) > 1e-3 * scale)
    if not kept.any():
        return shares
    X, Z = ((rows[:, kept] - offset[kept]) / scale[kept] for rows in (X, Z))
    match = _Match(X, numbers[chosen], Z, len(counts))
    as_they_are = match.of_target(None)
    before = min(
        match.distance(shares, of_target) for of_target in (as_they_are, match.of_target(shares))
    )
    if before < _NOISES * match.noise(shares):
        return shares
    found = match.closest(as_they_are)
    left = match.distance(found, as_they_are)
    if left > _MOST_NOISES * match.noise(found):
        left, found = match.moved(shares)
        if found.max() > _MOST_OF_ONE:  # moved and scaled, any class may look like any other
            return shares
    explained = left < min(_MOST_NOISES * match.noise(found), _MOST_LEFT * before)
    return found if explained else shares


class _Match:
    """Scores of the source's classes, and what shares bring the target's closest to them."""

    def __init__(self, X: NDArray, y: NDArray[np.integer[Any]], Z: NDArray, n_classes: int):
        is_class = np.eye(n_classes, dtype=np.float32)[y]
        scores = np.empty_like(is_class)
        self.maps = []
        for fold, out in StratifiedKFold(_FOLDS, shuffle=True, random_state=0).split(X, y):
            model = Ridge(0.1 * X.shape[1]).fit(X[fold], is_class[fold])
            scores[out] = model.predict(X[out])
            self.maps.append((model.coef_.T, model.intercept_))
        # Frequencies of a t distribution, which see what is near and what is far apart.
        draw, wide = np.random.default_rng(0), scores.std() * np.sqrt(n_classes)
        frequencies = draw.normal(size=(n_classes, _FREQUENCIES)) * (2 / wide)
        frequencies /= np.sqrt(draw.chisquare(2, _FREQUENCIES) / 2)
        self.frequencies = frequencies.astype(np.float32)
        of_rows, parts = self._features(scores), [y == k for k in range(n_classes)]
        self.of_classes = np.stack([of_rows[part].mean(axis=0) for part in parts], axis=1)
        self.means = np.stack([X[part].mean(axis=0) for part in parts])
        self.squares = np.stack([np.square(X[part]).mean(axis=0) for part in parts])
        self.counts = np.bincount(y, minlength=n_classes)
        self.Z, self.mean, self.std = Z, Z.mean(axis=0), Z.std(axis=0)

    def _features(self, scores: NDArray) -> NDArray:
        """Return features of scores, of length 1."""
        angles = scores @ self.frequencies
        both = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        features: NDArray = both / np.sqrt(np.float32(_FREQUENCIES))
        return features

    def of_target(self, moved_to: NDArray | None) -> NDArray:
        """Return the mean features of the target, as it is or moved to a source of such shares."""
        scale, offset = np.ones_like(self.std), np.zeros_like(self.std)
        if moved_to is not None:
            shares = moved_to.astype(np.float32)
            mean = shares @ self.means
            scale = np.sqrt(np.maximum(shares @ self.squares - mean**2, 0)) / self.std
            offset = mean - self.mean * scale
        features = [
            self._features(self.Z @ (scale[:, None] * W) + (offset @ W + b)).mean(axis=0)
            for W, b in self.maps
        ]
        of_target: NDArray = np.mean(features, axis=0)
        return of_target

    def distance(self, shares: NDArray, of_target: NDArray) -> float:
        """Return how far features of the target are from those of a source of such shares."""
        return float(np.sum((self.of_classes @ shares - of_target) ** 2))

    def noise(self, shares: NDArray) -> float:
        """Return at most how far they are on average where only chance sets them apart."""
        return 1 / len(self.Z) + float(np.sum(shares**2 / self.counts))

    def closest(self, of_target: NDArray) -> NDArray:
        """Return the shares at which they are closest."""
        much = 100.0  # what it costs if shares do not sum to 1
        A = np.vstack([self.of_classes, np.full(self.of_classes.shape[1], much)])
        shares: NDArray = nnls(A, np.append(of_target, much))[0]
        return shares / shares.sum()

    def moved(self, shares: NDArray) -> tuple[float, NDArray]:
        """Return the best match, and shares, with the target moved to where those would have it.

        Moved by some shares it is closest to others, and moved by these to others again. Chance may
        lead that path too far, so what counts is the best point on it.
        """
        path = []
        for _ in range(_MOST_STEPS):
            of_target = self.of_target(shares)
            path.append((self.distance(shares, of_target), shares))
            shares = self.closest(of_target)
            if np.abs(shares - path[-1][1]).max() < 1e-3:
                break
        return min(path, key=lambda candidate: candidate[0])
