"""Models of texts: the contract that scikit-learn's own checks leave out, and what they learn."""

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from small import texts
from torch.nn import functional

from skgen import SkipGram, SkipThought
from skgen.engine import RowAdagrad
from skgen.inputs import TextInput
from skgen.networks.sentences import SentenceDecoder
from skgen.networks.words import pair_loss
from skgen.text._neighbors import Neighbors
from skgen.text._ranks import rank_of_next
from skgen.text._windows import Windows

QUICK = {"max_epochs": 3, "min_count": 1, "random_state": 0}
SMALL = {"n_word_components": 6, **QUICK}

MODELS = [
    SkipGram(8, **QUICK),
    SkipGram(8, weighting="sif", **QUICK),
    SkipThought(8, **SMALL),
    SkipThought(8, encoder="gru", pooling="last", **SMALL),
    SkipThought(8, encoder="lstm", pooling="max", **SMALL),
    SkipThought(8, objective="decode", **SMALL),
    SkipThought(8, objective="decode", encoder="gru", n_noise=5, **SMALL),
]

each = pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model)[:60])


@pytest.fixture(scope="module")
def lines():
    return texts(60)


def column(ragged):
    """The column of texts whose words are numbers already."""
    tokens = [[str(number) for number in text] for text in ragged]
    taken = TextInput(CountVectorizer(), keeps_unknown=True)
    words = taken.fit(tokens, SkipGram())["words"]
    numbers = torch.tensor([int(word) for word in taken.vocabulary])
    words.words = numbers[words.words].int()
    return words


# The contract


@each
def test_same_seed_same_result(model, lines):
    torch.manual_seed(1)
    first = clone(model).fit(lines).transform(lines)
    torch.manual_seed(2)
    np.random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    second = clone(model).fit(lines)
    assert_array_equal(first, second.transform(lines))
    second.score(lines)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])
    other = clone(model).set_params(random_state=1).fit(lines)
    assert not np.allclose(first, other.transform(lines))


@each
def test_threads(model, lines):
    with ThreadPoolExecutor(4) as pool:
        fitted = list(pool.map(lambda seed: clone(model).fit(lines), range(4)))
    for one in fitted:
        assert_array_equal(one.transform(lines), fitted[0].transform(lines))


@each
@pytest.mark.parametrize("through", ["pickle", "joblib"])
def test_round_trip(model, lines, through, tmp_path):
    model = clone(model).fit(lines)
    if through == "pickle":
        loaded = pickle.loads(pickle.dumps(model))
    else:
        joblib.dump(model, tmp_path / "model.joblib")
        loaded = joblib.load(tmp_path / "model.joblib")
    assert_array_equal(model.transform(lines), loaded.transform(lines))
    model.partial_fit(lines)
    assert_array_equal(model.transform(lines), loaded.partial_fit(lines).transform(lines))
    assert model.n_iter_ == 4


@each
def test_containers(model, lines):
    """The same texts mean the same in every container, and as tokens, and as bytes."""
    expected = clone(model).fit(lines).transform(lines)
    for given in (
        tuple(lines),
        np.array(lines),
        np.array(lines, dtype=object)[:, None],
        pd.Series(lines, index=range(5, 65)),
        pd.DataFrame({"text": lines}),
        pl.Series(lines),
        pl.DataFrame({"text": lines}),
        [line.encode() for line in lines],
        [CountVectorizer().build_analyzer()(line) for line in lines],
    ):
        assert_array_equal(clone(model).fit_transform(given), expected)
    assert_array_equal(clone(model).fit_transform(line for line in lines), expected)


@each
def test_one_text_is_what_it_is_among_others(model, lines):
    model = clone(model).fit(lines)
    if "max_length" in model.get_params():
        model.set_params(max_length=None).fit(lines)
    together = model.transform([*lines, "rain " * 3000])
    assert together.dtype == np.float32 and np.isfinite(together).all()
    for number in (0, 7, 59):
        alone = model.transform(lines[number : number + 1])[0]
        assert_allclose(alone, together[number], rtol=1e-5, atol=1e-6)


@each
def test_texts_without_known_words_are_zeros(model, lines):
    model = clone(model).fit([*lines, "", "?!"])
    with pytest.warns(UserWarning, match="3 of 4 texts have no word that"):
        vectors = model.transform(["xyzzy xyzzy", "", lines[0], "a ?"])
    assert not vectors[[0, 1, 3]].any() and vectors[2].any()


@each
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(model, lines, container):
    out = clone(model).set_output(transform=container).fit_transform(lines)
    assert isinstance(out, {"pandas": pd.DataFrame, "polars": pl.DataFrame}[container])
    name = type(model).__name__.lower()
    assert list(out.columns) == [f"{name}{number}" for number in range(8)]


