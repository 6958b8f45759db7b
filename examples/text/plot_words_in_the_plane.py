"""
==================
Words in the plane
==================

Which words mean something alike can be read off the words around them. This example learns vectors
of words from the reference of the Python language, which comes with Python itself: 65,000 words, of
which some, such as "yield" or "raise", mean something else there than in a novel.
"""

import re
from pydoc_data.topics import topics

from skgen import SkipGram

paragraphs = [paragraph for topic in topics.values() for paragraph in re.split(r"\n\s*\n", topic)]
cut = r"(?u)\b[^\W\d]\w+"  # words, and names such as __new__, but no numbers
model = SkipGram(50, token_pattern=cut, max_epochs=20, random_state=0).fit(paragraphs)
print(f"{len(model.vocabulary_)} words, {model.input_.counts.sum():,} in all")

# %%
# The nearest words, by the angle between vectors.

words = ["list", "raises", "float", "yield", "metaclass", "newline"]
for word in words:
    print(f"{word:>10}:", ", ".join(other for other, _ in model.most_similar(word, n=6)))

# %%
# A word and its nearest are a little cloud in 50 dimensions. In the two that show most of these
# clouds, they stand apart.

import matplotlib.pyplot as plt
from sklearn.manifold import MDS
from sklearn.metrics.pairwise import cosine_distances

shown = {word: [word, *(one for one, _ in model.most_similar(word, n=6))] for word in words}
names = list(dict.fromkeys(name for cloud in shown.values() for name in cloud))
vectors = model.word_vectors_[[model.vocabulary_[name] for name in names]]
plane = MDS(2, metric="precomputed", n_init=4, init="random", random_state=0).fit_transform(
    cosine_distances(vectors)
)

figure, ax = plt.subplots(figsize=(9, 7), layout="constrained")
for number, cloud in enumerate(shown.values()):
    places = plane[[names.index(name) for name in cloud]]
    ax.scatter(*places.T, s=15, color=f"C{number}")
    for rank, (name, place) in enumerate(zip(cloud, places, strict=True)):
        weight, offset = "normal" if rank else "bold", (4, -9 if rank % 2 else 2)
        ax.annotate(
            name, place, offset, textcoords="offset points", color=f"C{number}", weight=weight
        )
ax.set_axis_off()
plt.show()
