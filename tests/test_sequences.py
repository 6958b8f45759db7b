"""Sequences of any lengths: what they come in, what is made of them, and what goes wrong."""

import pickle
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from skgen import PretrainedClassifier, RecurrentAutoencoder
from skgen.autoencoders._sequence_reconstruction import SequenceReconstruction
from skgen.corruptions import (
    Compose,
    Crop,
    Dropout,
    DroppedChannels,
    DroppedSteps,
    Gaussian,
    Swap,
    TimeCrop,
    TimeMasks,
    on_sequences,
)
from skgen.engine import LengthBuckets, Progress, Rows
from skgen.inputs import SequenceInput
from skgen.inspection import SequenceDisplay
from skgen.losses import BinaryCrossEntropy, SquaredError
from skgen.networks.frames import bridged, frames_of, unpacked
from skgen.networks.recurrent import Recurrence, SequenceEncoder
from skgen.networks.recurrent import waves as terms

QUICK = {"max_epochs": 3, "hidden_size": 8, "random_state": 0}


def waves(n, n_channels=2, lengths=(5, 40), seed=0):
    """Return noisy waves, slow ones and quick ones by turns, of lengths that are drawn."""
    random = np.random.default_rng(seed)
    sequences = []
    for number in range(n):
        time = np.arange(random.integers(*lengths, endpoint=True))[:, None]
        phase = random.uniform(0, 2 * np.pi, size=(1, n_channels))
        wave = np.sin((0.3, 0.9)[number % 2] * time + phase)
        sequences.append(wave + 0.1 * random.normal(size=wave.shape))
    return sequences


@pytest.fixture(scope="module")
def X():
    return waves(50)


@pytest.fixture(scope="module")
def kinds():
    return np.tile(["slow", "quick"], 25)


@pytest.fixture(scope="module")
def model(X):
    return RecurrentAutoencoder(4, **QUICK).fit(X)


def as_objects(sequences):
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array


# What they come in


@pytest.mark.parametrize(
    "container",
    [
        tuple,
        as_objects,
        pd.Series,
        lambda X: pd.Series(X, index=range(100, 100 + len(X))),
        lambda X: pd.DataFrame({"signal": X}),
        lambda X: as_objects(X)[:, None],
        lambda X: pd.DataFrame({"a": [one[:, 0] for one in X], "b": [one[:, 1] for one in X]}),
        lambda X: pd.DataFrame(
            {name: [pd.Series(one[:, n]) for one in X] for n, name in enumerate("ab")}
        ),
        lambda X: pl.Series([one.tolist() for one in X]),
        lambda X: [one.tolist() for one in X],
        lambda X: [pd.DataFrame(one, columns=["a", "b"]) for one in X],
        lambda X: [torch.from_numpy(one) for one in X],
        lambda X: [torch.tensor(one, requires_grad=True) for one in X],
        lambda X: [one.astype(object) for one in X],
        lambda X: [one[::-1][::-1] for one in X],
    ],
)
def test_the_same_sequences_mean_the_same_in_every_container(X, model, container):
    assert_array_equal(model.transform(container(X)), model.transform(X))
    fitted = clone(model).fit(container(X))
    assert_array_equal(fitted.transform(X), model.transform(X))
    assert fitted.n_features_in_ == 2


def test_cells_of_a_frame_are_channels_in_either_layout(X, model):
    frame = pd.DataFrame({"a": [one[:, 0] for one in X], "b": [one[:, 1] for one in X]})
    first = clone(model).set_params(channels="first").fit(frame)
    assert_array_equal(first.transform(frame), model.transform(X))
    assert first.inverse_transform(first.transform(frame[:1]), 9)[0].shape == (2, 9)
    labeled = frame.set_index([np.arange(50) % 5, np.arange(50)])  # of two levels
    assert_array_equal(model.transform(labeled), model.transform(X))


MISSING = {
    "masked": lambda one, gone: np.ma.masked_array(one, gone),
    "None": lambda one, gone: np.where(gone, None, one).tolist(),
    "NA": lambda one, gone: np.where(gone, pd.NA, one),
    "frames with NA": lambda one, gone: pd.DataFrame(one).astype("Float64").mask(gone),
}


@pytest.mark.parametrize("kind", MISSING)
def test_what_other_containers_lack_is_nan(X, model, kind):
    gone = [np.random.default_rng(0).random(one.shape) < 0.2 for one in X]
    holes = [np.where(off, np.nan, one) for one, off in zip(X, gone, strict=True)]
    others = [MISSING[kind](one, off) for one, off in zip(X, gone, strict=True)]
    assert_array_equal(model.transform(others), model.transform(holes))


