"""Log events lost at random, 1 to 50 % of them: no answer that a lost line could change.

A loss shows where an attempt between two others has no START or no REPORT, where one has no END in
the text format, or where the first one of a stream has an init and no START. Then every request of
the log is undetermined. (In a log that is too large to be read whole for one request, those with an
attempt in such a stream are.) What leaves no sign cannot be known: then a request may have fewer
attempts than ran, and never more but where a function prints Lambda's records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest, check_history
from retryctl.core.history.lost_lines import LOST_LINES
from retryctl.core.model.attempt import AttemptOutcome
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import UNTIMED_MS, LogEvent
from retryctl.core.model.request import RequestOutcome
from tests.support.lambda_log import (
    ID,
    OTHER_ID,
    THIRD_ID,
    Environment,
    end,
    events_of,
    report,
    saved,
    start,
)
from tests.support.random_cases import seeds
from tests.support.random_history import RandomHistory

RATES = (0.01, 0.05, 0.2, 0.5)
BEFORE_THE_END = (RequestOutcome.SUCCEEDED, RequestOutcome.RECOVERED)


def check(events: list[LogEvent]) -> tuple[list[CheckedRequest], Coverage]:
    checked = check_history(events, saved(events))
    return list(checked.requests), checked.coverage


def without_streams(*environments: Environment) -> list[LogEvent]:
    return [replace(event, log_stream=None) for event in events_of(*environments)]


def untimed(messages: list[str]) -> list[LogEvent]:
    """The events of messages without times: their places are their order."""
    return [LogEvent(timestamp_ms=at, message=m) for at, m in enumerate(messages, UNTIMED_MS)]


def without_some(random: Random, events: list[LogEvent], rate: float) -> list[LogEvent]:
    return [event for event in events if random.random() >= rate]


def wrong(whole: CheckedRequest | None, one: CheckedRequest, coverage: Coverage) -> Iterator[str]:
    """Yield what is wrong of a request in a log with lost lines."""
    if coverage.torn_streams:
        if one.verdict is not Verdict.UNDETERMINED:
            yield f"{one.verdict} though the log shows a loss"
        if one.request.outcome in BEFORE_THE_END:
            yield f"{one.request.outcome} though the log shows a loss"
    if whole is None and one.verdict in (Verdict.AGREES, Verdict.DISAGREES):
        yield f"{one.verdict} of a request that did not run"


@pytest.mark.parametrize(
    ("attempt", "record"),
    [(3, "START"), (1, "END"), (2, "END"), (3, "END"), (2, "REPORT")],
)
def test_without_streams_a_lost_record_leaves_no_agreement(attempt: int, record: str) -> None:
    one, other = Environment("a"), Environment("b")
    one.at(0).runs(ID, "0", "process A", ends="error")
    one.at(61).runs(ID, "1", "process B", ends="error")
    other.at(184).runs(ID, "0", "process A", ends="error")
    events = without_streams(one, other)
    records = [event for event in events if event.message.startswith(record)]
    [request], _ = check(events)
    assert request.verdict is Verdict.DISAGREES  # it ran A instead of C
    [request], _ = check([event for event in events if event is not records[attempt - 1]])
    assert request.verdict is not Verdict.AGREES


@pytest.mark.parametrize("first", seeds(3, 60))
def test_where_a_loss_shows_nothing_is_decided(first: int) -> None:
    counts: Counter[str] = Counter()
    for seed in range(50 * first, 50 * first + 50):
        random = Random(seed)
        history = RandomHistory(random)
        known = {one.request.request_id: one for one in check(history.events)[0]}
        for rate in RATES:
            events = without_some(random, history.events, rate) or history.events
            requests, coverage = check(events)
            keys = Counter((one.request.log_group, one.request.request_id) for one in requests)
            assert max(keys.values(), default=1) == 1, f"seed {seed}: listed twice"
            shown = [gap for gap in coverage.gaps if gap.kind == LOST_LINES]
            assert bool(shown) is bool(coverage.torn_streams)
            counts["shown"] += bool(shown)
            for one in requests:
                whole = known.get(one.request.request_id)
                assert list(wrong(whole, one, coverage)) == [], (seed, rate)
                counts["requests"] += 1
                counts["changed"] += _is_changed(whole, one)
    assert counts["shown"] > 50
    # A loss that leaves no sign may still change a verdict, seldom.
    assert counts["changed"] / counts["requests"] < 0.005, counts


def _is_changed(whole: CheckedRequest | None, one: CheckedRequest) -> bool:
    """Whether agreement and disagreement are exchanged."""
    decided = (Verdict.AGREES, Verdict.DISAGREES)
    return whole is not None and one.verdict in decided and one.verdict is not whole.verdict


def test_one_lost_record_of_lambda_makes_every_request_of_the_stream_undetermined() -> None:
    environment = Environment("a").inits()
    for number, request_id in enumerate((OTHER_ID, ID, THIRD_ID)):
        environment.at(60 * number + 1).runs(request_id, "0", "process A", ends="error")
    events = environment.events
    lost = [event for event in events if ID in event.message]
    assert [event.message.split()[0] for event in lost] == ["START", "END", "REPORT"]
    for one in lost:
        requests, _ = check([event for event in events if event is not one])
        assert {one.verdict for one in requests} == {Verdict.UNDETERMINED}, one


def test_an_error_long_before_the_only_start_is_that_of_another_attempt() -> None:
    environment = Environment("a", json=True).inits()
    environment.at(1).runs(ID, ends="error").at(62).runs(ID)
    [request], _ = check(environment.events)
    assert request.request.outcome is RequestOutcome.RECOVERED
    (at,) = (at for at, event in enumerate(environment.events) if "errorType" in event.message)
    rest = [environment.events[0], environment.events[at], *environment.events[-2:]]
    [request], coverage = check(rest)
    assert [gap.kind for gap in coverage.gaps] == [LOST_LINES]
    assert request.request.outcome is RequestOutcome.UNKNOWN


@pytest.mark.parametrize("json", [False, True])
def test_two_errors_in_one_attempt_may_be_those_of_two(json: bool) -> None:
    environment = Environment("a", json=json).at(1).runs(ID, "0", "process A", ends="error")
    first = len(environment.events)
    environment.at(64).runs(ID, "1", "process B", ends="error")
    events = environment.events
    assert {one.verdict for one in check(events)[0]} == {Verdict.AGREES}
    records = ("platform.report", "REPORT", "END")
    rest = [e for e in events[:first] if not any(each in e.message for each in records)]
    (one,), _ = check([*rest, *events[first + 1 :]])  # nor the START of the second
    assert len(one.request.attempts) == 1
    assert one.verdict is Verdict.UNDETERMINED
    assert one.request.outcome is RequestOutcome.UNKNOWN


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("json", [False, True])
def test_a_report_that_is_too_short_for_its_start_may_be_that_of_a_retry(
    json: bool, streams: bool
) -> None:
    environment = Environment("a", json=json).at(1).runs(ID, "0", "process A", ends="error")
    environment.at(64).runs(ID, "1", "process B")
    events = environment.events if streams else without_streams(environment)
    assert {one.request.outcome for one in check(events)[0]} == {RequestOutcome.RECOVERED}
    mark = "platform.start" if json else "\nSTART"
    first, second = (at for at, event in enumerate(events) if mark in "\n" + event.message)
    (one,), coverage = check([*events[: first + 1], *events[second + 1 :]])
    assert one.verdict is Verdict.UNDETERMINED
    assert one.request.outcome is RequestOutcome.UNKNOWN
    assert bool(coverage.torn_streams) is streams


def test_a_long_attempt_is_one_though_the_function_prints_its_records() -> None:
    environment = Environment("a").at(0).starts(ID).at(70).prints(end(ID)).at(140)
    environment.logs(end(ID), report(ID, 140_000.0))
    (one,), coverage = check(environment.events)
    assert one.request.outcome is RequestOutcome.SUCCEEDED
    assert not coverage.torn_streams


def test_two_starts_without_times_are_no_success() -> None:
    (one,), _ = check(untimed([start(ID), end(ID), start(ID), end(ID), report(ID)]))
    assert one.request.outcome is RequestOutcome.UNKNOWN


def test_the_error_before_a_report_without_its_start_is_that_of_the_same_attempt() -> None:
    environment = Environment("a", json=True).inits()
    for at_s in (1, 64, 193):
        environment.at(at_s).runs(ID, ends="error")
    events = without_streams(environment)
    starts = [event for event in events if "platform.start" in event.message]
    (one,), _ = check([event for event in events if event is not starts[2]])
    assert [attempt.outcome.value for attempt in one.request.attempts] == ["error"] * 3
    assert one.request.outcome is RequestOutcome.UNKNOWN


def test_an_attempt_that_lost_its_start_has_no_proved_success() -> None:
    environment = Environment("a").at(1).runs(ID, "0", "process A", ends="error")
    events = without_streams(environment.at(64).runs(ID, "1", "process B"))
    starts = [event for event in events if event.message.startswith("START")]
    (one,), _ = check([event for event in events if event is not starts[1]])
    assert one.request.outcome is RequestOutcome.UNKNOWN


@pytest.mark.parametrize("streams", [True, False])
def test_an_error_record_that_is_cut_is_a_lost_line(streams: bool) -> None:
    environment = Environment("a", json=True).at(1).runs(ID, ends="error")
    environment.at(64).runs(ID)
    events = environment.events if streams else without_streams(environment)
    (one,), _ = check(events)
    assert one.request.outcome is RequestOutcome.RECOVERED
    cut = [replace(e, message=e.message[:150]) if "errorType" in e.message else e for e in events]
    (one,), coverage = check(cut)
    assert LOST_LINES in [gap.kind for gap in coverage.gaps]
    assert one.request.outcome is RequestOutcome.UNKNOWN


@pytest.mark.parametrize("before", [(), ("0", "process A")])
def test_an_error_that_the_function_may_have_logged_is_not_that_of_another_attempt(
    before: tuple[str, ...],
) -> None:
    logged = (
        f'{{"timestamp": "2026-11-23T00:00:01.000Z", "requestId": "{ID}", "level": "ERROR", '
        '"message": {"errorType": "Error", "errorMessage": "boom", "stackTrace": []}}'
    )
    environment = Environment("a", json=True)
    environment.at(1).runs(ID, *before, logged, "0", "process A", logged)
    (one,), _ = check(environment.events)
    assert one.verdict is (Verdict.UNDETERMINED if before else Verdict.AGREES)


def test_a_lost_start_in_a_log_without_streams_leaves_the_outcome_unknown() -> None:
    first = Environment("a").inits().at(1).runs(ID, "0", "process A", ends="error")
    first.at(64).runs(ID, "1", "process B", ends="error")
    second = Environment("b").inits().at(193).runs(ID, "0", "process A", ends="error")
    events = without_streams(first, second)
    starts = [event for event in events if event.message.startswith("START")]
    for lost, outcome in ((None, RequestOutcome.EXHAUSTED), (starts[1], RequestOutcome.UNKNOWN)):
        (one,), _ = check([event for event in events if event is not lost])
        assert one.request.outcome is outcome


@pytest.mark.parametrize(
    ("lost", "outcome"),
    [(2, RequestOutcome.UNKNOWN), (0, RequestOutcome.PENDING)],
    ids=["INIT_START and START", "nothing"],
)
def test_a_stream_that_begins_within_an_attempt_after_the_log_began(
    lost: int, outcome: RequestOutcome
) -> None:
    first = Environment("a").at(1).runs(ID, "0", "process A", ends="error")
    second = Environment("b").at(64).runs(ID, "0", "process A", ends="error")
    (one,), _ = check([*first.events, *second.events[lost:]])
    assert len(one.request.attempts) == 2
    assert one.request.outcome is outcome


def test_a_record_of_lambda_that_is_cut_is_a_loss() -> None:
    events = Environment("a", json=True).at(1).runs(ID, "0", "process A", ends="error").events
    for width, outcome in ((10_000, RequestOutcome.PENDING), (150, RequestOutcome.UNKNOWN)):
        cut = [replace(event, message=event.message[:width]) for event in events]
        requests, coverage = check(cut)
        assert {one.request.outcome for one in requests} <= {outcome}
        kinds = [gap.kind for gap in coverage.gaps]
        assert kinds == ([LOST_LINES] if outcome is RequestOutcome.UNKNOWN else [])


@pytest.mark.parametrize("json", [False, True])
def test_an_attempt_with_a_masked_id_is_a_loss(json: bool) -> None:
    environment = Environment("a", json=json).at(1).runs(ID, ends="error").at(64).runs(ID)
    events = environment.events
    second = next(
        at for at, e in enumerate(events) if e.timestamp_ms >= events[0].timestamp_ms + 60_000
    )
    masked = [replace(e, message=e.message.replace(ID, "*" * 36)) for e in events[:second]]
    for first, outcome in (
        (events[:second], RequestOutcome.RECOVERED),
        (masked, RequestOutcome.UNKNOWN),
    ):
        requests, _ = check([*first, *events[second:]])
        assert [one.request.outcome for one in requests] == [outcome]


@pytest.mark.parametrize("first", seeds(2, 40))
def test_a_whole_log_shows_no_loss(first: int) -> None:
    for seed in range(100 * first, 100 * first + 100):
        _, coverage = check(RandomHistory(Random(seed)).events)
        assert coverage.torn_streams == frozenset(), seed


def test_the_error_of_a_lost_attempt_leaves_no_success() -> None:
    lost = Environment("a", json=True).inits().at(1).starts(ID).raises()
    rest = [event for event in lost.events if "platform.start" not in event.message]
    there = Environment("b", json=True).inits().at(64).runs(ID)
    (one,), _ = check([*rest, *there.events])
    assert one.request.outcome is RequestOutcome.UNKNOWN
    assert one.verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(
    ("streams", "verdict"), [(True, Verdict.AGREES), (False, Verdict.UNDETERMINED)]
)
def test_prints_before_a_start_may_be_those_of_an_attempt_without_its_start(
    streams: bool, verdict: Verdict
) -> None:
    here = Environment("a").inits().prints("0", "process A").at(3).runs(ID, ends="error")
    events = here.events if streams else without_streams(here)
    (one,), _ = check(events)
    assert one.verdict is verdict


def test_a_counter_long_before_a_start_is_not_that_of_the_attempt() -> None:
    """An attempt before it crashed; of a third one only its prints are left."""
    there = Environment("a").inits().at(1).runs(OTHER_ID, ends="crash")
    there.at(20).prints("0", "process A").at(63).runs(ID, ends="error")
    (_, one), _ = check(there.events)
    assert one.request.attempts[0].claim.counter is None
    assert one.verdict is Verdict.UNDETERMINED
    assert any("long before the START" in why for why in one.undetermined_because)


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("json", [True, False])
def test_an_error_behind_its_report_in_one_millisecond_may_be_that_of_the_attempt(
    json: bool, streams: bool
) -> None:
    """Lines that were sorted as text are in no order within a millisecond."""
    there = Environment("a", json=json).inits().at(1).runs(ID, ends="error")
    events = there.events if streams else without_streams(there)
    (error,) = (
        event for event in events if "Error" in event.message and "REPORT" not in event.message
    )
    late = replace(error, timestamp_ms=events[-1].timestamp_ms)
    order = [*(event for event in events if event is not error), late]
    placed = [replace(event, event_id=None, position=at) for at, event in enumerate(order)]
    (one,), _ = check(placed)
    assert one.request.attempts[-1].outcome is AttemptOutcome.UNKNOWN
