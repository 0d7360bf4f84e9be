"""One request with many attempts: the work grows in line with their number."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.support.lambda_log import ID, Environment, events_of, judged, whole

FEW, TIMES = 60, 4


def calls_of(function: Callable[[], object]) -> int:
    """Count the calls of functions and the steps of generators, which time on its own varies."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
    return calls


def calls_for(attempts: int, spread: int) -> int:
    environments = [Environment(chr(0x100 + number)) for number in range(spread)]
    for number in range(attempts):
        environment = environments[number % spread]
        environment.at(number * 2).runs(ID, str(min(number, 2)), "process A", ends="error")
    events = events_of(*environments)
    return calls_of(lambda: judged(events, whole(events)))


@pytest.mark.parametrize("spread", [1, 3])
def test_four_times_the_attempts_take_four_times_the_calls(spread: int) -> None:
    calls_for(FEW, spread)  # what is computed once
    assert calls_for(TIMES * FEW, spread) < (TIMES + 0.5) * calls_for(FEW, spread)
