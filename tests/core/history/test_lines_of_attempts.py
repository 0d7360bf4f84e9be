"""Which lines belong to which attempt: brackets, strays, forgeries, windows, shared streams."""

from __future__ import annotations

from retryctl.core.history.history_builder import build_history
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.events import LogEvent
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    OTHER_ID,
    THIRD_ID,
    Environment,
    end,
    events_of,
    exited,
    history,
    init_start,
    platform,
    report,
    start,
    timed_out,
)


def attempts_of(*environments: Environment, request_id: str = ID) -> tuple[Attempt, ...]:
    found = {each.request_id: each.attempts for each in history(*environments).requests}
    return found.get(request_id, ())


def said(attempt: Attempt) -> list[str]:
    """Its lines without Lambda's own."""
    lines = [event.message.rstrip() for event in attempt.events]
    own = ("START ", "END ", "REPORT ", "INIT_START", '{"time"')
    return [line for line in lines if not line.startswith(own)]


# --------------------------------------------------------------------------- brackets


def test_a_printed_line_belongs_to_the_attempt_whose_bracket_it_stands_in() -> None:
    log = Environment().inits().prints("loading")
    log.starts().prints("0", "process A").raises().reports()
    log.at(1).starts(OTHER_ID).prints("7").reports(OTHER_ID)
    (mine,) = attempts_of(log)
    (theirs,) = attempts_of(log, request_id=OTHER_ID)
    assert [line.partition(":")[0] for line in said(mine)] == [
        *("loading", "0", "process A", "[ERROR] NameError")
    ]
    assert said(theirs) == ["7"]
    assert (mine.cold_start, theirs.cold_start) == (True, False)


def test_output_before_start_is_init_after_a_timeout_too() -> None:
    log = Environment().inits().starts().reports(status="timeout", duration_ms=3000)
    log.at(65).prints("loading again").starts().prints("0").reports()
    first, second = attempts_of(log)
    assert said(first) == []
    assert said(second) == ["loading again", "0"]
    assert second.cold_start is False


def test_a_failed_init_belongs_to_the_attempt_behind_it() -> None:
    for json in (False, True):
        log = Environment(json=json).inits().fails_init()
        log.starts().reports(status="error", error_type="Runtime.Unknown")
        (attempt,) = attempts_of(log)
        assert attempt.outcome is AttemptOutcome.INIT_ERROR
        assert attempt.events[0] is log.events[0]
        assert len(attempt.events) == len(log.events)
        assert attempt.error is not None
        assert attempt.error.message == "Exception: no such table"


def test_an_init_without_a_request_is_no_attempt() -> None:
    assert history(Environment().inits().prints("warm")).requests == ()
    log = Environment().runs(ends="ok").at(900).logs(init_start()).prints("for nobody")
    (attempt,) = attempts_of(log)
    assert said(attempt) == []


def test_late_lines_after_report_are_the_attempt_s() -> None:
    log = Environment().starts().reports(duration_ms=3003.16)
    log.logs(timed_out(log.now_ms))
    log.at(70).starts().reports()
    log.logs(exited())
    first, second = attempts_of(log)
    assert (first.outcome, second.outcome) == (AttemptOutcome.TIMEOUT, AttemptOutcome.CRASH)
    assert "Task timed out" in first.events[-1].message
    assert "Runtime exited" in second.events[-1].message


def test_stray_output_between_two_attempts_is_nobody_s() -> None:
    log = Environment().runs(ends="ok")
    log.at(30).prints("from a background thread")
    log.at(60).runs(OTHER_ID, ends="ok")
    owned = {line for each in history(log).requests for line in said(each.attempts[0])}
    assert owned == set()


def test_a_logger_s_line_finds_its_request_when_that_is_over() -> None:
    log = Environment().runs(ends="ok").at(1).runs(OTHER_ID, ends="ok")
    log.at(300).logs(f"[ERROR]\t2026-11-23T00:05:00.000Z\t{OTHER_ID}\tDisconnect timed out\n")
    (attempt,) = attempts_of(log, request_id=OTHER_ID)
    assert attempt.outcome is AttemptOutcome.OK
    assert len(said(attempt)) == 1


def test_a_line_that_names_another_request_is_no_init() -> None:
    """The window opens inside another attempt, whose logger still speaks."""
    log = Environment().logs(f"2026-11-23T00:00:00.000Z\t{OTHER_ID}\tINFO\tworking\n")
    log.at(1).runs(ends="ok")
    assert said(attempts_of(log)[0]) == []


