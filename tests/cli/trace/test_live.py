"""``trace --wait`` as it goes: the table, the countdown, JSON lines, and Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from retryctl.app.follow import follow
from retryctl.app.trace import TraceResult
from retryctl.cli.options.params import Output, OutputOptions
from retryctl.cli.output.live_display import (
    Display,
    LinesDisplay,
    LiveRegion,
    TableDisplay,
    countdown,
)
from retryctl.cli.output.progress import TerminalFeedback
from retryctl.core.model.coverage import Gap
from retryctl.errors import AccessDenied, LoginExpired, RetryctlError, Throttled, Unreachable
from tests.endpoint.server import Endpoint
from tests.support.aws_program import (
    CREDENTIALS,
    GROUP,
    HERE,
    RIGHT,
    SECOND,
    attempt,
    now_ms,
    trace,
)
from tests.support.check_logs import exhausted, pending, succeeded
from tests.support.conversation import Person, converse
from tests.support.lambda_log import ID, OTHER_ID, Environment, events_of, judged, whole


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        running.group(GROUP)
        yield running


def waiting_options(endpoint: Endpoint) -> tuple[str, ...]:
    return ("trace", RIGHT, "-g", GROUP, "--wait", "--endpoint-url", endpoint.url)


# --------------------------------------------------------------------------- the region


def test_lines_that_a_narrower_terminal_breaks_are_erased(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("COLUMNS", "100")
    region = LiveRegion()
    region.draw("x" * 90 + "\n\x1b[31m" + "y" * 30 + "\x1b[0m", "the last line")
    monkeypatch.setenv("COLUMNS", "40")
    region.erase()  # three rows, one, and one
    assert capsys.readouterr().out.endswith("the last line\r\x1b[4A\x1b[J")
    region.erase()
    assert capsys.readouterr().out == ""


def test_a_warning_takes_the_place_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    feedback = TerminalFeedback(quiet=False)
    display = TableDisplay(OutputOptions(), feedback)
    display.show(result(pending()))
    feedback.warn("half of the log is missing.")
    shown = capsys.readouterr()
    assert shown.out.endswith("A\x1b[J")
    assert "half of the log" in shown.err


# --------------------------------------------------------------------------- the countdown


def result(*environments: Environment, missing: tuple[str, ...] = ()) -> TraceResult:
    events = events_of(*environments)
    coverage = whole(events or events_of(succeeded()))
    checked = list(judged(events, coverage).values()) if events else []
    return TraceResult(checked=checked, coverage=coverage, not_found=dict.fromkeys(missing, ""))


def test_the_next_attempt_and_the_next_reading_count_down() -> None:
    open_one = result(pending(ID))
    due_ms = open_one.checked[0].request.next_attempt_due_ms
    assert due_ms is not None
    end = "Ctrl-C ends with what is known."
    assert countdown(open_one, due_ms - 47_000, due_ms - 35_000) == (
        f"attempt 2 is due in 47 s; next reading in 12 s. {end}"
    )
    assert countdown(open_one, due_ms + 90_000, due_ms) == (
        f"attempt 2 is overdue since 1 m 30 s; reading. {end}"
    )
    assert countdown(result(missing=(ID,)), 0, 5_000) == (
        f"no log line of {ID} yet; next reading in 5 s. {end}"
    )


# --------------------------------------------------------------------------- readings that fail


def followed(*readings: TraceResult | RetryctlError) -> tuple[list[TraceResult], list[str], int]:
    """Return what was shown, the failures, and the seconds that passed."""
    remaining, shown, failures = iter(readings), [], []
    clock = [readings[0].coverage.horizon_ms or 0] if isinstance(readings[0], TraceResult) else [0]
    began_ms = clock[0]

    def read() -> TraceResult:
        reading = next(remaining, readings[-1])
        if isinstance(reading, RetryctlError):
            raise reading
        return reading

    def sleep(seconds: float) -> None:
        clock[0] += round(seconds * 1000)

    last = follow(
        read,
        timeout_ms=None,
        clock=lambda: clock[0],
        sleep=sleep,
        on_wait=lambda result, _: shown.append(result),
        on_failure=lambda error: failures.append(error.what),
    )
    return [*shown, last], failures, (clock[0] - began_ms) // 1000


def test_a_reading_that_fails_is_repeated() -> None:
    first, last = result(pending(ID)), result(exhausted(ID))
    away = Unreachable("no answer")
    shown, failures, _ = followed(first, away, Throttled("too many"), last)
    assert shown == [first, first, first, last]
    assert failures == ["no answer", "too many"]
    with pytest.raises(Unreachable):
        followed(away)


def test_a_reading_that_lacks_a_known_attempt_is_not_shown() -> None:
    gap = Gap(kind="unreachable", message="no answer for stream 2", hides_attempts=True)
    first, last = result(pending(ID)), result(exhausted(ID))
    torn = result(missing=(ID,))
    torn = replace(torn, coverage=replace(torn.coverage, gaps=(gap,)))
    shown, failures, _ = followed(first, torn, last)
    assert shown == [first, first, last]
    assert failures == [gap.message]
    expired = replace(gap, kind="expired")
    torn = replace(torn, coverage=replace(torn.coverage, gaps=(expired, gap)))
    shown, failures, _ = followed(first, torn, last)
    assert [one.request.request_id for one in shown[-1].checked] == [ID]
    assert [each.kind for each in shown[-1].coverage.gaps] == ["expired"]
    assert not failures


def test_a_service_that_stays_away_ends_the_wait_with_what_is_known() -> None:
    first = result(pending(ID))
    shown, failures, seconds = followed(first, Unreachable("no answer"))
    assert shown[-1] == first
    assert len(failures) > 50
    assert 900 <= seconds < 1100


@pytest.mark.parametrize(
    "error", [LoginExpired("the login has expired", "Log in: aws sso login"), AccessDenied("no")]
)
def test_a_log_that_cannot_be_read_again_ends_the_wait_and_what_was_open_is_unknown(
    error: RetryctlError,
) -> None:
    first = result(pending(ID), exhausted(OTHER_ID))
    shown, failures, _ = followed(first, error, result(exhausted(ID)))
    last = shown[-1]
    assert {
        one.request.request_id: (one.request.outcome.value, one.verdict.value)
        for one in last.checked
    } == {ID: ("unknown", "undetermined"), OTHER_ID: ("exhausted", "agrees")}
    [gap] = last.coverage.gaps
    assert gap.hides_attempts
    assert gap.since_ms == first.coverage.horizon_ms
    assert error.what in gap.message
    assert not failures


def test_the_last_line_of_a_request_is_its_state(capsys: pytest.CaptureFixture[str]) -> None:
    display = LinesDisplay(OutputOptions(output=Output.JSONL))
    for reading in (result(pending(ID)), result(exhausted(ID)), result(pending(ID))):
        display.show(reading)
        display.show(reading)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["pending", "exhausted", "pending"]


# --------------------------------------------------------------------------- a terminal


def screen(endpoint: Endpoint, *, columns: int, term: str = "xterm") -> tuple[int, str]:
    """Follow a request that stays pending in a terminal, send Ctrl-C, and return what is shown."""

    def act(person: Person) -> None:
        person.wait_for("is due in|waiting:")
        person.send(signal.SIGINT)

    env = {**CREDENTIALS, "TERM": term, "COLUMNS": str(columns), "LINES": "40"}
    done = converse(
        act, *waiting_options(endpoint), env=env, terminal=("stdin", "stdout", "stderr")
    )
    return done.returncode, re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", done.stdout)


@pytest.mark.parametrize("columns", [40, 120])
def test_a_terminal_shows_the_table_and_ctrl_c_prints_what_is_known(
    endpoint: Endpoint, columns: int
) -> None:
    endpoint.put(GROUP, HERE, attempt(RIGHT, now_ms() - 10 * SECOND, 0))
    status, shown = screen(endpoint, columns=columns)
    assert status == 130
    assert "Traceback" not in shown
    live, end, answer = shown.rpartition("Ctrl-C ends with what is known.")
    assert end
    assert "pending" in live
    assert "pending" in answer
    assert "attempt 2 is due in" not in answer


def test_a_dumb_terminal_gets_sentences(endpoint: Endpoint) -> None:
    endpoint.put(GROUP, HERE, attempt(RIGHT, now_ms() - 10 * SECOND, 0))
    status, shown = screen(endpoint, columns=120, term="dumb")
    assert status == 130
    assert f"retryctl: waiting: {RIGHT} pending" in shown
    assert "Ctrl-C ends" not in shown


# --------------------------------------------------------------------------- JSON lines


def test_in_a_pipe_each_change_is_a_line(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = now_ms() - SECOND
    good = [event for event in attempt(RIGHT, at, 0) if "ERROR" not in event[1]]
    endpoint.put(GROUP, HERE, good[:3])
    later = good[3:]

    def wait_for_the_end(display: Display, seconds: float) -> None:
        endpoint.put(GROUP, HERE, later)
        later.clear()
        time.sleep(0.01)

    monkeypatch.setattr(Display, "sleep", wait_for_the_end)
    done = trace(endpoint, RIGHT, "-g", GROUP, "--wait", "40s", "-o", "jsonl", "-q")
    outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
    assert outcomes[0] == "running"
    assert outcomes[-1] == "succeeded"
    assert len(set(done.stdout.splitlines())) == len(outcomes)


def test_ctrl_c_before_the_first_answer_prints_nothing(endpoint: Endpoint) -> None:
    def act(person: Person) -> None:
        person.wait_for("\n")  # no log line yet
        person.send(signal.SIGINT)

    done = converse(act, *waiting_options(endpoint), "-o", "jsonl", env=CREDENTIALS)
    assert (done.returncode, done.stdout) == (130, "")
    assert "Traceback" not in done.stderr


# --------------------------------------------------------------------------- the browser


def test_web_opens_the_newest_stream_or_prints_the_link(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.put(GROUP, HERE, attempt(RIGHT, now_ms() - 3600 * SECOND, 0))
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}\n')
    browser.chmod(0o755)
    asked = (RIGHT, "-g", GROUP, "--web")
    # Python reads BROWSER once
    monkeypatch.delitem(sys.modules, "webbrowser", raising=False)
    done = trace(endpoint, *asked, env={"BROWSER": f"{browser} %s"})
    assert done.returncode == 0
    assert opened.read_text().startswith("https://us-east-1.console.aws.amazon.com/cloudwatch/")
    assert "console.aws" not in done.stdout
    monkeypatch.delitem(sys.modules, "webbrowser")
    failed = trace(endpoint, *asked, env={"BROWSER": "/bin/false %s"})
    assert failed.returncode == 0
    assert opened.read_text() in failed.stderr
