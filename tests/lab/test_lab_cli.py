"""``retryctl lab`` from outside."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.conversation import Person, converse
from tests.support.lab.lab_handlers import EXAMPLE, ORDER, hear_interrupts
from tests.support.program import environment
from tests.support.program import run as retryctl

EVENT = json.dumps(ORDER)
HANDLER = f"{EXAMPLE}:handler"


def attempts(document: str) -> list[tuple[object, object]]:
    (request,) = json.loads(document)["requests"]
    return [(a["counter"]["logged"], a["branch"]["logged"]) for a in request["attempts"]]


def test_the_answer_is_the_story_that_trace_tells() -> None:
    done = retryctl("lab", "run", HANDLER, "--plan", "same,fresh", "--event", EVENT)
    assert done.returncode == 0, done.stderr
    assert "✗ the counter disagrees on attempt 3: it ran A instead of C" in done.stdout
    assert "environment-switch" in done.stdout
    assert re.search(r"--seed \d+", done.stderr)


def test_json_is_traces_json() -> None:
    arguments = ("lab", "run", HANDLER, "--event", EVENT, "--output", "json", "--seed", "1")
    done = retryctl(*arguments)
    assert attempts(done.stdout) == [(0, "A"), (1, "B"), (2, "C")]
    document = json.loads(done.stdout)
    assert document["schema"] == "retryctl/trace/1"
    assert document["coverage"]["complete"] is True
    assert document["requests"][0]["outcome"] == "exhausted"
    assert done.stderr == ""


@pytest.mark.usefixtures("same_runs_once")
def test_all_is_the_table_of_branches() -> None:
    done = retryctl("lab", "run", HANDLER, "--plan", "all", "--event", EVENT, "--seed", "1")
    assert done.stdout == (
        " plan         attempt 1  attempt 2  attempt 3  verdict\n"
        " same,same    0 A        1 B        2 C        agrees\n"
        " same,fresh   0 A        1 B        0 A        disagrees: environment-switch\n"
        " fresh,env=1  0 A        0 A        1 B        disagrees: environment-switch\n"
        " fresh,same   0 A        0 A        1 B        disagrees: environment-switch\n"
        " fresh,fresh  0 A        0 A        0 A        disagrees: environment-switch\n"
        "error of every plan: ValueError\n"
        "✗ environment-switch · 4 plans. same,fresh: Attempt 3 counted 0, but 2 attempts\n"
        "  came before it: it ran in another execution environment than attempts 1 and 2,\n"
        "  and environments share no /tmp.\n"
        "  More: retryctl explain environment-switch\n"
    )


@pytest.mark.usefixtures("same_runs_once")
def test_each_finding_of_a_plan_has_its_reason_below_the_table() -> None:
    arguments = ("--plan", "all", "--event", EVENT, "--seed", "1")
    done = retryctl("lab", "run", HANDLER, *arguments, env={"COLUMNS": "60"})
    rows = done.stdout.splitlines()[:6]
    below = " ".join(" ".join(done.stdout.splitlines()[6:]).split())
    assert max(map(len, rows)) <= 60
    assert rows[-1].split() == ["fresh,fresh", "0", "A", "0", "A", "0", "A", "disagrees"]
    assert below.startswith("error of every plan: ValueError ✗ environment-switch · 4 plans.")
    assert below.endswith("More: retryctl explain environment-switch")


def test_all_after_a_first_that_timed_out() -> None:
    arguments = ("--plan", "first+timeout,all", "--retries", "1", "--event", EVENT)
    done = retryctl("lab", "run", HANDLER, *arguments)
    assert [line.split() for line in done.stdout.splitlines()[1:4]] == [
        ["first+timeout,same", "timeout", "0", "A", "disagrees:", "uncounted-attempt"],
        ["first+timeout,fresh", "timeout", "0", "A", "disagrees:", "environment-switch"],
        ["error", "of", "every", "plan:", "timeout,", "ValueError"],
    ]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_saved_log_tells_the_same_story_to_every_command(tmp_path: Path, log_format: str) -> None:
    saved = tmp_path / "lab.jsonl"
    run = retryctl(
        *("lab", "run", HANDLER, "--plan", "first+oom,fresh", "--event", EVENT),
        *("--log-format", log_format, "--save", str(saved), "--output", "json"),
    )
    lines = [json.loads(line) for line in saved.read_text(encoding="utf-8").splitlines()]
    assert {line["source"] for line in lines} == {"platform", "function"}
    request_id = json.loads(run.stdout)["requests"][0]["request_id"]
    traced = retryctl("trace", request_id, "--from", str(saved), "--output", "json")
    assert attempts(traced.stdout) == attempts(run.stdout) == [(None, None), (0, "A"), (1, "B")]


def test_what_is_not_seeded_is_over_by_now_and_not_long_ago(tmp_path: Path) -> None:
    saved = tmp_path / "lab.jsonl"
    retryctl("lab", "run", HANDLER, "--event", EVENT, "--plan", "fresh,fresh", "--save", str(saved))
    times = [json.loads(line)["timestamp"] / 1000 for line in saved.read_text().splitlines()]
    now_s = time.time()
    assert now_s - 300 < times[0] < times[-1] < now_s


@pytest.mark.parametrize(
    ("arguments", "skipped_s"),
    [
        (("--plan", "first+throttle"), 189),
        (("--plan", "same,same+throttle+duplicate"), 511 + 190),
        (("--plan", "first+timeout,all", "--retries", "1", "--timeout", "600"), 2 * 600 + 62),
        (("--requests", "30", "--retries", "1"), 290 + 62),
    ],
)
def test_what_waits_longer_begins_earlier_and_is_over_by_now(
    tmp_path: Path, arguments: tuple[str, ...], skipped_s: int
) -> None:
    saved = tmp_path / "lab.jsonl"
    done = retryctl("lab", "run", HANDLER, "--event", EVENT, *arguments, "--save", str(saved))
    assert done.returncode == 0, done.stderr
    times = [json.loads(line)["timestamp"] / 1000 for line in saved.read_text().splitlines()]
    assert times[-1] - times[0] > skipped_s
    assert 40 < time.time() - times[-1] < 120


def test_requests_follow_one_another(tmp_path: Path) -> None:
    done = retryctl(
        *("lab", "run", HANDLER, "--requests", "3", "--event", EVENT, "--output", "json"),
        *("--plan", "fresh", "--seed", "1"),
    )
    requests = json.loads(done.stdout)["requests"]
    assert len({request["request_id"] for request in requests}) == 3
    firsts = {request["attempts"][0]["log_stream"] for request in requests}
    retried = {request["attempts"][1]["log_stream"] for request in requests}
    assert len(firsts) == 1
    assert len(retried) == 3


def test_without_a_plan_every_retry_is_in_the_same_environment() -> None:
    done = retryctl("lab", "run", HANDLER, "--event", EVENT, "--retries", "1", "-o", "json")
    assert attempts(done.stdout) == [(0, "A"), (1, "B")]


def test_the_event_from_a_file_and_the_handler_as_lambda_names_it(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text('{"n": 7}')
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.py").write_text(
        "import os\ndef handler(event, context): print(event['n'], os.environ['STAGE'])"
    )
    done = retryctl(
        *("lab", "run", "shop.orders.handler", "--event", "event.json", "--env", "STAGE=a=b"),
        *("--lines", "--name", "orders-worker", "--log-format", "json", "--log-level", "info"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "7 a=b" in done.stdout
    assert "orders-worker" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.py:handler"], "the file of the handler"),
        (["nowhere.handler"], "the file of the handler"),
        (["handler"], "does not name a handler"),
        ([f"{EXAMPLE}:handlr"], "has no function handlr"),
        (["index.js:handler"], "index.js is not Python, and the lab runs Python handlers only"),
        ([HANDLER, "--plan", "same,same,same"], "has 3 retries, but the function may have 2"),
        ([HANDLER, "--plan", "elsewhere"], "'elsewhere' in the plan cannot be read"),
        ([HANDLER, "--plan", "env=2"], "only 1 environment exists before that retry"),
        ([HANDLER, "--plan", "fresh,env=3"], "only 2 environments exist before that retry"),
        ([str(EXAMPLE)], "does not name a handler"),
        ([HANDLER, "--event", "{"], "is neither JSON nor a file"),
        ([HANDLER, "--env", "NAME"], "is not an environment variable"),
        ([HANDLER, "--log-level", "WARN"], "a log level applies to the JSON format only"),
        ([HANDLER, "--name", "a b"], "is not a function name"),
        ([HANDLER, "--memory", "64"], "64 is not from 128 to 10240"),
    ],
)
def test_bad_input_is_refused_with_a_next_step(arguments: list[str], said: str) -> None:
    done = retryctl("lab", "run", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_handler_that_cannot_be_imported_is_shown_as_lambda_logs_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import nowhere\nhandler = 1")
    done = retryctl("lab", "run", "app.py:handler", "--retries", "0", cwd=tmp_path)
    assert done.returncode == 0
    assert "Runtime.ImportModuleError" in done.stdout


def test_a_log_that_cannot_be_saved(tmp_path: Path) -> None:
    target = str(tmp_path / "no" / "where")
    done = retryctl("lab", "run", HANDLER, "--event", EVENT, "--save", target)
    assert done.returncode == 3
    assert "cannot be written" in done.stderr


# --------------------------------------------------------------------------- serve


@contextmanager
def served(tmp_path: Path, *arguments: str) -> Iterator[dict[str, str]]:
    """``lab serve``: the environment that its line gives to a client."""
    pytest.importorskip("moto.server", reason="moto's server is not installed")
    remarks = tmp_path / "remarks"
    with remarks.open("wb") as errors:
        running = subprocess.Popen(
            [sys.executable, "-m", "retryctl", "lab", "serve", *arguments],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=hear_interrupts,
        )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        while "  retryctl list -g /aws/lambda/" not in remarks.read_text():
            assert running.poll() is None, remarks.read_text()
            time.sleep(0.01)
        yield dict(pair.split("=", 1) for pair in line.removeprefix("export ").split())
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)
    assert running.returncode == 130, remarks.read_text()
    assert "HTTP/1.1" not in remarks.read_text()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of the lab, of the last minutes, of a handler that ran A, B and A."""
    saved = tmp_path_factory.mktemp("served") / "lab.jsonl"
    arguments = ("--event", EVENT, "--plan", "same,fresh", "--name", "orders-worker")
    retryctl("lab", "run", HANDLER, *arguments, "--save", str(saved))
    return saved


