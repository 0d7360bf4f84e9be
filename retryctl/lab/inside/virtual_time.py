"""The clock of the function's process follows the lab's clock, which skips the waits.

A page of memory shared with the lab contains the difference to the host's clock and the fault
planned for the next invocation. Python code reads the virtual time through ``time.time``,
``time_ns``, ``gmtime``, ``localtime``, ``strftime``, ``ctime``, ``asctime``, ``clock_gettime`` of
``CLOCK_REALTIME``, and ``now``, ``utcnow`` and ``today`` of ``datetime``. Other programs, C
libraries and file times use the host's clock. Monotonic clocks are unchanged.

``datetime.date`` and ``datetime.datetime`` stay the classes that they are: C code compares their
exact type, and a subclass would fail there. Three methods are replaced in the dictionary of the
type itself.
"""

from __future__ import annotations

import datetime
import mmap
import struct
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PAGE = struct.Struct("<dBB")
"""Seconds to add to the host's clock; the fault: 0 none, or a place in ``FAULTS``, from 1; when."""

FAULTS = ("timeout", "kill", "exit", "oom")

_host_time, _host_time_ns = time.time, time.time_ns


def open_page(fd: int) -> mmap.mmap:
    """Map the page that the lab writes."""
    return mmap.mmap(fd, PAGE.size)


def fault(page: mmap.mmap, *, late: bool) -> str | None:
    """Return the fault planned for this moment: before the handler, or ``late``, after it."""
    _, number, is_late = PAGE.unpack_from(page)
    return FAULTS[number - 1] if number and bool(is_late) == late else None


class _TimeCall:
    """A replacement of a function of ``time``.

    An instance, not a function: ``logging.Formatter.converter = time.gmtime`` and the like are
    class attributes, where a function would become a method. It is pickled by its name.
    """

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.__name__ = self.__qualname__ = name
        self.__module__ = "time"
        self.__doc__ = getattr(time, name).__doc__
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __reduce__(self) -> str:
        return self.__name__

    def __repr__(self) -> str:
        return f"<built-in function {self.__name__}>"


def replace_clock(page: mmap.mmap) -> bool:
    """Replace the host's clock by the virtual one for all Python code of this process.

    Return whether ``datetime`` follows too, which is tried: an interpreter may refuse to have its
    types changed, or keep what it cached of them.
    """

    def offset_s() -> float:
        return float(PAGE.unpack_from(page)[0])

    def now_s() -> float:
        return _host_time() + offset_s()

    def now_ns() -> int:
        return _host_time_ns() + int(offset_s() * 1e9)

    _install_in_time(now_s, now_ns)
    try:
        _install_in_datetime(now_s)
    except (AttributeError, IndexError, TypeError):
        return False
    return _follows(now_s)


def _follows(now_s: Callable[[], float]) -> bool:
    """Whether each replaced method, called as code calls it, gives the virtual time."""
    real = datetime.datetime
    zone = datetime.timezone.utc
    before = real.fromtimestamp(now_s())
    given = (real.now(), real.today(), real.now(zone).astimezone().replace(tzinfo=None))
    utc = real.utcnow().replace(tzinfo=zone).astimezone().replace(tzinfo=None)
    day = datetime.date.today()
    after = real.fromtimestamp(now_s())
    in_time = all(before <= one <= after for one in (*given, utc))
    return in_time and before.date() <= day <= after.date()


def _install_in_time(now_s: Callable[[], float], now_ns: Callable[[], int]) -> None:
    def of_now(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda moment_s=None: real(now_s() if moment_s is None else moment_s)

    real_strftime, real_asctime, localtime = time.strftime, time.asctime, time.localtime
    calls: dict[str, Callable[..., Any]] = {
        "time": now_s,
        "time_ns": now_ns,
        "asctime": lambda *moment: real_asctime(*moment or (localtime(now_s()),)),
        "strftime": lambda form, *moment: real_strftime(form, *moment or (localtime(now_s()),)),
    }
    for name in ("gmtime", "localtime", "ctime"):
        calls[name] = of_now(getattr(time, name))
    for name, now in (("clock_gettime", now_s), ("clock_gettime_ns", now_ns)):
        if hasattr(time, name):
            calls[name] = _realtime(getattr(time, name), now)
    for name, call in calls.items():
        setattr(time, name, _TimeCall(name, call))


def _realtime(real: Callable[[int], Any], now: Callable[[], Any]) -> Callable[[int], Any]:
    return lambda clock: now() if clock == time.CLOCK_REALTIME else real(clock)


def _install_in_datetime(now_s: Callable[[], float]) -> None:
    from_datetime = datetime.datetime.__dict__["fromtimestamp"]
    utc = datetime.timezone.utc

    def today(cls: Any) -> Any:
        return cls.fromtimestamp(now_s())

    def now(cls: Any, tz: Any = None) -> Any:
        return from_datetime.__get__(None, cls)(now_s(), tz)

    def utcnow(cls: Any) -> Any:
        return from_datetime.__get__(None, cls)(now_s(), utc).replace(tzinfo=None)

    _put(datetime.date, today=today)
    _put(datetime.datetime, now=now, utcnow=utcnow)


def _put(kind: type, **methods: Callable[..., Any]) -> None:
    """Replace class methods of a type written in C, and drop what the interpreter cached of it."""
    import ctypes

    own = _dictionary(kind)
    for name, method in methods.items():
        method.__qualname__ = f"{kind.__name__}.{name}"
        method.__module__ = kind.__module__
        _replaced.append(own[name])  # code that was specialised may still point to it
        own[name] = classmethod(method)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


_replaced: list[object] = []


def _dictionary(kind: type) -> dict[str, Any]:
    """Return the type's own dictionary, which ``__dict__`` shows read-only."""
    import ctypes
    import gc

    get = getattr(ctypes.pythonapi, "PyType_GetDict", None)  # since 3.12
    if get is None:
        found: dict[str, Any] = gc.get_referents(kind.__dict__)[0]
    else:
        get.restype, get.argtypes = ctypes.py_object, [ctypes.py_object]
        found = get(kind)
    return found
