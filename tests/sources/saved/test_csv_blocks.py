"""CSV read by the block gives what the CSV parser gives, wherever a block is cut."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from random import Random

import pytest

from retryctl.bulk.reader import BulkReader
from retryctl.core.model.coverage import LogQuery
from retryctl.sources.saved import raw_blocks
from tests.support.reference_reader import SavedLog

HEADER = "timestamp,message,logStreamName"
STREAM = "2026/11/23/[$LATEST]" + "0123456789abcdef" * 2
PIECES = ("word", " ", ",", '"', '""', "\n", "\t", "{", "é", "END")


def row(random: Random, at: int, ending: str) -> str:
    message = "".join(random.choices(PIECES, k=random.randrange(6)))
    form = random.randrange(8)
    if form == 0:  # quotes where a writer of CSV would put none
        message = message.replace("\n", " ").replace(",", " ").replace('"', "")
        return f'{1795402800000 + at},a{message}" b,{STREAM}{ending}'
    if form == 1:
        bare = message.replace("\n", " ").replace(",", " ").replace('"', "")
        return f"{1795402800000 + at},{bare},{STREAM}{ending}"
    written = message.replace('"', '""')
    return f'{1795402800000 + at},"{written}",{STREAM}{ending}'


def parsed(text: str) -> list[tuple[int, str, str]]:
    rows = csv.reader(io.StringIO(text, newline="\n"))
    next(rows)
    return [(int(time), message, stream) for time, message, stream in rows]


def events(path: Path) -> list[tuple[int, str, str | None]]:
    found = SavedLog(str(path)).read(LogQuery())
    return [(event.timestamp_ms, event.message, event.log_stream) for event in found]


@pytest.mark.parametrize("seed", range(30))
def test_blocks_give_the_rows_of_the_parser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random = Random(seed)
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", random.choice((90, 300, 1 << 18)))
    ending = random.choice(("\n", "\r\n"))
    text = HEADER + ending + "".join(row(random, at, ending) for at in range(60))
    path = tmp_path / "log.csv"
    path.write_text(text, newline="")
    assert events(path) == parsed(text)


@pytest.mark.parametrize("block_bytes", [200, 1 << 18])
def test_rows_whose_quotes_are_not_even_do_not_move_the_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", block_bytes)
    request_id = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
    messages = [f"START RequestId: {request_id} Version: $LATEST"]
    messages += [f'item {n} of 5" wide' for n in range(9)]
    messages += [f"END RequestId: {request_id}", f"REPORT RequestId: {request_id}\tDuration: 1 ms"]
    rows = "".join(f"{1795402800000 + n},{m},{STREAM}\n" for n, m in enumerate(messages))
    path = tmp_path / "log.csv"
    path.write_text(f"{HEADER}\n{rows}")
    found = BulkReader(str(path)).trace(LogQuery(request_ids=(request_id,)))
    (attempt,) = found.requests[0].request.attempts
    assert [event.message for event in attempt.events] == messages
    assert not found.coverage.gaps


@pytest.mark.parametrize("block_bytes", [120, 1 << 18])
def test_a_csv_cut_within_quotes_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", block_bytes)
    rows = "".join(f'{1795402800000 + n},"line\n{n}",{STREAM}\n' for n in range(9))
    path = tmp_path / "log.csv"
    path.write_text(f'{HEADER}\n{rows}1795402800009,"cut he')
    log = SavedLog(str(path))
    assert len(list(log.read(LogQuery()))) == 9
    (gap,) = log.coverage().gaps
    assert "its last row, 10, breaks off" in gap.message
