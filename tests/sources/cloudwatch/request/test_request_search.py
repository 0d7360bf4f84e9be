"""A request is found with all of its lines, in few calls, over HTTP."""

from __future__ import annotations

import re
import time
from itertools import chain
from typing import Any

import pytest

from retryctl.errors import NoSuchLogGroup
from retryctl.sources.aws.client import AwsClient
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.request.requests_in_group import (
    GROUP,
    HOUR,
    MINUTE,
    NOW,
    OTHER_ID,
    REQUEST_ID,
    SECOND,
    START,
    STREAM,
    THIRD,
    THREE,
    YESTERDAY,
    assert_three,
    failing,
    look,
    messages,
    other,
    put_three,
    run,
    source,
)

pytestmark = pytest.mark.usefixtures("credentials")


def test_three_attempts_close_together_take_two_calls(endpoint: Endpoint) -> None:
    put_three(endpoint)
    found, coverage = look(source(endpoint.url))
    assert_three(found)
    assert coverage.gaps == ()
    assert coverage.source == "cloudwatch"
    assert coverage.log_groups == (GROUP,)
    assert coverage.events_read == sum(len(events) + 1 for events in THREE.values())
    assert endpoint.calls == {"DescribeLogGroups": 1, "FilterLogEvents": 2}
    assert coverage.api_calls == sum(endpoint.calls.values())
    assert coverage.horizon_ms == NOW
    assert coverage.since_ms is not None
    assert coverage.since_ms <= START + 190 * SECOND - 6 * HOUR


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("pause_ms", [SECOND, 60 * MINUTE])
def test_an_attempt_of_seven_lines_takes_at_most_60_kb(
    endpoint: Endpoint, attempts: int, pause_ms: int
) -> None:
    """Its streams are busy, with longer lines."""
    text = "order received " * 20
    events: list[tuple[str, int, str]] = []
    for number in range(attempts):
        at = START - number * pause_ms
        own = run(REQUEST_ID, at, ["0\n", "process A\n", "[ERROR] NameError: no", "one more"])
        others = (
            run(
                f"{number:04x}{n:04x}-1111-4222-8333-444455556666", at + (n - 300) * 500, [text] * 9
            )
            for n in range(600)
            if n != 300
        )
        lines = [*chain.from_iterable(others), *own]
        events += [(f"s/{number}", at_ms, message) for at_ms, message in lines]
    endpoint.load(GROUP, sorted(events, key=lambda event: event[1]))
    found, coverage = look(source(endpoint.url))
    assert len(found) == attempts
    assert all(len(lines) == 8 for lines in found.values())
    assert coverage.gaps == ()
    assert sum(endpoint.bytes_sent.values()) <= 60_000 * attempts


def test_nothing_found_costs_one_call(endpoint: Endpoint) -> None:
    put_three(endpoint)
    found, coverage = look(source(endpoint.url), OTHER_ID)
    assert found == {}
    assert coverage.gaps == ()
    assert endpoint.calls == {"DescribeLogGroups": 1, "FilterLogEvents": 1}


def test_an_attempt_before_since_is_looked_up(endpoint: Endpoint) -> None:
    put_three(endpoint)
    found, coverage = look(source(endpoint.url), since_ms=START + 180 * SECOND)
    assert_three(found)
    assert coverage.since_ms is not None
    assert coverage.since_ms <= START + 190 * SECOND - 6 * HOUR


@pytest.mark.parametrize("engine", ["filter", "insights"])
def test_nothing_is_read_from_until_on(endpoint: Endpoint, engine: Any) -> None:
    put_three(endpoint)
    cloudwatch = source(endpoint.url, engine=engine)
    until_ms = START + 63 * SECOND + 20  # in the middle of the second attempt
    found, coverage = look(cloudwatch, since_ms=START - MINUTE, until_ms=until_ms)
    assert set(found) == {STREAM, YESTERDAY}
    assert found[YESTERDAY][-1].startswith("[ERROR]")
    assert (coverage.until_ms, coverage.horizon_ms, coverage.gaps) == (until_ms, until_ms, ())


