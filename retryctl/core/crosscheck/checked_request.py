"""The cross-check: compare the counters and branches of a function with its log.

``check_history`` is the one way from log events to checked requests. A reader that builds the
attempts itself hands those of one request to ``check_attempts_of``. Both end in
``check_request``, which gives each attempt its check and the request its verdict, and runs the
rules of ``counter_rules``, ``store_rules`` and ``delivery_rules``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import chain, islice

from retryctl.core.crosscheck.attempt_check import (
    AttemptCheck,
    Verdict,
    check_attempts,
    uncountable_because,
    verdict_of,
)
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.crosscheck.context import JudgingContext
from retryctl.core.crosscheck.counter_rules import COUNTER_RULES
from retryctl.core.crosscheck.cross_check_input import CrossCheckInput
from retryctl.core.crosscheck.delivery_rules import DELIVERY_RULES
from retryctl.core.crosscheck.earlier_marks import EarlierMarks
from retryctl.core.crosscheck.findings import Finding, Rule, RuleInput, UnlistedFinding, listed
from retryctl.core.crosscheck.hidden_attempts import hidden_after, shows_cut
from retryctl.core.crosscheck.hidden_parts import hidden_parts, without_hidden_outcomes
from retryctl.core.crosscheck.store_rules import STORE_RULES, agreeing_store
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.history.history_builder import History, build_history
from retryctl.core.history.lost_lines import with_lost_lines
from retryctl.core.history.request_from_attempts import request_of
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.coverage import Coverage, EndsBefore
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.group_names import function_from_names
from retryctl.core.model.records import AppLine
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.core.model.store_count import StoreCount
from retryctl.core.value_classes import value_class
from retryctl.core.wording import in_a_row, number_of

RULES: tuple[Rule[RuleInput], ...] = (*COUNTER_RULES, *STORE_RULES, *DELIVERY_RULES)
_MOST_REASONS = 20
_MOST_LINES, _EXAMPLE_CHARACTERS = 1_000, 80


@value_class
class CheckedRequest:
    """A request with its verdict. ``checks`` are in the order of ``request.attempts``.

    ``findings`` has the first findings of each rule, ``unlisted`` the others.
    ``undetermined_because`` are sentences, each a reason why no verdict is possible.
    ``lacks_lines``: lines of it, or whole attempts, may be missing from the log.
    """

    request: Request
    checks: tuple[AttemptCheck, ...]
    verdict: Verdict
    findings: tuple[Finding, ...]
    undetermined_because: tuple[str, ...] = ()
    lacks_lines: bool = False
    agreeing_store: StoreCount | None = None
    unlisted: tuple[UnlistedFinding, ...] = ()

    @property
    def ends_after(self) -> frozenset[EndsBefore]:
        """What of the request comes after the end of what was read."""
        if self.request.outcome is RequestOutcome.PENDING:
            return frozenset({"next attempt"})
        attempts = self.request.attempts
        running = bool(attempts) and attempts[-1].outcome is AttemptOutcome.RUNNING
        return frozenset({"end"}) if running else frozenset()

    @property
    def every_finding(self) -> Iterator[Finding | UnlistedFinding]:
        """The listed findings, then those that are only counted."""
        return chain(self.findings, self.unlisted)

    def wrong_branch(self, number: int | None) -> tuple[str | None, str | None]:
        """Return the branch that an attempt ran and the expected one, where they differ."""
        if number is None:
            return None, None
        ran = self.request.attempts[number - 1].claim.branch
        check = self.checks[number - 1]
        wrong = check.branch_agrees is False and not check.at_least
        return (ran, check.branch_for_retries) if wrong else (None, None)


@value_class
class CheckedHistory:
    """The checked requests of some log events, in order of their first attempt.

    ``coverage`` is the given one plus the events that could not be recognised. ``web`` has the
    IDs of requests to web functions, which are not events and are never retried.
    """

    requests: tuple[CheckedRequest, ...]
    coverage: Coverage
    web: frozenset[str] = frozenset()


@value_class
class HistoryInput:
    """The inputs that all requests of a log share.

    ``settings_of`` gives the configuration of the function that logged an event. ``function``
    is its name where no record gives one. ``stored`` is what a durable store recorded, by
    request ID. With ``wanted`` only the requests of these IDs are checked.
    """

    markers: Markers = field(default_factory=Markers)
    settings_of: Callable[[LogEvent], FunctionConfig] = lambda _: FunctionConfig()
    function: str | None = None
    wanted: Collection[str] | None = None
    stored: Mapping[str, StoreCount] = field(default_factory=dict)


def check_history(
    events: Iterable[LogEvent], coverage: Coverage, given: HistoryInput | None = None
) -> CheckedHistory:
    """Check every request in ``events``, which may come in any order and more than once."""
    given = given or HistoryInput()
    histories = [
        (settings, _history(of_function, coverage, settings, given))
        for of_function in _by_function(events)
        for settings in [given.settings_of(of_function[0])]
    ]
    coverage = _coverage_of([history for _, history in histories], coverage)
    checked = [
        check_request(
            request,
            coverage,
            settings=settings,
            markers=given.markers,
            stored=given.stored.get(request.request_id),
        )
        for settings, request in _merged(histories, coverage, given)
    ]
    return CheckedHistory(
        requests=tuple(sorted(checked, key=_by_place)),
        coverage=coverage_shown_by(checked, coverage),
        web=frozenset[str]().union(*(history.web for _, history in histories)),
    )


def _history(
    events: Sequence[LogEvent], coverage: Coverage, settings: FunctionConfig, given: HistoryInput
) -> History:
    return build_history(
        events,
        horizon_ms=coverage.horizon_ms or 0,
        markers=given.markers,
        settings=settings,
        function=given.function,
        wanted=given.wanted,
    )


def _merged(
    histories: Sequence[tuple[FunctionConfig, History]], coverage: Coverage, given: HistoryInput
) -> Iterator[tuple[FunctionConfig, Request]]:
    """Yield each request once: where two functions of a group log one ID, one of them printed it.

    Its function is the one with more whole attempts.
    """
    found: dict[tuple[str | None, str], list[tuple[FunctionConfig, Request]]] = defaultdict(list)
    for settings, history in histories:
        for request in history.requests:
            found[request.log_group, request.request_id].append((settings, request))
    for key, several in found.items():
        settings, request = max(several, key=lambda one: _whole_attempts(one[1]))
        if len(several) > 1:
            attempts = [attempt for _, one in several for attempt in one.attempts]
            mentions = [event for _, one in several for event in one.mentions]
            horizon_ms = coverage.horizon_ms or 0
            request = request_of(key, attempts, mentions, settings, horizon_ms, given.function)
        yield settings, request


def coverage_shown_by(requests: Iterable[CheckedRequest], coverage: Coverage) -> Coverage:
    """Return the coverage, extended by what the checked requests lack."""
    lacks_lines, ends_before = False, frozenset[EndsBefore]()
    for one in requests:
        lacks_lines |= one.lacks_lines
        ends_before |= one.ends_after
    return coverage.with_lacking(lacks_lines, ends_before)


def _whole_attempts(request: Request) -> int:
    return sum(bool(one.start_event and one.report_event) for one in request.attempts)


def _coverage_of(histories: Sequence[History], coverage: Coverage) -> Coverage:
    """Return the coverage, extended by what the histories show about it."""
    unrecognised = sum(history.unrecognised for history in histories)
    web = frozenset[str]().union(*(history.web for history in histories))
    torn = set().union(*(history.torn for history in histories))
    total = coverage.events_unrecognised + unrecognised
    counted = replace(
        coverage,
        events_unrecognised=total,
        web_requests=len(web - {""}),
        web_function=bool(web),
    )
    return with_lost_lines(counted, torn)


def _by_function(events: Iterable[LogEvent]) -> Iterable[Sequence[LogEvent]]:
    """Group the events by function, since each has settings of its own."""
    functions: dict[object, list[LogEvent]] = defaultdict(list)
    for event in events:
        function = function_from_names(event.log_group, event.log_stream)
        functions[event.log_group, function].append(event)
    return functions.values()


def _by_place(checked: CheckedRequest) -> tuple[int, str, str]:
    request = checked.request
    return (request.placed_ms, request.request_id, request.log_group or "")


def check_attempts_of(
    key: tuple[str | None, str],
    attempts: Sequence[Attempt],
    mentions: Sequence[LogEvent],
    coverage: Coverage,
    *,
    settings: FunctionConfig,
    markers: Markers,
    function: str | None = None,
    stored: StoreCount | None = None,
) -> CheckedRequest:
    """Check the request of ``key`` (log group and ID) from its attempts, in any order."""
    horizon_ms = coverage.horizon_ms or 0
    request = request_of(key, attempts, mentions, settings, horizon_ms, function)
    return check_request(request, coverage, settings=settings, markers=markers, stored=stored)


def check_request(
    request: Request,
    coverage: Coverage,
    *,
    settings: FunctionConfig | None = None,
    markers: Markers | None = None,
    stored: StoreCount | None = None,
) -> CheckedRequest:
    """Check one request; its findings are in the order of the rules.

    The outcomes of the result respect the gaps of ``coverage``: use its request from here on.

    ``stored`` is what a durable store recorded of the request, where one was read.
    """
    markers = markers or Markers()
    around = JudgingContext(
        coverage=coverage,
        settings=settings or FunctionConfig(),
        branches=markers.branches,
        reads_branches=markers.read_branches,
        stored=stored,
    )
    hidden = hidden_parts(request, around)
    cut = shows_cut(request, around)
    request = without_hidden_outcomes(request, around, hidden, cut=cut)
    given = CrossCheckInput(
        request=request,
        around=around,
        marks=EarlierMarks(request.attempts, markers.branches),
        hidden=hidden,
        uncountable=uncountable_because(request, around),
        contested_from=next((one.number for one in request.attempts if one.may_be_several), None),
    )
    checks = check_attempts(given)
    case = RuleInput(given=given, checks=checks)
    unsure = [*given.uncountable, *hidden_after(hidden)]
    reasons = dict.fromkeys((*unsure, *(check.because for check in checks if check.because)))
    verdict = verdict_of(checks, unsure)
    findings, unlisted = listed(RULES, case)
    return CheckedRequest(
        request=request,
        checks=checks,
        verdict=verdict,
        findings=findings,
        lacks_lines=_lacks_lines(request, verdict, around.settings),
        undetermined_because=_few(tuple(reasons)),
        agreeing_store=agreeing_store(case),
        unlisted=unlisted,
    )


def with_unseen_end(checked: CheckedRequest, why: str) -> CheckedRequest:
    """Return the request as it is known if what followed while it was pending was not read.

    The same holds for a running one. ``why`` is a sentence that explains it.
    """
    request = checked.request
    if request.outcome not in (RequestOutcome.PENDING, RequestOutcome.RUNNING):
        return checked
    attempts = tuple(
        replace(one, outcome=AttemptOutcome.UNKNOWN)
        if one.outcome is AttemptOutcome.RUNNING
        else one
        for one in request.attempts
    )
    disagrees = checked.verdict is Verdict.DISAGREES
    return replace(
        checked,
        request=replace(
            request, attempts=attempts, outcome=RequestOutcome.UNKNOWN, next_attempt_due_ms=None
        ),
        verdict=checked.verdict if disagrees else Verdict.UNDETERMINED,
        undetermined_because=(*checked.undetermined_because, why),
        lacks_lines=True,
    )


def _few(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first reasons, and a sentence that counts the others."""
    more = len(reasons) - _MOST_REASONS
    if more < 1:
        return reasons
    return (*reasons[:_MOST_REASONS], f"And {number_of(more, 'further reason')}.")


