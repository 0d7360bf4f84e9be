"""The finding logs-incomplete, and what a log that lacks lines leaves certain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retryctl.core.check.expectations import CheckTally
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.model.coverage import Gap
from retryctl.core.model.function_config import FunctionConfig
from tests.core.crosscheck.rule_histories import GAP, IN_ORDER, A, B, found, logs_of
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    Environment,
    checked,
    end,
    events_of,
    init_report,
    judged,
    platform,
    report,
    start,
    whole,
)
from tests.support.made_up_streams import OLDER_FRAMES


def test_an_error_without_its_traceback_is_named() -> None:
    line = "[ERROR] ConnectionError: no answer"
    log = Environment().inits().starts().logs(line).reports().at(70).runs()
    of = checked(log)
    (finding,) = found(of, "logs-incomplete")
    assert finding.message.startswith("Attempt 1 has a line that may be the runtime's record")
    assert finding.evidence[0].message == line
    assert not found(of, "duplicate-delivery")


@pytest.mark.parametrize("stream", ["a", None])
@pytest.mark.parametrize(
    "line",
    [
        "Unable to import module 'app': No module named stock\n",
        "Unknown application error occurred\n",
        f"no stock: ShopError\n{OLDER_FRAMES}ShopError: no stock\n",
        f"Error: ShopError\n{OLDER_FRAMES}ShopError: no stock\n",
        "thread 'main' panicked at src/main.rs:7:5:\n",
    ],
)
def test_a_line_that_may_be_an_error_is_named(line: str, stream: str | None) -> None:
    log = Environment().starts().logs(line).prints("an order").reports().at(70).runs()
    log.events = [replace(event, log_stream=stream) for event in log.events]
    of = checked(log)
    (finding,) = found(of, "logs-incomplete")
    assert finding.message == (
        "Attempt 1 has a line that may be a runtime's record of an error, or printed text: "
        "whether it failed is not known."
    )
    assert finding.evidence[0].message == line


def test_a_sentence_that_may_be_of_another_init_breaks_no_report_off() -> None:
    log = Environment()
    for message in ("Unable to import module 'app': no\n", start(), end(), report()):
        log.at(0.003).logs(message)
    (finding,) = found(checked(log), "logs-incomplete")
    assert finding.message == "The log does not show whether attempt 1 failed."


def test_a_failed_init_that_leaves_the_outcome_open_is_named() -> None:
    log = Environment().logs(init_report("invoke", "error", "Runtime.Unknown")).starts().reports()
    (finding,) = found(checked(log), "logs-incomplete")
    assert finding.message == (
        "The init for attempt 1 failed, and the log does not show that it ran again: whether the "
        "attempt failed is not known."
    )


def test_logs_incomplete_by_a_start_without_report() -> None:
    log = Environment().starts().prints(*A)
    assert not found(checked(log, later_s=1859), "logs-incomplete")
    of = checked(log, later_s=1861)
    (finding,) = found(of, "logs-incomplete")
    assert finding.message == (
        "Attempt 1 has a START and no REPORT, though the function's timeout is over."
    )
    assert finding.evidence == (log.events[0], log.events[-1])
    short = checked(log, later_s=64, settings=FunctionConfig(timeout_s=3))
    assert len(found(short, "logs-incomplete")) == 1
    alone = checked(Environment().starts(), later_s=1861)
    assert len(found(alone, "logs-incomplete")[0].evidence) == 1


def test_logs_incomplete_by_a_report_without_start() -> None:
    of = checked(Environment().prints(*A).raises().reports())
    (finding,) = found(of, "logs-incomplete")
    assert finding.message == "Attempt 1 ended, and its START is not in the log."
    hidden = checked(Environment(json=True).reports(status="timeout"))
    assert not found(hidden, "logs-incomplete")  # the log level explains it


def test_logs_incomplete_by_dropped_records_and_broken_reports() -> None:
    dropped = platform("logsDropped", {"droppedRecords": 3, "reason": "too slow"})
    of = checked(Environment(json=True).starts().logs(dropped).raises().reports())
    assert [each.message for each in found(of, "logs-incomplete")] == [
        "Records of attempt 1 were dropped before they reached the log."
    ]
    assert [event.message for event in found(of, "logs-incomplete")[0].evidence] == [dropped]
    log = Environment().starts().logs(f"REPORT RequestId: {ID}\tDuration: 3.00 ms\tBilled Dur")
    assert [each.message for each in found(checked(log), "logs-incomplete")] == [
        "The REPORT of attempt 1 breaks off."
    ]


def test_logs_incomplete_in_a_log_without_streams_does_not_blame_a_whole_report() -> None:
    log = Environment().at(0).runs(ID, *A, ends="error")
    other = "11111111-2222-4333-8444-555555555555"
    beside = Environment("b").at(0).runs(other, ends="ok")
    whole_lines = events_of(log, beside)
    starts = [e for e in whole_lines if e.message.startswith("START")]
    ends = [e for e in whole_lines if e.message.startswith(("END", "REPORT"))]
    prints = [e for e in whole_lines if e not in (*starts, *ends) and "INIT" not in e.message]
    events = [
        replace(event, log_stream=None, timestamp_ms=MIDNIGHT_MS + at)
        for at, event in enumerate((*starts, *prints, *ends))
    ]
    (finding,) = found(judged(events, whole(events))[ID], "logs-incomplete")
    assert finding.message == (
        "The log names no log streams: which lines belong to attempt 1 cannot be known."
    )
    assert finding.remedy.startswith("Save the log with its log streams")


def test_a_branch_that_a_missing_attempt_could_explain_is_not_counted_as_wrong() -> None:
    logs = logs_of(("a", "error", A), ("b", "error", ("0", "process C")))
    complete = whole(events_of(*logs))
    cut = checked(*logs, coverage=replace(complete, gaps=(replace(GAP, until_ms=MIDNIGHT_MS),)))
    for of, wrong, expected in ((checked(*logs), 1, False), (cut, 0, None)):
        tally = CheckTally()
        tally.add(of)
        assert of.checks[1].branch_expected == "B"
        assert of.checks[1].branch_agrees is expected
        assert tally.wrong_branches == wrong


def test_a_counter_behind_is_at_least_wrong_where_attempts_before_may_be_missing() -> None:
    logs = logs_of(("a", "error", B), ("b", "error", A))
    complete = whole(events_of(*logs))
    assert checked(*logs).checks[1].branch_expected == "B"
    before = replace(GAP, until_ms=MIDNIGHT_MS)
    cut = checked(*logs, coverage=replace(complete, gaps=(before,)))
    assert cut.checks[1].at_least
    assert cut.checks[1].branch_expected == "B"
    assert cut.checks[1].branch_agrees is False  # A is wrong after any earlier attempt
    assert found(cut, "environment-switch")[0].message.startswith(
        "Attempt 2 counted 0 after at least 1 earlier attempt:"
    )


HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("gap", "matters"),
    [
        (GAP, True),
        (replace(GAP, hides_attempts=False), False),
        (replace(GAP, log_group="/aws/lambda/other"), False),
        (replace(GAP, until_ms=MIDNIGHT_MS - 6 * HOUR_MS), False),
        (replace(GAP, until_ms=MIDNIGHT_MS - 5 * HOUR_MS), True),
        (replace(GAP, since_ms=MIDNIGHT_MS + 7 * HOUR_MS), False),
    ],
)
def test_logs_incomplete_by_a_gap_that_could_hide_an_attempt(gap: Gap, matters: bool) -> None:
    log = logs_of(*IN_ORDER)
    of = checked(*log, coverage=replace(whole(events_of(*log)), gaps=(gap,)))
    gaps = found(of, "logs-incomplete")
    assert [each.message for each in gaps] == ([gap.message] if matters else [])
    assert of.verdict is (Verdict.UNDETERMINED if matters else Verdict.AGREES)
    assert of.undetermined_because == ((gap.message,) if matters else ())
