"""Inputs of other kinds than skgen has: toy models, out of `Input`, `BaseModel` and the engine."""

import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from skgen.base import BaseModel
from skgen.corruptions import Gaussian
from skgen.engine import Column, Phase, TensorColumn, Turn
from skgen.inputs import ImageInput, Input, RowInput, ScaledColumn, Units

QUICK = {"max_epochs": 3, "batch_size": 16, "random_state": 0}


def numbers_of(index, n_rows):
    """Return the numbers of rows that a column is asked for."""
    return range(n_rows)[index] if isinstance(index, slice) else index.tolist()


# Ragged rows: sequences of unequal length


class RaggedColumn(Column):
    """Sequences (time, channels), padded with zeros to the longest; and how long each is."""

    def __init__(self, sequences, dtype):
        self.sequences = [torch.as_tensor(one, dtype=torch.float32) for one in sequences]
        self.dtype = dtype

    def __len__(self):
        return len(self.sequences)

    def take(self, index):
        some = [self.sequences[number] for number in numbers_of(index, len(self))]
        return pad_sequence(some, batch_first=True), torch.tensor([len(one) for one in some])


class RaggedInput(Input):
    def fit(self, X, estimator):
        self.shape, self.dtype = X[0].shape[1:], X[0].dtype
        self.row_bytes = 4 * max(one.size for one in X)
        return self.columns(X, estimator)

    def columns(self, X, estimator, *, to_train=False):
        if any(one.shape[1:] != self.shape for one in X):
            raise ValueError(f"A row of {type(estimator).__name__} has {self.shape[0]} channels.")
        return {"x": RaggedColumn(X, self.dtype)}


def error_of_steps(module, batch, state):
    """Return the squared error over the steps that there are."""
    x, lengths = batch["x"]
    there = torch.arange(x.shape[1]) < lengths[:, None]
    return (module.decoder(module.encoder(x)) - x)[there].square().mean()


class RaggedAutoencoder(BaseModel):
    def _input(self):
        return RaggedInput()

    def _module(self):
        (n_channels,) = self.input_.shape
        parts = {"encoder": nn.Linear(n_channels, 2), "decoder": nn.Linear(2, n_channels)}
        return nn.ModuleDict(parts)

    def _turns(self):
        return [Turn(("encoder", "decoder"), error_of_steps)]

    def transform(self, X):
        def pooled(values):
            x, lengths = values
            there = torch.arange(x.shape[1]) < lengths[:, None]
            return (self._network().encoder(x) * there[:, :, None]).sum(1) / lengths[:, None]

        return self._apply(pooled, self._columns(X))

    def reconstruct(self, X):
        def restored(values):
            x, lengths = values
            made = self._network().decoder(self._network().encoder(x))
            return [one[:length] for one, length in zip(made, lengths, strict=True)]

        return [np.asarray(one) for one in self._apply(restored, self._columns(X))]


@pytest.fixture(scope="module")
def sequences():
    random = np.random.default_rng(0)
    return [random.normal(size=(length, 3)) for length in random.integers(1, 30, 50)]


@pytest.fixture(scope="module")
def ragged(sequences):
    return RaggedAutoencoder(**QUICK).fit(sequences)


def test_a_sequence_stands_alone(ragged, sequences):
    """However long the others of the batch are."""
    together = ragged.transform(sequences)
    assert together.shape == (50, 2) and together.dtype == np.float64
    for one, code in zip(sequences, together, strict=True):
        assert_allclose(ragged.transform([one])[0], code, rtol=1e-5, atol=1e-6)


def test_sequences_come_back_in_their_lengths(ragged, sequences):
    restored = ragged.reconstruct(sequences)
    assert [one.shape for one in restored] == [one.shape for one in sequences]
    assert all(one.dtype == np.float64 for one in restored)
    assert_allclose(ragged.reconstruct(sequences[7:8])[0], restored[7], rtol=1e-5, atol=1e-6)
    errors = [np.square(a - b).sum() for a, b in zip(restored, sequences, strict=True)]
    n_numbers = sum(one.size for one in sequences)
    trained = clone(ragged).set_params(max_epochs=300).fit(sequences)
    assert trained.loss_curve_[-1] < 0.5 * sum(errors) / n_numbers


