"""Lost lines in a log that is too large to be read whole for one request."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from retryctl.bulk import reader
from retryctl.core.model.coverage import LogQuery
from tests.support.lambda_log import ID, Environment
from tests.support.made_up_logs import line_of
from tests.support.program import run

OTHER = "11111111-0d3f-4697-b07a-ac58fc914c95"
EXAMINED = reader.EXAMINED_BYTES


def write(path: Path, *, lost: bool, packed: bool) -> Path:
    """Write two streams; one has ``ID``, the other has ``lost`` a START between two attempts."""
    here, there = Environment("a").runs(ID, "0", "process A"), Environment("b")
    for number in range(20):
        there.at(number * 10).runs(OTHER.replace("11111111", f"{number:08x}"), "fine")
    starts = [event for event in there.events if event.message.startswith("START")]
    kept = [event for event in there.events if not (lost and event is starts[1])]
    text = "".join(map(line_of, [*here.events, *kept])).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    return path


def answer(path: Path, *command: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*command, "--from", str(path), "-o", "json").stdout)
    return found


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("examined", [0, EXAMINED])
@pytest.mark.parametrize("lost", [False, True])
def test_a_loss_concerns_every_request_unless_only_its_own_streams_are_read(
    lost: bool, examined: int, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "EXAMINED_BYTES", examined)
    path = write(tmp_path / "log", lost=lost, packed=packed)
    (row,) = (row for row in answer(path, "list")["requests"] if row["request_id"] == ID)
    traced = reader.BulkReader(str(path)).trace(LogQuery()).requests
    (whole,) = (one.verdict.value for one in traced if one.request.request_id == ID)
    (alone,) = answer(path, "trace", ID)["requests"]
    assert row["verdict"] == whole == ("undetermined" if lost else "agrees")
    assert alone["verdict"] == ("undetermined" if lost and examined else "agrees")
    assert run("check", "--from", str(path)).returncode == (5 if lost else 0)
    text = " ".join(run("trace", ID, "--from", str(path)).stdout.split())
    limited = "Only the log streams of this request were examined for lost lines: retryctl list"
    assert (limited in text) is (examined == 0)
    assert ("The log is complete." in text) is (not lost and examined > 0)


def test_the_size_of_a_log_is_that_of_its_decoded_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = write(tmp_path / "plain", lost=True, packed=False)
    packed = write(tmp_path / "packed", lost=True, packed=True)
    for size, verdict in ((0, "undetermined"), (-1, "agrees")):
        monkeypatch.setattr(reader, "EXAMINED_BYTES", text.stat().st_size + size)
        for path in (text, packed):
            assert answer(path, "trace", ID)["requests"][0]["verdict"] == verdict