def test_masks_of_whole_arrays_are_nan():
    rows = np.stack(waves(30, 1, lengths=(12, 12)))[..., 0]
    masked = np.ma.masked_greater(rows, 0.9)
    model = RecurrentAutoencoder(3, **QUICK).fit(masked)
    assert model.n_features_in_ == 12
    codes = model.transform(masked.filled(np.nan))
    assert_array_equal(model.transform(masked), codes)
    assert_array_equal(model.transform(masked[..., None]), codes)


def test_nan_that_fills_sequences_up_is_said(X):
    filled = np.full((50, 40, 2), np.nan)
    for row, one in zip(filled, X, strict=True):
        row[: len(one)] = one
    with pytest.warns(UserWarning, match=r"sequences of X end in NaN.*not padding.*one\[:n\]"):
        RecurrentAutoencoder(2, **QUICK).fit(filled)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filled[0, 0, 0] = np.nan  # so that NaN is a missing value elsewhere, too
        RecurrentAutoencoder(2, **QUICK).fit(filled)


def test_an_array_of_three_dimensions_is_a_list_of_its_parts():
    X = np.stack(waves(30, lengths=(20, 20)))
    model = RecurrentAutoencoder(4, **QUICK).fit(X)
    assert_array_equal(
        RecurrentAutoencoder(4, **QUICK).fit(list(X)).transform(X), model.transform(X)
    )
    restored = model.inverse_transform(model.transform(X))
    assert isinstance(restored, np.ndarray) and restored.shape == X.shape
    assert isinstance(model.inverse_transform(model.transform(X), [20, *[9] * 29]), list)


def test_channels_first(X, model):
    other = clone(model).set_params(channels="first").fit([one.T for one in X])
    codes = other.transform([one.T for one in X])
    assert_array_equal(codes, model.transform(X))
    assert other.inverse_transform(codes[:1], 9)[0].shape == (2, 9)


def test_more_channels_than_steps_is_said():
    X = [np.random.default_rng(n).normal(size=(3, 8)) for n in range(4)]
    with pytest.warns(UserWarning, match=r'more channels \(8\) than steps.*channels="first"'):
        RecurrentAutoencoder(2, **QUICK).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RecurrentAutoencoder(2, channels="first", **QUICK).fit(X)


def test_rows_of_a_table_are_sequences_of_one_channel():
    rows = np.stack(waves(30, 1, lengths=(12, 12)))[..., 0]
    model = RecurrentAutoencoder(3, **QUICK).fit(rows)
    codes = model.transform(rows)
    assert model.n_features_in_ == 12
    assert model.inverse_transform(codes).shape == rows.shape
    for same in (list(rows), rows.tolist(), [row[:, None] for row in rows], rows[..., None]):
        assert_array_equal(model.transform(same), codes)
        assert_array_equal(clone(model).fit(same).transform(rows), codes)
    longer = model.transform([np.tile(rows[0], 2), np.tile(rows[1], 2)])  # a list may be longer
    assert longer.shape == (2, 3)
    with pytest.raises(ValueError, match=r"X has 24 features, but .* is expecting 12 features"):
        model.transform(np.tile(rows, 2))  # an array may not


def test_ragged_lists_of_numbers_have_one_channel():
    X = [one[:, 0] for one in waves(20, 1)]
    model = RecurrentAutoencoder(3, **QUICK).fit(X)
    assert model.n_features_in_ == 1
    codes = model.transform(X)
    assert_array_equal(codes, model.transform([one[:, None] for one in X]))
    restored = model.inverse_transform(codes[:2], [7, 3])
    assert [one.shape for one in restored] == [(7,), (3,)]
    assert model.transform(np.stack([X[0], X[0]])).shape == (2, 3)
    assert model.transform([X[0]]).shape == (1, 3)


def test_precision_is_that_of_x(X, model):
    assert model.transform(X).dtype == np.float64
    single = [one.astype(np.float32) for one in X]
    assert model.transform(single).dtype == np.float32
    assert model.inverse_transform(model.transform(single))[0].dtype == np.float32
    assert model.transform([np.arange(10).reshape(5, 2)]).dtype == np.float64
    assert_allclose(model.transform(single), model.transform(X), atol=1e-4)


@pytest.mark.parametrize(
    "offset, unit", [(1e9, 1.0), (0.0, 1e-20), (-3.0, 1e18), (0.0, 1e200), (0.0, 1e-200)]
)
def test_units_and_offsets_do_not_matter(X, model, offset, unit):
    other = [offset + unit * one for one in X]
    moved = clone(model).fit(other)
    assert_allclose(moved.transform(other), model.transform(X), atol=1e-3)
    assert_allclose(moved.score(other), model.score(X), atol=1e-4)
    restored = moved.inverse_transform(moved.transform(other), 5)[0]
    back = model.inverse_transform(model.transform(X), 5)[0]
    assert_allclose((restored - offset) / unit, back, atol=1e-3)


