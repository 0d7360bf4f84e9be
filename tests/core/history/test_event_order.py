"""The order of events within one millisecond, by what they are: whatever order they arrive in."""

from __future__ import annotations

import random
import re

import pytest

from retryctl.core.crosscheck.claims import Markers
from retryctl.core.history.event_order import Doubt, EventOrder
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    OTHER_ID,
    THIRD_ID,
    end,
    init_report,
    init_start,
    platform,
    python_error,
    report,
    start,
    timed_out,
)
from tests.support.made_up_streams import dotnet_error


def event(at_ms: int, message: str, stream: str = "s") -> LogEvent:
    return LogEvent(timestamp_ms=at_ms, message=message, log_stream=stream)


def in_order(events: list[LogEvent]) -> tuple[list[LogEvent], list[Doubt]]:
    """The events in order, and what of their order is not settled."""
    order = EventOrder()
    return order.ordered(events), order.doubts


def shuffled(messages: list[str], seed: int) -> list[LogEvent]:
    events = [event(MIDNIGHT_MS, message) for message in messages]
    random.Random(seed).shuffle(events)
    return events


ORDERS = {
    "the end of an attempt": [
        "0\n",
        "process A\n",
        python_error(),
        end(),
        report(),
        timed_out(MIDNIGHT_MS),
    ],
    "an attempt that starts": [init_start(), start(), "0\n", "process A\n"],
    "a whole attempt": [start(), "0\n", "process A\n", python_error(), end(), report()],
    "one ends and the next starts": [end(), report(), timed_out(MIDNIGHT_MS), start(OTHER_ID)],
    "one starts and ends, the next starts": [start(), end(), report(), start(OTHER_ID)],
    "an init that failed": [
        python_error("Exception", "no table"),
        python_error("Exception", "no table"),
        init_report("init", "error", "Runtime.Unknown"),
        init_report("invoke", "error", "Runtime.Unknown"),
        start(),
    ],
    "a logger's line dated before its START": [
        end(),
        report(),
        f"[INFO]\t2026-11-23T00:00:00.000Z\t{OTHER_ID}\treading\n",
    ],
    "other output beside the counter": [start(), "order 17 received\n", "0\n", "process A\n"],
    "other output after an integer's branch": ["0\n", "process A\n", python_error(), end()],
    "equal lines": ["1\n", "1\n", "process B\n", "process B\n", end(), report()],
}


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("seed", range(6))
def test_what_the_lines_are_tells_their_order(name: str, seed: int) -> None:
    found, ambiguous = in_order(shuffled(ORDERS[name], seed))
    wanted = ORDERS[name]
    if name == "an init that failed":  # of its two reports either may be the first
        assert sorted(one.message for one in found[2:4]) == sorted(wanted[2:4])
        found[2:4], wanted = [], [*wanted[:2], *wanted[4:]]
    assert [one.message for one in found] == wanted
    assert ambiguous == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("messages", "ambiguous"),
    [
        ([end(), report(), start(OTHER_ID), "0\n", "process A\n"], 2),
        ([python_error(), end(), report(), start(OTHER_ID), "0\n"], 2),
        ([start(), "0\n", "process A\n", end(), report(), start(OTHER_ID)], 2),
    ],
)
def test_lines_that_may_be_of_either_attempt_are_counted(
    messages: list[str], ambiguous: int, seed: int
) -> None:
    found, number = in_order(shuffled(messages, seed))
    assert [one.message for one in found] == messages
    assert sum(doubt.lines for doubt in number) == ambiguous


@pytest.mark.parametrize(
    "messages",
    [[start(), "0\n", "1\n", "process A\n"], ["0\n", "process A\n", "process B\n", end()]],
)
def test_printed_lines_of_equal_rank_are_counted(messages: list[str]) -> None:
    (doubt,) = in_order(shuffled(messages, 0))[1]
    assert doubt.lines == 2


def test_an_integer_and_its_branch_in_two_milliseconds_stay_together() -> None:
    later = [event(MIDNIGHT_MS + 1, message) for message in ("charged\n", "process A\n")]
    found, doubts = in_order([event(MIDNIGHT_MS, "0\n"), *later])
    assert [one.message for one in found] == ["0\n", "process A\n", "charged\n"]
    assert doubts == []


