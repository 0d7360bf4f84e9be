"""The parts of the search that need no network: slices of time, and the pace of the calls."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from retryctl.errors import Unreachable
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.rate_limiter import AdaptiveRateLimiter
from retryctl.sources.cloudwatch.pages import TimeRange
from retryctl.sources.cloudwatch.slice_runner import SliceRead, SliceRunner
from retryctl.sources.cloudwatch.time_slices import SlicePlanner, TimeSlice, merged

HOUR = 3_600_000


def window(since_ms: int, until_ms: int) -> TimeRange:
    return TimeRange(since_ms=since_ms, until_ms=until_ms)


def length(windows: list[TimeRange]) -> int:
    return sum(w.until_ms - w.since_ms for w in windows)


def test_a_quiet_group_is_one_trial() -> None:
    plan = SlicePlanner(window(0, 24 * HOUR))
    whole = plan.take()
    assert whole is not None
    assert (whole.window, whole.trial) == (window(0, 24 * HOUR), True)
    plan.finished(whole, pages=1)
    assert plan.take() is None


def a_busy_plan() -> tuple[SlicePlanner, TimeSlice]:
    """A plan of 24 hours after its trial, and the first slice."""
    plan = SlicePlanner(window(0, 24 * HOUR))
    whole = plan.take()
    assert whole is not None
    plan.give_back(whole)
    first = plan.take()
    assert first is not None
    assert first.window == window(21 * HOUR, 24 * HOUR)
    return plan, first


def taken(plan: SlicePlanner) -> list[TimeRange]:
    """The windows of all slices that may be read now."""
    return [part.window for part in iter(plan.take, None)]


def test_three_slices_measure_how_busy_a_group_is() -> None:
    plan, _ = a_busy_plan()
    assert plan.pages_left() == 0
    assert taken(plan) == [window(18 * HOUR, 21 * HOUR), window(15 * HOUR, 18 * HOUR)]


def test_a_busy_group_is_cut_newest_first_into_slices_of_some_pages() -> None:
    plan, first = a_busy_plan()
    plan.finished(first, pages=8)  # 7.5 full ones in 3 hours
    assert round(plan.pages_left(), 1) == 52.5
    assert taken(plan)[:2] == [window(18 * HOUR, 21 * HOUR), window(15 * HOUR, 18 * HOUR)]


def test_the_further_the_search_comes_the_longer_are_its_slices() -> None:
    plan, first = a_busy_plan()
    plan.finished(first, pages=30)
    second = plan.take()
    assert second is not None
    assert 9 < length([second.window]) / (3 * HOUR) * 29.5 < 10  # and half a page


def test_slices_beyond_the_reach_of_an_attempt_wait() -> None:
    plan = SlicePlanner(window(0, 24 * HOUR), is_busy=True, reach_ms=6 * HOUR)
    first = plan.take()
    assert first is not None
    plan.finished(first, pages=8)
    assert taken(plan) == [
        window(18 * HOUR, 21 * HOUR),
        window(15 * HOUR, 18 * HOUR),
        window(12 * HOUR, 15 * HOUR),
    ]


def test_a_slice_is_at_most_three_times_longer_than_the_one_before() -> None:
    plan, first = a_busy_plan()
    plan.finished(first, pages=1)
    second = plan.take()
    assert second is not None
    assert second.window == window(12 * HOUR, 21 * HOUR)


def test_the_last_pages_are_read_one_slice_after_the_other() -> None:
    plan, first = a_busy_plan()
    plan.finished(first, pages=1)
    assert plan.take() is not None
    assert plan.take() is None


def test_less_than_a_page_is_no_slice_of_its_own() -> None:
    plan = SlicePlanner(window(0, 24 * HOUR), is_busy=True)
    first = plan.take()
    assert first is not None
    plan.finished(first, pages=5)
    plan.aim = (window(round(18.2 * HOUR), 24 * HOUR),)
    rest = plan.take()
    assert rest is not None
    assert rest.window == window(round(18.2 * HOUR), 21 * HOUR)


def test_the_end_of_a_search_is_read_side_by_side() -> None:
    plan, first = a_busy_plan()
    plan.finished(first, pages=8)
    plan.aim = (window(17 * HOUR, 24 * HOUR),)  # 10 pages remain
    halves = taken(plan)
    assert [round(length([half]) / HOUR, 1) for half in halves] == [1.8, 1.4]
    assert length(plan.rest()) * 2.5 < 4 * HOUR  # few pages wait for what these find


def test_a_group_that_is_known_to_be_busy_has_no_trial() -> None:
    first = SlicePlanner(window(0, 24 * HOUR), is_busy=True).take()
    assert first is not None
    assert (first.window, first.trial) == (window(21 * HOUR, 24 * HOUR), False)


def test_a_first_slice_with_many_pages_gets_more_company() -> None:
    plan, first = a_busy_plan()
    assert len(taken(plan)) == 2
    plan.reached(first, pages=7)
    assert taken(plan) == []
    plan.reached(first, pages=8)
    third = plan.take()
    assert third is not None
    assert third.window.until_ms == 15 * HOUR
    assert length([third.window]) < 1.5 * HOUR


def test_a_narrower_aim_drops_what_is_beyond_and_a_wider_one_adds_it() -> None:
    plan = SlicePlanner(window(10 * HOUR, 24 * HOUR))
    whole = plan.take()
    assert whole is not None
    plan.give_back(whole)
    newest = plan.take()
    assert newest is not None
    plan.aim = (window(2 * HOUR, 22 * HOUR),)
    assert not plan.wants(newest)
    assert plan.rest() == [window(2 * HOUR, 22 * HOUR)]


@given(
    aims=st.lists(
        st.tuples(st.integers(0, 500), st.integers(1, 500)).map(
            lambda t: window(t[0] * 60_000, (t[0] + t[1]) * 60_000)
        ),
        min_size=1,
        max_size=4,
    ),
    pages=st.lists(st.integers(1, 30), min_size=1),
)
def test_every_moment_of_the_aim_is_searched_once(aims: list[TimeRange], pages: list[int]) -> None:
    plan = SlicePlanner(aims[0])
    plan.aim = tuple(merged(aims))
    read: list[TimeRange] = []
    turn = 0
    while (part := plan.take()) is not None:
        count = pages[turn % len(pages)]
        turn += 1
        if part.trial and count > 1:
            plan.give_back(part)
            continue
        read.append(part.window)
        plan.finished(part, count)
    assert merged(read) == merged(aims)
    assert length(read) == length(merged(aims))


def test_a_slice_that_is_read_goes_on_where_older_ones_fail() -> None:
    def read(part: TimeSlice) -> SliceRead[str]:
        if part.trial:
            return SliceRead(found="trial", pages=1, to_the_end=False)
        if part.window.until_ms < 24 * HOUR:
            raise Unreachable("no answer", "Try again later.")
        while not runner.fatal:
            time.sleep(0.001)
        return SliceRead(found="newest", pages=1, to_the_end=not runner.ended)

    plan = SlicePlanner(window(0, 24 * HOUR))
    runner = SliceRunner(aws=AwsClient(), plan=plan, read=read)
    assert list(runner.run()) == ["trial", "newest"]
    assert plan.done == [window(21 * HOUR, 24 * HOUR)]
    assert merged(part for part, _ in runner.unread) == [window(0, 21 * HOUR)]


# --------------------------------------------------------------------------- pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def seconds(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_handful_of_calls_does_not_wait() -> None:
    clock = Clock()
    pace = AdaptiveRateLimiter(clock.seconds, clock.sleep)
    for _ in range(5):
        pace.wait()
    assert clock.now == 0.0


def test_the_pace_starts_at_five_a_second_and_grows_while_all_is_answered() -> None:
    clock = Clock()
    pace = AdaptiveRateLimiter(clock.seconds, clock.sleep)
    for _ in range(10):
        pace.wait()
    assert clock.now == 1.0
    for _ in range(5):
        pace.answered(0)
    assert pace.rate == 10.0  # the usual quota: from here on carefully
    for _ in range(1000):
        pace.answered(0)
    assert round(pace.rate) == 15


def test_a_refusal_lowers_the_pace_for_good() -> None:
    clock = Clock()
    pace = AdaptiveRateLimiter(clock.seconds, clock.sleep)
    for _ in range(20):
        pace.answered(0)
    before = pace.rate
    for _ in range(4):  # that were on their way together
        pace.answered(1)
    for _ in range(20):
        pace.answered(0)
    assert before * 0.7 < pace.rate < before
