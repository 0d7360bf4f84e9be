"""The matrix: each command on each kind of log group, by each engine, in each order of rows.

The log groups are those of the strict endpoint, and one of moto's server.

Whatever the combination, a request is shown as its log shows it, or it is undetermined and a gap
is named. It is never wrong, and never complete without an attempt.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest

from retryctl.core.crosscheck.checked_request import check_history
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import LogEvent
from tests.endpoint.server import Endpoint
from tests.support import lambda_log
from tests.support.aws_program import CREDENTIALS, GROUP, HERE, MINUTE, SECOND, YESTERDAY, now_ms
from tests.support.counters_world import Aws
from tests.support.program import run
from tests.support.random_cases import LONG

HOUR = 60 * MINUTE
WRONG, RIGHT, MIXED, QUIET = (f"{n}f507cfc-0d3f-4697-b07a-ac58fc914c95" for n in range(1, 5))
BEGAN = now_ms() - 2 * HOUR
UNTIL = {"whole": BEGAN + HOUR, "middle": BEGAN + 100 * SECOND}
Event = tuple[str, int, str]
Order = Literal["kept", "reversed", "shuffled"]
ORDERS: tuple[Order, ...] = ("kept", "reversed", "shuffled")

pytestmark = pytest.mark.usefixtures("credentials")


def lines(request_id: str, at: int, count: int | None, took: int = 50) -> Iterator[tuple[int, str]]:
    """One attempt, whose printed lines share a millisecond; it fails where it counts."""
    yield at, lambda_log.start(request_id)
    yield at + 1, f"order {count} received\n"
    if count is not None:
        yield at + 1, f"{count}\n"
        yield at + 1, f"process {'ABC'[count]}\n"
        yield at + 2, f"[ERROR] NameError: no\nTraceback (most recent call last):\n  line {at}"
    yield at + took, lambda_log.end(request_id)
    yield at + took, lambda_log.report(request_id, took)


def story() -> list[Event]:
    """Requests that count right and wrong, one right behind another, and many quiet ones."""
    runs = [
        (HERE, WRONG, 0, 0),
        (YESTERDAY, WRONG, 63 * SECOND, 0),
        (YESTERDAY, WRONG, 190 * SECOND, 1),
        (HERE, MIXED, 50, 0),  # starts in the millisecond in which the one before ends
        (HERE, MIXED, 63 * SECOND, 1),
        (HERE, RIGHT, 10 * MINUTE, 0),
        (HERE, RIGHT, 11 * MINUTE + 3 * SECOND, 1),
        (HERE, RIGHT, 14 * MINUTE, 2),
        *((YESTERDAY, QUIET[:-2] + f"{n:02}", (20 + n) * MINUTE, None) for n in range(20)),
    ]
    events = [
        (stream, at_ms, text)
        for stream, request_id, after, count in runs
        for at_ms, text in lines(request_id, BEGAN + after, count)
    ]
    return sorted(events, key=lambda event: event[1])


@cache
def truth(until_ms: int) -> dict[str, dict[str, Any]]:
    """What all lines before a moment show of each request."""
    seen = [event for event in story() if event[1] < until_ms]
    events = [
        LogEvent(timestamp_ms=at, message=text, log_stream=stream, log_group=GROUP, position=n)
        for n, (stream, at, text) in enumerate(seen)
    ]
    coverage = Coverage(source="cloudwatch", horizon_ms=until_ms)
    return {
        one.request.request_id: {
            "attempts": [attempt.outcome.value for attempt in one.request.attempts],
            "outcome": one.request.outcome.value,
            "verdict": one.verdict.value,
        }
        for one in check_history(events, coverage).requests
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """``kind`` is that of the log group: its class, how it refuses, or its age."""

    kind: str
    command: str
    place: tuple[str, ...]
    window: str
    engine: str
    order: Order


KINDS = (
    *("standard", "busy", "young", "moto"),
    *("invalid-operation", "validation", "ia-with-streams"),
)
CELLS = [
    Cell(kind=kind, command=command, place=place, window=window, engine=engine, order=order)
    for kind, command, place, window, engine, order in product(
        KINDS,
        ("trace", "list", "summary", "check"),
        (("-f", "orders-worker"), ("-g", GROUP), ()),
        ("whole", "middle"),
        ("auto", "filter", "insights"),
        ORDERS,
    )
    if (place or command == "trace") and (kind != "moto" or order == "kept")
]


def chosen() -> Sequence[Cell]:
    """All cells in the long campaign; in the suite some, each value of each part among them."""
    if LONG:
        return CELLS
    fixed = [cell for cell in CELLS if cell.order == "reversed" and cell.place[:1] == ("-g",)]
    moto = [cell for cell in CELLS if cell.kind == "moto"]
    return Random(6).sample(fixed, 16) + Random(7).sample(CELLS, 14) + Random(8).sample(moto, 2)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        running.function("orders-worker", Timeout=3)
        yield running


@pytest.fixture(scope="module")
def moto_log(moto: Aws) -> str:
    """The URL of a moto server whose log group has the story."""
    from moto.logs.models import logs_backends

    moto.reset()
    logs = moto.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    (group,) = logs_backends["123456789012"]["us-east-1"].groups.values()
    group.creation_time -= timedelta(days=40)  # the story is older than the test
    for stream in (HERE, YESTERDAY):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        events = [{"timestamp": at, "message": text} for of, at, text in story() if of == stream]
        logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)
    return moto.url


def prepare(endpoint: Endpoint, cell: Cell) -> None:
    endpoint.store.__init__()  # type: ignore[misc]
    standard = cell.kind in ("standard", "busy", "young")
    endpoint.group(
        GROUP,
        created_ms=BEGAN - MINUTE if cell.kind == "young" else BEGAN - 40 * 24 * HOUR,
        retention_days=1 if cell.kind == "young" else None,
        log_class="STANDARD" if standard else "INFREQUENT_ACCESS",
    )
    endpoint.load(GROUP, story())
    endpoint.events.scan_events = 7 if cell.kind == "busy" else 200_000
    refusal = "ValidationException" if cell.kind == "validation" else "InvalidOperationException"
    endpoint.events.class_refusal = refusal
    endpoint.events.reads_streams_of_any_class = cell.kind == "ia-with-streams"
    endpoint.insights.order = cell.order


def asked(url: str, cell: Cell) -> Any:
    words = [WRONG, MIXED, RIGHT] if cell.command == "trace" else []
    window = ("--since", str(BEGAN - SECOND), "--until", str(UNTIL[cell.window]))
    engine = ("--engine", cell.engine, "--endpoint-url", url)
    output = ("-q", "-o", "json")
    return run(cell.command, *words, *cell.place, *window, *engine, *output, env=CREDENTIALS)


@pytest.mark.parametrize("cell", chosen(), ids=str)
def test_each_request_is_right_or_undetermined_with_a_gap(
    endpoint: Endpoint, cell: Cell, request: pytest.FixtureRequest
) -> None:
    if cell.kind == "moto":
        url = request.getfixturevalue("moto_log")
    else:
        prepare(endpoint, cell)
        url = endpoint.url
    done = asked(url, cell)
    if cell.kind == "moto" and cell.engine == "insights" and done.returncode == 3:
        assert done.stdout == ""  # it has no query language
        return
    if cell.engine == "filter" and cell.kind in KINDS[4:]:
        assert done.returncode == 3
        assert "insights" in done.stderr.lower()
        return
    printed = json.loads(done.stdout)
    gaps = printed["coverage"]["gaps"]
    right = truth(UNTIL[cell.window])
    if cell.command == "check":
        assert_checked(printed, right, gaps)
        return
    if cell.command == "summary":
        assert_summed(printed, summed(UNTIL[cell.window]), gaps)
        return
    shown = {one["request_id"]: one for one in printed["requests"]}
    for request_id, expected in right.items():
        if cell.command == "list" or request_id in (WRONG, MIXED, RIGHT):
            assert_right(shown[request_id], expected, gaps)
    assert shown.keys() <= right.keys()


def assert_right(one: dict[str, Any], expected: dict[str, Any], gaps: Sequence[object]) -> None:
    """Each statement is true, or it is not made and a gap says why."""
    attempts = one["attempts"]
    if isinstance(attempts, list):
        outcomes = [attempt["outcome"] for attempt in attempts]
        assert len(outcomes) == len(expected["attempts"])
        for outcome, other in zip(outcomes, expected["attempts"], strict=True):
            assert outcome == other or (outcome == "unknown" and gaps)
    else:
        assert attempts == len(expected["attempts"])
    assert one["outcome"] == expected["outcome"] or (one["outcome"] == "unknown" and gaps)
    assert one["verdict"] == expected["verdict"] or (one["verdict"] == "undetermined" and gaps)


@cache
def summed(until_ms: int) -> dict[str, Any]:
    """The summary of the same lines as a saved log."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "log.jsonl")
        events = (
            {"timestamp": at, "message": text, "logStreamName": stream, "logGroupName": GROUP}
            for stream, at, text in story()
            if at < until_ms
        )
        saved.write_text("".join(f"{json.dumps(event)}\n" for event in events))
        window = ("--since", str(BEGAN - SECOND), "--until", str(until_ms))
        done = run("summary", "--from", str(saved), *window, "-q", "-o", "json", env=CREDENTIALS)
    return dict(json.loads(done.stdout))


