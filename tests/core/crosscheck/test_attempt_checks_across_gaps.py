"""The check of attempts, and the verdict, where a log may lack lines or attempts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.history.search_detection import searched_by_id
from retryctl.core.model.attempt import AttemptOutcome
from retryctl.core.model.coverage import UNORDERED, Coverage, Gap
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import RequestOutcome
from tests.core.crosscheck.rule_histories import GAP, IN_ORDER, A, B, checks, errors, found, logs_of
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    Environment,
    checked,
    end,
    events_of,
    report,
    saved,
    whole,
)


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


def test_an_error_of_node_in_json_counts_as_the_last_line_only() -> None:
    """A line out of order may stand behind it; the format is that of the attempt's records."""
    log = Environment(json=True).inits("nodejs:22.v5").at(0).starts()
    error = {"level": "ERROR", "requestId": ID, "message": {"errorType": "Error"}}
    log.logs(json.dumps(error)).reports()
    gap = Gap(kind=UNORDERED, message="Lines out of order.", hides_lines=True)
    of = checked(log, coverage=replace(whole(log.events), gaps=(gap,)))
    assert [attempt.outcome for attempt in of.request.attempts] == [AttemptOutcome.UNKNOWN]
    assert of.request.outcome is RequestOutcome.UNKNOWN


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
