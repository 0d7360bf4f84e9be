"""Exports of Logs Insights where an integer may be a counter, or be printed for another purpose.

In each the order of the rows would decide the verdict, and they have none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bulk.test_ties_of_exports import ARRANGEMENTS
from tests.support.insights_exports import EXPORTS, read, unordered, with_ties
from tests.support.lambda_log import ID, Environment, stream_name
from tests.support.log_answers import contradictions
from tests.support.saved_logs import Event

LOOSE: dict[str, tuple[tuple[str, ...], ...]] = {
    "an integer behind a branch": (("process B", "0"), ("process A",)),
    "no other output": (("process B", "17"),),
    "other output between": (("17", "[INFO]\tread", "process A"),),
    "equal integers around a branch": (("0", "process B", "0"), ("process A",)),
    "an integer beside other output, then a branch": (("0", "order 17"), ("process B",)),
    "a branch, then its like with an integer before": (("process A", "0"), ("process B",)),
    "an integer, then a branch beside other output": (("0",), ("charged", "process B")),
}
JUDGED: dict[str, tuple[tuple[str, ...], ...]] = {
    "a counter and its branch": (("0", "process A"),),
    "and other output": (("reading", "0", "process A", "charged"),),
    "in two milliseconds": (("reading", "0"), ("process A", "charged")),
    "the other branch in a millisecond of its own": (("1",), ("process A",)),
}


def rows_of_one(moments: tuple[tuple[str, ...], ...]) -> list[Event]:
    """The rows of an attempt that prints these lines, a millisecond after the other."""
    here = Environment().at(1).inits().starts()
    rows = [(event.timestamp_ms, stream_name("a"), event.message) for event in here.events]
    at_ms = rows[-1][0]
    for at, printed in enumerate(moments, 1):
        rows += [(at_ms + 5 * at, stream_name("a"), f"{text}\n") for text in printed]
    ends = Environment().at(2).reports(duration_ms=950.0)
    return rows + [(event.timestamp_ms, stream_name("a"), event.message) for event in ends.events]


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("name", LOOSE)
@pytest.mark.parametrize("shape", ["Insights CSV", "Insights JSON"])
def test_an_integer_that_does_not_lead_to_the_branch_is_a_doubt(
    shape: str, name: str, arrangement: str, tmp_path: Path
) -> None:
    arrange: Callable[[list[Event]], None] = ARRANGEMENTS[arrangement]
    text = EXPORTS[shape](with_ties(rows_of_one(LOOSE[name]), arrange))
    found = read(tmp_path / "log", text)
    assert (unordered(found) > 0, contradictions(found)) == (True, [])
    assert found.requests[ID].verdict.value == "undetermined"


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize("shape", ["Insights CSV", "Insights JSON"])
def test_a_counter_that_leads_to_its_branch_is_judged(
    shape: str, name: str, arrangement: str, tmp_path: Path
) -> None:
    arrange: Callable[[list[Event]], None] = ARRANGEMENTS[arrangement]
    text = EXPORTS[shape](with_ties(rows_of_one(JUDGED[name]), arrange))
    found = read(tmp_path / "log", text)
    assert (unordered(found), contradictions(found)) == (0, [])
    assert found.requests[ID].verdict.value in ("agrees", "disagrees")
