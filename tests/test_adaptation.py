"""Classifiers that adapt: what they are told, what they learn, and what they say of it."""

import copy
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn import functional

from skgen import (
    CoralClassifier,
    DomainAdversarialClassifier,
    LabeledOnly,
    MinimumClassConfusionClassifier,
)
from skgen.alignments import ClassConfusion, Coral, PseudoLabels, Side
from skgen.corruptions import Inversion
from skgen.engine import DomainPairs, Rows
from skgen.exceptions import TrainingWarning
from skgen.metrics import proxy_a_distance
from skgen.model_selection import DomainKFold
from skgen.networks.adaptation import DomainNorm, reverse_gradient

CLASSIFIERS = [DomainAdversarialClassifier, CoralClassifier, MinimumClassConfusionClassifier]
each = pytest.mark.parametrize("cls", CLASSIFIERS)
quick = {"max_epochs": 3, "hidden_layer_sizes": (16,), "random_state": 0}


@pytest.fixture(scope="module")
def shifted():
    """Digits, and paler ones whose labels are not known."""
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.float32)
    X[900:] = X[900:] * 0.4 + 6
    return X, y, np.where(np.arange(len(X)) < 900, y, -1)


@pytest.fixture(scope="module")
def blobs():
    """Two classes, and a target that lies elsewhere."""
    random = np.random.default_rng(0)
    y = random.integers(2, size=200)
    X = random.normal(size=(200, 3)) + 4 * y[:, None]
    X[100:] += 1.5
    return X, y, np.where(np.arange(200) < 100, y, -1), np.repeat([1, -1], 100)


# What the target is, and who says so


@each
def test_adapting_beats_the_source_alone(cls, shifted):
    X, y, known = shifted
    settings = {"max_epochs": 15, "batch_norm": "joint", "random_state": 0}
    alone = cls(adaptation_weight=0, **settings).fit(X, known)
    adapted = cls(**settings).fit(X, known)
    assert adapted.score(X[900:], y[900:]) > alone.score(X[900:], y[900:]) + 0.05


@each
def test_features_confuse_the_domains(cls, shifted):
    X, _, known = shifted
    domains = np.where(known < 0, -1, 1)
    model = cls(max_epochs=15, random_state=0).fit(X, known)
    features = model.transform(X, sample_domain=domains)
    assert proxy_a_distance(features, domains) < proxy_a_distance(X, domains) - 0.4


def test_sample_domain_says_the_same_as_marks(shifted):
    X, y, known = shifted
    model = CoralClassifier(**quick)
    marked = clone(model).fit(X, known).predict_proba(X)
    said = clone(model).fit(X, y, sample_domain=np.where(known < 0, -1, 1)).predict_proba(X)
    several = np.where(known < 0, -3, 1 + np.arange(len(X)) % 2)
    np.testing.assert_array_equal(marked, said)
    np.testing.assert_array_equal(
        marked, clone(model).fit(X, known, sample_domain=several).predict_proba(X)
    )


def test_labels_of_the_target_are_not_looked_at(shifted):
    X, y, known = shifted
    domains = np.where(known < 0, -1, 1)
    wrong = np.where(known < 0, (y + 1) % 10, y)
    model = DomainAdversarialClassifier(**quick)
    first = clone(model).fit(X, y, sample_domain=domains).predict_proba(X)
    np.testing.assert_array_equal(
        first, clone(model).fit(X, wrong, sample_domain=domains).predict_proba(X)
    )


def test_strings_among_which_a_number_says_unlabeled(blobs):
    X, y, known, _ = blobs
    names = np.array(["cat", "dog"], dtype=object)[y]
    names[known < 0] = -1
    model = CoralClassifier(max_epochs=30, random_state=0).fit(X, names)
    assert model.classes_.tolist() == ["cat", "dog"]
    assert model.domain_counts_ == {"source": 100, "target": 100}
    assert set(model.predict(X)) == {"cat", "dog"}
    assert model.score(X, names) > 0.9
    series = pd.Series(names)
    np.testing.assert_array_equal(clone(model).fit(X, series).predict(X), model.predict(X))


def test_a_lone_minus_one_is_a_class(blobs):
    X, y, *_ = blobs
    with pytest.warns(UserWarning, match="All 200 rows are of the source"):
        model = CoralClassifier(**quick).fit(X, 2 * y - 1)
    assert model.classes_.tolist() == [-1, 1]


def test_without_a_target_it_says_so_and_trains_on_the_source(blobs):
    X, y, *_ = blobs
    with pytest.warns(UserWarning, match="All 100 rows are of the source, so Coral"):
        model = CoralClassifier(max_epochs=30, random_state=0).fit(X[:100], y[:100])
    assert model.score(X[:100], y[:100]) > 0.9


