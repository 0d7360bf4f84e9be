"""Each ``scenarios/*.toml`` pins log events in, and all that is told of them out.

A scenario names a command line, its exit status, and for each request the outcome, verdict,
attempts and findings; beside it lie the whole text (``.txt``) and JSON (``.json``). A bug
report becomes one more scenario. ``REWRITE_SCENARIOS=1`` writes the two files anew: read the
difference before you commit it.

Its log is either ``log``, a file beside it, or ``events``, one a line: time of day on
23 November 2026, short name of the stream (``[streams]``), message, with ``⇥`` for a tab
and ``⏎`` for a newline.
"""

import json
import os
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import run

FOLDER = Path(__file__).parents[1] / "scenarios"
SCENARIOS = sorted(FOLDER.glob("*.toml"))
MIDNIGHT_MS = 1_795_392_000_000  # 2026-11-23T00:00:00Z
REWRITE = bool(os.environ.get("REWRITE_SCENARIOS"))


@pytest.fixture(params=SCENARIOS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    file: Path = request.param
    return file


def test_scenario(path: Path, tmp_path: Path) -> None:
    scenario = tomllib.loads(path.read_text(encoding="utf-8"))
    _write_log(scenario, tmp_path)
    command = shlex.split(scenario["command"])
    assert command.pop(0) == "retryctl"
    text = run(*command, cwd=tmp_path)
    assert (text.returncode, text.stderr) == (scenario["exit_status"], scenario.get("stderr", ""))
    told = run(*command, "--output", "json", cwd=tmp_path)
    assert told.returncode == scenario["exit_status"]
    document = json.loads(told.stdout)
    assert [_summary(request, scenario) for request in document["requests"]] == scenario["requests"]
    _compare(path.with_suffix(".txt"), text.stdout)
    _compare(path.with_suffix(".json"), told.stdout)


def _write_log(scenario: dict[str, Any], folder: Path) -> None:
    """The scenario's log as the file of its own name, or its events as ``log.jsonl``."""
    if "log" in scenario:
        shutil.copy(FOLDER / scenario["log"], folder)
        return
    lines = [line for line in scenario["events"].splitlines() if line]
    with (folder / "log.jsonl").open("w", encoding="utf-8") as file:
        for number, line in enumerate(lines):
            print(json.dumps(_event(line, number, scenario)), file=file)


def _event(line: str, number: int, scenario: dict[str, Any]) -> dict[str, Any]:
    clock, stream, message = line.split(" ", 2)
    hours, minutes, seconds = clock.split(":")
    timestamp = MIDNIGHT_MS + round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)
    return {
        "eventId": str(10**50 * timestamp + number),
        "logGroupName": scenario["log_group"],
        "logStreamName": scenario["streams"][stream],
        "timestamp": timestamp,
        "message": message.replace("⇥", "\t").replace("⏎", "\n"),
    }


def _summary(request: dict[str, Any], scenario: dict[str, Any]) -> dict[str, Any]:
    """A request of the JSON in the few words of a scenario."""
    short = {name: key for key, name in scenario.get("streams", {}).items()}
    return {
        "id": request["request_id"],
        "outcome": request["outcome"],
        "verdict": request["verdict"],
        "attempts": [
            " ".join(
                str(word)
                for word in (
                    attempt["number"],
                    short.get(attempt["log_stream"], attempt["log_stream"]),
                    attempt["outcome"],
                    attempt["counter"]["logged"],
                    attempt["branch"]["logged"],
                    attempt["check"],
                )
            ).replace("None", "-")
            for attempt in request["attempts"]
        ],
        "findings": [
            " ".join(str(word) for word in (finding["rule"], finding["attempt"]) if word)
            for finding in request["findings"]
        ],
    }


def _compare(path: Path, output: str) -> None:
    if REWRITE:
        path.write_text(output, encoding="utf-8")
    assert output == path.read_text(encoding="utf-8")
