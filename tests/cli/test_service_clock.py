"""On CloudWatch "now" is the service's clock, not this machine's."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest

from retryctl.sources.aws.service_clock import ServiceClock
from tests.endpoint.server import Endpoint
from tests.support.aws_program import (
    CREDENTIALS,
    GROUP,
    HERE,
    MINUTE,
    RIGHT,
    SECOND,
    attempt,
    now_ms,
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
