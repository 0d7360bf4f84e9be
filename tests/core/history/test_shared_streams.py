"""Streams in the JSON format, streams that several environments share, and large ones."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from retryctl.core.history.history_builder import build_history
from retryctl.core.model.attempt import AttemptOutcome
from retryctl.core.model.events import LogEvent
from tests.core.history.test_lines_of_attempts import attempts_of, said
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    OTHER_ID,
    Environment,
    end,
    events_of,
    history,
    init_report,
    platform,
    report,
    start,
    timed_out,
)

if TYPE_CHECKING:
    from _typeshed import TraceFunction


def test_json_lines_may_carry_a_time_before_their_start() -> None:
    log = Environment(json=True).runs(OTHER_ID, ends="ok")
    log.at(60).starts().logs("0\n", "process A\n", early_ms=12).raises().reports()
    (attempt,) = attempts_of(log)
    assert said(attempt)[:2] == ["0", "process A"]
    assert (attempt.claim.counter, attempt.outcome) == (0, AttemptOutcome.ERROR)


def test_a_good_attempt_at_level_warn_leaves_nothing_and_a_crash_a_report() -> None:
    log = Environment(json=True).reports(status="error", error_type="Runtime.ExitError")
    (attempt,) = attempts_of(log)
    assert attempt.starts_unseen
    assert attempt.outcome is AttemptOutcome.CRASH


def test_an_init_start_shows_that_the_level_hides_no_start() -> None:
    log = Environment(json=True).inits().at(3).reports(status="timeout")
    assert not attempts_of(log)[0].starts_unseen


def test_the_end_that_the_json_of_cloudwatch_lacks_is_its_report() -> None:
    log = Environment(json=True).starts().at(2).reports()
    assert attempts_of(log)[0].ended_ms == MIDNIGHT_MS + 2000


def managed() -> Environment:
    log = Environment(json=True).inits(kind="lambda-managed-instances").prints("loading")
    log.starts().starts(OTHER_ID).prints("0", "process A")
    log.logs('{"level": "INFO", "message": "mine", "requestId": "' + ID + '"}')
    log.raises(OTHER_ID)
    for request_id, status in ((OTHER_ID, "error"), (ID, "success")):
        record = {"requestId": request_id, "status": status, "metrics": {"durationMs": 1.1}}
        log.platform("report", record | ({"errorType": "NameError"} if status == "error" else {}))
    return log.prints("stray")


def test_on_managed_instances_lines_go_by_their_request_id() -> None:
    log = managed()
    (mine,), (theirs,) = attempts_of(log), attempts_of(log, request_id=OTHER_ID)
    assert (mine.managed, theirs.managed) == (True, True)
    assert (mine.outcome, theirs.outcome) == (AttemptOutcome.OK, AttemptOutcome.ERROR)
    assert len(said(mine)) == 1
    assert mine.claim.silent
    assert theirs.claim.silent
    assert theirs.error is not None
    assert theirs.error.type == "NameError"


def test_on_managed_instances_a_crash_stays_a_crash() -> None:
    log = Environment(json=True).inits(kind="lambda-managed-instances").starts()
    record = {"requestId": ID, "status": "error", "metrics": {"durationMs": 1.1}}
    log.platform("report", record | {"errorType": "Runtime.ExitError"})
    assert attempts_of(log)[0].outcome is AttemptOutcome.CRASH


def test_on_managed_instances_a_printed_line_is_nobody_s() -> None:
    log = managed()
    log.at(65).starts(OTHER_ID)
    record = {"requestId": OTHER_ID, "status": "success", "metrics": {"durationMs": 1.1}}
    log.platform("report", record)
    owned = [line for each in history(log).requests for a in each.attempts for line in said(a)]
    assert not {"loading", "0", "process A", "stray"} & set(owned)


def test_without_streams_a_line_belongs_to_the_only_open_attempt() -> None:
    log = Environment(named=False).starts().prints("0", "process A").raises().reports()
    (attempt,) = attempts_of(log)
    assert attempt.log_stream is None
    assert (attempt.claim.counter, attempt.outcome) == (0, AttemptOutcome.ERROR)


def test_without_streams_a_line_is_nobody_s_while_two_attempts_are_open() -> None:
    log = Environment(named=False).starts().prints("first").starts(OTHER_ID)
    log.prints("whose?").logs(f"[INFO]\t2026-11-23T00:00:00.004Z\t{ID}\tmine\n")
    log.reports(OTHER_ID).prints("mine again").reports()
    (mine,), (theirs,) = attempts_of(log), attempts_of(log, request_id=OTHER_ID)
    assert [line.rpartition("\t")[2] for line in said(mine)] == ["first", "mine", "mine again"]
    assert said(theirs) == []


def test_without_streams_an_attempt_whose_start_is_cut_away_may_own_the_lines() -> None:
    """Else a log that is cut would give one attempt the counter of another."""
    log = Environment(named=False).starts().prints("1", "process B").reports(OTHER_ID)
    log.at(1).prints("mine").reports()
    (mine,) = attempts_of(log)
    assert said(mine) == ["mine"]
    assert mine.claim.silent


def test_without_streams_the_init_of_another_environment_is_not_the_open_attempt_s() -> None:
    log = Environment(named=False).starts().inits().raises(kind="ImportError")
    log.starts(OTHER_ID).reports(OTHER_ID, status="error").prints("mine").reports()
    (mine,) = attempts_of(log)
    assert mine.outcome is AttemptOutcome.UNKNOWN  # the error is of the init, or its own
    assert said(mine) == ["mine"]


@pytest.mark.parametrize("untimed", [False, True])
def test_without_streams_an_init_after_a_crash_is_not_the_open_attempt_s(untimed: bool) -> None:
    """It has no INIT_START: its INIT_REPORT shows that it ran, and when."""
    log = Environment(named=False).starts().at(20).raises(kind="ImportError")
    log.logs(init_report("init", "error", "Runtime.Unknown"))
    log.starts(OTHER_ID).reports(OTHER_ID, status="error").reports(duration_ms=20_000)
    events = [
        replace(e, timestamp_ms=n if untimed else e.timestamp_ms)
        for n, e in enumerate(events_of(log), 1)
    ]
    found = {
        each.request_id: each for each in build_history(events, horizon_ms=MIDNIGHT_MS).requests
    }
    (mine,) = found[ID].attempts
    assert mine.outcome is AttemptOutcome.UNKNOWN


def _lines_run(messages: list[str], stream: str | None) -> int:
    """How many lines of the core a history takes; a pass of a loop counts each time.

    Lines of other code do not count: the garbage collector may run some of it in between.
    """
    events = [
        LogEvent(timestamp_ms=MIDNIGHT_MS + n, message=message, log_stream=stream, position=n)
        for n, message in enumerate(messages)
    ]
    core, lines = str(Path(build_history.__code__.co_filename).parents[1]), 0

    def count(frame: FrameType, event: str, argument: object) -> TraceFunction | None:
        nonlocal lines
        if not frame.f_code.co_filename.startswith(core):
            return None
        lines += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        build_history(events, horizon_ms=MIDNIGHT_MS)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("stream", ["a", None])
@pytest.mark.parametrize(
    ("messages", "last"),
    [
        ([start()] * 4, [end(OTHER_ID)]),
        ([start(), start(OTHER_ID)] * 2, []),
        ([start(), end(), start(OTHER_ID), end(OTHER_ID)], []),
        ([start(), timed_out(MIDNIGHT_MS)] * 2, []),
    ],
)
def test_a_stream_of_forgeries_is_read_in_linear_time(
    messages: list[str], last: list[str], stream: str | None
) -> None:
    few, many = (_lines_run(messages * size + last, stream) for size in (50, 200))
    assert many < 4.4 * few


def test_a_report_that_reaches_back_to_no_start_decides_no_outcome_without_streams() -> None:
    printed = Environment(json=True, named=False)
    printed.starts(OTHER_ID).logs(platform("start", {"requestId": ID})).reports(OTHER_ID)
    record = {"requestId": ID, "status": "success", "metrics": {"durationMs": 3.0}}
    printed.at(150).starts(OTHER_ID).logs(platform("report", record)).reports(OTHER_ID)
    found = history(printed)
    outcomes = {each.request_id: each.attempts[0].outcome for each in found.requests}
    assert outcomes == {ID: AttemptOutcome.UNKNOWN, OTHER_ID: AttemptOutcome.OK}


def test_a_report_without_an_end_decides_no_outcome_without_streams() -> None:
    cut = Environment(named=False).starts(ID).logs(report())
    (request,) = history(cut).requests
    assert request.attempts[0].outcome is AttemptOutcome.UNKNOWN


def test_text_records_without_an_end_are_text_in_a_json_log_without_streams() -> None:
    printed = (
        Environment(json=True, named=False)
        .starts(OTHER_ID)
        .logs(start(), report())
        .reports(OTHER_ID)
    )
    found = history(printed)
    assert [each.request_id for each in found.requests] == [OTHER_ID]
