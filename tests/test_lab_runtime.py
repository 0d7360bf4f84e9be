"""Handlers of every kind under the runtime client: what they write, and how they end."""

import json
import re
from pathlib import Path

import pytest

from retryctl.core.outcomes import Outcome
from retryctl.core.requests import RequestOutcome
from retryctl.errors import NothingFound
from tests.lab_handlers import lab_of, platform, written

CLIENTS = pytest.mark.parametrize("stand_in", [False, True], ids=["awslambdaric", "stand-in"])
pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")


@CLIENTS
def test_prints_logger_lines_and_tracebacks_in_the_text_format(
    tmp_path: Path, stand_in: bool
) -> None:
    lab = lab_of(
        tmp_path,
        """
        import logging
        log = logging.getLogger()
        log.setLevel("INFO")

        def handler(event, context):
            print("printed")
            log.info("logged\\nover two lines")
            print("between", end=" ")
            print("and after")
            log.warning("warned")
            deeper()

        def deeper():
            raise ValueError("first line\\nsecond line")
        """,
        stand_in=stand_in,
    )
    request = lab.run("first", retries=0)
    printed, logged, between, warned, error = written(lab.events)
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert printed == "printed\n"
    assert between == "between and after\n"
    head = rf"\[INFO\]\t{stamp}\t{request.request_id}\t"
    assert re.fullmatch(head + "logged\nover two lines\n", logged)
    assert re.fullmatch(rf"\[WARNING\]\t{stamp}\t{request.request_id}\twarned\n", warned)
    assert error.startswith(
        "[ERROR] ValueError: first line\nsecond line\nTraceback (most recent call last):\n"
        '\xa0\xa0File "/var/task/app.py", line 12, in handler\n'
    )
    assert error.endswith('\n\xa0\xa0\xa0\xa0raise ValueError("first line\\nsecond line")')
    (attempt,) = request.attempts
    assert attempt.error is not None
    assert (attempt.error.type, attempt.outcome) == ("ValueError", Outcome.ERROR)
    assert attempt.error.frame == "app.py:15 deeper"


@CLIENTS
def test_prints_logger_lines_and_errors_in_the_json_format(tmp_path: Path, stand_in: bool) -> None:
    lab = lab_of(
        tmp_path,
        """
        import logging
        log = logging.getLogger("shop")

        def handler(event, context):
            print("printed")
            log.warning("warned")
            try:
                raise KeyError("inner")
            except KeyError:
                log.exception("caught")
            raise ValueError("outer")
        """,
        log_format="json",
        stand_in=stand_in,
    )
    request = lab.run("first", retries=0)
    printed, *others = written(lab.events)
    assert printed == "printed\n"
    warned, caught, error = map(json.loads, others)
    assert (warned["level"], warned["message"], warned["logger"]) == ("WARNING", "warned", "shop")
    assert (caught["errorType"], caught["message"]) == ("KeyError", "caught")
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "outer")
    assert {r["requestId"] for r in (warned, caught, error)} == {request.request_id}
    kinds = [json.loads(message)["type"] for message in platform(lab.events)]
    assert kinds == ["platform.initStart", "platform.start", "platform.report"]
    (attempt,) = request.attempts
    assert attempt.error is not None
    assert (attempt.error.type, attempt.outcome) == ("ValueError", Outcome.ERROR)


@CLIENTS
def test_the_application_level_holds_back_what_is_below_it(tmp_path: Path, stand_in: bool) -> None:
    lab = lab_of(
        tmp_path,
        """
        import json, logging

        def handler(event, context):
            print("counts as INFO")
            print(json.dumps({"level": "ERROR", "message": "its own level"}))
            logging.info("below")
            logging.error("above")
        """,
        log_format="json",
        application_level="WARN",
        stand_in=stand_in,
    )
    lab.run("first")
    assert [json.loads(m)["message"] for m in written(lab.events)] == ["its own level", "above"]


def test_the_system_level_holds_back_the_platforms_own(tmp_path: Path) -> None:
    source = "def handler(event, context): print('ran')"
    lab = lab_of(tmp_path, source, log_format="json", system_level="WARN")
    with pytest.raises(NothingFound):
        lab.run("first")
    assert (platform(lab.events), written(lab.events)) == ([], ["ran\n"])
    lab.run("first+timeout", retries=0)
    kinds = [json.loads(message)["type"] for message in platform(lab.events)]
    assert kinds == ["platform.runtimeDone", "platform.report"]