@each
@pytest.mark.parametrize("batch_norm", ["joint", "per_domain"])
def test_weight_0_is_the_source_alone(cls, batch_norm, blobs):
    X, _, known, domains = blobs

    def losses(**params):
        """Return the loss on rows with one target, and with another."""
        model = cls(batch_norm=batch_norm, **params, **quick).fit(X, known, sample_domain=domains)
        rows = torch.from_numpy(X).float()
        module, loss = model.net_.module_.eval(), model.net_.turns[0].loss
        for target in (rows[100:], 3 * rows[100:]):
            batch = {"x": rows[:100], "y": torch.from_numpy(known[:100]), "target": target}
            value, parts = loss(module, batch, model.net_.progress_)
            yield value.item(), set(parts)

    (first, parts), (second, _) = losses(adaptation_weight=0)
    assert first == second and parts == {"label_loss"}
    (first, parts), (second, _) = losses()
    assert first != second and parts > {"label_loss"}


def test_source_alone_makes_as_many_updates(blobs):
    X, _, known, domains = blobs
    counts = {
        CoralClassifier(adaptation_weight=weight, batch_norm=norm, batch_size=20, **quick)
        .fit(X, known, sample_domain=domains)
        .net_.progress_.update
        for weight in (0, 1)
        for norm in ("joint", "per_domain", None)
    }
    assert counts == {30}


@pytest.mark.parametrize(
    ("y", "sample_domain", "match"),
    [
        ([-1, -1, -1, -1], [-1] * 4, "4 rows of the target and none of the source"),
        ([0, 1, np.nan, -1], None, "NaN, infinite or None in 1 of 4 rows"),
        (np.array(["a", "b", None, -1], dtype=object), None, "None in 1 of 4 rows"),
        (np.array(["a", "b", "-1", "-1"]), None, "the string '-1', which is no mark"),
        (pd.Series(["a", "b", "-1", "-1"], dtype="string"), None, "the string '-1', which is no"),
        (pd.Series(["a", "b", pd.NA, "-1"], dtype="string"), None, "NaN, infinite or None in 1 of"),
        (np.array(["a", 0, -1, -1], dtype=object), None, "y holds strings and other labels: 'a' "),
        ([0, 0, 1, 1], [1, 1, -1, -1], "The source has one class only, 0"),
        ([0, 1, 2, -1], [1, 1, 1, 1], "source of 1 rows whose label in y is -1"),
        ([0, 1, 2, -1], [1, 1, 0, -1], "positive number for rows of the source"),
        ([0, 1, 2, -1], [1, 1, -1], "sample_domain has 3 entries for 4 rows"),
        ([0, 1, 2, -1], ["s", "s", "s", "t"], "positive number for rows of the source"),
        ([0, 1, 2, -1], [1, 1, None, -1], "positive number for rows of the source"),
        ([0.5, 1.5, 2.5, -1], None, "Unknown label type"),
    ],
)
def test_bad_labels_are_named_and_cost_nothing(y, sample_domain, match, blobs):
    model = CoralClassifier(**quick)
    with pytest.raises(ValueError, match=match):
        model.fit(np.zeros((4, 2)), y, sample_domain=sample_domain)
    assert not [name for name in vars(model) if name.endswith("_")]
    fitted = CoralClassifier(**quick).fit(*blobs[::2][:2])
    before = fitted.predict_proba(blobs[0])
    with pytest.raises(ValueError, match=match):
        fitted.fit(np.zeros((4, 2)), y, sample_domain=sample_domain)
    np.testing.assert_array_equal(fitted.predict_proba(blobs[0]), before)


def test_score_counts_labeled_rows_alone(blobs):
    X, y, known, domains = blobs
    model = CoralClassifier(max_epochs=30, random_state=0).fit(X, known)
    right = (model.predict(X, domains) == y)[:100]
    assert model.score(X, known, sample_domain=domains) == pytest.approx(right.mean())
    assert model.score(X[100:], y[100:]) == np.mean(model.predict(X[100:]) == y[100:])
    weights = np.where(np.arange(200) < 10, 1.0, 0.0)
    of_ten = model.score(X, known, weights, sample_domain=domains)
    assert of_ten == pytest.approx(right[:10].mean())
    with pytest.raises(ValueError, match="None of 100 rows has a label to score against"):
        model.score(X[100:], known[100:])


