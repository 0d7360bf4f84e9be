"""An endpoint that accepts every call and answers none: the wait is shown, and it ends."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.session import Session

from retryctl.cli.output import progress
from retryctl.errors import ExitStatus
from retryctl.sources.aws import call_watch
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS, GROUP, WRONG, put_both
from tests.support.conversation import converse, do_nothing

FUNCTION = ("orders-worker", "--since", "2h")
COMMANDS = {
    "trace": ("trace", WRONG, "-f", "orders-worker"),
    "trace of a group": ("trace", WRONG, "-g", GROUP),
    "trace without a place": ("trace", WRONG),
    "trace with a store": ("trace", WRONG, "-g", GROUP, "--store", "dynamodb://retries"),
    "trace of the newest": ("trace", "--last", "2", "-f", "orders-worker"),
    "trace of several functions": ("trace", WRONG, "-f", "orders-*", "-f", "payments"),
    "diff": ("diff", WRONG, "-f", "orders-worker"),
    "list": ("list", *FUNCTION),
    "summary": ("summary", *FUNCTION),
    "summary of groups": ("summary", "-g", "/aws/lambda/*"),
    "related": ("list", *FUNCTION, "--related", "--key", "order=(.+)"),
    "check": ("check", *FUNCTION),
    "check of a request": ("check", WRONG, "-f", "orders-worker"),
    "doctor": ("doctor", "orders-worker"),
    "probe": ("probe", "--yes"),
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the limit of time for calls of the services that do not answer.

    A busy endpoint needs some of it to count a call.
    """
    create_client = Session.create_client

    def impatient(session: Session, service: str, *others: Any, **options: Any) -> Any:
        if service in os.environ.get("HUNG", service).split():
            options["config"] = options["config"].merge(Config(read_timeout=1.0))
        return create_client(session, service, *others, **options)

    monkeypatch.setattr(Session, "create_client", impatient)
    monkeypatch.setattr(call_watch, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(call_watch, "_EVERY_S", 0.05)
    monkeypatch.setattr(progress, "_PATIENCE_S", 0)


@pytest.fixture
def hung() -> Iterator[Endpoint]:
    with Endpoint() as running:
        running.faults.rates = {"hang": 1.0}
        yield running


def on_terminal(
    arguments: Sequence[str], variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run the program; return its exit status and what a terminal shows."""
    shown_on = {"TERM": "xterm", "COLUMNS": "150"}
    env = {**CREDENTIALS, **shown_on, **(variables or {})}
    before = set(threading.enumerate())
    done = converse(do_nothing, *arguments, env=env, terminal=("stderr",))
    # no thread is left that would keep a process alive
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)
    return done.returncode, " ".join(re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", done.stderr).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_wait_is_shown_and_ends_after_one_call(hung: Endpoint, command: str) -> None:
    status, shown = on_terminal((*COMMANDS[command], "--endpoint-url", hung.url))
    assert re.search(r"waiting for \w+:\w+: \d+ s, given up after about \d+ s", shown)
    assert status == ExitStatus.COULD_NOT_READ
    assert "in time: " in shown
    assert set(hung.calls.values()) == {2}, "two attempts"
    assert len(hung.calls) == 1, "no other call is made to a host that does not answer"


def test_a_queue_that_does_not_answer(hung: Endpoint) -> None:
    queue = f"{hung.url}/123456789012/failed"
    status, shown = on_terminal(("trace", "--from-queue", queue, "--endpoint-url", hung.url))
    assert "waiting for sqs:" in shown
    assert status == ExitStatus.COULD_NOT_READ


def test_of_two_hosts_that_do_not_answer_the_second_is_called_once(hung: Endpoint) -> None:
    hosts = {"AWS_ENDPOINT_URL_LAMBDA": hung.url, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": hung.url}
    status, shown = on_terminal(COMMANDS["list"], hosts)
    assert status == ExitStatus.COULD_NOT_READ
    assert "did not answer" in shown
    assert hung.calls == {"GetFunctionConfiguration": 2, "DescribeLogGroups": 1}


@pytest.mark.parametrize("command", ["trace", "list", "summary", "check"])
def test_logs_are_read_where_only_lambda_does_not_answer(hung: Endpoint, command: str) -> None:
    with Endpoint() as logs:
        put_both(logs, ago=3_600_000)
        hosts = {"AWS_ENDPOINT_URL_LAMBDA": hung.url, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": logs.url}
        status, shown = on_terminal(COMMANDS[command], {**hosts, "HUNG": "lambda"})
    assert status == (ExitStatus.CHECK_FAILED if command == "check" else ExitStatus.OK), shown
    assert "settings of orders-worker are not known" in shown
    assert hung.calls == {"GetFunctionConfiguration": 2}


def test_a_role_whose_service_does_not_answer(hung: Endpoint, tmp_path: Path) -> None:
    """One call for credentials is waited for, not one for each call that needs them."""
    (tmp_path / "config").write_text(
        "[profile ops]\nrole_arn = arn:aws:iam::123456789012:role/ops\n"
        "credential_source = Environment\n"
    )
    role = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "HOME": str(tmp_path)}
    at = ("--profile", "ops", "--endpoint-url", hung.url)
    status, shown = on_terminal((*COMMANDS["list"], *at), role)
    assert "waiting for sts:AssumeRole: " in shown
    assert hung.calls == {"AssumeRole": 2}
    assert "no answer while credentials of profile ops were fetched" in shown
    assert status == ExitStatus.COULD_NOT_READ
