"""Large files are read in stretches: what is cut gives what the whole gives."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from retryctl.bulk.chunks import Chunk, split_file
from retryctl.bulk.reader import BulkReader
from retryctl.bulk.reduction import PartitionContext, reduce_partition
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.sources.saved.files import find_files
from tests.bulk.test_whole_log import compare, read_slowly, tally_of
from tests.support.made_up_logs import line_of, made_up
from tests.support.saved_logs import tail

CHUNK_BYTES = 2_000


def events(seed: int = 3) -> list[LogEvent]:
    """Some streams of attempts, in order of time."""
    random = Random(seed)
    streams = [stream for _ in range(8) for stream in made_up(random, hostile=False)]
    return sorted((e for stream in streams for e in stream), key=lambda e: e.timestamp_ms)


def members(lines: list[str], count: int) -> list[bytes]:
    """Lines in so many members of gzip."""
    size = -(-len(lines) // count)
    return [
        gzip.compress("".join(lines[at : at + size]).encode()) for at in range(0, len(lines), size)
    ]


def units(path: Path) -> list[Chunk]:
    (file,) = find_files(str(path), None)
    return list(split_file(file, CHUNK_BYTES))


def same_in_stretches(path: Path) -> None:
    for processes in (1, 2):
        compare(path, LogQuery(), chunk_bytes=CHUNK_BYTES, processes=processes)


def test_members_of_gzip_are_read_apart(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    packed = members([line_of(event) for event in events()], 40)
    path.write_bytes(b"".join(packed))
    ends = {sum(map(len, packed[:n])) for n in range(len(packed))}
    cuts = units(path)
    assert len(cuts) > 3
    assert {unit.start for unit in cuts} <= ends
    same_in_stretches(path)


def test_what_only_looks_like_a_member_is_no_cut(tmp_path: Path) -> None:
    """Stored data shows a packed line as it is: the cut is guessed there, and not believed."""
    lines = [line_of(event).encode() for event in events()]
    inner = gzip.compress(b"".join(lines[:9]) * 9).replace(b"\n", b"\0")
    fake = gzip.compress(b"".join(lines[:3]), compresslevel=0)
    whole = b"".join([*lines[:60], b"?" + fake + inner + b"\n", *lines[60:]])
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(whole, compresslevel=0) + gzip.compress(b"".join(lines[:5])))
    cuts = {unit.start for unit in units(path)}
    assert any(path.read_bytes()[at:].startswith(fake) for at in cuts)
    same_in_stretches(path)


def test_a_corrupt_member_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    packed = members([line_of(event) for event in events()], 40)
    spoilt = bytearray(packed[11])
    spoilt[len(spoilt) // 2] ^= 0xFF
    path = tmp_path / "log.gz"
    path.write_bytes(b"".join([*packed[:11], spoilt, *packed[12:]]))
    assert len(units(path)) > 3
    same_in_stretches(path)
    log = BulkReader(str(path), chunk_bytes=CHUNK_BYTES, processes=2)
    found = log.read(LogQuery(), Markers(), FunctionConfig())
    assert any("corrupt gzip data" in gap.message for gap in found.stats.coverage().gaps)


@pytest.mark.parametrize("cut", [1, 30])
def test_a_line_that_goes_on_in_the_next_member_is_one_line(cut: int, tmp_path: Path) -> None:
    text = "".join(map(line_of, events())).encode()
    size = len(text) // 30 + cut
    path = tmp_path / "log.gz"
    starts = range(0, len(text), size)
    path.write_bytes(b"".join(gzip.compress(text[at : at + size]) for at in starts))
    same_in_stretches(path)


def test_members_that_end_within_a_line_are_no_places_to_cut(tmp_path: Path) -> None:
    lines = [line_of(event).encode() for event in events()]
    path = tmp_path / "log.gz"
    texts = (b"".join(lines[at : at + 9]) + b'{"cut": ' for at in range(0, len(lines), 9))
    path.write_bytes(b"".join(map(gzip.compress, texts)))
    assert len(units(path)) > 3
    same_in_stretches(path)


def test_a_member_with_lines_of_another_kind_is_read_as_in_one_go(tmp_path: Path) -> None:
    lines = [line_of(event) for event in events()]
    path = tmp_path / "log.gz"
    broken = gzip.compress(b'{"this": "is no event"}\n{"timestamp": 1\n' + b"\n".join([b"x"] * 9))
    packed = members(lines, 20)
    path.write_bytes(b"".join([*packed[:10], broken, *packed[10:]]))
    same_in_stretches(path)


def as_tail(saved: list[LogEvent]) -> bytes:
    return tail([(e.timestamp_ms, e.log_stream or "-", e.message) for e in saved]).encode()


def as_lines_with_a_long_one(saved: list[LogEvent]) -> bytes:
    lines = [line_of(event) for event in saved]
    long = json.loads(lines[4]) | {"message": "x" * 3 * CHUNK_BYTES}
    return "".join([*lines[:20], json.dumps(long) + "\n", *lines[20:]]).encode()


@pytest.mark.parametrize("write", [as_tail, as_lines_with_a_long_one])
def test_text_is_cut_where_an_event_begins(
    write: Callable[[list[LogEvent]], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(write(events()))
    assert len(units(path)) > 3
    same_in_stretches(path)


def test_what_cannot_be_cut_is_one_unit(tmp_path: Path) -> None:
    saved = [json.loads(line_of(event)) for event in events()]
    document = tmp_path / "document.json"
    document.write_text(json.dumps({"events": saved}))
    one_member = tmp_path / "log.gz"
    one_member.write_bytes(gzip.compress("".join(map(line_of, events())).encode()))
    for path in (document, one_member):
        assert len(units(path)) == 1
        same_in_stretches(path)


@pytest.mark.parametrize("first", [1, 7, 30])
def test_two_events_on_one_line_are_two_events(first: int, tmp_path: Path) -> None:
    lines = [line_of(event) for event in events()]
    path = tmp_path / "log.jsonl"
    glued = lines[first].rstrip("\n") + lines[first + 1]
    path.write_text("".join([*lines[:first], glued, *lines[first + 2 :]]))
    (_, expected, _) = read_slowly(path, LogQuery())
    found = BulkReader(str(path)).read(LogQuery(), Markers(), FunctionConfig())
    around = PartitionContext(
        coverage=found.stats.coverage(), settings=FunctionConfig(), markers=Markers()
    )
    assert "unrecognised" not in [gap.kind for gap in around.coverage.gaps]
    assert around.coverage.events_read == len(lines)
    told = reduce_partition(found.part(0), found.readings, around)
    assert tally_of(told) == tally_of(expected.values())
