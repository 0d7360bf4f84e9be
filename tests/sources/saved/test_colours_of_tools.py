"""Codes of colour that grep and pagers put into a log hide neither an error nor a claim."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retryctl.app.options import SourceOptions
from retryctl.app.trace import trace
from tests.support.lambda_log import ID, RUNTIME, Environment
from tests.support.saved_shapes import SHAPES


def _by_grep(text: str) -> str:
    return re.sub("(ERROR|process)", "\x1b[01;31m\x1b[K\\1\x1b[m\x1b[K", text)


def _by_viewer(text: str) -> str:
    return re.sub("(ERROR|Traceback|process)", "\x1b[31m\\1\x1b[0m", text)


def _before_each_line(text: str) -> str:
    return "".join(f"\x1b[0m{line}" for line in text.splitlines(keepends=True))


@pytest.mark.parametrize(
    ("shape", "colour"),
    [
        *((shape, _by_grep) for shape in ("console CSV", "messages", "pasted rows")),
        *((shape, _by_viewer) for shape in ("console CSV", "messages", "aws logs tail")),
        *((shape, _before_each_line) for shape in ("aws logs tail", "messages")),
        ("aws logs tail", _by_grep),
    ],
)
def test_an_error_and_a_claim_are_read_behind_codes_of_colour(
    shape: str, colour: object, tmp_path: Path
) -> None:
    here = Environment().inits(RUNTIME)
    for number, branch in enumerate("ABC"):
        here.at(number * 65).runs(ID, str(number), f"process {branch}", ends="error")
    text = SHAPES[shape][0]([(e.timestamp_ms, e.log_stream or "", e.message) for e in here.events])
    assert callable(colour)
    (tmp_path / "log").write_text(colour(text))
    (found,) = trace((), SourceOptions(source=str(tmp_path / "log"))).checked
    assert [each.outcome.value for each in found.request.attempts] == ["error"] * 3
    assert found.verdict.value == "agrees"
