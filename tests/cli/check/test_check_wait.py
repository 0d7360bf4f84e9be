"""``--wait``: looking again, on a clock that the tests turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from retryctl.app.check import CheckPlan, check_when_settled
from retryctl.app.options import SourceOptions
from retryctl.cli.check import CheckOptions
from retryctl.cli.options.expectations import read_expected
from retryctl.cli.options.times import wait_limit
from retryctl.config import ProjectConfig
from retryctl.core.check.check_evaluator import CheckEvaluator, CheckOutcome
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.coverage import Coverage
from tests.support.check_logs import exhausted, pending, right, succeeded, switched
from tests.support.lambda_log import ID, OTHER_ID, THIRD_ID, Environment, events_of, judged, whole
from tests.support.program import run

MINUTES_5 = 300_000


@dataclass
class Time:
    """A clock in epoch milliseconds that only sleeping moves."""

    now_ms: int = 0
    naps: list[float] = field(default_factory=list)

    def clock(self) -> int:
        return self.now_ms

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now_ms += round(seconds * 1000)


Reading = tuple[list[CheckedRequest], Coverage, dict[str, str]]


def reading(*environments: Environment, missing: Sequence[str] = ()) -> Reading:
    events = events_of(*environments)
    coverage = whole(events) if events else whole(events_of(succeeded()))
    checked = list(judged(events, coverage).values()) if events else []
    return checked, coverage, {each: f"{each} was not found." for each in missing}


def wait(
    readings: Sequence[Reading], ids: Sequence[str] = (), **chosen: object
) -> tuple[CheckOutcome, Time, list[str]]:
    """Check these readings, one after the other; the last one stays."""
    time = Time()
    said: list[str] = []
    left = list(readings)

    def add(evaluator: CheckEvaluator) -> tuple[Coverage, dict[str, str]]:
        checked, coverage, missing = left.pop(0) if len(left) > 1 else left[0]
        for one in checked:
            evaluator.add(one)
        return coverage, missing

    expected = read_expected(CheckOptions(**{"wait": "5m", **chosen}), ProjectConfig(), ids)  # type: ignore[arg-type]
    plan = CheckPlan(
        request_ids=tuple(ids),
        options=SourceOptions(),
        expectations=expected.expectations,
        wait_ms=expected.wait_ms,
    )
    run = check_when_settled(
        plan,
        add,
        deadline_ms=expected.wait_ms,
        clock=time.clock,
        sleep=time.sleep,
        warn=said.append,
    )
    return run.outcome, time, said


def test_what_is_settled_is_not_looked_at_again() -> None:
    judgement, time, said = wait([reading(right())], [ID])
    assert (judgement.passed, time.naps, said) == (True, [], [])


def test_a_given_request_is_awaited_until_it_is_there_and_has_closed() -> None:
    judgement, time, said = wait(
        [
            reading(missing=[ID]),
            reading(pending(ID)),
            reading(right()),
        ],
        [ID],
    )
    assert judgement.passed is True
    assert time.naps == [10.0, 10.0]
    assert said == [f"waiting: {ID} was not found"]


def test_after_the_time_what_is_missing_is_named_and_undetermined() -> None:
    judgement, time, _ = wait([reading(pending(), missing=[ID])], [ID, THIRD_ID])
    assert judgement.passed is None
    assert time.now_ms == MINUTES_5
    assert {check.request_id: check.passed for check in judgement.checks} == {
        THIRD_ID: None,
        ID: None,
    }
    assert set(judgement.awaits) == {f"{ID} was not found", f"{THIRD_ID} is still pending"}


def test_without_ids_the_requests_that_were_there_are_awaited_and_newer_ones_are_not() -> None:
    first = reading(pending(ID))
    judgement, time, _ = wait([first, reading(right(ID), pending(OTHER_ID))])
    assert judgement.passed is True
    assert time.naps == [10.0]


def test_without_ids_and_without_a_request_it_waits_for_one() -> None:
    judgement, time, said = wait([reading(), reading(right())])
    assert judgement.passed is True
    assert time.naps == [10.0]
    assert said == ["waiting: no request yet"]


def test_newer_requests_are_not_awaited_though_an_older_one_failed() -> None:
    judgement, time, _ = wait(
        [
            reading(*switched(), pending(ID)),
            reading(*switched(), right(ID), pending(THIRD_ID)),
        ]
    )
    assert judgement.passed is False
    assert time.naps == [10.0]


def test_the_least_number_is_awaited_and_the_requests_with_it() -> None:
    judgement, time, _ = wait(
        [
            reading(succeeded()),
            reading(succeeded(), pending(ID)),
            reading(succeeded(), exhausted(ID)),
        ],
        min_requests=2,
    )
    assert judgement.passed is True
    assert time.naps == [10.0, 10.0]


def test_the_least_number_that_never_comes_has_failed() -> None:
    judgement, time, _ = wait([reading(succeeded())], min_requests=2)
    assert judgement.passed is False
    assert time.now_ms == MINUTES_5


def test_an_expectation_that_no_request_is_there_for_is_awaited() -> None:
    judgement, time, _ = wait(
        [reading(succeeded()), reading(succeeded(), *switched())], expect_branches="A,A"
    )
    assert time.naps == [10.0]
    assert judgement.passed is False


def test_nothing_is_awaited_without_wait() -> None:
    judgement, time, _ = wait([reading(pending(ID))], [ID], wait=None)
    assert (judgement.passed, time.naps) == (True, [])


def test_the_last_nap_ends_with_the_time() -> None:
    _, time, _ = wait([reading(pending(ID))], [ID], wait="15s")
    assert time.naps == [10.0, 5.0]
    assert time.now_ms == 15_000


def test_without_a_limit_what_is_awaited_is_awaited_and_an_empty_log_is_left_soon() -> None:
    judgement, time, _ = wait([*[reading(pending(ID))] * 40, reading(right())], [ID], wait="")
    assert judgement.passed is True
    assert time.now_ms == 400_000
    judgement, time, _ = wait([reading()], wait="")
    assert judgement.empty
    assert time.now_ms == 60_000


@pytest.mark.parametrize(
    ("wait", "timeout", "limit"),
    [(None, None, None), ("", None, ""), ("5m", None, "5m"), ("", "5m", "5m")],
)
def test_timeout_is_an_alias(wait: str | None, timeout: str | None, limit: str | None) -> None:
    assert wait_limit(wait, timeout) == limit


@pytest.mark.parametrize("command", ["trace", "check"])
@pytest.mark.parametrize("options", [("--timeout", "5m"), ("--wait", "5m", "--timeout", "5m")])
def test_timeout_alone_or_beside_a_time(command: str, options: tuple[str, ...]) -> None:
    done = run(command, ID, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--timeout" in done.stderr
