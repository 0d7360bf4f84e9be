"""On CloudWatch "now" is the service's clock, not this machine's."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest

from retryctl.app.check import CheckPlan, CheckRun, check
from retryctl.app.follow import follow
from retryctl.app.options import SourceOptions
from retryctl.app.trace import TraceResult, trace_reader
from retryctl.cli.options.params import OutputOptions
from retryctl.cli.output.trace_output import show_trace
from retryctl.core.check.expectations import Expectations
from retryctl.core.model.request import RequestOutcome
from retryctl.errors import CouldNotRead, ExitStatus
from retryctl.sources.aws.service_clock import ServiceClock
from tests.endpoint.server import Endpoint
from tests.support.aws_program import (
    CREDENTIALS,
    GROUP,
    HERE,
    MINUTE,
    RIGHT,
    SECOND,
    WRONG,
    attempt,
    now_ms,
    sequence,
    trace,
)
from tests.support.program import run


def test_the_skew_is_bounded_by_every_answer() -> None:
    clock = ServiceClock(lambda: 100_000)
    assert clock.skew_ms == 0
    clock.note(formatdate(100.0, usegmt=True), sent_ms=99_000)
    assert clock.skew_ms == 0
    clock.note(None, sent_ms=99_000)
    clock.note("no date", sent_ms=99_000)
    assert clock.skew_ms == 0
    for service_s, skew_ms in ((160.0, 60_000), (40.0, -59_000)):
        clock = ServiceClock(lambda: 100_000)
        clock.note(formatdate(service_s, usegmt=True), sent_ms=100_000)
        assert clock.skew_ms == skew_ms


def test_a_slow_answer_proves_no_skew() -> None:
    clock = ServiceClock(lambda: 100_000)
    clock.note(formatdate(80.0, usegmt=True), sent_ms=70_000)
    assert clock.skew_ms == 0


@pytest.fixture(params=[-200.0, 200.0])
def skewed(request: pytest.FixtureRequest) -> Endpoint:
    """A service whose clock is some minutes off, and its function."""
    endpoint = Endpoint()
    endpoint.date_ahead_s = request.param
    endpoint.clock = lambda: now_ms() + int(1000 * endpoint.date_ahead_s)
    endpoint.group(GROUP)
    return endpoint


def test_what_is_pending_follows_the_service(skewed: Endpoint) -> None:
    service_ms = skewed.clock()
    with skewed as endpoint:
        endpoint.put(GROUP, HERE, attempt(RIGHT, service_ms - 20 * SECOND, 0))
        done = trace(endpoint, RIGHT, "-g", GROUP, "-o", "json")
    assert json.loads(done.stdout)["requests"][0]["outcome"] == "pending"
    side = "behind" if skewed.date_ahead_s > 0 else "ahead of"
    assert f"s {side} the service's" in done.stderr


def test_a_retry_that_is_overdue_by_the_service_is_not_pending(skewed: Endpoint) -> None:
    service_ms = skewed.clock()
    with skewed as endpoint:
        endpoint.put(GROUP, HERE, attempt(RIGHT, service_ms - 7 * MINUTE, 0))
        done = trace(endpoint, RIGHT, "-g", GROUP, "-o", "json")
    assert json.loads(done.stdout)["requests"][0]["outcome"] == "not-retried"


@pytest.mark.parametrize("command", ["list", "summary", "check"])
def test_a_window_that_is_given_as_ago_follows_the_service(command: str, skewed: Endpoint) -> None:
    service_ms = skewed.clock()
    with skewed as endpoint:
        endpoint.put(GROUP, HERE, attempt(RIGHT, service_ms - 150 * SECOND, 0))
        common = ("-g", GROUP, "-o", "json", "--endpoint-url", endpoint.url)
        inside = run(command, *common, "--since", "3m", env=CREDENTIALS)
        outside = run(command, *common, "--since", "2m", env=CREDENTIALS)
    assert "not found" not in inside.stderr
    assert inside.returncode != 4
    assert outside.returncode == 4
    assert inside.stderr.count("the service's") == 1


def test_a_window_to_come_is_refused_by_the_service(skewed: Endpoint) -> None:
    with skewed as endpoint:
        endpoint.put(GROUP, HERE, attempt(RIGHT, endpoint.clock() - SECOND, 0))
        soon = str(endpoint.clock() + 20 * SECOND)
        for arguments in (("trace", RIGHT), ("list",)):
            done = run(
                *arguments,
                *("-g", GROUP, "--since", soon, "--endpoint-url", endpoint.url),
                env=CREDENTIALS,
            )
            assert done.returncode == 2
            assert "in the future" in done.stderr


# --------------------------------------------------------------------------- waiting


class MachineClock:
    """This machine's clock, which only sleeping moves; the service's is minutes off."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.now_ms = now_ms() // 1000 * 1000  # the worst case: a Date has whole seconds
        self.ahead_ms = int(1000 * endpoint.date_ahead_s)
        endpoint.clock = self.service_ms
        endpoint.dates_by_clock = True
        self.slept = 0

    def machine_ms(self) -> int:
        return self.now_ms

    def service_ms(self) -> int:
        return self.now_ms + self.ahead_ms

    def sleep(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)
        self.slept += 1


