"""Findings on the counter and the branch of an attempt."""

from __future__ import annotations

import pytest

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.findings import Severity
from tests.core.crosscheck.rule_histories import IN_ORDER, A, B, checks, errors, found, marker, told
from tests.support.lambda_log import ID, Environment, checked


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