def test_the_order_is_that_of_the_writing_in_a_thousand_runs(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import logging
        log = logging.getLogger()

        def handler(event, context):
            for n in range(1000):
                print(4 * n)
                log.error("%d", 4 * n + 1)
                print(4 * n + 2)
                try:
                    raise ValueError(4 * n + 3)
                except ValueError:
                    log.exception("%d", 4 * n + 3)
            raise RuntimeError("the end")
        """,
        timeout_s=60,
    )
    lab.run("first", retries=0)
    *lines, end = written(lab.events)
    numbers = [int(re.search(r"(\d+)(\nTraceback|$)", line)[1]) for line in map(str.strip, lines)]
    assert numbers == list(range(4000))
    assert end.startswith("[ERROR] RuntimeError: the end")
    times = [one.event.timestamp_ms for one in lab.events]
    ids = [int(one.event.event_id or "") for one in lab.events]
    assert times == sorted(times)
    assert ids == sorted(set(ids))


def test_prints_come_before_the_error_that_follows_in_a_thousand_attempts(tmp_path: Path) -> None:
    from retryctl.lab import plan
    from retryctl.lab.function import Function
    from retryctl.lab.lab import Lab

    lab_of(
        tmp_path,
        """
        def handler(event, context):
            print(0)
            print("process A")
            raise ValueError("on purpose")
        """,
    )
    (once,) = plan.read("first", retries=0)
    with Lab(Function(handler="app.handler", task=tmp_path), seed=1, start_s=0.0) as lab:
        for _ in range(1000):
            lab.submit({}, once)
        lab.run()
    kinds = [one.event.message.split()[0] for one in lab.events[1:]]
    assert kinds == ["START", "0", "process", "[ERROR]", "END", "REPORT"] * 1000


@CLIENTS
def test_a_module_that_cannot_be_imported_is_logged_as_lambda_does(
    tmp_path: Path, stand_in: bool
) -> None:
    lab = lab_of(
        tmp_path,
        """
        import no_such_package

        def handler(event, context):
            pass
        """,
        stand_in=stand_in,
    )
    request = lab.run("same", retries=1)
    assert [a.outcome for a in request.attempts] == [Outcome.INIT_ERROR, Outcome.INIT_ERROR]
    kinds = [re.split(r"[ \t]", m)[0] for m in platform(lab.events)]
    once = ["INIT_REPORT", "START", "END", "REPORT"]
    assert kinds == ["INIT_START", "INIT_REPORT", *once, *once]
    phases = [m.split("\t")[1] for m in platform(lab.events) if m.startswith("INIT_REPORT")]
    assert phases == ["Phase: init", "Phase: invoke", "Phase: invoke"]
    errors = [m for m in written(lab.events) if m.startswith("[ERROR]")]
    assert len(errors) == 3
    assert errors[0].startswith(
        "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': "
        "No module named 'no_such_package'\nTraceback (most recent call last):"
    )
    assert platform(lab.events)[-1].endswith(
        "\tStatus: error\tError Type: Runtime.ImportModuleError\n"
    )


@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("def handler(event, context:", "Runtime.UserCodeSyntaxError"),
        ("raise RuntimeError('at import'); handler = 1", "Runtime.Unknown"),
        ("import sys; sys.exit(3); handler = 1", "Runtime.ExitError"),
        ("globals()['other'] = 1", "Runtime.HandlerNotFound"),
    ],
)
def test_what_may_go_wrong_in_init(tmp_path: Path, source: str, error_type: str) -> None:
    lab = lab_of(tmp_path, source)
    request = lab.run("first", retries=0)
    assert [attempt.outcome for attempt in request.attempts] == [Outcome.INIT_ERROR]
    assert platform(lab.events)[-1].endswith(f"\tStatus: error\tError Type: {error_type}\n")


def test_an_init_that_never_ends(tmp_path: Path) -> None:
    from retryctl.lab import plan
    from retryctl.lab.function import Function
    from retryctl.lab.lab import Lab

    lab_of(tmp_path, "import time; time.sleep(60); handler = print")
    (once,) = plan.read("first", retries=0)
    function = Function(handler="app.handler", task=tmp_path, timeout_s=0.3)
    with Lab(function, seed=1, start_s=0.0, init_timeout_s=0.2) as lab:
        lab.submit({}, once)
        lab.run()
    messages = [one.event.message for one in lab.events]
    assert re.fullmatch(
        r"INIT_REPORT Init Duration: 2\d\d\.\d\d ms\tPhase: init\tStatus: timeout\n", messages[1]
    )
    assert re.fullmatch(
        r"INIT_REPORT Init Duration: 3\d\d\.\d\d ms\tPhase: invoke\tStatus: timeout\n", messages[2]
    )
    assert messages[-1].endswith("\tStatus: timeout\n")


def test_a_handler_that_never_returns_times_out(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        def handler(event, context):
            print("went in", context.get_remaining_time_in_millis() > 200)
            while True:
                pass
        """,
        timeout_s=0.3,
    )
    request = lab.run("first", retries=0)
    (attempt,) = request.attempts
    assert written(lab.events) == ["went in True\n"]
    assert (attempt.outcome, attempt.duration_ms) == (Outcome.TIMEOUT, 300.0)


