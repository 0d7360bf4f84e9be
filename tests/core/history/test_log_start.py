"""A log shows that it was cut at its start: a stream lacks its init, or a REPORT its START."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retryctl.core.history.cut_log import is_cut
from retryctl.core.model.events import LogEvent
from tests.support.lambda_log import ID, OTHER_ID, Environment, events_of


def cut(events: list[LogEvent]) -> bool:
    return is_cut(events, min(event.timestamp_ms for event in events))


def two_environments(*, json: bool) -> list[LogEvent]:
    one, two = Environment("a", json=json), Environment("b", json=json)
    one.at(0).runs(ID, ends="error")
    two.at(61).runs(ID, ends="error")
    one.at(183).runs(ID)
    two.at(300).runs(OTHER_ID)
    return events_of(one, two)


@pytest.mark.parametrize("json", [False, True])
def test_a_whole_log_begins_each_stream_with_an_init(json: bool) -> None:
    events = two_environments(json=json)
    assert not cut(events)
    assert not cut(events[::-1])


@pytest.mark.parametrize("json", [False, True])
def test_a_stream_that_begins_with_an_attempt_shows_the_cut(json: bool) -> None:
    events = two_environments(json=json)
    second = next(at for at, event in enumerate(events) if event.log_stream != events[0].log_stream)
    assert cut(events[second:])


def test_a_log_without_any_init_shows_nothing() -> None:
    events = [event for event in two_environments(json=False) if "INIT_" not in event.message]
    assert not cut(events)


@pytest.mark.parametrize("streams", [True, False])
def test_an_init_duration_stands_for_the_init_where_no_stream_lost_it(streams: bool) -> None:
    one, two = Environment("a"), Environment("b")
    one.at(0).inits().starts(ID).reports(ID)
    two.at(9).starts(OTHER_ID).reports(OTHER_ID, init_ms=100.0)
    events = events_of(one, two)
    if not streams:
        events = [replace(event, log_stream=None) for event in events]
    assert cut(events) is streams


def test_an_attempt_that_began_before_the_first_event_shows_the_cut() -> None:
    here = Environment("a")
    here.at(5).reports(ID, duration_ms=4_000.0)
    here.at(70).starts(OTHER_ID).reports(OTHER_ID)
    assert cut(here.events)


def test_a_start_that_was_lost_later_does_not() -> None:
    here, there = Environment("a"), Environment("b")
    there.at(0).starts(OTHER_ID).reports(OTHER_ID)
    here.at(5).reports(ID, duration_ms=1_000.0)
    assert not cut(events_of(here, there))
