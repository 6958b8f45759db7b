"""Texts: vectors of words and of sentences, beside what else one would take.

All arms get the same tokens, those of scikit-learn's `CountVectorizer`. Where
gensim is not installed, its rows are missing. Run::

    SKGEN_DATA=... python benchmarks/text.py speed        # against gensim with one worker and two
    SKGEN_DATA=... python benchmarks/text.py words        # SimLex, neighbors in a novel held out
    SKGEN_DATA=... python benchmarks/text.py sentiment    # of movies, ahead of two classifiers
    SKGEN_DATA=... python benchmarks/text.py sentences    # which sentence comes next
    SKGEN_DATA=... python benchmarks/text.py files        # to gensim and back
    SKGEN_DATA=... python benchmarks/text.py overhead     # an epoch over a plain torch loop
"""

import argparse
import csv
import gzip
import os
import tempfile
import time
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.linalg import svds
from scipy.stats import spearmanr
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional

from skgen import SkipGram, SkipThought
from skgen.text._ranks import rank_of_next

DATA = Path(os.environ.get("SKGEN_DATA", "data"))
WIDTH = 100
SETTINGS = {"window": 5, "min_count": 5, "max_epochs": 5}


def flat(lists):
    return list(chain.from_iterable(lists))


def opened(name):
    return gzip.open(DATA / name, "rt", encoding="utf-8", newline="")


def novels():
    """The five novels, each a list of sentences of tokens, and the number of chapter of each."""
    cut = CountVectorizer().build_analyzer()
    books, chapters, chapter = [], [], 0
    with opened("austen.txt.gz") as lines:
        for line in map(str.strip, lines):
            if line.startswith("# "):
                books.append([])
                chapters.append([])
            elif line.startswith("##"):
                chapter += 1
            elif line:
                books[-1].append(cut(line))
                chapters[-1].append(chapter)
    return books, chapters


def gensim_vectors(sentences, seed, workers=1, **settings):
    """Vectors of words, those of them as neighbors, and the vocabulary; None without gensim."""
    try:
        from gensim.models import Word2Vec
    except ImportError:
        return None
    model = Word2Vec(
        sentences,
        vector_size=WIDTH,
        window=SETTINGS["window"],
        min_count=settings.get("min_count", SETTINGS["min_count"]),
        negative=5,
        sample=1e-3,
        sg=1,
        epochs=settings.get("epochs", SETTINGS["max_epochs"]),
        workers=workers,
        seed=seed,
    )
    return model.wv.vectors, model.syn1neg, model.wv.key_to_index


def ppmi_svd(sentences, vocabulary):
    """Singular vectors of positive pointwise mutual information, contexts smoothed by .75."""
    window, n_words = SETTINGS["window"], len(vocabulary)
    rows, columns, weights = [], [], []
    for sentence in sentences:
        numbers = np.array([vocabulary[word] for word in sentence if word in vocabulary], int)
        for distance in range(1, min(window, len(numbers) - 1) + 1):
            first, second = numbers[:-distance], numbers[distance:]
            rows += [first, second]
            columns += [second, first]
            weights.append(np.full(2 * len(first), (window + 1 - distance) / window))
    pairs = np.concatenate(rows), np.concatenate(columns)
    counts = sp.csr_matrix((np.concatenate(weights), pairs), shape=(n_words, n_words))
    of_words = np.asarray(counts.sum(axis=1)).ravel() / counts.sum()
    of_contexts = np.asarray(counts.sum(axis=0)).ravel() ** 0.75
    of_contexts /= of_contexts.sum()
    counts = counts.tocoo()
    values = np.log(counts.data / counts.sum() / (of_words[counts.row] * of_contexts[counts.col]))
    kept = values > 0
    shape = (n_words, n_words)
    matrix = sp.csr_matrix((values[kept], (counts.row[kept], counts.col[kept])), shape=shape)
    left, scale, right = svds(matrix, k=WIDTH, random_state=0)
    return left * np.sqrt(scale), right.T * np.sqrt(scale)