BAD = {
    "a string": ("the cat", "string object received"),
    "None": (["the cat", None], "Row 1 is None"),
    "NaN": (["the cat", "a dog", np.nan], "Row 2 is nan"),
    "pandas NA": (pd.Series(["the cat", pd.NA], dtype="string"), "Row 1 is <NA>"),
    "numbers": ([1, 2], "Row 0 is 1"),
    "bytes of another encoding": (["cat", "h\xe4user".encode("latin-1")], "Row 1 holds bytes"),
    "numbers among tokens": ([["the", "cat"], ["a", 3]], "Row 1 is a list of tokens and holds 3"),
    "a table": (np.zeros((3, 2)), r"ndarray of shape \(3, 2\)"),
    "a frame": (pd.DataFrame({"a": ["x"], "b": ["y"]}), "pass one column"),
    "a mapping": ({"text": ["the cat"]}, "iterable of texts, got a dict"),
    "a number": (3, "iterable of texts"),
    "nothing": ([], "no texts"),
}


@each
@pytest.mark.parametrize("kind", BAD)
def test_bad_texts_change_nothing(model, lines, kind):
    bad, message = BAD[kind]
    new = clone(model)
    with pytest.raises(ValueError, match=message):
        new.fit(bad)
    with pytest.raises(NotFittedError):
        new.transform(lines)
    fitted = clone(model).fit(lines)
    before = fitted.transform(lines)
    for method in (fitted.transform, fitted.fit, fitted.partial_fit, fitted.fit_transform):
        with pytest.raises(ValueError, match=message):
            method(bad)
        assert_array_equal(fitted.transform(lines), before)


@each
def test_texts_to_learn_nothing_from(model):
    with pytest.raises(ValueError, match="empty vocabulary"):
        clone(model).fit(["", "a ?", "!"])
    with pytest.raises(ValueError, match=r"min_count=100 .* 'rain', occurs 3 times"):
        clone(model).set_params(min_count=100).fit(["rain rain", "rain cat"])


def test_words_that_stand_alone():
    with pytest.raises(ValueError, match="No text has two words of the vocabulary"):
        SkipGram(**QUICK).fit(["rain", "snow", "wind"])
    with pytest.raises(ValueError, match="a single word, 'rain'"):
        SkipGram(**QUICK).fit(["rain rain rain", "rain rain"])


@each
def test_rows_set_aside(model, lines):
    model = clone(model).set_params(early_stopping=True, max_epochs=30).fit(lines)
    assert np.isfinite(model.validation_scores_).all()
    first = model.loss_curve_[0]
    assert 0.3 * first < -model.validation_scores_[0] < 3 * first  # a mean of the same kind
    fitted = clone(model).fit(lines[:40], X_val=lines[40:])
    assert len(fitted.validation_scores_) == fitted.n_iter_


@each
def test_warm_start(model, lines):
    model = clone(model).set_params(warm_start=True).fit(lines)
    vectors = model.transform(lines)
    assert model.fit(lines).n_iter_ == 6
    assert not np.allclose(model.transform(lines), vectors)


@each
def test_in_a_pipeline_and_a_search(model, lines):
    y = np.arange(60) // 10 % 2
    pipeline = make_pipeline(clone(model).set_params(max_epochs=5), LogisticRegression(C=100))
    name = pipeline.steps[0][0]
    search = GridSearchCV(pipeline, {f"{name}__n_components": [2, 8]}, cv=2)
    assert search.fit(lines, y).best_score_ > 0.6
    alone = GridSearchCV(clone(model), {"n_components": [2, 8]}, cv=2).fit(lines)
    assert (alone.cv_results_["mean_test_score"] > 0.02).all()


