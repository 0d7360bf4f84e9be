"""Handlers for the lab's tests, each written to a file of its own, and the labs that run them."""

import signal
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retryctl.lab.lab import LabEvent
from retryctl.lab.plugin import HandlerLab

REPOSITORY = Path(__file__).resolve().parents[3]
ORIGINAL = REPOSITORY.parent / "shared" / "original" / "handler.py"
EXAMPLE = REPOSITORY / "examples" / "tmp_counter_by_hand.py"
ORDER = {"order": {"number": 1, "items": 3}}
"""An order that the example cannot ship: it has no address."""


def lab_of(folder: Path, source: str, **settings: Any) -> HandlerLab:
    """A lab for the function ``handler`` in a module of this source."""
    (folder / "app.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return HandlerLab.open(settings.pop("handler", "app.py:handler"), folder, **settings)


def hear_interrupts() -> None:
    """Let a child be interrupted, also where the tests run in a shell's background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def written(events: Sequence[LabEvent]) -> list[str]:
    """What the function and its runtime client wrote."""
    return [one.event.message for one in events if one.source == "function"]


def platform(events: Sequence[LabEvent]) -> list[str]:
    """What the lab wrote in Lambda's stead."""
    return [one.event.message for one in events if one.source == "platform"]