def test_a_constant_channel_stays_what_it_is(X):
    X = [np.column_stack([one, np.full(len(one), 7.0)]) for one in X]
    model = RecurrentAutoencoder(4, **{**QUICK, "max_epochs": 30}).fit(X)
    assert model.scaling_.scale[2] == 1 and np.isfinite(model.transform(X)).all()
    restored = model.inverse_transform(model.transform(X))
    assert_allclose(np.mean([one[:, 2] for one in restored]), 7, atol=0.1)


# A code is that of its sequence alone


@pytest.mark.parametrize("params", [{}, {"cell": "gru", "n_layers": 2}, {"patch": 4}])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "concat"])
def test_a_code_depends_on_its_sequence_alone(X, params, pooling):
    model = RecurrentAutoencoder(4, pooling=pooling, **params, **QUICK).fit(X)
    together = model.transform(X)
    beside_a_long_one = model.transform([*X, np.zeros((500, 2))])[:-1]
    assert_allclose(beside_a_long_one, together, atol=1e-6)
    for one, code in zip(X[:10], together, strict=False):
        assert_allclose(model.transform([one])[0], code, atol=1e-6)


def test_both_directions_are_what_torch_makes_of_packed_sequences():
    torch.manual_seed(0)
    ours = Recurrence(3, 5, 2, "lstm", bidirectional=True)
    theirs = nn.LSTM(3, 5, 2, batch_first=True, bidirectional=True)
    for number in range(2):
        for cells, suffix in ((ours.forwards, ""), (ours.backwards, "_reverse")):
            for name, weight in cells[number].named_parameters():
                theirs.get_parameter(name.replace("l0", f"l{number}{suffix}")).data.copy_(weight)
    x, lengths = torch.randn(4, 9, 3), torch.tensor([9, 4, 1, 7])
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    states, (last, _) = theirs(packed)
    states = pad_packed_sequence(states, batch_first=True)[0]
    made = ours(x, lengths)
    for number, length in enumerate(lengths):
        assert_allclose(made[number, :length].detach(), states[number, :length].detach(), atol=1e-6)
    assert_allclose(
        ours.last(made, lengths).detach(), torch.cat([last[2], last[3]], 1).detach(), atol=1e-6
    )


def test_pooling_is_over_the_steps_that_there_are():
    torch.manual_seed(0)
    encoder = SequenceEncoder(
        1,
        3,
        hidden_size=4,
        n_layers=1,
        cell="lstm",
        bidirectional=False,
        pooling="concat",
        patch=2,
        n_waves=2,
    )
    x = torch.randn(1, 5, 1)
    a, b, c, d, e = x.flatten()
    tokens = torch.tensor([[[a, b, 0, 0], [c, d, 0, 0], [e, 0, 0, 1]]])  # values; what is missing
    states = encoder.recurrence(encoder.embedding(tokens), torch.tensor([3]))[0]
    series = [
        x.mean(),
        2**0.5 * (x[0, :, 0] * torch.cos(torch.pi * (torch.arange(5) + 0.5) / 5)).mean(),
    ]
    pooled = torch.cat([states[-1], states.mean(0), states.max(0).values])
    code = encoder.head(torch.cat([pooled, torch.stack(series)])[None])
    padded = nn.functional.pad(frames_of(x), (0, 0, 0, 6))
    assert_allclose(encoder(padded).detach(), code.detach(), atol=1e-6)
    hidden = torch.cat([pooled, code[0]])
    assert_allclose(encoder.hidden(padded)[0].detach(), hidden.detach(), atol=1e-6)


# Missing values


def test_what_is_missing_is_told_and_is_not_the_mean(X, model):
    holes = [one.copy() for one in X]
    filled = [one.copy() for one in X]
    for number in range(len(X)):
        holes[number][2, 0] = np.nan
        filled[number][2, 0] = model.scaling_.mean[0]
    assert np.abs(model.transform(holes) - model.transform(filled)).max() > 1e-3
    assert np.isfinite(model.transform(holes)).all()
    assert model.transform([np.full((6, 2), np.nan)]).shape == (1, 4)


def test_gaps_are_bridged_by_straight_lines():
    nan = torch.nan
    values = torch.tensor([[nan, 2.0, nan, nan, 5.0, nan, 9.0], [nan] * 6 + [3.0]])[..., None]
    there = torch.arange(7) < torch.tensor([6, 5])[:, None]
    line = bridged(unpacked(frames_of(values, there)))[..., 0]
    assert_allclose(line, [[2, 2, 3, 4, 5, 5, 0], [0] * 7])
    whole = unpacked(frames_of(torch.randn(2, 5, 3)))
    assert torch.equal(bridged(whole), whole.values)


