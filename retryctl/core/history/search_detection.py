"""Detection of a log that is the saved result of a search for one request ID.

Such a log has no line without an ID: printed output and the error marker of some runtimes are
missing from it, so a failed attempt seems to be a good one.
"""

from __future__ import annotations

import re
from typing import Final

from retryctl.core.model.coverage import Gap
from retryctl.core.model.events import REQUEST_ID

SEARCHED_BY_ID: Final = "searched-by-id"

_ID = re.compile(REQUEST_ID)
_START = re.compile(r'\s*START RequestId: |.*"type": ?"platform\.start"', re.S)
_COLD = re.compile(r"\tInit Duration: |\"initDurationMs\"")
_ENDS = ("END RequestId: ", "REPORT RequestId: ")


class IdSearch:
    """A fold over the messages of a log: whether each of them has one and the same request ID.

    Costs nothing after the first message without that ID.
    """

    __slots__ = ("_cold", "_events", "_ids", "_others", "_starts")

    def __init__(self) -> None:
        self._ids: frozenset[str] | None = None
        self._events = self._starts = self._others = 0
        self._cold = False

    @property
    def open(self) -> bool:
        """Whether a further message could change the result."""
        return self._ids is None or bool(self._ids)

    def add(self, message: str) -> None:
        """Read one more message."""
        if not self.open:
            return
        if self._ids is None:
            ids = frozenset(found.lower() for found in _ID.findall(message))
        else:
            text = message.lower()
            ids = frozenset(each for each in self._ids if each in text)
        self._ids = ids
        self._events += 1
        if _START.match(message):
            self._starts += 1
        elif not message.startswith(_ENDS) and '"platform.' not in message:
            self._others += 1
        self._cold = self._cold or bool(_COLD.search(message))

    def merge(self, other: IdSearch) -> None:
        """Add the messages that another fold read."""
        if other._ids is None:
            return
        self._ids = other._ids if self._ids is None else self._ids & other._ids
        self._events += other._events
        self._starts += other._starts
        self._others += other._others
        self._cold |= other._cold

    def request_id(self, *, answers_search: bool = False) -> str | None:
        """Return the ID that was searched for; ``None`` where this is not the result of a search.

        ``answers_search``: the format is one that a search gives. Elsewhere the bare START, END
        and REPORT of one attempt are the whole log of a silent function.
        """
        if not self._ids or len(self._ids) > 1:
            return None
        proved = answers_search or self._starts > 1 or self._others or self._cold
        return next(iter(self._ids)) if proved else None


def searched_by_id(request_id: str, settle: str | None = None) -> Gap:
    """Return the gap of a log in which every event has ``request_id``.

    ``settle`` is the command that saves the window instead of the search.
    """
    return Gap(
        kind=SEARCHED_BY_ID,
        message=f"every event of this log has the request ID {request_id}: it may be the result "
        "of a search by ID, without the lines that have no ID (prints, counters, errors)",
        settle=settle,
        hides_attempts=True,
        hides_lines=True,
    )