def test_sequences_that_are_no_rows_are_refused(ragged):
    with pytest.raises(ValueError, match="A row of RaggedAutoencoder has 3 channels"):
        ragged.transform([np.zeros((4, 2))])


# A bag of words


class BagColumn(Column):
    """Where the words of every text begin, and the numbers of all these words."""

    def __init__(self, texts, vocabulary):
        self.bags = [
            torch.tensor([vocabulary[word] for word in text.split() if word in vocabulary])
            for text in texts
        ]

    def __len__(self):
        return len(self.bags)

    def take(self, index):
        bags = [self.bags[number].long() for number in numbers_of(index, len(self))]
        starts = torch.tensor([0, *map(len, bags[:-1])]).cumsum(0)
        return starts, torch.cat(bags)


class BagInput(Input):
    def fit(self, X, estimator):
        words = sorted({word for text in X for word in text.split()})
        self.vocabulary = {word: number for number, word in enumerate(words)}
        self.row_bytes = 8 * max(len(text.split()) for text in X)
        return self.columns(X, estimator)

    def columns(self, X, estimator, *, to_train=False):
        return {"words": BagColumn(X, self.vocabulary)}


class NumberInput(Input):
    def fit(self, X, estimator):
        return self.columns(X, estimator)

    def columns(self, X, estimator, *, to_train=False):
        return {"y": TensorColumn(torch.tensor(np.asarray(X), dtype=torch.float32))}


class BagOfWords(nn.Module):
    """The sum of one number for every word."""

    def __init__(self, n_words):
        super().__init__()
        self.bag = nn.EmbeddingBag(n_words, 1, mode="sum")

    def forward(self, words):
        starts, numbers = words
        return self.bag(numbers, starts)[:, 0]


def error_of_words(module, batch, state):
    return (module.words(batch["words"]) - batch["y"]).square().mean()


class WordRegressor(BaseModel):
    def _input(self):
        return BagInput()

    def _target_input(self):
        return NumberInput()

    def _module(self):
        return nn.ModuleDict({"words": BagOfWords(len(self.input_.vocabulary))})

    def _turns(self):
        return [Turn(("words",), error_of_words)]

    def predict(self, X):
        return self._apply(self._network().words, self._columns(X))


@pytest.fixture(scope="module")
def texts():
    random = np.random.default_rng(0)
    return [" ".join(random.choice(list("abcde"), random.integers(1, 9))) for _ in range(200)]


@pytest.fixture(scope="module")
def worth(texts):
    """What texts are worth: 2 for every a, -1 for every e."""
    return np.array([2.0 * text.count("a") - text.count("e") for text in texts])


def test_words_are_worth_what_they_add(texts, worth):
    model = WordRegressor(max_epochs=200, batch_size=50, lr=0.05, random_state=0).fit(texts, worth)
    assert_allclose(model.predict(texts), worth, atol=0.1)
    assert_allclose(model.predict(["a", "e", "a unknown e", "unknown"]), [2, -1, 1, 0], atol=0.1)


def test_texts_and_what_they_are_worth_are_as_many(texts, worth):
    with pytest.raises(ValueError, match="X and y differ in length"):
        WordRegressor(**QUICK).fit(texts, worth[:-1])


# A pair: images by their attributes


class TargetImages(ImageInput):
    """Images as y, whose number of pixels is not the estimator's number of features."""

    def fit(self, X, estimator):
        self.owner = BaseEstimator()
        return self._renamed(super().fit(X, self.owner))

    def columns(self, X, estimator, *, to_train=False):
        return self._renamed(super().columns(X, self.owner, to_train=to_train))

    def _renamed(self, columns):
        return {"target": columns["x"]}


def error_of_images(module, batch, state):
    return functional.mse_loss(module.network(batch["x"]), batch["target"])


