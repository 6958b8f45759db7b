"""The code in the user guide runs as it stands, from top to bottom."""

import re
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from sklearn.base import clone

GUIDE = Path(__file__).parents[1] / "docs" / "autoencoders.rst"


@pytest.mark.filterwarnings("error")
def test_guide():
    pytest.importorskip("xgboost")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?: {3}.*\n|\n)+)", GUIDE.read_text("utf-8"))
    assert len(blocks) >= 4
    names: dict = {}
    for block in blocks:
        exec(compile(textwrap.dedent(block), str(GUIDE), "exec"), names)
    plt.close("all")
    X, y, classifier = names["X"], names["y"], names["classifier"]
    raw = clone(classifier[-1]).fit(X[:200], y[:200])
    assert classifier.score(X[200:], y[200:]) > raw.score(X[200:], y[200:]) + 0.03
    assert set(names["search"].best_params_) == {
        "autoencoder__corruption__level",
        "autoencoder__penalty__weight",
        "xgbclassifier__max_depth",
    }