def assert_summed(printed: dict[str, Any], right: dict[str, Any], gaps: Sequence[object]) -> None:
    """Each count is true, or some are undetermined and a gap says why."""
    for name in ("requests", "attempts", "retried_requests"):
        assert printed[name] == right[name]
    for name, unknown in UNKNOWN.items():
        counts, true = printed[name], right[name]
        for value in true.keys() - {unknown, "accuracy_on_retries"}:
            assert counts[value] == true[value] or (counts[value] < true[value] and gaps)
        assert counts[unknown] == true[unknown] or gaps


UNKNOWN = {"outcomes": "unknown", "attempt_outcomes": "unknown", "counter": "undetermined"}


def assert_checked(
    printed: dict[str, Any], right: dict[str, dict[str, Any]], gaps: Sequence[object]
) -> None:
    """A check fails where a request is wrong, unless gaps leave it undetermined."""
    assert printed["requests"] == len(right)
    wrong = any(one["verdict"] == "disagrees" for one in right.values())
    assert printed["passed"] is (not wrong) or (printed["passed"] is None and gaps)


def test_a_pattern_of_several_ids_that_is_not_honoured_is_noticed(endpoint: Endpoint) -> None:
    cell = replace(CELLS[0], place=("-g", GROUP), engine="filter", command="trace")
    prepare(endpoint, cell)
    endpoint.faults.first_term_only = True
    try:
        printed = json.loads(asked(endpoint.url, cell).stdout)
    finally:
        endpoint.faults.first_term_only = False
    assert [one["request_id"] for one in printed["requests"]] == [WRONG, MIXED, RIGHT]
    assert printed["coverage"]["gaps"] == []


def test_the_gap_of_fresh_events_is_closed_by_what_it_names(endpoint: Endpoint) -> None:
    cell = replace(CELLS[0], kind="validation", command="list", place=("-g", GROUP), engine="auto")
    prepare(endpoint, cell)
    words = ("list", "-g", GROUP, "--since", str(BEGAN), "-q", "-o", "json")
    where = ("--endpoint-url", endpoint.url)
    gaps = json.loads(run(*words, *where, env=CREDENTIALS).stdout)["coverage"]["gaps"]
    (settle,) = (gap["settle"] for gap in gaps if gap["kind"] == "too-fresh")
    assert settle.startswith("Add --until ")
    named = settle.removeprefix("Add ").split()
    again = json.loads(run(*words, *named, *where, env=CREDENTIALS).stdout)
    assert "too-fresh" not in {gap["kind"] for gap in again["coverage"]["gaps"]}
