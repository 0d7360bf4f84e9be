"""The check of each attempt and the verdict: with lines missing, and by markers of one's own."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.claims import Branches, Markers
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.history.outcome import AttemptOutcome
from retryctl.core.history.searched_log import searched_by_id
from retryctl.core.model.coverage import UNORDERED, Coverage, Gap
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import RequestOutcome
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
    Environment,
    checked,
    end,
    events_of,
    platform,
    report,
    saved,
    whole,
)


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
