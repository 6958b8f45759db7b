"""
================
How large a code
================

How much of the variance of new images do codes of several sizes explain, beside as many principal
components? And was training long enough?
"""

import matplotlib.pyplot as plt

from skgen import Autoencoder
from skgen.datasets import load_fashion_mnist_10k
from skgen.inspection import ExplainedVarianceDisplay, LossCurveDisplay

X, _ = load_fashion_mnist_10k(return_X_y=True)
model = Autoencoder(hidden_layer_sizes=(256,), max_epochs=20, random_state=0)

# %%
# The display fits a copy of the model at every size on four fifths of the rows, and scores it on
# the others. The autoencoder's lead is largest at small codes: the images lie near a curved
# surface of few dimensions, which a plane of as many cannot follow. The larger the code, the less
# that matters.
#
# On the right are the losses of one of them. Both have leveled off, and begin to part: more epochs
# would mostly learn the training rows by heart.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
sizes = [2, 4, 8, 16, 32, 64]
display = ExplainedVarianceDisplay.from_estimator(model, X, n_components=sizes, ax=axes[0])
model.set_params(n_components=16, early_stopping=True).fit(X)
LossCurveDisplay.from_estimator(model, ax=axes[1])
plt.show()

# %%
# The figures behind the curves are in the display.

print("size  autoencoder    PCA")
for row in zip(
    sizes, display.scores["Autoencoder"][:, 0], display.scores["PCA"][:, 0], strict=True
):
    print("{:4}  {:11.3f}  {:5.3f}".format(*row))
