"""Attempts at the ends of streams are packed, and give what the history of all events gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from retryctl.bulk import line_scanner
from retryctl.core.history import safe_cut
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent
from tests.bulk.test_stream_batches import ODD, USUAL
from tests.bulk.test_whole_log import compare
from tests.support.lambda_log import Environment
from tests.support.made_up_logs import line_of
from tests.support.random_cases import seeds


def short_stream(random: Random, number: int, ids: list[str]) -> list[LogEvent]:
    """One to three attempts, most of them with a counter; some without their first lines."""
    here = Environment("a", json=random.random() < 0.3, version=random.choice(("$LATEST", "7")))
    now = random.uniform(0, 500)
    if random.random() < 0.3:
        here.at(now).inits(kind=random.choice(("on-demand", "provisioned-concurrency")))
    here.cold = False
    for _ in range(random.choice((1, 1, 2, 3))):
        counter = random.randrange(3)
        counted = (str(counter), f"process {'ABC'[counter]}")
        lines = random.choice((counted, counted, counted[::-1], random.choice(ODD), USUAL[:1]))
        here.at(now).starts(request_id := random.choice(ids)).prints(*lines)
        if random.random() < 0.5:
            here.raises(request_id)
        init_ms = random.choice((None, None, None, 120.0))
        here.reports(request_id, init_ms=init_ms)
        now += random.choice((0.05, 61, 190))
    if random.random() < 0.1:
        here.prints("background")
    same_ms = random.random() < 0.3
    events = [
        replace(
            each,
            log_stream=f"2026/11/23/[{here.version}]{number:032x}",
            timestamp_ms=each.timestamp_ms // 10 * 10 if same_ms else each.timestamp_ms,
        )
        for each in here.events
    ]
    if random.random() < 0.1:
        del events[random.randrange(len(events))]
    if not same_ms and random.random() < 0.1:
        random.shuffle(events)
    return events


@pytest.mark.parametrize("seed", seeds(10, 1_000))
def test_packed_ends_change_nothing(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    monkeypatch.setattr(line_scanner, "LINES_AT_ONCE", random.choice((1, 100, 1_500)))
    ids = [f"{random.getrandbits(32):08x}-0000-4000-8000-{n:012x}" for n in range(40)]
    streams = [short_stream(random, number, ids) for number in range(100)]
    events = [event for each in streams for event in each]
    if random.random() < 0.7:
        events.sort(key=lambda event: event.timestamp_ms)
    path = tmp_path / "log.jsonl"
    path.write_text("".join(map(line_of, events)))
    compare(path, LogQuery(), chunk_bytes=random.choice((4_000, 1 << 20)))


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("json", [False, True])
def test_the_core_parses_one_stream_of_many(
    attempts: int, json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = 0
    core = safe_cut.last_piece

    def count(*given: object) -> object:
        nonlocal parsed
        parsed += 1
        return core(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("retryctl.bulk.stitched_streams.last_piece", count)
    events: list[LogEvent] = []
    for number in range(100):
        here = Environment("a", json=json).at(number)
        for attempt in range(attempts):
            here.at(number + attempt * 60)
            here.runs(f"{number:08x}-0000-4000-8000-{attempt:012x}", "0", "process A", ends="error")
        events += [replace(each, log_stream=f"2026/11/23/[7]{number:032x}") for each in here.events]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(map(line_of, events)))
    compare(path, LogQuery(), chunk_bytes=1 << 20)
    assert parsed == 1
