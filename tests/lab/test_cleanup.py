"""Nothing is left behind: no process, no folder, no port, no file descriptor, no thread."""

import gc
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from retryctl.lab.function import Isolation
from retryctl.lab.plugin import HandlerLab
from retryctl.temporary import temporary_folder
from tests.support.conversation import Person, converse
from tests.support.lab.lab_handlers import EXAMPLE, ORDER, lab_of, written
from tests.support.program import PROGRAM, environment

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


def processes_marked(mark: str) -> list[int]:
    """The processes whose command line or environment holds ``mark``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in text and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def wait_until_gone(mark: str) -> list[int]:
    deadline = time.monotonic() + 10
    while (left := processes_marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def open_descriptors() -> set[tuple[str, str]]:
    """The number and the target of each file descriptor of this process."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the listing itself
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))
    return found


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test here leaves no file, no file descriptor and no thread.

    Those of earlier tests may end meanwhile.
    """
    folder = tmp_path / "lab-folders"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    gc.collect()
    descriptors, threads = open_descriptors(), set(threading.enumerate())
    yield
    assert os.listdir(folder) == []
    assert open_descriptors() - descriptors == set()
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - threads and time.monotonic() < deadline:
        time.sleep(0.01)  # the last answer's thread ends by itself
    assert set(threading.enumerate()) - threads == set()


@pytest.mark.parametrize("way", ["namespaces", "patched"])
def test_after_a_run(tmp_path: Path, way: Isolation) -> None:
    mark = {"MARK": str(tmp_path)}
    lab = HandlerLab.open(f"{EXAMPLE}:handler", Path(), environment=mark, isolation=(way,))
    lab.run("fresh+kill,fresh+timeout", ORDER)
    assert processes_marked(str(tmp_path)) == []


@pytest.mark.parametrize("mishap", ["", "+timeout"])
def test_what_a_function_forks_ends_with_its_environment(tmp_path: Path, mishap: str) -> None:
    lab = lab_of(
        tmp_path,
        """
        import os, signal, subprocess, sys

        SLEEP = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
        subprocess.Popen([sys.executable, "-c", SLEEP])
        subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
        if os.fork() == 0:  # a daemon, by the book
            os.setsid()
            if os.fork() == 0:
                os.execv(sys.executable, [sys.executable, "-c", SLEEP])
            os._exit(0)

        def handler(event, context):
            print("ran")
            raise ValueError("again")
        """,
        environment={"MARK": str(tmp_path)},
        timeout_s=0.5,
    )
    lab.run(f"first{mishap},fresh{mishap}")
    assert processes_marked(str(tmp_path)) == []


def test_a_function_that_ends_its_supervisor_does_not_outlive_the_lab(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import os, signal

        def handler(event, context):
            os.kill(os.getppid(), signal.SIGKILL)
            print("alone")
        """,
        environment={"MARK": str(tmp_path)},
    )
    lab.run("first")
    assert written(lab.events) == ["alone\n"]
    assert wait_until_gone(str(tmp_path)) == []


def test_what_a_function_made_unreadable_is_removed(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import os

        def handler(event, context):
            os.makedirs("/tmp/a/b/c")
            os.symlink("/etc", "/tmp/a/link")
            os.mkfifo("/tmp/a/fifo")
            for path in ("/tmp/a/b/c", "/tmp/a/b", "/tmp/a"):
                os.chmod(path, 0)
        """,
    )
    lab.run("first")
    assert Path("/etc/passwd").exists()


def test_after_an_exception_in_the_lab_itself(tmp_path: Path) -> None:
    lab = HandlerLab.open(f"{EXAMPLE}:handler", Path(), environment={"MARK": str(tmp_path)})
    with pytest.raises(TypeError):
        lab.run("first", {"not JSON": object()})
    assert processes_marked(str(tmp_path)) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    ready, arguments = hanging(tmp_path)

    def act(person: Person) -> None:
        ready.open().close()  # the handler is in
        person.send(number)

    done = converse(act, *arguments, env={"TMPDIR": str(tmp_path / "lab-folders")}, cwd=tmp_path)
    assert done.returncode == 128 + number, done.stderr
    assert wait_until_gone(f"MARK={tmp_path}") == []


def test_a_killed_command_leaves_no_process_and_a_folder_to_the_next_run(tmp_path: Path) -> None:
    ready, arguments = hanging(tmp_path)
    folders = tmp_path / "lab-folders"
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=tmp_path,
        env=environment({"TMPDIR": str(folders)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        ready.open().close()
        running.kill()
    assert wait_until_gone(f"MARK={tmp_path}") == []
    assert len(os.listdir(folders)) == 1
    with temporary_folder("lab") as own:
        assert os.listdir(folders) == [own.name]


def hanging(tmp_path: Path) -> tuple[Path, list[str]]:
    """A run of ``lab run`` in a handler that hangs: a FIFO that it opens, and its arguments."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    (tmp_path / "app.py").write_text(
        "import time\n"
        "def handler(event, context):\n"
        "    open(event['ready'], 'w').close()\n"
        "    time.sleep(60)\n"
    )
    # The FIFO lies under the host's /tmp: only patched calls, which keep the task's folder, see it.
    return ready, [
        *("lab", "run", "app.py:handler", "--timeout", "60", "--isolation", "patched"),
        *("--event", f'{{"ready": "{ready}"}}', "--env", f"MARK={tmp_path}"),
    ]
