"""The order within a millisecond, over HTTP: what each command says of a window of Insights.

Two attempts of other requests meet in one millisecond of a stream of an Infrequent Access group,
so that the records do not show whose the printed lines are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest

from tests.endpoint import insights
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.test_command_matrix import ORDERS, Event, Order
from tests.support import lambda_log
from tests.support.aws_program import CREDENTIALS, GROUP, HERE, MINUTE, SECOND, YESTERDAY, now_ms
from tests.support.program import run

HOUR = 60 * MINUTE
BEGAN = now_ms() - 2 * HOUR
FIRST, SECOND_ID = (f"{n}f507cfc-0d3f-4697-b07a-ac58fc914c95" for n in (1, 2))
WHERE = ("-g", GROUP, "--since", str(BEGAN - SECOND), "--until", str(BEGAN + HOUR))
ERROR = "[ERROR] NameError: no\nTraceback (most recent call last):\n  line 1\n"

pytestmark = pytest.mark.usefixtures("credentials")


def attempt(request_id: str, stream: str, at: int, count: int, start_ms: int = 0) -> list[Event]:
    """One attempt, which fails, and ends 50 ms after ``at``; it starts ``start_ms`` late."""
    return [
        (stream, at + start_ms, lambda_log.start(request_id)),
        (stream, at + start_ms, f"{count}\n"),
        (stream, at + start_ms, f"process {'ABC'[count]}\n"),
        (stream, at + 50, ERROR),
        (stream, at + 50, lambda_log.end(request_id)),
        (stream, at + 50, lambda_log.report(request_id, 50)),
    ]


def story() -> list[Event]:
    """The second request starts in the millisecond in which the first ends, and prints there."""
    runs = [
        *attempt(FIRST, HERE, BEGAN, 0),
        *attempt(SECOND_ID, HERE, BEGAN + 50, 0),
        *attempt(FIRST, HERE, BEGAN + 63 * SECOND, 1),
        *attempt(SECOND_ID, YESTERDAY, BEGAN + 64 * SECOND, 0),
    ]
    return sorted(runs, key=lambda event: event[1])


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        running.function("orders-worker", Timeout=3)
        running.group(GROUP, created_ms=BEGAN - 40 * 24 * HOUR, log_class="INFREQUENT_ACCESS")
        running.load(GROUP, story())
        yield running


def answered(endpoint: Endpoint, command: str, *ids: str) -> dict[str, Any]:
    words = (command, *ids, *WHERE, "--endpoint-url", endpoint.url, "-q", "-o", "json")
    return dict(json.loads(run(*words, env=CREDENTIALS).stdout))


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {one["request_id"]: one["verdict"] for one in document["requests"]}


def prepare(endpoint: Endpoint, order: Order, *, streams: bool, refusal: str) -> None:
    endpoint.insights.order = order
    endpoint.events.reads_streams_of_any_class = streams
    endpoint.events.class_refusal = refusal
    endpoint.calls.clear()


@pytest.mark.parametrize("refusal", ["InvalidOperationException", "ValidationException"])
@pytest.mark.parametrize("order", ORDERS)
def test_get_log_events_settles_the_order_for_each_command(
    endpoint: Endpoint, order: Order, refusal: str
) -> None:
    prepare(endpoint, order, streams=True, refusal=refusal)
    listed = answered(endpoint, "list")
    assert endpoint.calls["GetLogEvents"] <= 5  # one for the order, four for pairs
    assert verdicts(listed) == {FIRST: "agrees", SECOND_ID: "disagrees"}
    assert verdicts(answered(endpoint, "trace", FIRST, SECOND_ID)) == verdicts(listed)
    summed, checked = answered(endpoint, "summary"), answered(endpoint, "check")
    assert summed["counter"]["agrees"] == 3
    assert summed["counter"]["disagrees"] == 1
    assert checked["passed"] is False
    for document in (listed, summed, checked):
        assert "unordered" not in {gap["kind"] for gap in document["coverage"]["gaps"]}


@pytest.mark.parametrize(
    ("order", "refusal"),  # either code is a refusal of the call, whatever the order is
    [*zip(ORDERS, cycle(["InvalidOperationException", "ValidationException"]))],
)
def test_where_the_streams_are_refused_each_command_leaves_it_undetermined(
    endpoint: Endpoint, order: Order, refusal: str
) -> None:
    prepare(endpoint, order, streams=False, refusal=refusal)
    listed = answered(endpoint, "list")
    traced = answered(endpoint, "trace", FIRST, SECOND_ID)
    assert verdicts(listed) == verdicts(traced)
    assert verdicts(listed)[FIRST] == "undetermined"
    summed, checked = answered(endpoint, "summary"), answered(endpoint, "check")
    assert summed["counter"]["undetermined"] > 0
    for document in (listed, traced, summed, checked):
        assert "unordered" in {gap["kind"] for gap in document["coverage"]["gaps"]}


@pytest.mark.parametrize("order", ORDERS)
def test_two_claims_of_one_millisecond_are_no_contradiction(
    endpoint: Endpoint, order: Order
) -> None:
    """Neither the counter nor the branch that counts is known, so no finding rests on them."""
    prepare(endpoint, order, streams=False, refusal="ValidationException")
    group = f"/aws/lambda/two-claims-{order}"
    endpoint.group(group, created_ms=0, log_class="INFREQUENT_ACCESS")
    at = BEGAN
    claims = [(at + 1, text) for text in ("0\n", "process A\n", "1\n", "process B\n")]
    ends = [(at + 9, lambda_log.end(FIRST)), (at + 9, lambda_log.report(FIRST, 9))]
    endpoint.put(group, "s", [(at, lambda_log.start(FIRST)), *claims, *ends])
    where = ("-g", group, *WHERE[2:], "--endpoint-url", endpoint.url, "-q", "-o", "json")
    traced = json.loads(run("trace", FIRST, *where, env=CREDENTIALS).stdout)
    (one,) = traced["requests"]
    assert one["verdict"] == "undetermined"
    assert [finding["rule"] for finding in one["findings"]] == ["logs-incomplete"]
    assert [gap["settle"] for gap in traced["coverage"]["gaps"]] == [None]
    for ids in ([], [FIRST]):
        assert run("check", *ids, *where, env=CREDENTIALS).returncode == 5


@pytest.mark.parametrize("lost", ["name", "bin"])
def test_all_events_are_read_where_the_counts_lack_a_bin(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    prepare(endpoint, "kept", streams=True, refusal="ValidationException")
    counts = insights._counts

    def lacking(*given: Any) -> list[list[dict[str, str]]]:
        first, *rows = counts(*given)
        unnamed = [{**cell, "field": cell["field"].replace("t", "bin(1s)", 1)} for cell in first]
        return rows if lost == "bin" else [unnamed, *rows]

    monkeypatch.setattr(insights, "_counts", lacking)
    listed = answered(endpoint, "list")
    assert verdicts(listed) == {FIRST: "agrees", SECOND_ID: "disagrees"}


def test_beyond_the_bound_a_gap_says_what_to_do(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retryctl.sources.cloudwatch.insights_export.MOST_LOOKUPS", 0)
    prepare(endpoint, "reversed", streams=True, refusal="ValidationException")
    gaps = answered(endpoint, "list")["coverage"]["gaps"]
    (settle,) = {gap["settle"] for gap in gaps if gap["kind"] == "unordered"}
    assert settle == "Shorten the window with --since and --until"
    assert endpoint.calls["GetLogEvents"] <= 4  # those for pairs


def test_the_next_command_of_check_repeats_the_window(endpoint: Endpoint) -> None:
    prepare(endpoint, "kept", streams=True, refusal="ValidationException")
    where = (*WHERE, "--endpoint-url", endpoint.url)
    done = run("check", *where, "-q", env=CREDENTIALS)
    assert done.returncode == 1
    command = done.stdout.partition(f"retryctl trace {SECOND_ID}")[2]
    assert "--since" in command
    assert "--until" in command
