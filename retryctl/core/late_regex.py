"""Regular expressions that are compiled when they are first used.

A command uses few of those in the modules that it imports, and compiling all of them took a tenth
of its start-up.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def late_regex(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what works as ``re.compile(pattern, flags)`` does."""
    return cast("re.Pattern[AnyStr]", _LateRegex(pattern, flags))


class _LateRegex:
    """Compiles the pattern when one of its methods is first read, and keeps each method."""

    def __init__(self, pattern: Any, flags: int) -> None:
        self._source = pattern, flags

    def __reduce__(self) -> tuple[Any, ...]:
        return late_regex, self._source

    def __getattr__(self, name: str) -> Any:
        method = getattr(re.compile(*self._source), name)
        setattr(self, name, method)
        return method