def test_the_objective_is_its_formula():
    torch.manual_seed(0)
    values = torch.randn(3, 6, 2)
    values[0, 1, 1] = values[2, 0] = torch.nan
    lengths = torch.tensor([6, 2, 4])
    x = frames_of(values, torch.arange(6) < lengths[:, None])
    model = RecurrentAutoencoder(2, **QUICK).fit(waves(4))
    module = model.net_.module_
    states, codes = module.encoder.states_and_codes(x)

    def mean_error(made):
        errors = [
            (made[n, t, c] - values[n, t, c]) ** 2
            for n in range(3)
            for t in range(lengths[n])
            for c in range(2)
            if not values[n, t, c].isnan()
        ]
        return torch.stack(errors).mean().item()

    objective = SequenceReconstruction(SquaredError(), None, 0.0, of_states=True)
    of_codes = mean_error(module.decoder(codes, lengths, 6))
    found = objective(module.eval(), {"x": x}, Progress())
    assert_allclose(found.item(), of_codes, rtol=1e-5)
    of_states = mean_error(module.decoder.alone(states, lengths, 6))
    found = objective(module.train(), {"x": x}, Progress())
    assert_allclose(found.item(), of_codes + of_states, rtol=1e-5)


def test_states_learn_where_phase_means_nothing():
    """What principal components cannot say, and so leave nothing of to recurrent networks."""
    random = np.random.default_rng(0)
    y = np.arange(200) % 2
    X = []
    for slow in y:
        time = np.arange(random.integers(20, 61))[:, None]
        wave = np.sin((0.3 if slow else 0.45) * time + random.uniform(0, 6, size=2))
        X.append(wave + 0.2 * random.normal(size=wave.shape))
    scores = []
    for lr in (1e-3, 1e-12):  # and without training
        model = RecurrentAutoencoder(features="hidden", max_epochs=20, lr=lr, random_state=0)
        F = model.fit(X).transform(X)
        classifier = make_pipeline(StandardScaler(), LogisticRegression())
        scores.append(classifier.fit(F[:40], y[:40]).score(F[40:], y[40:]))
    assert scores[0] > 0.9 > scores[1], scores


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_what_is_missing_counts_nowhere(X, loss):
    """Whatever stands at the places of missing values, here out of another batch's padding."""
    holes = [one.copy() for one in X]
    for one in holes:
        one[1::3] = np.nan
    model = RecurrentAutoencoder(4, loss=loss, **QUICK).fit(holes)
    assert np.isfinite(model.loss_curve_).all()
    codes = model.transform(holes)
    restored = model.inverse_transform(codes, [len(one) for one in holes])
    residual = sum(
        np.nansum(((a - b) / model.scaling_.scale) ** 2)
        for a, b in zip(restored, holes, strict=True)
    )
    total = sum(np.nansum(((b - model.scaling_.mean) / model.scaling_.scale) ** 2) for b in holes)
    assert_allclose(model.score(holes), 1 - residual / total, rtol=1e-4)
    first = np.nanmean(((restored[0] - holes[0]) / model.scaling_.scale) ** 2)
    assert_allclose(-model.score_samples(holes)[0], first, rtol=1e-4)
    assert np.isnan(model.score_samples([np.full((4, 2), np.nan)])).all()


def test_scaling_is_of_what_was_observed(X):
    holes = [one.copy() for one in X]
    for one in holes:
        one[::2, 1] = np.nan
    scaling = RecurrentAutoencoder(4, **QUICK).fit(holes).scaling_
    flat = np.concatenate(holes)
    assert_allclose(scaling.mean, np.nanmean(flat, axis=0))
    assert_allclose(scaling.scale, np.nanstd(flat, axis=0))


# It learns


@pytest.fixture(scope="module")
def trained():
    X = waves(120, 1)
    return RecurrentAutoencoder(8, hidden_size=32, n_waves=0, max_epochs=60, random_state=0).fit(X)


def test_a_cosine_series_takes_a_smooth_sequence_through_linear_maps_alone():
    """Sums of few cosines: what principal components restore, at every length."""
    random = np.random.default_rng(0)
    X = []
    for length in random.integers(20, 60, size=64):
        places = np.pi * (np.arange(length) + 0.5) / length
        X.append(np.cos(places[:, None] * np.arange(1, 4)) @ random.normal(size=3))
    tiny = RecurrentAutoencoder(3, hidden_size=2, max_epochs=3, random_state=0)
    assert tiny.fit(X).score(X) > 0.999
    assert clone(tiny).set_params(n_waves=0).fit(X).score(X) < 0.7


def test_training_starts_from_principal_components():
    """Of rows of one length they are those of PCA; of any, of what is smooth in them."""
    rows = np.stack(waves(40, 1, lengths=(24, 24)))[..., 0]
    rows += np.linspace(0, 9, 24)  # a mean that is not flat
    start = RecurrentAutoencoder(6, hidden_size=8, max_epochs=1, lr=1e-12, random_state=0).fit(rows)
    pca = PCA(6).fit(rows)
    restored = start.inverse_transform(start.transform(rows))
    assert_allclose(restored, pca.inverse_transform(pca.transform(rows)), atol=1e-4)
    spread = start.transform(rows).std(axis=0)
    assert spread.max() < 5 * spread.min()  # while those of PCA differ by more
    assert np.ptp(np.log(pca.explained_variance_)) > 2 * np.log(5)
    ragged = waves(40, 1, lengths=(10, 30))
    whole = clone(start).set_params(n_components=64, n_waves=64).fit(ragged)
    assert whole.score(ragged) > 0.9 > clone(whole).set_params(n_waves=0).fit(ragged).score(ragged)


