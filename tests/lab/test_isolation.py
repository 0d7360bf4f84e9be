"""A private /tmp, by each of the three ways, as root and as an ordinary user."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from retryctl.errors import CouldNotRead
from retryctl.lab.function import Isolation
from retryctl.lab.plugin import HandlerLab
from tests.support.counters_world import python
from tests.support.lab.lab_handlers import EXAMPLE, ORDER, REPOSITORY, lab_of, written

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")

USER_NAMESPACES = not subprocess.run(["unshare", "-Ur", "true"], capture_output=True).returncode
BUBBLEWRAP = shutil.which("bwrap") is not None
WAYS = [
    pytest.param(
        "namespaces",
        marks=pytest.mark.skipif(
            os.getuid() != 0 and not USER_NAMESPACES, reason="the host refuses namespaces"
        ),
    ),
    pytest.param(
        "bubblewrap",
        marks=pytest.mark.skipif(not BUBBLEWRAP, reason="bubblewrap is not installed"),
    ),
    "patched",
]
COUNTS_FILES = """
import os
from pathlib import Path

def handler(event, context):
    names = list(Path("/tmp").glob("mark-*"))
    print(len(names))
    Path(f"/tmp/mark-{len(names)}").touch()
"""
EVERY_CALL = """
    import glob, os, pathlib, shutil, tempfile

    def handler(event, context):
        name = event["name"]
        here = pathlib.Path("/tmp", name)
        print(sorted(n for n in os.listdir("/tmp") if name in n))
        here.write_text("by pathlib")
        with open(f"/tmp/{name}.open", "w") as file:
            file.write("by open")
        os.close(os.open(f"/tmp/{name}.os", os.O_CREAT | os.O_WRONLY))
        os.rename(f"/tmp/{name}.os", f"/tmp/{name}.renamed")
        shutil.copy(here, f"/tmp/{name}.copied")
        os.symlink(here, f"/tmp/{name}.link")
        os.makedirs(f"/tmp/{name}.d/inner")
        shutil.rmtree(f"/tmp/{name}.d")
        with tempfile.NamedTemporaryFile(prefix=name, dir="/tmp") as file:
            print(os.path.dirname(file.name), os.path.exists(file.name))
        print(sorted(p[len("/tmp/") + len(name):] for p in glob.glob(f"/tmp/{name}*")))
        print(here.read_text(), pathlib.Path(f"/tmp/{name}.link").read_text())
        print(sorted(p.suffix for p in pathlib.Path("/tmp").iterdir() if name in p.name))
        print(os.path.exists("/tmp/../tmp/" + name), os.path.exists("//tmp/" + name))