def test_streams_do_not_disturb_each_other() -> None:
    both = [
        LogEvent(timestamp_ms=MIDNIGHT_MS, message=message, log_stream=stream)
        for message in (report(), end(), "0\n")
        for stream in ("a", "b")
    ]
    found, ambiguous = in_order([*both, event(MIDNIGHT_MS, start(), "c")])
    assert ambiguous == []
    for stream in ("a", "b"):
        own = [one.message for one in found if one.log_stream == stream]
        assert own == ["0\n", end(), report()]


@pytest.mark.parametrize(
    "messages",
    [[start(), "0\n", end(), report(), start(OTHER_ID)], [start(), "0\n", "1\n"]],
)
@pytest.mark.parametrize(
    ("follows", "doubtful"), [("process A\n", True), ("charged\n", False), (None, False)]
)
def test_integers_matter_only_if_a_branch_is_the_next_line(
    messages: list[str], follows: str | None, doubtful: bool
) -> None:
    later = [event(MIDNIGHT_MS + 5, follows)] if follows else []
    _, doubts = in_order([*shuffled(messages, 0), *later, event(MIDNIGHT_MS + 9, "process B\n")])
    assert bool(doubts) is (doubtful or not later)


@pytest.mark.parametrize("follows", [end(), "charged\n", "process A\n", "process B\n"])
def test_an_integer_beside_output_matters_if_it_does_not_lead_to_the_branch_that_follows(
    follows: str,
) -> None:
    tied = shuffled(["reading\n", "0\n"], 0)
    _, doubts = in_order([*tied, event(MIDNIGHT_MS + 5, follows)])
    assert bool(doubts) is (follows == "process B\n")


def test_two_reports_of_one_request_that_differ_are_a_doubt() -> None:
    tied = [start(), report(duration_ms=3.0), end(), report(duration_ms=5.0), start(OTHER_ID)]
    for seed in range(4):
        assert [doubt.lines for doubt in in_order(shuffled(tied, seed))[1]] == [2]
    assert in_order(shuffled([start(), end(), report(), report()], 0))[1] == []


def test_an_integer_just_before_and_one_beside_the_branch_are_a_doubt() -> None:
    before = [event(MIDNIGHT_MS - 9, start()), event(MIDNIGHT_MS - 5, "17\n")]
    beside = shuffled(["0\n", "process A\n"], 0)
    (doubt,) = in_order([*before, *beside])[1]
    assert (doubt.since_ms, doubt.lines) == (MIDNIGHT_MS - 9, 2)
    parted = event(MIDNIGHT_MS - 1, "charged\n")
    assert in_order([*before, parted, *beside])[1] == []
    assert in_order([*before, *shuffled(["17\n", "process A\n"], 0)])[1] == []


def test_an_integer_of_the_attempt_before_is_not_the_counter_of_the_next() -> None:
    before = event(MIDNIGHT_MS - 5, "3\n")
    for seed in range(6):
        found, doubts = in_order([before, *shuffled([start(), "0\n", "process A\n"], seed)])
        assert [one.message for one in found[1:]] == [start(), "0\n", "process A\n"]
        assert doubts == []


@pytest.mark.parametrize("seed", range(4))
def test_output_beside_the_end_may_stand_behind_an_error_that_counts_as_the_last_line(
    seed: int,
) -> None:
    error = event(MIDNIGHT_MS - 1, dotnet_error(MIDNIGHT_MS - 1))
    _, doubts = in_order([error, *shuffled([end(), report(), "closing\n"], seed)])
    assert [doubt.lines for doubt in doubts] == [1]
    certain = event(MIDNIGHT_MS - 1, python_error())
    assert in_order([certain, *shuffled([end(), report(), "closing\n"], seed)])[1] == []


PRINTED = {
    "an END alone": (end(OTHER_ID), 0),
    "a REPORT alone": (report(OTHER_ID), 0),
    "a START": (start(OTHER_ID), 2),
    "a START in the other format": (platform("start", {"requestId": OTHER_ID}), 0),
}


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("seed", range(4))
def test_a_printed_record_in_the_millisecond_of_a_start_is_read_as_output(
    name: str, seed: int
) -> None:
    printed, doubtful = PRINTED[name]
    cold = event(MIDNIGHT_MS - 200, init_start())
    found, doubts = in_order([cold, *shuffled([start(), printed], seed)])
    assert [doubt.lines for doubt in doubts] == ([doubtful] if doubtful else [])
    assert doubts or [one.message for one in found[1:]] == [start(), printed]


