"""
========================
Add a moustache, add age
========================

Faces that have a moustache have codes that differ, on average, from those of faces without one. The
difference is a direction, and any face can be moved along it [1]_. The faces here are drawn at
random by python-avatars, so what is in them is known exactly.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skgen import ConvAutoencoder
from skgen.datasets import make_avatars
from skgen.latent import AttributeEditor

faces = make_avatars(2700, size=32, random_state=0)
train, test = faces.images[:2500], faces.images[2500:]

# %%
# The attributes are columns of a table. Of two, the drawings know nothing: they have no age and no
# sex. Gray hair stands in for age. For the "- female + male" of many a talk stand long hair and a
# beard, which is a caricature, and says more of the talk than of people.

long_hair = ["BIG_HAIR", "BOB", "BUN", "CURVY", "LONG_NOT_TOO_LONG", "MIA_WALLACE", "STRAIGHT_1"]
long_hair += ["STRAIGHT_2", "STRAIGHT_STRAND", "TWIST_LONG_HAIR", "TWIST_LONG_HAIR_2", "CURLY"]
table = pd.DataFrame(faces.attributes)
attributes = table[["moustache", "beard", "glasses", "sunglasses"]].assign(
    old=table["gray_hair"], **{"long hair": table["hair"].isin(long_hair)}
)

model = ConvAutoencoder(128, batch_size=32, max_epochs=30, random_state=0)
editor = AttributeEditor(model).fit(train, attributes[:2500])

# %%
# A strength of 1 is the average difference between faces that have an attribute and those that do
# not. The editor adds to an image what the decoder changes, so that all else stays as sharp as it
# was.

known = attributes[2500:]
bare = test[~known[["moustache", "beard", "glasses", "sunglasses"]].any(axis=1)][:10]
worn = test[known["moustache"] & known["glasses"]][:10]
edits = {
    "as drawn": (bare, {}),
    "+ moustache": (bare, {"moustache": 1}),
    "+ glasses": (bare, {"glasses": 1}),
    "+ old": (bare, {"old": 1}),
    "- long hair + beard": (bare, {"long hair": -1, "beard": 1}),
    "as drawn ": (worn, {}),
    "- moustache": (worn, {"moustache": -1}),
    "- moustache - glasses": (worn, {"moustache": -1, "glasses": -1}),
}
figure, axes = plt.subplots(len(edits), 10, figsize=(8, 7.7), layout="constrained")
for line, (name, (some, changes)) in zip(axes, edits.items(), strict=True):
    editor.set_params(keep_details=some is bare)
    edited = editor.edit(some, changes) if changes else some
    for ax in line:
        ax.set_axis_off()
    for ax, image in zip(line, edited, strict=False):
        ax.imshow(image.astype(np.uint8))
    line[0].set_title(name, loc="left", fontsize=10)
plt.show()

# %%
# What is taken away is shown as decoded, without details kept, or they would hide the change. It is
# the harder task: a direction is the same for all faces, and takes an average moustache away, which
# is dark. White ones, and white glasses, hold on. And what came along in the drawings comes along
# in the edits: gray hair goes with gray beards, so "+ old" touches chins.
#
# .. rubric:: References
#
# .. [1] A. Larsen, S. Sonderby, H. Larochelle, O. Winther, "Autoencoding beyond pixels using a
#    learned similarity metric", ICML 2016.
