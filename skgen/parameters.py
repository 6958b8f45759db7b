"""Constructor parameters declared once: default, constraint and description side by side."""

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Mapping, Sequence
from itertools import starmap
from numbers import Integral, Real
from typing import Any, ClassVar, TypeVar, dataclass_transform

import torch
from sklearn.base import BaseEstimator, clone
from torch import nn

from skgen._sklearn import Interval, StrOptions

__all__ = [
    "Component",
    "Declared",
    "checked_count",
    "checked_sizes",
    "override",
    "parameter",
    "resolve",
    "resolve_all",
]

_ORDER = ("Parameters", "Attributes", "See Also", "Notes", "References", "Examples")
_SECTION = re.compile(rf"^({'|'.join(_ORDER)})\n-+$", re.MULTILINE)


# Constraints that many parameters share.
COUNT = [Interval(Integral, 1, None, closed="left")]
POSITIVE = [Interval(Real, 0, None, closed="neither")]
NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
SHARE = [Interval(Real, 0, 1, closed="both")]
SIZES = ["array-like"]
NETWORK = [nn.Module, callable, None]

_KINDS = {
    "array-like": "sequence of int",
    "boolean": "bool",
    "random_state": "int, RandomState instance or None",
    "verbose": "int",
    None: "None",
    callable: "callable",
    nn.Module: "torch.nn.Module",
    torch.device: "torch.device",
}


def parameter(
    default: Any,
    constraint: Sequence[Any],
    description: str,
    *,
    kind: str | None = None,
    positional: bool = False,
) -> Any:
    """Declare one constructor parameter of a `Declared` class.

    Parameters
    ----------
    default : object
        The default value. It is also what the generated docstring states.

    constraint : list
        What scikit-learn's parameter validation accepts, as in `_parameter_constraints`.

    description : str
        What the parameter does. White space is folded.

    kind : str, default=None
        The type, as the docstring states it, such as ``"int or None"``. None makes it from the
        constraint.

    positional : bool, default=False
        Whether the parameter may be passed by position.

    Returns
    -------
    field : dataclasses.Field
        To be assigned, with an annotation, in a class body.
    """
    kind = kind or _kind(constraint)
    metadata = {"constraint": list(constraint), "kind": kind, "description": description}
    return dataclasses.field(default=default, kw_only=not positional, metadata=metadata)


def _kind(constraint: Sequence[Any]) -> str:
    """Return what a constraint accepts, in words."""
    kinds = []
    for one in constraint:
        if isinstance(one, StrOptions):
            kinds.append("{" + ", ".join(map(repr, sorted(one.options))) + "}")
        elif isinstance(one, Interval):
            kinds.append("int" if one.type is Integral else "float")
        else:
            kinds.append(_KINDS.get(one) or one.__name__)
    *several, last = kinds
    return f"{', '.join(several)} or {last}" if several else last


def override(default: Any, description: str | None = None) -> Any:
    """Give an inherited parameter another default, and keep all else that was declared of it.

    Parameters
    ----------
    default : object
        The new default value.

    description : str, default=None
        A new description. None keeps that, too.

    Returns
    -------
    field : dataclasses.Field
        To be assigned, with an annotation, in a class body.
    """
    return dataclasses.field(
        default=default, metadata={"constraint": None, "description": description}
    )


