"""A run: what one reading saw of one log stream, in order, since it was last cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from retryctl.core.history.id_search import IdSearch
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS


class StreamFragment:
    """What was seen of one stream, in order, since it was last cut."""

    __slots__ = (
        "between_tells",
        "context",
        "cut",
        "end",
        "first",
        "function",
        "group",
        "head",
        "head_context",
        "held",
        "json",
        "key",
        "last",
        "number",
        "open_at",
        "open_id",
        "own_end",
        "patience_ms",
        "placed_ms",
        "plain",
        "report",
        "report_at",
        "runtime",
        "shape",
        "start",
        "undecided_ms",
    )

    def __init__(self, number: int, key: tuple[str | None, str], first: bytes) -> None:
        self.number, self.key = number, key
        self.first = self.last = first
        self.held: list[Any] = []  # lines; events where the core has read them
        self.head: list[bytes] | None = None
        self.cut = b""
        self.context: list[Any] = []
        self.head_context: list[bytes] = []
        self.group: str | None = None
        self.placed_ms = 0
        self.patience_ms = LONGEST_ATTEMPT_MS
        self.json: bool | None = None
        self.runtime: str | None = None
        self.function: tuple[str | None] | None = None
        self.undecided_ms = 0
        self._forget()

    def _forget(self) -> None:
        self.open_id = self.own_end = b""
        self.open_at = self.report_at = -1
        self.start = self.end = 0
        self.report: tuple[int, int, int] | None = None
        self.plain = False
        self.between_tells = False
        self.shape: tuple[object, ...] = ()

    def opens(self, request_id: bytes, start_ms: int, line: bytes, token: object) -> None:
        """Begin an attempt with its START ``line``."""
        self.plain = not self.held  # else it was not cut, or an init was told
        self.open_id, self.own_end = request_id, request_id + b'\\n"'
        self.open_at, self.report_at = len(self.held), -1
        self.start, self.end, self.report = start_ms, 0, None
        self.between_tells = False
        self.shape = (token,)
        self.held.append(line)


@dataclass(slots=True, kw_only=True)
class ScannedChunk:
    """What one reading found; ``plain`` and ``others`` are dealt to parts by the request's ID.

    When it is over, ``pickled`` has the others, so that nobody unpickles them before their turn.
    """

    runs: list[StreamFragment] = field(default_factory=list)
    tangled: set[tuple[str | None, str]] = field(default_factory=set)
    plain: list[bytearray]
    others: list[list[tuple[int, Attempt]]]
    pickled: list[bytes] = field(default_factory=list)
    shapes: list[Attempt] = field(default_factory=list)
    log_groups: set[str] = field(default_factory=set)
    events: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    unrecognised: dict[int, set[str | int]] = field(default_factory=dict)
    web: set[str] = field(default_factory=set)
    id_search: IdSearch = field(default_factory=IdSearch)
    answers_search: bool = False
    odd: bool = False

    def forget_counts(self) -> None:
        """Drop the counts of a scan of some of the lines: a survey counted all of them."""
        self.events, self.first_ms, self.last_ms = 0, None, None
