"""The fault table: what each command says, keeps and ends with where the wire fails."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from retryctl.errors import ExitStatus
from retryctl.sources.aws import client
from tests.endpoint.faults import WIRE_KINDS
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS, GROUP, RIGHT, WRONG, make_busy, put_both
from tests.support.program import run

COMMANDS = {
    "trace": ("trace", WRONG, RIGHT, "-g", GROUP),
    "summary": ("summary", "orders-worker", "--since", "24h"),
    "list": ("list", "orders-worker", "--since", "24h"),
    "check": ("check", "orders-worker", "--since", "24h", "--allow-empty"),
}
SAID = {
    "close": "Connection was closed",
    "hang": "did not answer logs:FilterLogEvents in time",
    "bad-header": "Connection was closed",
    "garbage": "the answer to logs:FilterLogEvents cannot be read",
    "html": "the answers to logs:FilterLogEvents break off",
    "json-list": "the answer to logs:FilterLogEvents cannot be read",
    "redirect": "redirects logs:FilterLogEvents to https://login.example.com/",
}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setattr(client, "READ_TIMEOUT_S", 0.3)
    monkeypatch.setattr(client, "_MAX_ATTEMPTS", 2)
    with Endpoint(scan_events=400) as running:
        make_busy(running)
        put_both(running)
        running.function("orders-worker", Timeout=3)
        yield running


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fault", WIRE_KINDS)
def test_nothing_answers(endpoint: Endpoint, fault: str, command: str) -> None:
    endpoint.faults.script["FilterLogEvents"].extend([fault] * 500)
    done = run(*COMMANDS[command], "--endpoint-url", endpoint.url, env=CREDENTIALS)
    assert done.returncode == ExitStatus.COULD_NOT_LOOK, done.stderr
    assert SAID[fault] in " ".join(done.stderr.split())
    assert "unexpected" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fault", ["close", "garbage", "expired"])
def test_what_was_read_is_kept_with_its_gap(endpoint: Endpoint, fault: str, command: str) -> None:
    """Some slices are read, then nothing answers any more."""
    good = 9 if command == "trace" else 20
    if fault == "expired" and command == "trace":
        endpoint.faults.expire_after("GetLogEvents", 2)
    elif fault == "expired":
        endpoint.faults.expire_after("FilterLogEvents", good)
    else:
        endpoint.faults.script["FilterLogEvents"].extend([None] * good + [fault] * 500)
    as_json = ("-o", "json", "--endpoint-url", endpoint.url)
    done = run(*COMMANDS[command], *as_json, "--engine", "filter", env=CREDENTIALS)
    if command == "trace" and not done.stdout:  # the call failed before any attempt was found
        assert done.returncode in (ExitStatus.COULD_NOT_LOOK, ExitStatus.NOTHING_FOUND)
        assert "not searched" in done.stderr or "could not be read" in done.stderr
        return
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    hiding = [gap for gap in document["coverage"]["gaps"] if gap["hides_attempts"]]
    assert hiding
    assert not document["coverage"]["complete"]
    if fault == "expired":
        assert {gap["kind"] for gap in hiding} == {"expired"}
        assert all("aws sso login" in gap["message"] for gap in hiding)
    if command == "check":
        of_requests = [one for one in document["checks"] if one["request_id"]]
        passed = {one["request_id"]: one["passed"] for one in of_requests}
        assert passed == {WRONG: False, RIGHT: None}  # wrong whatever lies in the gap
        assert done.returncode == ExitStatus.DID_NOT_HOLD
    for one in document.get("requests", []) if command == "trace" else []:
        assert one["verdict"] in ("undetermined", {WRONG: "disagrees"}.get(one["request_id"]))


def test_a_tls_failure(endpoint: Endpoint) -> None:
    url = endpoint.url.replace("http:", "https:")
    done = run(*COMMANDS["trace"], "--endpoint-url", url, env=CREDENTIALS)
    assert done.returncode == ExitStatus.COULD_NOT_LOOK
    assert "no secure connection to https://" in " ".join(done.stderr.split())


def test_an_attempt_that_was_found_and_cannot_be_read_is_not_reported_as_not_found(
    endpoint: Endpoint,
) -> None:
    endpoint.faults.denied.add("logs:GetLogEvents")
    endpoint.faults.denied_streams |= set(endpoint.group(GROUP).streams)
    for command in (COMMANDS["trace"], ("check", WRONG, "-g", GROUP, "--allow-empty")):
        done = run(*command, "--endpoint-url", endpoint.url, env=CREDENTIALS)
        assert done.returncode == ExitStatus.COULD_NOT_LOOK, done.stdout
        assert "an attempt was found, but could not be read" in " ".join(done.stderr.split())
