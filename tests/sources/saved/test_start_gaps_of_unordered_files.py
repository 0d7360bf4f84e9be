"""A file that is in neither order of time is examined for a cut at its start, as any other."""

from __future__ import annotations

from itertools import starmap
from pathlib import Path
from random import Random

import pytest

from retryctl.core.history.cut_log import BEGINS_LATE, FILTERED
from retryctl.core.model.events import LogEvent
from retryctl.sources.saved.files import find_files
from retryctl.sources.saved.start_gaps import HEAD_EVENTS, gaps_shown_by_start
from tests.support.lambda_log import ID, OTHER_ID, Environment, events_of
from tests.support.made_up_logs import line_of


def busy_log() -> list[LogEvent]:
    one, two, busy = (Environment(letter) for letter in "abc")
    one.at(0).runs(ID, ends="error")
    two.at(61).runs(ID, ends="error")
    one.at(183).runs(OTHER_ID)
    busy.at(400).runs(ID, *("an order" for _ in range(2 * HEAD_EVENTS)))
    return events_of(one, two, busy)


def gap_kinds(path: Path, events: list[LogEvent]) -> list[str]:
    path.write_text("".join(map(line_of, events)))
    first_ms = min(event.timestamp_ms for event in events)
    return [gap.kind for gap in gaps_shown_by_start(find_files(str(path), None), first_ms, {})]


def test_a_shuffled_file_shows_its_cut(tmp_path: Path) -> None:
    whole = busy_log()
    second = next(at for at, event in enumerate(whole) if event.log_stream != whole[0].log_stream)
    for events, kinds in ((whole, []), (whole[second:], [BEGINS_LATE])):
        assert gap_kinds(tmp_path / "ordered", events) == kinds
        for seed in range(5):
            shuffled = events[:]
            Random(seed).shuffle(shuffled)
            assert gap_kinds(tmp_path / "shuffled", shuffled) == kinds


def test_a_file_of_one_stream_after_the_other_shows_its_cut(tmp_path: Path) -> None:
    whole = busy_log()
    second = next(at for at, event in enumerate(whole) if event.log_stream != whole[0].log_stream)
    by_stream = sorted(whole[second:], key=lambda e: (e.log_stream or "")[::-1], reverse=True)
    assert by_stream[0].timestamp_ms > whole[second].timestamp_ms
    assert gap_kinds(tmp_path / "log", by_stream) == [BEGINS_LATE]


TAIL = "2026-11-23T03:00:0{}+00:00 2026/11/23/[$LATEST]a1 {}\n"


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ('process A\n--\n  File "app.py", line 3, in handler', [FILTERED]),
        ("process A\n--", [FILTERED]),
        ("Dear reader\n--\nThe shop", []),
        ("--", []),
    ],
)
def test_lines_that_grep_writes_between_groups_show_a_selection(
    line: str, kinds: list[str], tmp_path: Path
) -> None:
    texts = (f"START RequestId: {ID} Version: $LATEST", line, f"END RequestId: {ID}")
    log = tmp_path / "log.txt"
    log.write_text("".join(starmap(TAIL.format, enumerate(texts))))
    gaps = gaps_shown_by_start(find_files(str(log), None), 0, {})
    assert [gap.kind for gap in gaps if gap.kind == FILTERED] == kinds
    in_json = Environment("a").at(0).runs(ID, line).events
    assert gap_kinds(tmp_path / "log.jsonl", in_json) == []
