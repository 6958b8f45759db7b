"""
======================
Topics with few labels
======================

What are vectors that were learned without labels worth to a classifier that has few? Sentences of
the reference of the Python language, which comes with Python itself, are to be told apart by the
chapter that they are from. XGBoost gets 100, 300 or 1,000 labels; all sentences are there to learn
vectors from.
"""

import re
from pydoc_data.topics import topics

import numpy as np

sentences, chapters = [], []
for name, topic in topics.items():
    for paragraph in re.split(r"\n\s*\n", topic):
        for sentence in re.split(r"(?<=[.:])\s+(?=[A-Z])", " ".join(paragraph.split())):
            if len(sentence.split()) > 5:
                sentences.append(sentence)
                chapters.append(name)
names, counts = np.unique(chapters, return_counts=True)
largest = names[np.argsort(-counts)[:6]]
rows = np.flatnonzero(np.isin(chapters, largest))
y = np.unique(np.array(chapters)[rows], return_inverse=True)[1]
print(f"{len(sentences)} sentences, {len(rows)} of them of {', '.join(largest)}")

# %%
# Columns of equal number: the singular vectors of tf-idf, means of word vectors, and vectors of
# sentences. Beside them stands tf-idf itself, with one column for every word.

from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from skgen import SkipGram, SkipThought

tfidf = TfidfVectorizer(min_df=2)
models = {
    "tf-idf": tfidf,
    "SVD of tf-idf": make_pipeline(tfidf, TruncatedSVD(100, random_state=0)),
    "SkipGram": SkipGram(100, min_count=2, max_epochs=12, random_state=0),
    "SkipThought": SkipThought(100, min_count=2, max_epochs=12, random_state=0),
}
columns = {name: model.fit_transform(sentences)[rows] for name, model in models.items()}

# %%
from xgboost import XGBClassifier

sizes, accuracy = [100, 300, 1000], {name: [] for name in columns}
random = np.random.default_rng(0)
for size in sizes:
    orders = [random.permutation(len(rows)) for _ in range(2)]
    for name, X in columns.items():
        scores = []
        for order in orders:
            train, test = order[:size], order[size:]
            model = XGBClassifier(n_estimators=50, max_depth=3, n_jobs=1)
            scores.append(model.fit(X[train], y[train]).score(X[test], y[test]))
        accuracy[name].append(np.mean(scores))

print(f"{'labels':>14}", *(f"{size:>6}" for size in sizes))
for name, row in accuracy.items():
    print(f"{name:>14}", *(f"{one:6.3f}" for one in row))

# %%
# ``SkipThought`` knows most, since it is told more: the order of the sentences, and in a reference,
# neighbors are of one chapter. Sentences without an order, such as reviews, have no neighbors to
# learn from; there, means of word vectors are what is left, and tf-idf is hard to beat.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, row in accuracy.items():
    ax.plot(sizes, row, marker="o", label=name)
ax.set(xscale="log", xlabel="labels", ylabel="accuracy on the other sentences")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.legend()
plt.show()