@pytest.mark.slow
@each
def test_searches_in_processes(model, lines):
    search = GridSearchCV(clone(model), {"n_components": [2, 8]}, cv=2, n_jobs=2).fit(lines)
    alone = GridSearchCV(clone(model), {"n_components": [2, 8]}, cv=2).fit(lines)
    assert_allclose(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


@each
def test_progress(model, lines, capfd):
    clone(model).set_params(verbose=1).fit(lines)
    assert "words/s" in capfd.readouterr().err


@each
def test_arrays_that_were_handed_out_stay_what_they_were(model, lines):
    model = clone(model).fit(lines)
    words = model.word_vectors_
    before = words.copy()
    model.partial_fit(lines)
    assert_array_equal(words, before)
    assert not np.allclose(model.word_vectors_, before)


@each
def test_columns_are_those_of_fit(model, lines):
    model = clone(model).fit(lines).set_params(n_components=5).set_output(transform="pandas")
    assert model.transform(lines).shape == (60, 8) == (60, len(model.get_feature_names_out()))
    for again in (model.partial_fit, clone(model).set_params(warm_start=True).fit(lines).fit):
        with pytest.raises(ValueError, match="n_components was"):
            again.__self__.set_params(n_components=7)
            again(lines)
    assert model.transform(lines).shape == (60, 8)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"tokenizer": lambda text: [len(word) for word in text.split()]}, "Row 0 .* one of which"),
        ({"tokenizer": lambda text: map(iter, text.split())}, "no string"),
        ({"analyzer": lambda text: None}, "returned None of row 0"),
        ({"analyzer": lambda text: iter(text.split())}, ""),
    ],
)
def test_what_a_tokenizer_returns(params, message, lines):
    model = SkipGram(8, **params, **QUICK)
    if message == "":
        assert model.fit(lines).similarity("rain", "rain") == pytest.approx(1)
        return
    with pytest.raises(ValueError, match=message):
        model.fit(lines)


def test_tokens_of_a_column_of_lists(lines):
    tokens = [line.split() for line in lines]
    expected = SkipGram(8, **QUICK).fit_transform(tokens)
    for given in (pl.Series(tokens), pd.Series(tokens), [np.array(one) for one in tokens]):
        assert_array_equal(SkipGram(8, **QUICK).fit_transform(given), expected)


def test_texts_to_check_on_have_to_be_known(lines):
    with pytest.raises(ValueError, match="In X_val: No text has two words"):
        SkipGram(8, **QUICK).fit(lines, X_val=["xyz abc"])
    with pytest.raises(ValueError, match="In X_val: No sentence has another one"):
        SkipThought(8, **QUICK).fit(lines, X_val=["xyz abc"] * 3)
    stopping = SkipGram(8, early_stopping=True, **QUICK)
    with pytest.raises(ValueError, match="In the rows set aside by validation_fraction"):
        for seed in range(20):  # in one of which both texts with words are left to train on
            stopping.set_params(random_state=seed).fit([*lines[:2], *[""] * 20])


