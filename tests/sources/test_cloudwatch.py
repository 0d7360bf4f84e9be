"""CloudWatch as a source: over HTTP with boto3, against the strict endpoint and against moto."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from itertools import chain
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest

from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.errors import (
    AccessDenied,
    CouldNotLook,
    ExitStatus,
    LoginExpired,
    NoCredentials,
    NoSuchLogGroup,
    Throttled,
    Unreachable,
    UsageError,
)
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.function_discovery import discover
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.pages import TimeRange, matching_pages
from retryctl.sources.cloudwatch.request_source import RequestSource
from retryctl.sources.cloudwatch.search_options import QueryBudget
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

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(clock=lambda: NOW) as running:
        running.group(GROUP)
        yield running


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


# --------------------------------------------------------------------------- finding


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
    cloudwatch = source(endpoint.url, engine=engine, terms=QueryBudget(sleep=lambda _: None))
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


# --------------------------------------------------------------------------- busy groups


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


# --------------------------------------------------------------------------- groups


def test_a_group_of_another_account_is_read_by_its_arn(endpoint: Endpoint) -> None:
    theirs = endpoint.group(GROUP, account="999999999999")
    for stream, events in THREE.items():
        endpoint.put(theirs, stream, events)
    found, coverage = look(source(endpoint.url, groups=(f"{theirs.arn}:*",)))
    assert {stream: len(lines) for stream, lines in found.items()} == dict.fromkeys(THREE, 6)
    assert coverage.log_groups == (GROUP,)


def test_groups_by_pattern(endpoint: Endpoint) -> None:
    endpoint.put("/aws/lambda/orders-api", "s", failing(REQUEST_ID, START, 0, "A"))
    endpoint.put("/aws/lambda/billing", "s", failing(REQUEST_ID, START, 0, "A"))
    put_three(endpoint)
    cloudwatch = source(endpoint.url, groups=("/aws/lambda/orders-*",))
    found, coverage = look(cloudwatch)
    assert coverage.log_groups == ("/aws/lambda/orders-api", GROUP)
    assert set(found) == {"s", *THREE}
    with pytest.raises(NoSuchLogGroup, match=r"no log group matches /x/\*"):
        look(source(endpoint.url, groups=("/x/*",)))


def test_lines_that_data_protection_masks_are_a_gap(endpoint: Endpoint) -> None:
    group = endpoint.group("/masked", data_protection="ACTIVATED")
    endpoint.put(group, STREAM, run(REQUEST_ID, START, ["card ****************\n"]))
    (gap,) = look(source(endpoint.url, groups=("/masked",)))[1].gaps
    assert (gap.kind, gap.hides_attempts) == ("masked", False)
    assert gap.message == "data protection of /masked masks parts of its lines (1 here)"


def test_without_a_function_every_group_of_lambda_is_searched(endpoint: Endpoint) -> None:
    for number in range(60):
        endpoint.put(f"/aws/lambda/other-{number}", "s", other(number, START))
    put_three(endpoint)
    endpoint.put("/custom/billing", "s", failing(REQUEST_ID, START, 0, "A"))
    endpoint.function("billing", LoggingConfig={"LogGroup": "/custom/billing"})
    endpoint.function("orders-worker", LoggingConfig={"LogGroup": GROUP})
    notes: list[str] = []
    aws = AwsClient(endpoint_url=endpoint.url)
    listed = discover(aws, notes.append, ["/aws/lambda/other-7"])
    groups = tuple(listed)
    assert groups[:3] == ("/aws/lambda/other-7", "/custom/billing", GROUP)
    assert len(groups) == 62
    assert not notes
    found, coverage = look(source(endpoint.url, groups=groups))
    assert set(found) == {"s", *THREE}
    assert coverage.log_groups == groups


def test_a_group_with_more_logs_than_all_others_is_searched_first(endpoint: Endpoint) -> None:
    for number in range(60):
        endpoint.put(f"/aws/lambda/other-{number}", "s", other(number, START))
    put_three(endpoint)
    endpoint.put(GROUP, "busy", [(START - n, "noise\n" * 200) for n in range(100)])
    aws = AwsClient(endpoint_url=endpoint.url)
    found, coverage = look(source(endpoint.url, groups=(), otherwise=lambda: discover(aws, print)))
    assert_three(found)
    assert coverage.log_groups == (GROUP,)
    assert endpoint.calls["FilterLogEvents"] == 2  # the hits, the lines
    assert endpoint.calls["GetLogEvents"] == 0


def test_what_may_not_be_listed_is_told(endpoint: Endpoint) -> None:
    aws = AwsClient(endpoint_url=endpoint.url)
    endpoint.faults.denied.add("lambda:ListFunctions")
    notes: list[str] = []
    groups = discover(aws, notes.append)
    assert tuple(groups) == (GROUP,)
    assert "AccessDenied for lambda:ListFunctions as role/ci" in notes[0]
    endpoint.faults.denied.add("logs:DescribeLogGroups")
    assert discover(aws, print, ["/mine"]) == {"/mine": None}
    with pytest.raises(AccessDenied, match="not allowed to read the log groups"):
        discover(aws, print)


def test_a_missing_group_names_near_ones(endpoint: Endpoint) -> None:
    with pytest.raises(NoSuchLogGroup) as error:
        look(source(endpoint.url, groups=("/aws/lambda/order-worker",)))
    assert error.value.what == "the log group /aws/lambda/order-worker does not exist in us-east-1"
    assert error.value.next_step.startswith(f"Did you mean {GROUP}?")
    assert error.value.status is ExitStatus.COULD_NOT_LOOK


def test_one_group_of_two_that_is_denied_is_a_gap(endpoint: Endpoint) -> None:
    put_three(endpoint)
    endpoint.group("/secret")
    endpoint.faults.denied_groups.add("/secret")
    found, coverage = look(source(endpoint.url, groups=("/secret", GROUP)))
    assert_three(found)
    (gap,) = coverage.gaps
    assert (gap.kind, gap.log_group, gap.hides_attempts) == ("denied", "/secret", True)
    assert gap.settle == (
        f"retryctl trace {REQUEST_ID} -g /secret --since 2026-11-22T03:00:00.000Z"
    )


def test_what_the_group_does_not_keep_is_a_gap(endpoint: Endpoint) -> None:
    group = endpoint.group("/short", retention_days=1, created_ms=NOW - 26 * HOUR)
    endpoint.put(group, STREAM, failing(REQUEST_ID, NOW - 22 * HOUR, 0, "A"))
    gaps = look(source(endpoint.url, groups=("/short",)))[1].gaps
    assert [(gap.kind, gap.hides_attempts) for gap in gaps] == [
        ("retention", True),
        ("created", False),
    ]
    endpoint.faults.denied.add("logs:DescribeLogGroups")
    assert look(source(endpoint.url, groups=("/short",)))[1].gaps == ()


def test_a_group_of_infrequent_access_is_read_by_insights(endpoint: Endpoint) -> None:
    endpoint.group("/rare", log_class="INFREQUENT_ACCESS")
    put_three(endpoint, "/rare")
    said: list[str] = []
    terms = QueryBudget(warn=said.append, sleep=lambda seconds: None)
    found, coverage = look(source(endpoint.url, groups=("/rare",), engine="auto", terms=terms))
    for stream, events in THREE.items():
        assert found[stream][-6:] == messages(events)
    assert [gap.kind for gap in coverage.gaps] == ["too-fresh"]
    assert said[0].startswith("Logs Insights will scan about 0.0 MB ($0.000) of /rare.")
    assert said[-1].startswith("Logs Insights scanned ")


def test_filter_alone_tells_that_a_group_needs_insights(endpoint: Endpoint) -> None:
    endpoint.group("/rare", log_class="INFREQUENT_ACCESS")
    with pytest.raises(CouldNotLook, match="/rare has a log class that only Logs Insights"):
        look(source(endpoint.url, groups=("/rare",), engine="filter"))


def test_insights_finds_and_streams_are_read_in_order(endpoint: Endpoint) -> None:
    put_three(endpoint)
    terms = QueryBudget(sleep=lambda seconds: None)
    found, coverage = look(source(endpoint.url, engine="insights", terms=terms))
    assert_three(found)
    assert coverage.gaps == ()
    assert endpoint.calls["FilterLogEvents"] == 1  # only for what is too fresh for Insights


def test_insights_looks_back_beyond_since(endpoint: Endpoint) -> None:
    put_three(endpoint)
    terms = QueryBudget(sleep=lambda seconds: None)
    cloudwatch = source(endpoint.url, engine="insights", terms=terms)
    assert_three(look(cloudwatch, since_ms=START + 180 * SECOND)[0])


def test_a_long_search_is_handed_over_to_insights() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=20) as endpoint:
        noise = [("s", NOW - 24 * HOUR + n * 8640, "noise\n") for n in range(10_000)]
        endpoint.load(GROUP, noise)
        old = failing(REQUEST_ID, NOW - 22 * HOUR, 0, "A")
        endpoint.put(GROUP, STREAM, old)
        terms = QueryBudget(sleep=lambda seconds: None)
        found, _ = look(source(endpoint.url, engine="auto", terms=terms, pages_before_insights=10))
        assert found == {STREAM: messages(old)}
        assert endpoint.calls["FilterLogEvents"] < 120  # of 500
        assert endpoint.calls["StartQuery"] > 0


@pytest.mark.parametrize("answer", [True, False])
def test_above_a_cost_the_user_decides_and_knows_both_times_and_the_cost(answer: bool) -> None:
    with Endpoint(clock=lambda: NOW, scan_events=20) as endpoint:
        noise = [("s", NOW - 24 * HOUR + n * 86_400, "noise\n") for n in range(1000)]
        group = endpoint.group(GROUP)
        endpoint.load(GROUP, noise)
        old = failing(REQUEST_ID, NOW - 22 * HOUR, 0, "A")
        endpoint.put(GROUP, STREAM, old)
        group.stored_extra = 30 * 10**12  # 1 TB a day
        questions: list[str] = []
        terms = QueryBudget(
            sleep=lambda seconds: None,
            confirm=lambda question: questions.append(question) or answer,  # type: ignore[func-returns-value]
        )
        found, coverage = look(
            source(endpoint.url, engine="auto", terms=terms, pages_before_insights=5)
        )
        assert found == {STREAM: messages(old)}
        assert coverage.gaps == ()
        assert bool(endpoint.calls["StartQuery"]) is answer
        (question,) = questions
        remaining = re.fullmatch(
            rf"About (\d+) or more calls of FilterLogEvents remain for {GROUP}, about \d+ s\. "
            r"Logs Insights takes about 10 s and costs about \$\d\.\d\d\. Use it\?",
            question,
        )
        assert remaining
        assert int(remaining[1]) > 5


def test_auto_spends_no_more_than_it_says_and_not_before_a_fair_sample() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=20) as endpoint:
        noise = [("s", NOW - 24 * HOUR + n * 86_400, "noise\n") for n in range(1000)]
        group = endpoint.group(GROUP)
        endpoint.load(GROUP, noise)
        old = failing(REQUEST_ID, NOW - 22 * HOUR, 0, "A")
        endpoint.put(GROUP, STREAM, old)
        group.stored_extra = 10**14  # 100 TB: a query would cost hundreds of dollars
        said: list[str] = []
        terms = QueryBudget(warn=said.append, sleep=lambda seconds: None)
        found, coverage = look(
            source(endpoint.url, engine="auto", terms=terms, pages_before_insights=5)
        )
        assert found == {STREAM: messages(old)}
        assert coverage.gaps == ()
        assert endpoint.calls["StartQuery"] == 0
        assert "--max-cost" in said[0]
        assert re.match(r"About [1-9]\d* or more calls of FilterLogEvents remain", said[0])


def test_a_busy_quarter_of_an_hour_is_no_estimate_of_a_day() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=20) as endpoint:
        endpoint.load(GROUP, [("s", NOW - 600_000 + n * 600, "noise\n") for n in range(1000)])
        terms = QueryBudget(sleep=lambda seconds: None)
        look(source(endpoint.url, engine="auto", terms=terms, pages_before_insights=60))
        assert endpoint.calls["StartQuery"] == 0


def test_a_query_that_costs_too_much_is_not_begun(endpoint: Endpoint) -> None:
    put_three(endpoint)
    terms = QueryBudget(max_cost_usd=0.0)
    with pytest.raises(CouldNotLook, match=r"--max-cost allows \$0"):
        look(source(endpoint.url, engine="insights", terms=terms))
    assert endpoint.calls["StartQuery"] == 0


@pytest.mark.parametrize("hindrance", ["cost", "denied"])
def test_where_insights_may_not_take_over_the_search_goes_on(hindrance: str) -> None:
    with Endpoint(clock=lambda: NOW, scan_events=20) as endpoint:
        noise = [("s", NOW - 24 * HOUR + n * 86_400, "noise\n") for n in range(1000)]
        endpoint.load(GROUP, noise)
        old = failing(REQUEST_ID, NOW - 22 * HOUR, 0, "A")
        endpoint.put(GROUP, STREAM, old)
        if hindrance == "denied":
            endpoint.faults.denied.add("logs:StartQuery")
        said: list[str] = []
        terms = QueryBudget(
            max_cost_usd=0.0 if hindrance == "cost" else None,
            warn=said.append,
            sleep=lambda seconds: None,
        )
        found, coverage = look(
            source(endpoint.url, engine="auto", terms=terms, pages_before_insights=5)
        )
        assert found == {STREAM: messages(old)}
        assert coverage.gaps == ()
        continues = "FilterLogEvents continues" if hindrance == "cost" else "The search continues"
        assert continues in said[-1]


def test_a_query_is_stopped_on_ctrl_c(endpoint: Endpoint) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    put_three(endpoint)
    with pytest.raises(KeyboardInterrupt):
        look(source(endpoint.url, engine="insights", terms=QueryBudget(sleep=interrupt)))
    assert endpoint.calls["StopQuery"] == 1
    assert endpoint.insights.running == 0


def test_more_rows_than_an_answer_holds_are_asked_for_in_halves(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retryctl.sources.cloudwatch.insights._MOST_ROWS", 1_000)
    lines = [(START + n * 10, f"{n} {REQUEST_ID}\n") for n in range(1_500)]
    endpoint.put(GROUP, STREAM, [*run(REQUEST_ID, START, []), *lines])
    terms = QueryBudget(sleep=lambda seconds: None)
    cloudwatch = source(endpoint.url, engine="insights", terms=terms, timeout_ms=30 * SECOND)
    found, _ = look(cloudwatch, since_ms=START - SECOND, until_ms=START + 20 * SECOND)
    assert endpoint.calls["StartQuery"] >= 3
    assert found[STREAM][0].startswith("START")


# --------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    "faults",
    [
        ["throttle"],
        ["error", "error"],
        ["reset", "reset"],
        ["cut", "cut"],
        ["slow"],
        ["empty-page"],
        ["empty-page", "repeat-token", "repeat-token"],
        ["empty-page", "expired-token"],
        [None, None, "expired-token"],
    ],
    ids=lambda faults: "+".join(map(str, faults)),
)
@pytest.mark.parametrize("operation", ["FilterLogEvents", "GetLogEvents"])
def test_each_fault_costs_calls_and_no_line(
    endpoint: Endpoint, operation: str, faults: list[str | None]
) -> None:
    put_three(endpoint)
    endpoint.faults.script[operation].extend(faults)
    found, coverage = look(source(endpoint.url))
    assert_three(found)
    assert coverage.gaps == ()


@pytest.mark.parametrize("seed", range(3))
def test_no_line_is_lost_or_doubled_where_a_fifth_of_the_calls_goes_wrong(seed: int) -> None:
    with Endpoint(clock=lambda: NOW, seed=seed, scan_events=200) as endpoint:
        noise = [(f"s/{n % 5}", NOW - 2 * HOUR + n * 1800, f"noise {n}\n") for n in range(4000)]
        endpoint.load(GROUP, noise)
        put_three(endpoint)
        endpoint.faults.mix(0.2)
        found, coverage = look(source(endpoint.url), since_ms=NOW - 2 * HOUR)
        assert_three(found)
        assert coverage.gaps == ()
        assert endpoint.faults.injected.total() > 0


def test_a_window_read_whole_restarts_where_its_token_expired() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=100) as endpoint:
        lines = [(NOW - HOUR + n // 3, f"line {n}\n") for n in range(1000)]
        endpoint.put(GROUP, STREAM, lines)
        endpoint.faults.rates = {"expired-token": 0.3, "repeat-token": 0.2}
        window = TimeRange(since_ms=NOW - HOUR, until_ms=NOW)
        pages = matching_pages(AwsClient(endpoint_url=endpoint.url), LogGroup(name=GROUP), window)
        assert [event.message for page in pages for event in page.events] == messages(lines)
        assert endpoint.faults.injected["expired-token"] > 0


def test_a_part_that_is_refused_to_the_end_is_a_gap_with_the_command_that_settles_it() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=100) as endpoint:
        endpoint.load(GROUP, [("s", NOW - 24 * HOUR + n * 86_400, "x") for n in range(1000)])
        put_three(endpoint)
        endpoint.faults.script["FilterLogEvents"].extend([None, None, *["error"] * 8])
        _, coverage = look(source(endpoint.url, max_attempts=1))
        assert coverage.gaps
        assert all(gap.kind == "unreachable" and gap.hides_attempts for gap in coverage.gaps)
        assert all(
            (gap.settle or "").startswith("retryctl trace 8f507cfc") for gap in coverage.gaps
        )


# --------------------------------------------------------------------------- errors


def test_denied_names_the_action_and_the_role(endpoint: Endpoint) -> None:
    endpoint.faults.denied.add("logs:FilterLogEvents")
    with pytest.raises(AccessDenied) as error:
        look(source(endpoint.url))
    assert error.value.what == (
        f"not allowed to read {GROUP} (AccessDenied for logs:FilterLogEvents as role/ci)"
    )
    assert error.value.next_step == (
        f"Allow logs:FilterLogEvents and logs:GetLogEvents on {GROUP}, "
        "or read a saved log with --from FILE."
    )


def test_where_only_filtering_is_allowed_it_gives_the_lines_too(endpoint: Endpoint) -> None:
    put_three(endpoint)
    endpoint.faults.denied.add("logs:GetLogEvents")
    found, coverage = look(source(endpoint.url))
    assert_three(found)
    assert coverage.gaps == ()


def test_expired_credentials_name_the_login(endpoint: Endpoint) -> None:
    endpoint.faults.credentials = "expired"
    with pytest.raises(LoginExpired, match="the AWS credentials have expired") as error:
        look(source(endpoint.url))
    assert "aws sso login" in error.value.next_step


def test_unknown_credentials(endpoint: Endpoint) -> None:
    endpoint.faults.credentials = "invalid"
    with pytest.raises(NoCredentials, match="security token included in the request is invalid"):
        look(source(endpoint.url))


def test_throttled_to_the_end() -> None:
    with Endpoint(clock=lambda: NOW, quotas={"FilterLogEvents": 0}) as endpoint:
        endpoint.group(GROUP)
        with pytest.raises(Throttled, match="throttled on every retry"):
            look(source(endpoint.url, max_attempts=1))


def test_no_connection_is_tried_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=pauses.append))
    with pytest.raises(
        Unreachable, match=r"no answer from http://127\.0\.0\.1:1: Could not connect"
    ):
        look(source("http://127.0.0.1:1"))
    assert len(pauses) == 2
    assert sum(pauses) < 8


def test_no_credentials(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NoCredentials, match="no AWS credentials"):
        look(source(endpoint.url))


def test_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(CouldNotLook, match="no AWS region is set") as error:
        look(RequestSource(AwsClient(), groups=(GROUP,), clock=lambda: NOW))
    assert "--region" in error.value.next_step


def test_no_such_profile() -> None:
    aws = AwsClient(profile="nobody", endpoint_url="http://127.0.0.1:1")
    with pytest.raises(NoCredentials, match="nobody") as error:
        look(RequestSource(aws, groups=(GROUP,), clock=lambda: NOW))
    assert "aws configure list-profiles" in error.value.next_step


def test_an_endpoint_that_is_no_url() -> None:
    with pytest.raises(UsageError, match="--endpoint-url nonsense"):
        look(source("nonsense"))


def test_a_name_that_is_no_log_group(endpoint: Endpoint) -> None:
    with pytest.raises((UsageError, CouldNotLook), match=r"logs:FilterLogEvents|logGroupName"):
        look(source(endpoint.url, groups=("no group!",)))


def test_a_missing_sso_login_names_its_file_and_its_command(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile work]\nregion = us-east-1\nsso_session = corp\nsso_account_id = 123456789012\n"
        "sso_role_name = dev\n[sso-session corp]\nsso_region = us-east-1\n"
        "sso_start_url = https://example.awsapps.com/start\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    aws = AwsClient(profile="work", endpoint_url="http://127.0.0.1:1")
    with pytest.raises(LoginExpired, match="no SSO token of profile work in ") as error:
        look(RequestSource(aws, groups=(GROUP,), clock=lambda: NOW))
    assert f"~/.aws/sso/cache/{hashlib.sha1(b'corp').hexdigest()}.json" in error.value.what
    assert error.value.next_step == "Log in: aws sso login --profile work"


def test_a_role_that_the_aws_cli_took_on_with_mfa_is_used_without_asking(
    endpoint: Endpoint, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    put_three(endpoint)
    role, device = "arn:aws:iam::123456789012:role/dev", "arn:aws:iam::123456789012:mfa/me"
    config = tmp_path / "config"
    config.write_text(
        f"[profile keys]\naws_access_key_id = base\naws_secret_access_key = base\n"
        f"[profile mfa]\nregion = us-east-1\nrole_arn = {role}\nmfa_serial = {device}\n"
        "source_profile = keys\n"
    )
    asked = json.dumps({"RoleArn": role, "SerialNumber": device}, sort_keys=True)
    cache = tmp_path / ".aws" / "cli" / "cache"
    cache.mkdir(parents=True)
    (cache / f"{hashlib.sha1(asked.encode()).hexdigest()}.json").write_text(
        json.dumps(
            {
                "Credentials": {
                    "AccessKeyId": "cached",
                    "SecretAccessKey": "cached",
                    "SessionToken": "cached",
                    "Expiration": "2999-01-01T00:00:00Z",
                }
            }
        )
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    aws = AwsClient(profile="mfa", endpoint_url=endpoint.url)
    assert_three(look(RequestSource(aws, groups=(GROUP,), clock=lambda: NOW, timeout_ms=3000))[0])


# --------------------------------------------------------------------------- moto


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
