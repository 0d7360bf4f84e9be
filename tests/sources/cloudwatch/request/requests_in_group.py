"""Requests in the streams of a log group, and a search for them over HTTP."""

from __future__ import annotations

from typing import Any

from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.cloudwatch.request_source import RequestSource
from tests.endpoint.server import Endpoint
from tests.support import lambda_log

GROUP = "/aws/lambda/orders-worker"
REQUEST_ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
OTHER_ID = "0e1ba5e6-55d1-4e9a-9bbb-3ad5d9f0a1c2"
NOW = 1_795_402_800_000  # 2026-11-23T03:00:00Z
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
STREAM = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"
YESTERDAY = "2026/11/22/[$LATEST]aaaa456789abcdef0123456789abcdef"
THIRD = "2026/11/23/[$LATEST]bbbb456789abcdef0123456789abcdef"
Event = tuple[int, str]


def run(request_id: str, at: int, lines: list[str], took: int = 50) -> list[Event]:
    """What one run of a function leaves in its stream."""
    body = [(at + 1, line) for line in lines]
    done = at + took
    return [
        (at, lambda_log.start(request_id)),
        *body,
        (done, lambda_log.end(request_id)),
        (done, lambda_log.report(request_id, took)),
    ]


def failing(request_id: str, at: int, counter: int, branch: str) -> list[Event]:
    trace = f"[ERROR] NameError: name 'x' is not defined\nTraceback (most recent call last):\n{at}"
    return run(request_id, at, [f"{counter}\n", f"process {branch}\n", trace])


def other(number: int, at: int) -> list[Event]:
    return run(f"{number:08x}-1111-4222-8333-444455556666", at, [f"order {number}\n"], took=20)


def source(
    url: str, *, groups: tuple[str, ...] = (GROUP,), now: int = NOW, **given: Any
) -> RequestSource:
    return RequestSource(
        AwsClient(endpoint_url=url, max_attempts=given.pop("max_attempts", 8)),
        groups=groups,
        clock=lambda: now,
        timeout_ms=given.pop("timeout_ms", 3 * SECOND),
        **given,
    )


def look(
    cloudwatch: RequestSource, *request_ids: str, **window: Any
) -> tuple[dict[str, list[str]], Coverage]:
    """The messages of each stream, in the order of ``position``, and the coverage."""
    read = list(cloudwatch.read(LogQuery(request_ids=request_ids or (REQUEST_ID,), **window)))
    streams: dict[str, list[LogEvent]] = {}
    for event in read:
        streams.setdefault(event.log_stream or "", []).append(event)
    for events in streams.values():
        assert [event.position for event in events] == list(range(len(events)))
        times = [event.timestamp_ms for event in events]
        assert times == sorted(times)
    found = {name: [event.message for event in events] for name, events in streams.items()}
    return found, cloudwatch.coverage()


def messages(events: list[Event]) -> list[str]:
    return [message for _, message in events]


START = NOW - 30 * MINUTE
THREE = {
    STREAM: failing(REQUEST_ID, START, 0, "A"),
    YESTERDAY: failing(REQUEST_ID, START + 63 * SECOND, 0, "A"),
    THIRD: failing(REQUEST_ID, START + 190 * SECOND, 0, "A"),
}


def put_three(endpoint: Endpoint, group: str = GROUP) -> None:
    """Three attempts in three streams, each between requests of others."""
    for number, (stream, events) in enumerate(THREE.items()):
        before = other(number, events[0][0] - 2 * SECOND)
        after = other(number + 100, events[-1][0] + 10 * SECOND)
        endpoint.put(group, stream, [*before, *events, *after])


def assert_three(found: dict[str, list[str]]) -> None:
    """Each attempt whole, after the REPORT of the request before it."""
    assert set(found) == set(THREE)
    for stream, events in THREE.items():
        assert found[stream][0].startswith("REPORT RequestId: 0000000")
        assert found[stream][1:] == messages(events)