def test_a_handler_that_ignores_sigterm_times_out_all_the_same(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import signal, time

        def handler(event, context):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            time.sleep(60)
        """,
        timeout_s=0.3,
    )
    assert [a.outcome for a in lab.run("same", retries=1).attempts] == [Outcome.TIMEOUT] * 2


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import sys; sys.exit(0)", "Runtime.ExitError"),
        ("import os; os._exit(9)", "Runtime.ExitError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "Runtime.ExitError"),
        ("import os, signal; os.killpg(0, signal.SIGKILL)", "Runtime.ExitError"),
        ("b'x' * 200_000_000", "Runtime.OutOfMemory"),
    ],
)
def test_the_ways_to_die(tmp_path: Path, source: str, status: str) -> None:
    lab = lab_of(tmp_path, f"def handler(event, context):\n    print('last words'); {source}")
    request = lab.run("same", retries=1)
    assert len(request.attempts) == 2
    assert written(lab.events) == ["last words\n"] * 2
    reports = [m for m in platform(lab.events) if m.startswith("REPORT")]
    assert all(m.endswith(f"\tStatus: error\tError Type: {status}\n") for m in reports)
    if status == "Runtime.OutOfMemory":
        assert {a.outcome for a in request.attempts} == {Outcome.OUT_OF_MEMORY}
        assert {a.max_memory_used_mb for a in request.attempts} == {128}


def test_memory_is_measured(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, "def handler(event, context):\n    b'x' * 60_000_000")
    (attempt,) = lab.run("first", retries=0).attempts
    assert attempt.max_memory_used_mb is not None
    assert 60 < attempt.max_memory_used_mb < 110


def test_ten_megabytes_of_logs(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import logging

        def handler(event, context):
            for n in range(50_000):
                print(f"{n:05d}", "x" * 94)
            for n in range(50):
                logging.error("%05d %s", n, "y" * 99_994)
        """,
        timeout_s=60,
    )
    lab.run("first")
    lines = written(lab.events)
    printed, logged = lines[:50_000], lines[50_000:]
    assert [int(line[:5]) for line in printed] == list(range(50_000))
    assert {len(line) for line in printed} == {101}
    assert [line.count("y") for line in logged] == [99_994] * 50


def test_a_line_without_an_end_is_kept(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, "def handler(event, context): print('no newline', end='')")
    lab.run("first")
    assert written(lab.events) == ["no newline"]


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    source = "import os\ndef handler(event, context): os.write(1, b'\\xff\\xa5\\x5a\\n')"
    lab = lab_of(tmp_path, source)
    lab.run("first")
    assert written(lab.events) == ["\ufffd\ufffdZ\n"]


def test_an_environment_keeps_its_process_and_its_module(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        print("init")
        calls = []

        def handler(event, context):
            calls.append(event)
            print(len(calls))
            raise ValueError("again")
        """,
    )
    lab.run("same,fresh")
    prints = [m for m in written(lab.events) if not m.startswith("[ERROR]")]
    assert prints == ["init\n", "1\n", "2\n", "init\n", "1\n"]


def test_what_an_answer_cannot_be(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, "def handler(event, context): return {1, 2}")
    (attempt,) = lab.run("first", retries=0).attempts
    assert attempt.error is not None
    assert attempt.error.type == "Runtime.MarshalError"


@CLIENTS
def test_the_event_and_the_context_arrive(tmp_path: Path, stand_in: bool) -> None:
    lab = lab_of(
        tmp_path,
        """
        import os

        def handler(event, context):
            print(event["naïve"], context.function_name, context.memory_limit_in_mb,
                  context.aws_request_id, context.log_stream_name, os.environ["STAGE"],
                  os.environ["AWS_LAMBDA_FUNCTION_NAME"], "HOME" in os.environ)
        """,
        name="orders-worker",
        environment={"STAGE": "test"},
        stand_in=stand_in,
    )
    request = lab.run("first", {"naïve": [1, None]})
    stream = request.attempts[0].log_stream
    assert written(lab.events) == [
        f"[1, None] orders-worker 128 {request.request_id} {stream} test orders-worker False\n"
    ]
    assert request.outcome is RequestOutcome.SUCCEEDED


def test_big_packages(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import asyncio, boto3, concurrent.futures, decimal, sqlite3, ssl, xml.etree.ElementTree

        def handler(event, context):
            s3 = boto3.client("s3", aws_access_key_id="a", aws_secret_access_key="b")
            url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
            print(url[:8])
        """,
        timeout_s=30,
    )
    (attempt,) = lab.run("first").attempts
    assert written(lab.events) == ["https://\n"]
    assert attempt.outcome is Outcome.OK
