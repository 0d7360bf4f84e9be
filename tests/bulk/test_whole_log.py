"""A log read whole, in pieces and by shapes, gives what the history of all its events gives."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from retryctl.bulk import reader
from retryctl.bulk.line_layout import may_have_retry
from retryctl.bulk.reader import BulkReader
from retryctl.bulk.reduction import PartitionContext, reduce_partition
from retryctl.core.crosscheck.checked_request import CheckedRequest, check_request
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.history.history_builder import build_history
from retryctl.core.history.lost_lines import with_lost_lines
from retryctl.core.model.coverage import UNORDERED, Coverage, Gap, LogQuery
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.request_row import request_rows
from retryctl.core.summary.silent_successes import SilentSuccesses
from retryctl.core.summary.tally import SummaryTally
from retryctl.sources.saved import raw_blocks
from tests.support.lambda_log import ID, MIDNIGHT_MS, Environment
from tests.support.made_up_logs import line_of, made_up, save
from tests.support.random_cases import seeds
from tests.support.reference_reader import SavedLog

Row = tuple[object, ...]


def row_of(checked: CheckedRequest) -> Row:
    """All that a summary or a list could make of a request."""
    request = checked.request
    return (
        request.log_group,
        request.function,
        request.outcome,
        checked.verdict,
        checked.undetermined_because,
        sorted((finding.rule, finding.attempt or 0) for finding in checked.findings),
        [
            (
                *(attempt.number, attempt.placed_ms, attempt.started_ms, attempt.ended_ms),
                *(attempt.outcome, attempt.error, attempt.claim.counter, attempt.claim.branch),
                *(attempt.log_stream, attempt.version, attempt.billed_duration_ms),
                *(attempt.memory_size_mb, attempt.runtime_version, check.verdict),
                *(check.counter_expected, check.counter_in_environment, check.branch_expected),
            )
            for attempt, check in zip(request.attempts, checked.checks, strict=True)
        ],
    )


def read_slowly(
    source: Path, selection: LogQuery
) -> tuple[Coverage, dict[tuple[str, str | None], CheckedRequest], int]:
    log = SavedLog(str(source))
    events = log.read_in_order(selection)
    coverage = log.coverage()
    told = build_history(events, horizon_ms=coverage.horizon_ms or 0)
    coverage = with_lost_lines(coverage, told.torn)
    return (
        coverage,
        {(r.request_id, r.log_group): check_request(r, coverage) for r in told.requests},
        coverage.events_unrecognised + told.unrecognised,
    )


def compare(source: Path, selection: LogQuery, *, chunk_bytes: int, processes: int = 1) -> int:
    """Read a log both ways; returns how many requests were quiet.

    Its requests and its streams are dealt out to many parts where its chunks are small.
    """
    coverage, expected, unrecognised = read_slowly(source, selection)
    log = BulkReader(str(source), chunk_bytes=chunk_bytes, processes=processes)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(reader, "PARTITION_BYTES", chunk_bytes)
        small.setattr(reader, "SHARE_BYTES", chunk_bytes)
        found = log.read(selection, Markers(), FunctionConfig())
    around = PartitionContext(
        coverage=found.stats.coverage(), settings=FunctionConfig(), markers=Markers()
    )
    told = [
        one
        for part in range(found.parts)
        for one in reduce_partition(found.part(part), found.readings, around)
    ]
    assert around.coverage.events_unrecognised == unrecognised
    assert coverage.events_read == around.coverage.events_read
    assert coverage.gaps == tuple(replace(gap, settle=None) for gap in around.coverage.gaps)
    assert (coverage.horizon_ms, coverage.first_event_ms, coverage.log_groups) == (
        around.coverage.horizon_ms,
        around.coverage.first_event_ms,
        around.coverage.log_groups,
    )
    lines = [line for one in told for line in request_rows(one)]
    assert sorted(lines, key=str) == sorted(
        (line for one in expected.values() for line in request_rows(one)), key=str
    )
    assert tally_of(told) == tally_of(expected.values())
    for one in told:
        if isinstance(one, CheckedRequest):
            request = one.request
            assert row_of(one) == row_of(expected[request.request_id, request.log_group])
    return sum(len(one.attempts) for one in told if isinstance(one, SilentSuccesses))


def tally_of(requests: Iterable[CheckedRequest | SilentSuccesses]) -> SummaryTally:
    tally = SummaryTally()
    for one in requests:
        if isinstance(one, SilentSuccesses):
            tally.add_quiet(one.attempts)
        else:
            tally.add(one)
    return tally


@pytest.mark.parametrize("seed", seeds(24, 200))
def test_pieces_and_shapes_change_nothing(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    streams = made_up(random, hostile=seed % 2 == 0)
    save(random, streams, tmp_path)
    until_ms = None
    if random.random() < 0.3:
        times = [event.timestamp_ms for events in streams for event in events]
        until_ms = random.choice(times) if times else None
    compare(tmp_path, LogQuery(until_ms=until_ms), chunk_bytes=random.choice((700, 5_000, 1 << 20)))


def test_several_processes_change_nothing(tmp_path: Path) -> None:
    random = Random(7)
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        save(random, made_up(random, hostile=True), folder)
    compare(tmp_path, LogQuery(), chunk_bytes=5_000, processes=2)


def test_a_file_that_grows_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    one = Environment("a").runs(ID, "fine")
    path.write_text("".join(map(line_of, one.events)))

    def write_on(done: int, total: int | None) -> None:
        with path.open("a") as file:
            file.write(line_of(one.events[0]))

    log = BulkReader(str(path))
    found = log.read(LogQuery(), Markers(), FunctionConfig(), progress=write_on)
    (gap,) = found.stats.coverage().gaps
    assert gap.kind == "changed"
    assert gap.hides_attempts
    assert "log.jsonl" in gap.message


def test_a_log_is_read_in_stretches_and_quiet_attempts_are_kept_as_numbers(tmp_path: Path) -> None:
    """What is fast is really taken: else the comparison above would prove nothing."""
    here = Environment("a")
    for number in range(200):
        here.at(number * 10).runs(f"{number:08x}-0000-4000-8000-000000000000", "fine")
    path = tmp_path / "log.jsonl"
    path.write_text("".join(map(line_of, here.events)))
    assert compare(path, LogQuery(), chunk_bytes=20_000) > 150


@pytest.mark.parametrize("as_json", [False, True])
def test_a_log_that_lost_a_line_is_the_same_in_pieces(as_json: bool, tmp_path: Path) -> None:
    here = Environment("a", json=as_json)
    for number in range(4):
        here.at(number * 10).runs(f"{number:08x}-0000-4000-8000-000000000000", "fine")
    path = tmp_path / "log.jsonl"
    for lost in range(len(here.events)):
        kept = [*here.events[:lost], *here.events[lost + 1 :]]
        path.write_text("".join(map(line_of, kept)))
        compare(path, LogQuery(), chunk_bytes=1 << 20)


def test_a_gap_in_the_lines_hides_those_of_its_time(tmp_path: Path) -> None:
    here = Environment("a")
    for number in range(30):
        here.at(number * 3600).runs(f"{number:08x}-0000-4000-8000-000000000000", "fine")
    path = tmp_path / "log.jsonl"
    path.write_text("".join(map(line_of, here.events)))
    hidden_ms = MIDNIGHT_MS + 20 * 3_600_000
    gap = Gap(
        kind=UNORDERED,
        message="Lines out of order.",
        log_stream=here.events[0].log_stream,
        since_ms=hidden_ms - 1_000,
        until_ms=hidden_ms + 3_000,
        hides_lines=True,
    )
    found = BulkReader(str(path)).read(LogQuery(), Markers(), FunctionConfig())
    coverage = replace(found.stats.coverage(), gaps=(gap,))
    around = PartitionContext(coverage=coverage, settings=FunctionConfig(), markers=Markers())
    told = [
        one
        for part in range(found.parts)
        for one in reduce_partition(found.part(part), found.readings, around)
    ]
    _, expected, _ = read_slowly(path, LogQuery())
    slowly = [check_request(one.request, coverage) for one in expected.values()]
    assert tally_of(told) == tally_of(slowly)
    unknown = [one.request.outcome for one in slowly].count(RequestOutcome.UNKNOWN)
    assert unknown == 1
    assert any(isinstance(one, SilentSuccesses) for one in told)


@pytest.mark.parametrize(
    ("end", "unread", "good"),
    [
        ("", 0, "ok"),
        # The half line may be an error's.
        ('{"logStreamName":"a","timestamp":1795402800123,"message":"a', 1, "unknown"),
    ],
)
@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize("block_bytes", [1, 1 << 17])
def test_joined_files_without_a_line_break(
    end: str,
    unread: int,
    good: str,
    spaced: bool,
    block_bytes: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", block_bytes)
    here, there = Environment("a"), Environment("b")
    for number in range(6):  # alike, so that all but the first are read by their template
        here.at(number * 10).runs(f"{number:08x}-0000-4000-8000-000000000000", "fine")
    last = "00000005-0000-4000-8000-000000000000"
    there.at(120).runs(last, ends="error").at(500).runs(ID)
    path = tmp_path / "log.jsonl"
    first = "".join(map(line_of, here.events))
    second = "".join(line_of(event, spaced=spaced) for event in there.events)
    path.write_text((first + end).removesuffix("\n") + second + "\n" * 2)
    log = BulkReader(str(path))
    for query in (LogQuery(), LogQuery(request_ids=(last,))):
        traced = log.trace(query)
        (request,) = (each.request for each in traced.requests if each.request.request_id == last)
        assert [attempt.outcome.value for attempt in request.attempts] == [good, "error"]
        assert len(request.attempts[1].events) == len(there.events) - 3
        assert traced.coverage.events_read == len(here.events) + len(there.events)
        assert traced.coverage.events_unrecognised == unread
    compare(path, LogQuery(), chunk_bytes=1 << 20)


def test_attempts_with_two_errors_may_differ_in_the_lines_between(tmp_path: Path) -> None:
    log = Environment("a")
    error = "[ERROR] NameError: no name\nTraceback (most recent call last):\n"
    for number, between in enumerate(("fine", "fine", "5", "fine", "5", "fine")):
        request_id = f"{number:08x}-0000-4000-8000-000000000000"
        log.at(number * 10).runs(request_id, "0", "process A", error, between, error)
    path = tmp_path / "log.jsonl"
    path.write_text("".join(map(line_of, log.events)))
    _, expected, _ = read_slowly(path, LogQuery())
    verdicts = Counter(one.verdict.value for one in expected.values())
    assert verdicts == {"agrees": 4, "undetermined": 2}
    compare(path, LogQuery(), chunk_bytes=1 << 20)


@pytest.mark.parametrize("json", [False, True])
def test_a_report_of_another_attempt_is_seen_among_attempts_that_are_alike(
    json: bool, tmp_path: Path
) -> None:
    log = Environment("a", json=json)
    for number in range(30):
        log.at(number * 100).runs(f"{number:08x}-0000-4000-8000-000000000000")
    path = tmp_path / "log.jsonl"
    torn = list(log.events)
    at = next(n for n, event in enumerate(torn) if event.message.lower().find("00000014-") > 0)
    torn[at] = replace(torn[at], timestamp_ms=torn[at].timestamp_ms - 60_000)  # its START
    billed = re.compile(r'(Billed Duration: |"billedDurationMs": ?)\d+')  # it is not the duration
    torn = [replace(each, message=billed.sub(r"\g<1>25100", each.message)) for each in torn]
    assert any("25100" in event.message for event in torn)
    for events, known in ((log.events, 30), (torn, 0)):
        path.write_text("".join(map(line_of, events)))
        _, expected, _ = read_slowly(path, LogQuery())
        outcomes = [one.request.outcome for one in expected.values()]
        assert outcomes.count(RequestOutcome.SUCCEEDED) == known
        compare(path, LogQuery(), chunk_bytes=1 << 20)


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize(
    ("took_ms", "duration_ms", "may_have"),
    [(49_999, 3, False), (60_000, 60_000, False), (60_000, 10_001, False), (60_000, 10_000, True)],
)
def test_a_report_may_be_that_of_a_retry_where_its_duration_is_too_short(
    took_ms: int, duration_ms: int, may_have: bool, json: bool
) -> None:
    log = Environment("a", json=json).at(0).starts(ID).reports(ID, duration_ms=duration_ms)
    line = line_of(log.events[-1]).encode()
    assert may_have_retry(line, took_ms) is may_have
    assert may_have_retry(line.replace(b"urationMs", b"").replace(b"Duration", b""), 60_000)
