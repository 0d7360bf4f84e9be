"""The fault table: what each command prints, keeps and ends with where the wire fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from retryctl.core.timestamps import iso_ms
from retryctl.errors import ExitStatus
from retryctl.sources.aws import circuit_breaker, client
from retryctl.sources.cloudwatch import slice_runner
from tests.endpoint.server import Endpoint
from tests.support.aws_program import (
    CREDENTIALS,
    GROUP,
    HOUR,
    MINUTE,
    RIGHT,
    WRONG,
    YESTERDAY,
    make_busy,
    now_ms,
    put_both,
)
from tests.support.program import run
from tests.support.quick import quick_hangs

COMMANDS = {
    "trace": ("trace", WRONG, RIGHT, "-g", GROUP),
    "summary": ("summary", "orders-worker", "--since", "24h"),
    "list": ("list", "orders-worker", "--since", "24h"),
    "check": ("check", "orders-worker", "--since", "24h", "--allow-empty"),
}
# A request is searched by one function, and a window is downloaded by one for three commands.
SEARCHES, ALIKE, FEW = ("trace", "summary"), ("list", "check"), ("reset", "throttle")
# Of each fault, what the error says where nothing answers.
MESSAGES = {
    "reset": "Connection was closed",
    "close": "Connection was closed",
    "hang": "did not answer logs:{} in time",
    "bad-header": "Connection was closed",
    "cut": "answers in a row to logs:{} were cut off",
    "garbage": "the answer to logs:{} cannot be read",
    "html": "answers in a row to logs:{} were cut off",
    "json-list": "the answer to logs:{} cannot be read",
    "redirect": "redirects logs:{} to https://login.example.com/",
    "throttle": "throttled",
    "error": "ServiceUnavailable",
}
TLS = "no secure connection to https://"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_hangs.install(monkeypatch)
    monkeypatch.setattr(client, "_MAX_ATTEMPTS", 2)


@pytest.fixture(scope="module")
def loaded() -> Iterator[Endpoint]:
    with Endpoint(scan_events=400) as running:
        make_busy(running)
        put_both(running)
        running.function("orders-worker", Timeout=3)
        yield running


@pytest.fixture
def endpoint(loaded: Endpoint) -> Endpoint:
    loaded.faults.reset()
    loaded.faults.hang_s = 0.3
    return loaded


@pytest.mark.parametrize(("command", "fault"), [*product(SEARCHES, MESSAGES), *product(ALIKE, FEW)])
def test_nothing_answers(endpoint: Endpoint, command: str, fault: str) -> None:
    endpoint.faults.script["FilterLogEvents"].extend([fault] * 500)
    done = run(*COMMANDS[command], "--endpoint-url", endpoint.url, env=CREDENTIALS)
    assert_names_the_fault(done.stderr, MESSAGES[fault].format("FilterLogEvents"))
    assert (done.returncode, done.stdout) == (ExitStatus.COULD_NOT_READ, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_tls_failure(endpoint: Endpoint, command: str) -> None:
    url = endpoint.url.replace("http:", "https:")
    done = run(*COMMANDS[command], "--endpoint-url", url, env=CREDENTIALS)
    assert_names_the_fault(done.stderr, TLS)
    assert (done.returncode, done.stdout) == (ExitStatus.COULD_NOT_READ, "")


def assert_names_the_fault(stderr: str, message: str) -> None:
    """An error has a message of ours and a next step, and no traceback."""
    assert message in " ".join(stderr.split())
    assert "unexpected" not in stderr
    assert "Traceback" not in stderr
    assert len(stderr.strip().splitlines()) > 1, "the next step"


# --------------------------------------------------------------------------- what is kept

LATER = [*MESSAGES, "expired"]


def partial(endpoint: Endpoint, command: str, *statuses: ExitStatus) -> dict[str, Any]:
    options = ("-o", "json", "--endpoint-url", endpoint.url, "--engine", "filter")
    done = run(*COMMANDS[command], *options, env=CREDENTIALS)
    assert done.returncode in statuses, done.stderr
    return dict(json.loads(done.stdout))


def assert_gaps(document: dict[str, Any], fault: str, operation: str) -> None:
    """Every gap that hides attempts names the fault and the next step."""
    coverage = document["coverage"]
    gaps = [gap for gap in coverage["gaps"] if gap["hides_attempts"]]
    assert gaps
    assert not coverage["complete"]
    kinds = {"throttle": "throttled", "expired": "expired"}
    assert {gap["kind"] for gap in gaps} == {kinds.get(fault, "unreachable")}
    message = "credentials have expired" if fault == "expired" else MESSAGES[fault]
    for gap in gaps:
        assert message.format(operation) in gap["message"]
        assert "was not searched" in gap["message"] or "was found but not read" in gap["message"]


@pytest.mark.parametrize("fault", LATER)
def test_trace_keeps_the_attempts_that_were_read(endpoint: Endpoint, fault: str) -> None:
    """One stream can be read, the other, with two attempts of one request, cannot."""
    whole = partial(endpoint, "trace", ExitStatus.OK)
    if fault == "expired":
        endpoint.faults.expire_after("GetLogEvents", 6)
    else:
        endpoint.faults.of_stream[YESTERDAY] = fault
    document = partial(endpoint, "trace", ExitStatus.OK)
    assert_gaps(document, fault, "GetLogEvents")
    if fault != "expired":  # which attempts are read before the login expires is chance
        kept = {one["request_id"]: len(one["attempts"]) for one in document["requests"]}
        assert kept == {WRONG: 1, RIGHT: 3}
    attempts = {
        a["started_at"]: a["counter"]["logged"]
        for one in whole["requests"]
        for a in one["attempts"]
    }
    stories = {one["request_id"]: one for one in whole["requests"]}
    for one in document["requests"]:
        story = stories[one["request_id"]]
        if fault == "expired" and len(one["attempts"]) == len(story["attempts"]):
            assert one["verdict"] in ("undetermined", story["verdict"])
        else:
            assert one["verdict"] == "undetermined"
        assert one["outcome"] == ("exhausted" if len(one["attempts"]) == 3 else "unknown")
        for attempt in one["attempts"]:
            assert attempt["counter"]["logged"] == attempts[attempt["started_at"]]


@pytest.mark.parametrize("command", ["summary", "list", "check"])
@pytest.mark.parametrize("fault", LATER)
def test_a_window_keeps_what_was_read(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, fault: str, command: str
) -> None:
    """The hours with both requests are read, of earlier ones some slices are not."""
    # Slices are read at once: the faults of early ones must not end the reading of late ones.
    monkeypatch.setattr(circuit_breaker, "_FAILURES_IN_A_ROW", 1_000)
    if fault == "expired":  # of every operation: the newest hours have to be read by then
        monkeypatch.setattr(slice_runner, "_MOST_AT_ONCE", 1)
        endpoint.faults.expire_after("FilterLogEvents", 34)  # of 39 calls
    else:
        endpoint.faults.until = (now_ms() - 4 * HOUR, fault)
    failed = (ExitStatus.CHECK_FAILED, ExitStatus.UNDETERMINED)
    document = partial(endpoint, command, *(failed if command == "check" else (ExitStatus.OK,)))
    assert_gaps(document, fault, "FilterLogEvents")
    if command == "summary":
        assert (document["requests"], document["attempts"]) == (2, 6)
    elif command == "list":
        kept = {one["request_id"]: one["attempts"] for one in document["requests"]}
        assert kept == {WRONG: 3, RIGHT: 3}
        verdicts = {one["request_id"]: one["verdict"] for one in document["requests"]}
        assert verdicts[WRONG] in ("disagrees", "undetermined")
        assert (verdicts[RIGHT] == "undetermined") == _may_hide_attempts(document)
    else:
        checks = {one["request_id"]: one["passed"] for one in document["checks"]}
        hidden = _may_hide_attempts(document)
        assert checks[RIGHT] is (None if hidden else True)
        # wrong whatever is missing before it, but a slice that was not read may reach past it
        assert checks[WRONG] is False or (hidden and checks[WRONG] is None)


def _may_hide_attempts(document: dict[str, Any]) -> bool:
    """Whether a slice that was not read lies within the age of the event of RIGHT, 6 hours."""
    gaps = [gap for gap in document["coverage"]["gaps"] if gap["hides_attempts"]]
    last_ms = max(iso_ms(gap["until"]) or 0 for gap in gaps)
    return last_ms > now_ms() - 8 * HOUR + 10 * MINUTE


# --------------------------------------------------------------------------- found, not read


def test_an_attempt_that_was_found_and_cannot_be_read_is_not_reported_as_not_found(
    endpoint: Endpoint,
) -> None:
    endpoint.faults.denied.add("logs:GetLogEvents")
    endpoint.faults.denied_streams |= set(endpoint.group(GROUP).streams)
    for command in (COMMANDS["trace"], ("check", WRONG, "-g", GROUP, "--allow-empty")):
        done = run(*command, "--endpoint-url", endpoint.url, env=CREDENTIALS)
        assert done.returncode == ExitStatus.COULD_NOT_READ, done.stdout
        assert "an attempt was found, but could not be read" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "command", [("list",), ("summary",), ("check",), ("trace", WRONG), ("check", WRONG)]
)
def test_credentials_that_expire_before_a_request_is_read_are_not_nothing_found(
    command: tuple[str, ...],
) -> None:
    with Endpoint(scan_events=100) as endpoint:
        make_busy(endpoint, 5_000)
        endpoint.faults.expire_after("FilterLogEvents", 10 if WRONG in command else 40)
        where = ("--since", "2d", "--endpoint-url", endpoint.url)
        done = run(*command, "-f", "orders-worker", *where, env=CREDENTIALS)
    assert done.returncode == 3
    assert "credentials expired" in done.stderr
    assert "Log in again" in done.stderr
