"""A saved log that begins in the middle of a longer one has a gap before its first event."""

from __future__ import annotations

from pathlib import Path

import pytest

from retryctl.core.history.cut_log import BEGINS_LATE, FILTERED
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.sources.saved import start_gaps
from tests.support.lambda_log import Environment, events_of
from tests.support.made_up_logs import line_of
from tests.support.reference_reader import SavedLog


def log() -> list[LogEvent]:
    environments = [Environment(letter) for letter in "abc"]
    for number in range(12):
        here = environments[number % 3]
        here.at(10 * number).runs(f"{number:08d}-1111-4222-8333-444444444444")
    return events_of(*environments)


def kinds(path: Path) -> list[str]:
    saved = SavedLog(str(path))
    list(saved.read(LogQuery()))
    return [gap.kind for gap in saved.coverage().gaps]


def save(path: Path, events: list[LogEvent]) -> Path:
    path.write_text("".join(map(line_of, events)))
    return path


def behind_the_first_init(events: list[LogEvent]) -> list[LogEvent]:
    return events[1:]


def test_a_whole_log_has_no_gap(tmp_path: Path) -> None:
    assert kinds(save(tmp_path / "log.jsonl", log())) == []
    assert kinds(save(tmp_path / "log.jsonl", log()[::-1])) == []


def test_a_log_without_its_first_lines_has_one(tmp_path: Path) -> None:
    path = save(tmp_path / "log.jsonl", behind_the_first_init(log()))
    assert kinds(path) == [BEGINS_LATE]


def test_half_a_first_line_is_one(tmp_path: Path) -> None:
    path = save(tmp_path / "log.jsonl", log())
    path.write_text(path.read_text()[40:])
    assert kinds(path)[-1] == BEGINS_LATE


@pytest.mark.parametrize("cut", [False, True])
def test_the_first_events_of_a_large_file_are_enough(
    cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_gaps, "HEAD_EVENTS", 14)
    events = behind_the_first_init(log()) if cut else log()
    assert kinds(save(tmp_path / "log.jsonl", events)) == [BEGINS_LATE] * cut


@pytest.mark.parametrize("cut", [False, True])
def test_the_last_events_of_a_large_file_that_is_newest_first_are_enough(
    cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_gaps, "HEAD_EVENTS", 14)
    events = behind_the_first_init(log()) if cut else log()
    assert kinds(save(tmp_path / "log.jsonl", events[::-1])) == [BEGINS_LATE] * cut


@pytest.mark.parametrize("head", [1_000, 5, 14])
def test_a_stream_may_begin_in_another_file(
    head: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_gaps, "HEAD_EVENTS", head)
    events = log()
    save(tmp_path / "2.jsonl", events[:20])
    save(tmp_path / "1.jsonl", events[20:])
    assert kinds(tmp_path) == []


def save_parts(folder: Path, events: list[LogEvent], *, newest_first: bool = False) -> None:
    for first in range(0, len(events), 4):
        part = events[first : first + 4]
        save(folder / f"{first:03d}.jsonl", part[::-1] if newest_first else part)


@pytest.mark.parametrize("cut", [False, True])
def test_the_files_that_begin_first_of_many_are_enough(
    cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_gaps, "MOST_FILES", 4)
    save_parts(tmp_path, behind_the_first_init(log()) if cut else log())
    assert kinds(tmp_path) == [BEGINS_LATE] * cut


def test_the_start_of_many_files_that_are_newest_first_is_not_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_gaps, "MOST_FILES", 4)
    save_parts(tmp_path, log(), newest_first=True)
    saved = SavedLog(str(tmp_path))
    list(saved.read(LogQuery()))
    (gap,) = saved.coverage().gaps
    assert gap.hides_attempts
    assert "not examined" in gap.message


@pytest.mark.parametrize("words", [("START", "REPORT"), ("REPORT",)])
def test_a_selection_of_lines_is_no_whole_log(words: tuple[str, ...], tmp_path: Path) -> None:
    events = [event for event in log() if event.message.startswith(words)]
    assert FILTERED in kinds(save(tmp_path / "log.jsonl", events))