def test_no_series_has_more_terms_than_steps():
    lengths, places = torch.tensor([3, 8]), torch.arange(8)
    short, full = terms(lengths, 8, places)
    assert_allclose(short[:3].T @ short[:3] / 3, np.diag([1.0] * 3 + [0.0] * 5), atol=1e-6)
    assert_allclose(full.T @ full / 8, np.eye(8), atol=1e-6)


def test_sequences_that_are_all_the_same_are_restored():
    X = [np.sin(np.arange(25.0))] * 6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RecurrentAutoencoder(4, **QUICK).fit(X)
    assert model.score(X) > 0.99


def test_it_restores_waves_and_knows_slow_from_quick(trained):
    X, new = waves(120, 1), waves(60, 1, seed=1)
    assert trained.score(X) > 0.6 and trained.score(new) > 0.5
    kinds = np.arange(120) % 2
    classifier = LogisticRegression().fit(trained.transform(X), kinds)
    assert classifier.score(trained.transform(new), kinds[:60]) > 0.95


def test_what_is_unlike_the_others_has_a_low_score(trained):
    usual = waves(30, 1, seed=2)
    odd = [np.where(np.arange(len(one))[:, None] % 7 == 0, 3.0, one) for one in usual]
    assert trained.score_samples(odd).max() < np.median(trained.score_samples(usual))
    assert np.abs(np.corrcoef(trained.score_samples(usual), list(map(len, usual)))[0, 1]) < 0.9


def test_sequences_longer_than_any_seen(trained):
    longer = waves(10, 1, lengths=(300, 400), seed=3)
    assert np.isfinite(trained.transform(longer)).all()
    assert len(trained.inverse_transform(trained.transform(longer), 350)[0]) == 350


def test_lengths_that_codes_are_decoded_to(X, model):
    codes = model.transform(X[:3])
    assert [len(one) for one in model.inverse_transform(codes, [3, 50, 1])] == [3, 50, 1]
    median = int(np.median([len(one) for one in X]))
    assert [len(one) for one in model.inverse_transform(codes)] == [median] * 3
    alone = model.inverse_transform(codes[1:2], 50)[0]
    assert_allclose(model.inverse_transform(codes, [3, 50, 1])[1], alone, atol=1e-6)
    for wrong in ([3, 5], 0, [1, 2, 0], [1.5, 2, 3], "long"):
        with pytest.raises(ValueError, match="lengths has to be an integer of at least 1"):
            model.inverse_transform(codes, wrong)
    with pytest.raises(ValueError, match=r"X has 3 columns, but a code .* n_components_=4"):
        model.inverse_transform(codes[:, :3])


def test_hidden_states_are_features_without_a_way_back(X, model):
    hidden = clone(model).set_params(features="hidden").fit(X)
    states = hidden.transform(X)
    assert states.shape == (50, 3 * 2 * 8 + 4) == (50, len(hidden.get_feature_names_out()))
    assert_array_equal(states[:, -4:], clone(model).fit(X).transform(X))
    with pytest.raises(ValueError, match='Set features="code" to decode'):
        hidden.inverse_transform(states)


def test_teacher_forcing_ends_by_the_middle_of_training(X):
    objective = SequenceReconstruction(SquaredError(), None, 1.0)
    model = RecurrentAutoencoder(4, teacher_forcing=1.0, **QUICK).fit(X)
    module, column = model.net_.module_.train(), model.input_.columns(X, model)["x"]
    batch, plain = {"x": column.take(slice(8))}, SequenceReconstruction(SquaredError(), None, 0.0)

    def loss(of, update):
        return of(module, batch, Progress(update=update, n_updates=100)).item()

    assert loss(objective, 0) != loss(plain, 0)
    assert loss(objective, 50) == loss(plain, 50) == loss(objective, 99)
    module.eval()
    assert loss(objective, 0) == loss(plain, 0)


def test_a_decoder_sees_the_step_before_and_none_later(X):
    decoder = RecurrentAutoencoder(4, teacher_forcing=1.0, **QUICK).fit(X).net_.module_.decoder
    code, lengths, before = torch.zeros(1, 4), torch.tensor([9]), torch.zeros(1, 9, 2)
    changed = before.clone()
    changed[0, 4] = 5.0
    same = decoder(code, lengths, 9, before) == decoder(code, lengths, 9, changed)
    assert same[0, :5].all() and not same[0, 5].any()


# The same again


