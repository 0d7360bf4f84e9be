"""What a check expects beyond the rules, on small histories and on none."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pytest

from retryctl.core.check import check_evaluator
from retryctl.core.check.check_evaluator import CheckEvaluator, CheckOutcome
from retryctl.core.check.expectations import Expectations, Limit
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.request import RequestOutcome
from tests.support.check_logs import (
    FIRST,
    SECOND,
    cut,
    exhausted,
    pending,
    right,
    succeeded,
    switched,
)
from tests.support.lambda_log import (
    ID,
    OTHER_ID,
    THIRD_ID,
    Environment,
    events_of,
    judged,
    saved,
    whole,
)

ERRORS = frozenset({"environment-switch", "uncounted-attempt"})


def judge(
    *environments: Environment, not_found: Iterable[str] = (), **expected: object
) -> CheckOutcome:
    found = CheckEvaluator(Expectations(**{"fail_on": ERRORS, **expected}))  # type: ignore[arg-type]
    if environments:
        events = events_of(*environments)
        for checked in judged(events, whole(events)).values():
            found.add(checked)
    return found.judgement(tuple(not_found))


def results(judgement: CheckOutcome, name: str) -> dict[str | None, bool | None]:
    return {check.request_id: check.passed for check in judgement.checks if check.name == name}


def told(judgement: CheckOutcome, name: str) -> str:
    (check,) = (check for check in judgement.checks if check.name == name)
    return check.message


def share(percent: str) -> Limit:
    return Limit(text=f"{percent}%", value=Fraction(percent) / 100, is_share=True)


def number(most: int) -> Limit:
    return Limit(text=str(most), value=Fraction(most), is_share=False)


# --------------------------------------------------------------------------- of one request


def test_the_sequence_of_each_retried_request() -> None:
    found = judge(exhausted(ID), *switched(OTHER_ID), succeeded(THIRD_ID), branches=("A", "B", "C"))
    assert results(found, "expect-branches") == {ID: True, OTHER_ID: False}
    assert [c.message for c in found.checks if c.name == "expect-branches"] == [
        "ran A, B, C; expected A, B, C",
        "ran A, A; expected A, B, C",
    ]


def test_the_sequence_of_a_given_request_though_it_was_not_retried() -> None:
    found = judge(succeeded(), branches=("A",), given=frozenset({THIRD_ID}))
    assert results(found, "expect-branches") == {THIRD_ID: False}
    assert told(found, "expect-branches") == "ran no branch; expected A"


def test_a_sequence_that_may_still_become_right_is_undetermined() -> None:
    found = judge(pending(), branches=("A", "B", "C"))
    assert results(found, "expect-branches") == {THIRD_ID: None}
    assert found.awaits == (f"{THIRD_ID} is still pending",)


def test_a_sequence_that_can_no_longer_become_right_has_failed() -> None:
    assert results(judge(pending(), branches=("B", "A")), "expect-branches") == {THIRD_ID: False}


def test_a_sequence_that_was_not_seen_whole_is_undetermined() -> None:
    events = events_of(cut())
    found = CheckEvaluator(Expectations(fail_on=ERRORS, branches=("A", "B", "C")))
    found.add(judged(events, saved(events))[OTHER_ID])
    judgement = found.judgement()
    assert results(judgement, "expect-branches") == {OTHER_ID: None}
    assert results(judgement, "request") == {OTHER_ID: None}
    assert judgement.awaits == ()


def test_the_outcome_of_what_did_not_succeed_at_once() -> None:
    found = judge(
        right(ID), exhausted(OTHER_ID, "b"), succeeded(), outcomes={RequestOutcome.RECOVERED}
    )
    assert results(found, "expect-outcome") == {ID: True, OTHER_ID: False}


def test_success_is_expected_of_every_request() -> None:
    found = judge(right(ID), succeeded(), outcomes={RequestOutcome.SUCCEEDED})
    assert results(found, "expect-outcome") == {ID: False, THIRD_ID: True}


def test_an_outcome_that_is_still_open() -> None:
    found = judge(pending(), outcomes={RequestOutcome.EXHAUSTED})
    assert results(found, "expect-outcome") == {THIRD_ID: None}
    assert found.awaits


# --------------------------------------------------------------------------- of all


@pytest.mark.parametrize(("least", "passed"), [(2, True), (3, False)])
def test_the_least_number_of_requests(least: int, passed: bool) -> None:
    found = judge(right(), succeeded(), min_requests=least)
    assert results(found, "min-requests") == {None: passed}
    assert bool(found.awaits) is not passed


def test_the_least_number_of_retried_requests() -> None:
    assert judge(right(), succeeded(), min_retried=1).passed is True
    assert judge(right(), succeeded(), min_retried=2).passed is False


@pytest.mark.parametrize(
    ("limit", "passed"), [(number(1), True), (number(0), False), (share("50"), True)]
)
def test_the_most_that_lambda_gave_up(limit: Limit, passed: bool) -> None:
    assert judge(exhausted(), succeeded(), max_exhausted=limit).passed is passed


def test_a_limit_says_what_is_still_open() -> None:
    found = judge(pending(), max_exhausted=number(0))
    assert told(found, "max-exhausted") == (
        "0 requests exhausted; 1 is still open, at most 0 allowed"
    )


def without_end(request_id: str = ID) -> Environment:
    """One attempt that counted itself, and whose END and REPORT are not in the log."""
    return Environment("f").starts(request_id).logs("0", "process A")


def judge_unknown(**expected: Any) -> CheckOutcome:
    later = Environment("g").at(7200).runs(OTHER_ID)
    return judge(without_end(), later, **expected)


def test_a_request_whose_outcome_is_unknown_does_not_pass() -> None:
    found = judge_unknown()
    assert results(found, "request") == {ID: None, OTHER_ID: True}
    assert found.passed is None


def test_a_failed_request_that_a_second_delivery_may_have_run_again_is_unknown() -> None:
    environment = Environment("a")
    for seconds, *said in ((0, "0", "process A"), (61, "1", "process B"), (184, "2", "process C")):
        environment.at(seconds).runs(ID, *said, ends="error")
    environment.at(186).runs(ID, "2", "process C", ends="error")
    found = judge(environment, max_exhausted=number(0))
    assert results(found, "request") == {ID: None}
    assert results(found, "max-exhausted") == {None: None}
    assert found.passed is None


@pytest.mark.parametrize(
    ("limit", "passed"), [(number(0), None), (number(1), True), (share("49"), None)]
)
def test_what_is_unknown_may_be_exhausted(limit: Limit, passed: bool | None) -> None:
    found = judge_unknown(max_exhausted=limit)
    assert results(found, "max-exhausted") == {None: passed}
    assert "; 1 is unknown, at most" in told(found, "max-exhausted")


def test_the_share_of_wrong_branches() -> None:
    environments = (*switched(), right())
    found = judge(*environments, max_wrong_branch=share("20"), allow=ERRORS)
    assert told(found, "max-wrong-branch") == (
        f"25.0% of 4: 1 branch wrong (attempt 2 of {OTHER_ID} ran A, expected B), "
        "at most 20% allowed; 4 are few for a rate"
    )
    assert found.passed is False
    assert judge(*environments, max_wrong_branch=share("25"), allow=ERRORS).passed is True


def test_failures_without_any_branch_are_no_right_branches() -> None:
    silent = Environment("a").runs(ID, ends="error")
    found = judge(silent, max_wrong_branch=number(0))
    assert results(found, "max-wrong-branch") == {None: None}
    assert told(found, "max-wrong-branch") == "no branch was compared, and 1 attempt failed"
    assert results(judge(succeeded(), max_wrong_branch=number(0)), "max-wrong-branch") == {
        None: True
    }


def test_the_first_wrong_branches_are_named_whatever_the_order() -> None:
    limit = Expectations(fail_on=ERRORS, max_wrong_branch=number(0))
    parts = [CheckEvaluator(limit), CheckEvaluator(limit)]
    for at, letter in enumerate("abcde"):
        request_id = f"{at:08x}-0000-4000-8000-000000000000"
        one = Environment(letter).at(FIRST).runs(request_id, "0", "process A", ends="error")
        one.at(SECOND).runs(request_id, "0", "process A", ends="error")
        events = events_of(one)
        parts[at % 2].add(judged(events, whole(events))[request_id])
    left, right_part = parts
    right_part.merge(left)
    message = told(right_part.judgement(), "max-wrong-branch")
    named = [f"attempt 2 of 0000000{n}-0000-4000-8000-000000000000" for n in range(3)]
    assert [message.find(each) for each in named] == sorted(message.find(each) for each in named)
    assert all(each in message for each in named)
    assert "; 2 more), at most 0" in message


def test_the_accuracy_of_the_counter_on_retries() -> None:
    environments = (*switched(), right())
    found = judge(*environments, min_accuracy=share("99"), allow=ERRORS)
    assert told(found, "min-accuracy") == (
        "the counter agrees on 50.0% of the retries that logged one (1 of 2), "
        "at least 99% expected; 2 are few for a rate"
    )
    assert found.passed is False
    assert judge(*environments, min_accuracy=share("50"), allow=ERRORS).passed is True


def test_a_rate_on_many_is_not_called_one_on_few() -> None:
    many = Environment("a")
    for count in range(200):
        many.runs(f"{count:08x}-0000-4000-8000-000000000000", "0", "process A", ends="error")
    found = judge(many, max_wrong_branch=share("1"))
    assert told(found, "max-wrong-branch") == "0.0% of 200: 0 branches wrong, at most 1% allowed"
    finer = judge(many, max_wrong_branch=share("0.4"))
    assert told(finer, "max-wrong-branch").endswith("; 200 are few for a rate")


# --------------------------------------------------------------------------- nothing to judge


@pytest.mark.parametrize(
    "expected",
    [
        {"branches": ("A", "B")},
        {"outcomes": {RequestOutcome.RECOVERED}},
        {"min_accuracy": share("99")},
    ],
)
def test_an_expectation_with_nothing_to_judge_is_undetermined(expected: dict[str, Any]) -> None:
    found = judge(succeeded(), **expected)
    assert found.passed is None
    assert found.awaits
    assert judge(succeeded(), **expected, allow_empty=True).passed is True


def test_nothing_at_all_to_check() -> None:
    assert (judge().empty, judge().passed) == (True, None)
    allowed = judge(allow_empty=True)
    assert (allowed.empty, allowed.passed) == (False, True)
    unmet = judge(min_requests=1)
    assert (unmet.empty, unmet.passed) == (False, False)


# --------------------------------------------------------------------------- what is awaited


def test_an_awaited_request_that_is_open_or_missing_is_undetermined() -> None:
    found = judge(pending(), not_found=[ID], awaited=frozenset({ID, THIRD_ID}))
    assert results(found, "request") == {THIRD_ID: None, ID: None}
    assert set(found.awaits) == {f"{THIRD_ID} is still pending", f"{ID} was not found"}


def test_a_request_that_is_open_passes_as_far_as_it_went_where_nobody_waits() -> None:
    found = judge(pending(), not_found=[ID])
    assert found.passed is True
    assert found.not_found == (ID,)


def test_a_failure_outranks_what_is_undetermined() -> None:
    assert judge(*switched(), pending(), awaited=None).passed is False


def test_the_judge_counts_what_it_saw() -> None:
    found = judge(right(), succeeded())
    assert (found.requests, found.retried, found.functions) == (2, 1, ("orders-worker",))
    assert found.request_ids == {ID, THIRD_ID}


def many_wrong() -> list[CheckedRequest]:
    """Two dozen requests with two findings each, and more."""
    environments = [Environment(letter) for letter in "abcdef"]
    for number in range(24):
        request_id = f"{number:08x}-1a2b-4c3d-8e4f-{number:012x}"
        for retry, at_s in enumerate((0, 63, 190)):
            place = environments[(number + retry) % 6].at(number * 1000 + at_s)
            place.runs(request_id, "0", "process A", ends="error")
    events = events_of(*environments)
    return list(judged(events, whole(events)).values())


def test_findings_beyond_a_number_are_counted_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the first requests are kept, whatever the order in which the requests come."""
    monkeypatch.setattr(check_evaluator, "MOST_FINDINGS", 3)
    checked = many_wrong()
    total = sum(len(one.findings) for one in checked)
    outcomes = []
    for order in (checked, checked[::-1]):
        evaluator = CheckEvaluator(Expectations(fail_on=ERRORS), learns=True)
        for one in order:
            evaluator.add(one)
        outcomes.append(evaluator.judgement())
    first, second = outcomes
    assert first == second
    assert sum(first.counts.values()) == total > 48
    assert {judged.request_id for judged in first.findings} == {checked[0].request.request_id}
    assert len({judged.identity for judged in first.findings if judged.known}) <= len(first.known)


def test_merged_results_keep_no_more_findings_than_one_evaluator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is dropped before the result leaves no trace of a request's findings."""
    monkeypatch.setattr(check_evaluator, "MOST_FINDINGS", 3)
    whole_log = CheckEvaluator(Expectations(fail_on=ERRORS))
    dropped: list[int] = []
    drop = CheckEvaluator._drop_findings

    def counted(one: CheckEvaluator) -> None:
        dropped.append(id(one))
        drop(one)

    monkeypatch.setattr(CheckEvaluator, "_drop_findings", counted)
    for checked in many_wrong():
        part = whole_log.another()
        part.add(checked)
        whole_log.merge(part)
    assert dropped.count(id(whole_log)) > 2
    assert len({judged.request_id for judged in whole_log.judgement().findings}) <= 2
