"""The lines that are saved of a window give the figures of all of its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from retryctl.core.model.events import LogEvent
from retryctl.sources.cloudwatch.pages import TimeRange
from tests.endpoint.faults import KINDS, Faults
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.window.saved_window import (
    HOUR,
    WHOLE,
    aws_at,
    counting,
    load,
    saved,
    told,
    truth,
)
from tests.support.lambda_log import GROUP, ID, MIDNIGHT_MS, OTHER_ID, Environment, events_of
from tests.support.made_up_logs import made_up
from tests.support.random_cases import seeds

pytestmark = pytest.mark.usefixtures("credentials")


def history_of(random: Random) -> list[LogEvent]:
    """Made-up streams as CloudWatch has them: in one group, in order of time, with its IDs."""
    streams = made_up(random, hostile=random.random() < 0.5)
    events = sorted(
        (
            replace(event, log_group=GROUP, position=0)
            for stream in streams
            for event in stream
            if event.log_stream
        ),
        key=lambda event: event.timestamp_ms,
    )
    return [replace(event, event_id=f"{number:056d}") for number, event in enumerate(events)]


def a_window_of(random: Random, events: Sequence[LogEvent]) -> TimeRange:
    """One that streams cross at both edges; sometimes all of it."""
    if random.random() < 0.3 or not events:
        return WHOLE
    one, other = sorted(event.timestamp_ms for event in random.choices(events, k=2))
    return TimeRange(since_ms=one, until_ms=other + 1)


@pytest.mark.parametrize("seed", seeds(8, 100))
@pytest.mark.parametrize("engine", ["filter", "insights"])
def test_the_lines_that_tell_give_the_figures_of_all_lines(
    endpoint: Endpoint, seed: int, engine: str, folder: Path
) -> None:
    random = Random(seed)
    events = history_of(random)
    window = a_window_of(random, events)
    load(endpoint, events, first_page=max(2, len(events) // 5))
    log = saved(endpoint, folder, engine=engine, window=window)
    doubts = {gap.kind for gap in log.stats.gaps}
    if engine == "insights" and doubts & {"unordered", "lines-between"}:
        pytest.skip("it is told that this is uncertain")
    assert not doubts
    if log.assumed is None:
        assert told(log, folder, window) == truth(events, window)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "throttle"])
def test_faults_change_no_figure(endpoint: Endpoint, kind: str, folder: Path) -> None:
    events = counting(60)
    load(endpoint, events, first_page=15)
    aws_at.cache_clear()  # or the next test would go on as slowly
    endpoint.faults = Faults(seed=2, rates={kind: 0.4}, slow_s=0.01)
    log = saved(endpoint, folder)
    assert endpoint.faults.injected[kind]
    assert not log.stats.gaps
    assert told(log, folder) == truth(events)
    assert no_event_is_there_twice(folder)


def test_throttling_changes_no_figure(endpoint: Endpoint, folder: Path) -> None:
    events = counting(20)
    load(endpoint, events, first_page=20)
    aws_at.cache_clear()
    endpoint.faults.script["FilterLogEvents"].extend(["throttle", None, None, "throttle"])
    log = saved(endpoint, folder)
    assert endpoint.faults.injected["throttle"] == 2
    assert told(log, folder) == truth(events)


def no_event_is_there_twice(folder: Path) -> bool:
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
    return len(lines) == len(set(lines))


def test_an_event_given_twice_counts_as_the_service_gives_it(
    endpoint: Endpoint, folder: Path
) -> None:
    events = [event for event in counting(20) for _ in range(2)]
    load(endpoint, events)
    log = saved(endpoint, folder)
    tally, _ = told(log, folder)
    assert (tally.requests, tally.attempts) == (20, 20)


def test_a_retry_at_the_windows_start_is_not_a_request_of_it(
    endpoint: Endpoint, folder: Path
) -> None:
    here, other = Environment("a"), Environment("b")
    here.at(0).runs(ID, "0", "process A", ends="error")
    other.at(6 * 3_600).runs(ID, "0", "process A", ends="error")
    other.at(6 * 3_600 + 100).runs(OTHER_ID, "0", "process A", ends="error")
    load(endpoint, events_of(here, other))
    window = replace(WHOLE, since_ms=MIDNIGHT_MS + 3 * HOUR)
    tally, lines = told(saved(endpoint, folder, window=window), folder, window)
    assert [line.request_id for line in lines] == [OTHER_ID]
    assert tally.attempts == 1


def test_an_attempt_is_running_at_the_windows_end(endpoint: Endpoint, folder: Path) -> None:
    here = Environment("a").runs(OTHER_ID, "fine").at(60).starts(ID).prints("an order", "0")
    until_ms = here.now_ms
    here.prints("process A").raises().reports(ID)
    events = events_of(here)
    load(endpoint, events, first_page=2)
    window = replace(WHOLE, until_ms=until_ms)
    found = told(saved(endpoint, folder, window=window), folder, window)
    assert found == truth(events, window)
    assert [line.outcome.value for line in found[1]] == ["running", "succeeded"]