def _lacks_lines(request: Request, verdict: Verdict, settings: FunctionConfig) -> bool:
    """Whether an attempt was not read from its START to its REPORT, or something hides attempts.

    A durable function and one on Managed Instances have no verdict, though their log is complete.
    """
    attempts = request.attempts
    if any(a.report_event is None or a.start_event is None or a.dropped for a in attempts):
        return True
    if any(a.outcome is AttemptOutcome.UNKNOWN for a in attempts):
        return True
    uncounted = settings.durable or settings.managed_instances or request.execution_arn
    if uncounted or any(attempt.managed for attempt in attempts):
        return False
    return verdict is Verdict.UNDETERMINED


def cross_checked(requests: Iterable[CheckedRequest]) -> int:
    """Return the number of attempts that logged a counter or a branch."""
    return sum(not a.claim.silent for one in requests for a in one.request.attempts)


def unmatched_patterns(
    failed: int, cross_checked: int, markers: Markers, logged: Sequence[str] = ()
) -> str:
    """Explain that the configured markers matched no line of ``failed`` attempts; ``""`` if one.

    ``logged`` are lines of the function, as examples.
    """
    if not markers.patterns or not failed or cross_checked:
        return ""
    examples = f". The function's lines are, for example, {in_a_row(logged)}" if logged else ""
    return (
        f"nothing was cross-checked: {number_of(failed, 'attempt')} failed, and no line matches "
        f"{markers.set_in or 'the markers'}: {', '.join(markers.patterns)}{examples}"
    )


def lines_of_function(requests: Iterable[CheckedRequest], most: int = 2) -> list[str]:
    """Return the first different lines that the attempts printed, shortened and quoted."""
    records = (
        parse_record(event)
        for one in requests
        for attempt in one.request.attempts
        for event in attempt.events
    )
    texts = (each.text.strip() for each in records if isinstance(each, AppLine))
    quoted = (repr(text[:_EXAMPLE_CHARACTERS]) for text in texts if text)
    return list(islice(dict.fromkeys(islice(quoted, _MOST_LINES)), most))
