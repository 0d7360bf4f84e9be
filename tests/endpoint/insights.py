"""Logs Insights, for the program's own queries only; any other is refused.

A query is ``fields`` (all of ``_FIELDS``), at most one ``filter`` (``@message like "…"`` joined by
``or``, or ``@logStream in ["…"]``), ``sort @timestamp asc`` and ``limit``. Times are whole seconds,
both inclusive. Events younger than ``fresh_ms`` are not found yet.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Protocol

from tests.endpoint.errors import Refusal, invalid, no_such_group
from tests.endpoint.store import LogGroup

Request = dict[str, Any]
Answer = dict[str, Any]
Row = list[dict[str, str]]

_FIELDS = "fields @timestamp, @message, @logStream, @log"
_LIKE = re.compile(r'@message like "([^"]+)"')
_STREAMS = re.compile(r'@logStream in \[("[^"]+"(?:, "[^"]+")*)\]')
_LIMIT = re.compile(r"limit (\d+)")
_MOST_ROWS = 100_000
_PAGE_ROWS = 10_000
_CONCURRENT = 100
_PROGRESS = ("Scheduled", "Running")


class Groups(Protocol):
    """Whoever knows the groups by name or ARN."""

    def identified(self, identifier: str) -> LogGroup | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    phrases: tuple[str, ...]
    streams: frozenset[str]
    limit: int


@dataclass(slots=True, kw_only=True)
class _Run:
    """``polls`` is how often its results were asked for, ``done_at`` when it is done at last."""

    rows: list[Row]
    statistics: Answer
    done_at: float = 0.0
    polls: int = 0
    stopped: bool = False

    @property
    def status(self) -> str:
        if self.stopped:
            return "Cancelled"
        if self.polls <= len(_PROGRESS):
            return _PROGRESS[self.polls - 1]
        return "Complete" if time.monotonic() >= self.done_at else "Running"


class InsightsApi:
    def __init__(self, groups: Groups, clock: Callable[[], int], *, fresh_ms: int = 60_000) -> None:
        self._groups = groups
        self._clock = clock
        self._runs: dict[str, _Run] = {}
        self.fresh_ms = fresh_ms
        self.query_s = 0.0

    @property
    def running(self) -> int:
        """Queries that were neither read to their end nor stopped."""
        return sum(run.status not in ("Complete", "Cancelled") for run in self._runs.values())

    def start_query(self, request: Request) -> Answer:
        began = time.monotonic()
        query = _parse(request["queryString"])
        groups = self._asked_groups(request)
        since_s, until_s = request["startTime"], request["endTime"]
        if since_s > until_s:
            raise invalid("Query's end date and time is before its start date and time.")
        if self.running >= _CONCURRENT:
            raise Refusal("LimitExceededException", "Too many concurrent queries.")
        limit = min(query.limit, request.get("limit", query.limit))
        run = self._run(groups, query, since_s * 1000, (until_s + 1) * 1000, limit)
        query_id = f"00000000-0000-4000-8000-{len(self._runs):012d}"
        run.done_at = began + self.query_s
        self._runs[query_id] = run
        return {"queryId": query_id}

    def get_query_results(self, request: Request) -> Answer:
        run = self._known(request)
        token = request.get("nextToken")
        if token is None:
            run.polls += 1
        if run.status != "Complete":
            return {"results": [], "statistics": {}, "status": run.status}
        first = int(token or 0)
        answer: Answer = {
            "results": run.rows[first : first + _PAGE_ROWS],
            "statistics": run.statistics,
            "status": run.status,
        }
        if first + _PAGE_ROWS < len(run.rows):
            answer["nextToken"] = str(first + _PAGE_ROWS)
        return answer

    def stop_query(self, request: Request) -> Answer:
        run = self._known(request)
        if run.status in ("Complete", "Cancelled"):
            raise invalid("The specified query has ended.")
        run.stopped = True
        return {"success": True}

    def _known(self, request: Request) -> _Run:
        run = self._runs.get(request["queryId"])
        if run is None:
            raise Refusal("ResourceNotFoundException", "The specified query does not exist.")
        return run

    def _asked_groups(self, request: Request) -> list[LogGroup]:
        one = request.get("logGroupName")
        asked = [
            names
            for names in (
                [one] if one else None,
                request.get("logGroupNames"),
                request.get("logGroupIdentifiers"),
            )
            if names
        ]
        if len(asked) != 1 or len(asked[0]) > 50:
            raise invalid("Exactly one of the log group parameters is needed, of 1 to 50 groups.")
        groups = [self._groups.identified(name) for name in asked[0]]
        for group in groups:
            if group is None:
                raise no_such_group()
            if group.log_class == "DELIVERY":
                raise invalid("Queries are not supported for log groups of class DELIVERY.")
        return [group for group in groups if group is not None]

    def _run(
        self, groups: list[LogGroup], query: _Query, since_ms: int, until_ms: int, limit: int
    ) -> _Run:
        ranges = [(group, *group.between(since_ms, until_ms)) for group in groups]
        visible_by = self._clock() - self.fresh_ms
        found = sorted(
            (
                (*group.key(row), _result(group, row))
                for group, low, high in ranges
                for row in _candidates(group, query, low, high)
                if group.ingested[row] <= visible_by and _wanted(group, row, query)
            ),
            key=lambda item: item[:2],
        )
        return _Run(
            rows=[row for _, _, row in found[:limit]],
            statistics={
                "recordsMatched": float(len(found)),
                "recordsScanned": float(sum(high - low for _, low, high in ranges)),
                "bytesScanned": float(
                    sum(group.bytes_of(low, high) for group, low, high in ranges)
                ),
                "logGroupsScanned": float(len(groups)),
            },
        )


def _candidates(group: LogGroup, query: _Query, low: int, high: int) -> Iterable[int]:
    """The rows with one of the phrases, found without looking at each; or all of them."""
    if not query.phrases:
        return range(low, high)
    return {row for phrase in query.phrases for row in group.rows_with(phrase.encode(), low, high)}


def _wanted(group: LogGroup, row: int, query: _Query) -> bool:
    if query.streams and group.stream_name(row) not in query.streams:
        return False
    message = group.message(row)
    return not query.phrases or any(phrase in message for phrase in query.phrases)


def _result(group: LogGroup, row: int) -> Row:
    moment = datetime.fromtimestamp(group.timestamps[row] / 1000, timezone.utc)
    values = {
        "@timestamp": moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}",
        "@message": group.message(row),
        "@logStream": group.stream_name(row),
        "@log": f"{group.account}:{group.name}",
        "@ptr": group.event_id(row),
    }
    return [{"field": field, "value": value} for field, value in values.items()]


def _parse(text: str) -> _Query:
    parts = [part.strip() for part in text.split("\n| ")]
    if len(parts) < 3 or parts[0] != _FIELDS or parts[-2] != "sort @timestamp asc":
        raise _malformed(text)
    limit = _LIMIT.fullmatch(parts[-1])
    if limit is None or not 1 <= int(limit[1]) <= _MOST_ROWS:
        raise _malformed(parts[-1])
    phrases: tuple[str, ...] = ()
    streams: frozenset[str] = frozenset()
    for part in parts[1:-2]:
        kind, _, condition = part.partition(" ")
        if kind == "filter" and (match := _STREAMS.fullmatch(condition)):
            streams = frozenset(name.strip('"') for name in match[1].split(", "))
        elif kind == "filter" and all(_LIKE.fullmatch(c) for c in condition.split(" or ")):
            phrases = tuple(_LIKE.findall(condition))
        else:
            raise _malformed(part)
    return _Query(phrases=phrases, streams=streams, limit=int(limit[1]))


def _malformed(text: str) -> Refusal:
    return Refusal("MalformedQueryException", f"unexpected symbol found in: {text}")
