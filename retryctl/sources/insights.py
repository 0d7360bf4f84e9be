"""Logs Insights: the distributed engine, for groups that FilterLogEvents refuses or is slow in.

It is paid for by what it scans, finds what is older than about a minute, and takes whole seconds,
both ends included. Events of one millisecond come in no promised order, and without IDs; so where
GetLogEvents may read a group's streams, Insights only finds the attempts.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from retryctl.core.records import LogEvent
from retryctl.errors import CouldNotLook, Throttled
from retryctl.sources.aws import Answer, Aws
from retryctl.sources.log_groups import Description, LogGroup
from retryctl.sources.log_pages import Window
from retryctl.sources.mentions import Kind, Mention, Stretch, belonging, mentions
from retryctl.sources.request_search import Found, Reach
from retryctl.sources.slices import SlicePlan, merged

USD_PER_GB = 0.005
FRESH_MS = 120_000
_GB = 1e9
_MOST_ROWS = 10_000
_SHORTEST_MS = 2_000
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 2.0
_DEFAULT_AGE_MS = 30 * 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the queries on a group may cost (US dollars, ``None`` for any), and who is told."""

    max_cost_usd: float | None = None
    say: Callable[[str], None] = lambda sentence: None
    sleep: Callable[[float], None] = time.sleep