def test_the_end_of_an_attempt_whose_start_is_lost_is_its_own() -> None:
    cold = event(MIDNIGHT_MS - 200, init_start())
    found, doubts = in_order([cold, *shuffled([start(), end(OTHER_ID), report(OTHER_ID)], 0)])
    assert [one.message for one in found[1:]] == [end(OTHER_ID), report(OTHER_ID), start()]
    assert doubts == []


OWN = Markers(counter=re.compile(r"count=(?P<count>\d)"), branch=re.compile(r"ran (?P<branch>.)"))


@pytest.mark.parametrize(
    ("messages", "doubtful"),
    [
        (["count=0\n", "ran A\n", "order 17\n"], 0),
        (["count=0 ran A\n", "count=0\n"], 0),
        (["count=0\n", "count=1\n", "ran A\n"], 2),
        (["1\n", "2\n", "ran A\n", "ran B\n"], 2),
    ],
)
def test_patterns_of_ones_own_claim_the_same_in_any_order_unless_they_differ(
    messages: list[str], doubtful: int
) -> None:
    order = EventOrder(markers=OWN)
    order.ordered(shuffled([start(), *messages, end(), report()], 0))
    assert sum(doubt.lines for doubt in order.doubts) == doubtful


def unnamed(at_ms: int, *messages: str) -> list[LogEvent]:
    return [LogEvent(timestamp_ms=at_ms, message=message) for message in messages]


@pytest.mark.parametrize(
    ("before", "after", "doubtful"),
    [
        ([], [end(), report(), end(OTHER_ID), report(OTHER_ID)], False),
        ([], [end(), report()], True),
        ([], [end(), report(), start(OTHER_ID), end(OTHER_ID), report(OTHER_ID)], True),
        ([start(OTHER_ID)], [end(), report(), end(OTHER_ID), report(OTHER_ID)], True),
    ],
)
def test_without_streams_one_of_two_starts_is_printed_unless_both_are_reported(
    before: list[str], after: list[str], doubtful: bool
) -> None:
    order = EventOrder()
    order.ordered(unnamed(MIDNIGHT_MS - 9, *before))
    order.ordered(unnamed(MIDNIGHT_MS, start(), start(OTHER_ID)))
    for at, message in enumerate(after, 1):
        order.ordered(unnamed(MIDNIGHT_MS + at, message))
    order.finish()
    assert bool(order.doubts) is doubtful


def test_without_streams_a_doubt_concerns_all_attempts_that_may_run() -> None:
    order = EventOrder()
    order.ordered(unnamed(MIDNIGHT_MS - 9, start(OTHER_ID)))
    order.ordered(unnamed(MIDNIGHT_MS, end(), report(), start(THIRD_ID), "0\n", "process A\n"))
    (doubt,) = order.doubts
    assert doubt.since_ms == MIDNIGHT_MS - LONGEST_ATTEMPT_MS


@pytest.mark.parametrize("ends", [ID, OTHER_ID])
@pytest.mark.parametrize("seed", range(4))
def test_of_two_starts_the_one_whose_end_follows_is_real(ends: str, seed: int) -> None:
    printed = OTHER_ID if ends == ID else ID
    later = [event(MIDNIGHT_MS + 9, end(ends)), event(MIDNIGHT_MS + 9, report(ends))]
    found, doubts = in_order([*shuffled([start(ends), "0\n", start(printed)], seed), *later])
    assert found[0].message == start(ends)
    assert doubts == []


def test_a_doubt_reaches_back_to_the_start_before_a_printed_one() -> None:
    before = [event(MIDNIGHT_MS, start()), event(MIDNIGHT_MS + 10, start(OTHER_ID))]
    tied = [event(MIDNIGHT_MS + 20, message) for message in ("7\n", "0\n", "process A\n")]
    _, (doubt,) = in_order([*before, *tied])
    assert (doubt.since_ms, doubt.until_ms) == (MIDNIGHT_MS, MIDNIGHT_MS + 21)


def test_an_attempt_is_over_in_its_millisecond_only_with_its_report() -> None:
    """An END may stand before the REPORT of the next millisecond."""
    tied = [start(THIRD_ID), end(THIRD_ID), report(THIRD_ID), start(ID), end(ID)]
    for seed in range(4):
        found, _ = in_order([*shuffled(tied, seed), event(MIDNIGHT_MS + 1, report(ID))])
        assert [one.message for one in found] == [*tied, report(ID)]