class ImageRegressor(BaseModel):
    def _input(self):
        return RowInput(Units())

    def _target_input(self):
        return TargetImages(None, Units(), Units())

    def _module(self):
        n_pixels = int(np.prod(self.target_input_.shape))
        layers = [nn.Linear(self.n_features_in_, 32), nn.SiLU(), nn.Linear(32, n_pixels)]
        return nn.ModuleDict({"network": nn.Sequential(*layers)})

    def _turns(self):
        return [Turn(("network",), error_of_images)]

    def predict(self, X):
        made, network = self.target_input_, self._network().network
        rows = self._apply(lambda x: made.undo(network(x), made.dtype), self._columns(X))
        return made.restore(rows.astype(made.dtype, copy=False))


@pytest.fixture(scope="module")
def attributes():
    return np.random.default_rng(0).uniform(-1, 1, size=(300, 2))


@pytest.fixture(scope="module")
def gradients(attributes):
    """Images that brighten to the right as the first attribute says, and downwards as the other."""
    line = np.linspace(-1, 1, 8)
    slopes = attributes[:, 0, None, None] * line + attributes[:, 1, None, None] * line[:, None]
    return (127.5 + 63 * slopes).astype(np.uint8)


@pytest.mark.parametrize("layout", ["gray", "color", "floats"])
def test_images_are_made_in_the_layout_and_the_range_of_y(attributes, gradients, layout):
    y = {
        "gray": gradients,
        "color": np.stack([gradients, 255 - gradients, gradients], axis=3),
        "floats": gradients[..., None] / 255,
    }[layout]
    model = ImageRegressor(max_epochs=60, batch_size=50, random_state=0).fit(attributes, y)
    made = model.predict(attributes)
    assert made.shape == y.shape
    assert made.dtype == (np.float64 if layout == "floats" else np.float32)
    assert np.abs(made - y.astype(float)).mean() < 0.03 * model.target_input_.value_range[1]
    far = model.predict(100 * attributes)
    assert model.target_input_.value_range == (far.min(), far.max())
    assert model.n_features_in_ == 2


def test_a_pair_is_stopped_by_other_pairs(attributes, gradients):
    model = ImageRegressor(early_stopping=True, **{**QUICK, "max_epochs": 30})
    model.fit(attributes[:200], gradients[:200], X_val=attributes[200:], y_val=gradients[200:])
    assert len(model.validation_scores_) == model.n_iter_
    assert model.best_validation_score_ > model.validation_scores_[0]


# A frame of a text and a number


class FrameInput(Input):
    def fit(self, X, estimator):
        self.words, self.dtype = BagInput(), np.dtype(np.float64)
        self.mean, self.std = X["size"].mean(), X["size"].std()
        self.words.fit(X["text"], estimator)
        self.row_bytes = self.words.row_bytes + 8
        return self.columns(X, estimator)

    def columns(self, X, estimator, *, to_train=False):
        missing = {"text", "size"} - set(X.columns)
        if missing:
            raise ValueError(f"X has no column {missing}.")
        sizes = torch.tensor((X["size"].to_numpy() - self.mean) / self.std, dtype=torch.float32)
        numbers = {"size": TensorColumn(sizes[:, None], self.dtype)}
        return self.words.columns(X["text"], estimator) | numbers


def price(module, words, size):
    return module.words(words) + module.size(size)[:, 0]


def error_of_prices(module, batch, state):
    return (price(module, batch["words"], batch["size"]) - batch["y"]).square().mean()


class PriceRegressor(BaseModel):
    def _input(self):
        return FrameInput()

    def _target_input(self):
        return NumberInput()

    def _module(self):
        n_words = len(self.input_.words.vocabulary)
        return nn.ModuleDict({"words": BagOfWords(n_words), "size": nn.Linear(1, 1)})

    def _turns(self):
        return [Turn(("words", "size"), error_of_prices)]

    def predict(self, X):
        module = self._network()
        return self._apply(lambda *columns: price(module, *columns), self._columns(X))


@pytest.fixture(scope="module")
def frame(texts):
    sizes = np.random.default_rng(1).normal(5, 3, len(texts))
    return pd.DataFrame({"size": sizes, "text": texts})


def test_a_text_and_a_number_add_up(frame, worth):
    prices = worth + frame["size"] / 2
    model = PriceRegressor(max_epochs=200, batch_size=50, lr=0.05, random_state=0)
    model.fit(frame, prices)
    assert_allclose(model.predict(frame), prices, atol=0.15)
    assert_allclose(model.predict(frame[:3]), model.predict(frame)[:3], rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match=r"X has no column \{'size'\}"):
        model.predict(frame[["text"]])