@pytest.mark.parametrize("params", [{}, {"cell": "gru", "features": "hidden"}])
def test_the_contract_on_sequences(X, kinds, params):
    """The same seed, another process, one more chunk, rows set aside, frames as results."""
    model = RecurrentAutoencoder(4, **params, **QUICK)
    codes = model.fit(X, kinds).transform(X)
    assert_array_equal(clone(model).fit(X).transform(X), codes)
    assert_array_equal(clone(model).fit_transform(X), codes)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.transform(X), codes)
    assert_array_equal(
        model.partial_fit(X[:20]).transform(X), loaded.partial_fit(X[:20]).transform(X)
    )
    assert model.n_iter_ == 4
    stopped = clone(model).set_params(early_stopping=True).fit(X)
    assert len(stopped.validation_scores_) == stopped.n_iter_
    assert clone(model).fit(X, X_val=X[:9]).best_validation_score_ < 0
    framed = clone(model).set_output(transform="pandas").fit(X)
    assert list(framed.transform(X)) == list(framed.get_feature_names_out())
    on_index = framed.transform(pd.DataFrame({"s": X}, index=range(7, 57)))
    assert on_index.index[0] == 7


def test_a_warm_start_goes_on(X):
    model = RecurrentAutoencoder(4, warm_start=True, **QUICK).fit(X)
    assert model.fit(waves(20, lengths=(60, 70))).n_iter_ == 6
    with pytest.raises(ValueError, match="hidden_size was 8"):
        model.set_params(hidden_size=9).fit(X)


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_a_search_in_a_pipeline(X, kinds, n_jobs):
    pipeline = make_pipeline(RecurrentAutoencoder(**QUICK), LogisticRegression())
    grid = {"recurrentautoencoder__n_components": [2, 4]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs).fit(X, kinds)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_signals_beside_other_columns(X, kinds):
    frame = pd.DataFrame({"signal": X, "age": np.arange(50.0)})
    columns = make_column_transformer(
        (RecurrentAutoencoder(4, **QUICK), "signal"),
        (RecurrentAutoencoder(3, **QUICK), ["signal"]),
        ("passthrough", ["age"]),
    )
    assert columns.fit_transform(frame).shape == (50, 8)
    assert make_pipeline(columns, LogisticRegression()).fit(frame, kinds).predict(frame).shape == (
        50,
    )


@pytest.mark.parametrize("consistency_weight", [0.0, 1.0])
def test_pretrained_on_all_and_fine_tuned_on_few(kinds, consistency_weight):
    X, few = waves(50, 1), np.full(50, None, dtype=object)
    few[:16] = kinds[:16]
    model = PretrainedClassifier(
        RecurrentAutoencoder(8, hidden_size=16, max_epochs=20),
        max_epochs=60,
        consistency_weight=consistency_weight,
        random_state=0,
    ).fit(X, few)
    assert model.score(X[16:], kinds[16:]) > 0.8
    assert model.transform(X).shape == (50, 8)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_the_encoder_by_itself(X, model):
    holes = [one.copy() for one in X]
    holes[3][1, 0] = np.nan
    lengths = torch.tensor([len(one) for one in holes])
    padded = torch.full((50, int(lengths.max()), 2), 1e6)
    for number, one in enumerate(holes):
        padded[number, : len(one)] = torch.from_numpy(one)
    module = model.encoder_module()
    assert_allclose(module(padded, lengths).detach(), model.transform(holes), atol=1e-5)
    short = padded[:, :5]
    assert_allclose(module(short).detach(), model.transform([one[:5] for one in holes]), atol=1e-5)


# Batches


def test_batches_are_of_like_length_and_bounded():
    random = np.random.default_rng(0)
    lengths = torch.from_numpy(random.integers(20, 2000, size=1000))
    X = [np.zeros((length, 1)) for length in lengths]
    model = RecurrentAutoencoder()
    rows = Rows(SequenceInput().fit(X, model), batch_size=64)
    order = torch.Generator().manual_seed(0)
    for _ in range(2):
        n_steps, padded, sizes = 0, 0, []
        for batch in rows.epoch(order):
            frames = unpacked(batch["x"])
            assert frames.there.numel() <= LengthBuckets.MOST_STEPS
            n_steps += int(frames.there.sum())
            padded += frames.there.numel()
            sizes.append(len(frames.there))
        assert n_steps == int(lengths.sum()) and padded < 1.1 * n_steps
        assert len(sizes) == rows.n_batches and max(sizes) == 64
    assert sizes != sorted(sizes) and sizes != sorted(sizes)[::-1]


def test_every_row_has_its_turn_in_an_order_of_its_own():
    buckets = LengthBuckets.of(torch.tensor([5] * 10 + [50] * 10 + [100_000]), 4)
    assert sum(buckets.sizes) == 21 and buckets.sizes[-1] == 1
    first, second = (
        buckets.arranged(torch.randperm(21), torch.Generator().manual_seed(n))[0] for n in (0, 1)
    )
    assert sorted(first.tolist()) == list(range(21)) and first.tolist() != second.tolist()


