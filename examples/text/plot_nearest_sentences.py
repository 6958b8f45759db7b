"""
===========================
Sentences and their nearest
===========================

A sentence is like another if they would stand beside the same ones. This example learns vectors of
sentences from the reference of the Python language, which comes with Python itself, and looks for
the sentences that are nearest to some. None of them is told what it is about.
"""

import re
from pydoc_data.topics import topics

from skgen import SkipThought

sentences, groups = [], []
for number, topic in enumerate(topics.values()):
    for paragraph in re.split(r"\n\s*\n", topic):
        for sentence in re.split(r"(?<=[.:])\s+(?=[A-Z])", " ".join(paragraph.split())):
            if len(sentence.split()) > 5:
                sentences.append(sentence)
                groups.append(number)
print(f"{len(sentences)} sentences")

# %%
# Sentences of different topics are no neighbors, so the topics are groups. A fifth of the topics is
# held out, to see whether the true next sentence is found among 99 others there.

import numpy as np

sentences, groups = np.array(sentences), np.array(groups)
held_out = groups % 5 == 4
model = SkipThought(100, min_count=2, max_epochs=15, random_state=0)
model.fit(sentences[~held_out], groups=groups[~held_out])
score = model.score(sentences[held_out], groups=groups[held_out])
print(f"mean reciprocal rank of the next sentence among 100: {score:.2f}, chance is .05")
vectors = model.transform(sentences)

# %%
# Three sentences, and the three nearest to each that are of other topics.

directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
for start in ("raise", "string", "generator"):
    row = next(n for n, one in enumerate(sentences) if start in one.split() and len(one) < 90)
    cosines = directions @ directions[row]
    order = [n for n in np.argsort(-cosines) if groups[n] != groups[row]]
    texts = list(dict.fromkeys(sentences[n] for n in order[:20] if sentences[n] != sentences[row]))
    print(sentences[row])
    for text in texts[:3]:
        print("   ", text if len(text) < 100 else text[:97] + "...")

# %%
# Of the topics that were held out, neighbors are near on average, and the farther apart two
# sentences stand, the less alike they are.

import matplotlib.pyplot as plt

topic, unseen = groups[held_out], directions[held_out]
distances = np.arange(1, 21)
alike = []
for distance in distances:
    together = topic[distance:] == topic[:-distance]
    cosines = (unseen[distance:] * unseen[:-distance]).sum(axis=1)
    alike.append(cosines[together].mean())
random = np.random.default_rng(0).permutation(len(unseen))

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(distances, alike, marker="o", label="of one topic")
ax.axhline((unseen * unseen[random]).sum(axis=1).mean(), color="gray", label="any two")
ax.set(xlabel="sentences apart", ylabel="mean cosine", xticks=[1, 5, 10, 15, 20])
ax.legend()
plt.show()
