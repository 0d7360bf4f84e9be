"""``retryctl summary``, ``list`` and ``check`` over HTTP: as of the same log saved."""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_summary import retried_in_another, save, summary
from tests.endpoint.faults import Faults
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS, HOUR, MINUTE, now_ms
from tests.support.conversation import Person, converse
from tests.support.counters_world import Aws
from tests.support.lambda_log import GROUP, ID, MIDNIGHT_MS, Environment, events_of
from tests.support.peak import MEASURED, needs_proc, peak_kb
from tests.support.program import run, run_process

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
from generate_logs import Simulation, Truth
from summary_saved import check_summary

WINDOW = ("--since", "2026-11-22T23:00Z", "--until", "2026-11-23T01:00Z")
ENGINES = ("filter", "insights", "auto")


@pytest.fixture(scope="module")
def served() -> Iterator[Endpoint]:
    with Endpoint() as running:
        running.group(GROUP)
        events = events_of(*retried_in_another())
        running.load(GROUP, [(e.log_stream or "", e.timestamp_ms, e.message) for e in events])
        yield running


@pytest.fixture
def endpoint(served: Endpoint) -> Endpoint:
    """Without faults; its group is so busy that the first page is not the last."""
    served.faults = Faults()
    served.events.scan_events = 5
    served.calls.clear()
    return served


def ask(endpoint: Endpoint, command: str, *arguments: str, **env: str) -> Any:
    where = ("--endpoint-url", endpoint.url)
    return run(command, "orders-worker", *arguments, *where, env={**CREDENTIALS, **env})


def figures(done: Any) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    document = dict(json.loads(done.stdout))
    assert document.pop("coverage")["source"] in ("cloudwatch", "saved")
    return document


# --------------------------------------------------------------------------- the same figures


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("saved") / "log.jsonl", *retried_in_another())


@pytest.fixture(scope="module")
def saved_figures(log: Path) -> dict[str, Any]:
    found = summary(log, *WINDOW)
    found.pop("coverage")
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_cloudwatch_and_a_saved_log_give_the_same_figures(
    endpoint: Endpoint, engine: str, saved_figures: dict[str, Any]
) -> None:
    told = ask(endpoint, "summary", *WINDOW, "-o", "json", "--engine", engine)
    assert figures(told) == saved_figures
    costs = [line for line in told.stderr.splitlines() if "Logs Insights" in line]
    if engine == "insights":
        assert "will scan about" in costs[0]
        assert " scanned " in costs[1]
    else:
        assert not costs
    assert (json.loads(told.stdout)["coverage"]["bytes_scanned"] > 0) == bool(costs)


def test_cloudwatch_and_a_saved_log_give_the_same_list(endpoint: Endpoint, log: Path) -> None:
    saved = run("list", "--from", str(log), *WINDOW, "-o", "jsonl").stdout.splitlines()
    told = ask(endpoint, "list", *WINDOW, "-o", "jsonl").stdout.splitlines()
    assert sorted(told) == sorted(saved)
    assert len(saved) == 2


def without_ids(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if key != "event_id"}


def test_a_check_proves_by_the_same_lines(endpoint: Endpoint, log: Path) -> None:
    told, saved = (
        json.loads(done.stdout, object_pairs_hook=without_ids)
        for done in (
            ask(endpoint, "check", *WINDOW, "-o", "json"),
            run("check", "--from", str(log), *WINDOW, "-o", "json"),
        )
    )
    assert told.pop("coverage")["source"] == "cloudwatch"
    assert saved.pop("coverage")["source"] == "saved"
    assert told == saved
    assert told["findings"]


def test_the_heading_is_the_window_that_was_counted(endpoint: Endpoint) -> None:
    shown = ask(endpoint, "summary", *WINDOW).stdout
    assert shown.startswith("orders-worker · 22 Nov 23:00 to 23 Nov 2026 01:00 UTC\n")
    looked = " ".join(shown.split("\n\n")[-1].split())
    assert "22 Nov 16:30 to 23 Nov 2026 01:00" in looked  # six hours and an attempt further back


def test_an_empty_window_ends_with_4(endpoint: Endpoint) -> None:
    told = ask(endpoint, "summary", "--since", "2026-11-20", "--until", "2026-11-21")
    assert told.returncode == 4


