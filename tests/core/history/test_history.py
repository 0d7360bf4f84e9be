"""From log events to requests: several streams, days and groups, and what proves a request."""

from __future__ import annotations

from retryctl.core.history.history_builder import build_history
from retryctl.core.model.attempt import AttemptOutcome
from retryctl.core.model.events import LogEvent
from retryctl.core.model.request import RequestOutcome
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    OTHER_ID,
    THIRD_ID,
    Environment,
    end,
    events_of,
    history,
    platform,
    report,
    start,
)


def test_attempts_are_numbered_by_their_start_whatever_their_stream() -> None:
    one, two = Environment("a"), Environment("b")
    two.at(61).runs(ID, ends="error")
    one.at(0).runs(ID, ends="error").at(184).runs(ID, ends="ok")
    (request,) = history(two, one).requests
    assert [each.number for each in request.attempts] == [1, 2, 3]
    assert [each.retries for each in request.attempts] == [0, 1, 2]
    assert [each.log_stream for each in request.attempts] == [one.stream, two.stream, one.stream]
    assert request.outcome is RequestOutcome.RECOVERED


def test_a_retry_may_land_in_yesterday_s_stream() -> None:
    today, yesterday = Environment("a"), Environment("b", day="2026/11/22")
    yesterday.at(-40_000).runs(OTHER_ID, ends="ok").at(61).runs(ID, ends="ok")
    today.at(0).runs(ID, ends="error")
    mine = history(today, yesterday).requests[1]
    assert [each.log_stream for each in mine.attempts] == [today.stream, yesterday.stream]
    assert [each.cold_start for each in mine.attempts] == [True, False]


def test_requests_come_in_the_order_of_their_first_attempt() -> None:
    log = Environment().at(0).runs(OTHER_ID).at(1).runs(ID).at(2).runs(THIRD_ID)
    assert [each.request_id for each in history(log).requests] == [OTHER_ID, ID, THIRD_ID]


def test_the_same_id_in_two_groups_is_two_requests() -> None:
    caller, worker = Environment("a", group="/aws/lambda/caller"), Environment("b")
    caller.at(0).runs(ID, ends="ok")
    worker.at(1).runs(ID, ends="error")
    told = [(each.function, each.outcome.value) for each in history(caller, worker).requests]
    assert told == [("caller", "succeeded"), ("orders-worker", "pending")]


def test_a_mention_inside_another_request_s_bracket_is_no_attempt() -> None:
    log = Environment().starts(OTHER_ID).prints(f"read {ID} from the dead-letter queue")
    log.reports(OTHER_ID)
    assert [each.request_id for each in history(log).requests] == [OTHER_ID]
    assert history(log, wanted=[ID]).requests == ()


def test_ids_are_compared_whole_and_in_any_case() -> None:
    near = ID[:-1] + ("0" if ID[-1] != "0" else "1")
    log = Environment().logs(start(ID.upper()), end(ID), report(ID.upper())).at(5).runs(near)
    assert [each.request_id for each in history(log).requests] == [ID, near]
    assert [each.request_id for each in history(log, wanted=[ID]).requests] == [ID]


def test_only_what_is_wanted_is_given_and_it_is_the_same() -> None:
    log = Environment()
    for n, request_id in enumerate([OTHER_ID, ID, THIRD_ID] * 2):
        log.at(70 * n).runs(request_id, "0", "process A", ends="error")
    (mine,) = history(log, wanted={ID}).requests
    assert mine in history(log).requests


def test_the_error_record_of_a_runtime_proves_a_request_where_the_level_hides_the_rest() -> None:
    """At level WARN an attempt that raised leaves nothing of Lambda's."""
    log = Environment(json=True).raises(ID)
    (request,) = history(log).requests
    assert (request.request_id, request.attempts) == (ID, ())
    assert request.mentions == tuple(log.events)
    assert request.outcome is RequestOutcome.UNKNOWN


def test_an_error_record_beside_a_timed_out_attempt_proves_its_own_request() -> None:
    log = Environment(json=True).raises(ID).at(60).reports(OTHER_ID, status="timeout")
    mine, theirs = history(log).requests
    assert (mine.request_id, mine.attempts) == (ID, ())
    assert [each.outcome for each in theirs.attempts] == [AttemptOutcome.TIMEOUT]
    assert len(theirs.attempts[0].events) == 1


def test_an_error_of_an_attempt_that_is_seen_is_no_mention() -> None:
    log = Environment(json=True).raises(ID).reports(ID, status="error")
    (request,) = history(log).requests
    assert request.mentions == ()
    assert len(request.attempts[0].events) == 2


def test_what_hides_good_attempts_leaves_the_outcome_open() -> None:
    log = Environment(json=True).reports(ID, status="timeout")
    for later_s in (0, 10_000):
        (request,) = history(log, later_s=later_s).requests
        assert request.outcome is RequestOutcome.UNKNOWN
        assert request.next_attempt_due_ms is None


def test_what_cannot_be_read_is_counted_and_a_web_function_told() -> None:
    log = Environment(json=True).logs(f"END RequestId: {ID} …").platform("tomorrow", {})
    assert history(log).unrecognised == 2
    assert not history(log).web
    log.logs(platform("invokeStart", {"requestId": ID}))
    assert history(log).web == {ID}


def test_no_events_are_no_requests() -> None:
    assert build_history([], horizon_ms=0).requests == ()


def test_events_may_come_from_any_iterator_once() -> None:
    log = Environment().runs(ID)
    told = build_history(iter(events_of(log)), horizon_ms=MIDNIGHT_MS)
    assert told == build_history(events_of(log), horizon_ms=MIDNIGHT_MS)


def test_a_start_less_attempt_is_placed_by_its_report_and_its_duration() -> None:
    cut, other = Environment("a"), Environment("b")
    cut.at(200).logs(report(duration_ms=195_000))
    other.at(100).runs(ID, ends="error")
    (request,) = history(cut, other).requests
    assert [each.log_stream for each in request.attempts] == [cut.stream, other.stream]


def test_a_report_that_reaches_into_the_attempt_before_it_is_printed_text() -> None:
    log = Environment().at(0).runs(ID, ends="error")
    log.at(70).logs(report(duration_ms=80_000))
    (request,) = history(log).requests
    assert [each.start_event is None for each in request.attempts] == [False]


def test_the_last_report_counts_where_its_duration_reaches_back_to_the_start() -> None:
    log = Environment().starts().prints("0", "process A").at(1).logs(report(duration_ms=21))
    log.at(70).raises().reports(duration_ms=70_000).at(135).runs(ID, "1", "process B", ends="error")
    (request,) = history(log).requests
    assert [each.outcome.value for each in request.attempts] == ["error", "error"]
    assert [len(each.ambiguous) for each in request.attempts] == [1, 0]


def test_positions_order_events_without_ids() -> None:
    messages = (start(), "1\n", "process B\n", "2\n", "process C\n", end(), report())
    events = [
        LogEvent(timestamp_ms=MIDNIGHT_MS, message=each, log_stream="a", position=n)
        for n, each in enumerate(messages)
    ]
    (request,) = build_history(reversed(events), horizon_ms=MIDNIGHT_MS).requests
    assert request.attempts[0].claim.counter == 2
