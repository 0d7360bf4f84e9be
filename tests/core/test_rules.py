"""Each rule by a history that breaks it and its nearest neighbour that does not, and the check."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from retryctl.core.check.expectations import CheckTally
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import RULES, CheckedRequest
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.model.coverage import Gap
from retryctl.core.model.function_config import FunctionConfig
from tests.core.rule_histories import (
    GAP,
    IN_ORDER,
    A,
    B,
    C,
    checks,
    errors,
    found,
    logs_of,
    marker,
    told,
)
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    QUEUE_ID,
    Environment,
    checked,
    events_of,
    judged,
    platform,
    whole,
)

# --------------------------------------------------------------------------- the rules themselves


def test_each_rule_is_named_once_and_says_what_to_do() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert set(ids) >= {
        *("environment-switch", "uncounted-attempt", "counter-lost", "counter-ahead"),
        *("counter-unexplained", "branch-contradicts-counter", "branch-missing"),
        *("duplicate-delivery", "extra-attempt", "version-changed", "late-retry"),
        *("retries-exhausted", "logs-incomplete"),
    }
    # a command at the end can be copied as it stands
    assert all(rule.remedy.endswith((".", "--store dynamodb")) for rule in RULES)


def test_a_finding_cannot_be_made_without_evidence() -> None:
    (finding,) = found(told(*IN_ORDER), "retries-exhausted")
    with pytest.raises(ValueError, match="evidence"):
        replace(finding, evidence=())


def test_a_message_is_one_sentence_and_evidence_is_told_once() -> None:
    of = told(("a", "timeout", ()), ("b", "error", A), ("a", "error", A), ("b", "ok", B))
    assert {"environment-switch", "uncounted-attempt"} <= {each.rule for each in of.findings}
    for finding in of.findings:
        assert re.fullmatch(r"[A-Z][^\n]*[.)]", finding.message)
        assert ". " not in finding.message.removesuffix(".")
        assert finding.remedy
        assert finding.evidence
        assert len(set(finding.evidence)) == len(finding.evidence)


# --------------------------------------------------------------------------- counter and branch


def test_environment_switch() -> None:
    of = told(("a", "error", A), ("b", "error", A))
    (finding,) = found(of, "environment-switch")
    assert finding.attempt == 2
    assert finding.message == (
        "Attempt 2 counted 0, but 1 attempt came before it: it ran in another execution "
        "environment than attempt 1, and environments share no /tmp."
    )
    said = [event.message for event in finding.evidence]
    assert said == ["0\n", "process A\n", "0\n", "process A\n"]
    assert errors(of) == [("environment-switch", 2)]
    assert not found(told(("a", "error", A), ("a", "error", B)), "environment-switch")
    assert not found(told(("a", "error", A), ("b", "error", B)), "environment-switch")


def test_environment_switch_and_back() -> None:
    of = told(("a", "error", A), ("b", "error", A), ("a", "error", B))
    assert errors(of) == [("environment-switch", 2), ("environment-switch", 3)]
    of = told(("a", "error", A), ("b", "error", A), ("c", "error", A))
    assert "than attempts 1 and 2," in found(of, "environment-switch")[1].message


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        ("timeout", "attempt 1 timed out"),
        ("out-of-memory", "attempt 1 ran out of memory"),
        ("crash", "attempt 1 crashed"),
        ("ok", "attempt 1 succeeded"),
    ],
)
def test_uncounted_attempt(ends: str, why: str) -> None:
    of = told(("a", ends, ()), ("a", "error", A))
    (finding,) = found(of, "uncounted-attempt")
    assert finding.attempt == 2
    assert why in finding.message
    assert errors(of) == [("uncounted-attempt", 2)]
    report = of.request.attempts[0].report_event
    assert report in finding.evidence
    assert not found(told(("a", "error", A), ("a", "error", B)), "uncounted-attempt")
    # what died in another environment is not to blame: that one's /tmp was never in reach
    elsewhere = told(("a", ends, ()), ("b", "error", A))
    assert errors(elsewhere) == [("environment-switch", 2)]


def test_uncounted_attempt_that_failed_in_init() -> None:
    log = Environment().inits().fails_init().starts()
    log.cold = False
    log.reports(status="error", error_type="Runtime.Unknown")
    of = checked(log.at(61).runs(ID, *A, ends="error"))
    assert "attempt 1 failed in init" in found(of, "uncounted-attempt")[0].message


def test_an_environment_switch_and_an_uncounted_attempt_may_both_hold() -> None:
    of = told(("a", "timeout", ()), ("b", "error", A), ("a", "error", A))
    assert errors(of) == [
        ("environment-switch", 2),
        ("environment-switch", 3),
        ("uncounted-attempt", 3),
    ]


def test_counter_lost() -> None:
    of = told(("a", "error", A), ("a", "error", A))
    (finding,) = found(of, "counter-lost")
    assert finding.attempt == 2
    assert finding.message == (
        "Attempt 2 counted 0, but 1 attempt came before it: it should have found 1 mark, "
        "so marks were lost."
    )
    assert errors(of) == [("counter-lost", 2)]
    assert not found(told(("a", "timeout", ()), ("a", "error", A)), "counter-lost")


@pytest.mark.parametrize(
    ("outcome", "ended"),
    [("timeout", "timed out"), ("out-of-memory", "ran out of memory"), ("crash", "crashed")],
)
def test_an_attempt_that_was_cut_short_may_never_have_left_its_mark(
    outcome: str, ended: str
) -> None:
    of = told(("a", outcome, A), ("a", "error", A))
    (finding,) = found(of, "counter-lost")
    assert finding.message.endswith(
        f"so marks were lost, or were never written: attempt 1 {ended}."
    )
    assert finding.remedy.startswith("Record each attempt when it starts")
    assert of.verdict is Verdict.DISAGREES


def test_an_attempt_that_was_cut_short_does_not_explain_two_lost_marks() -> None:
    of = told(("a", "error", A), ("a", "timeout", B), ("a", "error", A))
    (finding,) = found(of, "counter-lost")
    assert finding.message.endswith("it should have found 2 marks, so marks were lost.")
    assert finding.remedy.startswith("Find what removes the files")


def test_a_marker_proves_that_an_attempt_that_was_cut_short_recorded_itself() -> None:
    of = told(("a", "timeout", (marker(0, "A"),)), ("a", "error", (marker(0, "A"),)))
    (finding,) = found(of, "counter-lost")
    assert finding.message.endswith("so marks were lost.")


def test_counter_ahead() -> None:
    of = told(("a", "error", B))
    (finding,) = found(of, "counter-ahead")
    assert finding.attempt == 1
    assert finding.message == (
        "Attempt 1 counted 1, but 0 attempts came before it, and the log is complete."
    )
    assert errors(of) == [("counter-ahead", 1)]
    assert not errors(told(("a", "error", A)))


def test_counter_unexplained() -> None:
    of = told(("a", "error", A), ("b", "error", A), ("c", "error", B))
    (finding,) = found(of, "counter-unexplained")
    assert finding.attempt == 3
    assert finding.message == (
        "Attempt 3 counted 1, but 2 attempts came before it; it could find at most 0 "
        "earlier attempts."
    )
    neighbour = told(("a", "error", A), ("b", "error", A), ("a", "error", B))
    assert not found(neighbour, "counter-unexplained")


def test_a_wrong_counter_in_a_log_without_streams_cannot_be_explained() -> None:
    log = Environment(named=False).runs(ID, *A, ends="error").at(61).runs(ID, *A, ends="error")
    of = checked(log)
    assert errors(of) == [("counter-unexplained", 2)]
    assert "names no streams" in of.findings[0].message
    assert of.checks[1].counter_in_environment is None
    right = Environment(named=False).runs(ID, *A, ends="error").at(61).runs(ID, *B, ends="error")
    assert checked(right).verdict is Verdict.AGREES


def test_branch_contradicts_counter() -> None:
    of = told(("a", "error", A), ("a", "error", ("1", "process C")))
    (finding,) = found(of, "branch-contradicts-counter")
    assert finding.attempt == 2
    assert finding.message == (
        "Attempt 2 counted 1 and ran C, where B is the branch for that count."
    )
    assert [event.message for event in finding.evidence] == ["1\n", "process C\n"]
    assert errors(of) == [("branch-contradicts-counter", 2)]
    assert checks(of) == ["agrees", "disagrees"]
    assert not errors(told(*IN_ORDER))


def test_branch_missing() -> None:
    of = told(("a", "error", ()), ("a", "error", A))
    (finding,) = found(of, "branch-missing")
    assert (finding.attempt, finding.severity) == (1, Severity.WARNING)
    assert finding.evidence == (of.request.attempts[0].report_event,)
    # no other outcome owes a branch, and where none was logged at all the function has none
    assert not found(told(("a", "timeout", ()), ("a", "error", A)), "branch-missing")
    assert not found(told(("a", "error", ()), ("a", "error", ())), "branch-missing")


# --------------------------------------------------------------------------- delivery


def test_duplicate_delivery() -> None:
    of = told(("a", "ok", ()), ("a", "ok", ()))
    (finding,) = found(of, "duplicate-delivery")
    assert (finding.attempt, finding.severity) == (2, Severity.WARNING)
    assert finding.message == (
        "Attempt 2 started after attempt 1 had succeeded. (Or this is a retry: it came after 60 s, "
        "the usual wait, and the log lacks the error of attempt 1.)"
    )
    assert len(finding.evidence) == 2
    assert not found(told(("a", "error", A), ("a", "ok", ())), "duplicate-delivery")


def test_duplicate_delivery_soon_after_a_success_is_no_retry() -> None:
    log = Environment().inits().runs().at(40).runs()
    (finding,) = found(checked(log), "duplicate-delivery")
    assert finding.message == "Attempt 2 started after attempt 1 had succeeded."


def test_an_error_without_its_traceback_is_named() -> None:
    line = "[ERROR] ConnectionError: no answer"
    log = Environment().inits().starts().logs(line).reports().at(70).runs()
    of = checked(log)
    (finding,) = found(of, "logs-incomplete")
    assert finding.message.startswith("Attempt 1 has a line that may be the runtime's record")
    assert finding.evidence[0].message == line
    assert not found(of, "duplicate-delivery")


def test_duplicate_delivery_names_the_other_reading_where_the_runtime_is_unknown() -> None:
    (log,) = logs_of(("a", "ok", ()), ("a", "ok", ()))
    log.events = [each for each in log.events if "INIT_START" not in each.message]
    (finding,) = found(checked(log), "duplicate-delivery")
    assert "leaves no marker of an error" in finding.message
    known = checked(log, settings=FunctionConfig(runtime="python3.13"))
    assert "leaves no marker" not in found(known, "duplicate-delivery")[0].message


def test_extra_attempt() -> None:
    plan = (*IN_ORDER, ("a", "error", C))
    (finding,) = found(told(*plan), "extra-attempt")
    assert finding.attempt == 4
    assert finding.message == (
        "Attempt 4 ran, but MaximumRetryAttempts is 2, which allows 3 failed attempts."
    )
    assert not found(told(*plan[:3]), "extra-attempt")
    none = FunctionConfig(maximum_retry_attempts=0)
    of = told(*plan[:2], settings=none)
    assert [each.attempt for each in found(of, "extra-attempt")] == [2]
    assert "allows 1 failed attempt." in found(of, "extra-attempt")[0].message
    assert not found(told(*plan, request_id=QUEUE_ID), "extra-attempt")


def test_version_changed() -> None:
    def versions(first: str, second: str) -> CheckedRequest:
        one, two = Environment("a", version=first), Environment("b", version=second)
        return checked(one.runs(ID, ends="error"), two.at(61).runs(ID, ends="error"))

    (finding,) = found(versions("6", "7"), "version-changed")
    assert (finding.attempt, finding.severity) == (2, Severity.WARNING)
    assert finding.message == ("Attempt 2 ran version 7 of the function, attempt 1 version 6.")
    assert [event.message[:5] for event in finding.evidence] == ["START", "START"]
    assert not found(versions("7", "7"), "version-changed")


@pytest.mark.parametrize(("waits_s", "late"), [((360.0,), []), ((360.001,), [2])])
def test_late_retry(waits_s: tuple[float, ...], late: list[int]) -> None:
    log = Environment().runs(ID, ends="error")
    log.now_ms = log.events[-2].timestamp_ms + round(waits_s[0] * 1000)
    of = checked(log.runs(ID, ends="error"))
    assert [each.attempt for each in found(of, "late-retry")] == late
    for finding in found(of, "late-retry"):
        assert finding.severity is Severity.INFO
        assert "started 360 s after attempt 1 had ended" in finding.message


def test_late_retry_tells_of_reserved_concurrency() -> None:
    log = Environment().runs(ID, ends="error").at(900).runs(ID, ends="error")
    (finding,) = found(checked(log, settings=FunctionConfig(reserved_concurrency=1)), "late-retry")
    assert finding.message.endswith("a backlog of events (its reserved concurrency is 1).")


def test_late_retry_knows_the_second_wait_and_leaves_queues_alone() -> None:
    def second_after(wait_s: float, request_id: str = ID) -> CheckedRequest:
        log = Environment().runs(request_id, ends="error").at(61).runs(request_id, ends="error")
        log.now_ms = log.events[-2].timestamp_ms + round(wait_s * 1000)
        return checked(log.runs(request_id, ends="error"), request_id=request_id)

    assert not found(second_after(420), "late-retry")
    assert [each.attempt for each in found(second_after(420.001), "late-retry")] == [3]
    assert not found(second_after(3600, QUEUE_ID), "late-retry")


def test_retries_exhausted() -> None:
    (finding,) = found(told(*IN_ORDER), "retries-exhausted")
    assert (finding.attempt, finding.severity) == (None, Severity.WARNING)
    assert finding.message == (
        "All 3 attempts failed and no more are allowed: Lambda gives up on the event."
    )
    assert len(finding.evidence) == 3
    assert not found(told(*IN_ORDER[:2]), "retries-exhausted")
    assert not found(told(*IN_ORDER[:2], ("a", "ok", ())), "retries-exhausted")
    only = told(IN_ORDER[0], settings=FunctionConfig(maximum_retry_attempts=0))
    assert found(only, "retries-exhausted")[0].message.startswith("The only attempt failed")


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