def test_rows_of_one_length_are_shuffled_as_rows_are():
    buckets = LengthBuckets.of(torch.full((10,), 7), 3)
    order = torch.randperm(10)
    arranged, sizes = buckets.arranged(order)
    assert arranged.tolist() == order.tolist() and sizes == [3, 3, 3, 1]


# Corruptions

FRAMES = frames_of(
    1 + torch.rand(200, 30, 3), torch.arange(30) < torch.arange(200)[:, None] % 30 + 1
)
CORRUPTIONS = [
    DroppedSteps(0.4),
    DroppedChannels(0.4),
    TimeMasks(0.2, n_masks=2),
    TimeCrop(0.4),
    Gaussian(0.3),
    Dropout(0.4),
    Compose([TimeCrop(0.4), Gaussian(0.1), DroppedSteps(0.1)]),
]


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda one: type(one).__name__)
def test_corruptions_leave_padding_alone(corruption):
    before, after = unpacked(FRAMES), unpacked(on_sequences(corruption)(FRAMES))
    assert (after.there <= before.there).all()
    beyond = after.there == 0
    assert (after.values[beyond] == 0).all() and (after.observed[beyond] == 0).all()
    assert (after.values[after.observed == 0] == 0).all()
    assert not torch.equal(after.values, before.values)
    assert (after.lengths >= 1).all()


def test_how_much_is_dropped():
    frames = unpacked(FRAMES)
    there = frames.there > 0
    steps = unpacked(DroppedSteps(0.4)(FRAMES)).observed
    assert (steps[..., 0] == steps[..., 1]).all()
    assert_allclose(steps[there].mean(), 0.6, atol=0.03)
    channels = unpacked(DroppedChannels(0.4)(FRAMES)).observed
    assert (channels == channels[:, :1])[there].all()
    assert_allclose(channels[:, 0].mean(), 0.6, atol=0.06)
    (masks,) = unpacked(TimeMasks(0.2, n_masks=1)(FRAMES)).observed[29::30, :, 0].mean(1).unique()
    assert_allclose(masks, 0.8)


def test_a_crop_is_a_part_of_the_sequence():
    before, after = unpacked(FRAMES), unpacked(TimeCrop(0.4)(FRAMES))
    for number in (29, 59, 17):
        length = int(after.lengths[number])
        assert 0.4 * before.lengths[number] - 1 < length <= before.lengths[number]
        part, whole = after.values[number, :length], before.values[number]
        starts = [n for n in range(31 - length) if torch.equal(whole[n : n + length], part)]
        assert len(starts) == 1


def test_the_target_of_a_corrupted_sequence_is_clean(X):
    seen = []

    class WatchedError(SquaredError):
        def __call__(self, output, target):
            seen.append(target)
            return super().__call__(output, target)

    model = RecurrentAutoencoder(4, corruption=DroppedSteps(0.9), **QUICK).fit(X)
    x = model.input_.columns(X, model)["x"].take(slice(None))
    objective = SequenceReconstruction(WatchedError(), on_sequences(DroppedSteps(0.9)), 0.0)
    objective(model.net_.module_.train(), {"x": x}, Progress())
    assert torch.equal(seen[0], unpacked(x).values)


@pytest.mark.parametrize("corruption", [Swap(), Crop(), "swap", [Gaussian(), Swap()]])
def test_corruptions_that_would_draw_from_padding_are_refused(X, corruption):
    with pytest.raises(ValueError, match="is not for sequences"):
        RecurrentAutoencoder(corruption=corruption, **QUICK).fit(X)


def test_corruptions_of_sequences_are_not_for_rows():
    with pytest.raises(ValueError, match=r"TimeMasks.* needs sequences, and got rows of 4 numbers"):
        TimeMasks()(torch.zeros(3, 4))


# Bad input