def speed(arguments):
    """Words of the texts in a second, vocabulary included, alternated."""
    books, _ = novels()
    sentences = flat(books)
    strings = [" ".join(sentence) for sentence in sentences]
    n_words = sum(map(len, sentences)) * SETTINGS["max_epochs"]
    arms = {
        "skgen": lambda: SkipGram(WIDTH, random_state=0, **SETTINGS).fit(sentences),
        "skgen, from strings": lambda: SkipGram(WIDTH, random_state=0, **SETTINGS).fit(strings),
        "gensim, one worker": lambda: gensim_vectors(sentences, 0),
        "gensim, two workers": lambda: gensim_vectors(sentences, 0, workers=2),
    }
    times = {name: [] for name in arms}
    for _ in range(arguments.repeats):
        for name, run in arms.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    for name, taken in times.items():
        rates = [f"{n_words / one / 1e3:.0f}" for one in taken]
        print(f"{name}: {', '.join(rates)} thousand words a second", flush=True)
    ratios = np.array(times["gensim, one worker"]) / np.array(times["skgen"])
    print("gensim's time with one worker over skgen's:", ratios.round(2))


def simlex(vectors, vocabulary):
    with opened("simlex999.csv.gz") as file:
        rows = [
            (row["word1"], row["word2"], float(row["score"]))
            for row in csv.DictReader(file)
            if row["word1"] in vocabulary and row["word2"] in vocabulary
        ]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = [unit[vocabulary[a]] @ unit[vocabulary[b]] for a, b, _ in rows]
    return np.array(cosines), np.array([score for *_, score in rows])


def difference(one, other, truth, n_draws=1000):
    """The difference of two rank correlations, and its standard error over pairs drawn anew."""
    random, found = np.random.default_rng(0), []
    for _ in range(n_draws):
        some = random.integers(len(truth), size=len(truth))
        found.append(spearmanr(one[some], truth[some])[0] - spearmanr(other[some], truth[some])[0])
    return np.std(found)


def held_out(vectors, contexts, vocabulary, counts, sentences, n_pairs=20_000, n_noise=99):
    """Mean reciprocal rank of a true neighbor among noise, in sentences held out."""
    random, pairs = np.random.default_rng(0), []
    for sentence in sentences:
        numbers = [vocabulary[word] for word in sentence if word in vocabulary]
        for place, word in enumerate(numbers):
            around = numbers[max(0, place - 5) : place] + numbers[place + 1 : place + 6]
            pairs += [(word, other) for other in around]
    pairs = np.array(pairs)[random.permutation(len(pairs))[:n_pairs]]
    share = np.array([counts[word] for word in vocabulary], float) ** 0.75
    noise = random.choice(len(share), (len(pairs), n_noise), p=share / share.sum())
    candidates = np.column_stack([pairs[:, 1], noise])
    scores = np.einsum("nd,nkd->nk", vectors[pairs[:, 0]], contexts[candidates])
    above = (scores[:, 1:] > scores[:, :1]).sum(axis=1)
    beside = (scores[:, 1:] == scores[:, :1]).sum(axis=1)
    return (1 / (1 + above + beside / 2)).mean()


def words(arguments):
    """SimLex, and neighbors in a novel that was held out."""
    books, _ = novels()
    last = 3 if arguments.validation else 4
    sentences, test = flat(books[:last]), books[last]
    counts = Counter(word for sentence in sentences for word in sentence)
    found = {}
    for seed in range(arguments.seeds):
        model = SkipGram(WIDTH, random_state=seed, **SETTINGS).fit(sentences)
        vocabulary = model.vocabulary_
        arms = {"skgen": (model.word_vectors_, model.context_vectors_, vocabulary)}
        default = SkipGram(WIDTH, random_state=seed).fit(sentences)
        arms["skgen, defaults"] = (default.word_vectors_, default.context_vectors_, vocabulary)
        if theirs := gensim_vectors(sentences, seed):
            arms["gensim"] = theirs
        if not seed:
            arms["PPMI + SVD"] = (*ppmi_svd(sentences, vocabulary), vocabulary)
        cosines = {}
        for name, (vectors, contexts, order) in arms.items():
            cosines[name], truth = simlex(vectors, order)
            rank = held_out(vectors, contexts, order, counts, test)
            found.setdefault(name, []).append((spearmanr(cosines[name], truth)[0], rank))
        for name in set(arms) - {"skgen"}:
            error = difference(cosines["skgen"], cosines[name], truth)
            print(f"seed {seed}: standard error of SimLex against {name} {error:.3f}")
    print(f"{len(truth)} pairs of SimLex")
    for name, values in found.items():
        mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
        print(
            f"{name}: SimLex {mean[0]:.3f} +- {spread[0]:.3f}, "
            f"held-out neighbors {mean[1]:.4f} +- {spread[1]:.4f}"
        )


def of_tokens(tokens):
    return tokens