def test_the_system_s_figures_are_read_and_none_is_made_up() -> None:
    log = Environment(version="7").inits().starts()
    log.reports(duration_ms=54.6, init_ms=101.2)
    log.at(60).starts().reports(duration_ms=0.0)
    first, second = attempts_of(log)
    assert (first.version, first.function) == ("7", "orders-worker")
    assert (first.duration_ms, first.init_duration_ms) == (54.6, 101.2)
    assert (first.memory_size_mb, first.max_memory_used_mb) == (128, 36)
    assert (second.duration_ms, second.init_duration_ms, second.xray_trace_id) == (0.0, None, None)


def test_the_function_is_named_by_its_group_its_stream_or_whoever_asks() -> None:
    custom = Environment(group="/acme/all-logs").runs(ends="ok")
    custom.events = [
        LogEvent(
            timestamp_ms=each.timestamp_ms,
            message=each.message,
            log_group=each.log_group,
            log_stream="2026/11/23/orders-worker[3][8f0e-4b1c]",
        )
        for each in custom.events
    ]
    (attempt,) = attempts_of(custom)
    assert (attempt.function, attempt.version) == ("orders-worker", "$LATEST")
    nowhere = Environment(group=None).runs(ends="ok")
    assert history(nowhere).requests[0].function is None
    assert history(nowhere, function="orders-worker").requests[0].function == "orders-worker"


# --------------------------------------------------------------------------- windows


def test_a_window_that_opens_inside_an_attempt_gives_its_prints_to_nobody() -> None:
    log = Environment().prints("0", "process A").raises().reports(duration_ms=250)
    (attempt,) = attempts_of(log)
    assert attempt.claim.silent
    assert said(attempt)[0].startswith("[ERROR] NameError")
    assert (attempt.outcome, attempt.started_ms) == (AttemptOutcome.ERROR, None)
    assert attempt.report_event is not None
    assert attempt.placed_ms == attempt.report_event.timestamp_ms - 250


def test_what_is_printed_before_an_unseen_start_s_report_proves_nothing_either() -> None:
    log = Environment().logs(end()).prints("0", "process A").logs(report())
    assert attempts_of(log)[0].claim.silent


def test_an_attempt_without_start_reaches_back_to_the_report_before() -> None:
    log = Environment().runs(OTHER_ID, ends="ok").at(5).raises().reports()
    (attempt,) = attempts_of(log)
    assert attempt.outcome is AttemptOutcome.ERROR
    assert attempts_of(log, request_id=OTHER_ID)[0].outcome is AttemptOutcome.OK


def test_an_init_is_known_without_the_start_behind_it() -> None:
    for json in (False, True):
        log = Environment(json=json).inits().at(2).reports()
        assert attempts_of(log)[0].cold_start is True
    assert attempts_of(Environment().reports())[0].cold_start is None
    assert attempts_of(Environment().reports(init_ms=0.0))[0].cold_start is True


def test_a_report_alone_decides_the_outcome() -> None:
    log = Environment().logs(report(status="timeout", duration_ms=3000))
    (attempt,) = attempts_of(log)
    assert (attempt.outcome, attempt.duration_ms) == (AttemptOutcome.TIMEOUT, 3000)
    assert (attempt.started_ms, attempt.ended_ms) == (None, attempt.events[-1].timestamp_ms)


def test_a_timeout_line_before_a_report_does_not_hide_its_figures() -> None:
    log = Environment().logs(timed_out(MIDNIGHT_MS)).reports(duration_ms=3000)
    (attempt,) = attempts_of(log)
    assert (attempt.outcome, attempt.duration_ms) == (AttemptOutcome.TIMEOUT, 3000)
    assert len(attempt.events) == 3


def test_an_end_without_report_takes_nothing_of_the_attempt_behind_it() -> None:
    log = Environment().logs(end()).at(5).inits().raises(OTHER_ID).runs(OTHER_ID, ends="ok")
    (attempt,) = attempts_of(log)
    assert (attempt.outcome, len(attempt.events)) == (AttemptOutcome.UNKNOWN, 1)


def test_a_window_that_closes_inside_an_attempt_leaves_it_running() -> None:
    log = Environment().starts().prints("0", "process A")
    (attempt,) = attempts_of(log)
    assert attempt.outcome is AttemptOutcome.RUNNING
    assert (attempt.ended_ms, attempt.duration_ms) == (None, None)
    assert (attempt.claim.counter, attempt.claim.branch) == (0, "A")


