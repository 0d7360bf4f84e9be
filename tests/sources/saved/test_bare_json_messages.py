"""Messages of Lambda's JSON format beside printed text are not records of the Telemetry API."""

from __future__ import annotations

from pathlib import Path

from retryctl.app.options import SourceOptions
from retryctl.app.trace import trace
from retryctl.core.crosscheck.checked_request import CheckedRequest
from tests.support.lambda_log import ID, RUNTIME, Environment
from tests.support.saved_shapes import SHAPES


def _read(here: Environment, path: Path, only: str = "") -> CheckedRequest:
    rows = [(e.timestamp_ms, "", e.message) for e in here.events if only in e.message]
    path.write_text(SHAPES["messages of --query as text"][0](rows))
    (found,) = trace((), SourceOptions(source=str(path))).checked
    return found


def test_printed_lines_among_json_records_are_read(tmp_path: Path) -> None:
    here = Environment(json=True).inits(RUNTIME).starts().prints("0", "process A")
    here.reports(status="success")
    assert _read(here, tmp_path / "log").verdict.value == "agrees"


def test_json_records_of_one_id_alone_are_a_search(tmp_path: Path) -> None:
    here = Environment(json=True).inits(RUNTIME).starts().prints("0", "process A")
    here.reports(status="success")
    assert _read(here, tmp_path / "log", only=ID).verdict.value == "undetermined"
