"""
=========================
A new chair of four views
=========================

Once some chairs are known, `partial_fit` learns another one from a few of its views, while all else
stands still. Then that chair is drawn from everywhere; and the other way round, `identify` reads
chair and azimuth off an image.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skgen import ImageRegressor
from skgen.cameras import Turntable
from skgen.datasets import make_chairs
from skgen.inspection import AttributeDisplay

data = make_chairs(14, n_azimuths=12, elevations=[20], size=24, random_state=3)
X, images = pd.DataFrame(data.attributes).drop(columns="elevation"), data.images
is_new = X["chair"].isin(["chair 12", "chair 13"])
model = ImageRegressor(camera=Turntable("azimuth"), lr=4e-3, max_epochs=60, random_state=0)
model.fit(X[~is_new], images[~is_new])

# %%
# Views from four sides of two new chairs.

given = is_new & (X["azimuth"] % 90 == 0)
model.partial_fit(X[given], images[given])

new = X[is_new]
figure, ax = plt.subplots(figsize=(11, 4.2), layout="constrained")
AttributeDisplay.from_estimator(
    model,
    new[new["azimuth"] == 0],
    "azimuth",
    np.arange(0, 360, 30),
    real=images[is_new].reshape(2, 12, 24, 24, 4),
    ax=ax,
)
ax.set_title("known: 0, 90, 180 and 270 degrees", fontsize=10)
plt.show()

# %%
# The other way round: attributes read off images of chairs that were known, by searching for the
# drawing that is closest.

some = np.flatnonzero(~is_new)[::29]
found = model.identify(images[some])
table = pd.concat({"real": X.iloc[some].reset_index(drop=True), "read": found}, axis=1)
print(table.round(1).to_string())