def test_an_attempt_without_report_ends_where_the_next_one_starts() -> None:
    log = Environment().starts().prints("mine")
    log.at(70).starts().prints("again").reports()
    log.at(140).starts(OTHER_ID).prints("theirs").reports(OTHER_ID)
    assert [said(each) for each in attempts_of(log)] == [["mine"], ["again"]]
    log = Environment().starts().prints("mine").at(70).starts(OTHER_ID).prints("theirs")
    assert [said(each) for each in attempts_of(log)] == [["mine"]]


def test_a_report_within_a_function_s_longest_time_closes_its_start() -> None:
    log = Environment().starts().at(905).reports(status="timeout", duration_ms=900_000)
    (attempt,) = attempts_of(log)
    assert attempt.outcome is AttemptOutcome.TIMEOUT
    log = Environment().starts().at(3600).reports()
    assert [each.outcome for each in attempts_of(log)] == [
        AttemptOutcome.UNKNOWN,
        AttemptOutcome.OK,
    ]


# --------------------------------------------------------------------------- the same event again


def test_lambda_s_records_seen_twice_without_an_id_count_once() -> None:
    log = Environment(ids=False).runs(ID, "0", "process A", ends="error")
    events = [*events_of(log), *(each for each in log.events if "RequestId" in each.message)]
    (request,) = build_history(events, horizon_ms=MIDNIGHT_MS).requests
    (attempt,) = request.attempts
    assert len(attempt.events) == len(log.events)


def test_a_function_may_print_the_same_line_twice() -> None:
    log = Environment(ids=False).starts()
    for each in ("tick\n", "tick\n"):
        log.logs(each)
        log.now_ms -= 1
    log.reports()
    assert said(attempts_of(log)[0]) == ["tick", "tick"]


def test_event_ids_are_compared_as_numbers() -> None:
    def event(event_id: str, message: str) -> LogEvent:
        return LogEvent(
            timestamp_ms=MIDNIGHT_MS, message=message, log_stream="s", event_id=event_id
        )

    events = [event("10", end()), event("9", "process A\n"), event("7", start()), event("8", "0")]
    (request,) = build_history(events, horizon_ms=MIDNIGHT_MS).requests
    (attempt,) = request.attempts
    assert (attempt.claim.counter, attempt.claim.branch) == (0, "A")


# --------------------------------------------------------------------------- forgeries


def test_a_function_that_prints_records_of_others_has_one_attempt() -> None:
    """It forwards logs: whole brackets, crashes and timeouts of other requests."""
    log = Environment().inits().starts()
    log.logs(start(OTHER_ID), "0\n", "process C\n", report(OTHER_ID), start(THIRD_ID))
    log.logs(timed_out(log.now_ms, THIRD_ID), exited(THIRD_ID), end(THIRD_ID))
    log.logs(platform("runtimeDone", {"requestId": OTHER_ID, "status": "error"}))
    log.prints("done").reports()
    (request,) = history(log).requests
    (attempt,) = request.attempts
    assert (request.request_id, attempt.outcome, attempt.error) == (ID, AttemptOutcome.OK, None)
    assert len(attempt.events) == len(log.events)
    assert len(attempt.ambiguous) == 4


def test_a_marker_of_another_request_is_no_claim() -> None:
    log = Environment().starts()
    log.logs(f'{{"retryctl": 1, "request_id": "{OTHER_ID}", "counter": 5, "branch": "C"}}\n')
    log.reports()
    assert attempts_of(log)[0].claim.silent


def test_a_forged_start_and_report_of_the_attempt_itself_are_its_text() -> None:
    log = Environment().inits().starts()
    log.logs(start(), report(duration_ms=99)).prints("0", "process A").raises().reports()
    (attempt,) = attempts_of(log)
    assert (attempt.outcome, attempt.duration_ms) == (AttemptOutcome.ERROR, 3.0)
    assert attempt.claim.counter == 0


def test_a_start_that_another_s_end_follows_was_only_printed() -> None:
    """The window opens inside a bracket in which a START is printed."""
    log = Environment().logs(start(OTHER_ID)).prints("0").reports()
    assert [each.request_id for each in history(log).requests] == [ID]


def test_records_of_the_other_format_are_the_function_s_text() -> None:
    text = Environment().starts().logs(platform("start", {"requestId": OTHER_ID}))
    text.logs(platform("report", {"requestId": OTHER_ID, "metrics": {"durationMs": 1}})).reports()
    assert [each.request_id for each in history(text).requests] == [ID]
    assert not attempts_of(text)[0].managed
    json = Environment(json=True).starts().logs(start(OTHER_ID), report(OTHER_ID)).reports()
    assert [each.request_id for each in history(json).requests] == [ID]