def mean_vectors(sentences, vectors, vocabulary):
    made = np.zeros((len(sentences), vectors.shape[1]))
    for row, sentence in enumerate(sentences):
        numbers = [vocabulary[word] for word in sentence if word in vocabulary]
        if numbers:
            made[row] = vectors[numbers].mean(axis=0)
    return made


def sentiment(arguments):
    """Accuracy of the sign of a movie review's score, on a quarter of the sentences."""
    from xgboost import XGBClassifier

    cut = CountVectorizer().build_analyzer()
    with opened("sentiment.csv.gz") as file:
        rows = [row for row in csv.DictReader(file) if row["domain"] == "movie"]
    texts, y = [cut(row["text"]) for row in rows], np.array([float(r["score"]) > 0 for r in rows])
    found = {}
    for seed in range(arguments.seeds):
        train, test, y_train, y_test = train_test_split(
            texts, y, test_size=0.25, random_state=seed, stratify=y
        )
        tfidf = TfidfVectorizer(analyzer=of_tokens, min_df=2).fit(train)
        svd = make_pipeline(tfidf, TruncatedSVD(WIDTH, random_state=seed)).fit(train)
        arms = {"tf-idf": tfidf.transform, f"SVD-{WIDTH} of tf-idf": svd.transform}
        for weighting in ("mean", "sif"):
            model = SkipGram(WIDTH, random_state=seed, weighting=weighting, min_count=2)
            arms[f"skgen, {weighting}"] = model.fit(train).transform
        thought = SkipThought(WIDTH, random_state=seed, min_count=2).fit(train)
        arms["skgen, SkipThought"] = thought.transform
        epochs = model.n_iter_
        if theirs := gensim_vectors(train, seed, epochs=epochs, min_count=2):
            vectors, _, vocabulary = theirs
            arms["gensim, mean"] = lambda some, v=vectors, o=vocabulary: mean_vectors(some, v, o)
        columns = {name: (made(train), made(test)) for name, made in arms.items()}
        both = [sp.hstack([columns["tf-idf"][n], columns["skgen, mean"][n]]) for n in (0, 1)]
        columns["tf-idf and skgen, mean"] = both
        for name, (of_train, of_test) in columns.items():
            linear = LogisticRegressionCV(Cs=np.logspace(-2, 2, 5), cv=3, max_iter=300)
            scaler = StandardScaler(with_mean=False)
            linear = linear if "tf-idf" in name[:6] else make_pipeline(scaler, linear)
            linear.fit(of_train, y_train)
            booster = XGBClassifier(n_estimators=150, max_depth=4, learning_rate=0.1, n_jobs=1)
            booster.fit(sp.csr_matrix(of_train), y_train)
            scores = linear.score(of_test, y_test), booster.score(sp.csr_matrix(of_test), y_test)
            found.setdefault(name, []).append(scores)
            print(seed, name, np.round(scores, 4), flush=True)
    for name, values in found.items():
        mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
        print(
            f"{name}: LR {mean[0]:.4f} +- {spread[0]:.4f}, XGBoost {mean[1]:.4f} +- {spread[1]:.4f}"
        )


def sentences(arguments):
    """Which of 100 sentences of a novel held out comes next."""
    books, chapters = novels()
    last = 3 if arguments.validation else 4
    train, test = flat(books[:last]), books[last]
    groups, one = np.array(flat(chapters[:last])), np.zeros(len(test), int)
    tfidf = TfidfVectorizer(analyzer=of_tokens).fit(train)
    svd = make_pipeline(tfidf, TruncatedSVD(300, random_state=0)).fit(train)
    print(f"tf-idf: {rank_of_next(tfidf.transform(test).toarray(), one):.4f}")
    print(f"SVD-300 of tf-idf: {rank_of_next(svd.transform(test), one):.4f}")
    own = TfidfVectorizer(analyzer=of_tokens).fit_transform(test).toarray()
    print(f"tf-idf that was fitted to the novel itself: {rank_of_next(own, one):.4f}")
    for seed in range(arguments.seeds):
        for weighting in ("mean", "sif"):
            model = SkipGram(WIDTH, random_state=seed, weighting=weighting).fit(train)
            rank = rank_of_next(model.transform(test), one)
            print(f"seed {seed}: {weighting} of word vectors {rank:.4f}")
        if theirs := gensim_vectors(train, seed):
            rank = rank_of_next(mean_vectors(test, theirs[0], theirs[2]), one)
            print(f"seed {seed}: means of gensim's word vectors {rank:.4f}")
        for settings in arguments.settings:
            model = SkipThought(random_state=seed, **settings)
            start = time.perf_counter()
            model.fit(train, groups=groups)
            taken = time.perf_counter() - start
            print(
                f"seed {seed}: {settings} {model.score(test):.4f}, {taken:.0f} s, "
                f"{model.n_iter_} epochs, losses {model.loss_curve_[0]:.3f} to "
                f"{model.loss_curve_[-1]:.3f}",
                flush=True,
            )


