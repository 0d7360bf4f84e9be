"""The lines of a whole window by Logs Insights: over HTTP with boto3, from the strict endpoint."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator
from functools import cache, partial
from itertools import pairwise
from typing import Any

import pytest

from retryctl.core.model.events import LogEvent
from retryctl.errors import CouldNotRead, Throttled
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.log_groups import LogGroup, describe
from retryctl.sources.cloudwatch.insights_export import (
    InsightsLines,
    bin_for,
    windows_for,
)
from retryctl.sources.cloudwatch.pages import TimeRange
from retryctl.sources.cloudwatch.search_options import QueryBudget, SearchOptions
from tests.endpoint.insights_query import parse
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.request import requests_in_group
from tests.support.lambda_log import (
    GROUP,
    ID,
    MIDNIGHT_MS,
    OTHER_ID,
    Environment,
    end,
    events_of,
    report,
    start,
)

SECOND, HOUR = 1000, 3_600_000
NOW = MIDNIGHT_MS + 12 * HOUR
PHRASES = ("START RequestId", "END RequestId", "REPORT RequestId", "[ERROR]")
EXPRESSION = "|".join(
    (*map(re.escape, PHRASES), r"^\s*\d{1,9}\s*$", r"^\s*process [ABC]\s*$")
).replace(r"\ ", " ")
WHOLE = TimeRange(since_ms=MIDNIGHT_MS - HOUR, until_ms=MIDNIGHT_MS + 10 * HOUR)


pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(clock=lambda: NOW) as running:
        running.group(GROUP)
        yield running


def lines(endpoint: Endpoint, group: str = GROUP, **terms: Any) -> InsightsLines:
    aws = AwsClient(endpoint_url=endpoint.url)
    return InsightsLines(
        aws=aws,
        group=LogGroup(name=group),
        options=SearchOptions(
            engine="insights",
            terms=QueryBudget(**{"sleep": lambda seconds: None, **terms}),
            describe=cache(partial(describe, aws)),
        ),
        now_ms=NOW,
        halted=threading.Event(),
    )


def read(reader: InsightsLines, window: TimeRange = WHOLE) -> list[LogEvent]:
    chunks = list(reader.read(window, EXPRESSION))
    assert all(chunks)
    events = [event for chunk in chunks for event in chunk]
    times = [event.timestamp_ms for event in events]
    assert times == sorted(times)
    return events


def told(events: list[LogEvent]) -> list[tuple[str, int, str]]:
    return sorted((e.log_stream or "", e.timestamp_ms, e.message) for e in events)


def matters(message: str) -> bool:
    return any(phrase in message for phrase in PHRASES) or bool(
        re.fullmatch(r"\s*(\d{1,9}|process [ABC])\s*", message)
    )


def load(endpoint: Endpoint, events: list[LogEvent]) -> None:
    endpoint.load(GROUP, [(e.log_stream or "", e.timestamp_ms, e.message) for e in events])


def busy(number: int = 400, environments: int = 3) -> list[LogEvent]:
    """Environments that run one request after the other, with output that does not matter."""
    drawn = random.Random(7)
    every = [Environment(letter) for letter in "abcdef"[:environments]]
    for at in range(number):
        request_id = f"{at:08x}-1111-4222-8333-444455556666"
        environment = every[at % environments]
        environment.at(drawn.uniform(0, 5) + 30 * at)
        ends = "error" if at % 4 == 0 else "ok"
        environment.runs(request_id, "reading the order", f"{at % 3}", "process A", ends=ends)
    return events_of(*every)


# --------------------------------------------------------------------------- the same lines


@pytest.mark.parametrize("seed", range(3))
def test_the_lines_are_those_of_a_scan(endpoint: Endpoint, seed: int) -> None:
    events = busy()
    load(endpoint, events)
    endpoint.insights.seed = seed
    reader = lines(endpoint)
    assert told(read(reader)) == told([event for event in events if matters(event.message)])
    assert (reader.unread, reader.doubts) == ([], [])


def test_a_window_begins_and_ends_on_its_millisecond(endpoint: Endpoint) -> None:
    at = MIDNIGHT_MS + 10 * SECOND
    load(endpoint, [event(at + n, f"{n}\n") for n in range(0, 5000, 100)])
    for since, until in ((0, 5000), (900, 1100), (1000, 2000), (1001, 1999), (4900, 4901)):
        window = TimeRange(since_ms=at + since, until_ms=at + until)
        inside = [n for n in range(0, 5000, 100) if since <= n < until]
        assert [int(e.message) for e in read(lines(endpoint), window)] == inside


def test_windows_that_meet_share_no_event_and_lose_none(endpoint: Endpoint) -> None:
    events = busy(60)
    load(endpoint, events)
    drawn = random.Random(3)
    last_ms = events[-1].timestamp_ms + 1
    inner = [drawn.choice(events).timestamp_ms + drawn.randrange(2) for _ in range(4)]
    cuts = [MIDNIGHT_MS, *sorted(inner), last_ms]
    parts = [TimeRange(since_ms=low, until_ms=high) for low, high in pairwise(cuts) if low < high]
    found = [event for part in parts for event in read(lines(endpoint), part)]
    assert told(found) == told([event for event in events if matters(event.message)])


def test_an_empty_window_is_counted_and_not_read(endpoint: Endpoint) -> None:
    assert read(lines(endpoint)) == []
    assert endpoint.calls["StartQuery"] == 1


def test_quotes_backslashes_and_slashes(endpoint: Endpoint) -> None:
    wanted = ['{"counter": 1}', "C:\\tmp\\1", "a/b 7", "a\\/b"]
    load(endpoint, [event(MIDNIGHT_MS + n, text) for n, text in enumerate([*wanted, "a b 7"])])
    expression = r'\{"counter":|C:\\tmp|a/b \d|a\\/b'
    found = lines(endpoint).read(WHOLE, expression)
    assert [one.message for chunk in found for one in chunk] == wanted


# --------------------------------------------------------------------------- more than an answer


def event(at_ms: int, message: str, stream: str = "s") -> LogEvent:
    return LogEvent(timestamp_ms=at_ms, message=message, log_stream=stream)


@pytest.fixture
def small_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer has a thousand rows at most, a tenth of what the service gives."""
    monkeypatch.setattr("retryctl.sources.cloudwatch.insights._MOST_ROWS", 1_000)
    monkeypatch.setattr("retryctl.sources.cloudwatch.insights_export._MOST_LINES", 900)
    monkeypatch.setattr("retryctl.sources.cloudwatch.insights_export._LINES_OF_A_PART", 600)


