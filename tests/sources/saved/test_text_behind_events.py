"""Text behind the last event of a saved log, and a last row that breaks off."""

from __future__ import annotations

from pathlib import Path

import pytest

from retryctl.app.options import SourceOptions
from retryctl.app.trace import TraceResult, trace
from retryctl.core.model.request import RequestOutcome
from tests.support.lambda_log import ID, OTHER_ID, THIRD_ID, Environment, events_of
from tests.support.saved_logs import Event
from tests.support.saved_shapes import SHAPES

PROMPT = "^C\nme@host:~$ \n"
TEXT_SHAPES = [
    *("Insights Markdown", "pasted rows", "pasted rows with streams", "pasted rows, stream first"),
    *("pasted rows with streams, no header", "rows between bars", "times above messages"),
    *("rows with bars", "S3 export", "aws logs tail", "aws logs tail --format short"),
    *("aws logs --output text", "ms and message", "ms, stream and message", "jq todate"),
    *("sam logs", "awslogs get --timestamp", "saw get --pretty"),
    *("console CSV", "console CSV with streams", "Insights CSV", "messages"),
]


def events() -> list[Event]:
    one, two = Environment("a"), Environment("b")
    one.at(0).runs(ID, "0", "process A", ends="error")
    two.at(10).runs(OTHER_ID, "0", "process A")
    two.at(70).runs(ID, "1", "process B")
    found = sorted(events_of(one, two), key=lambda event: event.timestamp_ms)
    return [(each.timestamp_ms, each.log_stream or "", each.message) for each in found]


def traced(path: Path, text: str) -> TraceResult:
    path.write_text(text)
    return trace((), SourceOptions(source=str(path)))


def outcomes(result: TraceResult) -> dict[str, RequestOutcome]:
    return {one.request.request_id: one.request.outcome for one in result.checked}


def streams(result: TraceResult) -> set[str | None]:
    return {each.log_stream for one in result.checked for each in one.request.attempts}


@pytest.mark.parametrize("shape", TEXT_SHAPES)
def test_text_behind_the_last_event_changes_nothing(shape: str, tmp_path: Path) -> None:
    text = SHAPES[shape][0](events())
    clean, noisy = (traced(tmp_path / "log", text + behind) for behind in ("", PROMPT))
    assert outcomes(clean)[ID] is RequestOutcome.RECOVERED
    assert outcomes(noisy) == outcomes(clean)
    assert streams(noisy) == streams(clean)
    assert not any(gap.hides_attempts for gap in noisy.coverage.gaps)


@pytest.mark.parametrize("shape", TEXT_SHAPES[:-1])
def test_records_behind_the_last_event_are_a_gap(shape: str, tmp_path: Path) -> None:
    behind = f"me@host:~$ cat other\nSTART RequestId: {THIRD_ID} Version: $LATEST\n"
    result = traced(tmp_path / "log", SHAPES[shape][0](events()) + behind)
    assert [gap.kind for gap in result.coverage.gaps if gap.hides_attempts] == ["not-understood"]
    assert outcomes(result)[OTHER_ID] is RequestOutcome.UNKNOWN


def test_a_report_in_json_ends_with_its_line(tmp_path: Path) -> None:
    one = Environment("a", json=True)
    one.at(0).runs(ID, ends="error")
    one.at(70).runs(ID)
    found = [(each.timestamp_ms, each.log_stream or "", each.message) for each in events_of(one)]
    text = SHAPES["aws logs tail"][0](found)
    clean, noisy = (traced(tmp_path / "log", text + behind) for behind in ("", PROMPT))
    assert outcomes(noisy) == outcomes(clean)


@pytest.mark.parametrize(
    "shape",
    [
        *("console CSV with streams", "Insights CSV", "Insights Markdown", "aws logs tail"),
        *("pasted rows with streams", "pasted rows with streams, no header"),
        *("ms, stream and message", "sam logs"),
    ],
)
@pytest.mark.parametrize("left", [12, 30, 50])
def test_a_name_that_breaks_off_is_no_stream(shape: str, left: int, tmp_path: Path) -> None:
    found = events()
    text = SHAPES[shape][0](found)
    whole = traced(tmp_path / "log", text)
    cut = traced(tmp_path / "log", text[: text.rindex(found[-1][1]) + left])
    assert streams(cut) <= streams(whole)
    assert [gap.kind for gap in cut.coverage.gaps] == ["truncated"]


def test_a_name_of_a_group_that_breaks_off_is_no_group(tmp_path: Path) -> None:
    text = SHAPES["Insights CSV"][0](events())
    whole, cut = (traced(tmp_path / "log", each) for each in (text, text[:-4]))
    assert cut.coverage.log_groups == whole.coverage.log_groups
    assert [gap.kind for gap in cut.coverage.gaps] == ["truncated"]


def test_a_file_without_its_last_line_end_is_whole_but_for_a_report(tmp_path: Path) -> None:
    for shape in TEXT_SHAPES:
        if shape not in ("messages", "Insights Markdown"):
            write, before_report = SHAPES[shape][0], events()[:-1]
            result = traced(tmp_path / "log", write(before_report).rstrip("\n"))
            assert not [gap for gap in result.coverage.gaps if gap.kind == "truncated"], shape


@pytest.mark.parametrize("shape", ["messages", "aws logs tail", "sam logs", "pasted rows"])
def test_a_last_line_that_breaks_off_within_json_is_cut(shape: str, tmp_path: Path) -> None:
    one = Environment("a", json=True)
    one.at(0).runs(ID, ends="error")
    found = [(each.timestamp_ms, each.log_stream or "", each.message) for each in events_of(one)]
    whole = SHAPES[shape][0](found).rstrip("\n")
    assert not traced(tmp_path / "log", whole).coverage.gaps
    cut = traced(tmp_path / "log", whole[:-9])
    assert "truncated" in [gap.kind for gap in cut.coverage.gaps if gap.hides_attempts]
    assert outcomes(cut) == {ID: RequestOutcome.UNKNOWN}
