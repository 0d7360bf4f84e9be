"""What holds of every history: order, repeats, cuts, and the verdicts that a model knows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest, check_request
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.history.history_builder import build_history
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import Report, Start
from tests.support.lambda_log import (
    ENDS,
    ID,
    MIDNIGHT_MS,
    OTHER_ID,
    THIRD_ID,
    Environment,
    end,
    end_of,
    events_of,
    init_report,
    init_start,
    judged,
    platform,
    python_error,
    report,
    saved,
    start,
    timed_out,
    whole,
)

IDS = (ID, OTHER_ID, THIRD_ID)
LETTERS = "abc"
# the start of each attempt, in seconds after the first
STARTS_S = (0, 61, 184, 306)


# --------------------------------------------------------------------------- the model


@dataclass(frozen=True)
class Run:
    """One attempt as the plan has it: where it runs, how it ends, what it claims."""

    letter: str
    ends: str
    counter: int | None = None
    branch: str | None = None
    early: bool = False


Plan = dict[str, list[Run]]


def counted(runs: list[Run]) -> list[Run]:
    """The claims of a handler that counts its own files in /tmp and branches when it fails."""
    files: Counter[str] = Counter()
    told = []
    for run in runs:
        if run.ends != "error":
            told.append(run)
            continue
        count = files[run.letter]
        told.append(replace(run, counter=count, branch="ABC"[min(count, 2)]))
        files[run.letter] += count < 2
    return told


def log_of(plan: Plan, *, json: bool, named: bool = True, apart_s: float = 7) -> list[Environment]:
    """The logs of the plan. Requests begin 7 s apart, so that no environment runs two at once."""
    environments = {letter: Environment(letter, json=json, named=named) for letter in LETTERS}
    happenings = [
        (apart_s * n + STARTS_S[attempt], request_id, run)
        for n, (request_id, runs) in enumerate(plan.items())
        for attempt, run in enumerate(runs)
    ]
    for at_s, request_id, run in sorted(happenings, key=lambda each: each[0]):
        environment = environments[run.letter]
        if environment.cold:
            environment.at(at_s - 0.3).inits()
            environment.cold = False
        _write(environment.at(at_s), request_id, run)
    return [environment for environment in environments.values() if environment.events]


def _write(environment: Environment, request_id: str, run: Run) -> None:
    environment.starts(request_id)
    if run.counter is not None:
        early_ms = 4 if run.early and environment.json else 0
        environment.logs(f"{run.counter}\n", early_ms=early_ms)
    if run.branch is not None:
        environment.prints(f"process {run.branch}")
    if run.ends == "error":
        environment.raises(request_id)
    status, error_type = ENDS[run.ends]
    environment.reports(request_id, status=status, error_type=error_type)


def expected_errors(runs: list[Run]) -> set[tuple[str, int]]:
    """The findings of severity error that the model itself knows, by rule and attempt."""
    found = set()
    for retries, run in enumerate(runs):
        if run.counter is None or run.counter == retries or min(run.counter, retries) >= 2:
            continue
        before = runs[:retries]
        if any(other.letter != run.letter for other in before):
            found.add(("environment-switch", retries + 1))
        if any(other.letter == run.letter and other.ends != "error" for other in before):
            found.add(("uncounted-attempt", retries + 1))
    return found


outcomes = st.sampled_from(["error", "error", "error", *ENDS])
runs = st.builds(Run, letter=st.sampled_from(LETTERS), ends=outcomes, early=st.booleans())
any_claims = st.builds(
    Run,
    letter=st.sampled_from(LETTERS),
    ends=outcomes,
    counter=st.none() | st.integers(0, 4),
    branch=st.none() | st.sampled_from("ABC"),
)


def plans(run: st.SearchStrategy[Run]) -> st.SearchStrategy[Plan]:
    attempts = st.lists(run, min_size=1, max_size=4)
    return st.lists(attempts, min_size=1, max_size=3).map(
        lambda each: dict(zip(IDS, each, strict=False))
    )


true_plans = plans(runs).map(lambda plan: {key: counted(each) for key, each in plan.items()})
wrong_plans = plans(any_claims)


def errors_of(checked: CheckedRequest) -> set[tuple[str, LogEvent | None]]:
    """Findings of severity error, by rule and by the START of the attempt."""
    return {
        (each.rule, checked.request.attempts[each.attempt - 1].start_event)
        for each in checked.findings
        if each.severity is Severity.ERROR and each.attempt is not None
    }


def checks_of(checked: CheckedRequest) -> dict[LogEvent | None, AttemptVerdict]:
    pairs = zip(checked.request.attempts, checked.checks, strict=True)
    return {attempt.start_event: check.verdict for attempt, check in pairs}


# --------------------------------------------------------------------------- the properties


@given(plan=true_plans, json=st.booleans())
def test_the_verdict_is_what_the_model_knows(plan: Plan, json: bool) -> None:
    events = events_of(*log_of(plan, json=json))
    for coverage in (whole(events), saved(events)):
        found = judged(events, coverage)
        assert set(found) == set(plan)
        for request_id, planned in plan.items():
            checked = found[request_id]
            attempts = checked.request.attempts
            assert [each.outcome.value for each in attempts] == [run.ends for run in planned]
            assert [each.claim.counter for each in attempts] == [run.counter for run in planned]
            assert [each.claim.branch for each in attempts] == [run.branch for run in planned]
            expected = expected_errors(planned)
            errors = [each for each in checked.findings if each.severity is Severity.ERROR]
            assert {(each.rule, each.attempt) for each in errors} == expected
            claims = any(run.counter is not None for run in planned)
            right = Verdict.AGREES if claims else Verdict.NOT_COUNTED
            assert checked.verdict is (Verdict.DISAGREES if expected else right)


@given(plan=wrong_plans, json=st.booleans(), data=st.data())
def test_the_order_of_arrival_does_not_matter(plan: Plan, json: bool, data: st.DataObject) -> None:
    events = events_of(*log_of(plan, json=json))
    shuffled = data.draw(st.permutations(events))
    horizon_ms = end_of(events)
    told = build_history(events, horizon_ms=horizon_ms)
    assert build_history(shuffled, horizon_ms=horizon_ms) == told


@given(plan=wrong_plans, json=st.booleans(), data=st.data())
def test_an_event_seen_twice_counts_once(plan: Plan, json: bool, data: st.DataObject) -> None:
    events = events_of(*log_of(plan, json=json))
    again = data.draw(st.lists(st.sampled_from(events)))
    horizon_ms = end_of(events)
    told = build_history(events, horizon_ms=horizon_ms)
    assert build_history([*again, *events, *again], horizon_ms=horizon_ms) == told


@given(plan=wrong_plans, json=st.booleans(), data=st.data())
def test_events_without_an_id_seen_twice_change_no_verdict(
    plan: Plan, json: bool, data: st.DataObject
) -> None:
    events = [replace(each, event_id=None) for each in events_of(*log_of(plan, json=json))]
    again = data.draw(st.lists(st.sampled_from(events)))
    told, told_again = judged(events, whole(events)), judged([*events, *again], whole(events))
    for request_id, checked in told.items():
        assert told_again[request_id].verdict is checked.verdict
        assert errors_of(told_again[request_id]) == errors_of(checked)
        assert checks_of(told_again[request_id]) == checks_of(checked)


def _cut(events: list[LogEvent], data: st.DataObject) -> list[LogEvent]:
    """The log without its start or its end, or one of its streams without it."""
    streams = sorted({event.log_stream or "" for event in events})
    stream = data.draw(st.none() | st.sampled_from(streams))
    touched = [each for each in events if stream in (None, each.log_stream)]
    at = data.draw(st.integers(0, len(touched)))
    gone = touched[:at] if data.draw(st.booleans()) else touched[at:]
    return [each for each in events if each not in gone]


@given(plan=true_plans, json=st.booleans(), data=st.data())
def test_a_cut_log_adds_no_error_that_the_whole_log_does_not_give(
    plan: Plan, json: bool, data: st.DataObject
) -> None:
    events = events_of(*log_of(plan, json=json))
    _hold_cut_against_whole(events, _cut(events, data), by_rule=True)


@given(plan=wrong_plans, json=st.booleans(), data=st.data())
def test_a_cut_log_accuses_no_attempt_that_the_whole_log_does_not(
    plan: Plan, json: bool, data: st.DataObject
) -> None:
    """A wrong counter may look wrong for another reason in the cut log, but never only there."""
    events = events_of(*log_of(plan, json=json))
    _hold_cut_against_whole(events, _cut(events, data), by_rule=False)


@given(plan=true_plans, json=st.booleans(), data=st.data())
def test_nor_does_a_cut_log_without_streams_whose_requests_run_side_by_side(
    plan: Plan, json: bool, data: st.DataObject
) -> None:
    apart_s = data.draw(st.sampled_from([0.002, 0.003, 0.006]))
    events = events_of(*log_of(plan, json=json, named=False, apart_s=apart_s))
    at = data.draw(st.integers(0, len(events)))
    for remaining in (events[:at], events[at:]):
        _hold_cut_against_whole(events, remaining, by_rule=False)


def _hold_cut_against_whole(
    events: list[LogEvent], remaining: list[LogEvent], *, by_rule: bool
) -> None:
    if not remaining:
        return
    told = judged(events, saved(events))
    for request_id, cut in judged(remaining, saved(remaining)).items():
        checks = checks_of(told[request_id])
        for started, check in checks_of(cut).items():
            if started is not None and check is AttemptVerdict.DISAGREES:
                assert checks[started] is AttemptVerdict.DISAGREES
        if cut.verdict is Verdict.DISAGREES:
            assert told[request_id].verdict is Verdict.DISAGREES
        added, known = errors_of(cut), errors_of(told[request_id])
        if by_rule:
            assert added <= known
        else:
            assert {started for _, started in added} <= {started for _, started in known}


# --------------------------------------------------------------------------- hostile input

RECORDS = (
    start(),
    start(OTHER_ID),
    end(),
    report(),
    report(OTHER_ID),
    report(status="error", error_type="Runtime.ExitError"),
    python_error(),
    timed_out(MIDNIGHT_MS),
    init_start(),
    init_report("invoke", "error"),
    platform("start", {"requestId": ID}),
    platform("report", {"requestId": ID, "metrics": {"durationMs": 1.5}}),
    platform("initStart", {"initializationType": "lambda-managed-instances"}),
    platform("logsDropped", {"droppedRecords": None}),
    "0\n",
    "process A\n",
    '{"retryctl": 1, "counter": -1, "branch": 7}\n',
)
messages = (
    st.text(max_size=40)
    | st.sampled_from(RECORDS)
    | st.builds(lambda record, at: record[:at], st.sampled_from(RECORDS), st.integers(0, 120))
    | st.builds(lambda record, text: record.rstrip() + text, st.sampled_from(RECORDS), st.text())
)
any_events = st.builds(
    LogEvent,
    timestamp_ms=st.integers(MIDNIGHT_MS, MIDNIGHT_MS + 400_000),
    message=messages,
    log_stream=st.none() | st.sampled_from(["a", "b"]),
    log_group=st.none() | st.just("/aws/lambda/orders-worker"),
    event_id=st.none() | st.text(max_size=3),
    position=st.integers(0, 3),
)


@given(events=st.lists(any_events, max_size=25))
def test_no_messages_at_all_make_it_raise(events: list[LogEvent]) -> None:
    horizon_ms = MIDNIGHT_MS + 500_000
    for first_event_ms in (None, MIDNIGHT_MS):
        coverage = Coverage(source="saved", horizon_ms=horizon_ms, first_event_ms=first_event_ms)
        for request in build_history(events, horizon_ms=horizon_ms).requests:
            checked = check_request(request, coverage)
            assert len(checked.checks) == len(request.attempts)
            assert all(finding.evidence for finding in checked.findings)


@given(events=st.lists(any_events, max_size=25))
def test_no_event_belongs_to_two_attempts(events: list[LogEvent]) -> None:
    events = [replace(each, position=n, event_id=None) for n, each in enumerate(events)]
    told = build_history(events, horizon_ms=MIDNIGHT_MS)
    owned = [event for request in told.requests for a in request.attempts for event in a.events]
    assert len(owned) == len(set(owned))
    assert set(owned) <= set(events)


@given(text=st.text())
def test_a_record_s_id_is_lower_case_whatever_the_log_holds(text: str) -> None:
    for record in (
        parse_record(LogEvent(timestamp_ms=0, message=start(ID.upper()) + text)),
        parse_record(LogEvent(timestamp_ms=0, message=report(ID.upper()) + text)),
    ):
        if isinstance(record, (Start, Report)):
            assert record.request_id == ID
