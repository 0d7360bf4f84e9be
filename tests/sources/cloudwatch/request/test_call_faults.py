"""Faults of single calls change nothing of what a search finds."""

from __future__ import annotations

import pytest

from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.pages import TimeRange, matching_pages
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.request.requests_in_group import (
    GROUP,
    HOUR,
    NOW,
    STREAM,
    assert_three,
    look,
    messages,
    put_three,
    source,
)

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.mark.parametrize(
    "faults",
    [
        ["throttle"],
        ["error", "error"],
        ["reset", "reset"],
        ["cut", "cut"],
        ["slow"],
        ["empty-page"],
        ["empty-page", "repeat-token", "repeat-token"],
        ["empty-page", "expired-token"],
        [None, None, "expired-token"],
    ],
    ids=lambda faults: "+".join(map(str, faults)),
)
@pytest.mark.parametrize("operation", ["FilterLogEvents", "GetLogEvents"])
def test_each_fault_costs_calls_and_no_line(
    endpoint: Endpoint, operation: str, faults: list[str | None]
) -> None:
    put_three(endpoint)
    endpoint.faults.script[operation].extend(faults)
    found, coverage = look(source(endpoint.url))
    assert_three(found)
    assert coverage.gaps == ()


@pytest.mark.parametrize("seed", range(3))
def test_no_line_is_lost_or_doubled_where_a_fifth_of_the_calls_goes_wrong(seed: int) -> None:
    with Endpoint(clock=lambda: NOW, seed=seed, scan_events=200) as endpoint:
        noise = [(f"s/{n % 5}", NOW - 2 * HOUR + n * 1800, f"noise {n}\n") for n in range(4000)]
        endpoint.load(GROUP, noise)
        put_three(endpoint)
        endpoint.faults.mix(0.2)
        found, coverage = look(source(endpoint.url), since_ms=NOW - 2 * HOUR)
        assert_three(found)
        assert coverage.gaps == ()
        assert endpoint.faults.injected.total() > 0


def test_a_window_read_whole_restarts_where_its_token_expired() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=100) as endpoint:
        lines = [(NOW - HOUR + n // 3, f"line {n}\n") for n in range(1000)]
        endpoint.put(GROUP, STREAM, lines)
        endpoint.faults.rates = {"expired-token": 0.3, "repeat-token": 0.2}
        window = TimeRange(since_ms=NOW - HOUR, until_ms=NOW)
        pages = matching_pages(AwsClient(endpoint_url=endpoint.url), LogGroup(name=GROUP), window)
        assert [event.message for page in pages for event in page.events] == messages(lines)
        assert endpoint.faults.injected["expired-token"] > 0


def test_a_part_that_is_refused_to_the_end_is_a_gap_with_the_command_that_settles_it() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=100) as endpoint:
        endpoint.load(GROUP, [("s", NOW - 24 * HOUR + n * 86_400, "x") for n in range(1000)])
        put_three(endpoint)
        endpoint.faults.script["FilterLogEvents"].extend([None, None, *["error"] * 8])
        _, coverage = look(source(endpoint.url, max_attempts=1))
        assert coverage.gaps
        assert all(gap.kind == "unreachable" and gap.hides_attempts for gap in coverage.gaps)
        assert all(
            (gap.settle or "").startswith("retryctl trace 8f507cfc") for gap in coverage.gaps
        )