# All of them


@pytest.fixture(params=["ragged rows", "a bag of words", "a pair", "a frame"])
def toy(request, sequences, texts, worth, attributes, gradients, frame):
    """Return an unfitted model, what it is fitted on, and the name of what it does."""
    return {
        "ragged rows": (RaggedAutoencoder(**QUICK), (sequences,), "transform"),
        "a bag of words": (WordRegressor(**QUICK), (texts, worth), "predict"),
        "a pair": (ImageRegressor(**QUICK), (attributes, gradients), "predict"),
        "a frame": (PriceRegressor(**QUICK), (frame, worth), "predict"),
    }[request.param]


def test_the_same_seed_makes_the_same_model(toy):
    model, data, method = toy
    torch.manual_seed(1)
    first = getattr(clone(model).fit(*data), method)(data[0])
    torch.manual_seed(2)
    assert_array_equal(getattr(clone(model).fit(*data), method)(data[0]), first)
    other = getattr(clone(model).set_params(random_state=1).fit(*data), method)(data[0])
    assert not np.array_equal(other, first)


def test_a_pickle_does_the_same_and_goes_on_alike(toy):
    model, data, method = toy
    model = clone(model).set_params(warm_start=True).fit(*data)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(getattr(loaded, method)(data[0]), getattr(model, method)(data[0]))
    for one in (model, loaded):
        one.fit(*data)
    assert model.n_iter_ == 6
    assert_array_equal(getattr(loaded, method)(data[0]), getattr(model, method)(data[0]))


def test_rows_are_set_aside(toy):
    model, data, _ = toy
    model = clone(model).set_params(early_stopping=True).fit(*data)
    assert len(model.validation_scores_) == 3 and np.isfinite(model.validation_scores_).all()


# What is trained: views, phases


class Toy(BaseModel):
    """A linear autoencoder, to be trained in some way of its own."""

    def _input(self):
        return RowInput(Units())

    def _module(self):
        n = self.n_features_in_
        return nn.ModuleDict({"encoder": nn.Linear(n, 2), "decoder": nn.Linear(2, n)})

    def _turns(self):
        return [Turn(("encoder", "decoder"), squared_error)]

    def transform(self, X):
        columns = self._columns(X)
        return self._apply(self._network().encoder, columns)


def squared_error(module, batch, state):
    return functional.mse_loss(module.decoder(module.encoder(batch["x"])), batch["x"])


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(60, 5)) * [3, 2, 1, 1, 1]


class TwoViews:
    """Codes of two views of a row are to be alike, and a unit's over rows are to vary."""

    def __init__(self):
        self.corruption = Gaussian(0.5)

    def __call__(self, module, batch, state):
        x = batch["x"]
        one, other = self.corruption(x), self.corruption(x)
        assert not torch.equal(one, other)
        a, b = module.encoder(one), module.encoder(other)
        return functional.mse_loss(a, b) + (1 - a.var(dim=0)).square().mean()


def test_codes_of_two_views_of_a_row_grow_alike(X):
    class Joint(Toy):
        def _turns(self):
            return [Turn(("encoder",), TwoViews())]

    model = Joint(max_epochs=100, batch_size=30, random_state=0).fit(X)
    assert model.loss_curve_[-1] < 0.7 * model.loss_curve_[0]
    assert_allclose(model.transform(X).var(axis=0), 1, atol=0.3)


class Pretrained(Toy):
    """The decoder learns first, in three epochs, and then both."""

    def _turns(self):
        return [Turn(("encoder", "decoder"), squared_error, "tuning")]

    def _phases(self, turns, batches, n_epochs, validation):
        first = [Turn(("decoder",), self._first_loss(), "pretraining")]
        return [Phase(batches, first, 3), Phase(batches, turns, n_epochs, validation)]

    def _first_loss(self):
        return squared_error


