"""Records whose request IDs are masked, or whose lines were cut: what the program says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from retryctl.errors import ExitStatus
from tests.support.program import run
from tests.support.saved_logs import ID, OTHER_ID

MASKED = ["123", "REDACTED", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "<requestId>"]
LINES = (
    "START RequestId: {0} Version: $LATEST",
    "working",
    "END RequestId: {0}",
    "REPORT RequestId: {0}\tDuration: 2.00 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB",
)


@pytest.mark.parametrize("masked", MASKED)
@pytest.mark.parametrize("before", ["", "2026-11-23T03:00:00.123Z\t"])
@pytest.mark.parametrize("command", ["list", "trace", "summary", "check"])
def test_masked_request_ids_are_named_as_the_cause(
    before: str, masked: str, command: str, tmp_path: Path
) -> None:
    text = "".join(f"{before}{line.format(masked)}\n" for line in LINES)
    (tmp_path / "log").write_text(text)
    done = run(command, "--from", str(tmp_path / "log"))
    assert done.returncode == ExitStatus.COULD_NOT_READ
    said = " ".join(done.stderr.split())
    assert "masked or shortened" in said
    assert repr(masked) in said
    assert "save the log" in said.casefold()


def test_a_start_that_breaks_off_is_a_gap_that_names_the_cause(tmp_path: Path) -> None:
    row = "2026-11-23T03:00:0{0}.000Z\t{1}\n"
    whole = "".join(row.format(n, line.format(ID)) for n, line in enumerate(LINES))
    cut = row.format(5, f"START RequestId: {OTHER_ID} Version") + ": $LATEST, and more\n"
    (tmp_path / "log").write_text(whole + cut)
    done = run("list", "--from", str(tmp_path / "log"), "-o", "json")
    assert "lines of START break off" in done.stdout
    assert "The log is complete" not in run("list", "--from", str(tmp_path / "log")).stdout
