"""The check of each attempt, and the verdict."""

from __future__ import annotations

import re

import pytest

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.function_config import FunctionConfig
from tests.core.crosscheck.rule_histories import (
    IN_ORDER,
    A,
    B,
    C,
    checks,
    errors,
    found,
    marker,
    told,
)
from tests.support.lambda_log import ID, Environment, checked, platform


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


def test_an_attempt_that_ran_its_branch_left_its_mark_even_if_it_then_timed_out() -> None:
    of = told(("a", "timeout", A), ("a", "error", B))
    assert [each.counter_in_environment for each in of.checks] == [0, 1]
    assert (of.verdict, errors(of)) == (Verdict.AGREES, [])
