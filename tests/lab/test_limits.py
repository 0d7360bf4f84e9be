"""Lambda's limits: /tmp, shared memory, responses, the memory of children."""

import itertools
import sys
import time
from pathlib import Path

import pytest

from retryctl.core.model.attempt import AttemptOutcome
from retryctl.lab.function import Isolation
from tests.lab.test_isolation import WAYS
from tests.support.lab.lab_handlers import lab_of, platform, written

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")


@pytest.mark.parametrize(("size_mb", "expected"), [(512, "full"), (640, "fits")])
@pytest.mark.parametrize("way", WAYS[:2])
def test_tmp_is_as_large_as_the_function_has_it(
    tmp_path: Path, way: Isolation, size_mb: int, expected: str
) -> None:
    lab = lab_of(
        tmp_path,
        """
        import os

        def handler(event, context):
            try:
                with open("/tmp/large", "wb") as file:
                    for _ in range(550):
                        file.write(bytes(1024 * 1024))
                print("fits")
            except OSError as error:
                print("full", error.errno == 28, os.path.getsize("/tmp/large") >> 20)
            os.unlink("/tmp/large")
        """,
        isolation=(way,),
        ephemeral_mb=size_mb,
        timeout_s=60,
    )
    lab.run("first")
    assert written(lab.events) == [{"full": "full True 512\n", "fits": "fits\n"}[expected]]


@pytest.mark.parametrize("way", WAYS[:2])
def test_there_is_no_shared_memory(tmp_path: Path, way: Isolation) -> None:
    lab = lab_of(
        tmp_path,
        """
        import multiprocessing, os

        def handler(event, context):
            print(os.path.exists("/dev/shm"), sorted(os.listdir("/dev")))
            open("/dev/null", "w").write("text")
            multiprocessing.Lock()
        """,
        isolation=(way,),
    )
    lab.run("first", retries=0)
    lines = written(lab.events)
    assert lines[0].startswith("False ['fd', 'full', 'null', 'random', 'stderr', 'stdin'")
    assert lines[1].startswith(("[ERROR] OSError", "[ERROR] FileNotFoundError"))


@pytest.mark.parametrize("stand_in", [False, True], ids=["awslambdaric", "stand-in"])
@pytest.mark.parametrize(("extra", "fits"), [(0, True), (1, False)])
def test_a_response_has_at_most_6_mb(
    tmp_path: Path, stand_in: bool, extra: int, fits: bool
) -> None:
    if not stand_in:
        pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")
    source = """
        def handler(event, context):
            return "x" * (6 * 1024 * 1024 + 100 - 2 + event["extra"])
        """
    lab = lab_of(tmp_path, source, stand_in=stand_in)
    request = lab.run("first", {"extra": extra}, retries=0)
    assert request.attempts[0].outcome is (AttemptOutcome.OK if fits else AttemptOutcome.CRASH)
    reported = (
        platform(lab.events)[-1]
        .rstrip()
        .endswith("Status: error\tError Type: Function.ResponseSizeTooLarge")
    )
    assert reported is not fits
    assert "lab/inside" not in "".join(written(lab.events))


def test_the_memory_of_children_counts(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import subprocess, sys

        def handler(event, context):
            program = "x = bytearray(int(sys.argv[1]) << 20); time.sleep(0.2)"
            command = [sys.executable, "-c", "import sys, time; " + program, str(event["mb"])]
            subprocess.run(command, check=True)
        """,
        timeout_s=20,
    )
    small = lab.run("first", {"mb": 10}, retries=0).attempts[0]
    large = lab.run("first", {"mb": 200}, retries=0).attempts[0]
    assert small.outcome is AttemptOutcome.OK
    assert large.outcome is AttemptOutcome.OUT_OF_MEMORY


def test_an_environment_is_frozen_between_attempts(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import itertools, subprocess, sys, threading, time

        def count():
            for number in itertools.count():
                open("/tmp/thread", "a").write("x")
                time.sleep(0.002)

        for name in ("thread", "program"):
            open("/tmp/" + name, "w").close()
        threading.Thread(target=count, daemon=True).start()
        program = "while true; do printf x >> /tmp/program; sleep 0.01; done"
        subprocess.Popen(["sh", "-c", program])

        def handler(event, context):
            before = [len(open("/tmp/" + name).read()) for name in ("thread", "program")]
            time.sleep(0.1)
            after = [len(open("/tmp/" + name).read()) for name in ("thread", "program")]
            print(*before, *after)
            raise ValueError("again")
        """,
    )
    lab.run("same,same", between=lambda number: time.sleep(0.3))
    rows = [list(map(int, line.split())) for line in written(lab.events) if line[0].isdigit()]
    assert len(rows) == 3
    for row, following in itertools.pairwise(rows):
        assert row[2] > row[0]
        assert row[3] > row[1]
        # A second thread and a program go on in the invocation, and not between invocations.
        # In these 300 ms they would count to 150 and to 30.
        assert following[0] - row[2] < 50
        assert following[1] - row[3] < 15