def test_moto_matches_every_line_and_the_figures_stay_right(moto: Aws, tmp_path: Path) -> None:
    """An independent server; it gives 10,000 events a page, so a busy group has more."""
    here = Environment("a").at((now_ms() - MIDNIGHT_MS) // 1000 - 3 * 3_600)
    since = str(here.now_ms)
    for number in range(1_500):
        ends = "error" if number % 50 == 0 else "ok"
        lines = ("0", "process A") if ends == "error" else ("an order",) * 5
        here.runs(f"{number:08x}-1111-4222-8333-444455556666", *lines, ends=ends)
        here.now_ms += 6_000
    put_in_moto(moto, here)
    window = ("--since", since, "--until", str(here.now_ms))
    where = ("-q", "-o", "json", "--endpoint-url", moto.url)
    told = figures(run("summary", "orders-worker", *window, *where, env=CREDENTIALS))
    saved = summary(save(tmp_path / "log.jsonl", here), *window)
    saved.pop("coverage")
    assert told["requests"] == 1_500
    assert told == saved


def put_in_moto(moto: Aws, here: Environment) -> None:
    moto.reset()
    logs, of = moto.client("logs"), {"logGroupName": GROUP, "logStreamName": here.stream}
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(**of)
    events = [{"timestamp": e.timestamp_ms, "message": e.message} for e in here.events]
    assert len(events) > 10_000
    for first in range(0, len(events), 10_000):
        logs.put_log_events(logEvents=events[first : first + 10_000], **of)


# --------------------------------------------------------------------------- what is not seen


def test_the_look_back_past_the_retention_makes_no_counter_wrong() -> None:
    """The first attempt of a request is deleted, so its retry looks like one that counts ahead."""
    day = 24 * HOUR
    at = now_ms() - day + 5 * MINUTE
    here = Environment("a").runs(ID, "1", "process B", ends="error")
    with Endpoint() as endpoint:
        endpoint.group(GROUP, retention_days=1)
        events = [(at + event.timestamp_ms - MIDNIGHT_MS, event.message) for event in here.events]
        endpoint.put(GROUP, here.stream or "", events)
        found = json.loads(ask(endpoint, "summary", "-o", "json").stdout)
    assert found["counter"]["undetermined"] == 1
    assert "counter-ahead" not in found["findings"]
    assert [gap["kind"] for gap in found["coverage"]["gaps"]] == ["retention"]


# --------------------------------------------------------------------------- what it costs


def test_a_query_above_the_highest_cost_is_not_begun(endpoint: Endpoint) -> None:
    done = ask(endpoint, "summary", *WINDOW, "--engine", "insights", "--max-cost", "0")
    assert (done.returncode, done.stdout) == (3, "")
    assert "--max-cost" in done.stderr
    assert not endpoint.calls["StartQuery"]


def test_a_group_that_only_insights_can_read(endpoint: Endpoint) -> None:
    endpoint.group(GROUP).log_class = "INFREQUENT_ACCESS"
    try:
        done = ask(endpoint, "summary", *WINDOW, "--engine", "filter")
        assert (done.returncode, done.stdout) == (3, "")
        assert "--engine insights" in done.stderr
        assert figures(ask(endpoint, "summary", *WINDOW, "-o", "json"))
    finally:
        endpoint.group(GROUP).log_class = "STANDARD"


# --------------------------------------------------------------------------- the folder


@pytest.mark.parametrize("fault", [None, "denied"])
def test_nothing_is_left_behind(endpoint: Endpoint, fault: str | None, tmp_path: Path) -> None:
    if fault:
        endpoint.faults.script["FilterLogEvents"].extend([fault])
    done = ask(endpoint, "check", *WINDOW, TMPDIR=str(tmp_path))
    assert done.returncode == (3 if fault else 1)
    assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_it_soon_and_leaves_nothing_behind(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.faults.rates, endpoint.faults.slow_s = {"slow": 1.0}, 0.5

    def act(person: Person) -> None:
        person.wait_until(lambda: endpoint.calls["FilterLogEvents"] >= 2)
        person.wait_until(lambda: bool(list(tmp_path.iterdir())))
        person.send(signal.SIGINT)

    words = ("summary", "orders-worker", *WINDOW, "--endpoint-url", endpoint.url)
    done = converse(act, *words, env={**CREDENTIALS, "TMPDIR": str(tmp_path)})
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No file may grow larger than 500 bytes."""
    # Python would write a part of its bytecode, which no later run can load.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("little_room")
@pytest.mark.parametrize("engine", ENGINES)
def test_without_room_for_the_log_it_says_so(
    endpoint: Endpoint, engine: str, tmp_path: Path
) -> None:
    done = ask(endpoint, "summary", *WINDOW, "--engine", engine, TMPDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (3, "")
    assert "cannot save what is read in" in done.stderr
    assert "TMPDIR" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


# --------------------------------------------------------------------------- a busy group


@pytest.fixture(scope="module")
def busy() -> Iterator[tuple[Endpoint, Truth]]:
    """A day in which 5 % of the attempts fail; each logs 12 lines, of some 400 bytes."""
    lines: list[tuple[str, int, str]] = []

    def take(line: str) -> None:
        event = json.loads(line)
        more = f" {'x' * 270}\n" if event["message"].startswith("[INFO]") else ""
        message = event["message"].rstrip("\n") + more if more else event["message"]
        lines.append((event["logStreamName"], event["timestamp"], message))

    truth = Simulation(100_000, 7, 23 / 24, 12).run(take)
    shift_ms = now_ms() - HOUR - lines[-1][1]
    with Endpoint() as running:
        running.load(GROUP, ((stream, at + shift_ms, text) for stream, at, text in lines))
        running.function("orders-worker", Timeout=3)
        yield running, truth


@needs_proc
def test_a_busy_group_takes_few_pages_and_little_memory(
    busy: tuple[Endpoint, Truth], tmp_path: Path
) -> None:
    endpoint, truth = busy
    group = endpoint.group(GROUP)
    window = ("--since", str(group.timestamps[0]), "--until", str(group.timestamps[-1] + 1))
    words = ("summary", "orders-worker", *window, "-o", "json", "--endpoint-url", endpoint.url)
    done = run_process(*words, env=CREDENTIALS, cwd=tmp_path, program=MEASURED, timeout_s=300)
    assert done.returncode == 0, done.stderr
    assert check_summary(json.loads(done.stdout), truth) == ""
    pages = endpoint.calls["FilterLogEvents"]
    every = group.bytes_of(0, len(group.timestamps)) / 1_048_576  # at least
    assert every > 33
    assert pages / every < 0.3
    # a small call for each wrong counter, and for some other pairs
    assert truth.wrong_on_retries <= endpoint.calls["GetLogEvents"] <= truth.wrong_on_retries + 20
    assert peak_kb(tmp_path) < 120_000
