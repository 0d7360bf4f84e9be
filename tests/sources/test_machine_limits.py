"""A limit of this machine that botocore wraps in an error of its own is named as what it is."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest
import urllib3.connection

from retryctl.errors import CouldNotRead
from retryctl.machine_limits import is_out_of_memory, machine_limit
from retryctl.sources.aws.client import AwsClient
from tests.support.aws_program import CREDENTIALS
from tests.support.program import environment

FULL = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
NO_THREAD = RuntimeError("can't start new thread")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> AwsClient:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return AwsClient(endpoint_url="http://127.0.0.1:9")


def calls_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Let every connection fail with an error; the list grows with each."""
    calls: list[None] = []

    def connect(_: object) -> None:
        calls.append(None)
        raise error

    monkeypatch.setattr(urllib3.connection.HTTPConnection, "connect", connect)
    return calls


@pytest.mark.parametrize(
    ("error", "words"),
    [(FULL, "too many files are open"), (NO_THREAD, "no more threads")],
    ids=["files", "threads"],
)
def test_a_limit_is_named_and_not_tried_again(
    client: AwsClient, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    calls = calls_with(error, monkeypatch)
    with pytest.raises(CouldNotRead, match=words) as found:
        client.call("logs", "FilterLogEvents", {"logGroupName": "g"})
    assert "ulimit" in found.value.next_step
    assert len(calls) == 1


def test_a_lack_of_memory_stays_one(client: AwsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = calls_with(MemoryError(), monkeypatch)
    with pytest.raises(MemoryError):
        client.call("logs", "FilterLogEvents", {"logGroupName": "g"})
    assert len(calls) == 1


def test_what_led_to_an_error_counts() -> None:
    for cause in (MemoryError(), OSError(errno.ENOMEM, "no")):
        wrapped = ValueError("no credentials")
        wrapped.__context__ = cause
        assert is_out_of_memory(wrapped)
        found = machine_limit(wrapped)
        assert found
        assert "too little memory" in found.what
    assert machine_limit(ValueError("bad")) is None
    assert machine_limit(SystemError("a bug of a library")) is None


DEEP_WITHOUT_MEMORY = """
import resource
from retryctl.machine_limits import grow_stack

deep = ()
for _ in range(15_000):
    deep = (deep,)
resource.setrlimit(resource.RLIMIT_AS, (80 << 20, 80 << 20))
grow_stack()
kept, size = [], 1 << 24
while size >= 1024:
    try:
        kept.append(bytearray(size))
    except MemoryError:
        size //= 2
hash(deep)  # a C function that calls itself
print("goes on")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS limits the stack on Linux")
def test_the_stack_is_there_when_no_memory_is_left() -> None:
    command = [sys.executable, "-c", DEEP_WITHOUT_MEMORY]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "goes on\n"), done.stderr


def test_a_full_pipe_is_not_a_lack_of_threads() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with open(reader), pytest.raises(BlockingIOError) as found, open(writer, "w") as pipe:  # noqa: PT012
        try:
            pipe.write("x" * 1_000_000)
        finally:
            os.set_blocking(writer, True)
            os.read(reader, 1_000_000)
    assert machine_limit(found.value) is None
    assert machine_limit(OSError(errno.EAGAIN, "no more processes"))
