"""``retryctl check`` of a function, over HTTP, on a log that the window cuts."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS
from tests.support.check_logs import right, succeeded, switched
from tests.support.lambda_log import (
    GROUP,
    ID,
    MIDNIGHT_MS,
    OTHER_ID,
    THIRD_ID,
    Environment,
    events_of,
)
from tests.support.program import run

LATE_ID = "9e8d7c6b-5a49-4382-9716-0f5e4d3c2b1a"
WINDOW = ("--since", "2026-11-22T23:00Z", "--until", "2026-11-23T01:00Z")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    late = Environment("f").at(70).runs(LATE_ID, "0", "process A", ends="error")
    with Endpoint() as running:
        running.group(GROUP)
        events = events_of(right(), *switched(), succeeded(), late)
        running.load(GROUP, [(e.log_stream or "", e.timestamp_ms, e.message) for e in events])
        yield running


def check(endpoint: Endpoint, *arguments: str) -> Any:
    where = ("--endpoint-url", endpoint.url, "-q")
    return run("check", *arguments, *where, env=CREDENTIALS)


def checks(endpoint: Endpoint, *arguments: str) -> dict[str, Any]:
    told = json.loads(check(endpoint, *arguments, "-o", "json").stdout)
    return {c["request_id"]: c["passed"] for c in told["checks"]}


def test_a_function_in_a_window(endpoint: Endpoint) -> None:
    done = check(endpoint, "orders-worker", *WINDOW)
    assert done.returncode == 1, done.stderr
    assert "4 requests, 2 retried · orders-worker" in done.stdout
    assert checks(endpoint, "orders-worker", *WINDOW) == {
        ID: True,
        OTHER_ID: False,
        THIRD_ID: True,
        LATE_ID: True,
    }


def test_a_retry_at_the_windows_start_is_not_taken_for_a_first_attempt(
    endpoint: Endpoint,
) -> None:
    since = str(MIDNIGHT_MS + 30_000)
    assert checks(endpoint, "-f", "orders-worker", "--since", since, *WINDOW[2:]) == {LATE_ID: True}


def test_nothing_is_read_beyond_the_windows_end(endpoint: Endpoint) -> None:
    until = str(MIDNIGHT_MS + 30_000)
    found = checks(endpoint, "orders-worker", *WINDOW[:2], "--until", until)
    assert found == {ID: True, OTHER_ID: True, THIRD_ID: True}


def test_the_next_command_reads_as_of_the_same_time(endpoint: Endpoint) -> None:
    place = f"--endpoint-url {endpoint.url}"
    trace = f"retryctl trace {OTHER_ID} -f orders-worker"
    printed = unwrapped(check(endpoint, "orders-worker", *WINDOW).stdout)
    since = "--since 2026-11-22T16:30:00.000Z"  # with the hours in which an event may begin
    assert f"{trace} {since} --until 2026-11-23T01:00:00.000Z {place}" in printed
    assert f"{trace} {since} {place}" in unwrapped(
        check(endpoint, "orders-worker", *WINDOW[:2]).stdout
    )


@pytest.mark.parametrize(("name", "place"), [("-f", "orders-worker"), ("-g", GROUP)])
def test_lists_that_are_suggested_have_the_same_window(
    endpoint: Endpoint, name: str, place: str
) -> None:
    window = "--since 2026-11-22T23:00:00.000Z --until 2026-11-23T01:00:00.000Z"
    done = check(endpoint, name, place, *WINDOW, "--min-retried", "90")
    assert f"retryctl list {name} {place} --retried {window} --endpoint-url" in unwrapped(
        done.stdout
    )


def unwrapped(printed: str) -> str:
    return printed.replace(" \\\n    ", " ")


def test_one_id_in_two_groups_is_two_requests(endpoint: Endpoint) -> None:
    other = "/aws/lambda/billing-worker"
    events = events_of(right(OTHER_ID))
    endpoint.group(other)
    endpoint.load(other, [(e.log_stream or "", e.timestamp_ms, e.message) for e in events])
    done = check(endpoint, "-g", GROUP, "-g", other, *WINDOW, "-o", "json")
    told = [c for c in json.loads(done.stdout)["checks"] if c["request_id"] == OTHER_ID]
    assert {(c["function"], c["passed"]) for c in told} == {
        ("orders-worker", False),
        ("billing-worker", True),
    }
    assert len(told) == 2


def test_requests_by_their_ids(endpoint: Endpoint) -> None:
    found = checks(endpoint, "orders-worker", ID, OTHER_ID, *WINDOW)
    assert found == {ID: True, OTHER_ID: False}


@pytest.mark.parametrize(
    "mistake",
    [
        ["--fail-on", "nothing"],
        ["--report", "junit=none/r.xml"],
        ["--baseline", "none.json"],
        ["--allow-empty", "--min-requests", "1"],
    ],
)
def test_bad_input_costs_no_call(endpoint: Endpoint, mistake: list[str]) -> None:
    before = sum(endpoint.calls.values())
    assert check(endpoint, "orders-worker", *mistake, *WINDOW).returncode == 2
    assert sum(endpoint.calls.values()) == before
    check(endpoint, "orders-worker", *WINDOW)
    assert sum(endpoint.calls.values()) > before
