"""The Lambda Runtime API on loopback, for one process of one function.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. An answer of the function
arrives on ``answers`` and makes ``wake_fd`` readable, so that one loop can wait for it
together with the function's output.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import socketserver
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Literal

from retryctl.core.value_classes import value_class

_PREFIX = "/2018-06-01/runtime/"
LARGEST_RESPONSE = 6 * 1024 * 1024 + 100
"""Bytes of a response that Lambda accepts: 6 MB, and a little for its envelope."""

TOO_LARGE = "Function.ResponseSizeTooLarge"


@value_class
class Invocation:
    """One invocation of the function. ``deadline_ms`` is in epoch milliseconds."""

    request_id: str
    event: bytes
    deadline_ms: int
    function_arn: str
    trace_id: str


AnswerKind = Literal[
    "ready", "init_error", "response", "error", "refused", "exit", "timeout", "out-of-memory"
]
WITHOUT_ANSWER: tuple[AnswerKind, ...] = ("exit", "timeout", "out-of-memory")
"""The kinds that are not calls of the process."""


@value_class
class RuntimeAnswer:
    """A call of the function's process, or its end.

    ``ready``: it waits for an invocation. ``init_error``: it could not load the handler;
    ``error_type`` is the runtime's name for the reason. ``response`` and ``error``: an
    invocation's end. ``refused``: its response was too large. ``exit``, ``timeout`` and
    ``out-of-memory``: the process ended, or broke a limit, without an answer.
    """

    kind: AnswerKind
    body: bytes = b""
    error_type: str | None = None


class RuntimeApi:
    """A server for one process; ``close`` ends it and frees its port."""

    def __init__(self, server: _Server, wake_fds: tuple[int, int]) -> None:
        self.answers: deque[RuntimeAnswer] = deque()
        self.invocations: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self.current: str | None = None
        self.wake_fd, self._wake = wake_fds
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @classmethod
    def start(cls) -> RuntimeApi:
        """Start a server."""
        server = _Server(("127.0.0.1", 0), _Handler)
        server.api = cls(server, os.pipe())
        server.api._thread.start()
        return server.api

    @property
    def address(self) -> str:
        """Return host and port, as in ``AWS_LAMBDA_RUNTIME_API``."""
        return f"127.0.0.1:{self._server.server_port}"

    def invoke(self, invocation: Invocation) -> None:
        """Hand an invocation to the process, now or as soon as it is ready."""
        self.current = invocation.request_id
        self.invocations.put(invocation)

    def add_answer(self, answer: RuntimeAnswer) -> None:
        """Pass an answer on to the loop that waits at ``wake_fd``."""
        self.answers.append(answer)
        with contextlib.suppress(OSError):  # closed: no loop waits any more
            os.write(self._wake, b".")

    def close(self) -> None:
        """End the server, the call that waits in it, and its port."""
        self.invocations.put(None)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        os.close(self.wake_fd)
        os.close(self._wake)


class _Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    block_on_close = False
    api: RuntimeApi

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore that a process was killed in the middle of a call."""


class _Lines(io.BufferedReader):
    """Lines of any length, cut where they are too long.

    awslambdaric sends the cause of an error in a header of up to 1 MiB, which is not read
    here; ``http.client`` refuses a line of more than 64 KiB.
    """

    def readline(self, size: int | None = -1) -> bytes:
        line = super().readline()
        return line if size is None or not 0 < size <= len(line) else line[: size - 1]


def _too_large(body: bytes) -> str:
    return (
        f"Response payload size ({len(body)} bytes) exceeded maximum allowed payload size "
        f"({LARGEST_RESPONSE} bytes)."
    )


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # One segment for each answer: two small ones would cost a delayed ACK, 40 ms.
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.rfile = _Lines(self.rfile.detach())

    def do_GET(self) -> None:
        if self.path != _PREFIX + "invocation/next":
            return self._reply(404, {"errorType": "NotFound"})
        self.server.api.add_answer(RuntimeAnswer(kind="ready"))
        invocation = self.server.api.invocations.get()
        if invocation is None:
            self.close_connection = True
            return None
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        return self._send(200, invocation.event, headers)

    def do_POST(self) -> None:
        body = self._body()
        error_type = self.headers.get("Lambda-Runtime-Function-Error-Type")
        if self.path == _PREFIX + "init/error":
            answer = RuntimeAnswer(kind="init_error", body=body, error_type=error_type)
        elif self.path == f"{_PREFIX}invocation/{self.server.api.current}/response":
            if len(body) > LARGEST_RESPONSE:
                self.server.api.add_answer(RuntimeAnswer(kind="refused", error_type=TOO_LARGE))
                return self._reply(413, {"errorType": TOO_LARGE, "errorMessage": _too_large(body)})
            answer = RuntimeAnswer(kind="response", body=body)
        elif self.path == f"{_PREFIX}invocation/{self.server.api.current}/error":
            answer = RuntimeAnswer(kind="error", body=body, error_type=error_type)
        else:
            return self._reply(400, {"errorType": "InvalidRequestID"})
        self.server.api.add_answer(answer)
        return self._reply(202, {"status": "OK"})

    def _body(self) -> bytes:
        """Read the body, sent whole or in chunks (awslambdaric's C client does both)."""
        length = self.headers.get("Content-Length")
        if length is not None:
            return self.rfile.read(int(length))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _reply(self, status: int, answer: dict[str, str]) -> None:
        self._send(status, json.dumps(answer).encode(), {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing to stderr."""
