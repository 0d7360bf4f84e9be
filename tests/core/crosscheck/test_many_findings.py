"""One request with many findings: the first of each rule are listed, and all are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import pytest

from retryctl.core.check.baseline import Identity
from retryctl.core.check.check_evaluator import CheckEvaluator, CheckOutcome
from retryctl.core.check.expectations import Expectations
from retryctl.core.crosscheck import findings
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.summary.tally import SummaryTally
from retryctl.views.ci.report import CheckReport
from retryctl.views.html.trace import trace_page
from retryctl.views.json.documents import check_document as json_report
from retryctl.views.screen import Screen
from retryctl.views.text.layout import text_of
from retryctl.views.text.trace import trace_blocks
from retryctl.views.trace_answer import TraceAnswer
from tests.support.lambda_log import ID, Environment, events_of, judged, whole

ATTEMPTS, WRONG = 250, 249
ERRORS = frozenset({"environment-switch"})


@pytest.fixture
def request_with_many() -> CheckedRequest:
    return checked()


def checked() -> CheckedRequest:
    """A request of a stream source whose function counts 0 in every environment."""
    environments = [Environment(chr(0x100 + number)) for number in range(ATTEMPTS)]
    for number, place in enumerate(environments):
        place.at(number * 2).runs(ID, "0", "process A", ends="error")
    events = events_of(*environments)
    return judged(events, whole(events))[ID]


def checks(
    one: CheckedRequest,
    expected: Expectations,
    known: Collection[Identity] = (),
    *,
    learns: bool = False,
) -> CheckOutcome:
    evaluator = CheckEvaluator(expected, known, learns=learns)
    evaluator.add(one)
    return evaluator.judgement()


def test_the_first_of_each_rule_are_listed(request_with_many: CheckedRequest) -> None:
    listed = Counter(each.rule for each in request_with_many.findings)
    assert max(listed.values()) == findings.MOST_LISTED
    every = Counter(each.rule for each in request_with_many.every_finding)
    assert every["environment-switch"] >= WRONG
    assert all(len(each.evidence) <= findings.MOST_EVIDENCE for each in request_with_many.findings)


@pytest.mark.parametrize("learns", [False, True])
def test_counts_and_the_result_are_those_of_all(
    request_with_many: CheckedRequest, monkeypatch: pytest.MonkeyPatch, learns: bool
) -> None:
    monkeypatch.setattr(findings, "MOST_LISTED", 10_000)
    complete = checked()
    assert not complete.unlisted
    tallies = [SummaryTally(), SummaryTally()]
    for tally, one in zip(tallies, (request_with_many, complete), strict=True):
        tally.add(one)
    assert tallies[0] == tallies[1]
    for expected in (Expectations(fail_on=ERRORS), Expectations(fail_on=ERRORS, allow=ERRORS)):
        some, every = (
            checks(one, expected, learns=learns) for one in (request_with_many, complete)
        )
        assert some.counts == every.counts
        assert some.known == every.known
        assert some.passed is every.passed


def test_a_known_start_of_the_findings_excuses_no_later_one(
    request_with_many: CheckedRequest,
) -> None:
    learned = checks(request_with_many, Expectations(fail_on=ERRORS), learns=True)
    listed = [each.identity for each in learned.findings]
    some = checks(request_with_many, Expectations(fail_on=ERRORS), listed)
    assert some.passed is False
    assert "environment-switch: attempt 250" not in next(iter(some.checks)).message
    assert "environment-switch: attempt 102." in next(iter(some.checks)).message
    every = checks(request_with_many, Expectations(fail_on=ERRORS), learned.known)
    assert every.passed is True


def test_every_view_shows_the_number(request_with_many: CheckedRequest) -> None:
    events = request_with_many.request.attempts[0].events
    coverage = whole(list(events))
    answer = TraceAnswer(checked=[request_with_many], coverage=coverage)
    text = text_of(trace_blocks(answer, 100), Screen(width=100))
    page = "".join(trace_page(answer))
    unlisted = f"environment-switch {WRONG - findings.MOST_LISTED:,}"
    assert f"counted, not listed: {unlisted}" in text
    assert f"counted, not listed: {unlisted}" in page
    outcome = checks(request_with_many, Expectations(fail_on=ERRORS))
    report = CheckReport(judgement=outcome, coverage=coverage, version="0")
    assert f"environment-switch ({WRONG} findings)" in {one.name for one in report.problems}
    assert f'"environment-switch": {WRONG}' in "".join(json_report(report))
