"""What real libraries rely on: the classes of datetime, ``__main__``, tracebacks, children."""

import mmap
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from retryctl.lab.inside import virtual_time
from retryctl.lab.lab import Lab
from retryctl.lab.limitations import remarks
from tests.support.lab.lab_handlers import lab_of, written

DATETIME = """
    import datetime, json, pickle, time

    class Own(datetime.datetime):
        pass

    def handler(event, context):
        now = datetime.datetime.now()
        print(type(now) is datetime.datetime, type(datetime.date.today()) is datetime.date)
        print(type(datetime.datetime) is type, datetime.datetime.__mro__[1] is datetime.date)
        print(type(Own.now()) is Own, type(Own.utcnow()) is Own, type(Own.today()) is Own)
        print(pickle.loads(pickle.dumps(time.time)) is time.time)
        print(abs(datetime.datetime.utcnow().timestamp() - time.time()) < 5)
        print(abs(time.clock_gettime(time.CLOCK_REALTIME) - time.time()) < 5)
"""


@pytest.mark.parametrize("real_time", [False, True])
def test_datetime_stays_the_class_that_it_is(tmp_path: Path, real_time: bool) -> None:
    lab = lab_of(tmp_path, DATETIME, real_time=real_time)
    lab.run("first", retries=0)
    assert written(lab.events) == [
        "True True\n",
        "True True\n",
        "True True True\n",
        "True\n",
        "True\n",
        "True\n",
    ]


class Unchanged(dict[str, object]):
    """The dictionary of a type that an interpreter does not let be changed."""

    def __setitem__(self, name: str, value: object) -> None:
        pass


def test_whether_datetime_follows_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    page = mmap.mmap(-1, virtual_time.PAGE.size)
    virtual_time.PAGE.pack_into(page, 0, 1000.0, 0, 0)
    monkeypatch.setattr(virtual_time, "_install_in_time", lambda *_: None)
    monkeypatch.setattr(virtual_time, "_dictionary", lambda kind: Unchanged(vars(kind)))
    assert virtual_time.replace_clock(page) is False


def test_a_clock_that_datetime_does_not_follow_is_a_warning() -> None:
    ran = SimpleNamespace(
        facts={"clock": "time only", "refused": {}, "client": "", "isolation": "namespaces"},
        attempts=[],
    )
    (warning,) = remarks(cast(Lab, ran))
    assert "With --real-time both use the host's clock" in warning


def test_agents_find_the_runtime_client_where_lambda_has_it(tmp_path: Path) -> None:
    pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")
    lab = lab_of(
        tmp_path,
        """
        import sys

        bootstrap = sys.modules["__main__"].awslambdaricmain.bootstrap
        handle = bootstrap.handle_event_request

        def wrapped(client, handler, *arguments, **options):
            print("wrapped")
            return handle(client, handler, *arguments, **options)

        bootstrap.handle_event_request = wrapped

        def handler(event, context):
            print([name for name in sys.modules if name.startswith("retryctl")])
        """,
    )
    lab.run("first")
    assert written(lab.events) == ["wrapped\n", "[]\n"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_starts_children_in_each_way(tmp_path: Path, method: str) -> None:
    lab = lab_of(
        tmp_path,
        """
        import multiprocessing, os

        def work(connection):
            connection.send(os.getcwd())

        def handler(event, context):
            context = multiprocessing.get_context(event["method"])
            ours, theirs = context.Pipe()
            child = context.Process(target=work, args=(theirs,))
            child.start()
            print(ours.recv() == os.getcwd())
            child.join()
            print(child.exitcode)
        """,
        timeout_s=20,
        memory_mb=512,
    )
    lab.run("first", {"method": method}, retries=0)
    assert written(lab.events) == ["True\n", "0\n"]


@pytest.mark.parametrize("stand_in", [False, True], ids=["awslambdaric", "stand-in"])
def test_no_frame_of_retryctl_is_in_a_traceback(tmp_path: Path, stand_in: bool) -> None:
    if not stand_in:
        pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")
    lab = lab_of(
        tmp_path,
        """
        import datetime, logging, time, traceback

        def handler(event, context):
            for call in (
                lambda: open("/tmp/absent"),
                lambda: time.gmtime("text"),
                lambda: datetime.datetime.now("text"),
            ):
                try:
                    call()
                except (OSError, TypeError):
                    print(traceback.format_exc().replace(chr(10), "|"))
                    logging.getLogger().exception("caught")
            open("/tmp/absent")
        """,
        isolation=("patched",),
        stand_in=stand_in,
    )
    lab.run("first", retries=0)
    text = "".join(written(lab.events))
    assert text.count("Traceback") == 7
    assert "lab/inside" not in text


def test_a_line_without_newline_stands_before_what_follows(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        def handler(event, context):
            print("before the error", end="")
            raise ValueError("again")
        """,
    )
    lab.run("first", retries=0)
    first, second = written(lab.events)
    assert first == "before the error"
    assert second.startswith("[ERROR] ValueError: again")


@pytest.mark.skipif(sys.platform != "linux", reason="the host's time is asked of date(1)")
def test_with_real_time_the_function_has_the_hosts_clock(tmp_path: Path) -> None:
    source = """
        import subprocess, time

        def handler(event, context):
            host = float(subprocess.run(["date", "+%s.%N"], capture_output=True).stdout)
            left_ms = context.get_remaining_time_in_millis()
            print(abs(time.time() - host) < 1, 2000 < left_ms <= 3000)
        """
    for real_time in (True, False):
        lab = lab_of(tmp_path, source, real_time=real_time)
        lab.run("first", seed=1)
        assert written(lab.events) == [f"{real_time} True\n"]
