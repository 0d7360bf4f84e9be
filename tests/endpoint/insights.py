"""Logs Insights, for the program's own queries only (``insights_query``).

Times are whole seconds, both inclusive. Events younger than ``fresh_ms`` are not found yet. No
order is promised among the events of one millisecond, nor among the counts of bins. By ``order``
they are shuffled, in another way for each query and each ``seed``, reversed, or kept.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Literal, Protocol

from tests.endpoint.errors import Refusal, invalid
from tests.endpoint.insights_query import Query, field_of, parse
from tests.endpoint.store import OWN_ACCOUNT, LogGroup

Request = dict[str, Any]
Answer = dict[str, Any]
Row = list[dict[str, str]]

_PAGE_ROWS = 10_000
_CONCURRENT = 100
_PROGRESS = ("Scheduled", "Running")
_ENDED = ("Complete", "Cancelled", "Failed")


class Groups(Protocol):
    """Whoever knows the groups by name or ARN."""

    def identified(self, identifier: str) -> LogGroup | None: ...

    def check_class(self, operation: str, group: LogGroup) -> None: ...


# An event found: its group, and its key there, which stays when others are put before it.
_Found = tuple[LogGroup, int, int]


@dataclass(slots=True, kw_only=True)
class _Run:
    """``polls`` is how often its results were asked for, ``done_at`` when it is done at last.

    It has ``found`` events or has counted them, as ``rows``.
    """

    found: list[_Found]
    rows: list[Row]
    statistics: Answer
    unmask: bool = False
    done_at: float = 0.0
    polls: int = 0
    ended_as: str | None = None

    @property
    def status(self) -> str:
        if self.ended_as:
            return self.ended_as
        if self.polls <= len(_PROGRESS):
            return _PROGRESS[self.polls - 1]
        return "Complete" if time.monotonic() >= self.done_at else "Running"


class InsightsApi:
    def __init__(
        self,
        groups: Groups,
        clock: Callable[[], int],
        *,
        fresh_ms: int = 60_000,
        seed: int = 0,
    ) -> None:
        self._groups = groups
        self._clock = clock
        self._runs: dict[str, _Run] = {}
        self.fresh_ms = fresh_ms
        self.seed = seed
        self.order: Literal["shuffled", "reversed", "kept"] = "shuffled"
        self.query_s = 0.0

    @property
    def running(self) -> int:
        """Queries that were neither read to their end nor stopped."""
        return sum(run.status not in _ENDED for run in list(self._runs.values()))

    def fail(self) -> None:
        """What runs now fails."""
        for run in list(self._runs.values()):
            if run.status not in _ENDED:
                run.ended_as = "Failed"

    def start_query(self, request: Request) -> Answer:
        began = time.monotonic()
        query = parse(request["queryString"])
        groups = self._asked_groups(request)
        since_s, until_s = request["startTime"], request["endTime"]
        if since_s > until_s:
            raise invalid("Query's end date and time is before its start date and time.")
        oldest_ms = min(self._kept_since(group) for group in groups)
        if until_s * 1000 + 999 < oldest_ms:
            raise Refusal(
                "MalformedQueryException",
                "Query's end date and time is either before the log groups creation time or exceeds"
                " the log groups log retention settings.",
            )
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
            "results": run.rows[first : first + _PAGE_ROWS]
            or [
                _result(*found, unmask=run.unmask)
                for found in run.found[first : first + _PAGE_ROWS]
            ],
            "statistics": run.statistics,
            "status": run.status,
        }
        if first + _PAGE_ROWS < len(run.rows) + len(run.found):
            answer["nextToken"] = str(first + _PAGE_ROWS)
        return answer

    def stop_query(self, request: Request) -> Answer:
        run = self._known(request)
        if run.status in _ENDED:
            raise invalid("The specified query has ended.")
        run.ended_as = "Cancelled"
        return {"success": True}

    def _kept_since(self, group: LogGroup) -> int:
        days = group.retention_days
        kept = 0 if days is None else self._clock() - days * 86_400_000
        return max(group.created_ms, kept)

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
        groups = []
        for name in asked[0]:
            group = self._groups.identified(name)
            if group is None:
                raise Refusal(
                    "ResourceNotFoundException",
                    f"Log group '{name}' does not exist for account ID '{OWN_ACCOUNT}'",
                )
            self._groups.check_class("StartQuery", group)
            groups.append(group)
        return groups

    def _run(
        self, groups: list[LogGroup], query: Query, since_ms: int, until_ms: int, limit: int
    ) -> _Run:
        if query.unmask or query.only_indexed:
            _refuse_of_class(groups)
        ranges = [(group, *group.between(since_ms, until_ms)) for group in groups]
        visible_by = self._clock() - self.fresh_ms
        found = [
            (group, *group.key(row))
            for group, low, high in ranges
            for row in _candidates(group, query, low, high)
            if group.ingested[row] <= visible_by
            and query.wants(group.queried(row), group.stream_name(row))
        ]
        shuffled = Random(f"{self.seed}/{len(self._runs)}")
        if self.order == "shuffled":
            shuffled.shuffle(found)
        else:
            found.sort(key=lambda event: event[1:], reverse=self.order == "reversed")
        return _Run(
            found=[] if query.bin_ms else sorted(found, key=lambda event: event[1])[:limit],
            rows=_counts(found, query, shuffled)[:limit] if query.bin_ms else [],
            unmask=query.unmask,
            statistics={
                "recordsMatched": float(len(found)),
                "recordsScanned": float(sum(high - low for _, low, high in ranges)),
                "bytesScanned": float(
                    sum(_scanned(group, query, low, high) for group, low, high in ranges)
                ),
                "logGroupsScanned": float(len(groups)),
            },
        )


def _candidates(group: LogGroup, query: Query, low: int, high: int) -> Iterable[int]:
    """The rows with one of the phrases, found without looking at each; or all of them."""
    if query.field:
        since_ms = group.indexes.get(query.field)
        if query.only_indexed:
            low = high if since_ms is None else max(low, group.between(since_ms, 0)[0])
        return range(low, high)
    if query.regexes or not query.phrases or group.transformed:
        return range(low, high)
    return {row for phrase in query.phrases for row in group.rows_with(phrase.encode(), low, high)}


def _scanned(group: LogGroup, query: Query, low: int, high: int) -> int:
    """Bytes that a query reads: of indexed events only those with one of its values."""
    if not query.field or query.field not in group.indexes:
        return 0 if query.only_indexed else group.bytes_of(low, high)
    indexed = min(high, max(low, group.between(group.indexes[query.field], 0)[0]))
    rows = range(indexed, high)
    hit = (row for row in rows if field_of(group.queried(row), query.field) in query.values)
    return (0 if query.only_indexed else group.bytes_of(low, indexed)) + sum(map(group.size, hit))


def _refuse_of_class(groups: list[LogGroup]) -> None:
    if any(group.log_class != "STANDARD" for group in groups):
        raise Refusal(
            "MalformedQueryException",
            "filterIndex and unmask are not supported for log groups of this class.",
        )


def _counts(found: list[_Found], query: Query, shuffled: Random) -> list[Row]:
    """The bins that have events, each by its start, in any order."""
    counts = Counter(at_ms // query.bin_ms * query.bin_ms for _, at_ms, _ in found)
    bins = shuffled.sample(list(counts.items()), len(counts))
    return [_row({query.bin_name: _moment(at_ms), "events": str(count)}) for at_ms, count in bins]


def _result(group: LogGroup, at_ms: int, arrival: int, *, unmask: bool) -> Row:
    row = group.place(at_ms, arrival)
    unmasked = {"unmasked": group.queried(row, unmask=True)} if unmask else {}
    return _row(
        {
            "@timestamp": _moment(at_ms),
            "@message": group.queried(row),
            **unmasked,
            "@logStream": group.stream_name(row),
            "@log": f"{group.account}:{group.name}",
            "@ptr": group.event_id(row),
        }
    )


def _moment(at_ms: int) -> str:
    whole = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{whole}.{at_ms % 1000:03d}"


def _row(values: dict[str, str]) -> Row:
    return [{"field": field, "value": value} for field, value in values.items()]