@each
def test_the_same_seed_makes_the_same_model_of_both_domains(cls, blobs):
    X, _, known, domains = blobs
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = cls(**quick).fit(X, known, sample_domain=domains)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    second = pickle.loads(pickle.dumps(cls(**quick).fit(X, known, sample_domain=domains)))
    for sides in (None, domains):
        np.testing.assert_array_equal(first.transform(X, sides), second.transform(X, sides))
    other = cls(**{**quick, "random_state": 1}).fit(X, known, sample_domain=domains)
    assert np.abs(other.transform(X) - first.transform(X)).max() > 0.01


def test_plus_and_minus_are_labels(blobs):
    X, y, _, domains = blobs
    signs = np.array(["-", "+"])[y]
    model = CoralClassifier(max_epochs=30, random_state=0).fit(X, signs, sample_domain=domains)
    assert model.classes_.tolist() == ["+", "-"] and model.score(X[:100], signs[:100]) > 0.5


@pytest.mark.parametrize("values", [[0, 1], [False, True], [0.0, 1.0]])
def test_labels_in_an_array_of_objects(values, blobs):
    X, y, _, domains = blobs
    labels = np.array(values, dtype=object)[y]
    model = CoralClassifier(**quick).fit(X, labels, sample_domain=domains.astype(object))
    assert model.classes_.tolist() == values
    assert set(model.predict(X).tolist()) <= set(values)


# Networks


def test_a_reversed_gradient():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (reverse_gradient(x, 0.5) * torch.tensor([3.0, 4.0])).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([-1.5, -2.0]))


def test_one_step_moves_the_domain_head_down_and_the_features_up():
    """What the objective's gradient is, against the two written out."""
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y = np.append(np.arange(20) % 2, np.full(20, -1))
    model = DomainAdversarialClassifier(
        2, adaptation_weight=0.7, adaptation_schedule="constant", batch_norm=None, **quick
    ).fit(X, y, sample_domain=np.repeat([1, -1], 20))
    module = copy.deepcopy(model.net_.module_)
    batch = {
        "x": torch.from_numpy(X[:20]),
        "y": torch.from_numpy(y[:20]),
        "target": torch.from_numpy(X[20:]),
    }
    objective, parts = model.net_.turns[0].loss(module, batch, model.net_.progress_)
    objective.backward()
    combined = {name: weight.grad.clone() for name, weight in module.named_parameters()}
    module.zero_grad()
    features = module.extractor(torch.from_numpy(X))
    of_labels = functional.cross_entropy(module.label_head(features[:20]), batch["y"])
    is_source = torch.arange(40) < 20
    of_domains = functional.binary_cross_entropy_with_logits(
        module.domain_head(features)[:, 0], is_source.float()
    )
    torch.testing.assert_close(parts["domain_loss"], of_domains)
    torch.testing.assert_close(parts["label_loss"], of_labels)
    names, weights = zip(*module.named_parameters(), strict=True)
    down = torch.autograd.grad(of_labels, weights, allow_unused=True, retain_graph=True)
    up = torch.autograd.grad(of_domains, weights, allow_unused=True)
    for name, label, domain in zip(names, down, up, strict=True):
        sign = 1.0 if name.startswith("domain_head") else -0.7
        expected = sum(
            (
                part
                for part in (label, None if domain is None else sign * domain)
                if part is not None
            ),
            torch.zeros(()),
        )
        torch.testing.assert_close(combined[name], expected, msg=name)


def test_the_ramp_is_the_published_one(blobs):
    X, _, known, domains = blobs
    seen = []

    def spy(fraction):
        seen.append(fraction)
        return 2 / (1 + np.exp(-10 * fraction)) - 1

    ramped = DomainAdversarialClassifier(**quick).fit(X, known, sample_domain=domains)
    spied = DomainAdversarialClassifier(adaptation_schedule=spy, **quick)
    spied.fit(X, known, sample_domain=domains)
    np.testing.assert_allclose(spied.predict_proba(X), ramped.predict_proba(X), rtol=1e-5)
    assert seen[0] == 0.0 and seen == sorted(seen) and seen[-1] < 1


def test_domain_norm_has_statistics_of_each_domain_its_own():
    X = np.random.default_rng(0).normal(size=(4000, 2)).astype(np.float32)
    X[2000:] = X[2000:] * 3 + 5
    y = np.append(np.arange(2000) % 2, np.full(2000, -1))
    model = CoralClassifier(
        2, adaptation_weight=0, extractor=nn.BatchNorm1d(2), max_epochs=20, random_state=0
    )
    model.fit(X, y, sample_domain=np.repeat([1, -1], 2000))
    (norm,) = [m for m in model.net_.module_.extractor[:1] if isinstance(m, DomainNorm)]
    seen = torch.from_numpy((X - model.scaling_.offset) / model.scaling_.scale).float()
    torch.testing.assert_close(norm.source.running_mean, seen[:2000].mean(0), atol=0.1, rtol=0)
    torch.testing.assert_close(norm.target_mean, seen[2000:].mean(0), atol=0.1, rtol=0)
    torch.testing.assert_close(norm.target_var, seen[2000:].var(0), atol=0.3, rtol=0)


