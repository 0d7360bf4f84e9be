"""Attempts that are read many at a time give what the history of all their events gives."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from retryctl.bulk import line_scanner
from retryctl.bulk.attempt_builder import AttemptBuilder
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.sources.saved import raw_blocks
from tests.bulk.test_whole_log import compare
from tests.support.lambda_log import ID, MIDNIGHT_MS, Environment, platform
from tests.support.made_up_logs import line_of
from tests.support.random_cases import seeds
from tests.support.saved_logs import Event, document, moment, tail

ODD = (
    ("0", "process A"),
    ("1", "process B"),
    ("process A",),
    ("a trace\n\tat example.App.run(App.java:3)",),
    ("boom: java.lang.IllegalStateException  at example.App.run(App.java:3)",),
    ("[ERROR] ConnectionError: no answer",),
    ("START RequestId: 0d9b2f7e-41c8-4a36-9e15-6b7c3f20d8a4 Version: 7",),
    ("END RequestId: 0d9b2f7e-41c8-4a36-9e15-6b7c3f20d8a4",),
    ('{"level": "ERROR", "message": {"errorType": "E", "stackTrace": []}}',),
    ("12",),
    ("2026-11-23T00:00:00.000Z\tan-id\tINFO\tfine\tERROR\tfine",),
    (platform("report", {"requestId": ID, "metrics": {}, "status": "success"}),),
    (platform("runtimeDone", {"requestId": ID, "status": "failure", "errorType": "E"}),),
    (platform("report", {"requestId": ID, "metrics": {"durationMs": 1, "billedDurationMs": 2.0}}),),
)

USUAL = (
    "[INFO]\tfine",
    "fine",
    '{"level": "INFO", "message": "fine"}',
    "2026-11-23T00:00:00.000Z\tan-id\tINFO\tfine",
)


def stream(random: Random, letter: str, ids: list[str], *, as_json: bool) -> list[LogEvent]:
    """One stream: mostly ordinary attempts, close together or not, some of them odd or torn."""
    version = random.choice(("$LATEST", "$LATEST", "7"))
    here = Environment(letter, json=as_json, version=version)
    now = random.uniform(0, 50)
    for _ in range(random.choice((3, 40))):
        odd = random.random() < 0.15
        lines = random.choice(ODD) if odd else (random.choice(USUAL),) * random.randrange(3)
        ends = random.choice(("ok", "error", "timeout")) if odd else "ok"
        here.at(now).runs(random.choice(ids), *lines, ends=ends)
        lasted = (here.now_ms - MIDNIGHT_MS) / 1000 - now
        now += random.choice((0, 0.002, lasted, lasted + 0.02, lasted + 61, lasted + 61))
    lost = random.choice((0, 0, 0.03))
    return [event for event in here.events if random.random() >= lost]


def made(random: Random) -> list[LogEvent]:
    """Some streams in order of time."""
    ids = [f"{random.getrandbits(32):08x}-0000-4000-8000-{n:012x}" for n in range(200)]
    letters, as_json = "abcde"[: random.randrange(1, 6)], random.random() < 0.4
    streams = [stream(random, letter, ids, as_json=as_json) for letter in letters]
    return sorted((e for each in streams for e in each), key=lambda e: e.timestamp_ms)


def saved(random: Random, events: list[LogEvent]) -> str:
    """Events as JSON lines; a few lines are displaced, cut, or of another layout."""
    lines = [line_of(event) for event in events]
    if random.random() < 0.3:
        at, to = random.randrange(len(lines)), random.randrange(len(lines))
        lines.insert(to, lines.pop(at))
    if random.random() < 0.2:
        at = random.randrange(len(lines))
        lines[at] = random.choice(
            (
                lines[at][: len(lines[at]) // 2] + "\n",
                lines[at].replace("}\n", "}\r\n"),
                line_of(events[at], spaced=True),
                lines[at].replace('"timestamp":17', '"timestamp":1x'),
            )
        )
    return "".join(lines)


@pytest.mark.parametrize("seed", seeds(20, 1_000))
def test_batches_change_nothing(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", random.choice((500, 5_000, 40_000)))
    monkeypatch.setattr(line_scanner, "LINES_AT_ONCE", random.choice((1, 100, 1_500)))
    monkeypatch.setattr(line_scanner, "MOST_RECORDS", (0, 5, 50_000)[seed % 3])
    path = tmp_path / "log.jsonl"
    events = made(random)
    path.write_text(saved(random, events), encoding="utf-8", newline="")
    until_ms = random.choice(events).timestamp_ms + 1 if random.random() < 0.2 else None
    compare(path, LogQuery(until_ms=until_ms), chunk_bytes=random.choice((20_000, 1 << 20)))


IN_COLUMNS: dict[str, Callable[[list[Event]], str]] = {
    "document": document,
    "tail": tail,
    "console": lambda events: rows_of(("timestamp", "message", "logStreamName"), str, events),
    "insights": lambda events: rows_of(("@timestamp", "@message", "@logStream"), iso, events),
}


def rows_of(names: tuple[str, ...], time: Callable[[int], str], events: list[Event]) -> str:
    written = io.StringIO(newline="")
    table = csv.writer(written)
    table.writerow(names)
    table.writerows((time(ms), message, stream) for ms, stream, message in events)
    return written.getvalue()


def iso(timestamp_ms: int) -> str:
    return f"{moment(timestamp_ms):%Y-%m-%d %H:%M:%S}.{timestamp_ms % 1000:03d}"


@pytest.mark.parametrize("shape", IN_COLUMNS)
@pytest.mark.parametrize("seed", seeds(15, 1_000))
def test_columns_change_nothing(
    seed: int, shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", random.choice((500, 5_000, 40_000)))
    monkeypatch.setattr(line_scanner, "LINES_AT_ONCE", random.choice((1, 100, 1_500)))
    monkeypatch.setattr(line_scanner, "MOST_RECORDS", (0, 5, 50_000)[seed % 3])
    events = [(e.timestamp_ms, e.log_stream or "", e.message) for e in made(random)]
    path = tmp_path / "log"
    path.write_text(IN_COLUMNS[shape](events), encoding="utf-8", newline="")
    until_ms = random.choice(events)[0] + 1 if random.random() < 0.2 else None
    compare(path, LogQuery(until_ms=until_ms), chunk_bytes=random.choice((20_000, 1 << 20)))


def test_attempts_are_read_many_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = 0
    read_one = AttemptBuilder.read_line

    def count(self: AttemptBuilder, *given: object) -> None:
        nonlocal kept
        kept += 1
        read_one(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(AttemptBuilder, "read_line", count)
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", 40_000)
    here = Environment("a")
    for number in range(500):
        here.at(number * 10).runs(f"{number:08x}-0000-4000-8000-000000000000", "[INFO]\tfine")
    path = tmp_path / "log.jsonl"
    path.write_text("".join(map(line_of, here.events)))
    compare(path, LogQuery(), chunk_bytes=1 << 20)
    assert kept < 500
