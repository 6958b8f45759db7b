"""
============
Turn a chair
============

Of every chair there are eight images, one from every 45 degrees. What do chairs look like in
between, from where nobody took an image of any? `ImageRegressor` draws an image of its attributes:
which chair, from what azimuth and what elevation. With a camera that says what these are, it draws
a volume of each chair, and looks at that.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skgen import ImageRegressor
from skgen.cameras import Turntable
from skgen.datasets import make_chairs
from skgen.inspection import AttributeDisplay

n_chairs = 10
data = make_chairs(n_chairs, elevations=[20], random_state=2)
X = pd.DataFrame(data.attributes)
images = data.images  # RGBA: the fourth channel is a mask
known = (X["azimuth"] % 45 == 0).to_numpy()  # 8 of 24 views
print(X[known].sample(4, random_state=0))

# %%
# How far away the camera is, and which way chairs turn, is found. The default number of epochs
# takes longer, and draws better.

camera = Turntable("azimuth", "elevation")
model = ImageRegressor(camera=camera, lr=4e-3, max_epochs=60, random_state=0)
model.fit(X[known], images[known])
score = model.score(X[~known], images[~known])
print(f"share of the variance that is drawn, views not known: {score:.3f}")

# %%
# A blend of the two nearest views that are known shows a chair twice. The mean square errors of
# pixels from 0 to 1, over white:


def over_white(images):
    alpha = images[..., 3:] / 255
    return images[..., :3] / 255 * alpha + 1 - alpha


real = over_white(images)
drawn = over_white(model.predict(X))
by_chair = real.reshape(n_chairs, 24, *real.shape[1:])
place = np.arange(24)
before, after = (by_chair[:, (place // 3 + by) % 8 * 3] for by in (0, 1))
share = (place % 3 / 3)[:, None, None, None]
blends = ((1 - share) * before + share * after).reshape(real.shape)
errors = {
    name: np.mean((one[~known] - real[~known]) ** 2)
    for name, one in {"blend of neighbors": blends, "drawn": drawn}.items()
}
print(pd.Series(errors).round(4).to_string())

# %%
# Two chairs turned, over the real views. 0, 45, 90, ... degrees were known.

some = X[X["chair"].isin(["chair 1", "chair 6"]) & (X["azimuth"] % 30 == 0)]
figure, ax = plt.subplots(figsize=(11, 4.2), layout="constrained")
AttributeDisplay.from_estimator(
    model,
    {"chair": ["chair 1", "chair 6"], "azimuth": 0, "elevation": 20},
    "azimuth",
    np.arange(0, 360, 30),
    real=images[some.index].reshape(2, 12, 32, 32, 4),
    ax=ax,
)
plt.show()

# %%
# All images were taken from 20 degrees above the floor. A volume can be looked at from other
# heights, though what nobody saw, such as the lower side of a seat, is not known.

heights = [0, 10, 20, 30, 40, 50]
seen = make_chairs(7, n_azimuths=8, elevations=heights, random_state=2)
there = np.isin(seen.attributes["chair"], ["chair 1", "chair 6"])
there &= seen.attributes["azimuth"] == 45
figure, ax = plt.subplots(figsize=(7, 4.8), layout="constrained")
AttributeDisplay.from_estimator(
    model,
    {"chair": ["chair 1", "chair 6"], "azimuth": 45, "elevation": 20},
    "elevation",
    heights,
    real=seen.images[there].reshape(2, len(heights), 32, 32, 4),
    ax=ax,
)
plt.show()
