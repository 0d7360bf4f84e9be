"""Rows that hang a reader whose patterns go back over what they matched."""

from __future__ import annotations

from io import BytesIO

import pytest

from retryctl.sources.saved.altered_records import gaps_of_altered_records
from retryctl.sources.saved.files import SavedFile
from tests.support.saved_logs import ID, STREAM, T0, read_bytes
from tests.support.saved_shapes import SHAPES

LONG = 1_000_000
START = f"START RequestId: {ID} Version: $LATEST"


@pytest.mark.parametrize("filler", [" ", "\t", ":", "-", "--|", " | ", "\n", '\\"', "{\n"])
@pytest.mark.parametrize("before", ["a\n", "", '{\n"', "Copy"])
@pytest.mark.parametrize(
    "shape", ["pasted rows, Z", "open rows of the console", "rows with the text of a button"]
)
def test_a_long_message_of_one_filler_is_read(shape: str, before: str, filler: str) -> None:
    long = f"{before}{filler * (LONG // len(filler))}x"
    events = [(T0 + n, STREAM, text) for n, text in enumerate((START, long, "done --"))]
    found, _ = read_bytes(SHAPES[shape][0](events).encode())
    assert found[0].message == START


def test_blanks_behind_a_start_that_is_cut_are_read() -> None:
    text = f"START RequestId: {ID}{' ' * LONG}x\n".encode()
    file = SavedFile(name="log", size=len(text), open=lambda: BytesIO(text))
    assert not list(gaps_of_altered_records([file]))
