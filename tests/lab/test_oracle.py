"""An oracle from outside: AWS's Runtime Interface Emulator runs the same handler.

The binary comes in the wheel of aws-sam-cli, from 1.156 on: ``pip install --no-deps
aws-sam-cli``. Its START and END lines and the handler's own bytes are the oracle. Its REPORT
is not: it prints Init Duration first, and the memory size for the memory used. It sets no
telemetry descriptor, so awslambdaric writes an error to stdout there, with ``\\r`` for ``\\n``.
"""

import contextlib
import http.client
import importlib.metadata
import json
import os
import platform
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retryctl.lab.plugin import HandlerLab
from tests.support.lab_handlers import EXAMPLE, ORDER, ORIGINAL

pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")

ATTEMPTS = 3
HANDLERS = {
    "example": (EXAMPLE, "handler"),
    "original": (ORIGINAL, "lambda_handler"),
}


def emulator() -> Path:
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        pytest.skip("the Runtime Interface Emulator is a Linux binary")
    try:
        files = importlib.metadata.files("aws-sam-cli") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the wheel of aws-sam-cli, which holds the emulator, is not installed")
    for file in files:
        if file.name == f"aws-lambda-rie-{machine}":
            return Path(str(file.locate()))
    pytest.skip("this aws-sam-cli holds no emulator; 1.156 does")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def emulating(task: Path, handler: str, output: Path) -> Iterator[int]:
    """Run the emulator on loopback; yield the port that takes invocations."""
    port, runtime_port = free_port(), free_port()
    command = [
        *(str(emulator()), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
        *(sys.executable, "-B", "-m", "awslambdaric", handler),
    ]
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command, cwd=task, stdout=file, stderr=subprocess.DEVNULL, start_new_session=True
        ) as running,
    ):
        try:
            yield port
        finally:
            os.killpg(running.pid, 9)


def invoke(port: int, request_id: str, event: object) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(200):
        with contextlib.suppress(ConnectionRefusedError):
            connection.connect()
            break
        time.sleep(0.02)
    path = "/2015-03-31/functions/function/invocations"
    connection.request("POST", path, json.dumps(event), {"X-Amzn-RequestId": request_id})
    connection.getresponse().read()
    connection.close()


def emulated(task: Path, handler: str, request_id: str, output: Path) -> list[str]:
    """The lines of three attempts of a request under the emulator, which has the host's /tmp."""
    try:
        with emulating(task, handler, output) as port:
            for _ in range(ATTEMPTS):
                invoke(port, request_id, ORDER)
            lines = wait_for_reports(output)
    finally:
        for mark in Path("/tmp").glob(f"{request_id}_*"):
            mark.unlink()
    return [line.replace("\r", "\n") for line in lines if not line.startswith("REPORT")]


def wait_for_reports(output: Path) -> list[str]:
    for _ in range(200):
        lines = output.read_bytes().decode().split("\n")
        if sum(line.startswith("REPORT") for line in lines) == ATTEMPTS:
            return lines[:-1]
        time.sleep(0.02)
    raise AssertionError(f"the emulator wrote only {lines}")


@pytest.mark.parametrize("name", ["example", pytest.param("original", marks=pytest.mark.outside)])
def test_the_emulator_gives_the_same_bytes_of_the_handler_and_the_same_start_and_end(
    tmp_path: Path, name: str
) -> None:
    file, function = HANDLERS[name]
    if not file.exists():
        pytest.skip(f"{file} is not here")
    lab = HandlerLab(f"{file}:{function}", Path())
    request_id = lab.run("same,same", ORDER).request_id
    theirs = emulated(file.parent, f"{file.stem}.{function}", request_id, tmp_path / name)
    ours = [one.event.message.removesuffix("\n") for one in lab.events]
    ours = [line for line in ours if not re.match("INIT_START|REPORT", line)]
    task = str(file.parent.resolve())  # a traceback names the folder behind a link
    assert ours == [line.replace(task, "/var/task") for line in theirs]
