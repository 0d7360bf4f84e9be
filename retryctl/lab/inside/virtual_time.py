"""The clock of the function's process: the lab's, which passes a retry's wait at once.

A page of memory shared with the lab holds how far the lab's clock is from the host's, and
what is to befall the next invocation. The shims cover Python code: ``time.time``,
``time_ns``, ``gmtime``, ``localtime``, ``strftime``, ``ctime``, ``asctime``, and ``now``,
``utcnow`` and ``today`` of ``datetime``. They do not reach other programs, C libraries, or
``time.clock_gettime``; monotonic clocks run as they are.
"""

from __future__ import annotations

import datetime
import mmap
import struct
import time
from collections.abc import Callable
from typing import Any

PAGE = struct.Struct("<dB")
"""Seconds to add to the host's clock, and a fate: 0 none, or a place in ``FATES``, from 1."""

FATES = ("timeout", "kill", "exit", "oom")

_host_time, _host_time_ns = time.time, time.time_ns


def open_page(fd: int) -> mmap.mmap:
    """Map the page that the lab writes."""
    return mmap.mmap(fd, PAGE.size)


def fate(page: mmap.mmap) -> str | None:
    """What is to befall this invocation before the handler's first statement."""
    number = PAGE.unpack_from(page)[1]
    return FATES[number - 1] if number else None


class _OfNow:
    """``gmtime`` and its like: without an argument they tell the virtual now.

    An object, not a function: ``logging.Formatter.converter`` is a class attribute, where a
    function would bind.
    """

    def __init__(self, real: Callable[..., Any], argument: Callable[[], Any]) -> None:
        self._real = real
        self._argument = argument

    def __call__(self, value: Any = None) -> Any:
        return self._real(self._argument() if value is None else value)


def install(page: mmap.mmap) -> None:
    """Put the virtual clock in the place of the host's, for all Python code loaded after."""

    def offset() -> float:
        return float(PAGE.unpack_from(page)[0])

    strftime = time.strftime
    time.time = lambda: _host_time() + offset()
    time.time_ns = lambda: _host_time_ns() + int(offset() * 1e9)
    for name, argument in (
        ("gmtime", time.time),
        ("localtime", time.time),
        ("ctime", time.time),
        ("asctime", lambda: time.localtime()),
    ):
        setattr(time, name, _OfNow(getattr(time, name), argument))
    time.strftime = lambda form, moment=None: strftime(form, moment or time.localtime())
    for name, virtual in (("date", _Date), ("datetime", _Datetime)):
        virtual.__name__ = virtual.__qualname__ = name
        virtual.__module__ = "datetime"
        setattr(datetime, name, virtual)


class _Kind(type):
    """Dates made by C code are of the host's classes: they count as the virtual ones too."""

    def __instancecheck__(cls, value: object) -> bool:
        return issubclass(type(value), cls)

    def __subclasscheck__(cls, other: type) -> bool:
        if cls is _Date or cls is _Datetime:
            return issubclass(other, cls.__mro__[1])
        return super().__subclasscheck__(other)


class _Date(datetime.date, metaclass=_Kind):
    @classmethod
    def today(cls) -> Any:
        return cls.fromtimestamp(time.time())


class _Datetime(datetime.datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.now()
