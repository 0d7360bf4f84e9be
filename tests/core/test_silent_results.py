"""The results of silent successes, which are packed, equal those of requests judged one by one."""

from random import Random

import pytest

from retryctl.core.check.check_evaluator import CheckEvaluator, CheckOutcome
from retryctl.core.check.expectations import Expectations
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.silent_successes import CompactAttempt, SilentSuccesses
from tests.support.check_logs import switched
from tests.support.lambda_log import events_of, judged, whole

START_MS = 1_795_402_800_000


def some_successes(random: Random) -> list[SilentSuccesses]:
    """Silent successes of several functions, in no order, with starts that are equal."""

    def attempt() -> CompactAttempt:
        return (random.randbytes(16), START_MS + random.randrange(50), 10, 10, 128, 0, 0)

    return [
        SilentSuccesses(
            function=random.choice([None, "orders", "invoices"]),
            log_group=random.choice(["orders", "/aws/lambda/invoices"]),
            attempts=[attempt() for _ in range(random.randint(1, 20))],
        )
        for _ in range(12)
    ]


def outcome(parts: list[SilentSuccesses], expected: Expectations, *, packed: bool) -> CheckOutcome:
    """Judge the parts, and a request with a finding, in two evaluators that are merged."""
    evaluator, other = CheckEvaluator(expected), CheckEvaluator(expected)
    events = events_of(*switched())
    for checked in judged(events, whole(events)).values():
        evaluator.add(checked)
    for number, part in enumerate(parts):
        judging = (evaluator, other)[number % 2]
        if packed:
            judging.add_silent(part)
        else:
            for checked in part.requests():
                judging.add(checked)
    evaluator.merge(other)
    return evaluator.judgement()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "expected",
    [
        Expectations(fail_on=frozenset({"environment-switch"}), min_requests=1),
        Expectations(fail_on=frozenset(), outcomes=frozenset({RequestOutcome.SUCCEEDED})),
    ],
    ids=["silence passes", "each outcome is judged"],
)
def test_silent_successes_are_judged_as_other_requests(seed: int, expected: Expectations) -> None:
    parts = some_successes(Random(seed))
    alone, packed = (outcome(parts, expected, packed=packed) for packed in (False, True))
    assert list(packed.checks) == list(alone.checks)
    assert len(packed.checks) == len(alone.checks) == len(list(alone.checks))
    assert packed.checks.unpassed == alone.checks.unpassed
    assert packed.functions == alone.functions
    assert (packed.requests, packed.passed) == (alone.requests, alone.passed)
