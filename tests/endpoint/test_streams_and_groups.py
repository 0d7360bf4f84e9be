"""Streams and groups of the strict endpoint: GetLogEvents and the Describe calls."""

from __future__ import annotations

from typing import Any

from tests.endpoint.clients import GROUP, NOW, client, texts
from tests.endpoint.server import Endpoint


def test_a_stream_is_read_in_both_directions(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "other", [(NOW - 3, "not this")])
    endpoint.put(GROUP, "a", [(NOW - 5, str(n)) for n in range(5)])
    asked: dict[str, Any] = {"logGroupName": GROUP, "logStreamName": "a", "limit": 2}
    page = logs.get_log_events(**asked, startFromHead=True)
    assert texts(page) == ["0", "1"]
    page = logs.get_log_events(**asked, startFromHead=True, nextToken=page["nextForwardToken"])
    assert texts(page) == ["2", "3"]
    page = logs.get_log_events(**asked)
    assert texts(page) == ["3", "4"]
    assert all("eventId" not in event for event in page["events"])
    page = logs.get_log_events(**asked, nextToken=page["nextBackwardToken"])
    assert texts(page) == ["1", "2"]
    page = logs.get_log_events(**asked, nextToken=page["nextBackwardToken"])
    assert texts(page) == ["0"]
    end = logs.get_log_events(**asked, nextToken=page["nextBackwardToken"])
    assert texts(end) == []
    assert end["nextBackwardToken"] == page["nextBackwardToken"]


def test_the_end_of_a_streams_window_is_exclusive(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "a", [(NOW - 2, "1"), (NOW - 1, "2")])  # moto takes it as inclusive
    asked = {"logGroupName": GROUP, "logStreamName": "a", "startFromHead": True}
    assert texts(logs.get_log_events(**asked, startTime=NOW - 2, endTime=NOW - 1)) == ["1"]


def test_a_forward_token_finds_what_came_later(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "a", [(NOW - 5, "1")])
    asked = {"logGroupName": GROUP, "logStreamName": "a", "startFromHead": True}
    token = logs.get_log_events(**asked)["nextForwardToken"]
    endpoint.put(GROUP, "a", [(NOW - 4, "2")])
    assert texts(logs.get_log_events(**asked, nextToken=token)) == ["2"]


def test_groups_are_described_in_full_by_prefix_only(endpoint: Endpoint, logs: Any) -> None:
    endpoint.group("/aws/lambda/a", created_ms=7, retention_days=14, log_class="DELIVERY")
    endpoint.put("/aws/lambda/a", "s", [(NOW, "four")])
    (full,) = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/a")["logGroups"]
    assert (full["logGroupClass"], full["retentionInDays"], full["creationTime"]) == (
        "DELIVERY",
        14,
        7,
    )
    assert full["storedBytes"] == 30
    (brief,) = logs.describe_log_groups(logGroupNamePattern="lambda/a")["logGroups"]
    assert set(brief) == {"arn", "creationTime", "logGroupName"}


def test_groups_come_fifty_at_a_time(endpoint: Endpoint, logs: Any) -> None:
    for n in range(60):
        endpoint.group(f"/many/{n:02d}")
    first = logs.describe_log_groups(logGroupNamePrefix="/many/")
    rest = logs.describe_log_groups(logGroupNamePrefix="/many/", nextToken=first["nextToken"])
    assert (len(first["logGroups"]), len(rest["logGroups"]), "nextToken" in rest) == (50, 10, False)


def test_the_last_event_of_a_stream_is_told_an_hour_late() -> None:
    now = NOW
    with Endpoint(clock=lambda: now) as endpoint:
        endpoint.put(GROUP, "a", [(NOW - 10, "x")])
        logs = client(endpoint.url)
        (stream,) = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
        assert "lastEventTimestamp" not in stream
        now += 3_600_000
        (stream,) = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
        assert stream["lastEventTimestamp"] == NOW - 10
