"""The log groups of a probe, and the calls that read them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import field
from secrets import token_hex
from typing import Any
from uuid import UUID

from retryctl.core.value_classes import state_class, value_class
from retryctl.errors import CouldNotRead, NoSuchLogGroup, Unreachable
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.daemon_pool import DaemonPool, PoolTask
from retryctl.sources.aws.errors import Refused
from retryctl.sources.cloudwatch.insights import usd_of

PREFIX = "/retryctl/probe/"
_USD_PER_GB_WRITTEN = 0.50
_LONGEST_QUERY_S = 60.0
_POLL_S = 0.5
_DELETIONS, _BETWEEN_DELETIONS_S = 4, 0.2
_MOST_EVENTS = 10_000  # of one PutLogEvents call


@state_class
class ProbeSession:
    """Two log groups with the sample in them. ``seconds`` and ``sleep`` are the clock.

    ``groups`` are those that exist, or may: ``creating`` is one whose creation was not answered.
    """

    aws: AwsClient
    sample: Sample
    seconds: Callable[[], float]
    sleep: Callable[[float], None]
    created_ms: int
    function: str | None = None
    tag: str = field(default_factory=lambda: token_hex(4))
    groups: list[str] = field(default_factory=list)
    creating: str | None = None
    put_at: float = 0.0
    bytes_written: int = 0
    bytes_scanned: float = 0.0

    @property
    def standard(self) -> str:
        """The log group of the class Standard."""
        return f"{PREFIX}{self.tag}/standard"

    @property
    def infrequent(self) -> str:
        """The log group of the class Infrequent Access."""
        return f"{PREFIX}{self.tag}/infrequent-access"

    @property
    def usd(self) -> float:
        """The price of what was written and scanned, in us-east-1."""
        return self.bytes_written / 1e9 * _USD_PER_GB_WRITTEN + usd_of(self.bytes_scanned)

    def call(self, operation: str, **request: Any) -> AwsResponse:
        """Call CloudWatch Logs. Raises the errors of ``retryctl.errors``."""
        subject = request.get("logGroupName", "a query of the probe")
        return self.aws.call("logs", operation, request, subject=subject)

    # ----------------------------------------------------------------------- the groups

    def fill(self) -> None:
        """Make both groups, and put the events into them."""
        for group, log_class in (
            (self.standard, "STANDARD"),
            (self.infrequent, "INFREQUENT_ACCESS"),
        ):
            self._create(group, log_class)
            self.call("PutRetentionPolicy", logGroupName=group, retentionInDays=1)
            self._put(group, "crafted", self.sample.crafted())
        self._put(self.standard, "many", self.sample.many())
        self.put_at = self.seconds()

    def _create(self, group: str, log_class: str) -> None:
        self.groups.append(group)
        self.creating = group
        try:
            self._make("CreateLogGroup", logGroupName=group, logGroupClass=log_class)
        except Unreachable:
            raise
        except CouldNotRead:
            self.groups.remove(group)
            raise
        self.creating = None

    def _make(self, operation: str, **request: Any) -> None:
        """Make what has a name of this probe; a call repeated for a lost answer finds it made."""
        try:
            self.call(operation, **request)
        except Refused as refused:
            if refused.code != "ResourceAlreadyExistsException":
                raise

    def _put(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        self._make("CreateLogStream", logGroupName=group, logStreamName=stream)
        for first in range(0, len(events), _MOST_EVENTS):
            batch = events[first : first + _MOST_EVENTS]
            self.call(
                "PutLogEvents",
                logGroupName=group,
                logStreamName=stream,
                logEvents=[{"timestamp": at, "message": message} for at, message in batch],
            )
        self.bytes_written += sum(len(text.encode()) + EVENT_OVERHEAD for _, text in events)

    def delete_groups(self) -> dict[str, PoolTask[bool]]:
        """Start to delete the groups. Each result is whether the group is still there."""
        pool = DaemonPool(2)
        return {group: pool.submit(self._kept, group) for group in self.groups}

    def _kept(self, group: str) -> bool:
        """Delete a group; one whose creation was not answered may come to exist a moment later."""
        for _ in range(_DELETIONS):
            try:
                self.call("DeleteLogGroup", logGroupName=group)
                return False
            except NoSuchLogGroup:
                if group != self.creating:
                    return False
                self.sleep(_BETWEEN_DELETIONS_S)
            except (CouldNotRead, MemoryError):
                return True
        return True

    # ----------------------------------------------------------------------- reading

    def filtered(self, pattern: str = "", **request: Any) -> list[AwsResponse]:
        """Every event of the Standard group that FilterLogEvents gives, page by page."""
        parameters: dict[str, Any] = {"logGroupName": self.standard, **request}
        if pattern:
            parameters["filterPattern"] = pattern
        options = {"subject": parameters["logGroupName"]}
        return [*self.aws.items("logs", "FilterLogEvents", parameters, "events", **options)]

    def streamed(self, **request: Any) -> list[AwsResponse]:
        """Return the events of the stream ``crafted`` that one GetLogEvents call gives."""
        answer = self.call(
            "GetLogEvents",
            logGroupName=self.standard,
            logStreamName="crafted",
            startFromHead=True,
            **request,
        )
        return list(answer["events"])

    def query(
        self,
        *commands: str,
        group: str = "",
        since_s: int | None = None,
        until_s: int | None = None,
    ) -> AwsResponse:
        """Run a query of Logs Insights to its end; by default on all of the Standard group."""
        started = self.call(
            "StartQuery",
            logGroupName=group or self.standard,
            startTime=self.sample.base_ms // 1000 if since_s is None else since_s,
            endTime=self.sample.end_ms // 1000 if until_s is None else until_s,
            queryString="\n| ".join(commands),
        )
        query_id = started["queryId"]
        try:
            return self._result(query_id)
        except CouldNotRead:  # after a signal, its group is deleted
            with contextlib.suppress(CouldNotRead):
                self.call("StopQuery", queryId=query_id)
            raise

    def _result(self, query_id: str) -> AwsResponse:
        began = self.seconds()
        while True:
            answer = self.call("GetQueryResults", queryId=query_id)
            if answer["status"] == "Complete":
                self.bytes_scanned += answer.get("statistics", {}).get("bytesScanned", 0.0)
                return answer
            if answer["status"] not in ("Scheduled", "Running"):
                raise CouldNotRead(f"the query ended as {answer['status']}")
            if self.seconds() - began > _LONGEST_QUERY_S:
                raise CouldNotRead(f"the query took longer than {_LONGEST_QUERY_S:.0f} s")
            self.sleep(_POLL_S)

    def wait_until(self, is_true: Callable[[], bool], most_s: float) -> float | None:
        """Return how long after the events were put ``is_true()`` was; ``None``: not in time."""
        while not is_true():
            if self.seconds() - self.put_at > most_s:
                return None
            self.sleep(_POLL_S)
        return self.seconds() - self.put_at


_PRIVATE = re.compile(r"arn:aws[\w-]*:\S+|\b\d{12}\b")


def anonymous(text: str) -> str:
    """Return ``text`` without account numbers and without ARNs, which name roles and users."""
    return _PRIVATE.sub("<removed>", text)


MANY = 12_000
"""Events of the stream ``many``, one each millisecond: more than one answer can return."""

_MANY_AFTER_MS = 10_000
EVENT_OVERHEAD = 26  # bytes that the service counts for each event beside its message

TIES = ("tie 3", "tie 1", "tie 2", "tie 1", "tie 0", "tie 4")
"""Events of one millisecond, in the order in which they are put. Two are equal."""

REQUEST_IDS = tuple(str(UUID(int=0x8F507CFC_0D3F_4697_B07A_AC58FC910000 + n)) for n in range(25))

LINES = (
    f"START RequestId: {REQUEST_IDS[0]} Version: $LATEST\n",
    "0\n",
    "process A\n",
    f"[ERROR] ValueError: no\nTraceback (most recent call last):\n  line of {REQUEST_IDS[0]}",
    f"END RequestId: {REQUEST_IDS[0]}\n",
    f"REPORT RequestId: {REQUEST_IDS[0]}\tDuration: 1.00 ms\tMemory Size: 128 MB\t\n",
    '{"time": "2026-01-01T00:00:00Z", "type": "platform.report", "record": {"requestId": "x"}}',
    "first line\nSTART RequestId: in a second line\n",
    "a path like a/b\n",
    "order 17 received\n",
    "\tat com.example.Handler.handle(Handler.java:7)\n",
    "say \\tat, écrit\n",
)


@value_class
class Sample:
    """The crafted events, from ``base_ms``, a whole second in epoch milliseconds."""

    base_ms: int

    @property
    def tie_ms(self) -> int:
        """The millisecond of all ``TIES``."""
        return self.base_ms + 1_000

    @property
    def edge_s(self) -> int:
        """The second of ``edge first`` and ``edge last``; ``edge next`` is after it."""
        return self.base_ms // 1000 + 2

    @property
    def ids_ms(self) -> int:
        """The time of the first of 25 events that name a request ID."""
        return self.base_ms + 5_000

    @property
    def end_ms(self) -> int:
        """After the last event."""
        return self.base_ms + _MANY_AFTER_MS + MANY

    def crafted(self) -> list[tuple[int, str]]:
        """Return the events of the stream ``crafted``, oldest first."""
        edge_ms = self.edge_s * 1000
        return [
            *((self.base_ms + place, line) for place, line in enumerate(LINES)),
            *((self.tie_ms, tie) for tie in TIES),
            *((edge_ms, "edge first"), (edge_ms + 999, "edge last"), (edge_ms + 1000, "edge next")),
            *((self.ids_ms + n, f"id-line {one}") for n, one in enumerate(REQUEST_IDS)),
        ]

    def many(self) -> list[tuple[int, str]]:
        """Return the events of the stream ``many``, oldest first."""
        return [(self.base_ms + _MANY_AFTER_MS + n, f"many {n:05d}") for n in range(MANY)]
