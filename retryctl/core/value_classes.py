"""Slotted, keyword-only dataclasses that are made fast: frozen values, and states.

``dataclass`` compiles up to six methods for each class when its module is imported. A command
imports over a hundred classes, so this took a quarter of its start-up. Here ``__init__`` and
``__setstate__`` are compiled when they are first called; the other methods are closures.

A frozen value is filled while its class is a writable subclass, and gets its own class last:
``object.__setattr__`` for each field of an attempt would take four times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value_class(cls: type[T]) -> type[T]:
    """Make a class a ``dataclass(frozen=True, slots=True, kw_only=True)``."""
    made = _slotted(cls, _value_source)
    made.__setattr__ = made.__delattr__ = _refuse
    made.__getstate__ = _state(made)
    made.__setstate__ = _compiled_first(made, "__setstate__", _state_source)
    return made  # type: ignore[no-any-return]


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def state_class(cls: type[T]) -> type[T]:
    """Make a class a ``dataclass(slots=True, kw_only=True)``, whose fields can change."""
    if cls.__setattr__ is _refuse:
        raise TypeError("cannot inherit a state from a frozen value")
    made = _slotted(cls, _state_init_source)
    if "__hash__" not in vars(cls):
        made.__hash__ = None
    return made  # type: ignore[no-any-return]


def replaced(value: T, **changes: Any) -> T:
    """Return what ``dataclasses.replace`` does of a frozen value, faster: no check of it runs."""
    given: Any = value
    state = zip(given.__dataclass_fields__, given.__getstate__(), strict=True)
    values = {**dict(state), **changes}
    if len(values) > len(given.__dataclass_fields__):
        unknown = next(name for name in changes if name not in given.__dataclass_fields__)
        raise TypeError(f"{type(value).__name__} has no field {unknown!r}")
    copy: Any = object.__new__(type(value))
    copy.__setstate__(values.values())
    return copy  # type: ignore[no-any-return]


_Scope = dict[str, Any]
_RESERVED = {"self", "_own", "_set", "_writable", "_MISSING"}


def _slotted(cls: type, source: Callable[[Any, _Scope], list[str]]) -> Any:
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(cls)
    for each in made.__dataclass_fields__.values():
        if not each.init or "InitVar" in str(each.type):
            raise TypeError(f"field {each.name!r}: init=False and InitVar are not supported")
        if each.name in _RESERVED or each.name.startswith("_default_"):
            raise TypeError(f"field {each.name!r}: the name is reserved")
    methods: dict[str, Callable[..., Any]] = {
        "__init__": _compiled_first(made, "__init__", source),
        "__repr__": _repr,
    }
    made.__signature__ = _LateSignature(made)
    methods["__eq__"], methods["__hash__"] = _comparison(made)
    for name, method in methods.items():
        if name not in vars(cls):
            setattr(made, name, method)
    return made


class _LateSignature:
    """The signature of a class, made when ``help`` or an editor reads it."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def __get__(self, instance: object, owner: Any) -> Any:
        if next(each for each in owner.__mro__ if "__init__" in vars(each)) is not self._made:
            return None
        from inspect import Parameter, Signature

        def parameter(each: Field[Any]) -> Parameter:
            default = each.default if each.default_factory is MISSING else each.default_factory
            shown = Parameter.empty if default is MISSING else default
            return Parameter(each.name, Parameter.KEYWORD_ONLY, default=shown, annotation=each.type)

        return Signature([parameter(each) for each in fields(owner)], return_annotation=None)


def _compiled_first(
    made: Any, name: str, source: Callable[[Any, _Scope], list[str]]
) -> Callable[..., None]:
    """Return a method that compiles ``source`` when it is called, and takes its own place."""

    def compile_first(self: object, *given: Any, **named: Any) -> None:
        scope: _Scope = {}
        exec("\n".join(source(made, scope)), scope)
        scope[name].__qualname__ = f"{made.__qualname__}.{name}"
        setattr(made, name, scope[name])
        scope[name](self, *given, **named)

    return compile_first


def _init_source(made: Any, scope: _Scope) -> list[str]:
    """Return the lines of a constructor: each field is a keyword, with its default if any."""
    scope["_MISSING"] = MISSING
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
        body.append(f" self.{name} = {given}")
    head = f"def __init__(self, {'*, ' if parameters else ''}{', '.join(parameters)}):"
    return [head, *(body or [" pass"])]


def _value_source(made: Any, scope: _Scope) -> list[str]:
    head, *body = _init_source(made, scope)
    return [head, *_as_writable(scope, body), *_check_of(made)]


def _state_init_source(made: Any, scope: _Scope) -> list[str]:
    return [*_init_source(made, scope), *_check_of(made)]


def _check_of(made: Any) -> list[str]:
    return [" self.__post_init__()"] if hasattr(made, "__post_init__") else []


def _state_source(made: Any, scope: _Scope) -> list[str]:
    names = "".join(f"self.{each.name}, " for each in fields(made))
    body = [f" ({names}) = state"]
    return ["def __setstate__(self, state):", *_as_writable(scope, body)]


def _as_writable(scope: _Scope, body: list[str]) -> list[str]:
    """Return the lines of ``body``, in which the fields of a frozen value can be written."""
    scope |= {"_set": object.__setattr__, "_writable": _WritableClasses()}
    start = [" _own = self.__class__", " _set(self, '__class__', _writable[_own])"]
    return [*start, *body, " self.__class__ = _own"]


class _WritableClasses(dict[type, type]):
    """The writable subclass of a value class, and of each of its plain subclasses."""

    def __missing__(self, cls: type) -> type:
        methods = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
        self[cls] = type(cls.__name__, (cls,), {"__slots__": (), **methods})
        return self[cls]


def _comparison(made: Any) -> tuple[Callable[..., Any], Callable[..., int]]:
    """Return ``__eq__`` and ``__hash__`` of the fields that are compared."""
    key: Callable[[Any], Any] = _values([each.name for each in fields(made) if each.compare])

    def equal(self: object, other: object) -> Any:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    return equal, lambda self: hash(key(self))


def _state(made: Any) -> Callable[[Any], tuple[Any, ...]]:
    """Return ``__getstate__``; a log pickles very many values."""
    values = _values([each.name for each in fields(made)])
    return lambda self: values(self)


def _values(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _repr(self: Any) -> str:
    shown: list[Field[Any]] = [each for each in fields(self) if each.repr]
    texts = [f"{each.name}={getattr(self, each.name)!r}" for each in shown]
    return f"{type(self).__qualname__}({', '.join(texts)})"


def _refuse(self: object, name: str, *_: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot change {name!r} of a {type(self).__name__}")