def test_a_pass_of_nothing_is_told():
    with pytest.warns(UserWarning, match=r"subsample=1e-30 leaves .* of 20 words"):
        SkipGram(8, subsample=1e-30, **QUICK).fit(["rain fell"] * 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SkipGram(8, subsample=0, **QUICK).fit(["rain fell"])


def test_a_later_chunk_has_the_words_of_the_first(lines):
    model = SkipGram(8, **QUICK).fit(lines)
    words = model.vocabulary_
    model.partial_fit(["the comet fell"] * 20)
    assert model.vocabulary_ == words and "comet" not in words


# Vectors of words


def test_the_vocabulary_goes_by_frequency():
    tokens = [["b", "c", "c"], ["a", "c", "b", "d"], ["a"]]
    few = {**QUICK, "subsample": 0}
    model = SkipGram(4, **few).fit(tokens)
    assert list(model.vocabulary_) == ["c", "a", "b", "d"]
    assert list(SkipGram(4, max_features=2, **few).fit(tokens).vocabulary_) == ["c", "a"]
    fewer = SkipGram(4, **{**few, "min_count": 2}).fit(tokens)
    assert fewer.vocabulary_ == {"c": 0, "a": 1, "b": 2}
    assert_allclose(fewer.transform([["b", "d"]])[0], fewer.word_vectors_[2], rtol=1e-6)


def test_loss_and_gradient_are_those_of_the_formula():
    generator = torch.Generator().manual_seed(0)
    scores = (5 * torch.randn(3, 4, 9, generator=generator)).double().requires_grad_()
    is_near = torch.rand(3, 4, 6, generator=generator) < 0.4
    expected, n_pairs = 0, 0
    for block, word, other in is_near.nonzero().tolist():
        noise = functional.logsigmoid(-scores[block, word, 6:])
        expected -= functional.logsigmoid(scores[block, word, other]) + 5 * noise.mean()
        n_pairs += 1
    expected = expected / n_pairs
    (gradient,) = torch.autograd.grad(expected, scores)
    loss, written = pair_loss(scores.detach(), is_near, 5)
    assert_allclose(loss, expected.detach(), rtol=1e-6)
    assert_allclose(written, gradient, atol=1e-8)


def test_sparse_gradients_are_those_of_dense_tables(lines):
    model = SkipGram(8, **QUICK).fit(lines)
    words = model.net_.module_["words"]
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randint(len(words.vectors), (2, 7), generator=generator)
    noise = torch.randint(len(words.vectors), (2, 5), generator=generator)
    is_near = torch.rand(2, 3, 7, generator=generator) < 0.5
    words.loss(numbers, is_near, noise, 5).backward()
    tables = [table.detach().clone().requires_grad_() for table in (words.vectors, words.contexts)]
    others = torch.cat([numbers, noise], dim=1)
    scores = tables[0][numbers[:, 2:5]] @ tables[1][others].mT
    near = is_near.float()
    loss = -(functional.logsigmoid(scores[..., :7]) * near).sum()
    loss -= (functional.logsigmoid(-scores[..., 7:]) * near.sum(2, keepdim=True)).sum()  # 5 of 5
    gradients = torch.autograd.grad(loss / near.sum(), tables)
    assert words.table.grad.is_sparse
    assert_allclose(words.table.grad.to_dense(), torch.cat(gradients), atol=1e-6)


def test_row_adagrad():
    table = torch.nn.Parameter(torch.ones(4, 2))
    optimizer = RowAdagrad([table], lr=0.5)
    values, total = torch.tensor([[3.0, 1.0], [1.0, 1.0], [0.0, 2.0]]), 0
    for _ in range(2):
        table.grad = torch.sparse_coo_tensor([[2, 0, 2]], values, (4, 2), check_invariants=True)
        before = table.detach().clone()
        optimizer.step()
        total = total + torch.tensor([[1.0], [(9 + 9) / 2]])  # rows 0 and 2, mean squares
        sums = torch.tensor([[1.0, 1.0], [3.0, 3.0]])
        assert_allclose(table.detach()[[0, 2]], before[[0, 2]] - 0.5 * sums / total.sqrt())
        assert_array_equal(table.detach()[[1, 3]], before[[1, 3]])


def test_every_pair_in_the_window_is_seen_and_no_other():
    ragged = [[0, 1, 2, 3, 4, 5, 6], [7, 8], [9], list(range(10, 60))]
    windows = Windows(column(ragged), 12, 3, torch.ones(60))
    expected = {
        (a, b) for text in ragged for i, a in enumerate(text) for b in text[max(0, i - 3) : i + 4]
    }
    seen = []
    batches = list(windows.epoch(torch.Generator().manual_seed(0)))
    assert len(batches) == windows.n_batches == 5
    for batch in batches:
        words, of_text, n = batch["words"], batch["texts"], windows.length
        distance = (torch.arange(n + 6) - 3 - torch.arange(n)[:, None]).abs()
        near = (distance <= 3) & (of_text[:, None] == of_text[:, 3 : n + 3, None])
        near &= of_text[:, 3 : n + 3, None] >= 0
        for block, word, other in near.nonzero().tolist():
            seen.append((int(words[block, word + 3]), int(words[block, other])))
    assert len(seen) == len(set(seen)) and set(seen) == expected


def test_frequent_words_are_thinned_out():
    windows = Windows(column([[0] * 5000 + [1] * 5000]), 1000, 2, torch.tensor([0.1, 1.0]))
    words = torch.cat(
        [batch["words"][:, 2:-2].flatten() for batch in windows.epoch(torch.Generator())]
    )
    of_text = torch.cat(
        [batch["texts"][:, 2:-2].flatten() for batch in windows.epoch(torch.Generator())]
    )
    counts = torch.bincount(words[of_text[: len(words)] >= 0])
    assert 400 < counts[0] < 600 and counts[1] > 4950


def test_long_documents_are_learned_to_their_end():
    tokens = ["near", "start"] * 50_000 + ["far", "end"] * 50_000
    model = SkipGram(8, max_epochs=1, random_state=0, subsample=0).fit([tokens])
    assert model.input_.counts.sum() == 200_000
    scores = model.word_vectors_ @ model.context_vectors_.T
    words = model.vocabulary_
    for a, b, c in (("far", "end", "near"), ("near", "start", "far")):
        assert scores[words[a], words[b]] > scores[words[a], words[c]] + 1


@pytest.fixture(scope="module")
def world():
    return SkipGram(16, random_state=0).fit(texts(2000))


def test_words_of_one_world_are_near(world):
    for word, others in (("rain", {"cloud", "wind", "snow"}), ("cat", {"dog", "horse", "bird"})):
        assert others <= {other for other, _ in world.most_similar(word, n=12)}
    assert world.similarity("rain", "snow") > world.similarity("rain", "dog") + 0.2
    nearest, cosine = world.most_similar("rain", n=1)[0]
    assert cosine == pytest.approx(world.similarity("rain", nearest))
    assert len(world.analogy("rain", "hills", "cat", n=4)) == 4
    assert {"rain", "hills", "cat"}.isdisjoint(dict(world.analogy("rain", "hills", "cat")))


def test_neighbors_of_other_texts_are_told_from_noise(world):
    rest = texts(2200)[2000:]
    assert world.score(rest) > 1.5 * 0.052  # of 30 words, the 99 drawn are often the true one
    assert world.score([["rain", "dog", "snow", "horse"]] * 20) < 0.7 * world.score(rest)


def test_unknown_words_have_names(world):
    with pytest.raises(ValueError, match=r"'rainn' is not in the vocabulary.*'rain'"):
        world.most_similar("rainn")
    with pytest.raises(ValueError, match="occur at least min_count=5 times in the texts of fit"):
        world.similarity("rain", "xyzzy")
    with pytest.raises(ValueError, match=r"'Rain' is not in the .*Did you mean 'rain'"):
        world.most_similar("Rain")
    with pytest.raises(ValueError, match="are the max_features=5 most frequent ones"):
        SkipGram(8, max_features=5, **QUICK).fit(texts(60)).most_similar("snow")
    for several in (["rain", "snow"], None):
        with pytest.raises(ValueError, match="Ask for one at a time"):
            world.most_similar(several)
    with pytest.raises(NotFittedError):
        SkipGram().most_similar("rain")


def test_word2vec_format(world, tmp_path):
    world.to_word2vec(tmp_path / "vectors.txt")
    loaded = SkipGram.from_word2vec(tmp_path / "vectors.txt", lowercase=False)
    assert loaded.vocabulary_ == world.vocabulary_
    assert_array_equal(loaded.word_vectors_, world.word_vectors_)
    assert_array_equal(loaded.transform(texts(5)), world.transform(texts(5)))
    assert loaded.most_similar("rain") == world.most_similar("rain")
    pickle.loads(pickle.dumps(loaded)).transform(texts(5))
    for refused in (loaded.partial_fit, loaded.score):
        with pytest.raises(ValueError, match="read from a file"):
            refused(texts(5))
    with pytest.raises(ValueError, match="whose words stand in the file"):
        loaded.most_similar("xyzzy")
    assert loaded.fit(texts(20)).score(texts(20)) > 0  # which starts anew
    assert SkipGram.from_word2vec(tmp_path / "vectors.txt", n_components=3).n_components == 16
    spaces = SkipGram(4, subsample=0, **QUICK).fit([["New York", "is", "far"]] * 3)
    surrogate = SkipGram(4, subsample=0, **QUICK).fit([["\ud800", "is", "far"]] * 3)
    for model, message in ((spaces, "'New York' is empty or holds"), (surrogate, "as UTF-8")):
        with pytest.raises(ValueError, match=message):
            model.to_word2vec(tmp_path / "vectors.txt")
    SkipGram.from_word2vec(tmp_path / "vectors.txt")  # which is as it was


def test_reading_vectors_moves_nobodys_generator(world, tmp_path):
    world.to_word2vec(tmp_path / "vectors.txt")
    before = torch.get_rng_state()
    SkipGram.from_word2vec(tmp_path / "vectors.txt")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"2 3\na 1 2 3\nb 1 2\n", r"Line 3 of .*: it has 2 numbers"),
        (b"2 3\nNew York 1 2 3\nb 1 2 3\n", r"Line 2 of .*: it has 4 numbers"),
        (b"2 2\na 1 2\nb x 2\n", r"Line 3 of .*: could not convert string to float: 'x'"),
        (b"2 2\na 1 2\nb nan 2\n", r"Line 3 of .* not finite"),
        (b"2 2\na 1 2\nb 1e300 2\n", r"Line 3 of .* not finite"),
        (b"3 2\na 1 2\nb 1 2\na 3 4\n", r"Line 4 of .*: 'a' is in line 2, too"),
        (b"3 2\na 1 2\nb 1 2\n", "fewer words than its first line says, 3"),
        (b"1 2\na 1 2\nb 1 2\n", "more words than its first line says, 1"),
        (b"a 1 2 3\n", "first line"),
        (b"-3 2\na 1 2\n", "first line"),
        (b"0 2\n", "first line"),
        (b"1 2\na \x00\x00\x80\xbf\x00\x00\x00\x40\n", "binary=True"),
    ],
)
def test_what_is_not_in_the_format(content, message, tmp_path):
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        SkipGram.from_word2vec(tmp_path / "bad.txt")


