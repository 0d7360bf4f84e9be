"""Each rule by a history that breaks it and its nearest neighbour that does not, and the check."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from retryctl.core.check.expectations import CheckTally
from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import RULES, CheckedRequest
from retryctl.core.crosscheck.claims import Branches, Markers
from retryctl.core.crosscheck.findings import Finding, Severity
from retryctl.core.history.outcome import AttemptOutcome
from retryctl.core.history.searched_log import searched_by_id
from retryctl.core.model.coverage import UNORDERED, Coverage, Gap
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import RequestOutcome
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    QUEUE_ID,
    Environment,
    checked,
    end,
    events_of,
    judged,
    platform,
    report,
    saved,
    whole,
)

A, B, C = ("0", "process A"), ("1", "process B"), ("2", "process C")
STARTS_S = (0, 61, 184, 306)

# one attempt: the letter of its environment, how it ends, what it prints
Planned = tuple[str, str, tuple[str, ...]]


def logs_of(*plan: Planned, request_id: str = ID, **how: Any) -> list[Environment]:
    environments: dict[str, Environment] = {}
    for at_s, (letter, ends, lines) in zip(STARTS_S, plan, strict=False):
        log = environments.setdefault(letter, Environment(letter, **how))
        log.at(at_s).runs(request_id, *lines, ends=ends)
    return list(environments.values())


def told(*plan: Planned, request_id: str = ID, **how: Any) -> CheckedRequest:
    return checked(*logs_of(*plan, request_id=request_id), request_id=request_id, **how)


def found(of: CheckedRequest, rule: str) -> list[Finding]:
    return [each for each in of.findings if each.rule == rule]


def errors(of: CheckedRequest) -> list[tuple[str, int | None]]:
    return [(each.rule, each.attempt) for each in of.findings if each.severity is Severity.ERROR]


def checks(of: CheckedRequest) -> list[str]:
    return [each.verdict.value for each in of.checks]


def marker(counter: int | None, branch: str | None, **more: Any) -> str:
    fields = {"retryctl": 1, "request_id": ID, "counter": counter, "branch": branch}
    return json.dumps({**fields, "store": "tmp", "recorded": True, **more})


IN_ORDER = (("a", "error", A), ("a", "error", B), ("a", "error", C))


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


GAP = Gap(kind="refused", message="A part of the log could not be read.", hides_attempts=True)
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


# --------------------------------------------------------------------------- the check


def test_a_whole_history_that_counts_right_agrees() -> None:
    of = told(*IN_ORDER)
    assert of.verdict is Verdict.AGREES
    assert checks(of) == ["agrees"] * 3
    assert [each.counter_expected for each in of.checks] == [0, 1, 2]
    assert [each.counter_in_environment for each in of.checks] == [0, 1, 2]
    assert [each.branch_expected for each in of.checks] == ["A", "B", "C"]
    assert of.undetermined_because == ()


def test_what_its_environment_could_see_is_told_beside_what_was_expected() -> None:
    of = told(("a", "error", A), ("b", "error", A), ("a", "timeout", ()), ("a", "error", B))
    assert [each.counter_expected for each in of.checks] == [0, 1, 2, 3]
    assert [each.counter_in_environment for each in of.checks] == [0, 0, 1, 1]


def test_the_original_counter_stops_at_the_last_branch() -> None:
    of = told(*IN_ORDER, ("a", "error", C))
    assert checks(of) == ["agrees"] * 4
    assert [each.counter_in_environment for each in of.checks] == [0, 1, 2, 2]
    ahead = told(*IN_ORDER[:2], ("a", "error", ("7", "process C")))
    assert checks(ahead) == ["agrees"] * 3


def test_only_an_error_owes_a_branch() -> None:
    of = told(("a", "timeout", ()), ("a", "ok", ()), ("a", "error", ()))
    assert [each.branch_expected for each in of.checks] == [None, None, "C"]


def test_a_branch_without_a_counter_is_judged_by_the_branch() -> None:
    right = told(("a", "error", ("process A",)), ("a", "error", ("process B",)))
    assert checks(right) == ["agrees", "agrees"]
    wrong = told(("a", "error", ("process A",)), ("b", "error", ("process A",)))
    assert checks(wrong) == ["agrees", "disagrees"]
    (finding,) = found(wrong, "environment-switch")
    assert finding.message.startswith("Attempt 2 ran the branch for 0, but 1 attempt came")


def test_a_missing_branch_never_disagrees() -> None:
    of = told(
        ("a", "error", ("count=0",)),
        ("a", "error", ("count=1",)),
        markers=Markers(counter=re.compile(r"count=(?P<count>\d+)")),
    )
    assert checks(of) == ["agrees", "agrees"]


def test_a_silent_attempt_is_told_what_was_expected_and_nothing_is_made_of_it() -> None:
    of = told(("a", "ok", ()))
    assert (of.verdict, checks(of)) == (Verdict.NOT_COUNTED, ["silent"])
    assert of.checks[0].counter_expected == 0
    mixed = told(("a", "error", A), ("a", "ok", ()))
    assert (mixed.verdict, checks(mixed)) == (Verdict.AGREES, ["agrees", "silent"])


def test_the_last_pair_of_an_attempt_counts() -> None:
    of = told(("a", "error", (*C, *A)))
    assert of.verdict is Verdict.AGREES


def test_an_attempt_whose_start_or_report_was_not_seen_is_undetermined() -> None:
    cut = checked(Environment().prints(*A).raises().reports())
    assert (cut.verdict, checks(cut)) == (Verdict.UNDETERMINED, ["undetermined"])
    assert cut.checks[0].counter_expected is None
    assert "START" in cut.undetermined_because[0]
    open_end = checked(Environment().starts().logs("[INFO]\tx"), later_s=2000)
    assert checks(open_end) == ["undetermined"]
    assert "REPORT" in open_end.undetermined_because[0]


def test_unless_its_counter_was_read() -> None:
    of = checked(Environment().starts().prints(*A), later_s=2000)
    assert checks(of) == ["agrees"]
    log = Environment().logs(marker(0, "A") + "\n").raises().reports()
    assert checks(checked(log)) == ["agrees"]


def test_a_running_attempt_is_silent_until_it_logs_a_counter() -> None:
    log = Environment().starts()
    assert checks(checked(log)) == ["silent"]
    assert checks(checked(log.prints(*A))) == ["agrees"]


def test_what_dropped_records_leave_of_an_attempt_is_undetermined() -> None:
    dropped = platform("logsDropped", {"droppedRecords": 3})
    of = checked(Environment(json=True).starts().logs(dropped).raises().reports())
    assert (checks(of), of.verdict) == (["undetermined"], Verdict.UNDETERMINED)
    kept = Environment(json=True).starts().logs(dropped).prints(*A).raises().reports()
    assert checks(checked(kept)) == ["agrees"]


@pytest.mark.parametrize("level", ["WARN", "ERROR", "FATAL"])
def test_a_log_level_that_drops_prints_leaves_it_undetermined(level: str) -> None:
    settings = FunctionConfig(log_format="JSON", application_log_level=level)
    of = told(("a", "error", ()), settings=settings)
    assert (checks(of), of.verdict) == (["undetermined"], Verdict.UNDETERMINED)
    assert level in of.undetermined_because[0]
    for through in (
        FunctionConfig(log_format="JSON", application_log_level="INFO"),
        FunctionConfig(log_format="Text", application_log_level=level),
    ):
        assert checks(told(("a", "error", ()), settings=through)) == ["silent"]


def test_what_was_logged_in_spite_of_the_level_is_judged() -> None:
    settings = FunctionConfig(log_format="JSON", application_log_level="WARN")
    of = told(("a", "error", A), ("b", "error", A), settings=settings)
    assert of.verdict is Verdict.DISAGREES


def test_durable_functions_and_managed_instances_are_undetermined_and_say_why() -> None:
    durable = told(*IN_ORDER, settings=FunctionConfig(durable=True))
    managed = told(*IN_ORDER, settings=FunctionConfig(managed_instances=True))
    for of, word in ((durable, "durable"), (managed, "Managed Instances")):
        assert (of.verdict, set(checks(of))) == (Verdict.UNDETERMINED, {"undetermined"})
        assert word in of.undetermined_because[0]
        assert not errors(of)
        assert {each.counter_expected for each in of.checks} == {None}


def test_a_system_log_level_that_hides_starts_is_undetermined() -> None:
    of = checked(Environment(json=True).reports(status="timeout"))
    assert of.verdict is Verdict.UNDETERMINED
    mention = checked(Environment(json=True).raises())
    assert (mention.verdict, mention.checks) == (Verdict.UNDETERMINED, ())
    assert "log level" in mention.undetermined_because[0]


def test_an_attempt_that_only_an_error_record_proves_makes_the_rest_undetermined() -> None:
    one, two = Environment("a", json=True), Environment("b", json=True)
    one.runs(ID, *A, ends="error")
    of = checked(one, two.at(61).raises(ID))
    assert (of.verdict, checks(of)) == (Verdict.UNDETERMINED, ["undetermined"])


def test_the_verdict_is_the_worst_of_its_attempts() -> None:
    cut = Environment("b").at(-60).raises().reports()
    for lines, verdict in ((B, Verdict.UNDETERMINED), (A, Verdict.DISAGREES)):
        log = Environment("a").at(0).runs(ID, *lines, ends="error")
        assert checked(cut, log).verdict is verdict


# --------------------------------------------------------------------------- what may be missing


def _after_another(seconds: float, lines: tuple[str, ...]) -> list[Environment]:
    """A saved log whose first event comes so long before the request."""
    early = Environment("z").at(-seconds).prints("the first line of the file")
    return [early, *logs_of(("a", "error", lines))]


def test_a_saved_log_that_shows_itself_to_be_cut_accuses_nobody() -> None:
    logs = _after_another(21_599, B)
    of = checked(*logs, coverage=saved(events_of(*logs)))
    assert (of.verdict, checks(of)) == (Verdict.UNDETERMINED, ["undetermined"])
    assert not errors(of)
    assert of.checks[0].counter_expected is None
    assert of.undetermined_because


def test_a_saved_log_is_complete_beyond_the_age_of_an_event() -> None:
    logs = _after_another(21_601, B)
    of = checked(*logs, coverage=saved(events_of(*logs)))
    assert errors(of) == [("counter-ahead", 1)]
    young = FunctionConfig(maximum_event_age_s=60)
    logs = _after_another(61, B)
    of = checked(*logs, coverage=saved(events_of(*logs)), settings=young)
    assert errors(of) == [("counter-ahead", 1)]


def test_a_saved_log_read_whole_counts_as_complete_for_all_else() -> None:
    for plan, verdict in (
        (IN_ORDER, Verdict.AGREES),
        ((("a", "error", A), ("b", "error", A)), Verdict.DISAGREES),
    ):
        logs = logs_of(*plan)
        assert checked(*logs, coverage=saved(events_of(*logs))).verdict is verdict


def test_attempts_that_were_not_seen_can_only_add_to_the_retries() -> None:
    """A counter that is behind is wrong whatever a gap hides; one that is ahead may be right."""
    behind, ahead = (("a", "error", A), ("b", "error", A)), (("a", "error", B),)
    for plan, verdict in ((behind, Verdict.DISAGREES), (ahead, Verdict.UNDETERMINED)):
        logs = logs_of(*plan)
        coverage = Coverage(source="cloudwatch", horizon_ms=MIDNIGHT_MS + 90_000, gaps=(GAP,))
        assert checked(*logs, coverage=coverage).verdict is verdict


def test_a_silent_attempt_behind_a_gap_is_undetermined() -> None:
    logs = logs_of(("a", "ok", ()))
    of = checked(*logs, coverage=replace(whole(events_of(*logs)), gaps=(GAP,)))
    assert (of.verdict, checks(of)) == (Verdict.UNDETERMINED, ["undetermined"])


@pytest.mark.parametrize("ended", [True, False])
def test_an_attempt_may_run_longer_than_its_event_lives(ended: bool) -> None:
    log = Environment().starts().at(130)
    log = log.reports() if ended else log
    since_ms = MIDNIGHT_MS + 100_000
    gap = replace(GAP, since_ms=since_ms, until_ms=since_ms + 20_000)
    events = events_of(log)
    around = replace(whole(events, later_s=0 if ended else 200), gaps=(gap,))
    of = checked(log, coverage=around, settings=FunctionConfig(maximum_event_age_s=60))
    assert of.request.outcome is RequestOutcome.UNKNOWN
    assert of.verdict is Verdict.UNDETERMINED
    assert [each.message for each in found(of, "logs-incomplete")] == [GAP.message]


def test_attempts_whose_errors_a_gap_hides_are_not_exhausted() -> None:
    """A line out of order may be the error of another attempt."""
    logs = logs_of(*(("a", "error", ()),) * 3)
    gap = Gap(kind=UNORDERED, message="Lines out of order.", hides_lines=True)
    events = events_of(*logs)
    of = checked(*logs, coverage=replace(whole(events), gaps=(gap,)))
    assert {attempt.outcome for attempt in of.request.attempts} == {AttemptOutcome.UNKNOWN}
    assert of.request.outcome is RequestOutcome.UNKNOWN
    assert found(of, "retries-exhausted") == []
    assert checked(*logs, coverage=whole(events)).request.outcome is RequestOutcome.EXHAUSTED


@pytest.mark.parametrize("first", ["process B", "1"])
def test_two_attempts_that_a_gap_makes_one_are_not_judged_as_one(first: str) -> None:
    """A gap hides the end of attempt 1 and the START of attempt 2, up to the line ``first``."""
    log = Environment().at(0).runs(ID, "an order", *A, ends="error")
    log.at(70).runs(ID, *B, ends="error")
    events = log.events
    lines = [event.message.rstrip() for event in events]
    low = lines.index("process A")
    high = lines.index("1") if first == "1" else lines.index("process B")
    if first == "1":
        low -= 1  # the counter of attempt 1 is hidden too
    gap = replace(GAP, since_ms=events[low].timestamp_ms, until_ms=events[high].timestamp_ms)
    coverage = replace(whole(events), gaps=(gap,))
    log.events = [*events[:low], *events[high:]]
    of = checked(log, coverage=coverage)
    assert len(of.request.attempts) == 1
    assert of.verdict is Verdict.UNDETERMINED
    assert errors(of) == []


def test_a_mark_that_a_missing_attempt_may_have_left_is_not_unexplained() -> None:
    """Attempts ran in a, b, b, a; the first is cut away, and the last one counted it."""
    logs = logs_of(("a", "error", A), ("b", "error", A), ("b", "error", B), ("a", "error", B))
    logs[0].events = [each for each in logs[0].events if each.timestamp_ms > MIDNIGHT_MS + 9000]
    of = checked(*logs, coverage=saved(events_of(*logs)))
    assert (of.verdict, checks(of)) == (Verdict.DISAGREES, ["agrees", "agrees", "disagrees"])
    assert not errors(of)


def test_an_earlier_attempt_that_was_not_read_whole_leaves_its_mark_open() -> None:
    log = Environment().raises().reports().at(61).runs(ID, *A, ends="error")
    of = checked(log)
    assert of.checks[1].counter_in_environment is None
    assert checks(of) == ["undetermined", "disagrees"]
    assert not errors(of)


def test_an_earlier_attempt_without_a_report_leaves_its_mark_open() -> None:
    log = Environment().starts().at(61).runs(ID, *A, ends="error")
    of = checked(log, settings=FunctionConfig(timeout_s=3))
    assert of.checks[1].counter_in_environment is None
    assert of.checks[1].verdict is AttemptVerdict.UNDETERMINED  # that START may be printed text
    assert errors(of) == []


def test_an_attempt_that_ran_its_branch_left_its_mark_even_if_it_then_timed_out() -> None:
    of = told(("a", "timeout", A), ("a", "error", B))
    assert [each.counter_in_environment for each in of.checks] == [0, 1]
    assert (of.verdict, errors(of)) == (Verdict.AGREES, [])


# --------------------------------------------------------------------------- branches of one's own


def test_other_branches_have_other_numbers() -> None:
    markers = Markers(
        counter=re.compile(r"seen (?P<count>\d+)"),
        branch=re.compile(r"-> (?P<branch>\w+)"),
        branches=Branches(numbers={"first": 0, "again": 1, "late": 4}),
    )
    plan = [("a", "error", (f"seen {n} -> {'again' if n else 'first'}",)) for n in range(4)]
    of = told(*plan, markers=markers)
    assert checks(of) == ["agrees"] * 4
    assert [each.branch_expected for each in of.checks] == ["first", "again", "again", "again"]
    alone = [("a", "error", (f"-> {'again' if n else 'first'}",)) for n in range(4)]
    assert checks(told(*alone, markers=markers)) == ["agrees"] * 4
    unknown = told(("a", "error", ("-> nowhere",)), markers=markers)
    assert checks(unknown) == ["disagrees"]


def test_a_branch_that_nobody_named_is_not_judged_by_the_names_of_others() -> None:
    markers = Markers(
        counter=re.compile(r"seen (?P<count>\d+)"), branch=re.compile(r"-> (?P<branch>\w+)")
    )
    alone = told(("a", "error", ("-> nowhere",)), markers=markers)
    assert checks(alone) == ["undetermined"]
    [why] = alone.undetermined_because
    assert why == (
        "Attempt 1 ran nowhere, which is none of the branches A, B, C; "
        "name yours under branches in the settings."
    )
    counted = told(
        ("a", "error", ("seen 0 -> here",)), ("a", "error", ("seen 0 -> there",)), markers=markers
    )
    assert checks(counted) == ["agrees", "disagrees"]
    assert [each.branch_expected for each in counted.checks] == [None, None]
    assert errors(counted) == [("counter-lost", 2)]


def test_no_branch_is_missed_where_none_is_looked_for() -> None:
    counter = re.compile(r"seen (?P<count>\d+)")
    plan = [("a", "error", ("seen 0",)), ("a", "error", ())]
    assert not found(told(*plan, markers=Markers(counter=counter)), "branch-missing")
    looking = Markers(counter=counter, branch=re.compile(r"ran (?P<branch>[ABC])"))
    missing = found(told(*plan, markers=looking), "branch-missing")
    assert [each.attempt for each in missing] == [2]


def test_nothing_is_certain_of_the_result_of_a_search_by_id() -> None:
    (log,) = logs_of(("a", "error", A), ("a", "error", B))
    log.events = [each for each in log.events if ID in each.message]
    gap = searched_by_id(ID)
    of = checked(log, coverage=replace(saved(log.events), gaps=(gap,)))
    assert [each.outcome for each in of.request.attempts] == [
        AttemptOutcome.UNKNOWN,
        AttemptOutcome.UNKNOWN,
    ]
    assert of.request.outcome is RequestOutcome.UNKNOWN
    assert of.verdict is Verdict.UNDETERMINED
    assert [(each.rule, each.remedy) for each in of.findings] == [
        (
            "logs-incomplete",
            "Save the log of this time again, all lines of it: no request ID and no other filter.",
        )
    ]


# --------------------------------------------------------------------------- the marker


def test_a_durable_count_sees_every_environment() -> None:
    durable = {"store": "dynamodb"}
    right = told(
        ("a", "error", (marker(0, "A", **durable),)), ("b", "error", (marker(1, "B", **durable),))
    )
    assert (right.verdict, errors(right)) == (Verdict.AGREES, [])
    lost = told(
        ("a", "error", (marker(0, "A", **durable),)), ("b", "error", (marker(0, "A", **durable),))
    )
    assert errors(lost) == [("counter-lost", 2)]
    missed = told(("a", "timeout", ()), ("b", "error", (marker(0, "A", **durable),)))
    assert errors(missed) == [("uncounted-attempt", 2)]
    assert "in its own environment" not in missed.findings[0].message


def test_the_marker_says_whether_the_attempt_was_recorded() -> None:
    at_start = told(
        ("a", "timeout", (marker(0, None),)), ("a", "error", (marker(1, None), marker(1, "B")))
    )
    assert (at_start.verdict, errors(at_start)) == (Verdict.AGREES, [])
    unrecorded = told(
        ("a", "error", (marker(0, "A", recorded=False, error="no space left"),)),
        ("a", "error", (marker(0, "A"),)),
    )
    assert errors(unrecorded) == [("uncounted-attempt", 2)]
    assert "attempt 1 could not be recorded" in unrecorded.findings[0].message


def test_a_store_that_refused_is_told_and_its_fallback_blamed_on_nothing_else() -> None:
    refused = {"store": "s3", "recorded": False, "error": "AccessDenied"}
    for branch, retries in (("A", 1), ("C", 0)):
        plan = [("a", "error", (marker(n, "ABC"[n]),)) for n in range(retries)]
        of = told(*plan, ("a", "error", (marker(None, branch, **refused),)))
        assert errors(of) == []
        (finding,) = found(of, "counter-failed")
        assert (finding.attempt, finding.severity) == (retries + 1, Severity.WARNING)
        assert finding.remedy.endswith("(retryctl counters iam s3).")
        assert of.checks[-1].verdict is AttemptVerdict.DISAGREES


@pytest.mark.parametrize(
    ("said", "message", "remedy"),
    [
        (
            {"counter": None, "store": "dynamodb", "error": "ResourceNotFoundException: no"},
            "The store dynamodb refused attempt 1, and it fell back to branch A: Resource",
            "Create the table or bucket (retryctl counters template dynamodb).",
        ),
        (
            {"counter": None, "store": "s3", "error": "SlowDown: less"},
            "The store s3 refused attempt 1, and it fell back to branch A: SlowDown",
            "The store was throttled: raise its capacity",
        ),
        (
            {"counter": 0, "store": "tmp", "error": "dynamodb: NoSuchBucket"},
            "The first store refused attempt 1, and tmp counted: dynamodb: NoSuchBucket",
            "Create the table or bucket (retryctl counters template dynamodb).",
        ),
        (
            {"counter": 0, "store": "tmp", "recorded": False, "error": "OSError: No space left"},
            "The store tmp did not record attempt 1: OSError",
            "Free space and inodes in /tmp.",
        ),
        (
            {"counter": None, "store": "dynamodb", "error": "ValueError: x"},
            "The store dynamodb refused attempt 1, and it fell back to branch A: ValueError: x",
            "Give the function what the store needs",
        ),
    ],
)
def test_a_store_that_failed_has_the_remedy_of_its_cause(
    said: dict[str, Any], message: str, remedy: str
) -> None:
    counter = said.pop("counter")
    of = told(("a", "error", (marker(counter, "A", **said),)))
    (finding,) = found(of, "counter-failed")
    assert finding.message.startswith(message)
    assert finding.remedy.startswith(remedy)


def test_a_file_that_ends_within_a_report_is_named() -> None:
    of = checked(Environment().starts().logs(end(), f"{report().rstrip()}…"))
    assert [each.message for each in found(of, "logs-incomplete")] == [
        "The file ends within the REPORT of attempt 1: a status may follow."
    ]
    assert (of.request.outcome.value, of.lacks_lines) == ("unknown", True)


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [
        (["0", "*********"], "undetermined"),
        (["*", "process A"], "undetermined"),
        (["0", "process A", "*", "process *"], "undetermined"),
        (["*********", "0", "process A"], "agrees"),
        (["card ****************", "0", "process A"], "agrees"),
        (["card ****************"], "not-counted"),
        (['{"ret*********": 1, "counter": 0}'], "undetermined"),
    ],
)
def test_a_counter_that_data_protection_may_have_masked_has_no_verdict(
    printed: list[str], verdict: str
) -> None:
    log = Environment().starts().prints(*printed).raises().reports()
    events = events_of(log)
    coverage = whole(events)
    gap = Gap(kind="masked", message="data protection masks parts")
    masked = checked(log, coverage=replace(coverage, gaps=(*coverage.gaps, gap)))
    assert masked.verdict.value == verdict
    assert checked(log).verdict.value != "undetermined"  # a function may print asterisks
