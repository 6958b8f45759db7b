"""
=========================
Add a moustache, add age
=========================

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

faces = make_avatars(1500, size=48, random_state=0)
train, test = faces.images[:1300], faces.images[1300:]

# %%
# The attributes are columns of a table. Of two, the drawings know nothing: they have no age and no
# sex. Grey hair stands in for age. For the "- female + male" of many a talk stand long hair and a
# beard, which is a caricature, and says more of the talk than of people.

long_hair = ["BIG_HAIR", "BOB", "BUN", "CURVY", "LONG_NOT_TOO_LONG", "MIA_WALLACE", "STRAIGHT_1"]
long_hair += ["STRAIGHT_2", "STRAIGHT_STRAND", "TWIST_LONG_HAIR", "TWIST_LONG_HAIR_2", "CURLY"]
table = pd.DataFrame(faces.attributes)
attributes = table[["moustache", "beard", "glasses", "sunglasses"]].assign(
    old=table["gray_hair"], **{"long hair": table["hair"].isin(long_hair)}
)

model = ConvAutoencoder(
    96, channels=(32, 64, 128, 256), batch_size=32, max_epochs=25, random_state=0
)
editor = AttributeEditor(model).fit(train, attributes[:1300])

# %%
# A strength of 1 is the average difference between faces that have an attribute and those that do
# not. The editor adds to a picture what the decoder changes, so that all else stays as sharp as it
# was.

bare = test[~attributes[1300:][["moustache", "beard", "glasses", "sunglasses"]].any(axis=1)][:8]
worn = test[attributes[1300:]["moustache"] & attributes[1300:]["glasses"]][:8]
edits = {
    "as drawn": (bare, {}),
    "+ moustache": (bare, {"moustache": 1.3}),
    "+ glasses": (bare, {"glasses": 1.3}),
    "+ old": (bare, {"old": 1.3}),
    "- long hair + beard": (bare, {"long hair": -1, "beard": 1.3}),
    "as drawn ": (worn, {}),
    "- moustache": (worn, {"moustache": -1}),
    "- moustache - glasses": (worn, {"moustache": -1, "glasses": -1}),
}
figure, axes = plt.subplots(len(edits), 8, figsize=(8, 9.4), layout="constrained")
for line, (name, (some, changes)) in zip(axes, edits.items(), strict=True):
    edited = editor.edit(some, changes) if changes else some
    for ax in line:
        ax.set_axis_off()
    for ax, picture in zip(line, edited, strict=False):
        ax.imshow(picture.astype(np.uint8))
    line[0].set_title(name, loc="left", fontsize=10)
plt.show()

# %%
# .. rubric:: References
#
# .. [1] A. Larsen, S. Sonderby, H. Larochelle, O. Winther, "Autoencoding beyond pixels using a
#    learned similarity metric", ICML 2016.