def test_means_and_sif(world):
    vectors, words = world.word_vectors_, world.vocabulary_
    expected = (2 * vectors[words["rain"]] + vectors[words["fell"]]) / 3
    assert_allclose(world.transform(["rain xyzzy rain fell"])[0], expected, rtol=1e-5, atol=1e-6)
    sif = SkipGram(16, random_state=0, weighting="sif").fit(texts(2000))
    shares = sif.input_.counts / sif.input_.counts.sum()
    weights = 1e-3 / (1e-3 + shares[[words["rain"], words["fell"]]])
    weighted = weights @ vectors[[words["rain"], words["fell"]]] / 2
    common = sif.common_component_
    expected = weighted - (weighted @ common) * common
    assert_allclose(sif.transform(["rain fell"])[0], expected, rtol=1e-4, atol=1e-6)
    assert_allclose(sif.transform(texts(50)) @ common, 0, atol=1e-6)
    with pytest.raises(ValueError, match="Fit again"):
        clone(world).fit(texts(50)).set_params(weighting="sif").transform(texts(5))


def test_a_window_wider_than_texts(lines):
    for window in (1000, 10**9):  # the whole text, as of baskets
        wide = SkipGram(8, window=window, **QUICK).fit(lines)
        assert np.isfinite(wide.word_vectors_).all() and wide.score(lines) > 0.03
    alone = SkipGram(8, window=10**6, **QUICK).fit(["rain fell"] * 60)
    assert np.isfinite(alone.word_vectors_).all()


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # torch's Adagrad
def test_other_optimizers_take_sparse_gradients(lines):
    for optimizer in (torch.optim.SparseAdam, torch.optim.Adagrad, torch.optim.SGD):
        model = SkipGram(8, optimizer=optimizer, lr=0.1, **QUICK).set_params(max_epochs=20)
        curve = model.fit(lines).loss_curve_
        assert curve[-1] < curve[0]
    SkipGram(8, weight_decay=0.1, **QUICK).fit(lines)


