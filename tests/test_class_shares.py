"""Targets that have other shares of the classes than the source, and labels in doubt."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, make_moons
from sklearn.linear_model import LogisticRegression
from torch import nn

from skgen import (
    CoralClassifier,
    DomainAdversarialClassifier,
    LabeledOnly,
    MinimumClassConfusionClassifier,
)
from skgen.adaptation._harm import warn_of_signs_in_target
from skgen.adaptation._objective import _selected
from skgen.alignments import ClassConfusion, Side
from skgen.exceptions import TrainingWarning
from skgen.metrics import LabelFreeScorer
from skgen.metrics._shares import estimated_shares
from skgen.networks.adaptation import DomainClassifier

CLASSIFIERS = [DomainAdversarialClassifier, CoralClassifier, MinimumClassConfusionClassifier]
quick = {"max_epochs": 25, "hidden_layer_sizes": (32,), "random_state": 0}


def two_classes(share=0.1, shift=0.0, scale=1.0, n=1000, seed=0):
    """Source 50/50; in the target, a class has that share; the rest of it may be moved, too."""
    r = np.random.default_rng(seed)
    ys = np.arange(n) % 2
    yt = (np.arange(n) < share * n).astype(int)
    X = np.r_[ys, yt][:, None] * 4 * np.eye(6)[0] + r.normal(size=(2 * n, 6))
    X[n:] = X[n:] * scale + shift
    return X, np.r_[ys, np.full(n, -1)], yt


def shares_of(X, y):
    return estimated_shares(lambda index: X[index], y)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_other_shares_do_no_harm(cls):
    X, y, yt = two_classes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = cls(**quick).fit(X, y)
    assert model.score(X[1000:], yt) > 0.96
    np.testing.assert_allclose(model.target_shares_, [0.9, 0.1], atol=0.03)


def test_nor_beside_a_shift():
    X, y, yt = two_classes(shift=3.0, scale=2.0)
    assert CoralClassifier(**quick).fit(X, y).score(X[1000:], yt) > 0.95


def test_no_alarm_with_common_statistics():
    X, y, yt = two_classes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = CoralClassifier(batch_norm="joint", **quick).fit(X, y)
    assert model.score(X[1000:], yt) > 0.95


@pytest.mark.parametrize("moved", [{}, {"shift": 3.0, "scale": 2.0}])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.3, 0.7, 0.9])
def test_shares_are_found(share, moved):
    X, y, _ = two_classes(share, **moved)
    np.testing.assert_allclose(shares_of(X, y), [1 - share, share], atol=0.06)


@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_a_class_that_is_missing_or_nearly(share):
    X, y, _ = two_classes(share)
    np.testing.assert_allclose(shares_of(X, y), [1 - share, share], atol=0.02)


@pytest.mark.parametrize("share", [0.01, 0.05])
def test_whatever_rows_were_drawn(share):
    for seed in range(3, 6):
        X, y, _ = two_classes(share, seed=seed)
        np.testing.assert_allclose(shares_of(X, y), [1 - share, share], atol=0.04)


def test_class_confusion_asks_for_no_rows_of_a_rare_class():
    X, y, yt = two_classes(0.01)
    model = MinimumClassConfusionClassifier(max_epochs=30, random_state=0).fit(X, y)
    linear = LogisticRegression().fit(X[:1000], y[:1000])
    assert model.score(X[1000:], yt) > linear.score(X[1000:], yt) - 0.01


def test_class_confusion_counts_classes_by_their_shares():
    outputs = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    loss = ClassConfusion(2.0)
    plain = loss(None, Side(outputs, outputs))
    even = loss(None, Side(outputs, outputs, torch.full((3,), 1 / 3)))
    torch.testing.assert_close(even, plain)
    alone = [loss(None, Side(outputs, outputs, shares)) for shares in torch.eye(3)]
    mixed = loss(None, Side(outputs, outputs, torch.tensor([0.5, 0.2, 0.3])))
    torch.testing.assert_close(mixed, 0.5 * alone[0] + 0.2 * alone[1] + 0.3 * alone[2])


# Shares that rows do not tell


def test_shares_that_the_user_knows(monkeypatch):
    X, y, yt = two_classes()
    monkeypatch.setattr("skgen.adaptation._base.estimated_shares", lambda *_: np.array([0.5, 0.5]))
    assert CoralClassifier(**quick).fit(X, y).score(X[1000:], yt) < 0.8
    model = CoralClassifier(target_shares=[9, 1], **quick).fit(X, y)
    np.testing.assert_allclose(model.target_shares_, [0.9, 0.1])
    assert model.score(X[1000:], yt) > 0.96
    for wrong in ([1, 2, 3], [0.0, 0.0], [1.5, -0.5], [np.nan, 1.0], 3.0):
        with pytest.raises(ValueError, match="target_shares"):
            CoralClassifier(target_shares=wrong, **quick).fit(X, y)


@pytest.mark.parametrize("n", [100, 1000])
def test_predictions_of_other_shares_are_told(n):
    expected, classes = np.full(10, 0.1), np.arange(10)
    r = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20):  # by chance alone
            warn_of_signs_in_target(r.choice(10, n), expected, n, classes, 1.0)
    other = r.choice(10, n, p=[0.17] * 5 + [0.03] * 5)
    with pytest.warns(TrainingWarning, match="pass target_shares"):
        warn_of_signs_in_target(other, expected, 10 * n, classes, 1.0)


@pytest.mark.parametrize("target", [[0.6, 0.2, 0.1, 0.05, 0.05], [0.5, 0.5, 0, 0, 0]])
def test_shares_of_several_classes(target):
    r = np.random.default_rng(0)
    centers = 3 * r.normal(size=(5, 8))
    ys, yt = np.arange(1000) % 5, r.choice(5, 1000, p=target)
    X = centers[np.r_[ys, yt]] + r.normal(size=(2000, 8))
    np.testing.assert_allclose(shares_of(X, np.r_[ys, np.full(1000, -1)]), target, atol=0.05)


def test_shares_of_images():
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 8, 8)
    kept = np.flatnonzero((np.arange(len(y)) < 900) | (y < 5) | (np.arange(len(y)) % 8 == 0))
    X, y = X[kept], y[kept]
    shares = shares_of(X, np.where(np.arange(len(y)) < 900, y, -1))
    true = np.bincount(y[900:]) / len(y[900:])
    assert np.abs(shares - true).sum() / 2 < 0.08 < 0.25 < np.abs(0.1 - true).sum() / 2


def test_a_target_that_differs_otherwise_keeps_the_shares_of_the_source():
    X, y, _ = two_classes(0.5, shift=3.0, scale=2.0)
    np.testing.assert_array_equal(shares_of(X, y), [0.5, 0.5])
    constant = np.c_[X, np.where(y < 0, 5, 1e-7 * X[:, 0])]  # but for rounding
    np.testing.assert_array_equal(shares_of(constant, y), [0.5, 0.5])
    few = np.r_[y[:1000], y[1000:1005]]
    np.testing.assert_array_equal(shares_of(X[:1005], few), [0.5, 0.5])
    moons, of_moons = make_moons(1000, noise=0.05, random_state=0)
    c, s = np.cos(np.deg2rad(40)), np.sin(np.deg2rad(40))
    moons[500:] = (moons[500:] - [0.5, 0.25]) @ np.array([[c, s], [-s, c]])
    shares = np.bincount(of_moons[:500]) / 500
    of_moons[500:] = -1
    np.testing.assert_array_equal(shares_of(moons, of_moons), shares)


@pytest.mark.parametrize("shape", [(40, 3), (40, 3, 5), (40, 3, 4, 5)])
def test_weighted_statistics_are_those_of_rows_repeated(shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    norm = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(shape)](3)
    module = DomainClassifier(nn.Sequential(norm, nn.Flatten()), 3, 2, None, True)
    weights = torch.tensor([3.0] * 10 + [1.0] * 10)
    repeated = torch.cat([x[:10], x[:10], x[:10], x[10:]])
    expected = module.features(repeated, 40)[20:]
    rows = x.clone().requires_grad_()
    made = module.features(rows, 20, weights)
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5)
    (of_rows,) = torch.autograd.grad(made.square().sum(), rows)
    same = x.clone().requires_grad_()
    again = module.features(torch.cat([same[:10], same[:10], same[:10], same[10:]]), 40)[20:]
    (of_same,) = torch.autograd.grad(again.square().sum(), same)
    torch.testing.assert_close(of_rows, of_same, rtol=1e-3, atol=1e-4)


def test_rows_are_selected_by_weight():
    assert _selected(torch.ones(6)).tolist() == list(range(6))
    assert _selected(torch.tensor([3.0, 1.0, 0.0, 0.0])).tolist() == [0, 0, 0, 1]


class _Says:
    """A classifier that gives known probabilities."""

    classes_ = np.array([0, 1])

    def __init__(self, p):
        self.p = p

    def predict_proba(self, X):
        return np.stack([1 - self.p, self.p], axis=1)


def test_the_scorer_prefers_the_right_shares():
    X, y, yt = two_classes()
    half = np.where(X[:, 0] > np.median(X[1000:, 0]), 0.99, 0.01)
    half[:1000] = y[:1000]
    right = np.where(np.r_[y[:1000], yt] == 1, 0.99, 0.01)
    scores = [LabelFreeScorer()(_Says(p), X, y) for p in (right, half)]
    assert scores[0] > scores[1] + 0.2


# Labels in doubt


def test_a_row_without_a_label_changes_no_other():
    X, y, yt = two_classes(0.5, shift=3.0, scale=2.0)
    model = CoralClassifier(**quick).fit(X, y)
    right = model.predict(X[1000:]) == yt
    assert model.score(X[1000:], yt) == right.mean()
    one_less = np.r_[-1, yt[1:]]
    assert model.score(X[1000:], one_less) == pytest.approx(right[1:].mean())
    source = np.ones(1000)
    of_source = model.predict(X[:1000], source) == y[:1000]
    assert model.score(X[:1000], y[:1000], sample_domain=source) == of_source.mean()


@pytest.mark.parametrize("label", [0, 3, "cat"])
def test_one_class_beside_rows_without_a_label_is_no_second_class(label):
    y = np.array([label] * 10 + [-1] * 10, dtype=object)
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match="The source has one class only"):
        CoralClassifier(**quick).fit(X, y)
    with pytest.raises(ValueError, match=r"class|The number of classes"):
        LabeledOnly().fit(X, y)


def test_an_empty_string_is_no_label():
    y = np.array(["a", "b", "", ""] * 5)
    with pytest.raises(ValueError, match="y is an empty string in 10 of 20 rows"):
        CoralClassifier(**quick).fit(np.zeros((20, 2)), y)