@pytest.fixture(scope="module")
def line(log: Path) -> Iterator[dict[str, str]]:
    with served(log.parent, str(log)) as variables:
        yield variables


def test_any_client_can_be_pointed_at_what_the_lab_made(
    log: Path, line: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    lines = [json.loads(text) for text in log.read_text(encoding="utf-8").splitlines()]
    for name, value in line.items():
        monkeypatch.setenv(name, value)
    found = (
        boto3.session.Session()
        .client("logs")
        .filter_log_events(logGroupName="/aws/lambda/orders-worker", interleaved=True, startTime=0)[
            "events"
        ]
    )
    assert [(e["timestamp"], e["message"]) for e in found] == [
        (line["timestamp"], line["message"]) for line in lines
    ]
    assert {e["logStreamName"] for e in found} == {line["logStreamName"] for line in lines}


def test_trace_reads_what_is_served_as_it_reads_the_saved_log(
    log: Path, line: dict[str, str]
) -> None:
    (request_id, *_) = re.findall("RequestId: ([0-9a-f-]{36})", log.read_text())
    at = ("-g", "/aws/lambda/orders-worker", "--endpoint-url", line["AWS_ENDPOINT_URL_LOGS"])
    done = retryctl("trace", request_id, *at, "--since", "1h", "--output", "json", env=line)
    assert attempts(done.stdout) == [(0, "A"), (1, "B"), (0, "A")], done.stderr
    document = json.loads(done.stdout)
    assert document["requests"][0]["verdict"] == "disagrees"
    assert (document["coverage"]["complete"], document["coverage"]["gaps"]) == (True, [])


def test_a_functions_settings_are_asked_where_the_log_is_served(line: dict[str, str]) -> None:
    done = retryctl("check", "-g", "/aws/lambda/orders-worker", "--since", "15m", env=line)
    assert "environment-switch" in done.stdout
    assert "The settings of orders-worker are not known (the function does not exist" in done.stderr


def test_the_demo_can_be_served_and_its_port_is_free_afterwards() -> None:
    pytest.importorskip("moto.server", reason="moto's server is not installed")

    def act(person: Person) -> None:
        person.wait_for("  retryctl list -g /aws/lambda/")
        person.wait_for(r"AWS_ENDPOINT_URL_LOGS=\S+ ", "stdout")
        socket.create_connection(address(person.text("stdout")), timeout=10).close()
        person.send(signal.SIGINT)

    def address(line: str) -> tuple[str, int]:
        (port,) = re.findall(r"AWS_ENDPOINT_URL_LOGS=http://127\.0\.0\.1:(\d+)", line)
        return "127.0.0.1", int(port)

    done = converse(act, "lab", "serve", "demo")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(done.stdout), timeout=10)


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = retryctl("lab", "serve", "demo", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "cannot be used" in done.stderr


def test_a_log_that_is_not_there_cannot_be_served() -> None:
    done = retryctl("lab", "serve", "/nowhere.jsonl")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