# Vectors of sentences


def test_groups_are_never_crossed():
    sentences = column([[number] for number in range(8)])
    groups = torch.tensor([1, 0, 1, 0, 0, 2, 1, 1])  # in order: 1 3 4, 0 2 6 7, 5
    seen = {}
    spoken = torch.ones(8, dtype=torch.bool)
    both = Neighbors(sentences, groups, 3, False, spoken)
    for batch in both.epoch(torch.Generator().manual_seed(0)):
        lengths, words = batch["sentence"]
        sides = []
        for name in ("before", "after"):
            there, others = batch[name]
            others = iter(others.tolist())
            sides.append([next(others) if length else None for length in there.tolist()])
        seen |= dict(zip(words.tolist(), zip(*sides, strict=True), strict=True))
        assert len(lengths) == len(batch["place"])
    assert seen == {
        1: (None, 3),
        3: (1, 4),
        4: (3, None),
        0: (None, 2),
        2: (0, 6),
        6: (2, 7),
        7: (6, None),
    }
    pairs = Neighbors(sentences, groups, 8, True, spoken)
    (batch,) = pairs.epoch()
    assert len(pairs) == 5
    assert dict(zip(batch["sentence"][1].tolist(), batch["after"][1].tolist(), strict=True)) == {
        1: 3,
        3: 4,
        0: 2,
        2: 6,
        6: 7,
    }


def test_groups_of_names_or_numbers(lines):
    groups = np.repeat(["one", "two", "three"], 20)
    first = SkipThought(8, **SMALL).fit(lines, groups=groups)
    second = SkipThought(8, **SMALL).fit(lines, groups=pd.Series(np.repeat([2, 3, 1], 20)))
    alone = SkipThought(8, **SMALL).fit(lines)
    assert first.n_iter_ == second.n_iter_
    assert not np.allclose(first.transform(lines), alone.transform(lines))
    with pytest.raises(ValueError, match="differ in length"):
        SkipThought(8, **SMALL).fit(lines, groups=groups[:-1])
    with pytest.raises(ValueError, match="60 sentences, and there are 59 groups"):
        first.score(lines, groups=groups[:-1])
    for fit in (SkipThought(**SMALL).fit, first.partial_fit):
        with pytest.raises(ValueError, match="No sentence has another one"):
            fit(lines, groups=np.arange(60))
    with pytest.raises(ValueError, match="No sentence of X"):
        first.score(lines, groups=np.arange(60))
    with pytest.raises(ValueError, match="1 missing values, the first in row 59"):
        SkipThought(**SMALL).fit(lines, groups=[*range(59), None])
    with pytest.raises(ValueError, match="30 missing"):
        SkipThought(**SMALL).fit(lines, groups=pd.Series([pd.Timestamp(0), pd.NaT] * 30))
    with pytest.raises(ValueError, match=r"groups has to hold one value .* shape \(60, 2\)"):
        SkipThought(**SMALL).fit(lines, groups=np.zeros((60, 2)))
    # Whatever kind of value they are; and integers that single or double precision makes one.
    for kind in (
        np.repeat(pd.date_range("2020-01-01", periods=3), 20),
        pd.DataFrame({"group": groups}),
        pd.Categorical(groups),
        pd.Series([("a", name) for name in groups.tolist()]),
        np.repeat(np.int64(2**60) + np.arange(3), 20),
    ):
        same = SkipThought(8, **SMALL).fit(lines, groups=kind)
        assert_array_equal(same.transform(lines), first.transform(lines))


