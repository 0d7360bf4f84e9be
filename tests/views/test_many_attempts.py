"""An event source can retry for a day: its attempts are one screen in trace, one row in list."""

from __future__ import annotations

from pathlib import Path

from tests.support.lambda_log import ID, Environment
from tests.support.made_up_logs import line_of
from tests.support.program import run

ATTEMPTS = 1_440


def test_a_day_of_attempts_is_one_screen(tmp_path: Path) -> None:
    here = Environment("a", json=True)
    for number in range(ATTEMPTS):
        here.at(number * 60 if number > 3 else number * 3).runs(ID, ends="error")
    (tmp_path / "log.jsonl").write_text("".join(map(line_of, here.events)))
    traced = run("trace", ID, "--from", "log.jsonl", cwd=tmp_path)
    assert len(traced.stdout.splitlines()) < 40
    assert "attempts 9 to 1435 have no row: 1,427 × NameError" in traced.stdout
    listed = run("list", "--from", "log.jsonl", cwd=tmp_path)
    assert listed.stdout.count(ID) == 1
    assert len(listed.stdout.splitlines()) < 12
    counted = run("summary", "--from", "log.jsonl", cwd=tmp_path)
    assert "attempt 50 " in counted.stdout
    assert "attempt 51 " not in counted.stdout
    assert f"and {ATTEMPTS - 50:,} later attempts: --output json" in counted.stdout
    written = run("summary", "--from", "log.jsonl", "-o", "markdown", cwd=tmp_path)
    assert "| attempt 50 |" in written.stdout
    assert "| attempt 51 |" not in written.stdout
    assert f"| {ATTEMPTS - 50:,} more: --output json |" in written.stdout
