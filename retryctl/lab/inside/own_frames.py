"""Tracebacks without the frames of this folder, as Lambda's have none of its own."""

from __future__ import annotations

import os
import sys
import traceback

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep


def hide_own_frames() -> None:
    """Let ``traceback``, ``logging`` and the runtime client skip the frames of this folder."""
    for name in ("walk_tb", "_walk_tb_with_full_positions"):  # the second since 3.11
        if hasattr(traceback, name):
            setattr(traceback, name, _without_own(getattr(traceback, name)))
    # The interpreter's own hook prints every frame of an error that ends the process.
    sys.excepthook = sys.__excepthook__ = lambda *error: traceback.print_exception(*error)


def _without_own(walk: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    def walk_others(tb: Any) -> Iterator[Any]:
        for step in walk(tb):
            if not os.path.abspath(step[0].f_code.co_filename).startswith(_OWN):
                yield step

    return walk_others