def test_an_attempt_hours_apart_is_found_within_the_event_age_and_not_beyond(
    endpoint: Endpoint,
) -> None:
    early = failing(REQUEST_ID, START - 5 * HOUR, 0, "A")
    endpoint.put(GROUP, STREAM, early)
    endpoint.put(GROUP, THIRD, failing(REQUEST_ID, START, 0, "A"))
    assert set(look(source(endpoint.url), since_ms=START - MINUTE)[0]) == {STREAM, THIRD}
    short = source(endpoint.url, event_age_ms=HOUR)
    assert set(look(short, since_ms=START - MINUTE)[0]) == {THIRD}


def test_several_requests_are_found_in_one_search(endpoint: Endpoint) -> None:
    put_three(endpoint)
    endpoint.put(GROUP, "s/4", failing(OTHER_ID, START - HOUR, 0, "A"))
    found, _ = look(source(endpoint.url), REQUEST_ID, OTHER_ID)
    assert set(found) == {*THREE, "s/4"}
    assert endpoint.calls["FilterLogEvents"] <= 3


def test_thirty_requests_are_more_than_one_pattern_holds(endpoint: Endpoint) -> None:
    wanted = [f"{number:08x}-1111-4222-8333-444455556666" for number in range(30)]
    endpoint.put(GROUP, STREAM, [(START - 9, "INIT_START Runtime Version: python:3.13.v74\n")])
    endpoint.put(GROUP, STREAM, [e for n in range(30) for e in other(n, START + n * SECOND)])
    found, _ = look(source(endpoint.url), *wanted)
    assert sum(line.startswith("START") for line in found[STREAM]) == 30
    assert endpoint.calls["GetLogEvents"] == 1  # they follow closely: one stretch


def test_two_attempts_of_one_stream_are_read_apart_and_once(endpoint: Endpoint) -> None:
    first, second = failing(REQUEST_ID, START, 0, "A"), failing(REQUEST_ID, START + MINUTE, 1, "B")
    endpoint.put(GROUP, STREAM, [*first, *other(7, START + 20 * SECOND), *second])
    endpoint.put(GROUP, THIRD, failing(REQUEST_ID, START + 3 * MINUTE, 0, "A"))
    found, _ = look(source(endpoint.url))
    own = [line for line in found[STREAM] if "00000007" not in line]
    assert own == messages([*first, *second])


def test_two_attempts_of_a_resting_environment_take_one_call(endpoint: Endpoint) -> None:
    first, second = failing(REQUEST_ID, START, 0, "A"), failing(REQUEST_ID, START + MINUTE, 1, "B")
    endpoint.put(GROUP, STREAM, [(START - 1, "INIT_START Runtime Version: python:3.13.v74\n")])
    endpoint.put(GROUP, STREAM, [*first, *second])
    found, _ = look(source(endpoint.url))
    assert found[STREAM][1:] == messages([*first, *second])
    assert endpoint.calls == {"DescribeLogGroups": 1, "FilterLogEvents": 2}


def test_init_before_start_and_late_lines_after_report_belong_to_the_attempt(
    endpoint: Endpoint,
) -> None:
    start = START
    events = [
        (start - 400, "INIT_START Runtime Version: python:3.13.v74\tRuntime Version ARN: arn\n"),
        (start - 100, "loading the model\n"),
        *run(REQUEST_ID, start, ["0\n"]),
        (start + 900, f"2026-11-23T02:30:00.900Z {REQUEST_ID} Task timed out after 3.00 seconds\n"),
        (start + 5 * SECOND, "stray background output\n"),
    ]
    endpoint.put(GROUP, STREAM, events)
    found, _ = look(source(endpoint.url))
    assert found[STREAM] == messages(events)[:-1]


def test_an_attempt_that_is_still_running_is_read_to_its_end(endpoint: Endpoint) -> None:
    events = run(REQUEST_ID, NOW - 2 * SECOND, ["0\n", "process A\n"])[:3]
    endpoint.put(GROUP, STREAM, [*other(1, NOW - HOUR), *events])
    found, coverage = look(source(endpoint.url))
    assert found[STREAM][1:] == messages(events)
    assert coverage.gaps == ()


def test_a_report_that_is_not_visible_yet_is_not_waited_for(endpoint: Endpoint) -> None:
    events = run(REQUEST_ID, NOW - 2 * SECOND, ["0\n"])
    endpoint.put(GROUP, STREAM, events[:2])
    endpoint.put(GROUP, STREAM, events[2:], lag_ms=8 * SECOND)
    assert look(source(endpoint.url))[0][STREAM] == messages(events[:2])
    endpoint.clock = lambda: NOW + 10 * SECOND
    assert look(source(endpoint.url, now=NOW + 10 * SECOND))[0][STREAM] == messages(events)


