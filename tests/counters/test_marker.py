"""The marker: the line that states what an attempt counted and ran."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from retryctl.counters import log_marker
from tests.support.counters_world import ROOT, STREAM, Context


def test_the_marker_to_the_letter(handler: Any, capsys: pytest.CaptureFixture[str]) -> None:
    handler.failed_attempt()
    line = capsys.readouterr().out
    assert re.fullmatch(
        r'\{"retryctl": 1, "request_id": "8f507cfc-0d3f-4697-b07a-ac58fc914c95", "counter": 0, '
        r'"branch": "A", "store": "tmp", "recorded": true, "counts": "failures", '
        r'"environment": "2026/11/23/\[\$LATEST\]0123456789abcdef0123456789abcdef", '
        r'"level": "INFO", "timestamp": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}\n',
        line,
    )


def marker(capsys: pytest.CaptureFixture[str], **fields: Any) -> Any:
    values = {"counter": 0, "branch": "A", "store": "tmp", "recorded": True, **fields}
    log_marker(values.pop("context", Context()), **values)
    return json.loads(capsys.readouterr().out)


def test_the_markers_time_is_utc_with_milliseconds(capsys: pytest.CaptureFixture[str]) -> None:
    said = marker(capsys, clock=lambda: 1_795_435_200.0625)
    assert said["timestamp"] == "2026-11-23T12:00:00.062Z"


@pytest.mark.parametrize(
    ("function_level", "level"),
    [("TRACE", "INFO"), ("INFO", "INFO"), ("WARN", "WARN"), ("ERROR", "ERROR"), ("FATAL", "FATAL")],
)
def test_the_marker_passes_the_functions_own_log_level(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    function_level: Any,
    level: str | None,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", function_level)
    assert marker(capsys)["level"] == level


def test_an_error_stays_one_line_of_ascii_and_of_bounded_length(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_marker(
        Context(), counter=None, branch="A", store="tmp", recorded=False, error="näh\n\r" * 500
    )
    line = capsys.readouterr().out
    assert line.isascii()
    assert line.endswith("}\n")
    assert len(line.splitlines()) == 1
    assert len(json.loads(line)["error"]) == 300


def test_the_environment_is_also_found_without_the_contexts_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", STREAM)
    assert marker(capsys, context=object())["environment"] == STREAM
    monkeypatch.delenv("AWS_LAMBDA_LOG_STREAM_NAME")
    assert marker(capsys, context=object())["environment"] is None


def test_fifty_threads_print_whole_lines() -> None:
    script = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from retryctl.counters import log_marker\n"
        "def say(n):\n"
        "    log_marker(None, counter=n, branch='C', store='s3', recorded=True)\n"
        "with ThreadPoolExecutor(50) as threads: list(threads.map(say, range(500)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert sorted(json.loads(line)["counter"] for line in done.stdout.splitlines()) == [*range(500)]
