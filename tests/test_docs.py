"""The code in the user guide runs from top to bottom; as it stands, among the slow tests."""

import re
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import clone

from skgen.base import BaseModel

DOCS = Path(__file__).parents[1] / "docs"


def run(page, max_epochs=None):
    """Run the code blocks of a page and return the names that they leave."""
    text = (DOCS / page).read_text("utf-8")
    if max_epochs is not None:
        text = re.sub(r"\bmax_epochs=\d+", f"max_epochs={max_epochs}", text)
    blocks = re.findall(r"\.\. code-block:: python\n\n((?: {3}.*\n|\n)+)", text)
    assert len(blocks) >= 4
    names: dict = {}
    for block in blocks:
        exec(compile(textwrap.dedent(block), page, "exec"), names)
    plt.close("all")
    return names


PAGES = [
    "images",
    "latent",
    "generators",
    "attributes",
    "adaptation",
    "autoencoders",
    "sequences",
    "text",
    "style",
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.filterwarnings("error", "ignore::skgen.exceptions.TrainingWarning")
def test_the_code_runs(page, monkeypatch):
    """After two epochs in place of more, nothing is said of what it finds."""
    if page == "autoencoders":
        pytest.importorskip("xgboost")
    monkeypatch.setattr(BaseModel, "_default_epochs", lambda model, n_batches: 2)
    run(f"{page}.rst", max_epochs=2)


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_images():
    names = run("images.rst")
    assert names["restored"].shape == names["images"].shape
    assert names["feature_map"].code_shape_ == (2, 2, 2)
    assert names["feature_map"].compression_rate_ == 8
    assert names["maps"].shape == (1797, 2, 2, 2)


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_latent():
    names = run("latent.rst")
    assert names["morphs"].shape == (3, 7, 8, 8)
    before, after = names["images"][:10], names["bolder"]
    assert (after.mean(axis=(1, 2)) > before.mean(axis=(1, 2))).all()
    assert names["search"].best_score_ > 0.05


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_generators():
    names = run("generators.rst")
    X, y = names["X"], names["y"]
    assert names["coverage"] > 0.5 and names["distance"] < 0.1
    assert names["stopped"].score(X[:500]) > 0.5
    assert (names["chosen"][:, 0] > 0.4).mean() > 0.9
    upper = names["upper"]
    assert np.abs(upper.mean(axis=0) - X[y == 0].mean(axis=0)).max() < 0.2
    assert names["rolled"].sample(3, random_state=0).shape == (3, 64)


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_adaptation():
    names = run("adaptation.rst")
    assert names["accuracy"] > names["baseline"] + 0.1
    assert names["same"].score(names["X"][900:], names["digits"][900:]) == names["accuracy"]
    assert names["of_pipeline"] > names["baseline"] + 0.1
    assert names["search"].best_params_["batch_norm"] == "per_domain"
    assert names["distance"] < 1.5


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_autoencoders():
    pytest.importorskip("xgboost")
    names = run("autoencoders.rst")
    X, y, classifier = names["X"], names["y"], names["classifier"]
    raw = clone(classifier[-1]).fit(X[:200], y[:200])
    assert classifier.score(X[200:], y[200:]) > raw.score(X[200:], y[200:]) + 0.03
    assert set(names["search"].best_params_) == {
        "autoencoder__corruption__level",
        "autoencoder__penalty__weight",
        "xgbclassifier__max_depth",
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_attributes():
    names = run("attributes.rst")
    assert names["score"] > 0.5
    assert names["between"] > 0.6
    assert names["drawn"].shape == (3, 32, 32, 4)
    assert names["morph"].shape == (9, 32, 32, 4)
    assert (names["found"]["chair"] == names["X"]["chair"][:4].to_numpy()).mean() >= 0.5


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_pretraining():
    names = run("pretraining.rst")
    assert names["accuracy"] > 0.9  # untrained: 0.84
    assert names["F"].shape == (1797, 164)
    assert (names["labels"] == names["y"]).mean() > 0.7
    assert len(names["scores"]) == 2 and (names["scores"] > 0.1).all()
    assert names["model"].score(names["images"], names["y"]) > 0.75


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_text():
    names = run("text.rst")
    assert names["accuracy"] == 1
    assert names["loaded"].vocabulary_ == names["words"].vocabulary_
    assert names["rank"] > 2 * 0.052
    assert len(names["said"]) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_sequences():
    names = run("sequences.rst")
    assert names["F"].shape == (200, 448) and names["accuracy"] > 0.9  # untrained: 0.84
    assert all(np.isfinite(one).all() for one in names["restored"])
