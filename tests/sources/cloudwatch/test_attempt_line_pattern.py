"""The lines that are selected on CloudWatch tell of attempts what all lines tell."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from random import Random

import pytest

from retryctl.core.crosscheck.checked_request import check_request
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.history.history_builder import build_history
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import AppLine, FunctionError, Record
from retryctl.sources.cloudwatch.adjacent_pairs import AdjacentPair, Pairs, is_parted
from retryctl.sources.cloudwatch.attempt_line_pattern import attempt_line_pattern
from retryctl.sources.cloudwatch.pages import StreamStretch
from retryctl.sources.cloudwatch.unselected_lines import BareStarts
from retryctl.sources.saved.canonical_lines import canonical_line
from tests.bulk.test_whole_log import Row, row_of
from tests.core.grammar import test_grammar
from tests.support.lambda_log import (
    ENDS,
    GROUP,
    ID,
    OTHER_ID,
    Environment,
    end,
    exited,
    platform,
    report,
    timed_out,
)
from tests.support.made_up_logs import made_up
from tests.support.made_up_streams import dotnet_error, info, node_error, runtimes

_ABOVE_ALL = 10**15


def rows(events: Sequence[LogEvent], markers: Markers) -> list[Row]:
    told = build_history(events, horizon_ms=_ABOVE_ALL, markers=markers)
    coverage = Coverage(source="cloudwatch", horizon_ms=_ABOVE_ALL)
    return [
        (request.request_id, *row_of(check_request(request, coverage, markers=markers)))
        for request in told.requests
    ]


def selected(streams: Sequence[Sequence[LogEvent]], markers: Markers) -> list[LogEvent]:
    expression = attempt_line_pattern(markers)
    assert expression
    tells = re.compile(expression).search
    return [event for events in streams for event in events if tells(event.message)]


def selected_with_starts(streams: Sequence[Sequence[LogEvent]]) -> list[LogEvent]:
    """Return the selected lines, and all lines of attempts that have a START alone among them."""
    chosen = selected(streams, Markers())
    lines = [canonical_line(replace(event, log_group=GROUP)) for event in chosen]
    starts = BareStarts()
    for event, line in zip(chosen, lines, strict=True):
        starts.take((event.log_stream or "").encode(), line)
    starts.finish()
    beside = starts.of_retried(lines)
    tells = re.compile(attempt_line_pattern(Markers()) or "").search
    return [
        event
        for events in streams
        for event in events
        if tells(event.message) or any(is_within(event, stretch) for stretch in beside)
    ]


def is_within(event: LogEvent, stretch: StreamStretch) -> bool:
    window = stretch.window
    in_stream = event.log_stream == stretch.log_stream
    return in_stream and window.since_ms <= event.timestamp_ms < window.until_ms


def neighbours(
    streams: Sequence[Sequence[LogEvent]], markers: Markers
) -> list[tuple[AdjacentPair, bool]]:
    """The pairs among the selected lines, and whether a line stands between the two."""
    pairs = Pairs(markers=markers, most=1_000)
    for event in selected(streams, markers):
        pairs.take(event)
    pairs.finish()
    tells = re.compile(attempt_line_pattern(markers) or "").search
    return [
        (pair, is_parted(pair, events, tells))
        for pair in pairs.farthest(1_000)
        for events in streams
        if events[0].log_stream == pair.first.log_stream
    ]


def parted(streams: Sequence[Sequence[LogEvent]], markers: Markers) -> bool:
    """Whether a line of the function stands between two that were taken for neighbours."""
    return any(is_parted for _, is_parted in neighbours(streams, markers))


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
    assert rows(selected_with_starts(streams), Markers()) == rows(everything, Markers())


# --------------------------------------------------------------------------- every runtime

# Known limits, which these streams do not reach: of two errors of one request that count only as
# the last line, where no START was seen the first can count for an attempt before the second; and
# a JSON line can be dated before its own platform.start.
SEEDS = range(100)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_not_parted_tells_the_same_of_every_runtime(seed: int) -> None:
    streams = runtimes(Random(seed))
    everything = [event for events in streams for event in events]
    same = rows(selected(streams, Markers()), Markers()) == rows(everything, Markers())
    assert same or parted(streams, Markers())


def test_these_streams_have_pairs_of_both_kinds_parted_and_not() -> None:
    found = Counter(
        (isinstance(parse_record(pair.first), FunctionError), is_parted)
        for seed in SEEDS
        for pair, is_parted in neighbours(runtimes(Random(seed)), Markers())
    )
    assert len(found) == 4
    assert min(found.values()) >= 5


def of_json(runtime: str = "nodejs:22.v1", kind: str = "on-demand") -> Environment:
    return Environment(json=True).inits(runtime, kind)


def fails(here: Environment, request_id: str = ID) -> Environment:
    return here.logs(node_error(here.now_ms, request_id))


def done(here: Environment) -> Environment:
    return here.platform("runtimeDone", {"requestId": ID, "status": "success"})


def integer_in_init(*between: str) -> Environment:
    return Environment().inits().prints("0").starts().prints(*between, "process A").reports()


def runtime_done_before_the_branch(*between: str) -> Environment:
    return done(of_json().starts().prints("0")).prints(*between, "process A").reports()


def timeout_before_the_branch(*between: str) -> Environment:
    here = Environment().inits().starts().prints("0")
    return here.logs(timed_out(here.now_ms)).prints(*between, "process A").reports()


def extension_between_end_and_report(*between: str) -> Environment:
    here = Environment().inits("dotnet:8.v1").starts()
    return here.logs(dotnet_error(here.now_ms), end()).prints(*between).logs(report())


def extension_after_runtime_done(*between: str) -> Environment:
    return done(fails(of_json().starts())).prints(*between).reports()


def error_before_start(*between: str) -> Environment:
    return fails(of_json()).starts().prints(*between).reports()


def start_of_another(*between: str) -> Environment:
    here = fails(of_json(kind="lambda-managed-instances").starts()).starts(OTHER_ID)
    return here.logs(*(info(here.now_ms, ID, line) for line in between)).reports().reports(OTHER_ID)


def report_of_another(*between: str) -> Environment:
    here = fails(of_json(kind="lambda-managed-instances").starts().starts(OTHER_ID))
    here.reports(OTHER_ID)
    return here.logs(*(info(here.now_ms, ID, line) for line in between)).reports()


def error_of_another(*between: str) -> Environment:
    here = fails(of_json(kind="lambda-managed-instances").starts().starts(OTHER_ID))
    fails(here, OTHER_ID)
    here.logs(*(info(here.now_ms, ID, line) for line in between))
    return here.reports(OTHER_ID).reports()


def start_not_seen(*between: str) -> Environment:
    here = fails(Environment(json=True)).prints("5")
    return here.logs(*(info(here.now_ms, ID, line) for line in between)).reports()


@pytest.mark.parametrize(
    "case",
    [
        *(integer_in_init, runtime_done_before_the_branch, timeout_before_the_branch),
        *(extension_between_end_and_report, extension_after_runtime_done, error_before_start),
        *(start_of_another, report_of_another, error_of_another),
    ],
)
def test_a_line_that_was_not_selected_parts_the_two(case: Callable[..., Environment]) -> None:
    assert parted([case("two words").events], Markers())
    whole = case().events
    assert not parted([whole], Markers())
    assert rows(selected([whole], Markers()), Markers()) == rows(whole, Markers())


def test_a_line_parts_an_error_from_its_report_where_no_start_was_seen() -> None:
    events = start_not_seen("two words").events
    assert parted([events], Markers())


# --------------------------------------------------------------------------- every record


def sample_lines() -> Iterator[str]:
    """The messages that the tests of the grammar read."""
    for name, test in vars(test_grammar).items():
        if not name.startswith("test_"):
            continue
        for mark in getattr(test, "pytestmark", []):
            if mark.name == "parametrize":
                yield from _texts(mark.args[1])


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, str):
                yield part


def written_lines() -> Iterator[str]:
    """The records that the tests' own logs write."""
    for json_format in (False, True):
        for ends in ENDS:
            here = Environment(json=json_format).runs(ends=ends).fails_init()
            yield from (event.message for event in here.events)
    yield from (timed_out(0), exited(), exited(how="signal: killed"))
    yield from (platform("end", {"requestId": ID}), platform("fault", exited()))


