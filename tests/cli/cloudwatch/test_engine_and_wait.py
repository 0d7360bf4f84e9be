"""By which engine and how long ``retryctl trace`` searches, from outside, over HTTP."""

from __future__ import annotations

import json
import re
import signal
from urllib.parse import unquote

import pytest

from retryctl.app.follow import follow
from retryctl.app.options import SourceOptions
from retryctl.app.trace import TraceResult, trace_reader
from retryctl.cli.options.times import zone
from retryctl.cli.output import progress
from retryctl.core.model.request import RequestOutcome
from tests.endpoint.server import Endpoint
from tests.support.aws_program import (
    CREDENTIALS,
    GROUP,
    HERE,
    HOUR,
    MINUTE,
    RIGHT,
    SECOND,
    WRONG,
    YESTERDAY,
    attempt,
    make_busy,
    now_ms,
    put_both,
    sequence,
    told,
    trace,
)
from tests.support.conversation import Person, converse, do_nothing
from tests.support.program import run

UTC = zone("UTC")


def test_a_long_search_moves_to_insights_and_says_what_it_costs() -> None:
    with Endpoint(scan_events=25) as endpoint:
        make_busy(endpoint)
        put_both(endpoint, ago=20 * HOUR)
        done = trace(endpoint, WRONG, "-g", GROUP, "-o", "json")
        document = told(done)
        assert document["requests"][0]["verdict"] == "disagrees"
        before, after = re.findall(r"Logs Insights (will scan about|scanned) .* MB", done.stderr)
        assert (before, after) == ("will scan about", "scanned")
        assert document["coverage"]["bytes_scanned"] > 0
        assert endpoint.calls["FilterLogEvents"] < 130  # of 400 and more
        free = trace(endpoint, WRONG, "-g", GROUP, "-o", "json", "--max-cost", "0", "-s", "21h")
        assert told(free)["requests"][0]["verdict"] == "disagrees"
        assert "FilterLogEvents continues: --max-cost allows $0." in free.stderr
        assert told(free)["coverage"]["bytes_scanned"] == 0


def test_an_infrequent_access_group(endpoint: Endpoint) -> None:
    endpoint.group("/rare", log_class="INFREQUENT_ACCESS")
    put_both(endpoint, "/rare")
    document = told(trace(endpoint, WRONG, RIGHT, "-g", "/rare", "-o", "json"))
    # no function is known: a fourth attempt could be in the last two minutes
    assert [one["verdict"] for one in document["requests"]] == ["disagrees", "undetermined"]
    (gap,) = document["coverage"]["gaps"]
    assert gap["kind"] == "too-fresh"
    assert document["coverage"]["as_of"] == gap["since"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--engine", "filter"), "Use --engine insights"),
        (("--max-cost", "0"), "raise --max-cost"),
        (("--max-cost", "-1"), "--max-cost"),
        (("--engine", "athena"), "--engine"),
    ],
)
def test_what_an_infrequent_access_group_refuses(
    endpoint: Endpoint, options: tuple[str, ...], words: str
) -> None:
    endpoint.group("/rare", log_class="INFREQUENT_ACCESS")
    put_both(endpoint, "/rare")
    done = trace(endpoint, WRONG, "-g", "/rare", *options)
    assert (done.returncode in (2, 3), done.stdout) == (True, "")
    assert words in done.stderr
    assert endpoint.calls["StartQuery"] == 0


def test_ctrl_c_stops_the_query(endpoint: Endpoint) -> None:
    put_both(endpoint)
    endpoint.insights.query_s = 60

    def act(person: Person) -> None:
        person.wait_until(lambda: endpoint.calls["GetQueryResults"] > 0)
        person.send(signal.SIGINT)

    asked = ("trace", WRONG, "-g", GROUP, "--engine", "insights", "--endpoint-url", endpoint.url)
    assert converse(act, *asked, env=CREDENTIALS).returncode == 130
    assert endpoint.calls["StopQuery"] == 1
    assert endpoint.insights.running == 0