"""


@pytest.mark.parametrize("way", WAYS)
def test_every_file_call_stays_in_the_environments_own_tmp(tmp_path: Path, way: Isolation) -> None:
    name = uuid.uuid4().hex
    lab = lab_of(tmp_path, EVERY_CALL, isolation=(way,))
    lab.run("first", {"name": name})
    assert [line.strip() for line in written(lab.events)] == [
        "[]",
        "/tmp True",
        "['', '.copied', '.link', '.open', '.renamed']",
        "by pathlib by pathlib",
        "['', '.copied', '.link', '.open', '.renamed']",
        "True True",
    ]
    assert not list(Path("/tmp").glob(f"{name}*"))


@pytest.mark.parametrize("way", WAYS)
def test_no_environment_sees_the_files_of_another(tmp_path: Path, way: Isolation) -> None:
    lab = lab_of(tmp_path, COUNTS_FILES + "    raise ValueError('again')\n", isolation=(way,))
    for plan, counts in (("same,same", "012"), ("fresh,env=1", "001"), ("fresh,fresh", "000")):
        lab.run(plan)
        assert "".join(m.strip() for m in written(lab.events) if m[0].isdigit()) == counts


@pytest.mark.parametrize("way", WAYS)
def test_the_files_stay_when_a_process_ends(tmp_path: Path, way: Isolation) -> None:
    lab = lab_of(tmp_path, COUNTS_FILES + "    os._exit(1)\n", isolation=(way,))
    lab.run("same,same")
    assert written(lab.events) == ["0\n", "1\n", "2\n"]


@pytest.mark.parametrize("way", WAYS[:2])
def test_programs_of_the_function_share_its_tmp_and_its_code_is_read_only(
    tmp_path: Path, way: Isolation
) -> None:
    (tmp_path / "data.txt").write_text("from the task")
    lab = lab_of(
        tmp_path,
        """
        import os, sqlite3, subprocess

        def handler(event, context):
            subprocess.run("echo hello > /tmp/by-a-shell; cd /tmp; ls by-*", shell=True, check=True)
            sqlite3.connect("/tmp/by-sqlite").execute("create table t (x)")
            print(*map(os.path.exists, ("/tmp/by-a-shell", "/tmp/by-sqlite")))
            print(os.getcwd(), os.environ["LAMBDA_TASK_ROOT"])
            print(open("data.txt").read())
            try:
                open("/var/task/app.py", "a")
            except OSError as error:
                print(error.strerror)
            print(os.path.isdir("/var/lib"), open("/etc/passwd").read() != "")
        """,
        isolation=(way,),
    )
    lab.run("first")
    assert written(lab.events) == [
        "by-a-shell\n",
        "True True\n",
        "/var/task /var/task\n",
        "from the task\n",
        "Read-only file system\n",
        "True True\n",
    ]


def test_patched_calls_refuse_what_they_cannot_move(tmp_path: Path) -> None:
    name = uuid.uuid4().hex
    lab = lab_of(
        tmp_path,
        """
        import io, posix, sqlite3

        def handler(event, context):
            path = "/tmp/" + event["name"]
            for call in (
                lambda: sqlite3.connect(path),
                lambda: io.FileIO(path, "w"),
                lambda: posix.mkdir(path),
            ):
                try:
                    call()
                except PermissionError as error:
                    print(str(error).split(" of ")[0])
        """,
        isolation=("patched",),
    )
    lab.run("first", {"name": name})
    assert written(lab.events) == ["sqlite3.connect\n", "open\n", "os.mkdir\n"]
    assert not Path("/tmp", name).exists()


def test_a_way_that_is_not_there_is_said(tmp_path: Path) -> None:
    refused = {**os.environ, "PATH": "/nowhere"}
    source = "def handler(event, context): pass"
    lab_of(tmp_path, source)
    code = (
        "from retryctl.lab.plugin import HandlerLab; from pathlib import Path;"
        "HandlerLab.open('app.py:handler', Path(), isolation=('namespaces',)).run()"
    )
    done = subprocess.run(
        [*without_namespaces(), sys.executable, "-c", code],
        cwd=tmp_path,
        env=refused,
        capture_output=True,
        text=True,
    )
    assert done.returncode
    assert (
        "CouldNotRead: the function's process could not be set up: no private /tmp" in done.stderr
    )


def without_namespaces() -> list[str]:
    """A command line that runs its arguments where no namespace can be had."""
    if not USER_NAMESPACES:
        return []
    inside = (
        "echo 0 > /proc/sys/user/max_user_namespaces && "
        f'exec {shutil.which("setpriv")} --bounding-set=-all --inh-caps=-all "$@"'
    )
    return [shutil.which("unshare") or "", "-Ur", "/bin/sh", "-c", inside, "sh"]


# --------------------------------------------------------------------------- ordinary users

ORDINARY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env"]
PACKAGES = Path(pytest.__file__).parents[1]


def ordinary_python() -> list[str]:
    """An interpreter, as an ordinary user where we are root."""
    if os.getuid():
        return [sys.executable]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        trial = [*ORDINARY, path, "-c", "import pytest"]
        environment = {"PYTHONPATH": str(PACKAGES)}
        if not subprocess.run(trial, capture_output=True, env=environment).returncode:
            return [*ORDINARY, path]
    pytest.skip("an ordinary user has no interpreter of this version here")


def lab_run(prefix: list[str], python: list[str], *options: str) -> tuple[dict[str, object], str]:
    """``retryctl lab run`` of the example: its JSON, and its stderr."""
    path = f"{REPOSITORY}{os.pathsep}{PACKAGES}"
    done = subprocess.run(
        [
            *python[:-1],
            *prefix,
            *(python[-1], "-m", "retryctl", "lab", "run", f"{EXAMPLE}:handler"),
            *("--event", json.dumps(ORDER), "--env", f"PYTHONPATH={path}", "--output", "json"),
            *options,
        ],
        cwd="/",
        env={"PYTHONPATH": path, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)["requests"][0], done.stderr


def counts(request: dict[str, object]) -> list[object]:
    attempts = request["attempts"]
    assert isinstance(attempts, list)
    return [attempt["counter"]["logged"] for attempt in attempts]


@pytest.mark.skipif(not USER_NAMESPACES, reason="the host refuses user namespaces")
def test_an_ordinary_user_has_namespaces() -> None:
    request, said = lab_run([], ordinary_python(), "--plan", "same,fresh")
    assert counts(request) == [0, 1, 0]
    assert "patched" not in said
    assert "stand-in" not in said


@pytest.mark.skipif(not USER_NAMESPACES, reason="namespaces cannot be taken from us to be refused")
def test_where_namespaces_are_refused_file_calls_are_patched_and_that_is_said() -> None:
    request, said = lab_run(without_namespaces(), ordinary_python(), "--plan", "same,fresh")
    assert counts(request) == [0, 1, 0]
    assert "file calls were patched to make /tmp private" in said
    assert "the host allows no user namespace" in said
    assert not list(Path("/tmp").glob(f"{request['request_id']}*"))


def test_an_interpreter_that_is_not_there() -> None:
    with pytest.raises(CouldNotRead, match="was not found"):
        HandlerLab.open(f"{EXAMPLE}:handler", Path(), python="/nowhere/python").run()


@pytest.mark.parametrize("program", ["/bin/false", "/bin/echo"])
def test_a_program_that_is_no_interpreter(program: str) -> None:
    with pytest.raises(CouldNotRead, match="does not run as a Python interpreter"):
        HandlerLab.open(f"{EXAMPLE}:handler", Path(), python=program).run()


def test_an_interpreter_that_is_too_old(tmp_path: Path) -> None:
    old = tmp_path / "python3.8"
    old.write_text("#!/bin/sh\necho 3.8\n")
    old.chmod(0o755)
    with pytest.raises(CouldNotRead, match=r"is Python 3\.8, and the lab runs 3\.9 and later"):
        HandlerLab.open(f"{EXAMPLE}:handler", Path(), python=str(old)).run()


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("way", WAYS)
def test_the_functions_interpreter_may_be_another(
    tmp_path: Path, way: Isolation, version: str
) -> None:
    source = "import sys\ndef handler(event, context): print(*sys.version_info[:2], sep='.')"
    lab = lab_of(tmp_path, source, python=python(version), isolation=(way,))
    lab.run("first")
    assert written(lab.events) == [f"{version}\n"]


@pytest.mark.parametrize("way", WAYS)
def test_packages_beside_retryctls_own_are_not_the_functions(
    tmp_path: Path, way: Isolation
) -> None:
    """A package of retryctl's is there for another Python, and must not be taken for one."""
    site = tmp_path / "site"
    shutil.copytree(REPOSITORY / "retryctl", site / "retryctl")
    (site / "awslambdaric").mkdir()
    (site / "awslambdaric" / "__init__.py").write_text("raise SystemExit('of another Python')")
    task = tmp_path / "task"
    task.mkdir()
    (task / "app.py").write_text("import sys\ndef handler(event, context): print(*sys.path)")
    code = (
        "import sys; from pathlib import Path; from retryctl.lab.plugin import HandlerLab;"
        "lab = HandlerLab.open('app.py:handler', Path(), isolation=(sys.argv[1],)); lab.run();"
        "print([one.event.message for one in lab.events if one.source == 'function'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, way],
        cwd=task,
        env={"PYTHONPATH": str(site), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "another Python" not in done.stdout
    assert str(site) not in done.stdout
    assert ("/var/task" if way != "patched" else str(task)) in done.stdout
