"""``retryctl summary`` and ``list`` of a function, over HTTP: as of the same log saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.aws_program import CREDENTIALS
from tests.endpoint.server import Endpoint
from tests.lambda_log import GROUP, ID, OTHER_ID, events_of
from tests.test_cli import run
from tests.test_summary import retried_in_another, save, summary

WINDOW = ("--since", "2026-11-22T23:00Z", "--until", "2026-11-23T01:00Z")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        running.group(GROUP)
        events = events_of(*retried_in_another())
        running.load(GROUP, [(e.log_stream or "", e.timestamp_ms, e.message) for e in events])
        yield running


def ask(endpoint: Endpoint, command: str, *arguments: str) -> Any:
    where = ("--endpoint-url", endpoint.url, "-q")
    return run(command, "orders-worker", *arguments, *where, env=CREDENTIALS)


def test_cloudwatch_and_a_saved_log_give_the_same_figures(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    told = ask(endpoint, "summary", *WINDOW, "-o", "json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    saved = summary(save(tmp_path / "log.jsonl", *retried_in_another()), *WINDOW)
    assert found.pop("coverage")["source"] == "cloudwatch"
    saved.pop("coverage")
    assert found == saved


def test_a_list_of_cloudwatch(endpoint: Endpoint) -> None:
    told = ask(endpoint, "list", *WINDOW, "-o", "jsonl")
    assert {json.loads(line)["request_id"] for line in told.stdout.splitlines()} == {ID, OTHER_ID}


def test_an_empty_window_ends_with_4(endpoint: Endpoint) -> None:
    told = ask(endpoint, "summary", "--since", "2026-11-20", "--until", "2026-11-21")
    assert told.returncode == 4