def test_progress_is_shown_on_a_terminal_after_a_while_and_not_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "_PATIENCE_S", 0.2)
    with Endpoint(scan_events=400) as endpoint:
        make_busy(endpoint)
        put_both(endpoint)
        endpoint.faults.rates = {"slow": 1.0}
        endpoint.faults.slow_s = 0.04
        asked = ("trace", WRONG, "-g", GROUP, "--engine", "filter", "--endpoint-url", endpoint.url)
        shown = converse(do_nothing, *asked, env=CREDENTIALS, terminal=("stderr",)).stderr
        assert re.search(rf"searching {GROUP}: \d+ pages, \d+ calls, \d+ lines found", shown)
        assert "searching" not in run(*asked, env=CREDENTIALS).stderr


@pytest.mark.parametrize(
    ("denied", "credentials", "engine", "words"),
    [
        ("logs:FilterLogEvents", None, "filter", "Allow logs:FilterLogEvents and logs:GetLogE"),
        ("logs:StartQuery", None, "insights", "Allow logs:StartQuery"),
        (None, "expired", "auto", "aws sso login"),
        (None, "invalid", "auto", "aws sts get-caller-identity"),
    ],
)
def test_each_error_has_its_next_step(
    endpoint: Endpoint, denied: str | None, credentials: str | None, engine: str, words: str
) -> None:
    put_both(endpoint)
    endpoint.faults.denied |= {denied} if denied else set()
    endpoint.faults.credentials = credentials
    done = trace(endpoint, WRONG, "-g", GROUP, "--engine", engine, "-q")
    assert (done.returncode, done.stdout) == (3, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 3


def test_without_a_region(endpoint: Endpoint) -> None:
    nowhere = {key: value for key, value in CREDENTIALS.items() if "REGION" not in key}
    done = run("trace", WRONG, "-g", GROUP, "-q", "--endpoint-url", endpoint.url, env=nowhere)
    assert (done.returncode, done.stdout) == (3, "")
    assert "--region" in done.stderr


def test_outcomes_are_as_of_until(endpoint: Endpoint) -> None:
    at = now_ms() - 2 * HOUR
    endpoint.put(GROUP, HERE, attempt(WRONG, at, 0))

    def outcome(until: int) -> str:
        asked = (WRONG, "-g", GROUP, "--since", str(at - HOUR), "--until", str(until))
        return str(told(trace(endpoint, *asked, "-o", "json"))["requests"][0]["outcome"])

    assert outcome(at + 30 * SECOND) == "pending"
    assert outcome(at + 20 * MINUTE) == "not-retried"


def test_records_that_lambda_dropped_are_a_gap(endpoint: Endpoint) -> None:
    at = now_ms() - HOUR
    record = {"droppedBytes": 9, "droppedRecords": 3, "reason": "too fast"}
    line = json.dumps({"time": "", "type": "platform.logsDropped", "record": record})
    events = attempt(RIGHT, at, 0)
    endpoint.put(GROUP, HERE, [*events[:3], (at + 2, line), *events[3:]])
    (gap,) = told(trace(endpoint, RIGHT, "-g", GROUP, "-o", "json"))["coverage"]["gaps"]
    assert (gap["kind"], gap["log_stream"]) == ("dropped", HERE)
    assert "3 records" in gap["message"]


def test_links_into_the_console(endpoint: Endpoint) -> None:
    put_both(endpoint)
    asked = (WRONG, "-g", GROUP, "--links")
    (request,) = told(trace(endpoint, *asked, "-o", "json"))["requests"]
    first = request["attempts"][0]["console_url"]
    place, _, fragment = first.partition("#")
    assert place == "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
    assert re.fullmatch(r"[\w:/$.*-]+", fragment)
    once = unquote(fragment.replace("$", "%"))
    assert unquote(once).startswith(f"logsV2:log-groups/log-group/{GROUP}/log-events/{HERE}?start=")
    shown = trace(endpoint, *asked, env={"COLUMNS": "60"}).stdout
    assert first in shown.splitlines()[-3].split()
    for region, host in (
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ):
        assert f"https://{host}/" in trace(endpoint, *asked, "--region", region).stdout
    assert trace(endpoint, *asked, "-o", "html").returncode == 2


@pytest.mark.usefixtures("credentials")
def test_a_request_is_followed_until_its_sequence_closes(endpoint: Endpoint) -> None:
    clock = [1_795_402_800_000]
    endpoint.clock = lambda: clock[0]
    endpoint.dates_by_clock = True
    at = clock[0] + 3 * SECOND
    for events in sequence(RIGHT, at, (0, 1, 2)):
        endpoint.put(GROUP, HERE, events[:4])
        endpoint.put(GROUP, HERE, events[4:], lag_ms=9 * SECOND)
    looks: list[int] = []
    due: list[int | None] = []
    unseen: list[str] = []

    def sleep(seconds: float) -> None:
        clock[0] += round(seconds * 1000)
        looks.append(round((clock[0] - at) / 1000))

    look = SourceOptions(log_groups=(GROUP,), endpoint_url=endpoint.url)
    reader = trace_reader((RIGHT,), look, clock=lambda: clock[0])

    def on_wait(result: TraceResult, until_ms: int) -> None:
        due.extend(checked.request.next_attempt_due_ms for checked in result.checked)
        unseen.extend(result.not_found)

    def followed(timeout_ms: int | None) -> RequestOutcome:
        story = follow(
            reader,
            timeout_ms=timeout_ms,
            clock=lambda: clock[0],
            sleep=sleep,
            on_wait=on_wait,
            on_failure=lambda error: None,
        )
        return story.checked[0].request.outcome

    assert followed(30 * SECOND) is RequestOutcome.PENDING
    assert followed(None) is RequestOutcome.EXHAUSTED
    assert len(looks) < 12
    assert clock[0] < at + 220 * SECOND
    assert unseen == [RIGHT]
    waits_s = {round((at_ms - at) / 1000) for at_ms in due if at_ms}
    assert waits_s == {60, 183}  # the wait after attempt 1, and after attempt 2
    assert endpoint.calls["GetLogEvents"] <= 3 * len(looks)


@pytest.mark.usefixtures("credentials")
def test_the_other_groups_are_searched_once(endpoint: Endpoint) -> None:
    put_both(endpoint)
    for number in range(5):
        endpoint.group(f"/aws/lambda/other-{number}")
    reader = trace_reader((WRONG,), SourceOptions(endpoint_url=endpoint.url), clock=now_ms)
    first, calls = reader(), endpoint.calls.total()
    again = reader()
    assert endpoint.calls.total() - calls < 8
    assert again.checked[0].request.attempts == first.checked[0].request.attempts


def test_wait_in_the_program(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retryctl.app.follow._LEAST_MS", 2_500)
    at = now_ms() - SECOND
    good = [event for event in attempt(RIGHT, at, 0) if "ERROR" not in event[1]]
    endpoint.put(GROUP, HERE, good[:3])
    endpoint.put(GROUP, HERE, good[3:], lag_ms=3 * SECOND)
    done = trace(endpoint, RIGHT, "-g", GROUP, "--wait", "--timeout", "40s", "-o", "json")
    assert told(done)["requests"][0]["outcome"] == "succeeded"
    assert "waiting: " in done.stderr
    assert YESTERDAY not in done.stdout


def test_when_the_time_is_up_there_is_what_there_is(endpoint: Endpoint) -> None:
    endpoint.put(GROUP, HERE, attempt(RIGHT, now_ms() - 10 * SECOND, 0))
    done = trace(endpoint, RIGHT, "-g", GROUP, "--wait", "--timeout", "1s")
    assert done.returncode == 0
    assert "pending" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--timeout", "5m"), "--wait"),
        (("--wait", "--timeout", "soon"), "not a duration"),
        (("--wait", "5x"), "not a duration"),
        (("--wait=soon",), "not a duration"),
        (("--wait", "5m", "--timeout", "5m"), "--timeout"),
        (("--wait", "--until", "1h ago"), "--until"),
        (("--wait", "--from", "demo"), "--from demo"),
    ],
)
def test_waiting_that_makes_no_sense(
    endpoint: Endpoint, options: tuple[str, ...], words: str
) -> None:
    done = trace(endpoint, RIGHT, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