def test_a_mention_in_another_request_costs_no_call(endpoint: Endpoint) -> None:
    put_three(endpoint)
    caller = run(OTHER_ID, START, [f"invoked with request {REQUEST_ID}\n"])
    endpoint.put(GROUP, "s/caller", caller)
    assert_three(look(source(endpoint.url))[0])
    assert endpoint.calls == {"DescribeLogGroups": 1, "FilterLogEvents": 2}


def test_a_busy_stream_is_read_from_the_attempt_back_to_its_neighbour(endpoint: Endpoint) -> None:
    busy = [event for n in range(5000) for event in other(n, START - 5000 * 30 + n * 30)]
    endpoint.put(GROUP, STREAM, [*busy, *failing(REQUEST_ID, START, 0, "A")])
    found, _ = look(source(endpoint.url, timeout_ms=900 * SECOND))
    assert found[STREAM][1:] == messages(failing(REQUEST_ID, START, 0, "A"))
    assert endpoint.calls["GetLogEvents"] == 1


def test_without_any_platform_record_the_lines_with_the_id_are_read(endpoint: Endpoint) -> None:
    line = f'{{"timestamp":"t","level":"ERROR","message":"no","requestId":"{REQUEST_ID}"}}'
    endpoint.put(GROUP, STREAM, [(START - HOUR, "{}"), (START, line), (START + 1, "{}")])
    assert look(source(endpoint.url))[0] == {STREAM: [line, "{}"]}


def test_progress_tells_calls_and_finds(endpoint: Endpoint) -> None:
    put_three(endpoint)
    texts: list[str] = []
    look(source(endpoint.url, progress=texts.append))
    assert (shown := re.search(r"searching (.+): .* (\d+) calls, (\d+) lines found", texts[-1]))
    assert shown[1] == GROUP
    assert int(shown[2]) >= 2
    assert int(shown[3]) >= 9


def test_a_busy_group_is_searched_in_slices_newest_first() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=500) as endpoint:
        noise = [(f"s/{n % 7}", NOW - 24 * HOUR + n * 4320, f"noise {n}\n") for n in range(20_000)]
        endpoint.load(GROUP, noise)
        put_three(endpoint)
        found, coverage = look(source(endpoint.url))
        assert_three(found)
        full_scan = 20_000 / 500
        # how many depends on which of four calls at once is answered first
        assert endpoint.calls["FilterLogEvents"] < full_scan * 0.6
        assert coverage.gaps == ()


def test_moto_gives_the_same_attempts(moto_url: str) -> None:
    now = time.time_ns() // 1_000_000
    aws = AwsClient(endpoint_url=moto_url)
    group = f"/aws/lambda/moto-{now}"
    aws.call("logs", "CreateLogGroup", {"logGroupName": group})
    for stream, events in THREE.items():
        named = {"logGroupName": group, "logStreamName": stream}
        aws.call("logs", "CreateLogStream", named)
        shifted = [{"timestamp": at - NOW + now, "message": text} for at, text in events]
        noise = [{"timestamp": now - 2 * HOUR, "message": other(9, 0)[-1][1]}]
        aws.call("logs", "PutLogEvents", {**named, "logEvents": noise + shifted})
    found, coverage = look(source(moto_url, groups=(group,), now=now))
    assert {stream: lines[1:] for stream, lines in found.items()} == {
        stream: messages(events) for stream, events in THREE.items()
    }
    assert {gap.kind for gap in coverage.gaps} <= {"created"}
    with pytest.raises(NoSuchLogGroup):
        look(source(moto_url, groups=("/aws/lambda/nowhere",), now=now))


def test_ctrl_c_ends_a_search_of_many_groups(endpoint: Endpoint) -> None:
    groups = tuple(f"/aws/lambda/other-{number}" for number in range(30))
    for number, group in enumerate(groups):
        endpoint.put(group, "s", other(number, START))

    def interrupt(progress: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look(source(endpoint.url, groups=groups, progress=interrupt))
    assert endpoint.calls["FilterLogEvents"] < 30
