"""The counter that reads the function's own log, against a server over HTTP."""

import json
import time
from typing import Any

import pytest

from retryctl.counters import LogsCounter
from tests.counters.aws_counters import GROUP, OTHER_ID, OTHER_STREAM, at_once, make
from tests.support.counters_world import REQUEST_ID, STREAM, Aws
from tests.support.lambda_log import end, platform, report, start


def log(aws: Aws, stream: str, *events: Any) -> None:
    """Put ``(seconds before now, message)`` into a stream."""
    now_ms = int(time.time() * 1000)
    aws.client("logs").put_log_events(
        logGroupName=GROUP,
        logStreamName=stream,
        logEvents=[
            {"timestamp": now_ms - int(ago * 1000), "message": message} for ago, message in events
        ],
    )


START, END, REPORT = start(REQUEST_ID), end(REQUEST_ID), report(REQUEST_ID)


def platform_record(kind: str, request_id: str = REQUEST_ID) -> str:
    return platform(kind, {"requestId": request_id})


PLATFORM_START = platform_record("start")


def test_logs_count_the_starts_before_this_one(aws: Aws) -> None:
    counter = make(aws, "logs")
    log(aws, STREAM, (70, START), (69, END), (69, REPORT))
    log(aws, OTHER_STREAM, (200, START), (199, END), (199, REPORT))
    assert counter.count(REQUEST_ID) == 2, "its own START is not visible yet"
    log(aws, STREAM, (0, START))
    assert counter.count(REQUEST_ID) == 2, "its own START is visible"
    assert counter.record(REQUEST_ID) is None


def test_logs_count_platform_records_of_the_json_format(aws: Aws) -> None:
    log(
        aws,
        STREAM,
        (70, PLATFORM_START),
        (69, platform_record("report")),
        (0, PLATFORM_START),
    )
    log(aws, OTHER_STREAM, (300, PLATFORM_START))
    assert make(aws, "logs").count(REQUEST_ID) == 2


def test_logs_count_no_mere_mention_and_no_other_request(aws: Aws) -> None:
    mentions = [
        f"{REQUEST_ID} failed",
        f"START RequestId: {OTHER_ID} Version: $LATEST",
        f"retrying: {START}",
        f"RequestId: {REQUEST_ID} Error: Runtime exited with error: exit status 1",
        platform_record("start", OTHER_ID),
        platform_record("initStart"),
        json.dumps({"type": "platform.start", "record": REQUEST_ID}),
        json.dumps([REQUEST_ID]),
        f'{{"cut off": "{REQUEST_ID}',
    ]
    log(aws, OTHER_STREAM, *((90, message) for message in mentions))
    assert make(aws, "logs").count(REQUEST_ID) == 0


def test_logs_look_back_over_the_longest_life_of_an_event(aws: Aws) -> None:
    log(aws, OTHER_STREAM, (6 * 3600 + 1_800, START))
    assert make(aws, "logs").count(REQUEST_ID) == 1


def test_logs_are_wrong_only_where_they_come_later_than_a_retry(aws: Aws) -> None:
    counter = make(aws, "logs")
    # The attempt before ran here and its END has not come through: it is taken for this one.
    log(aws, STREAM, (70, START))
    assert counter.count(REQUEST_ID) == 0
    log(aws, STREAM, (69, END))
    assert counter.count(REQUEST_ID) == 1


def test_logs_read_page_after_page(aws: Aws) -> None:
    counter = make(aws, "logs")
    counter.client.meta.events.register(
        "before-parameter-build.logs.FilterLogEvents", lambda params, **_: params.update(limit=2)
    )
    pages = []
    counter.client.meta.events.register(
        "after-call.logs.FilterLogEvents", lambda **_: pages.append(1)
    )
    log(aws, OTHER_STREAM, *((100 + n, START) for n in range(5, 0, -1)))
    assert counter.count(REQUEST_ID) == 5
    assert len(pages) >= 3


def test_logs_count_fifty_threads_at_once_alike(aws: Aws) -> None:
    counter = make(aws, "logs")
    log(aws, OTHER_STREAM, (90, START), (89, END))
    assert set(at_once(50, lambda: counter.count(REQUEST_ID))) == {1}


def test_logs_know_the_functions_own_group_and_stream(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_GROUP_NAME", GROUP)
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", STREAM)
    log(aws, STREAM, (70, START), (69, END), (0, START))
    assert LogsCounter(client=aws.client("logs")).count(REQUEST_ID) == 1
