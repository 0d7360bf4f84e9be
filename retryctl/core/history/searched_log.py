"""Detection of a log that is the saved result of a search for one request ID.

Such a log has no line without an ID: printed output and the error marker of some runtimes are
missing from it, so a failed attempt looks like a good one.
"""

from __future__ import annotations

import re
from typing import Final

from retryctl.core.model.coverage import Gap
from retryctl.core.model.events import REQUEST_ID

SEARCHED_BY_ID: Final = "searched-by-id"

_ID = re.compile(REQUEST_ID)


class IdSearch:
    """A fold over the messages of a log: whether each of them has one and the same request ID.

    Costs nothing after the first message without that ID.
    """

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: frozenset[str] | None = None

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

    def merge(self, other: IdSearch) -> None:
        """Add the messages that another fold read."""
        if other._ids is not None:
            self._ids = other._ids if self._ids is None else self._ids & other._ids

    @property
    def request_id(self) -> str | None:
        """The one ID of all messages; ``None`` where they have none or several in common.

        The bare START, END and REPORT of one attempt may be all that a silent function logged;
        they may as well be what a search found.
        """
        return next(iter(self._ids)) if self._ids and len(self._ids) == 1 else None


def searched_by_id(request_id: str, settle: str | None = None) -> Gap:
    """Return the gap of a log in which every event has ``request_id``.

    ``settle`` is the command that saves the window instead of the search.
    """
    return Gap(
        kind=SEARCHED_BY_ID,
        message=f"every event of this log has the request ID {request_id}: it is the result of a "
        "search, and lines without an ID (prints, counters, errors) are missing",
        settle=settle,
        hides_attempts=True,
        hides_lines=True,
    )
