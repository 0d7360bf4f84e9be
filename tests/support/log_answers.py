"""The answers of ``trace``, ``list``, ``summary`` and ``check`` to one log, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from retryctl.app.check import CheckPlan, check
from retryctl.app.options import SILENT, WHOLE, SourceOptions, TimeWindow
from retryctl.app.trace import trace
from retryctl.app.window import count_requests, list_rows, open_window
from retryctl.config import ProjectConfig
from retryctl.core.check.check_evaluator import REQUEST, CheckOutcome
from retryctl.core.check.expectations import Expectations
from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.history.cut_log import BEGINS_LATE
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.request_row import RequestRow, RowFilter
from retryctl.core.summary.tally import SummaryTally
from retryctl.errors import RetryctlError

NOW_MS = 1_795_500_000_000
ERRORS = frozenset({"environment-switch", "uncounted-attempt", "counter-lost", "counter-ahead"})
OPEN = (RequestOutcome.PENDING, RequestOutcome.RUNNING, RequestOutcome.NOT_RETRIED)


@dataclass(slots=True, kw_only=True)
class Answers:
    """What each command answers; ``refused`` has the errors of those that could read nothing."""

    requests: dict[str, CheckedRequest] = field(default_factory=dict)
    rows: dict[str, RequestRow] = field(default_factory=dict)
    total: SummaryTally = field(default_factory=SummaryTally)
    checked: CheckOutcome | None = None
    gaps: dict[str, tuple[Gap, ...]] = field(default_factory=dict)
    complete: dict[str, bool] = field(default_factory=dict)
    refused: dict[str, RetryctlError] = field(default_factory=dict)


def answers(
    options: SourceOptions,
    request_ids: tuple[str, ...] = (),
    window: TimeWindow = WHOLE,
    before_each: Callable[[], None] = lambda: None,
) -> Answers:
    """Run every command, and ``before_each`` before it. ``trace`` reads ``request_ids`` alone."""
    config, found = ProjectConfig(), Answers()

    def run_trace() -> Coverage:
        traced = trace(request_ids, options, window, config=config, clock=lambda: NOW_MS)
        found.requests = {one.request.request_id: one for one in traced.checked}
        return traced.coverage

    def run_list() -> Coverage:
        with open_window(options, config, window, now_ms=NOW_MS, feedback=SILENT) as reader:
            found.rows = {row.request_id: row for row in list_rows(reader, RowFilter())}
            return reader.coverage

    def run_summary() -> Coverage:
        with open_window(options, config, window, now_ms=NOW_MS, feedback=SILENT) as reader:
            for tally in count_requests(reader).values():
                found.total.merge(tally)
            return reader.coverage

    def run_check() -> Coverage:
        plan = CheckPlan(
            options=options,
            window=window,
            config=config,
            expectations=Expectations(fail_on=ERRORS),
        )
        run = check(plan, clock=lambda: NOW_MS, sleep=lambda _: None)
        found.checked = run.outcome
        return run.coverage

    commands = {"trace": run_trace, "list": run_list, "summary": run_summary, "check": run_check}
    for name, command in commands.items():
        before_each()
        try:
            coverage = command()
            found.gaps[name] = _gaps(coverage)
            found.complete[name] = not found.gaps[name] and not coverage.lacks_lines
        except RetryctlError as error:
            found.refused[name] = error
    return found


def _gaps(coverage: Coverage) -> tuple[Gap, ...]:
    """The gaps that hide something; the others are remarks on how a command read."""
    gaps = (gap for gap in coverage.gaps if gap.hides_attempts or gap.hides_lines)
    return tuple(sorted(gaps, key=lambda gap: (gap.kind, gap.message)))


def contradictions(answers: Answers) -> list[str]:
    """What one command answers of a request, or of the log, that another one contradicts."""
    if answers.refused:
        kinds = {type(error).__name__ for error in answers.refused.values()}
        same = len(kinds) == 1 and not answers.gaps
        return [] if same else [f"refused: {answers.refused}, read: {sorted(answers.gaps)}"]
    found, requests, rows = [], answers.requests, answers.rows
    if requests.keys() != rows.keys():
        found.append(f"trace has {sorted(requests)}, list {sorted(rows)}")
    assert answers.checked is not None
    results = {c.request_id: c.passed for c in answers.checked.checks if c.name == REQUEST}
    for request_id, checked in requests.items():
        row, request = rows.get(request_id), checked.request
        traced = (request.outcome, checked.verdict, len(request.attempts))
        if row and (row.outcome, row.verdict, row.attempts) != traced:
            found.append(f"{request_id}: trace {traced}, list {row}")
        if checked.verdict is Verdict.DISAGREES and results.get(request_id) is not False:
            found.append(f"{request_id}: disagrees, and its check does not fail")
        if checked.verdict is Verdict.UNDETERMINED and results.get(request_id) is True:
            found.append(f"{request_id}: undetermined, and its check passes")
    outcomes = Counter(one.request.outcome for one in requests.values())
    checks = Counter(check.verdict for one in requests.values() for check in one.checks)
    total = answers.total
    if (outcomes, checks) != (+total.outcomes, +total.checks):
        found.append(f"trace {outcomes} {checks}, summary {total.outcomes} {total.checks}")
    if total.requests != answers.checked.requests:
        found.append(f"summary {total.requests} requests, check {answers.checked.requests}")
    if len(set(answers.gaps.values())) > 1:
        found.append(f"gaps {answers.gaps}")
    if len(set(answers.complete.values())) > 1:
        found.append(f"complete {answers.complete}")
    return found


def undetermined(answers: Answers) -> int:
    """How many requests have no verdict."""
    return sum(one.verdict is Verdict.UNDETERMINED for one in answers.requests.values())


# --------------------------------------------------------------------------- whole and part


def differences(
    whole: Answers, part: Answers, *, ends_early: bool = False, starts_late: bool = False
) -> list[str]:
    """What the part says that the whole denies.

    A log that ends early is right as of its end: what is open there may go on. One that starts
    late and shows no sign of it counts as whole: there, requests whose first attempt is missing
    are right as far as they go.
    """
    found = []
    gaps = part.gaps.get("trace", ())
    starts_late = starts_late and not any(gap.kind == BEGINS_LATE for gap in gaps)
    for request_id, checked in part.requests.items():
        known = whole.requests.get(request_id)
        if known is None:
            if checked.verdict in (Verdict.AGREES, Verdict.DISAGREES):
                found.append(f"{request_id}: {checked.verdict.value} of a request that did not run")
            continue
        if starts_late and _lost_attempts(known, checked):
            if checked.verdict is Verdict.DISAGREES is not known.verdict:
                found.append(f"{request_id}: disagrees, in the whole {known.verdict.value}")
            continue
        found += _of_request(known, checked, ends_early=ends_early)
    open_now = ends_early and not _failed(part)
    if _passed(part) and not _passed(whole) and not open_now and not starts_late:
        found.append("the check of the part passes")
    return found


def _passed(answers: Answers) -> bool:
    return answers.checked is not None and answers.checked.passed is True


def _failed(answers: Answers) -> bool:
    return answers.checked is not None and answers.checked.passed is False


def differing_rows(whole: Answers, part: Answers) -> list[str]:
    """What ``list`` and ``summary`` answer of the part that the whole contradicts."""
    found = []
    for request_id, row in part.rows.items():
        known = whole.requests.get(request_id)
        verdict = known.verdict if known else Verdict.NOT_COUNTED
        outcome = known.request.outcome if known else RequestOutcome.UNKNOWN
        if row.verdict not in (verdict, Verdict.UNDETERMINED):
            found.append(f"{request_id}: list {row.verdict.value}, in the whole {verdict.value}")
        if row.outcome not in (outcome, RequestOutcome.UNKNOWN):
            found.append(f"{request_id}: list {row.outcome.value}, in the whole {outcome.value}")
    outcomes = Counter(one.request.outcome for one in whole.requests.values())
    more = part.total.outcomes - outcomes
    del more[RequestOutcome.UNKNOWN]
    return [*found, *([f"summary has more: {more}"] if more else [])]


def _lost_attempts(known: CheckedRequest, part: CheckedRequest) -> bool:
    """Whether the first attempt is not in the part, or not from its START on."""
    first, whole = part.request.attempts[0], known.request.attempts[0]
    return (first.started_ms, first.log_stream) != (whole.started_ms, whole.log_stream)


def _of_request(known: CheckedRequest, part: CheckedRequest, *, ends_early: bool) -> list[str]:
    found = []
    request_id, whole = part.request.request_id, known.request
    shorter = len(part.request.attempts) <= len(whole.attempts)
    wrong = part.verdict not in (known.verdict, Verdict.UNDETERMINED)
    as_of_then = ends_early and part.verdict is not Verdict.DISAGREES and shorter
    if wrong and not (as_of_then and _checks_hold(known, part)):
        found.append(f"{request_id}: {part.verdict.value}, in the whole {known.verdict.value}")
    outcome = part.request.outcome
    still_open = ends_early and outcome in OPEN
    if outcome not in (whole.outcome, RequestOutcome.UNKNOWN) and not still_open:
        found.append(f"{request_id}: {outcome.value}, in the whole {whole.outcome.value}")
    return found


def _checks_hold(known: CheckedRequest, part: CheckedRequest) -> bool:
    """Whether each attempt of the part is checked as in the whole, or is not judged yet."""
    unsure = (AttemptVerdict.UNDETERMINED, AttemptVerdict.SILENT)
    return all(
        after.verdict in (before.verdict, *unsure)
        for before, after in zip(known.checks, part.checks, strict=False)
    )