class Insights:
    """Queries on one log group. ``bytes_scanned`` is what they were charged for so far."""

    def __init__(
        self,
        aws: Aws,
        group: LogGroup,
        terms: Terms,
        *,
        describe: Callable[[LogGroup], Description],
        now_ms: int,
        halted: threading.Event,
    ) -> None:
        self._aws = aws
        self._group = group
        self._terms = terms
        self._describe = describe
        self._now_ms = now_ms
        self._halted = halted
        self.bytes_scanned = 0.0

    def search(
        self, request_ids: Sequence[str], windows: Sequence[Window], reach: Reach, before: Found
    ) -> Found:
        """The mentions in ``windows``, and in all of the time that other attempts can take.

        What came of the search ``before`` is taken over. Raises CouldNotLook where a query would
        cost more than the terms allow.
        """
        found = Found(mentions=list(before.mentions))
        plan = SlicePlan(windows[0], before.done)
        plan.aim = tuple(merged(windows))
        condition = " or ".join(f'@message like "{request_id}"' for request_id in request_ids)
        self._announce(plan.rest())
        while (part := plan.take()) is not None:
            for event in self._rows(part.window, condition):
                found.add(mentions(event, request_ids))
            plan.finished(part, pages=1)
            around = [reach.around(own, self._now_ms) for own in _by_request(found.mentions)]
            plan.aim = tuple(merged([*plan.aim, *around]))
        found.done = plan.done
        return found

    def read(self, stretch: Stretch) -> list[LogEvent]:
        """The events of a stretch, for a group whose streams GetLogEvents refuses."""
        since_ms = max(stretch.since_ms, stretch.lead_ms, 0)
        window = Window(since_ms=since_ms, until_ms=stretch.window.until_ms)
        condition = f'@logStream in ["{stretch.log_stream}"]'
        return belonging(list(self._rows(window, condition)), stretch)

    def tell_what_was_scanned(self) -> None:
        """To be called when all is read."""
        self._terms.say(
            f"Logs Insights scanned {_amount(self.bytes_scanned)} of {self._group.name}."
        )

    def _announce(self, windows: Sequence[Window]) -> None:
        size = self._estimate(windows)
        self._refuse_above(size)
        about = "an unknown amount" if size is None else f"about {_amount(size)}"
        self._terms.say(f"Logs Insights will scan {about} of {self._group.name}.")

    def _refuse_above(self, size: float | None) -> None:
        """Whether the terms allow to scan so many bytes more."""
        allowed = self._terms.max_cost_usd
        if allowed is None or (size is not None and _usd(self.bytes_scanned + size) <= allowed):
            return
        cost = (
            "an unknown amount" if size is None else f"about {_amount(self.bytes_scanned + size)}"
        )
        raise CouldNotLook(
            f"Logs Insights would scan {cost} of {self._group.name}, "
            f"and --max-cost allows ${allowed:g}",
            "Shorten the window with --since, raise --max-cost, or use --engine filter "
            "where the group's class allows it.",
        )

    def _estimate(self, windows: Sequence[Window]) -> float | None:
        """Bytes, as if the group had grown evenly; ``None`` where its size is not known."""
        known = self._describe(self._group)
        if known.stored_bytes is None:
            return None
        began_ms = max(
            known.created_ms or self._now_ms - _DEFAULT_AGE_MS,
            known.kept_since_ms(self._now_ms) or 0,
        )
        age_ms = max(1, self._now_ms - began_ms)
        asked_ms = sum(window.until_ms - window.since_ms for window in windows)
        return known.stored_bytes * min(1.0, asked_ms / age_ms)

    # ----------------------------------------------------------------------- one query

    def _rows(self, window: Window, condition: str) -> Iterator[LogEvent]:
        """The events of ``window`` that meet ``condition``, oldest first.

        Where there are more than one answer holds, the window is halved.
        """
        answer = self._query(window, condition)
        rows = answer["results"]
        statistics = answer.get("statistics", {})
        self.bytes_scanned += statistics.get("bytesScanned", 0.0)
        length_ms = window.until_ms - window.since_ms
        if statistics.get("recordsMatched", 0) > len(rows) and length_ms > _SHORTEST_MS:
            middle_ms = (window.since_ms + length_ms // 2) // 1000 * 1000
            for half in (
                Window(since_ms=window.since_ms, until_ms=middle_ms),
                Window(since_ms=middle_ms, until_ms=window.until_ms),
            ):
                yield from self._rows(half, condition)
            return
        for row in rows:
            event = self._event({cell["field"]: cell["value"] for cell in row})
            if window.since_ms <= event.timestamp_ms < window.until_ms:
                yield event

    def _query(self, window: Window, condition: str) -> Answer:
        self._refuse_above(self._estimate([window]))
        text = (
            "fields @timestamp, @message, @logStream, @log\n"
            f"| filter {condition}\n"
            "| sort @timestamp asc\n"
            f"| limit {_MOST_ROWS}"
        )
        started = self._aws.call(
            "logs",
            "StartQuery",
            {
                "logGroupIdentifiers": [self._group.identifier or self._group.name],
                "startTime": window.since_ms // 1000,
                "endTime": (window.until_ms - 1) // 1000,  # the whole second is included
                "queryString": text,
            },
            expect="queryId",
            subject=self._group.name,
        )
        try:
            return self._result(started["queryId"])
        except BaseException:  # also Ctrl-C: what runs on is paid for
            self._stop(started["queryId"])
            raise

    def _result(self, query_id: str) -> Answer:
        wait_s = _FIRST_WAIT_S
        while True:
            answer = self._aws.call(
                "logs",
                "GetQueryResults",
                {"queryId": query_id},
                expect="status",
                subject=self._group.name,
            )
            if answer["status"] == "Complete":
                return answer
            if answer["status"] not in ("Scheduled", "Running"):
                raise Throttled(
                    f"the query on {self._group.name} ended as {answer['status']}",
                    "Try again, with a shorter --since or with --engine filter.",
                )
            self._terms.sleep(wait_s)
            if self._halted.is_set():
                raise KeyboardInterrupt
            wait_s = min(_LONGEST_WAIT_S, wait_s * 1.5)

    def _stop(self, query_id: str) -> None:
        with contextlib.suppress(CouldNotLook):  # it may have ended by itself
            self._aws.call("logs", "StopQuery", {"queryId": query_id}, subject=self._group.name)

    def _event(self, row: dict[str, str]) -> LogEvent:
        moment = datetime.strptime(row["@timestamp"], "%Y-%m-%d %H:%M:%S.%f")
        return LogEvent(
            timestamp_ms=round(moment.replace(tzinfo=timezone.utc).timestamp() * 1000),
            message=row.get("@message", ""),
            log_stream=row.get("@logStream"),
            log_group=self._group.name,
        )


def _by_request(found: Sequence[Mention]) -> list[list[Mention]]:
    own = [mention for mention in found if mention.kind is not Kind.TEXT]
    return [
        [mention for mention in own if mention.request_id == request_id]
        for request_id in {mention.request_id for mention in own}
    ]


def _usd(size: float) -> float:
    return size / _GB * USD_PER_GB


def _amount(size: float) -> str:
    """``1.2 GB ($0.006)``."""
    unit, scale = ("GB", _GB) if size >= _GB else ("MB", 1e6)
    return f"{size / scale:.1f} {unit} (${_usd(size):.3f})"