def test_domains_make_a_difference_with_statistics_of_their_own(shifted):
    X, _, known = shifted
    domains = np.where(known < 0, -1, 1)
    model = CoralClassifier(**quick).fit(X, known)
    mixed = model.transform(X, sample_domain=domains)
    np.testing.assert_array_equal(mixed[900:], model.transform(X)[900:])
    np.testing.assert_array_equal(mixed[:900], model.transform(X[:900], np.ones(900)))
    assert np.abs(mixed[:900] - model.transform(X[:900])).max() > 0.01
    np.testing.assert_array_equal(clone(model).fit_transform(X, known), mixed)
    joint = CoralClassifier(batch_norm="joint", **quick).fit(X, known)
    np.testing.assert_array_equal(joint.transform(X, domains), joint.transform(X))


@pytest.mark.parametrize("batch_norm", [None, "joint", "per_domain"])
@each
def test_images_of_any_layout(cls, batch_norm):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 9, 7, 3), dtype=np.uint8)
    y = np.append(np.arange(30) % 3, np.full(30, -1))
    model = cls(8, max_epochs=1, batch_norm=batch_norm, random_state=0)
    features = clone(model).fit(images, y).transform(images)
    assert features.shape == (60, 8)
    flat = images.reshape(60, -1)
    as_rows = clone(model).set_params(image_shape=(9, 7, 3)).fit(flat, y)
    np.testing.assert_array_equal(as_rows.transform(flat), features)
    assert len(as_rows.predict(flat)) == 60


@pytest.mark.parametrize(
    ("shape", "filters"),
    [
        ((8, 8), [16, 32, 64]),
        ((64, 64, 3), [16, 32, 64]),
        ((65, 10), [16, 16, 32, 64]),
        ((100, 128, 3), [16, 16, 32, 64]),
        ((1024, 1024, 3), [16, 16, 16, 16, 16, 32, 64]),
    ],
)
def test_larger_images_have_further_levels(shape, filters):
    X, y = np.zeros((4, *shape), np.uint8), np.array([0, 1, -1, -1])
    model = DomainAdversarialClassifier()
    model._read(X, (y, None), going_on=False)
    model.n_features_in_ = int(np.prod(shape))
    assert model._layer_sizes() == filters
    assert sum(weight.numel() for weight in model._module().parameters()) < 400_000
    assert model.set_params(n_filters=(4, 8))._layer_sizes() == [4, 8]


def test_an_inverted_image_is_its_negative():
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 6), dtype=np.uint8)
    y = np.append(np.arange(20) % 2, np.full(20, -1))
    model = CoralClassifier(max_epochs=1, random_state=0)
    model.fit(images, y, sample_domain=np.repeat([1, -1], 20))
    assert model.input_.image_shape == (6, 6, 1)
    x, negative = (
        model.scaling_.apply(torch.from_numpy(rows.reshape(40, -1)).float())
        for rows in (images, 255 - images)
    )
    torch.testing.assert_close(Inversion(1.0)(x), negative, atol=1e-5, rtol=0)
    assert torch.equal(Inversion(0.0)(x), x)
    half = Inversion()(torch.ones(1000, 2))
    assert 0.4 < (half == -1).float().mean() < 0.6 and torch.equal(half[:, 0], half[:, 1])


class Body(nn.Sequential):
    def __init__(self, shape):
        super().__init__(nn.Conv2d(shape[0], 4, 3), nn.BatchNorm2d(4), nn.ReLU())


