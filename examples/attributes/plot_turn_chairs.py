"""
=================================
Turn a chair, and make it another
=================================

Images of chairs are known from every 30 degrees around them. What do they look like from the angles
in between? `ImageRegressor` learns to draw an image of its attributes: which chair, from what
azimuth, from what elevation. Then it is asked for attributes that no image has.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skgen import ImageRegressor
from skgen.datasets import make_chairs
from skgen.inspection import AttributeDisplay, MorphDisplay

data = make_chairs(10, random_state=2)
X, images = pd.DataFrame(data.attributes), data.images  # RGBA: the fourth channel is a mask
known = X["azimuth"] % 30 == 0
print(X.sample(4, random_state=0))

# %%
# An azimuth comes round after 360 degrees, and `periods` says so: 345 is near 0.

model = ImageRegressor(periods={"azimuth": 360}, max_epochs=110, random_state=0)
model.fit(X[known], images[known])
print(f"of the variance drawn, views not known: {model.score(X[~known], images[~known]):.3f}")

# %%
# A blend of the two views beside the one wanted shows a chair twice. The mean square errors, of
# pixels from 0 to 1 over white:


def over_white(images):
    alpha = images[..., 3:] / 255
    return images[..., :3] / 255 * alpha + 1 - alpha


real = over_white(images).reshape(10, 2, 24, 32, 32, 3)
drawn = over_white(model.predict(X)).reshape(real.shape)
blends = (np.roll(real, 1, axis=2) + np.roll(real, -1, axis=2)) / 2
between = slice(1, None, 2)
errors = {
    name: np.mean((one[:, :, between] - real[:, :, between]) ** 2)
    for name, one in {"blend of neighbors": blends, "drawn": drawn}.items()
}
print(pd.Series(errors).round(4).to_string())

# %%
# Two chairs all the way round, over the real views. Every other one was known.

some = X[(X["elevation"] == 30) & X["chair"].isin(["chair 1", "chair 6"]) & (X["azimuth"] < 180)]
real_views = images[some.index].reshape(2, 12, 32, 32, 4)
figure, ax = plt.subplots(figsize=(11, 4.2), layout="constrained")
AttributeDisplay.from_estimator(
    model,
    some[some["azimuth"] == 0],
    "azimuth",
    np.arange(0, 180, 15),
    real=real_views,
    ax=ax,
)
plt.show()

# %%
# Between the codes of two chairs lie chairs that are neither.

view = {"azimuth": 45.0, "elevation": 30.0}
start = pd.DataFrame({"chair": ["chair 0", "chair 6", "chair 4"], **view})
stop = pd.DataFrame({"chair": ["chair 1", "chair 2", "chair 9"], **view})
morphs = model.interpolate(start, stop, n_steps=9)
figure, ax = plt.subplots(figsize=(10, 3), layout="constrained")
display = MorphDisplay(
    model.predict(start), model.predict(stop), morphs, image_shape=model.image_shape_
)
display.plot(ax=ax)
plt.show()