def test_groups_on_every_way(lines):
    """`fit_transform`, a pipeline, and a search pass them on."""
    groups, y = np.repeat([3, 1, 2], 20), np.arange(60) // 10 % 2
    expected = SkipThought(8, **SMALL).fit(lines, groups=groups).transform(lines)
    assert_array_equal(SkipThought(8, **SMALL).fit_transform(lines, groups=groups), expected)
    pipeline = make_pipeline(SkipThought(8, **SMALL), LogisticRegression())
    pipeline.fit(lines, y, skipthought__groups=groups)
    assert_array_equal(pipeline[0].transform(lines), expected)
    with config_context(enable_metadata_routing=True):
        model = SkipThought(8, **SMALL).set_fit_request(groups=True).set_score_request(groups=True)
        search = GridSearchCV(model, {"n_components": [4, 8]}, cv=GroupKFold(3))
        assert (search.fit(lines, groups=groups).cv_results_["mean_test_score"] > 0.02).all()


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"encoder": "gru", "lr": 0.01, "max_epochs": 10},
        {"objective": "decode", "lr": 0.01, "max_epochs": 5},
    ],
    ids=str,
)
def test_what_comes_next_is_learned(params):
    """Weather follows weather: of ten lines and their next, nine are of one world."""
    story = texts(1200)
    model = SkipThought(16, random_state=0, **params).fit(story[:1000])
    assert model.score(story[1000:]) > 1.4 * 0.052
    vectors = model.transform(story[1000:])
    worlds = np.arange(200) // 10 % 2
    assert (
        LogisticRegression().fit(vectors[:100], worlds[:100]).score(vectors[100:], worlds[100:])
        > 0.9
    )


