"""What the tests of the counters share: a context, real interpreters, and AWS over HTTP."""

import json
import os
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
REQUEST_ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
STREAM = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"

BAD_IDS = [None, "", "../../etc/passwd", "a/b", "a\\b", "..", "*", "a_b", "é", "a" * 129, 7, b"a"]

# A program that runs attempts: it puts its first argument into the path, takes its second for the
# request's ID and its third for their number. Each fails and branches, with a counter of its own.
# What stands ``alone`` loads none of the package.
ATTEMPTS = """
import sys
sys.path[:0] = [sys.argv[1]]
from {module} import {name}, branch_on_retry

class Context:
    aws_request_id, log_stream_name = sys.argv[2], None

def work(event, context):
    raise RuntimeError("fails on purpose")

def branch(name):
    return lambda event, context: print("process", name)

for _ in range(int(sys.argv[3])):
    try:
        branch_on_retry({name}({argument}), {{}}, Context, work,
                        a=branch("A"), b=branch("B"), c=branch("C"))
    except RuntimeError as error:
        print("raised", error)
assert not [name for name in sys.modules if name.startswith("retryctl.") and {alone}]
"""


@dataclass
class Context:
    """The part of Lambda's context that the counters read."""

    aws_request_id: Any = REQUEST_ID
    log_stream_name: Any = STREAM


@cache
def python(version: str) -> str:
    """A real interpreter of this version; the test is skipped where the machine has none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    found = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    if found:
        return str(found[-1])
    path = shutil.which(f"python{version}")
    # A shim of pyenv is there even where it would refuse to run.
    if path is None or subprocess.run([path, "-V"], capture_output=True).returncode:
        pytest.skip(f"no interpreter of Python {version} on this machine")
    return path


def markers(output: str) -> list[dict[str, Any]]:
    """The markers in what a handler printed."""
    return [json.loads(line) for line in output.splitlines() if line.startswith('{"retryctl"')]


@dataclass
class Aws:
    """A server that answers as AWS does."""

    url: str

    def client(self, service: str) -> Any:
        """The administrator's client, which the tests of a process share."""
        return _client(self.url, service)

    def own_client(self, service: Any, **credentials: Any) -> Any:
        """A client of one test, which may change it."""
        import boto3

        keys = credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        session = boto3.session.Session(region_name="us-east-1", **keys)
        return session.client(service, endpoint_url=self.url)

    def environ(self) -> dict[str, str]:
        """What points a function's own clients at the server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def reset(self) -> None:
        self._post("reset")

    @contextmanager
    def permissions_enforced(self) -> Iterator[None]:
        """From here on, IAM policies decide."""
        self._post("reset-auth", b"0")
        try:
            yield
        finally:
            self._post("reset-auth", b"inf")

    def _post(self, path: str, body: bytes = b"") -> None:
        url, plain = f"{self.url}/moto-api/{path}", {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(url, body, plain)).close()


@cache
def _client(url: str, service: str) -> Any:
    return Aws(url).own_client(service)


def make_table(aws: Aws, name: str, key: str = "request_id", *more: str) -> None:
    """A table as the DynamoDB counter wants it."""
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": key, "KeyType": "HASH"},
            *({"AttributeName": one, "KeyType": "RANGE"} for one in more),
        ],
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in (key, *more)],
        BillingMode="PAY_PER_REQUEST",
    )


@contextmanager
def aws_server() -> Iterator[Aws]:
    """moto's server on a free port of loopback, empty."""
    from moto.server import (  # type: ignore[attr-defined]
        DomainDispatcherApplication,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    app = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    aws = Aws(f"http://127.0.0.1:{server.server_port}")
    try:
        aws.reset()  # what the servers of one process hold is the same
        yield aws
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def one_at_a_time(app: Any) -> Any:
    """The WSGI application with each call atomic, as AWS promises: moto's threads share one item
    without a lock, and two updates at once can be told the same number.
    """
    lock = threading.Lock()

    def locked(environ: Any, start_response: Any) -> list[bytes]:
        with lock:
            return list(app(environ, start_response))

    return locked
