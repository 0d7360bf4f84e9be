"""A stream in which several attempts are open at once: lines go by their own request ID."""

from __future__ import annotations

from collections.abc import Sequence

from retryctl.core.brackets import CLOSING, Bracket, Line, is_repeat, settle, within
from retryctl.core.records import End, Report, Start


class Interleaved:
    """A stream of Managed Instances, or all the streams of a log that does not name them."""

    def __init__(self, lines: Sequence[Line], *, managed: bool) -> None:
        self.lines = lines
        self.managed = managed
        self.brackets: list[Bracket] = []
        self.latest: dict[str, Bracket] = {}
        self.open: dict[str, Bracket] = {}
        self.between: list[Line] = []

    def read(self) -> list[Bracket]:
        """The attempts, in the order in which they were opened."""
        for line in self.lines:
            self._read(line)
        settle(self.between, self.brackets[-1] if self.brackets else None, None)
        return self.brackets

    def _read(self, line: Line) -> None:
        event, record = line
        request_id = getattr(record, "request_id", None)
        known = self.latest.get(request_id) if request_id else None
        if isinstance(record, Start):
            if known and request_id in self.open and within(known.body[0][0], event):
                known.add(line)
            else:
                self._open(line, record.request_id)
        elif isinstance(record, CLOSING):
            if known and (request_id in self.open or is_repeat(known, line)):
                known.add(line)
            else:
                self._open(line, record.request_id)
            if isinstance(record, (End, Report)):
                self.open.pop(record.request_id, None)
        elif known:
            (known.body if request_id in self.open else known.late).append(line)
        elif not self.open:
            self.between.append(line)
        elif len(self.open) == 1 and not self.managed:
            next(iter(self.open.values())).add(line)

    def _open(self, line: Line, request_id: str) -> None:
        event, record = line
        bracket = Bracket(
            request_id=request_id,
            log_group=event.log_group,
            log_stream=event.log_stream,
            start=event if isinstance(record, Start) else None,
            json=getattr(record, "json", False),
            managed=self.managed,
            after_another=bool(self.brackets),
        )
        if not self.open:
            settle(self.between, self.brackets[-1] if self.brackets else None, bracket)
            self.between = []
        bracket.add(line)
        self.brackets.append(bracket)
        self.latest[request_id] = self.open[request_id] = bracket
