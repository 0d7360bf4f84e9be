"""Exports of Logs Insights, whose rows of one millisecond stand in any order.

Each answer is that of the log in its order, or is uncertain, and then a gap says why.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from random import Random

import pytest

from retryctl.app.options import SourceOptions
from retryctl.bulk import line_scanner, reader
from retryctl.bulk.ties import stream_ties
from retryctl.core.history.event_order import EventOrder
from retryctl.core.model.coverage import UNORDERED
from retryctl.core.model.events import LogEvent
from retryctl.sources.saved import raw_blocks
from tests.support.insights_exports import (
    EXPORTS,
    read,
    rows_of,
    unordered,
    with_ties,
    without_streams,
)
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    OTHER_ID,
    RUNTIME,
    Environment,
    stream_name,
)
from tests.support.log_answers import (
    Answers,
    answers,
    contradictions,
    differences,
    undetermined,
)
from tests.support.made_up_streams import dotnet_error
from tests.support.random_cases import seeds
from tests.support.random_history import RandomHistory
from tests.support.saved_logs import GROUP, Event
from tests.support.saved_shapes import SHAPES

# --------------------------------------------------------------------------- one request

STREAM = stream_name("a")


def failed(number: int, request_id: str = ID, *, json: bool = False) -> list[Event]:
    """An attempt that prints twice in one millisecond, and fails and ends in another one."""
    at_ms = MIDNIGHT_MS + 1_000 + number * 125_000
    here = Environment(json=json).starts(request_id).prints(str(number), f"process {'ABC'[number]}")
    here.raises(request_id).reports(request_id, duration_ms=50.0)
    times = [at_ms, at_ms + 10, at_ms + 10, at_ms + 50, at_ms + 50, at_ms + 50]
    texts = [event.message for event in here.events]
    return [(ms, STREAM, text) for ms, text in zip(times, texts, strict=False)]


def three_failed(*, json: bool = False) -> list[Event]:
    inits = Environment(json=json).inits(RUNTIME)
    rows = [row for number in range(3) for row in failed(number, json=json)]
    return [(MIDNIGHT_MS, STREAM, inits.events[0].message), *rows]


ARRANGEMENTS: dict[str, Callable[[list[Event]], None]] = {
    "as they were": lambda rows: None,
    "the other way round": lambda rows: rows.reverse(),
    "the last one first": lambda rows: rows.insert(0, rows.pop()),
    "the first one last": lambda rows: rows.append(rows.pop(0)),
}


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("json_format", [False, True])
@pytest.mark.parametrize("shape", [*EXPORTS, "without streams"])
def test_an_error_behind_its_report_and_a_counter_behind_its_branch_are_read(
    shape: str, json_format: bool, newest_first: bool, arrangement: str, tmp_path: Path
) -> None:
    rows = with_ties(three_failed(json=json_format), ARRANGEMENTS[arrangement])
    if newest_first:  # the rows of one millisecond stay as they are
        rows = with_ties(sorted(rows, key=itemgetter(0), reverse=True), lambda _: None)
    found = read(tmp_path / "log", EXPORTS.get(shape, without_streams)(rows))
    assert (unordered(found), contradictions(found)) == (0, [])
    one = found.requests[ID]
    outcomes = [attempt.outcome.value for attempt in one.request.attempts]
    claims = [(attempt.claim.counter, attempt.claim.branch) for attempt in one.request.attempts]
    assert (one.request.outcome.value, one.verdict.value) == ("exhausted", "agrees")
    assert outcomes == ["error"] * 3
    assert claims == [(0, "A"), (1, "B"), (2, "C")]


@pytest.mark.parametrize("shape", sorted({*EXPORTS, "JSON lines"}))
def test_a_query_may_give_its_columns_other_names(shape: str, tmp_path: Path) -> None:
    """``fields @timestamp, @timestamp as timestamp, @message as message, @logStream, @log``."""
    rows = with_ties(three_failed(), ARRANGEMENTS["the other way round"])
    of_json = "JSON" in shape
    text = EXPORTS["Insights JSON" if of_json else shape](rows).replace("@message", "message")
    if of_json:
        named = [
            {**row, "timestamp": row["@timestamp"], "logStreamName": row["@logStream"]}
            for row in json.loads(text)
        ]
        lines = "".join(f"{json.dumps(row)}\n" for row in named)
        text = lines if shape == "JSON lines" else json.dumps(named, indent=2)
    found = read(tmp_path / "log", text)
    claims = [one.claim.counter for one in found.requests[ID].request.attempts]
    assert (unordered(found), claims) == (0, [0, 1, 2])
    assert found.requests[ID].verdict.value == "agrees"


def test_a_row_without_a_message_is_refused_by_the_name_of_the_field(tmp_path: Path) -> None:
    rows = EXPORTS["get-query-results"](three_failed()).replace("@message", "text")
    found = read(tmp_path / "log", rows)
    assert {"without the field @message" in error.what for error in found.refused.values()} == {
        True
    }


def test_the_order_of_an_export_of_another_tool_is_its_own(tmp_path: Path) -> None:
    rows = with_ties(three_failed(), ARRANGEMENTS["the other way round"])
    for shape in ("console CSV with streams", "document", "JSON lines"):
        found = read(tmp_path / "log", SHAPES[shape][0](rows))
        claims = [one.claim.counter for one in found.requests[ID].request.attempts]
        assert claims == [None] * 3


@pytest.mark.parametrize("arrangement", ["as they were", "the other way round"])
@pytest.mark.parametrize("counter", [0, 7, 1234])
@pytest.mark.parametrize("shape", [*EXPORTS, "without streams"])
def test_a_counter_is_in_the_millisecond_before_its_branch(
    shape: str, counter: int, arrangement: str, tmp_path: Path
) -> None:
    here = Environment().at(1).runs(ID, f"{counter}", "process A", "order 17")
    rows = [(ms, stream, text.rstrip()) for ms, stream, text in rows_of(here.events)]
    (order,) = [n for n, row in enumerate(rows) if row[2] == "order 17"]
    rows[order] = (rows[order - 1][0], *rows[order][1:])
    mixed = with_ties(rows, ARRANGEMENTS[arrangement])
    found = read(tmp_path / "log", EXPORTS.get(shape, without_streams)(mixed))
    (attempt,) = found.requests[ID].request.attempts
    assert (attempt.claim.counter, attempt.claim.branch) == (counter, "A")
    assert not contradictions(found)


def test_an_integer_printed_just_before_the_counter_is_a_doubt(tmp_path: Path) -> None:
    rows = three_failed()
    rows.insert(2, (rows[2][0] - 5, STREAM, "17\n"))
    for arrange in ARRANGEMENTS.values():
        found = read(tmp_path / "log", EXPORTS["Insights CSV"](with_ties(rows, arrange)))
        assert found.requests[ID].verdict.value == "undetermined"
        assert not contradictions(found)
        (gap,) = found.gaps["trace"]
        assert (gap.kind, gap.log_stream) == (UNORDERED, STREAM)
        assert "does not give the order of 2 lines" in gap.message
        assert (gap.settle or "").startswith(f"aws logs filter-log-events --log-group-name {GROUP}")


def test_a_counter_that_is_put_behind_its_start_is_just_before_the_next_one(
    tmp_path: Path,
) -> None:
    rows = three_failed()
    rows.insert(2, (rows[2][0] - 5, STREAM, "17\n"))
    rows[1] = (rows[2][0], *rows[1][1:])
    for arrange in ARRANGEMENTS.values():
        found = read(tmp_path / "log", EXPORTS["Insights CSV"](with_ties(rows, arrange)))
        assert (unordered(found), found.requests[ID].verdict.value) == (1, "undetermined")


def test_a_doubt_concerns_the_requests_of_its_time_and_stream(tmp_path: Path) -> None:
    """In one millisecond one request ends and another starts, and prints a counter."""
    before = Environment("a").at(0).runs("11111111-0000-4000-8000-000000000000", "0", "process A")
    after = Environment("a").at(90).runs("22222222-0000-4000-8000-000000000000", "0", "process A")
    first = failed(0)
    at_ms = first[-1][0]
    second = Environment("a").at(60).runs(OTHER_ID, "0", "process A").events[1:]
    met = [(at_ms, STREAM, event.message) for event in second[:3]]
    late = [(at_ms + 9, STREAM, event.message) for event in second[3:]]
    apart = Environment("b").runs("33333333-0000-4000-8000-000000000000", "0", "process A")
    others = [event for each in (before, after, apart) for event in each.events]
    rows = sorted([*first, *met, *late, *rows_of(others)], key=itemgetter(0))
    found = read(tmp_path / "log", EXPORTS["Insights CSV"](rows))
    verdicts = {name[:8]: one.verdict.value for name, one in found.requests.items()}
    assert unordered(found) == 1
    assert (verdicts.pop(ID[:8]), verdicts.pop(OTHER_ID[:8])) == ("undetermined", "undetermined")
    assert set(verdicts.values()) == {"agrees"}


@pytest.mark.parametrize("newest_first", [False, True])
def test_two_files_share_a_millisecond_of_a_stream(newest_first: bool, tmp_path: Path) -> None:
    rows = with_ties(three_failed(), ARRANGEMENTS["the other way round"])
    (tmp_path / "logs").mkdir()
    for at in range(1, len(rows)):
        for name, some in (("1", rows[:at]), ("2", rows[at:])):
            text = EXPORTS["Insights CSV"](some[::-1] if newest_first else some)
            (tmp_path / "logs" / name).write_text(text)
        found = answers(SourceOptions(source=str(tmp_path / "logs")))
        assert found.requests[ID].verdict.value == "agrees", at
        assert found.requests[ID].request.outcome.value == "exhausted"
        assert not contradictions(found)


def test_a_millisecond_of_very_many_rows_is_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_ties, "MOST_WAITING", 2)
    monkeypatch.setattr(line_scanner, "LINES_AT_ONCE", 1)
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", 1)
    rows = with_ties(three_failed(), ARRANGEMENTS["the other way round"])
    found = read(tmp_path / "log", EXPORTS["Insights CSV"](rows))
    assert found.requests[ID].verdict.value == "agrees"
    assert found.requests[ID].request.outcome.value == "exhausted"


def test_output_between_end_and_report_may_stand_behind_the_last_error(tmp_path: Path) -> None:
    """An error of .NET is one only as the last line; END has the millisecond before REPORT."""
    here = Environment().inits("dotnet:8.v1").starts()
    here.logs(dotnet_error(here.now_ms)).reports().prints("background")
    rows = rows_of(here.events)
    rows[3:] = [(rows[2][0], *rows[3][1:]), *((rows[4][0], *row[1:]) for row in rows[4:])]
    for arrange in ARRANGEMENTS.values():
        found = read(tmp_path / "log", EXPORTS["Insights CSV"](with_ties(rows, arrange)))
        assert (unordered(found), contradictions(found)) == (1, [])
        assert found.requests[ID].request.outcome.value == "unknown"


# --------------------------------------------------------------------------- random histories


@pytest.mark.parametrize("seed", seeds(24, 600))
def test_rows_of_one_millisecond_in_any_order_answer_nothing_else(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    history = RandomHistory(random)
    rows = rows_of(history.events, within_ms=random.choice((1, 2, 3, 4, 6, 10, 20)))
    known = read(tmp_path / "known", SHAPES["document"][0](rows))
    shape = [*EXPORTS][seed % len(EXPORTS)]
    mixed = with_ties(rows, random.shuffle)
    if random.random() < 0.5:
        mixed.reverse()
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", random.choice((1, 500, 1 << 17)))
    monkeypatch.setattr(line_scanner, "LINES_AT_ONCE", random.choice((1, 9, 1_500)))
    found = read(tmp_path / "export", EXPORTS[shape](mixed))
    assert not [*differences(known, found), *contradictions(found)]
    assert found.requests.keys() == known.requests.keys()
    if not unordered(found):
        assert undetermined(found) == undetermined(known)
    monkeypatch.setattr(reader, "EXAMINED_BYTES", 0)  # only streams with an ID are read
    ids = tuple(history.ids)
    by_id = answers(SourceOptions(source=str(tmp_path / "export"), log_groups=(GROUP,)), ids)
    assert not differences(known, by_id)


@pytest.mark.parametrize("seed", seeds(12, 300))
def test_without_streams_an_export_answers_no_more_than_a_log_in_order(
    seed: int, tmp_path: Path
) -> None:
    random = Random(seed)
    history = RandomHistory(random)
    rows = rows_of(history.events, within_ms=random.choice((1, 3, 10)))
    known = read(tmp_path / "known", SHAPES["document"][0](rows))
    mixed = with_ties(rows, random.shuffle)
    found = read(tmp_path / "export", without_streams(mixed))
    assert not [*differences(known, found), *contradictions(found)]


PRINTS = (
    ("reading order 17", "0", "process A"),
    ("1", "2", "3", "done"),
    ("[INFO]\treading", "charged", "stored"),
    ("0", "process A", "charged"),
    (),
)


@pytest.mark.parametrize("json_format", [False, True])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_what_functions_print_in_one_millisecond_is_no_doubt(
    arrangement: str, json_format: bool, tmp_path: Path
) -> None:
    """Each request prints in one millisecond, and ends in that in which the next one starts."""
    rows = list[Event]()
    for number in range(50):
        request_id, at_ms = f"{number:08x}-0000-4000-8000-000000000000", MIDNIGHT_MS + 40 * number
        here = Environment(json=json_format).starts(request_id)
        here.prints(*PRINTS[number % len(PRINTS)])
        texts = [event.message for event in here.events]
        rows += [(at_ms, STREAM, texts[0]), *((at_ms + 20, STREAM, text) for text in texts[1:])]
        if number % 3 == 0:
            rows += [(at_ms + 30, STREAM, here.raises(request_id).events[-1].message)]
        here.reports(request_id, duration_ms=40.0)
        ends = [event.message for event in here.events if "REPORT" in event.message.upper()]
        ends += [event.message for event in here.events if event.message.startswith("END ")]
        rows += [(at_ms + 40, STREAM, text) for text in ends[::-1]]
    rows = with_ties(sorted(rows, key=itemgetter(0)), ARRANGEMENTS[arrangement])
    found = read(tmp_path / "log", EXPORTS["Insights CSV"](rows))
    assert (unordered(found), undetermined(found), len(found.requests)) == (0, 0, 50)


# --------------------------------------------------------------------------- letters and records

PRINTED = ["0\n", "17\n", "process A\n", "an order\n", "process 9\n", "é\n", '{"retryctl": 1}\n']


@pytest.mark.parametrize("seed", seeds(60, 3_000))
def test_what_the_bytes_settle_is_what_the_records_settle(seed: int, tmp_path: Path) -> None:
    """Attempts of random lines in few milliseconds: with the letters, and with the core alone."""
    random = Random(seed)
    here, rows = Environment(json=seed % 3 == 0).inits(RUNTIME), list[Event]()
    for number in range(3):
        request_id = f"{number:08x}-0000-4000-8000-000000000000"
        here.at(1 + number).starts(request_id)
        here.prints(*(text.rstrip() for text in random.sample(PRINTED, random.randrange(5))))
        if random.random() < 0.3:
            here.raises(request_id)
        here.reports(request_id)
    rows = with_ties(rows_of(here.events, random.choice((2, 3, 5, 10))), random.shuffle)
    found = read(tmp_path / "log", random.choice([*EXPORTS.values()])(rows))
    events = [
        LogEvent(
            timestamp_ms=ms, message=text, log_stream=stream, log_group=f"123456789012:{GROUP}"
        )
        for ms, stream, text in rows
    ]
    order = EventOrder()
    text = SHAPES["document"][0](
        [(e.timestamp_ms, e.log_stream or "", e.message) for e in order.ordered(events)]
    )
    settled = read(tmp_path / "settled", text)
    assert unordered(found) == len(order.doubts)
    if not order.doubts:
        told = [_told(each) for each in (found, settled)]
        assert told[0] == told[1]


def _told(found: Answers) -> list[object]:
    return [
        (one.verdict, one.request.outcome, each.outcome, each.claim.counter, each.claim.branch)
        for one in found.requests.values()
        for each in one.request.attempts
    ]