BAD = {
    "an empty list": ([], "X has no sequence"),
    "no step": (lambda X: [*X, np.zeros((0, 2))], "Sequence 50 of X has no step"),
    "no channel": (lambda X: [*X, np.zeros((4, 0))], "Sequence 50 of X has no step"),
    "other channels": (lambda X: [*X, np.zeros((4, 3))], r"as many channels, got \[2, 3\]"),
    "strings": (["one", "two"], "Sequence 0 of X has to hold real numbers"),
    "sequences of strings": ([["a", "b"], ["c"]], "Sequence 0 of X has to hold real numbers"),
    "complex numbers": (lambda X: [one + 1j for one in X], "has to hold real numbers"),
    "objects": ([[{}, {}], [{}]], "Sequence 0 of X is no array of numbers"),
    "infinity": (lambda X: [*X, np.full((2, 2), np.inf)], "sequence 50 does. What is missing"),
    "a sequence bare": (lambda X: X[0][:, 0], "(1D array|of shape)"),
    "too deep": (np.zeros((3, 3, 3, 3)), "(dim 4|pass a list of it)"),
    "ragged within": ([[[1.0], [1.0, 2.0]], [[1.0]]], "Sequence 0 of X is no array"),
    "a dictionary": (lambda X: dict(enumerate(X)), r"got a dict\. Pass list\(X.values"),
    "a generator": (lambda X: (one for one in X), r"got a generator\. Pass list"),
    "steps as rows": (
        lambda X: pd.concat(dict(enumerate(map(pd.DataFrame, X)))),
        r"index of several levels.*groupby\(level=0",
    ),
    "a column that holds none": (
        lambda X: pd.DataFrame({"signal": X, "age": 3.0}),
        "Column 'signal' of X holds sequences, and 'age' does not",
    ),
    "channels of unlike lengths": (
        lambda X: pd.DataFrame({"a": [one[:, 0] for one in X], "b": [one[1:, 1] for one in X]}),
        r"equally long in every row: row 0 has \[\d+, \d+\] steps",
    ),
    "a number among them": (lambda X: [*X, 3.0], r"Sequence 50 of X has to be of shape"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_sequences_change_nothing(X, case):
    model = RecurrentAutoencoder(4, **QUICK).fit(X)
    bad, message = BAD[case]
    bad = bad(X) if callable(bad) else bad
    before = model.transform(X)
    for call in (model.fit, model.partial_fit, model.transform, model.score_samples):
        with pytest.raises((ValueError, TypeError), match=message):
            call(bad)
        assert_array_equal(model.transform(X), before)
    fresh = clone(model)
    with pytest.raises((ValueError, TypeError), match=message):
        fresh.fit(bad)
    assert not [name for name in vars(fresh) if name.endswith("_")]


def test_a_channel_that_was_never_observed(X):
    with pytest.raises(ValueError, match=r"Channel 1 of X has no value at all.*Leave it out"):
        RecurrentAutoencoder(**QUICK).fit([one * [1, np.nan] for one in X])


def test_one_sequence_is_too_few(X, model):
    with pytest.raises(ValueError, match="minimum of 2 sequences is required"):
        RecurrentAutoencoder(**QUICK).fit(X[:1])
    with pytest.raises(ValueError, match="If it is one sequence, pass a list of it"):
        model.transform(X[0])
    with pytest.raises(ValueError, match=r"X has 1 channels, but .* is expecting 2 channels"):
        model.transform([one[:, :1] for one in X])


def test_sequences_of_one_step(X):
    X = [one[:1, :1] for one in X]
    model = RecurrentAutoencoder(2, **QUICK).fit(X)
    assert np.isfinite(model.transform(X)).all()
    assert [one.shape for one in model.inverse_transform(model.transform(X))] == [(1, 1)] * 50


@pytest.mark.parametrize("loss", ["binary_cross_entropy", BinaryCrossEntropy()])
def test_cross_entropy_is_not_for_sequences(X, loss):
    with pytest.raises(ValueError, match=r"('loss' parameter|is not for sequences)"):
        RecurrentAutoencoder(loss=loss, **QUICK).fit(X)


# Pictures


def test_a_display_of_sequences_and_of_what_is_missing(X, model):
    holes = [one.copy() for one in X[:3]]
    holes[1][2:4, 1] = np.nan
    display = SequenceDisplay.from_estimator(model, holes, channel=1, labels=["a", "b", "c"])
    lines = [line for line in display.ax_.get_lines() if len(line.get_xdata())]
    assert [len(line.get_xdata()) for line in lines] == [len(one) for one in X[:3] for _ in "xy"]
    restored = model.inverse_transform(model.transform(holes), [len(one) for one in holes])
    assert_allclose(display.reconstructions[2], restored[2][:, 1])
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["input", "reconstruction", "missing"]
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["a", "b", "c"]
    lengths = [text.get_text().split()[0] for text in display.ax_.texts]
    assert lengths == [str(len(one)) for one in holes]
    shaded = [len(one.get_paths()) for one in display.ax_.collections]
    assert shaded == [0, 1, 0]
    plt.close("all")


def test_a_display_of_rows_of_a_table():
    rows = np.stack(waves(9, 1, lengths=(12, 12)))[..., 0]
    model = RecurrentAutoencoder(3, **QUICK).fit(rows)
    assert len(SequenceDisplay.from_estimator(model, rows).reconstructions[0]) == 12
    with pytest.raises(ValueError, match="channel has to be from 0 to 0"):
        SequenceDisplay.from_estimator(model, rows, channel=1)
    with pytest.raises(ValueError, match="as many and as long as the inputs"):
        SequenceDisplay(rows, rows[:, :3]).plot()
    with pytest.raises(ValueError, match="9 sequences, and 1 labels"):
        SequenceDisplay(rows, labels=["a"]).plot()
    plt.close("all")
