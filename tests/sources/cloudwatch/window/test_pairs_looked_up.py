"""Whether lines stand between those that were selected is looked up, or told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from retryctl.core.model.events import LogEvent
from retryctl.sources.cloudwatch.pages import StreamStretch, TimeRange
from retryctl.sources.cloudwatch.window_download import EventsWithin
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.window.saved_window import (
    SECOND,
    WHOLE,
    counting,
    load,
    nearest_parted,
    saved,
    selected_only,
    told,
    truth,
)
from tests.support.lambda_log import ID, MIDNIGHT_MS, OTHER_ID, Environment, events_of

pytestmark = pytest.mark.usefixtures("credentials")


NODE_ERROR = json.dumps(
    {"level": "ERROR", "message": {"errorType": "E", "errorMessage": "no", "stackTrace": []}}
)

DOTNET_ERROR = f"2026-11-23T00:00:00.123Z\t{ID}\tfail\tSystem.Exception: no"


def test_what_nothing_parts_is_read_by_the_lines_that_tell(
    endpoint: Endpoint, folder: Path
) -> None:
    load(endpoint, counting(30))
    log = saved(endpoint, folder)
    assert selected_only(folder)
    assert not log.stats.gaps


def test_a_line_between_the_integer_and_its_branch_has_the_window_read_whole(
    endpoint: Endpoint, folder: Path
) -> None:
    events = counting(30, "and this lies between")
    load(endpoint, events)
    log = saved(endpoint, folder)
    assert not selected_only(folder)
    assert log.assumed is None
    assert told(log, folder) == truth(events)


@pytest.mark.parametrize("error", [NODE_ERROR, DOTNET_ERROR])
@pytest.mark.parametrize("after", [(), ("it went on",)])
@pytest.mark.parametrize("ends", [True, False])
def test_an_error_that_counts_only_as_the_last_line(
    endpoint: Endpoint, error: str, after: tuple[str, ...], ends: bool, folder: Path
) -> None:
    here = Environment("a", json=error is NODE_ERROR).runs(OTHER_ID, "an order")
    here.at(60).starts(ID).prints("an order", error, *after)
    if ends:
        here.reports(ID)
    load(endpoint, events_of(here), first_page=2)
    window = replace(WHOLE, until_ms=here.now_ms + 1)
    log = saved(endpoint, folder, window=window)
    assert selected_only(folder) == (not after)
    tally, lines = told(log, folder, window)
    assert (tally, lines) == truth(events_of(here), window)
    outcome = {(): "pending", ("it went on",): "succeeded" if ends else "running"}[after]
    assert lines[0].outcome.value == outcome


def test_every_error_is_looked_up_before_other_pairs(endpoint: Endpoint, folder: Path) -> None:
    """Of 40 errors, the one with the least time to its REPORT is not the last line."""
    here = Environment("a")
    for number in range(40):
        request_id = f"{number:08x}-1111-4222-8333-444455556666"
        here.at(number * 600).starts(request_id).prints(
            "an order", DOTNET_ERROR.replace(ID, request_id)
        )
        here.prints("it went on") if number == 20 else here.at(number * 600 + 5)
        here.reports(request_id)
    events = events_of(here)
    load(endpoint, events, first_page=2)
    log = saved(endpoint, folder)
    assert told(log, folder) == truth(events)


def test_an_integer_and_its_branch_in_two_slices_are_a_pair(
    endpoint: Endpoint, folder: Path
) -> None:
    here = Environment("a").runs(OTHER_ID, "an order").at(600).starts(ID).prints("0")
    here.at(600 + 800).prints("an order").at(600 + 850).prints("process A").raises().reports(ID)
    events = events_of(here)
    load(endpoint, events, first_page=2)
    log = saved(endpoint, folder, window=replace(WHOLE, until_ms=MIDNIGHT_MS + 1_600 * SECOND))
    assert not selected_only(folder)
    assert len(list(folder.iterdir())) > 1
    assert log.assumed is None


def test_where_few_pairs_are_looked_up_that_is_told_and_hides_nothing(
    endpoint: Endpoint, folder: Path
) -> None:
    events = counting(40)
    load(endpoint, events, first_page=150)
    log = saved(endpoint, folder)
    assert log.assumed
    assert log.assumed.kind == "not-looked-up"
    assert "5 of 40 pairs" in log.assumed.message
    assert not log.assumed.hides_attempts
    assert not log.stats.gaps
    assert told(log, folder) == truth(events)


def test_pairs_that_may_not_be_looked_up_are_told(endpoint: Endpoint, folder: Path) -> None:
    events = counting(3)
    load(endpoint, events, first_page=4)
    endpoint.faults.denied_streams.add(events[0].log_stream or "")
    log = saved(endpoint, folder)
    assert log.assumed
    assert "none of 3 pairs" in log.assumed.message


def test_the_pairs_with_the_most_time_between_are_looked_up(
    endpoint: Endpoint, folder: Path
) -> None:
    here = Environment("a")
    for number in range(40):
        at = number * 600
        here.at(at).starts(ID).prints("an order", "0").at(at + 1 + number % 5)
        if number % 5 == 4:  # of so many attempts these take longest
            here.prints("an order")
        here.prints("process A").raises().reports(ID)
    load(endpoint, events_of(here), first_page=150)
    saved(endpoint, folder)
    assert not selected_only(folder)


@pytest.mark.parametrize("sure", [True, False])
def test_whoever_has_to_be_sure_finds_any_line_between(
    endpoint: Endpoint, sure: bool, folder: Path
) -> None:
    events = nearest_parted()
    load(endpoint, events, first_page=150)
    log = saved(endpoint, folder, verify_all=sure)
    assert selected_only(folder) == (not sure)
    assert (log.assumed is None) == sure
    assert (told(log, folder) == truth(events)) == sure


def test_whoever_has_to_be_sure_is_told_nothing_that_was_not_looked_up(
    endpoint: Endpoint, folder: Path
) -> None:
    events = counting(40)
    load(endpoint, events, first_page=150)
    log = saved(endpoint, folder, verify_all=True)
    assert selected_only(folder)
    assert (log.assumed, log.stats.gaps) == (None, [])
    assert told(log, folder) == truth(events)


def test_where_looking_up_all_pairs_costs_more_every_line_is_read(
    endpoint: Endpoint, folder: Path
) -> None:
    events = counting(220, apart_s=400)  # all in the window
    load(endpoint, events, first_page=1_100)
    log = saved(endpoint, folder, verify_all=True)
    assert not selected_only(folder)
    assert (log.assumed, log.stats.gaps) == (None, [])
    assert told(log, folder) == truth(events)


def test_pairs_that_may_not_be_looked_up_have_every_line_read(
    endpoint: Endpoint, folder: Path
) -> None:
    events = counting(3)
    load(endpoint, events, first_page=4)
    endpoint.faults.denied_streams.add(events[0].log_stream or "")
    log = saved(endpoint, folder, verify_all=True)
    assert not selected_only(folder)
    assert log.assumed is None


def test_events_within_overlapping_stretches_of_many_streams() -> None:
    random = Random(1)

    def moment() -> int:
        return random.randrange(40)

    for _ in range(200):
        stretches = [
            StreamStretch(
                log_stream=random.choice("ab"), window=TimeRange(since_ms=at, until_ms=at + span)
            )
            for at, span in ((moment(), random.randrange(9)) for _ in range(random.randrange(6)))
        ]
        within = EventsWithin(stretches)
        for stream in ("a", "b", "c", None):
            for at_ms in range(50):
                event = LogEvent(message="", timestamp_ms=at_ms, log_stream=stream)
                assert within.has(event) is any(
                    one.log_stream == stream and one.window.has(at_ms) for one in stretches
                )