@pytest.mark.usefixtures("credentials")
def test_following_reads_again_when_the_service_is_due(skewed: Endpoint) -> None:
    clock = MachineClock(skewed)
    at = clock.service_ms() + 3 * SECOND
    due: list[int] = []

    def on_wait(result: TraceResult, until_ms: int) -> None:
        assert until_ms > clock.now_ms  # it is a time of this machine
        due.extend(
            round((one.request.next_attempt_due_ms - at) / 1000)
            for one in result.checked
            if one.request.next_attempt_due_ms
        )

    with skewed as endpoint:
        for events in sequence(RIGHT, at, (0, 1, 2)):
            endpoint.put(GROUP, HERE, events)
        look = SourceOptions(log_groups=(GROUP,), endpoint_url=endpoint.url)
        found = follow(
            trace_reader((RIGHT,), look, clock=clock.machine_ms),
            timeout_ms=None,
            clock=clock.machine_ms,
            sleep=clock.sleep,
            on_wait=on_wait,
            on_failure=lambda error: None,
        )
    assert found.checked[0].request.outcome is RequestOutcome.EXHAUSTED
    assert set(due) == {60, 183}  # the wait after attempt 1, and after attempt 2
    assert clock.slept < 30
    assert clock.service_ms() < at + 220 * SECOND


@pytest.mark.usefixtures("credentials")
def test_a_check_waits_by_the_service(skewed: Endpoint) -> None:
    clock = MachineClock(skewed)
    at = clock.service_ms() + SECOND
    with skewed as endpoint:
        for events in sequence(RIGHT, at, (0, 1, 2)):
            endpoint.put(GROUP, HERE, events)
        run_of = checked_by(clock, endpoint)
    assert run_of.outcome.passed is True
    assert "exhausted" in next(iter(run_of.outcome.checks)).message
    assert at + 180 * SECOND < clock.service_ms() < at + 220 * SECOND


# --------------------------------------------------------------------------- a login that expires


class ExpiringLogin(MachineClock):
    """A clock whose first sleep outlasts the login."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.faults = endpoint.faults

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.faults.credentials = "expired"


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("counts", [(0,), (0, 0)], ids=["pending", "wrong"])
def test_what_was_read_before_the_login_expired_is_printed_with_its_gap(
    counts: tuple[int, ...], skewed: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ExpiringLogin(skewed)
    with skewed as endpoint:
        attempts = sequence(RIGHT, clock.service_ms() - 70 * SECOND, counts)
        for events in attempts if counts[1:] else [attempt(RIGHT, clock.service_ms() - SECOND, 0)]:
            endpoint.put(GROUP, HERE, events)
        found = followed_by(clock, endpoint)
        endpoint.faults.credentials = None
        run_of = checked_by(clock, endpoint)
    status = 1 if counts[1:] else 5
    assert show_trace(found, OutputOptions(exit_code=True)) == status
    shown = capsys.readouterr().out
    assert "NameError" in shown
    assert "the AWS credentials have expired. " in " ".join(shown.split())
    assert found.checked[0].request.outcome is RequestOutcome.UNKNOWN
    assert [gap.kind for gap in found.coverage.gaps] == ["expired"]
    assert ExitStatus.of(run_of.outcome.passed) == status
    waited = run_of.outcome.passed is None  # a check that failed does not wait
    assert [gap.kind for gap in run_of.coverage.gaps] == ["expired"] * waited


@pytest.mark.usefixtures("credentials")
def test_a_request_that_was_not_found_before_the_login_expired_could_not_be_read(
    skewed: Endpoint,
) -> None:
    clock = ExpiringLogin(skewed)
    with skewed as endpoint:
        endpoint.put(GROUP, HERE, attempt(WRONG, clock.service_ms() - SECOND, 0))
        found = followed_by(clock, endpoint)
    with pytest.raises(CouldNotRead, match="before the AWS credentials expired") as error:
        show_trace(found, OutputOptions())
    assert "Log in again" in error.value.next_step


def followed_by(clock: MachineClock, endpoint: Endpoint) -> TraceResult:
    return follow(
        trace_reader((RIGHT,), options_of(endpoint), clock=clock.machine_ms),
        timeout_ms=None,
        clock=clock.machine_ms,
        sleep=clock.sleep,
        on_wait=lambda *_: None,
        on_failure=lambda _: None,
    )


def checked_by(clock: MachineClock, endpoint: Endpoint) -> CheckRun:
    given = frozenset({RIGHT})
    plan = CheckPlan(
        request_ids=(RIGHT,),
        options=options_of(endpoint),
        expectations=Expectations(fail_on=frozenset(), given=given, awaited=given),
        wait_ms=None,
    )
    return check(plan, clock=clock.machine_ms, sleep=clock.sleep)


def options_of(endpoint: Endpoint) -> SourceOptions:
    return SourceOptions(log_groups=(GROUP,), endpoint_url=endpoint.url)
