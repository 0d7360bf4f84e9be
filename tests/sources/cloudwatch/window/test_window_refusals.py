"""What cannot be read or saved of a window is an error, and no empty window."""

from __future__ import annotations

from pathlib import Path

import pytest

from retryctl.errors import ExitStatus
from retryctl.sources.cloudwatch.window_download import NotSaved
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.window.saved_window import ask, counting, load, saved

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.mark.parametrize("command", ["summary", "list", "check"])
def test_one_page_and_then_nothing_is_no_empty_window(endpoint: Endpoint, command: str) -> None:
    load(endpoint, counting(10))
    endpoint.faults.script["FilterLogEvents"].extend([None, *["denied"] * 100])
    done = ask(endpoint, command)
    assert (done.returncode, done.stdout) == (ExitStatus.COULD_NOT_READ, "")
    assert "AccessDenied" in done.stderr


@pytest.mark.parametrize("engine", ["filter", "insights"])
def test_a_folder_that_takes_nothing_is_an_error(
    endpoint: Endpoint, engine: str, folder: Path
) -> None:
    load(endpoint, counting(5))
    with pytest.raises(NotSaved, match="No such file or directory") as raised:
        saved(endpoint, folder / "gone" / "000000", engine=engine)
    assert "TMPDIR" in raised.value.next_step
    assert raised.value.status is ExitStatus.COULD_NOT_READ