def test_every_line_that_is_read_as_a_record_is_selected() -> None:
    tells = re.compile(attempt_line_pattern(Markers()) or "").search
    lines = {*sample_lines(), *written_lines()}
    told = {line for line in lines if not isinstance(read_text(line), AppLine)}
    assert len(told) > 60
    assert [line for line in sorted(told) if not tells(line)] == []


def read_text(message: str) -> Record:
    return parse_record(LogEvent(timestamp_ms=0, message=message))


# --------------------------------------------------------------------------- the settings

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
    ("pattern", "line"),
    [
        (r"state[^0-9]*count (?P<count>\d+)", "state\ncount 1"),
        (r'"retry":\s*\{\s*"count":\s*(?P<count>\d+)', '{\n  "retry": {\n    "count": 1\n  }\n}'),
        (r"state\D*count (?P<count>\d+)", "state\ncount 1"),
        # as the JSON writers of Java (Gson) and of .NET put such signs
        (r"attempt=(?P<count>\d+)", r'{"level":"INFO","message":"attempt\u003d1"}'),
        (r"attempt[=:](?P<count>\d+)", r'{"level":"INFO","message":"attempt\u003d1"}'),
        (r"retry \+(?P<count>\d+)", r'{"level":"Information","message":"retry \u002B1"}'),
        (r"try `(?P<count>\d+)", r'{"level":"INFO","message":"it\u0027s try \u00601"}'),
    ],
)
def test_a_line_of_the_settings_is_selected_however_it_is_written(pattern: str, line: str) -> None:
    markers = Markers(counter=re.compile(pattern))
    told = Environment().runs(ID, "an order", line, ends="error").events
    chosen = selected([told], markers)
    assert rows(chosen, markers) == rows(told, markers)
    assert rows(chosen, markers)[0][7][0][6] is not None  # type: ignore[index]
    assert "an order\n" not in {event.message for event in chosen}


@pytest.mark.parametrize(
    "pattern",
    [r"(?:try|attempt) (?P<count>\d)", r"(?i)try (?P<count>\d)", r"Versuch ü (?P<count>\d)"],
)
def test_a_pattern_that_cannot_be_searched_for_asks_for_every_line(pattern: str) -> None:
    assert attempt_line_pattern(Markers(counter=re.compile(pattern))) is None


def test_a_pattern_that_is_too_long_asks_for_every_line() -> None:
    assert attempt_line_pattern(Markers(counter=re.compile("x" * 900 + r"(?P<count>\d)"))) is None
