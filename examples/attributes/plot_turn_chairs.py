"""
=================================
Turn a chair, and make it another
=================================

Of every chair there are images from some angles, and of each from others. What does a chair look
like from the angles that are missing? `ImageRegressor` learns to draw an image of its attributes:
which chair, from what azimuth. What other chairs look like from there tells it how to turn this
one.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skgen import ImageRegressor
from skgen.datasets import make_chairs
from skgen.inspection import AttributeDisplay, MorphDisplay

n_chairs = 20
data = make_chairs(n_chairs, elevations=[20], random_state=2)
X = pd.DataFrame(data.attributes).drop(columns="elevation")  # which is the same in all
images = data.images  # RGBA: the fourth channel is a mask
known = np.random.default_rng(0).random((n_chairs, 24)).argsort(axis=1) < 12  # half of the views
print(X.sample(4, random_state=0))

# %%
# An azimuth comes round after 360 degrees, and `periods` says so: 345 is near 0.

model = ImageRegressor(periods={"azimuth": 360}, max_epochs=70, random_state=0)
model.fit(X[known.ravel()], images[known.ravel()])
score = model.score(X[~known.ravel()], images[~known.ravel()])
print(f"share of the variance that is drawn, views not known: {score:.3f}")

# %%
# A blend of the two nearest views that are known shows a chair twice. The mean square errors of
# pixels from 0 to 1, over white:


def over_white(images):
    alpha = images[..., 3:] / 255
    return images[..., :3] / 255 * alpha + 1 - alpha


real = over_white(images).reshape(n_chairs, 24, -1)
drawn = over_white(model.predict(X)).reshape(real.shape)
blends = np.empty_like(real)
for views, there, blend in zip(real, known, blends, strict=True):
    places = np.flatnonzero(there)
    around = np.concatenate([places - 24, places, places + 24])
    for place in range(24):
        before, after = around[around <= place][-1], around[around >= place][0]
        share = (place - before) / max(1, after - before)
        blend[place] = (1 - share) * views[before % 24] + share * views[after % 24]
errors = {
    name: np.mean((one[~known] - real[~known]) ** 2)
    for name, one in {"blend of neighbors": blends, "drawn": drawn}.items()
}
print(pd.Series(errors).round(4).to_string())

# %%
# Two chairs turned, over the real views.

turn = np.arange(0, 360, 30)
some = X[X["chair"].isin(["chair 1", "chair 6"]) & (X["azimuth"] % 30 == 0)]
figure, ax = plt.subplots(figsize=(11, 4.2), layout="constrained")
AttributeDisplay.from_estimator(
    model,
    {"chair": ["chair 1", "chair 6"], "azimuth": 0},
    "azimuth",
    turn,
    real=images[some.index].reshape(2, 12, 32, 32, 4),
    ax=ax,
)
plt.show()

# %%
# Between the codes of two chairs lie chairs that are neither.

start = pd.DataFrame({"chair": ["chair 0", "chair 6", "chair 4"], "azimuth": 45.0})
stop = pd.DataFrame({"chair": ["chair 1", "chair 2", "chair 9"], "azimuth": 45.0})
morphs = model.interpolate(start, stop, n_steps=9)
figure, ax = plt.subplots(figsize=(10, 3), layout="constrained")
display = MorphDisplay(
    model.predict(start), model.predict(stop), morphs, image_shape=model.image_shape_
)
display.plot(ax=ax)
plt.show()