def test_an_extractor_of_ones_own():
    X, y = load_digits(return_X_y=True)
    images, known = X.reshape(-1, 8, 8)[:300], np.where(np.arange(300) < 150, y[:300], -1)
    own = Body((1, 8, 8))
    before = copy.deepcopy(own.state_dict())
    model = CoralClassifier(extractor=own, max_epochs=1, random_state=0).fit(images, known)
    assert all(torch.equal(before[name], value) for name, value in own.state_dict().items())
    assert any(isinstance(part, DomainNorm) for part in model.net_.module_.modules())
    assert model.transform(images).shape == (300, 64)
    made = CoralClassifier(extractor=Body, max_epochs=1, random_state=0)
    first, second = (clone(made).fit(images, known).transform(images) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    pickle.loads(pickle.dumps(model)).predict(images)


class Merged(nn.Module):
    def forward(self, x):
        return x.reshape(1, -1)


@pytest.mark.parametrize(
    ("extractor", "match"),
    [
        (lambda shape: None, "extractor has to return a torch.nn.Module, got None"),
        (nn.Linear(5, 2), r"layers of extractor do not work on rows \(3,\), .*: mat1"),
        (Merged(), "extractor has to make one thing of every row, got"),
        (nn.BatchNorm1d(3, track_running_stats=False), "with track_running_stats=False"),
    ],
)
def test_an_extractor_that_does_not_fit(extractor, match, blobs):
    X, _, known, domains = blobs
    with pytest.raises(ValueError, match=match):
        CoralClassifier(extractor=extractor, **quick).fit(X, known, sample_domain=domains)


class Frames(nn.Module):
    """Normalizes the parts of a row one by one."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(1)

    def forward(self, x):
        return self.norm(x.reshape(-1, 1)).reshape(x.shape)


def test_an_extractor_that_makes_several_of_a_row():
    X = np.random.default_rng(0).normal(size=(2000, 4)).astype(np.float32)
    X[1000:] = 3 * X[1000:] + 5
    known, domains = np.append(np.arange(1000) % 2, np.full(1000, -1)), np.repeat([1, -1], 1000)
    model = CoralClassifier(extractor=Frames(), adaptation_weight=0, max_epochs=20, random_state=0)
    model.fit(X, known, sample_domain=domains)
    (norm,) = [m for m in model.net_.module_.extractor[0].modules() if isinstance(m, DomainNorm)]
    seen = (X - model.scaling_.offset) / model.scaling_.scale
    assert float(norm.source.running_mean) == pytest.approx(seen[:1000].mean(), abs=0.05)
    assert float(norm.target_mean) == pytest.approx(seen[1000:].mean(), abs=0.05)


def test_threads_do_not_mix_the_domains_up(shifted):
    X, _, known = shifted
    model = CoralClassifier(**quick).fit(X, known)
    rows = np.tile(X, (5, 1))
    expected = {side: model.transform(rows, np.full(len(rows), side)) for side in (1, -1)}
    sides = [1, -1] * 10
    with ThreadPoolExecutor(4) as threads:
        results = threads.map(lambda side: model.transform(rows, np.full(len(rows), side)), sides)
        for side, result in zip(sides, results, strict=True):
            np.testing.assert_array_equal(result, expected[side])


@pytest.mark.parametrize("batch_norm", ["joint", "per_domain", None])
@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_small_batches(batch_size, batch_norm, blobs):
    X, _, _, domains = blobs
    settings = {"batch_size": batch_size, "batch_norm": batch_norm, **quick, "max_epochs": 1}
    for side in (domains, np.ones(200)):
        y = np.where(side > 0, 0, -1) + np.arange(200) % 2 * (side > 0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = DomainAdversarialClassifier(**settings).fit(X, y, sample_domain=side)
        assert np.isfinite(model.predict_proba(X)).all()


def test_cells_do_not_go_from_one_domain_to_the_other():
    model = CoralClassifier(corruption="swap", **quick)
    seen = []

    class Spy(nn.Identity):
        def forward(self, x):
            seen.append(x.detach().clone())
            return x

    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 50, axis=0)
    y = np.append(np.arange(50) % 2, np.full(50, -1))
    domains = np.repeat([1, -1], 50)
    model.set_params(extractor=Spy).fit(X, y, sample_domain=domains)
    for x in seen:
        source, target = x.chunk(2)
        assert len(source.unique()) == len(target.unique()) == 1


def test_what_was_built_counts_and_not_what_is_set_later(shifted):
    X, _, known = shifted
    domains = np.where(known < 0, -1, 1)
    model = CoralClassifier(**quick).fit(X, known)
    before = model.transform(X, domains)
    np.testing.assert_array_equal(
        model.set_params(batch_norm="joint").transform(X, domains), before
    )


@pytest.mark.parametrize("batch_norm", ["joint", "per_domain"])
def test_compiled_steps(batch_norm, blobs):
    X, _, known, domains = blobs
    settings = {"batch_norm": batch_norm, **quick}
    plain = DomainAdversarialClassifier(**settings).fit(X, known, sample_domain=domains)
    torch._dynamo.reset()
    options = {"compile": True, "compile__backend": "eager"}
    with torch._dynamo.config.patch(error_on_recompile=batch_norm == "joint"):
        compiled = DomainAdversarialClassifier(net_params=options, **settings)
        compiled.fit(X, known, sample_domain=domains)
    np.testing.assert_allclose(compiled.transform(X), plain.transform(X), rtol=1e-3, atol=1e-4)


# Batches


def pairs(n_source, n_target, batch_size):
    source, target = (torch.arange(n).float()[:, None] for n in (n_source, n_target))
    return DomainPairs(
        Rows({"x": source}, batch_size), Rows({"target": target}, batch_size), batch_size
    )


@pytest.mark.parametrize("sizes", [(10, 35), (35, 10), (7, 1), (3, 3), (1, 200)])
def test_batches_hold_as_many_rows_of_each_domain(sizes):
    batches = pairs(*sizes, 8)
    order = torch.Generator().manual_seed(0)
    made = list(batches.epoch(order))
    assert len(made) == batches.n_batches
    for batch in made:
        assert len(batch["x"]) == len(batch["target"]) == batches.batch_size
    for name, n in zip(("x", "target"), sizes, strict=True):
        seen = torch.cat([batch[name] for batch in made])[:, 0].long().bincount(minlength=n)
        assert seen.min() >= 1 and seen.max() - seen.min() <= 1  # the same for all rows
    stored = torch.cat([batch["x"] for batch in batches.epoch()])[:, 0]
    assert stored[: sizes[0]].tolist() == list(range(sizes[0]))


# Alignments, against their formulas


@pytest.fixture
def sides():
    random = torch.Generator().manual_seed(0)
    return tuple(
        Side(torch.randn(20, 5, generator=random), torch.randn(20, 3, generator=random))
        for _ in range(2)
    )


def test_coral(sides):
    of_source, of_target = (np.cov(side.features.numpy().T) for side in sides)
    size = (of_source**2).sum() + (of_target**2).sum()
    expected = 2.0 * ((of_source - of_target) ** 2).sum() / size
    assert float(Coral(2.0)(*sides)) == pytest.approx(expected, rel=1e-5)
    assert float(Coral()(sides[0], sides[0])) == 0


def test_class_confusion_where_a_class_has_no_row():
    side = Side(torch.zeros(8, 2), torch.tensor([[300.0, 0.0]] * 8, requires_grad=True))
    loss = ClassConfusion()(side, side)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(side.outputs.grad).all()


def test_class_confusion(sides):
    p = torch.softmax(sides[1].outputs.double() / 2.5, dim=1).numpy()
    weights = 1 + np.exp((p * np.log(p)).sum(axis=1))
    weights = len(p) * weights / weights.sum()
    confusion = np.einsum("i,ij,ik->jk", weights, p, p)
    shares = confusion / confusion.sum(axis=1, keepdims=True)
    expected = (shares.sum() - np.trace(shares)) / 3
    assert float(ClassConfusion()(*sides)) == pytest.approx(expected, rel=1e-5)


def test_pseudo_labels(sides):
    p = torch.softmax(sides[1].outputs, dim=1)
    sure = p.amax(dim=1) >= 0.6
    assert 0 < sure.sum() < len(p)
    loss = functional.cross_entropy(sides[1].outputs[sure], p.argmax(1)[sure], reduction="sum")
    assert float(PseudoLabels(threshold=0.6)(*sides)) == pytest.approx(float(loss) / 20, rel=1e-5)


def test_alignments_add_up_and_can_be_searched_over(blobs):
    X, _, known, domains = blobs
    both = DomainAdversarialClassifier(alignment=[ClassConfusion(2.0), Coral()], **quick)
    both.fit(X, known, sample_domain=domains)
    row = both.net_.history[-1]
    assert {"label_loss", "domain_loss", "ClassConfusion_loss", "Coral_loss"} <= set(row)
    search = GridSearchCV(
        DomainAdversarialClassifier(alignment=ClassConfusion(), **quick),
        {"alignment__weight": [0.0, 1.0]},
        cv=DomainKFold(2, random_state=0),
    )
    search.fit(X, np.where(known < 0, -1, known + 5))
    assert len(search.cv_results_["params"]) == 2


# What it says of itself


def test_collapsed_predictions_are_told(shifted):
    X, _, known = shifted
    with pytest.warns(
        TrainingWarning, match=r"Predictions of the target have collapsed: .* of its rows"
    ):
        CoralClassifier(
            alignment=PseudoLabels(weight=300.0, threshold=0.0),
            adaptation_schedule="constant",
            max_epochs=15,
            random_state=0,
        ).fit(X, known)


def test_a_source_lost_is_told(shifted):
    X, _, known = shifted
    with pytest.warns(
        TrainingWarning, match=r"Adapting cost accuracy on the source: .*adaptation_w"
    ):
        DomainAdversarialClassifier(
            adaptation_weight=100.0,
            adaptation_schedule=lambda fraction: float(fraction > 0.5),
            batch_norm=None,
            lr=1e-3,
            max_epochs=20,
            random_state=0,
        ).fit(X, known)


def test_a_source_not_learned_is_told(shifted):
    X, _, known = shifted
    shuffled = known.copy()
    shuffled[:900] = np.random.default_rng(0).permutation(known[:900])
    with pytest.warns(
        TrainingWarning, match="The source was not learned: .*adaptation_weight=0; it"
    ):
        CoralClassifier(hidden_layer_sizes=(1,), n_components=1, max_epochs=15, random_state=0).fit(
            X, shuffled
        )


def test_few_rows_for_statistics_of_their_own_are_told(blobs):
    X, _, known, domains = blobs
    with pytest.warns(
        TrainingWarning, match='There are 5 rows of the target, which is few .*"joint"'
    ):
        CoralClassifier(**quick).fit(X[:105], known[:105], sample_domain=domains[:105])


def test_no_alarm_where_all_is_well(shifted):
    X, _, known = shifted
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for cls in CLASSIFIERS:
            cls(max_epochs=15, random_state=0).fit(X, known)


def test_early_stopping_sets_rows_of_both_domains_aside(shifted):
    X, _, known = shifted
    model = DomainAdversarialClassifier(early_stopping=True, **quick).fit(X, known)
    assert np.isfinite(model.net_.history[:, "valid_loss"]).all()
    few = np.where(np.arange(len(X)) == len(X) - 1, -1, np.maximum(known, 0))
    few[:900] = known[:900]
    with pytest.raises(ValueError, match=r"validation_fraction=0\.1 of 1 rows of a domain"):
        DomainAdversarialClassifier(early_stopping=True, **quick).fit(X, few)


def test_going_on_from_the_source_alone_to_adapting(blobs):
    X, _, known, domains = blobs
    model = DomainAdversarialClassifier(adaptation_weight=0, warm_start=True, **quick)
    model.fit(X, known, sample_domain=domains)
    before = copy.deepcopy(model.net_.module_.domain_head.state_dict())
    model.set_params(adaptation_weight=0.5).fit(X, known, sample_domain=domains)
    after = model.net_.module_.domain_head.state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in before)


def test_going_on(shifted):
    X, y, known = shifted
    model = CoralClassifier(warm_start=True, **quick).fit(X, known)
    assert model.fit(X, known).n_iter_ == 6
    with pytest.raises(ValueError, match=r"The classes were .* and are .* now"):
        model.fit(X, np.where(known < 0, -1, known % 5))
    with pytest.raises(ValueError, match="there were 897 rows of the target, and now"):
        model.fit(X, y)
    assert model.n_iter_ == 6


# In company


def test_a_pipeline_ahead_of_a_forest(shifted):
    X, y, known = shifted
    forest = RandomForestClassifier(50, random_state=0)
    raw = clone(forest).fit(X[:900], y[:900]).score(X[900:], y[900:])
    pipeline = make_pipeline(CoralClassifier(max_epochs=15, random_state=0), LabeledOnly(forest))
    pipeline.fit(X, known)
    assert pipeline[-1].estimator_.n_features_in_ == 64
    assert pipeline.score(X[900:], y[900:]) > raw + 0.2
    assert pipeline.score(X, known) > 0.9


def test_a_pipeline_ahead_of_xgboost(blobs):
    xgboost = pytest.importorskip("xgboost")
    X, y, known, _ = blobs
    names = np.array(["cat", "dog"], dtype=object)[y]
    names[known < 0] = -1
    boosted = LabeledOnly(xgboost.XGBClassifier(n_estimators=20, n_jobs=1))
    pipeline = make_pipeline(CoralClassifier(8, max_epochs=30, random_state=0), boosted)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    assert pipeline.fit(frame, pd.Series(names)).score(frame, names) > 0.9
    assert set(pipeline.predict(frame)) == {"cat", "dog"}
    weights = pipeline[-1].estimator_.feature_importances_
    assert weights.shape == (8,) and weights.sum() == pytest.approx(1, abs=1e-3)
    search = GridSearchCV(
        pipeline, {"coralclassifier__adaptation_weight": [0, 0.3]}, cv=DomainKFold(2)
    )
    assert search.fit(frame, names).best_score_ > 0.8  # on the source, which has labels


def test_labeled_only_sees_labeled_rows_alone(blobs):
    X, y, known, domains = blobs
    known = np.where(known < 0, -1, known + 3)
    alone = LogisticRegression().fit(X[:100], known[:100])
    for model in (
        LabeledOnly(LogisticRegression()).fit(X, known),
        LabeledOnly().fit(X, y + 3, sample_domain=domains),
    ):
        np.testing.assert_allclose(model.predict_proba(X), alone.predict_proba(X))
        np.testing.assert_allclose(model.decision_function(X), alone.decision_function(X))
        np.testing.assert_array_equal(model.predict(X), alone.predict(X))
    names = np.array(["cat", "dog"], dtype=object)[y]
    names[100:] = -1
    assert set(LabeledOnly().fit(X, names).predict(X)) == {"cat", "dog"}
    weights = np.where(np.arange(200) % 2, 3.0, 1.0)
    weighted = LabeledOnly().fit(X, known, sample_weight=weights)
    direct = LogisticRegression().fit(X[:100], known[:100], weights[:100])
    np.testing.assert_allclose(weighted.predict_proba(X), direct.predict_proba(X))
    with pytest.raises(ValueError, match="None of 100 rows has a label to learn from"):
        LabeledOnly().fit(X[100:], known[100:], sample_domain=np.full(100, -1))


def test_sample_domain_is_routed_where_routing_is_on(blobs):
    X, y, _, domains = blobs
    model = make_pipeline(CoralClassifier(**quick), LabeledOnly())
    expected = clone(model).fit(X, np.where(domains > 0, y + 1, -1)).predict_proba(X)
    with config_context(enable_metadata_routing=True):
        routed = clone(model).fit(X, y + 1, sample_domain=domains)
        np.testing.assert_allclose(routed.predict_proba(X), expected)
    by_name = {f"{name}__sample_domain": domains for name in ("coralclassifier", "labeledonly")}
    off = clone(model).fit(X, y + 1, **by_name)
    np.testing.assert_allclose(off.predict_proba(X), expected)


def test_a_fit_that_fails_leaves_labeled_only_as_it_was(blobs):
    X, y, *_ = blobs
    model = LabeledOnly(LogisticRegression()).fit(X, np.where(y, "dog", "cat"))
    before = model.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full((200, 3), np.nan), np.where(y, "hen", "fox"))
    np.testing.assert_array_equal(model.predict(X), before)


def test_columns_are_those_that_were_built(blobs):
    X, _, known, domains = blobs
    model = CoralClassifier(4, **quick).fit(X, known, sample_domain=domains)
    assert len(model.set_params(n_components=9).get_feature_names_out()) == 4


@pytest.mark.parametrize("as_strings", [False, True])
def test_folds_hold_both_domains(as_strings, blobs):
    _, y, known, domains = blobs
    if as_strings:
        known = np.array(["a", "b", -1], dtype=object)[np.where(known < 0, 2, known)]
    else:
        known = np.where(known < 0, -1, known + 1)
    X = np.zeros((200, 1))
    folds = list(DomainKFold(4, random_state=0).split(X, known))
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(200))
    for _, test in folds:
        assert (domains[test] < 0).sum() == 25
        assert len(set(map(str, known[test]))) == 3
    by_domain = DomainKFold(4, random_state=0).split(X, y, groups=domains)
    for (_, test), (_, same) in zip(folds, by_domain, strict=True):
        np.testing.assert_array_equal(test, same)
    with pytest.raises(ValueError, match="There are 0 rows of the target for 4 folds"):
        next(DomainKFold(4).split(X, y))


def test_two_moons_turned():
    """As in figure 2 of the paper."""
    X, y = make_moons(600, noise=0.1, random_state=0)
    Z, z = make_moons(600, noise=0.1, random_state=1)
    X, Z = X - [0.5, 0.25], Z - [0.5, 0.25]
    c, s = np.cos(np.deg2rad(40)), np.sin(np.deg2rad(40))
    Z = Z @ np.array([[c, s], [-s, c]])
    rows, domains = np.concatenate([X, Z]), np.repeat([1, -1], 600)
    labels = np.concatenate([y, np.full(600, -1)])
    settings = {"batch_norm": "joint", "hidden_layer_sizes": (64, 64), "max_epochs": 80}
    model = DomainAdversarialClassifier(
        alignment=ClassConfusion(3.0), random_state=0, **settings
    ).fit(rows, labels, sample_domain=domains)
    alone = clone(model).set_params(adaptation_weight=0).fit(rows, labels, sample_domain=domains)
    assert model.score(Z, z) > alone.score(Z, z) + 0.08
