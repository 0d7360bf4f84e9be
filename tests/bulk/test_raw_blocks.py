"""Raw blocks: what their bytes show is what their lines, read one by one, give."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from io import BytesIO
from itertools import chain, pairwise
from random import Random

import pytest

from retryctl.bulk.chunk_blocks import ChunkBlocks
from retryctl.bulk.chunks import Chunk
from retryctl.bulk.line_kinds import UNCLEAR, LineKinds
from retryctl.sources.saved import raw_blocks
from retryctl.sources.saved.canonical_lines import HEAD_BYTES, HEADER, KEY
from retryctl.sources.saved.files import SavedFile
from retryctl.sources.saved.formats.json_event import line_event
from retryctl.sources.saved.formats.json_lines import JsonLines, json_lines_block
from retryctl.sources.saved.raw_blocks import BlockSpan, RawBlock, has_one_event_a_line
from tests.support.random_cases import seeds
from tests.support.saved_logs import T0, Event, document, fields, moment, tail

STREAMS = [f"2026/11/23/[$LATEST]{n:032x}" for n in range(40)]
MESSAGES = (
    *(
        "0\n",
        "process A\n",
        "",
        "\n",
        "a, b\n",
        'a "quoted" word\n',
        "2026-11-23T03:00:00 a time\n",
    ),
    *("first\nsecond\n", '{"json": true}\n', "}\n{", "tab\there\n", "żółć\n", "\\ and \\/\n"),
    *('            "timestamp": 1795402800123,\n', "        },\n        {\n", "    ]\n}\n"),
    *('1795402800123,"a row",x\n', f"2026-11-23T03:00:00.123000+00:00 {STREAMS[0]} inner\n"),
)
# lines of JSON that are not events, or of another layout
ODD_LINES = (
    *("\n", "not JSON\n", "{}\n", '{"logStreamName":"a"}\n', '{"timestamp":1795402800123}\n'),
    *(
        '{"logStreamName":"a","timestamp":17954028001',
        '{"message":"m","timestamp":1795402800123}\n',
    ),
    *('{"logStreamName":"2026\\/11","timestamp":1795402800123,"message":"m"}\n', "}\n", "\r\n"),
    *('{"timestamp":1,"message":"m","logStreamName":"a"}\n', '{"logStreamName":"a","tim\n'),
    *('{"logStreamName":"a","timestamp":1795402800123,"message":"m"}', '{"logGroupName":"g'),
    '{"logGroupName":"g","logStreamName":"a","timestamp":1795402800123,"message":"m"}\n',
)


def events(random: Random) -> list[Event]:
    """Some events, mostly in order of time, of few or of many streams."""
    streams = STREAMS[: random.choice((1, 3, 40))]
    made = [
        (T0 + random.randrange(10 ** random.randrange(1, 8)), random.choice(streams), message)
        for message in random.choices(MESSAGES, k=random.randrange(1, 60))
    ]
    return sorted(made) if random.random() < 0.7 else made


def json_lines_of(made: list[Event], random: Random) -> str:
    separators = random.choice(((",", ":"), (", ", ": ")))
    written = [json.dumps(fields(e, n), separators=separators) + "\n" for n, e in enumerate(made)]
    for _ in range(random.choice((0, 0, 1, 5))):
        written.insert(random.randrange(1, len(written) + 1), random.choice(ODD_LINES))
    for at, (line, after) in enumerate(pairwise(written)):
        if line.endswith("}") and "logStreamName" not in after:  # an object that is not an event
            written[at] += "\n"
    return "".join(written)


def rows_of(names: tuple[str, ...], time: Callable[[int], str], made: list[Event]) -> str:
    written = io.StringIO(newline="")
    table = csv.writer(written)
    table.writerow(names)
    table.writerows((time(ms), message, stream) for ms, stream, message in made)
    return written.getvalue()


def insights_time(timestamp_ms: int) -> str:
    return f"{moment(timestamp_ms):%Y-%m-%d %H:%M:%S}.{timestamp_ms % 1000:03d}"


SHAPES: dict[str, Callable[[list[Event], Random], str]] = {
    "lines": json_lines_of,
    "document": lambda made, _: document(made),
    "pages": lambda made, random: document(made[: random.randrange(9)]) + document(made),
    "array": lambda made, _: json.dumps([fields(e, n) for n, e in enumerate(made)], indent=2),
    "tail": lambda made, _: tail(made),
    "short": lambda made, _: tail(made, "short"),
    "console": lambda made, _: rows_of(("timestamp", "message", "logStreamName"), str, made),
    "insights": lambda made, _: rows_of(
        ("@timestamp", "@message", "@logStream"), insights_time, made
    ),
}


def as_read_by_lines(block: RawBlock) -> tuple[int, int, int, set[bytes]] | None:
    """What the canonical lines of a block give; ``None`` if one is not an event."""
    found = [line_event(line, 0) for line in BytesIO(block.canonical())]
    whole = [event for event in found if event]
    if not whole or len(whole) < len(found):
        return None
    times = [event.timestamp_ms for event in whole]
    return len(whole), min(times), max(times), {(e.log_stream or "").encode() for e in whole}


def check(block: RawBlock, span: BlockSpan, content: bytes) -> None:
    by_lines = as_read_by_lines(block)
    assert by_lines is not None, block.raw
    assert by_lines[:3] == span[:3]
    if span.streams is not None:
        assert by_lines[3] == span.streams
    if block.start is not None:  # it can be read from there once more
        assert content[block.start : block.start + len(block.raw)] == block.raw


def check_selection(block: RawBlock, streams: set[bytes]) -> None:
    """The lines of some streams are those of the whole block, also where others are left out."""

    def selected(content: bytes) -> list[bytes]:
        found = [(KEY.match(line), line) for line in BytesIO(content)]
        return [line for key, line in found if key and key[2] in streams]

    assert selected(block.canonical(streams)) == selected(block.canonical())


def check_columns(block: RawBlock) -> bool:
    """Whether the events are read in columns: they are those of the lines, and of their kinds."""
    columns = block.columns()
    if columns is None:
        return False
    lines = BytesIO(block.canonical()).readlines()
    assert [line_event(line, 0) for line in columns.lines()] == [line_event(x, 0) for x in lines]
    dealt = [part.lines() for part in columns.by_start()]
    assert sorted(chain.from_iterable(dealt)) == sorted(columns.lines())
    kinds = LineKinds(default_markers=True)
    for head, line in zip(columns.heads, lines, strict=True):
        header = HEADER.match(line)
        assert header
        own = kinds.kind(line[header.end() :][:HEAD_BYTES])
        assert kinds.kind(head[columns.head_at :]) in (own, UNCLEAR), head
    return True


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_size(size: int) -> None:
        monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", size)

    return set_size


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", seeds(20, 2_000))
def test_a_span_is_what_the_lines_give(
    seed: int, shape: str, small_blocks: Callable[[int], None]
) -> None:
    random = Random(seed)
    content = SHAPES[shape](events(random), random).encode()
    small_blocks(random.choice((64, 300, 2_000, 1 << 17)))
    file = SavedFile(name="log", size=len(content), open=lambda: BytesIO(content))
    for saved_format in (None, JsonLines()) if shape == "lines" else (None,):
        blocks = list(ChunkBlocks(Chunk(file=file, format=saved_format), lambda _: None))
        assert blocks
        for block in blocks:
            if span := block.span():
                check(block, span, content)
            if block.names_streams:
                check_selection(block, {name.encode() for name in STREAMS[::2]})
            check_columns(block)


@pytest.mark.parametrize("shape", ["document", "array", "tail", "console", "insights"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_events_of_every_shape_are_read_in_columns(shape: str, end: str) -> None:
    words = ("[INFO]\tfine", '"quoted"', "\tindented", "two\nlines", "[ERROR] E: no", "0", "{}", "")
    made = [(T0 + n, STREAMS[n % 2], word + end) for n, word in enumerate(words) if word + end]
    content = SHAPES[shape](made, Random(0)).encode()
    file = SavedFile(name="log", size=len(content), open=lambda: BytesIO(content))
    text = shape in ("console", "insights")  # a message without a comma or a quote has no quotes
    blocks = [*ChunkBlocks(Chunk(file=file), lambda _: None)]
    assert any(map(check_columns, blocks)) is not (text and not end)


@pytest.mark.parametrize("blank", ["", " "])
def test_lines_with_a_late_stream_become_canonical_and_keep_their_events(blank: str) -> None:
    separators = (f",{blank}", f":{blank}")
    named: list[dict[str, str]] = [{}, {"logGroupName": "/aws/lambda/a"}, {"eventId": "3"}]
    lines = [
        json.dumps(
            {"timestamp": T0, "message": message, "logStreamName": STREAMS[0], **more},
            separators=separators,
        ).encode()
        + b"\n"
        for message in MESSAGES
        for more in named
    ]
    odd = [line.encode() for line in ODD_LINES if line.endswith("\n")]
    block = json_lines_block(b"".join([*lines, *odd]), 0)
    converted = BytesIO(block.canonical()).readlines()
    assert all(HEADER.match(line) for line in converted[: len(lines)])
    assert [line_event(line, 0) for line in converted] == [
        line_event(line, 0) for line in [*lines, *odd]
    ]


STREAM = b'{"logStreamName":"a","timestamp":1795402800123,"message":"0\\n"}'
GROUP = b'{"logGroupName":"g",' + STREAM[1:]


@pytest.mark.parametrize(
    ("block", "lines", "expected"),
    [
        (STREAM + b"\n", 1, True),
        (STREAM + b"\n" + STREAM + b"\n", 2, True),
        (GROUP + b"\n" + GROUP + b"\n", 2, True),
        (GROUP + b"\n" + STREAM + b"\n", 2, False),
        (STREAM + b"\n" + GROUP + b"\n", 2, False),
        (STREAM + STREAM + b"\n", 1, False),
        (STREAM + GROUP + b"\n", 1, False),
        (GROUP + STREAM + b"\n", 1, False),
        (STREAM + b"\r\n" + STREAM + b"\r\n", 2, False),
        (STREAM + b"\n" + STREAM, 2, False),
        (STREAM[:-9] + b"\n" + STREAM + b"\n", 2, False),
        (STREAM + b"\n\n" + STREAM + b"\n", 3, False),
        (b"\n" + STREAM + b"\n", 2, False),
        (STREAM + b"\n}\n", 2, False),
        (b"", 0, False),
    ],
)
def test_a_block_shows_that_each_line_is_one_event(
    block: bytes, lines: int, expected: bool
) -> None:
    assert has_one_event_a_line(block, lines) is expected
