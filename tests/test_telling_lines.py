"""The lines that are selected on CloudWatch tell of attempts what all lines tell."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random

import pytest

from retryctl.core.claims import Markers
from retryctl.core.coverage import Coverage
from retryctl.core.crosscheck import check_request
from retryctl.core.history import read_history
from retryctl.core.records import LogEvent
from retryctl.sources.neighbours import Pairs, is_parted
from retryctl.sources.telling_lines import telling_lines
from tests.lambda_log import ID, Environment
from tests.made_up_logs import made_up
from tests.test_summary_whole import Row, row_of

_ABOVE_ALL = 10**15


def rows(events: Sequence[LogEvent], markers: Markers) -> list[Row]:
    told = read_history(events, horizon_ms=_ABOVE_ALL, markers=markers)
    coverage = Coverage(source="cloudwatch", horizon_ms=_ABOVE_ALL)
    return [
        (request.request_id, *row_of(check_request(request, coverage, markers=markers)))
        for request in told.requests
    ]


def selected(streams: Sequence[Sequence[LogEvent]], markers: Markers) -> list[LogEvent]:
    expression = telling_lines(markers)
    assert expression
    tells = re.compile(expression).search
    return [event for events in streams for event in events if tells(event.message)]


def parted(streams: Sequence[Sequence[LogEvent]], markers: Markers) -> bool:
    """Whether a line of the function stands between two that were taken for neighbours."""
    pairs = Pairs(markers, 1_000)
    for event in selected(streams, markers):
        pairs.take(event)
    pairs.finish()
    tells = re.compile(telling_lines(markers) or "").search
    return any(
        is_parted(pair, events, tells)
        for pair in pairs.farthest(1_000)
        for events in streams
        if events[0].log_stream == pair.first.log_stream
    )


def on_cloudwatch(random: Random) -> list[list[LogEvent]]:
    """Made-up streams, as CloudWatch has them: each named, its events in order of time."""
    streams = made_up(random, hostile=random.random() < 0.5)
    named = [events for events in streams if events and events[0].log_stream]
    return [sorted(events, key=lambda event: event.timestamp_ms) for events in named]


@pytest.mark.parametrize("seed", range(80))
def test_selected_lines_tell_the_same(seed: int) -> None:
    streams = on_cloudwatch(Random(seed))
    if parted(streams, Markers()):
        pytest.skip("these are read with all of their lines")
    everything = [event for events in streams for event in events]
    assert rows(selected(streams, Markers()), Markers()) == rows(everything, Markers())


SETTINGS = (
    Markers(counter=re.compile(r"attempt=(?P<count>\d+)")),
    Markers(counter=re.compile(r'"retries": (?P<count>[0-9]{1,3}),?')),
    Markers(
        counter=re.compile(r"^try (?P<count>\d) of \d$"),
        branch=re.compile(r"\[(?P<branch>A|B|C)\] runs\."),
    ),
    Markers(counter_field="app.retry-count", branch_field="app.branch"),
)
OWN_LINES = (
    *("attempt=1", "an attempt=12!", json.dumps({"app": {"retry-count": 2, "branch": "B"}})),
    *('{"retries": 3}', json.dumps({"message": 'said "retries": 1, "x"'}), "try 2 of 3"),
    *("[B] runs.", json.dumps({"level": "INFO", "message": "try 1 of 2"}), "no more of it"),
)


@pytest.mark.parametrize("markers", SETTINGS)
def test_lines_of_the_settings_are_selected(markers: Markers) -> None:
    told = Environment("a").runs(ID, *OWN_LINES, ends="error").events
    chosen = selected([told], markers)
    assert rows(chosen, markers) == rows(told, markers)
    assert rows(chosen, markers)[0][7][0][6] is not None  # type: ignore[index]
    assert len(chosen) < len(told)
    assert not {"no more of it\n", "an order\n"} & {event.message for event in chosen}


@pytest.mark.parametrize(
    "pattern",
    [r"(?:try|attempt) (?P<count>\d)", r"(?i)try (?P<count>\d)", r"Versuch ü (?P<count>\d)"],
)
def test_a_pattern_that_cannot_be_searched_for_asks_for_every_line(pattern: str) -> None:
    assert telling_lines(Markers(counter=re.compile(pattern))) is None


def test_a_pattern_that_is_too_long_asks_for_every_line() -> None:
    assert telling_lines(Markers(counter=re.compile("x" * 900 + r"(?P<count>\d)"))) is None
