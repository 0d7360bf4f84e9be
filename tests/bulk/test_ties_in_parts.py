"""Exports of Logs Insights, read in parts of any size: each gives the same answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from retryctl.app.options import SourceOptions
from retryctl.bulk import line_scanner
from retryctl.sources.saved import raw_blocks
from tests.support.insights_exports import EXPORTS, rows_of
from tests.support.lambda_log import ID, OTHER_ID, Environment
from tests.support.log_answers import Answers, answers, contradictions
from tests.support.saved_logs import GROUP, Event

SIZES = [(1, 1), (1, 1_500), (500, 2), (500, 9), (1 << 17, 1), (1 << 17, 5), (1 << 17, 1_500)]
"""Bytes of a block, and lines that are dealt out at once."""


@pytest.fixture
def read_in_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[Answers]]:
    """Read an export in parts of each size."""

    def read(text: str) -> list[Answers]:
        (tmp_path / "export").write_text(text)
        found = []
        for block_bytes, lines in SIZES:
            monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", block_bytes)
            monkeypatch.setattr(line_scanner, "LINES_AT_ONCE", lines)
            source = SourceOptions(source=str(tmp_path / "export"), log_groups=(GROUP,))
            found.append(answers(source))
        return found

    return read


@pytest.mark.parametrize("shape", EXPORTS)
def test_an_integer_before_the_start_is_no_counter(
    shape: str, read_in_parts: Callable[[str], list[Answers]]
) -> None:
    """The last line of the attempt before would make that of this one a doubt."""
    here = Environment().at(1).runs(OTHER_ID).prints("3")
    here.at(1.999).runs(ID, "1", "process A", "order 17")
    rows: list[Event] = [(ms // 2 * 2, stream, text) for ms, stream, text in rows_of(here.events)]
    for found in read_in_parts(EXPORTS[shape](rows)):
        (attempt,) = found.requests[ID].request.attempts
        assert (attempt.claim.counter, attempt.claim.branch) == (1, "A")
        assert found.requests[ID].verdict.value == "disagrees"
        assert not [*contradictions(found), *found.gaps["check"]]