@pytest.mark.usefixtures("small_answers")
def test_a_window_of_many_lines_is_read_in_several_queries(endpoint: Endpoint) -> None:
    many = [event(MIDNIGHT_MS + n * 10_000, f"{n}\n", f"s/{n % 7}") for n in range(2_500)]
    load(endpoint, many)
    assert [int(one.message) for one in read(lines(endpoint))] == list(range(2_500))
    assert endpoint.calls["StartQuery"] == 1 + 3


@pytest.mark.usefixtures("small_answers")
def test_a_busy_bin_is_cut_before_it_is_read_and_halved_where_it_is_uneven(
    endpoint: Endpoint,
) -> None:
    # Of the first ten seconds, which are one bin, nearly all lies in three.
    uneven = [event(MIDNIGHT_MS + 3 * SECOND + n * 10 // 8, f"{n}\n") for n in range(2_200)]
    load(endpoint, [*uneven, event(MIDNIGHT_MS + HOUR, "7\n")])
    reader = lines(endpoint)
    assert told(read(reader)) == told([*uneven, event(MIDNIGHT_MS + HOUR, "7\n")])
    assert reader.unread == []
    assert reader.bytes_scanned < 4 * endpoint.group(GROUP).stored_bytes


@pytest.mark.usefixtures("small_answers")
def test_of_a_second_that_holds_more_than_an_answer_the_rest_is_unread(
    endpoint: Endpoint,
) -> None:
    crowded = [event(MIDNIGHT_MS + n * 10 // 13, f"{n}\n") for n in range(1_200)]
    after = [event(MIDNIGHT_MS + 5 * SECOND, "7\n")]
    load(endpoint, [*crowded, *after])
    reader = lines(endpoint)
    found = read(reader)
    (gap,) = reader.unread
    assert gap.until_ms == MIDNIGHT_MS + SECOND
    assert told(found) == told([e for e in crowded if e.timestamp_ms < gap.since_ms] + after)
    assert len(found) > 990


@pytest.mark.parametrize(
    ("hours", "name"), [(1, "bin(1s)"), (24, "bin(20s)"), (168, "bin(5m)"), (720, "bin(10m)")]
)
def test_bins_are_few_and_no_longer_than_their_unit_allows(hours: int, name: str) -> None:
    window = TimeRange(since_ms=0, until_ms=hours * HOUR)
    found, bin_ms = bin_for(window)
    assert found == name
    assert window.until_ms / bin_ms <= 5_000
    stats = f'filter @message like "x"\n| stats count(*) as events by {name}'
    assert parse(stats).bin_ms == bin_ms


@pytest.mark.parametrize("seed", range(20))
def test_windows_cover_all_that_was_counted_once_and_in_order(seed: int) -> None:
    drawn = random.Random(seed)
    bin_ms = 20_000
    window = TimeRange(since_ms=drawn.randrange(5_000, 40_000), until_ms=2_000_000 - seed)
    first = window.since_ms // bin_ms * bin_ms
    counts = {
        at: drawn.choice([1, 50, 5_000, 30_000])
        for at in range(first, window.until_ms, bin_ms)
        if drawn.random() < 0.6
    }
    found = windows_for(counts, bin_ms, window)
    assert found[-1].until_ms <= window.until_ms
    edges = [edge for one in found for edge in (one.since_ms, one.until_ms)]
    assert edges == sorted(edges)
    assert all(one.since_ms < one.until_ms for one in found)
    assert all(edge % 1000 == 0 for edge in edges[1:-1])
    for at in counts:
        held = sum(max(0, min(one.until_ms, at + bin_ms) - max(one.since_ms, at)) for one in found)
        assert held == min(window.until_ms, at + bin_ms) - max(window.since_ms, at)


# --------------------------------------------------------------------------- what it costs


def test_both_scans_are_told_before_and_what_was_scanned_after(endpoint: Endpoint) -> None:
    said: list[str] = []
    # the group's whole time is the window, so that the estimate can be held against the truth
    endpoint.group("/aged", created_ms=MIDNIGHT_MS)
    messages = [(MIDNIGHT_MS + n * 1000, f"{'x' * 2000} START RequestId {n}") for n in range(1000)]
    endpoint.put("/aged", "s", messages)
    reader = lines(endpoint, "/aged", warn=said.append)
    whole = TimeRange(since_ms=MIDNIGHT_MS, until_ms=NOW)
    assert len(read(reader, whole)) == 1000
    reader.report_scanned()
    twice = 2 * endpoint.group("/aged").stored_bytes
    assert reader.bytes_scanned == twice
    amount = f"{twice / 1e6:.1f} MB ($0.000)"
    assert said == [
        f"Logs Insights will scan about {amount} of /aged.",
        f"Logs Insights scanned {amount} of /aged.",
    ]


def test_what_costs_too_much_is_refused_before_any_query(endpoint: Endpoint) -> None:
    endpoint.group("/aged", created_ms=MIDNIGHT_MS)
    endpoint.put("/aged", "s", [(MIDNIGHT_MS + n, "x" * 5000) for n in range(1000)])
    whole = TimeRange(since_ms=MIDNIGHT_MS, until_ms=NOW)
    once = endpoint.group("/aged").stored_bytes / 1e9 * 0.005
    with pytest.raises(CouldNotRead, match="--max-cost allows"):
        read(lines(endpoint, "/aged", max_cost_usd=1.9 * once), whole)
    assert endpoint.calls["StartQuery"] == 0
    assert read(lines(endpoint, "/aged", max_cost_usd=2.1 * once), whole) == []


# --------------------------------------------------------------------------- stopping


def test_ctrl_c_stops_the_counting(endpoint: Endpoint) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    load(endpoint, busy(10))
    with pytest.raises(KeyboardInterrupt):
        read(lines(endpoint, sleep=interrupt))
    assert (endpoint.calls["StopQuery"], endpoint.insights.running) == (1, 0)


@pytest.fixture
def crowd(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> int:
    """Lines for some ten queries, each of a hundredth of what an answer holds."""
    monkeypatch.setattr("retryctl.sources.cloudwatch.insights_export._MOST_LINES", 90)
    load(endpoint, [event(MIDNIGHT_MS + n * 40_000, f"{n}\n") for n in range(850)])
    return 850


@pytest.mark.usefixtures("crowd")
def test_ctrl_c_stops_the_queries_under_way(endpoint: Endpoint) -> None:
    def interrupt(seconds: float) -> None:
        if endpoint.calls["StartQuery"] > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(lines(endpoint, sleep=interrupt))
    assert endpoint.insights.running == 0
    assert endpoint.calls["StopQuery"] == endpoint.calls["StartQuery"] - 1 <= 4


def test_four_queries_run_at_once(endpoint: Endpoint, crowd: int) -> None:
    running: list[int] = []
    reader = lines(endpoint, sleep=lambda seconds: running.append(endpoint.insights.running))
    assert len(read(reader)) == crowd
    assert 2 <= max(running) <= 4


@pytest.mark.usefixtures("crowd")
def test_leaving_early_stops_the_queries_under_way(endpoint: Endpoint) -> None:
    reader = lines(endpoint, sleep=lambda seconds: time.sleep(0.01))
    chunks = reader.read(WHOLE, EXPRESSION)
    next(chunks)
    endpoint.insights.query_s = 30  # the fifth takes so long, and begins as the second is given
    next(chunks)
    give_up = time.monotonic() + 20
    while endpoint.calls["StartQuery"] < 1 + 5 and time.monotonic() < give_up:
        time.sleep(0.01)
    chunks.close()  # type: ignore[attr-defined]
    assert endpoint.insights.running == 0
    assert endpoint.calls["StopQuery"] >= 1
    assert endpoint.calls["StartQuery"] == 1 + 5


def test_a_query_that_fails_is_an_error(endpoint: Endpoint) -> None:
    load(endpoint, busy(10))
    reader = lines(endpoint, sleep=lambda seconds: endpoint.insights.fail())
    with pytest.raises(Throttled, match="ended with the status Failed"):
        read(reader)


# --------------------------------------------------------------------------- one millisecond


def test_a_query_before_the_groups_creation_is_not_asked(endpoint: Endpoint) -> None:
    group = "/aws/lambda/young"
    endpoint.group(group, created_ms=MIDNIGHT_MS + 3_600_000)
    before = TimeRange(since_ms=MIDNIGHT_MS, until_ms=MIDNIGHT_MS + 1_800_000)
    reader = lines(endpoint, group)
    assert list(reader.read(before, EXPRESSION)) == []
    assert reader.clamped
    endpoint.faults.denied.add("logs:DescribeLogGroups")
    unknown = lines(endpoint, group)
    assert list(unknown.read(before, EXPRESSION)) == []  # the service refuses: nothing is there
    assert unknown.clamped


def test_the_ambiguous_lines_of_a_window_are_counted(endpoint: Endpoint) -> None:
    endpoint.faults.denied.add("logs:GetLogEvents")
    environment = Environment("a").at(1).runs(ID, "0", "process A").at(2)
    at = environment.now_ms
    together = [end(), report(), start(OTHER_ID), "0\n"]
    branch = event(at + 1, "process A\n", "t")
    events = [*environment.events, *(event(at, message, "t") for message in together), branch]
    load(endpoint, events)
    reader = lines(endpoint)
    read(reader)
    assert [doubt.lines for doubt in reader.doubts] == [1]


@pytest.mark.parametrize("seed", range(5))
def test_the_attempts_of_a_request_are_read_in_order_too(seed: int) -> None:
    with Endpoint(clock=lambda: requests_in_group.NOW) as endpoint:
        endpoint.insights.seed = seed
        endpoint.group("/rare", log_class="INFREQUENT_ACCESS")
        requests_in_group.put_three(endpoint, "/rare")
        terms = QueryBudget(sleep=lambda seconds: None)
        source = requests_in_group.source(
            endpoint.url, groups=("/rare",), terms=terms, engine="auto"
        )
        found, _ = requests_in_group.look(source)
        for stream, events in requests_in_group.THREE.items():
            assert found[stream][-6:] == [message for _, message in events]
