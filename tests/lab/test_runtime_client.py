"""What handlers write under the runtime client, and what they are given."""

import json
import re
from pathlib import Path

import pytest

from retryctl.core.model.attempt import AttemptOutcome
from retryctl.core.model.request import RequestOutcome
from retryctl.errors import NothingFound
from retryctl.lab import plan
from retryctl.lab.function import Function
from retryctl.lab.lab import Lab
from tests.support.lab.lab_handlers import lab_of, platform, written

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
    assert (attempt.error.type, attempt.outcome) == ("ValueError", AttemptOutcome.ERROR)
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
    assert (attempt.error.type, attempt.outcome) == ("ValueError", AttemptOutcome.ERROR)


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
    found = [re.search(r"(\d+)(\nTraceback|$)", line) for line in map(str.strip, lines)]
    numbers = [int(match[1]) for match in found if match]
    assert numbers == list(range(4000))
    assert end.startswith("[ERROR] RuntimeError: the end")
    times = [one.event.timestamp_ms for one in lab.events]
    ids = [int(one.event.event_id or "") for one in lab.events]
    assert times == sorted(times)
    assert ids == sorted(set(ids))


def test_prints_come_before_the_error_that_follows_in_hundreds_of_attempts(tmp_path: Path) -> None:
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
        for _ in range(300):
            lab.submit({}, once)
        lab.run()
    kinds = [one.event.message.split()[0] for one in lab.events[1:]]
    assert kinds == ["START", "0", "process", "[ERROR]", "END", "REPORT"] * 300


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
                  os.environ["AWS_LAMBDA_FUNCTION_NAME"], "PYTHONPATH" in os.environ)
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
    assert attempt.outcome is AttemptOutcome.OK


def test_what_is_not_ascii(tmp_path: Path) -> None:
    source = "import logging\ndef handler(event, context): print('木曽'); logging.error('注文 é')"
    lab = lab_of(tmp_path, source)
    lab.run("first")
    printed, logged = written(lab.events)
    assert printed == "木曽\n"
    assert logged.endswith("\t注文 é\n")


def test_threads_that_print_and_log_at_once(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import logging, sys, threading

        def write(number):
            for n in range(50):
                logging.error("%d/%d %s", number, n, "y" * 60_000)
                sys.stdout.write(f"{number}/{n}\\n")

        def handler(event, context):
            threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        """,
        timeout_s=60,
    )
    lab.run("first")
    everyone = sorted(f"{number}/{n}" for number in range(4) for n in range(50))
    logged = [m for m in written(lab.events) if m.endswith("y\n")]
    printed = [m.strip() for m in written(lab.events) if not m.endswith("y\n")]
    assert sorted(m.split("\t")[-1].split()[0] for m in logged) == everyone
    assert {m.count("y") for m in logged} == {60_000}
    assert sorted(printed) == everyone
