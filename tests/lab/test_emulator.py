"""An oracle from outside: AWS's Runtime Interface Emulator runs the same handlers.

Its START and END lines and the handler's own bytes are the oracle. Its REPORT is not: it prints
Init Duration first, and the memory size for the memory used. It sets no telemetry descriptor, so
awslambdaric writes an error to stdout there, with ``\\r`` for ``\\n``.
"""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from retryctl.lab.plugin import HandlerLab
from tests.support.lab.lab_handlers import EXAMPLE, ORDER, ORIGINAL
from tests.support.lab.lambda_emulator import emulating, find_emulator, function_lines, invoke
from tests.support.lab.library_handlers import HANDLERS, comparable

pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")

ATTEMPTS = 3
COUNTING = {
    "example": (EXAMPLE, "handler"),
    "original": (ORIGINAL, "lambda_handler"),
}


@pytest.fixture(scope="module")
def emulator() -> Path:
    found = find_emulator()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.mark.parametrize("name", COUNTING)
def test_the_emulator_gives_the_same_bytes_of_a_handler_that_counts(
    tmp_path: Path, emulator: Path, name: str
) -> None:
    file, function = COUNTING[name]
    if not file.exists():
        pytest.skip(f"{file} is not here")
    lab = HandlerLab.open(f"{file}:{function}", Path())
    request_id = lab.run("same,same", ORDER).request_id
    output = tmp_path / "emulator.log"
    try:
        with emulating(emulator, file.parent, f"{file.stem}.{function}", output) as port:
            for _ in range(ATTEMPTS):
                invoke(port, request_id, ORDER)
            theirs = function_lines(output, ATTEMPTS)
    finally:  # the emulator has the host's /tmp
        for mark in Path("/tmp").glob(f"{request_id}_*"):
            mark.unlink()
    ours = [e.event.message.removesuffix("\n") for e in lab.events if e.source == "function"]
    task = str(file.parent.resolve())  # a traceback names the folder behind a link
    assert "\n".join(ours) == "\n".join(theirs).strip().replace("\r", "\n").replace(
        task, "/var/task"
    )


def installed(name: str) -> object:
    missing = [package for package in HANDLERS[name].needs if find_spec(package) is None]
    reason = f"{', '.join(missing)} is not installed"
    return pytest.param(name, marks=pytest.mark.skipif(bool(missing), reason=reason))


SAMPLE = [name for name, one in HANDLERS.items() if not one.differs]


@pytest.mark.parametrize("name", [installed(name) for name in SAMPLE])
def test_the_emulator_gives_the_same_lines_of_a_handler_with_libraries(
    tmp_path: Path, emulator: Path, name: str
) -> None:
    one = HANDLERS[name]
    (tmp_path / "app.py").write_text(one.source, encoding="utf-8")
    lab = HandlerLab.open(one.name, tmp_path, env=one.env, memory=2048, timeout=60)
    request_id = lab.run("first", one.event, retries=0).request_id
    output = tmp_path / "emulator.log"
    env = {"AWS_REGION": "us-east-1", "HOME": "/home/sbx_user1051", "LANG": "en_US.UTF-8"}
    env |= {"LAMBDA_TASK_ROOT": str(tmp_path), "PATH": "/usr/bin:/bin", "TZ": ":UTC", **one.env}
    env |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    with emulating(emulator, tmp_path, one.name, output, env=env) as port:
        body = invoke(port, request_id, one.event)
        theirs = function_lines(output, 1)
    ours = [e.event.message.removesuffix("\n") for e in lab.events if e.source == "function"]
    task = str(tmp_path)
    assert comparable(ours, task) == comparable(theirs, task)
    if lab.attempts[0].ok:
        assert lab.responses[0] == json.loads(body)
