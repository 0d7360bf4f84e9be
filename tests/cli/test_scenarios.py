"""Each ``scenarios/**/*.toml`` states log events and a command, and the whole answer.

The folder ``check``, ``list`` or ``summary`` names the command, those of ``trace`` lie above.
A scenario has the command line and the exit status, for ``trace`` also each request's outcome,
verdict, attempts and findings; beside it are the whole text (``.txt``) and JSON (``.json``). A bug
report becomes one more scenario. ``REWRITE_SCENARIOS=1`` writes the two files again: read the
difference before you commit it.

The log is ``log``, a file beside the scenario; or ``events_of``, another scenario; or ``events``,
one a line: time of day on 23 November 2026, short name of the stream (``[streams]``), message,
with ``⇥`` for a tab and ``⏎`` for a newline. With ``export`` the log is ``log.csv``, in that shape
of ``saved_shapes``. ``[files]`` are other files beside the log.
"""

import json
import os
import shlex
import shutil
import tomllib
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from tests.support.program import run
from tests.support.saved_shapes import SHAPES

FOLDER = Path(__file__).parents[1] / "scenarios"
SCENARIOS = sorted(FOLDER.rglob("*.toml"))
MIDNIGHT_MS = 1_795_392_000_000  # 2026-11-23T00:00:00Z
REWRITE = bool(os.environ.get("REWRITE_SCENARIOS"))


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_check_has_scenarios_of_every_exit_status() -> None:
    statuses = {_read(path)["exit_status"] for path in (FOLDER / "check").glob("*.toml")}
    assert statuses == {0, 1, 2, 4, 5}


def test_the_markers_in_the_documentation_are_those_of_a_scenario() -> None:
    settings = _read(FOLDER / "check" / "node-logger.toml")["files"]["retryctl.toml"]
    page = (FOLDER.parents[1] / "docs" / "ci.md").read_text(encoding="utf-8")
    assert indent(settings, "  ") in page


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: str(path.relative_to(FOLDER))[:-5])
def test_scenario(path: Path, tmp_path: Path) -> None:
    scenario = _read(path)
    _write_log(scenario, path.parent, tmp_path)
    for name, text in scenario.get("files", {}).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    program, *command = shlex.split(scenario["command"])
    assert program == "retryctl"
    for ending, more in ((".txt", ()), (".json", ("--output", "json"))):
        printed = run(*command, *more, cwd=tmp_path)
        expected = (scenario["exit_status"], scenario.get("stderr", ""))
        stderr = _as_text(printed.stderr) if ending == ".json" else printed.stderr
        assert (printed.returncode, stderr) == expected
        _compare(path.with_suffix(ending), printed.stdout)
    if "requests" in scenario:
        requests = json.loads(printed.stdout)["requests"]
        assert [_summary(request, scenario) for request in requests] == scenario["requests"]


def _write_log(scenario: dict[str, Any], beside: Path, folder: Path) -> None:
    """Write the scenario's log: the file of its own name, or its events as ``log.jsonl``."""
    if "log" in scenario:
        shutil.copy(beside / scenario["log"], folder)
        return
    if "events_of" in scenario:
        scenario = _read(beside / scenario["events_of"])
    lines = [line for line in scenario["events"].splitlines() if line]
    if "export" in scenario:
        write, _ = SHAPES[scenario["export"]]
        rows = [_event(line, 0, scenario) for line in lines]
        events = [(row["timestamp"], row["logStreamName"], row["message"]) for row in rows]
        (folder / "log.csv").write_text(write(events), encoding="utf-8")
        return
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


def _as_text(stderr: str) -> str:
    """Return stderr with an error in JSON, its last line, as it is printed beside text."""
    *before, last = stderr.splitlines(keepends=True) or [""]
    if not last.startswith("{"):
        return stderr
    error = json.loads(last)
    lines = (f"retryctl: {error['what'].rstrip('.')}.", *(error["next_step"] or "").splitlines())
    return "".join([*before, *(f"{line}\n" for line in lines)])