@dataclass_transform(kw_only_default=True, field_specifiers=(parameter, override))
class Declared(BaseEstimator):
    """A scikit-learn estimator whose constructor is the list of its declared parameters.

    A subclass writes ``name: type = parameter(...)`` in its body. Its constructor, its
    `_parameter_constraints` and the "Parameters" section of its docstring are made from these and
    from those it inherits. `_fitted` maps the names of attributes that every subclass gets in
    `fit` to their descriptions, which join the "Attributes" section; one without a
    description is not there, though a base class has it.
    """

    _fitted: ClassVar[Mapping[str, str]] = {}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}
    _names: ClassVar[list[str]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        inherited = {
            name: field
            for base in reversed(cls.__mro__[1:])
            for name, field in getattr(base, "__dataclass_fields__", {}).items()
        }
        undeclared = [
            name
            for name, value in vars(cls).items()
            if (name in inherited or isinstance(value, dataclasses.Field))
            and name not in inspect.get_annotations(cls)
        ]
        if undeclared:
            raise TypeError(
                f"{cls.__name__} declares {undeclared} without an annotation, so a dataclass would "
                "ignore it: write `name: type = parameter(...)`."
            )
        for name, value in list(vars(cls).items()):
            if isinstance(value, dataclasses.Field) and value.metadata.get("constraint") is None:
                if name not in inherited:
                    raise TypeError(f"{cls.__name__} overrides {name}, which it does not inherit.")
                declared = inherited[name]
                metadata = dict(declared.metadata)
                metadata["description"] = value.metadata["description"] or metadata["description"]
                field = dataclasses.field(
                    default=value.default, kw_only=declared.kw_only, metadata=metadata
                )
                setattr(cls, name, field)
        written = cls.__dict__.get("__doc__") or ""
        cls.__doc__ = written or cls.__name__
        dataclasses.dataclass(kw_only=True, eq=False, repr=False)(cls)
        cls._parameter_constraints = {
            field.name: field.metadata["constraint"] for field in dataclasses.fields(cls)
        }
        cls.__doc__ = _complete(inspect.cleandoc(written), cls)

    @classmethod
    def _get_param_names(cls) -> list[str]:
        """Return the names of the parameters, which scikit-learn reads off the constructor."""
        if "_names" not in vars(cls):  # once is enough: it takes long
            cls._names = super()._get_param_names()
        return list(cls._names)


def _complete(written: str, cls: type) -> str:
    """Put the declared parameters and the inherited attributes into a docstring."""
    inherited: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        inherited.update(vars(base).get("_fitted", {}))
    described = {name: text for name, text in inherited.items() if text}
    head, *rest = _SECTION.split(written)
    sections = {title: body.strip("\n") for title, body in zip(rest[::2], rest[1::2], strict=True)}
    sections["Parameters"] = "\n\n".join(
        _entry(
            f"{field.name} : {field.metadata['kind']}, default={field.default!r}",
            field.metadata["description"],
        )
        for field in _in_reading_order(cls)
    )
    sections["Attributes"] = "\n\n".join(
        filter(None, [sections.get("Attributes"), *starmap(_entry, described.items())])
    )
    titled = [
        f"{title}\n{'-' * len(title)}\n{sections[title]}" for title in _ORDER if sections.get(title)
    ]
    return "\n\n".join([head.strip("\n"), *titled]) + "\n"


def _entry(head: str, text: str) -> str:
    body = "\n\n".join(
        textwrap.fill(
            " ".join(part.split()),
            width=100,
            initial_indent="    ",
            subsequent_indent="    ",
            break_on_hyphens=False,
            break_long_words=False,
        )
        for part in text.strip().split("\n\n")
    )
    return f"{head}\n{body}"


def _in_reading_order(cls: type) -> list[dataclasses.Field[Any]]:
    """Positional parameters first, then a class's own before those it inherits."""
    depth: dict[str, int] = {}
    for position, base in enumerate(cls.__mro__):
        for name in inspect.get_annotations(base):
            depth.setdefault(name, position)
    fields = dataclasses.fields(cls)
    return sorted(fields, key=lambda field: (bool(field.kw_only), depth[field.name]))


def checked_sizes(estimator: Declared, name: str, at_least: int = 0) -> list[int]:
    """Return a parameter that lists numbers of units.

    Raises
    ------
    ValueError
        If one is no integer of at least 1, or if there are fewer than `at_least`.
    """
    sizes = list(getattr(estimator, name))
    if any(not isinstance(size, Integral) or size is True or size < 1 for size in sizes):
        raise ValueError(f"{name} must hold integers of at least 1, got {sizes}.")
    if len(sizes) < at_least:
        raise ValueError(f"{name} needs at least one entry, got none.")
    return [int(size) for size in sizes]


def checked_count(name: str, count: Any) -> int:
    """Return a number of things to draw.

    Raises
    ------
    ValueError
        If it is no integer of at least 1.
    """
    if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
        raise ValueError(f"{name} has to be an integer of at least 1, got {count!r}.")
    return int(count)


class Component(Declared):
    """A value without weights that a model is composed of: a corruption, a loss, a penalty.

    It prints, compares, pickles and clones by its parameters, and these can be searched over
    (``corruption__level``).
    """

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return bool(self.get_params(deep=False) == other.get_params(deep=False))

    def __hash__(self) -> int:
        return hash(type(self))  # values may be lists


AnyComponent = TypeVar("AnyComponent", bound=Component)


def resolve(
    spec: str | AnyComponent | None, named: Mapping[str, type[AnyComponent]]
) -> AnyComponent | None:
    """Return a validated component for a constructor's value: a name, a component or None.

    Parameters
    ----------
    spec : str, Component or None
        What the user passed.

    named : mapping of str to Component class
        The components that have a name.

    Returns
    -------
    component : Component or None
        A component of its own, so that later changes to the user's object do not reach it.

    Raises
    ------
    sklearn.utils._param_validation.InvalidParameterError
        If a parameter of the component is out of its range.
    """
    if spec is None:
        return None
    if isinstance(spec, str) and spec not in named:
        allowed = f"one of {', '.join(named)}, or " if named else ""
        raise ValueError(f"Expected {allowed}an object of that kind, got {spec!r}.")
    component = named[spec]() if isinstance(spec, str) else clone(spec)
    component._validate_params()
    return component


def resolve_all(specs: AnyComponent | Sequence[AnyComponent] | None) -> list[AnyComponent]:
    """Return validated components of their own for one, for a list of them, or for None."""
    several = specs if isinstance(specs, list | tuple) else [specs]
    return [component for one in several if (component := resolve(one, {})) is not None]
