"""Slotted, keyword-only dataclasses that are made fast: frozen values, and states.

``dataclass`` compiles up to six methods for each class when its module is imported. A command
imports over a hundred classes, so this took a quarter of its start-up. Here only ``__init__`` is
compiled, when the first instance is made; the other methods are closures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value_class(cls: type[T]) -> type[T]:
    """Make a class a ``dataclass(frozen=True, slots=True, kw_only=True)``."""
    made = _slotted(cls, " _set(self, {0!r}, {1})")
    made.__setattr__ = made.__delattr__ = _refuse
    made.__getstate__, made.__setstate__ = _pickling(made)
    return made  # type: ignore[no-any-return]


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def state_class(cls: type[T]) -> type[T]:
    """Make a class a ``dataclass(slots=True, kw_only=True)``, whose fields can change."""
    made = _slotted(cls, " self.{0} = {1}")
    if "__hash__" not in vars(cls):
        made.__hash__ = None
    return made  # type: ignore[no-any-return]


def _slotted(cls: type, assignment: str) -> Any:
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(cls)
    methods: dict[str, Callable[..., Any]] = {
        "__init__": _init(made, assignment),
        "__repr__": _repr,
    }
    methods["__eq__"], methods["__hash__"] = _comparison(made)
    for name, method in methods.items():
        if name not in vars(cls):
            setattr(made, name, method)
    return made


def _init(made: Any, assignment: str) -> Callable[..., None]:
    """Return a constructor, which the first call replaces by a compiled one."""

    def compile_first(self: object, *wrong: Any, **given: Any) -> None:
        made.__init__ = _compiled_init(made, assignment)
        made.__init__(self, *wrong, **given)

    return compile_first


def _compiled_init(made: Any, assignment: str) -> Callable[..., None]:
    """Compile the constructor: each field is a keyword, with its default if it has one."""
    scope: dict[str, Any] = {"_set": object.__setattr__, "_MISSING": MISSING}
    parameters, body = [], []
    for each in fields(made):
        name, default, given = each.name, f"_default_{each.name}", each.name
        if each.default_factory is not MISSING:
            scope[default] = each.default_factory
            parameters.append(f"{name}=_MISSING")
            given = f"{default}() if {name} is _MISSING else {name}"
        elif each.default is not MISSING:
            scope[default] = each.default
            parameters.append(f"{name}={default}")
        else:
            parameters.append(name)
        body.append(assignment.format(name, given))
    if hasattr(made, "__post_init__"):
        body.append(" self.__post_init__()")
    head = f"def __init__(self, {'*, ' if parameters else ''}{', '.join(parameters)}):"
    exec("\n".join([head, *(body or [" pass"])]), scope)
    scope["__init__"].__qualname__ = f"{made.__qualname__}.__init__"
    return scope["__init__"]  # type: ignore[no-any-return]


def _comparison(made: Any) -> tuple[Callable[..., Any], Callable[..., int]]:
    """Return ``__eq__`` and ``__hash__`` of the fields that are compared."""
    names = [each.name for each in fields(made) if each.compare]
    key: Callable[[Any], Any] = attrgetter(*names) if names else type

    def equal(self: object, other: object) -> Any:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    return equal, lambda self: hash(key(self))


def _repr(self: Any) -> str:
    shown: list[Field[Any]] = [each for each in fields(self) if each.repr]
    texts = [f"{each.name}={getattr(self, each.name)!r}" for each in shown]
    return f"{type(self).__qualname__}({', '.join(texts)})"


def _refuse(self: object, name: str, *_: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot change {name!r} of a {type(self).__name__}")


def _pickling(made: Any) -> tuple[Callable[[Any], list[Any]], Callable[[Any, list[Any]], None]]:
    """Return ``__getstate__`` and ``__setstate__``; a log pickles very many values."""
    names = [each.name for each in fields(made)]

    def restore(self: object, state: list[Any]) -> None:
        for name, restored in zip(names, state, strict=True):
            object.__setattr__(self, name, restored)

    return lambda self: [getattr(self, name) for name in names], restore