def test_two_phases_show_in_the_curve_by_name(X):
    model = Pretrained(**{**QUICK, "max_epochs": 4}).fit(X)
    assert {name: len(curve) for name, curve in model.loss_curve_.items()} == {
        "pretraining": 3,
        "tuning": 4,
    }
    assert model.n_iter_ == 7
    assert model.loss_curve_["tuning"][-1] < model.loss_curve_["pretraining"][0]


def test_two_phases_have_one_bar(X, capsys):
    Pretrained(verbose=1, **{**QUICK, "max_epochs": 4}).fit(X)
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1 and "7/7" in shown
    assert "/3" not in shown and "/4 " not in shown
    assert shown.rpartition("\r")[2].startswith("Pretrained: 100%")


def test_a_model_of_two_phases_goes_on_with_both(X):
    class ByParts(Toy):
        def _turns(self):
            return [Turn(("encoder",), squared_error, "encoder")]

        def _phases(self, turns, batches, n_epochs, validation):
            last = [Turn(("decoder",), squared_error, "decoder")]
            return [Phase(batches, turns, n_epochs), Phase(batches, last, n_epochs)]

    model = ByParts(warm_start=True, **QUICK).fit(X)
    before = [weight.detach().clone() for weight in model.net_.module_.parameters()]
    model.fit(X)
    assert model.n_iter_ == 12 and len(model.loss_curve_["encoder"]) == 6
    for old, new in zip(before, model.net_.module_.parameters(), strict=True):
        assert not torch.equal(old, new)


def test_a_copy_of_a_model_of_two_phases_goes_on_alike(X):
    model = Pretrained(warm_start=True, **QUICK).fit(X)
    loaded = pickle.loads(pickle.dumps(model)).fit(X)
    assert_array_equal(loaded.transform(X), model.fit(X).transform(X))


def test_rows_set_aside_stop_the_phase_that_has_them(X):
    params = {**QUICK, "max_epochs": 30, "lr": 0.05, "n_iter_no_change": 2}
    model = Pretrained(early_stopping=True, **params).fit(X)
    assert len(model.loss_curve_["pretraining"]) == 3
    assert len(model.validation_scores_) == len(model.loss_curve_["tuning"]) < 30


def small_error(module, batch, state):
    return 1e-3 * squared_error(module, batch, state)


def test_a_second_loss_that_is_larger_is_no_sign_of_trouble(X):
    class Unlike(Toy):
        def _phases(self, turns, batches, n_epochs, validation):
            first = [Turn(("encoder", "decoder"), small_error)]
            return [Phase(batches, first, n_epochs), Phase(batches, turns, n_epochs)]

    Unlike(**{**QUICK, "max_epochs": 20}).fit(X)  # "became unstable" is an error, see pyproject


class Interrupts:
    """A loss in whose seventh call the user presses Ctrl-C."""

    n_calls = 0

    def __call__(self, module, batch, state):
        self.n_calls += 1
        if self.n_calls == 7:
            raise KeyboardInterrupt
        return squared_error(module, batch, state)


def test_ctrl_c_in_the_first_phase_leaves_the_model_unfitted(X):
    class Interrupted(Pretrained):
        def _first_loss(self):
            return Interrupts()

    model = Interrupted(**QUICK)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert vars(model).keys() == model.get_params().keys()
    with pytest.raises(NotFittedError):
        model.transform(X)


# How often rows are read


@pytest.fixture
def n_read(monkeypatch):
    """Count the rows that columns are asked for, but for single ones, which measure their size."""
    counts, take = Counter(), ScaledColumn.take

    def counted(column, index):
        rows = take(column, index)
        counts["rows"] += len(rows) if len(rows) > 1 else 0
        return rows

    monkeypatch.setattr(ScaledColumn, "take", counted)
    return counts


@pytest.fixture
def memory_map(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def test_a_small_memory_map_is_read_once(memory_map, n_read):
    model = Toy(**QUICK).fit(memory_map)
    assert n_read["rows"] == 60
    n_read.clear()
    model.transform(memory_map)
    assert n_read["rows"] == 60


def test_a_large_memory_map_is_read_once_a_pass(memory_map, n_read, monkeypatch):
    monkeypatch.setattr("skgen.inputs.scaling._IN_MEMORY_BYTES", 0)
    Toy(**QUICK).fit(memory_map)
    assert n_read["rows"] == 3 * 60
