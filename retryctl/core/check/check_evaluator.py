"""Evaluate checked requests one by one, keeping little of each.

Requests may come in any order and in parts. Of the log only the events that prove a finding
are kept.

A request fails where one of its findings does, and a wrong count is never passed in silence:
its findings fail with any ``fail_on``, unless each of them is allowed or known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain

from retryctl.core.check.baseline import Identity, identity_of
from retryctl.core.check.expectations import (
    OPEN,
    CheckResult,
    CheckTally,
    Expectations,
    coverage_check,
    cross_check_of_all,
    of_all,
    of_request,
    outcome_unknown,
)
from retryctl.core.check.request_results import (
    Checks,
    FindingEffect,
    JudgedFinding,
    RequestResult,
    SilentResults,
    effect_of,
    joined,
)
from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.crosscheck.findings import Finding, Severity, UnlistedFinding
from retryctl.core.model.coverage import Gap
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.core.request_wording import why_unknown
from retryctl.core.summary.silent_successes import SilentSuccesses
from retryctl.core.value_classes import value_class
from retryctl.core.wording import as_sentences, number_of

REQUEST = "request"
"""The name of the check that is a request; the others have the name of their expectation."""
MOST_FINDINGS = 10_000
"""Findings of the first requests are kept up to this number; all are counted."""
_MOST_IN_A_MESSAGE = 10


@value_class
class CheckOutcome:
    """The result of a check: every request, every expectation, and the findings.

    ``findings`` are those of the first requests, ``counts`` the numbers of all by effect and rule.
    ``known`` are the identities of all known findings where the check learns them. ``requests`` and
    ``retried`` are counts, ``request_ids`` the requests that were read.
    """

    checks: Checks
    findings: tuple[JudgedFinding, ...]
    counts: Mapping[tuple[FindingEffect, str], int]
    known: frozenset[Identity] = frozenset()
    requests: int
    retried: int
    functions: tuple[str, ...]
    not_found: tuple[str, ...]
    empty: bool
    cross_checked: int = 0

    @property
    def passed(self) -> bool | None:
        """False where a check failed, else ``None`` where one is undetermined, else true."""
        results = {check.passed for check in self.checks.unpassed}
        if False in results:
            return False
        return None if results or self.empty else True

    @property
    def awaits(self) -> tuple[str, ...]:
        """What a later reading could change."""
        return tuple(dict.fromkeys(check.awaits for check in self.checks.kept if check.awaits))

    @property
    def unchecked(self) -> tuple[str, ...]:
        """The IDs that were not found and have no check: they do not change the result."""
        checked = {check.request_id for check in self.checks.kept}
        return tuple(one for one in self.not_found if one not in checked)

    @property
    def request_ids(self) -> frozenset[str]:
        """The IDs of the requests that were evaluated."""
        return frozenset(
            check.request_id
            for check in self.checks
            if check.request_id and check.name == REQUEST and check.request_id not in self.not_found
        )


class CheckEvaluator:
    """Checks one request after the other; ``judgement`` returns the result, in order of time.

    ``known`` is the baseline. One that ``learns`` takes for known whatever would fail.
    """

    def __init__(
        self,
        expected: Expectations,
        known: Collection[Identity] = (),
        *,
        learns: bool = False,
        markers: Markers | None = None,
    ) -> None:
        self._expected = expected
        self._markers = markers
        self._known = known
        self._learns = learns
        self._tally = CheckTally()
        self._results: list[RequestResult] = []
        self._silent: list[SilentResults] = []
        self._counts = Counter[tuple[FindingEffect, str]]()
        self._kept = 0
        self._identities: set[Identity] = set()

    def add(self, checked: CheckedRequest) -> None:
        """Judge one more request."""
        request = checked.request
        self._tally.add(checked)
        unlisted = [(each, *self._effect(each, checked)) for each in checked.unlisted]
        more = Counter((effect, each.rule) for each, _, effect in unlisted)
        findings = tuple(_with_counts(self._judged(checked), more))
        failed = [
            *(f"{each.finding.rule}: {each.finding.message}" for each in findings if each.failed),
            *(
                f"{each.rule}: attempt {each.attempt}."
                for each, _, effect in unlisted
                if effect == "failed"
            ),
        ]
        expectations = of_request(checked, self._expected, self._tally)
        self._results.append(
            RequestResult(
                place=(request.placed_ms, request.request_id, request.log_group or ""),
                function=_kept_once(request.function or request.log_group or "") or None,
                checks=(self._check(checked, failed), *expectations),
                findings=findings,
                streams=request.log_streams if findings else frozenset(),
            )
        )
        self._counts.update((each.effect, each.finding.rule) for each in findings)
        self._counts.update(more)
        if self._learns:
            self._identities.update(each.identity for each in findings if each.known)
            self._identities.update(
                identity for _, identity, effect in unlisted if effect == "known"
            )
        self._keep(len(findings))

    def add_silent(self, successes: SilentSuccesses) -> None:
        """Judge silent successes: one by one only where an expectation could concern each."""
        expected, requests = self._expected, successes.requests()
        if expected.given or RequestOutcome.SUCCEEDED in expected.outcomes:
            for checked in requests:
                self.add(checked)
            return
        self.add(next(requests))
        self._silent.append(SilentResults.of(successes, self._results.pop()))
        self._tally.requests += len(successes.attempts) - 1  # they count in nothing else

    def _keep(self, more: int) -> None:
        """Count ``more`` findings that are kept; drop those of later requests where many are."""
        self._kept += more
        if self._kept > 2 * MOST_FINDINGS:
            self._drop_findings()

    def _drop_findings(self) -> None:
        """Keep the findings of the first requests, whatever the order in which they come."""
        self._results.sort(key=lambda one: one.place)
        kept = 0
        for number, one in enumerate(self._results):
            if kept >= MOST_FINDINGS and one.findings:
                self._results[number] = replace(one, findings=(), streams=frozenset())
            kept += len(self._results[number].findings)
        self._kept = kept

    def another(self) -> CheckEvaluator:
        """Return an evaluator with equal expectations; ``merge`` adds its results to this one."""
        return CheckEvaluator(
            self._expected, self._known, learns=self._learns, markers=self._markers
        )

    def with_findings(self) -> tuple[set[str], set[str]]:
        """Return the IDs of the requests whose findings are kept, and their log streams.

        There are no streams where one of them is not known.
        """
        self._drop_findings()
        streams = set(chain.from_iterable(one.streams for one in self._results))
        known = set(filter(None, streams))
        ids = {one.place[1] for one in self._results if one.findings}
        return ids, known if known == streams else set()

    def take_evidence(self, other: CheckEvaluator) -> bool:
        """Replace the kept findings by those of an evaluator that read the same requests again.

        Return false where it did not judge one of them.
        """
        proved = {one.place: one for one in other._results if one.findings}
        kept = {one.place for one in self._results if one.findings}
        self._results = [proved.get(one.place, one) for one in self._results]
        return kept <= proved.keys()

    def merge(self, other: CheckEvaluator) -> None:
        """Add the results of an evaluator with the same expectations."""
        self._tally.merge(other._tally)
        self._results += other._results
        self._silent += other._silent
        self._counts.update(other._counts)
        self._identities |= other._identities
        self._keep(other._kept)

    def judgement(self, not_found: Sequence[str] = (), gaps: Sequence[Gap] = ()) -> CheckOutcome:
        """Return the result. An awaited ID that was not found is undetermined.

        So is a check that did not fail and could have missed requests in ``gaps``, and one whose
        configured markers match no line of a log with failed attempts.
        """
        awaited = [_missing(one) for one in not_found if self._expected.awaits(one)]
        self._drop_findings()
        unsure = (
            coverage_check(gaps),
            cross_check_of_all(self._tally, self._markers or Markers()),
        )
        others = (
            *awaited,
            *of_all(self._tally, self._expected, gaps),
            *(check for check in unsure if check),
        )
        checks = Checks(results=tuple(self._results), silent=joined(self._silent), others=others)
        demanded = any(check.passed is False for check in others)
        return CheckOutcome(
            checks=checks,
            findings=tuple(chain.from_iterable(one.findings for one in self._results)),
            counts=self._counts,
            known=frozenset(self._identities),
            requests=self._tally.requests,
            retried=self._tally.retried,
            functions=checks.functions,
            not_found=tuple(not_found),
            empty=not (self._tally.requests or awaited or demanded or self._expected.allow_empty),
            cross_checked=self._tally.cross_checked,
        )

    def _judged(self, checked: CheckedRequest) -> Iterator[JudgedFinding]:
        for finding in checked.findings:
            identity, fails, known, allowed = self._weigh(finding, checked)
            branch, expected = checked.wrong_branch(finding.attempt)
            yield JudgedFinding(
                finding=finding,
                request_id=checked.request.request_id,
                function=checked.request.function,
                identity=identity,
                failed=fails and not (known or allowed),
                known=known,
                allowed=allowed,
                branch=branch,
                branch_expected=expected,
            )

    def _effect(
        self, finding: UnlistedFinding, checked: CheckedRequest
    ) -> tuple[Identity, FindingEffect]:
        identity, fails, known, allowed = self._weigh(finding, checked)
        return identity, effect_of(failed=fails, known=known, allowed=allowed)

    def _weigh(
        self, finding: Finding | UnlistedFinding, checked: CheckedRequest
    ) -> tuple[Identity, bool, bool, bool]:
        """Return the identity of a finding, and whether it would fail, is known, is allowed."""
        identity = identity_of(finding, checked.request)
        wrong = checked.verdict is Verdict.DISAGREES and finding.severity is Severity.ERROR
        fails = wrong or finding.rule in self._expected.fail_on
        allowed = finding.rule in self._expected.allow
        known = identity in self._known or (self._learns and fails and not allowed)
        return identity, fails, known, allowed

    def _check(self, checked: CheckedRequest, failed: Sequence[str]) -> CheckResult:
        request = checked.request
        failed = [*failed, *_unexplained(checked)]
        if failed:
            more = len(failed) - _MOST_IN_A_MESSAGE
            rest = [f"And {number_of(more, 'more finding')}."] if more > 0 else []
            return _of(request, False, " ".join([*failed[:_MOST_IN_A_MESSAGE], *rest]))
        if checked.verdict is Verdict.UNDETERMINED or checked.undetermined_because:
            return _of(request, None, as_sentences(checked.undetermined_because))
        outcome = _how_it_went(request.outcome, len(request.attempts), checked.verdict)
        if request.outcome in OPEN and self._expected.awaits(request.request_id):
            still = f"{request.request_id} is still {request.outcome.value}"
            return _of(request, None, f"still {outcome}", still)
        ends = self._expected.ends
        if request.outcome in OPEN and request.asynchronous and ends:
            return _of(request, None, f"{outcome}; the {ends} ends before the request was over")
        if outcome_unknown(request):
            return _of(request, None, f"{outcome}; {why_unknown(request)}")
        return _of(request, True, outcome)


_VERDICTS = {
    Verdict.AGREES: "the counter agrees",
    Verdict.DISAGREES: "the counter disagrees, which is known or allowed",
    Verdict.NOT_COUNTED: "not counted",
}


def _unexplained(checked: CheckedRequest) -> Iterable[str]:
    """Return attempts that disagree and that no finding explains."""
    explained = {f.attempt for f in checked.every_finding if f.severity is Severity.ERROR}
    for attempt, check in zip(checked.request.attempts, checked.checks, strict=True):
        if check.verdict is AttemptVerdict.DISAGREES and attempt.number not in explained:
            ran, expected = checked.wrong_branch(attempt.number)
            yield (
                f"Attempt {attempt.number} ran {ran}, expected {expected}."
                if expected
                else f"The counter of attempt {attempt.number} disagrees."
            )


def _with_counts(
    findings: Iterable[JudgedFinding], more: Counter[tuple[FindingEffect, str]]
) -> Iterator[JudgedFinding]:
    """Yield the findings of a request, the first of each kind with the number of unlisted ones."""
    left = dict(more)
    for each in findings:
        unlisted = left.pop((each.effect, each.finding.rule), 0)
        yield replace(each, unlisted=unlisted) if unlisted else each


def _missing(request_id: str) -> CheckResult:
    awaits = f"{request_id} was not found"
    return CheckResult(
        name=REQUEST,
        passed=None,
        message="it was not found",
        request_id=request_id,
        awaits=awaits,
        is_option=False,
    )


def _of(request: Request, passed: bool | None, message: str, awaits: str = "") -> CheckResult:
    return CheckResult(
        name=REQUEST,
        passed=passed,
        message=_kept_once(message),
        request_id=request.request_id,
        function=request.function and _kept_once(request.function),
        awaits=awaits,
        is_option=False,
    )


@lru_cache(1_000)
def _kept_once(text: str) -> str:
    """Return the first text that equals this one: most requests have the same."""
    return text


def _how_it_went(outcome: RequestOutcome, attempts: int, verdict: Verdict) -> str:
    return f"{outcome.value}, {number_of(attempts, 'attempt')}, {_VERDICTS[verdict]}"
