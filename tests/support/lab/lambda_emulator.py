"""AWS's Runtime Interface Emulator, which the wheel of aws-sam-cli carries (1.156 and later)."""

from __future__ import annotations

import contextlib
import http.client
import importlib.metadata
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

_IGNORED = ("START RequestId:", "END RequestId:", "REPORT RequestId:", "INIT_REPORT")


def find_emulator() -> Path | str:
    """Return the emulator, or the reason for which there is none."""
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return "the Runtime Interface Emulator is a Linux binary"
    try:
        files = importlib.metadata.files("aws-sam-cli") or []
    except importlib.metadata.PackageNotFoundError:
        return "the wheel of aws-sam-cli, which carries the emulator, is not installed"
    for file in files:
        if file.name == f"aws-lambda-rie-{machine}":
            return Path(str(file.locate()))
    return "this aws-sam-cli carries no emulator; 1.156 does"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def emulating(
    emulator: Path,
    task: Path,
    handler: str,
    output: Path,
    *,
    python: str = sys.executable,
    env: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run the emulator on loopback; yield the port that takes invocations."""
    port, runtime_port = free_port(), free_port()
    command = [
        *(str(emulator), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
        *(python, "-B", "-m", "awslambdaric", handler),
    ]
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command,
            cwd=task,
            env=dict(env) if env is not None else None,
            stdout=file,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as running,
    ):
        try:
            yield port
        finally:
            os.killpg(running.pid, signal.SIGKILL)


def invoke(port: int, request_id: str, event: object, timeout_s: float = 60) -> bytes:
    """Send an event; return the response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    for _ in range(200):
        with contextlib.suppress(ConnectionRefusedError):
            connection.connect()
            break
        time.sleep(0.02)
    path = "/2015-03-31/functions/function/invocations"
    connection.request("POST", path, json.dumps(event), {"X-Amzn-RequestId": request_id})
    answer = connection.getresponse().read()
    connection.close()
    return answer


def function_lines(output: Path, attempts: int) -> list[str]:
    """Return what the function and its runtime wrote, once the last attempt has its REPORT."""
    lines: list[str] = []
    for _ in range(250):
        lines = output.read_bytes().decode("utf-8", "replace").split("\n")
        if sum(line.startswith("REPORT RequestId:") for line in lines) >= attempts:
            break
        time.sleep(0.02)
    # A line without a newline is followed by the emulator's own.
    own = [line for line in lines if not line.startswith(_IGNORED)]
    return [line.partition("END RequestId:")[0] for line in own]
