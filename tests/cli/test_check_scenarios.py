"""Each ``scenarios/check/*.toml`` pins a log and a command in, and all that ``check`` says out.

The log is written as in the scenarios of ``trace``; ``[files]`` are others that lie beside it.
The whole text and the whole JSON stand in ``.txt`` and ``.json``. ``REWRITE_SCENARIOS=1`` writes
them anew: read the difference before you commit it.
"""

import shlex
import tomllib
from pathlib import Path

import pytest

from tests.cli.test_scenarios import FOLDER, _compare, _write_log
from tests.support.program import run

SCENARIOS = sorted((FOLDER / "check").glob("*.toml"))


def test_there_are_scenarios_of_every_exit_status() -> None:
    statuses = {tomllib.loads(path.read_text("utf-8"))["exit_status"] for path in SCENARIOS}
    assert len(SCENARIOS) >= 10
    assert statuses == {0, 1, 2, 4, 5}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path, tmp_path: Path) -> None:
    scenario = tomllib.loads(path.read_text(encoding="utf-8"))
    _write_log(scenario, tmp_path)
    for name, text in scenario.get("files", {}).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    program, *command = shlex.split(scenario["command"])
    assert program == "retryctl"
    for ending, more in ((".txt", ()), (".json", ("--output", "json"))):
        told = run(*command, *more, cwd=tmp_path)
        expected = (scenario["exit_status"], scenario.get("stderr", ""))
        assert (told.returncode, told.stderr) == expected
        _compare(path.with_suffix(ending), told.stdout)
