"""The answers of ``trace``, ``list``, ``summary`` and ``check`` to one log, side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from retryctl.app.check import CheckPlan, CheckRun, check
from retryctl.app.options import SILENT, WHOLE, SourceOptions, TimeWindow
from retryctl.app.trace import TraceResult, trace
from retryctl.app.window import count_requests, list_rows, open_window
from retryctl.config import ProjectConfig
from retryctl.core.check.check_evaluator import REQUEST
from retryctl.core.check.expectations import Expectations
from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.history.cut_log import BEGINS_LATE
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.request_row import RequestRow, RowFilter
from retryctl.core.summary.tally import SummaryTally

NOW_MS = 1_795_500_000_000
ERRORS = frozenset({"environment-switch", "uncounted-attempt", "counter-lost", "counter-ahead"})
OPEN = (RequestOutcome.PENDING, RequestOutcome.RUNNING, RequestOutcome.NOT_RETRIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What each command answers."""

    traced: TraceResult
    rows: dict[str, RequestRow]
    total: SummaryTally
    checked: CheckRun
    gaps: dict[str, tuple[Gap, ...]]

    @property
    def requests(self) -> dict[str, CheckedRequest]:
        """The checked requests by ID."""
        return {one.request.request_id: one for one in self.traced.checked}


def answers(
    options: SourceOptions, request_ids: tuple[str, ...] = (), window: TimeWindow = WHOLE
) -> Answers:
    """Run every command. Raises the errors of ``retryctl.errors``."""
    config = ProjectConfig()
    traced = trace(request_ids, options, window, config=config, clock=lambda: NOW_MS)
    gaps = {"trace": _gaps(traced.coverage)}
    opened = open_window(options, config, window, now_ms=NOW_MS, feedback=SILENT)
    with opened as reader:
        rows = {row.request_id: row for row in list_rows(reader, RowFilter())}
        total = SummaryTally()
        for tally in count_requests(reader).values():
            total.merge(tally)
        gaps["list"] = _gaps(reader.coverage)
    checked = check(
        CheckPlan(
            options=options,
            window=window,
            config=config,
            expectations=Expectations(fail_on=ERRORS),
        ),
        clock=lambda: NOW_MS,
        sleep=lambda _: None,
    )
    gaps["check"] = _gaps(checked.coverage)
    return Answers(traced=traced, rows=rows, total=total, checked=checked, gaps=gaps)


def _gaps(coverage: Coverage) -> tuple[Gap, ...]:
    """The gaps that hide something; the others are remarks on how a command read."""
    gaps = (gap for gap in coverage.gaps if gap.hides_attempts or gap.hides_lines)
    return tuple(sorted(gaps, key=lambda gap: (gap.kind, gap.message)))


def contradictions(told: Answers) -> list[str]:
    """What one command says of a request, or of the log, that another denies."""
    found, requests = [], told.requests
    if requests.keys() != told.rows.keys():
        found.append(f"trace has {sorted(requests)}, list {sorted(told.rows)}")
    results = {c.request_id: c.passed for c in told.checked.outcome.checks if c.name == REQUEST}
    for request_id, checked in requests.items():
        row, request = told.rows.get(request_id), checked.request
        traced = (request.outcome, checked.verdict, len(request.attempts))
        if row and (row.outcome, row.verdict, row.attempts) != traced:
            found.append(f"{request_id}: trace {traced}, list {row}")
        if checked.verdict is Verdict.DISAGREES and results.get(request_id) is not False:
            found.append(f"{request_id}: disagrees, and its check does not fail")
        if checked.verdict is Verdict.UNDETERMINED and results.get(request_id) is True:
            found.append(f"{request_id}: undetermined, and its check passes")
    outcomes = Counter(one.request.outcome for one in requests.values())
    checks = Counter(check.check for one in requests.values() for check in one.checks)
    total = told.total
    if (outcomes, checks) != (+total.outcomes, +total.checks):
        found.append(f"trace {outcomes} {checks}, summary {total.outcomes} {total.checks}")
    if total.requests != told.checked.outcome.requests:
        found.append(f"summary {total.requests} requests, check {told.checked.outcome.requests}")
    if len(set(told.gaps.values())) > 1:
        found.append(f"gaps {told.gaps}")
    return found


def undetermined(told: Answers) -> int:
    """How many requests have no verdict."""
    return sum(one.verdict is Verdict.UNDETERMINED for one in told.requests.values())


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
    starts_late = starts_late and not any(gap.kind == BEGINS_LATE for gap in part.gaps["trace"])
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


def _passed(told: Answers) -> bool:
    return told.checked.outcome.passed is True


def _failed(told: Answers) -> bool:
    return told.checked.outcome.passed is False


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
        after.check in (before.check, *unsure)
        for before, after in zip(known.checks, part.checks, strict=False)
    )
