"""Who may import whom: the order in which the parts of skgen are built upon each other."""

import ast
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

import skgen

ROOT = Path(skgen.__file__).parent

# From the ground up. A part imports parts of its own layer and of those before it.
LAYERS = [
    {"parameters", "exceptions", "_sklearn"},
    {"networks", "engine"},
    {"inputs"},
    {
        "corruptions",
        "penalties",
        "priors",
        "adversarial_losses",
        "alignments",
        "cameras",
        "invariances",
        "losses",
        "extractors",
        "statistics",
    },
    {"base"},
    {"encoders"},
    {"metrics", "latent", "model_selection", "datasets"},
    {"autoencoders", "generators", "adaptation", "invariant", "regressors", "text", "style"},
    {"pretraining"},
    {"inspection"},
]
FLOORS = {part: number for number, layer in enumerate(LAYERS) for part in layer}
APART = [LAYERS[1], LAYERS[7]]  # those within such a layer do not import each other, either


class Import(NamedTuple):
    """``from module import name``, or ``import module``."""

    line: int
    module: str
    name: str = ""


def imports_of(code, package):
    """Return all imports of a module in that package, also those within functions."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            parts = [*(above if node.level else []), *(node.module or "").split(".")]
            module = ".".join(filter(None, parts))
            found += [Import(node.lineno, module, alias.name) for alias in node.names]
    return found


def part_of(module):
    """Return the part of skgen that a module belongs to, or None if it is not of skgen."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == "skgen" else None


def is_upwards(module, found):
    mine, theirs = part_of(module), part_of(found.module)
    return bool(mine and theirs) and FLOORS[theirs] > FLOORS[mine]


def is_to_a_neighbor_that_stays_apart(module, found):
    mine, theirs = part_of(module), part_of(found.module)
    return mine != theirs and any({mine, theirs} <= layer for layer in APART)


def is_of_networks_beyond_torch(module, found):
    return part_of(module) == "networks" and found.module.partition(".")[0] in {"sklearn", "skorch"}


def is_through_the_front_door(module, found):
    return found.module == "skgen"


def is_private_to_sklearn(module, found):
    names = [*found.module.split("."), found.name]
    private = any(name.startswith("_") for name in names)
    return names[0] == "sklearn" and private and module != "skgen._sklearn"


RULES = [
    is_upwards,
    is_to_a_neighbor_that_stays_apart,
    is_of_networks_beyond_torch,
    is_through_the_front_door,
    is_private_to_sklearn,
]


def broken(rule, module, code, package):
    """Return the imports of a module that a rule does not allow."""
    return [found for found in imports_of(code, package) if rule(module, found)]


def modules():
    """Return path, name and package of every module of skgen."""
    for path in sorted(ROOT.rglob("*.py")):
        names = ["skgen", *path.relative_to(ROOT).with_suffix("").parts]
        package = ".".join(names[:-1])
        yield path, package if names[-1] == "__init__" else ".".join(names), package


def test_every_part_has_its_floor():
    parts = {part_of(name) for _, name, _ in modules()}
    assert parts - {""} == set(FLOORS)  # skgen/__init__.py stands above all


@pytest.mark.parametrize("rule", RULES)
def test_the_house(rule):
    wrong = [
        f"{path}:{found.line} imports {found.module}.{found.name}"
        for path, name, package in modules()
        for found in broken(rule, name, path.read_text(), package)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "rule, module, code",
    [
        (is_upwards, "skgen.engine.loop", "from skgen.inputs import Input"),
        (is_upwards, "skgen.base", "import skgen.metrics"),
        (is_upwards, "skgen.inputs.rows", "from ..generators import _base"),
        (is_upwards, "skgen.latent", "def f():\n    from skgen.inspection import LatentDisplay"),
        (
            is_to_a_neighbor_that_stays_apart,
            "skgen.networks.dense",
            "from skgen.engine import Rows",
        ),
        (is_to_a_neighbor_that_stays_apart, "skgen.engine.loop", "import skgen.networks.dense"),
        (
            is_to_a_neighbor_that_stays_apart,
            "skgen.generators._gan",
            "from ..autoencoders import A",
        ),
        (is_of_networks_beyond_torch, "skgen.networks.dense", "import sklearn.base"),
        (is_of_networks_beyond_torch, "skgen.networks.dense", "from skorch import NeuralNet"),
        (is_through_the_front_door, "skgen.latent", "import skgen"),
        (is_through_the_front_door, "skgen.latent", "from skgen import Autoencoder"),
        (is_through_the_front_door, "skgen.latent", "from . import Autoencoder"),
        (is_private_to_sklearn, "skgen.base", "from sklearn.base import _fit_context"),
        (is_private_to_sklearn, "skgen.base", "from sklearn.utils._mask import safe_mask"),
        (is_private_to_sklearn, "skgen.base", "import sklearn.utils._mask as mask"),
        (
            is_private_to_sklearn,
            "skgen.base",
            """
            if TYPE_CHECKING:
                from sklearn.utils import (
                    check_array,
                    _safe_indexing,
                )
            """,
        ),
    ],
)
def test_every_rule_is_broken_by_what_it_forbids(rule, module, code):
    assert len(broken(rule, module, textwrap.dedent(code), module.rpartition(".")[0])) == 1


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_is_broken_by_what_is_allowed(rule):
    code = '''
        """Docstrings do as users do.

        >>> from skgen import Autoencoder
        """
        import torch
        from sklearn.base import BaseEstimator
        from skgen._sklearn import _fit_context
        from skgen.engine import Rows
        from skgen.networks.dense import DenseAutoencoder
        from skgen.autoencoders import _base
        from . import _sparse
    '''
    allowed = broken(rule, "skgen.autoencoders._dense", textwrap.dedent(code), "skgen.autoencoders")
    assert not allowed