def test_decoders_say_sentences_of_the_world():
    story = texts(1000)
    model = SkipThought(
        32, objective="decode", encoder="gru", lr=0.01, batch_size=64, max_epochs=15, random_state=0
    ).fit(story)
    said = model.generate_next(story[:20])
    words = {"rain", "cloud", "wind", "snow"}, {"cat", "dog", "horse", "bird"}
    right = [
        bool(set(sentence.split()) & words[world])
        for sentence, world in zip(said, np.arange(20) // 10 % 2, strict=True)
    ]
    assert sum(right) > 14
    assert {word for sentence in said for word in sentence.split()} <= set(model.vocabulary_)
    drawn = model.generate_next(story[:20], temperature=1.0, random_state=0)
    assert drawn == model.generate_next(story[:20], temperature=1.0, random_state=0)
    assert len(set(drawn)) > len(set(said))
    assert all(len(one.split()) <= 2 for one in model.generate_next(story[:5], max_length=2))
    for wrong in (-1, np.nan, np.inf, "hot"):
        with pytest.raises(ValueError, match="temperature"):
            model.generate_next(story[:5], temperature=wrong)
    assert model.generate_next(story[:5], temperature=1e-40) == said[:5]


def test_one_sentence_a_batch(lines):
    model = SkipThought(8, batch_size=1, objective="decode", **SMALL).set_params(max_epochs=1)
    assert np.isfinite(model.fit(lines[:5]).transform(lines[:5])).all()
    model.set_params(objective="classify")
    with pytest.raises(ValueError, match="of batch_size=1 there are none"):
        model.fit(lines)
    with pytest.raises(ValueError, match="of a single pair of neighbors there are none"):
        SkipThought(8, **SMALL).fit(lines[:2])
    with pytest.raises(ValueError, match="word_dropout"):
        SkipThought(word_dropout=1.0).fit(lines)


def test_a_sentence_is_not_looked_for_among_its_next():
    """Of ten sentences in pairs, each one's next is the nearest of the others, or is not."""
    codes = np.repeat(np.eye(5), 2, axis=0)
    assert rank_of_next(codes, np.repeat(np.arange(5), 2)) == 1
    assert rank_of_next(np.tile(codes, (30, 1)), np.repeat(np.arange(150), 2)) < 0.2
    assert rank_of_next(np.zeros((200, 3)), np.zeros(200, int)) == pytest.approx(1 / 50.5)
    order = np.random.default_rng(0).standard_normal((2000, 9))
    assert rank_of_next(order, np.zeros(2000, int)) == pytest.approx(0.052, abs=0.01)


def test_only_decoders_generate(lines):
    model = SkipThought(8, **SMALL).fit(lines)
    assert not hasattr(model, "generate_next") and not hasattr(model, "inverse_transform")
    with pytest.raises(AttributeError, match="generate_next") as raised:
        model.generate_next(lines)
    assert 'needs objective="decode"' in str(raised.value.__cause__)


def test_noise_stands_for_the_whole_vocabulary():
    torch.manual_seed(0)
    decoder = SentenceDecoder(300, 8, 4, "gru", torch.arange(1.0, 303), None)
    codes, lengths = torch.randn(20, 8), torch.randint(0, 9, (20,))
    words = torch.randint(301, (int(lengths.sum()),))
    with torch.no_grad():
        exact = decoder.losses(codes, lengths, words, None)
        assert len(exact) == lengths.sum() + (lengths > 0).sum()  # ends are said, too
        decoder.n_noise = 20_000
        assert_allclose(decoder.losses(codes, lengths, words, None), exact, atol=0.05)
        assert len(decoder.losses(codes, lengths, words, 3)) == (
            lengths.clamp(max=3).sum() + (lengths > 0).sum()
        )


def test_an_untrained_decoder_knows_frequent_words():
    torch.manual_seed(0)
    noise = torch.arange(1.0, 303) ** 3
    decoder = SentenceDecoder(300, 8, 4, "gru", noise, None)
    words = torch.multinomial(noise[:301], 2000, replacement=True)
    with torch.no_grad():
        loss = decoder.losses(torch.randn(200, 8), torch.full((200,), 10), words, None).mean()
    assert loss < np.log(302) - 0.4


def test_long_sentences_are_cut_with_a_warning(lines):
    lines = [*lines, "rain fell " * 40, "the cat " * 100]
    model = SkipThought(8, encoder="gru", **SMALL)
    with pytest.warns(UserWarning, match="2 of 62 sentences have more than max_length=50 words"):
        model.fit(lines)
    with pytest.warns(UserWarning, match="1 of 1 sentences"):
        cut = model.transform(["rain fell " * 40])
    assert_allclose(cut, model.transform(["rain fell " * 25]), rtol=1e-5)


def test_a_bag_has_no_last_word(lines):
    with pytest.raises(ValueError, match="a bag has no order"):
        SkipThought(pooling="last", **SMALL).fit(lines)


def test_unknown_words_by_a_linear_map(lines):
    words = SkipGram(4, **QUICK).fit([*texts(500), "the comet fell at night", "a comet came"] * 3)
    for params in ({}, {"objective": "decode", "encoder": "gru"}):
        model = SkipThought(8, **SMALL, **params).fit(lines)
        before = model.transform(lines)
        n_known = len(model.vocabulary_)
        expanded = pickle.loads(pickle.dumps(model)).expand_vocabulary(words)
        assert_allclose(expanded.transform(lines), before, rtol=1e-6)
        assert list(expanded.vocabulary_)[:n_known] == list(model.vocabulary_)
        assert len(model.vocabulary_) == n_known and "comet" in expanded.vocabulary_
        assert expanded.transform(["comet"]).any()
        # The map takes the known vectors to the known ones as well as a linear map can.
        shared = [word for word in model.vocabulary_ if word in words.vocabulary_]
        theirs = words.word_vectors_[[words.vocabulary_[word] for word in shared]]
        ours = model.word_vectors_[[model.vocabulary_[word] for word in shared]]
        mapped = words.word_vectors_[words.vocabulary_["comet"]]
        mapped = mapped @ np.linalg.lstsq(theirs, ours, rcond=None)[0]
        found = expanded.word_vectors_[expanded.vocabulary_["comet"]]
        assert_allclose(found, mapped, rtol=1e-3, atol=1e-4)
        expanded.partial_fit([*lines, "the comet fell"])  # which decoders say as an unknown word
        assert np.isfinite(expanded.transform(["a comet"])).all()
    with pytest.raises(TypeError, match="takes a fitted SkipGram, got a dict"):
        model.expand_vocabulary({"comet": [1, 2]})
    with pytest.raises(ValueError, match="words are in both vocabularies"):
        SkipThought(8, **SMALL).fit(lines).expand_vocabulary(
            SkipGram(40, subsample=0, **QUICK).fit([["other", "words"]] * 9)
        )


def test_empty_sentences_part_their_neighbors():
    sentences = column([[0], [1], [], [2], [3]])
    (batch,) = Neighbors(sentences, None, 8, True, sentences.n_words > 0).epoch()
    assert batch["sentence"][1].tolist() == [0, 2] and batch["after"][1].tolist() == [1, 3]