def files(arguments):
    """To gensim and back in word2vec's text format."""
    from gensim.models import KeyedVectors

    books, _ = novels()
    model = SkipGram(WIDTH, max_epochs=1, random_state=0).fit(books[0])
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours.txt", Path(folder) / "theirs.txt"
        model.to_word2vec(ours)
        read = KeyedVectors.load_word2vec_format(ours)
        read.save_word2vec_format(theirs)
        back = SkipGram.from_word2vec(theirs)
    print("the same words:", read.index_to_key == list(model.vocabulary_) == list(back.vocabulary_))
    print("the largest difference there:", np.abs(read.vectors - model.word_vectors_).max())
    print("and back:", np.abs(back.word_vectors_ - model.word_vectors_).max())


class _Plain(nn.Module):
    """Skip-thought as one writes it down."""

    def __init__(self, n_words, size, width):
        super().__init__()
        self.words = nn.Embedding(n_words + 3, size)
        self.encoder = nn.GRU(size, width, batch_first=True)
        self.decoders = nn.ModuleList(
            nn.GRU(size + width, width, batch_first=True) for _ in range(2)
        )
        self.outs = nn.ModuleList(nn.Linear(width, n_words + 2) for _ in range(2))


def overhead(arguments):
    """Time of an epoch of "decode" over that of a plain loop with a softmax over all words."""
    books, _ = novels()
    lines = books[0][:768]
    settings = {"objective": "decode", "encoder": "gru", "pooling": "last", "max_epochs": 1}
    width, size = 300, 100
    model = SkipThought(width, random_state=0, word_dropout=0.0, **settings)
    vocabulary = SkipThought(random_state=0, max_epochs=1).fit(lines).vocabulary_
    n_words = len(vocabulary)
    coded = [torch.tensor([vocabulary.get(word, n_words) for word in line[:50]]) for line in lines]

    def plain():
        torch.manual_seed(0)
        net = _Plain(n_words, size, width)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
        pad, end = n_words + 2, n_words + 1
        order = torch.randperm(len(coded) - 2) + 1
        for part in order.split(256):
            some = [coded[n] for n in part.tolist()]
            x = nn.utils.rnn.pad_sequence(some, batch_first=True, padding_value=pad)
            lengths = torch.tensor([max(1, len(one)) for one in some])
            states, _ = net.encoder(net.words(x))
            codes = states[torch.arange(len(x)), lengths - 1]
            losses = []
            for decoder, out, shift in zip(net.decoders, net.outs, (-1, 1), strict=True):
                near = [coded[n] for n in (part + shift).tolist()]
                targets = [torch.cat([one, torch.tensor([end])]) for one in near]
                y = nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=-100)
                before = functional.pad(y[:, :-1], (1, 0), value=end).clamp(min=0)
                given = codes[:, None].expand(-1, y.shape[1], -1)
                said, _ = decoder(torch.cat([net.words(before), given], dim=2))
                losses.append(functional.cross_entropy(out(said).flatten(0, 1), y.flatten()))
            optimizer.zero_grad()
            sum(losses).backward()
            optimizer.step()

    for _ in range(arguments.repeats):
        taken = []
        exact = model.set_params(n_noise=None)
        for run in (plain, lambda m=exact: m.fit(lines)):
            start = time.perf_counter()
            run()
            taken.append(time.perf_counter() - start)
        sampled = model.set_params(n_noise=500)
        start = time.perf_counter()
        sampled.fit(lines)
        taken.append(time.perf_counter() - start)
        print(
            f"plain {taken[0]:.1f} s; all words {taken[1] / taken[0]:.2f} of that, "
            f"with noise {taken[2] / taken[0]:.2f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    runs = {run.__name__: run for run in (speed, words, sentiment, sentences, files, overhead)}
    parser.add_argument("what", choices=runs)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--validation", action="store_true", help="hold the fourth novel out")
    parser.add_argument("--settings", type=eval, default=[{}], help="of SkipThought, a list")
    arguments = parser.parse_args()
    runs[arguments.what](arguments)


if __name__ == "__main__":
    main()
