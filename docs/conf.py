"""Sphinx configuration. Build with ``python -m sphinx -W -b html docs docs/_build/html``."""

import atexit
import os
import re
import shutil
import tempfile
from importlib.metadata import version as installed_version
from pathlib import Path

# With SKGEN_GALLERY=quick all code of the examples runs, but trains for two epochs in place of
# more, so what it draws is of no use; and the one that takes minutes is shown, but not run.
_QUICK = os.environ.get("SKGEN_GALLERY") == "quick"
_RUN = r"/plot_(?!features_before_xgboost)" if _QUICK else r"/plot_"


def _quick_copy(examples):
    """Copy the examples, with fewer epochs, and return where to."""
    copy = Path(tempfile.mkdtemp()) / "examples"
    atexit.register(shutil.rmtree, copy.parent, ignore_errors=True)
    shutil.copytree(examples, copy)
    for script in copy.rglob("plot_*.py"):
        text = script.read_text("utf-8")
        text = re.sub(r"(\b(?:max_epochs|n_steps)\b\"? ?[=:] ?)\d+", r"\g<1>2", text)
        script.write_text(text, "utf-8")
    return str(copy)


_EXAMPLES = Path(__file__).parents[1] / "examples"

project = "skgen"
author = "skgen developers"
copyright = "2026, skgen developers"
release = version = installed_version("scikit-gen")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
default_role = "literal"

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": _quick_copy(_EXAMPLES) if _QUICK else "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": _RUN,
    "backreferences_dir": None,
    "download_all_examples": False,
    "reference_url": {"skgen": None},
    "show_memory": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skgen {release}"
html_show_sourcelink = False
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}

# Of what an estimator inherits from scikit-learn only these are shown. The docstrings of the rest
# refer to labels in scikit-learn's own documentation, which a build without network can't resolve.
_INHERITED = {"fit_transform", "get_feature_names_out"}


def _skip_foreign(app, what, name, obj, skip, options):
    """Leave out what skgen inherits, and a named tuple's fields, which its docstring describes."""
    owner = getattr(obj, "__objclass__", obj)
    module = getattr(obj, "__module__", None) or getattr(owner, "__module__", None) or ""
    foreign = callable(obj) and module.split(".")[0] != "skgen" and name not in _INHERITED
    return True if foreign or type(obj).__name__ == "_tuplegetter" else None


def setup(app):
    app.connect("autodoc-skip-member", _skip_foreign)
