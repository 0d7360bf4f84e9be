"""AWS on loopback: the lab's log behind the wire interface of CloudWatch Logs, and moto's services.

The server is moto's. It takes filter patterns that it does not know for a match of everything,
and has no small or empty pages.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from typing import Any

from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import value_class
from retryctl.errors import UsageError, install_step
from retryctl.lab.function import ACCOUNT, REGION


@value_class
class LocalAws:
    """A running server. ``add`` puts a log event where clients read it."""

    url: str
    add: Callable[[LogEvent], None]

    def variables(self) -> dict[str, str]:
        """Return the environment variables that point every AWS client at the server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "lab",
            "AWS_SECRET_ACCESS_KEY": "lab",
        }


@contextlib.contextmanager
def local_aws(port: int = 0, region: str = REGION) -> Iterator[LocalAws]:
    """Run the server until the block ends. ``port`` 0 takes a free one.

    Clients sign with any credentials. One at a time in a process: moto's state is global.

    :raises UsageError: moto is not installed, or the port is taken.
    """
    try:
        models: Any = import_module("moto.logs.models")
        servers: Any = import_module("moto.server")
    except ImportError as error:
        raise UsageError(
            f"local AWS needs moto's server: {error}", install_step("moto[server]", "moto")
        ) from error

    def backend() -> Any:
        """Return moto's own state; a reset of the whole server makes a new one."""
        return models.logs_backends[ACCOUNT][region]

    models.BackendDict.reset()
    server = _start(servers, port)
    host, chosen = server.get_host_and_port()
    try:
        yield LocalAws(url=f"http://{host}:{chosen}", add=lambda event: _put(backend(), event))
    finally:
        server.stop()
        models.BackendDict.reset()


def _start(servers: Any, port: int) -> Any:
    """Start the server, on a port that is known to be free: moto ends its own thread otherwise."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be used: {error.strerror}", "Choose another with --port."
            ) from error
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each call
    server = servers.ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    return server


def _put(backend: Any, event: LogEvent) -> None:
    """Store an event; moto's event IDs then grow in the order of the calls.

    Not by PutLogEvents, which takes no event older than 14 days.
    """
    groups, name = backend.groups, event.log_group
    if name not in groups:
        backend.create_log_group(name, {})
        # older than its events: a group made after them has lost some
        made_ms = isinstance(groups[name].creation_time, int)  # in older releases of moto
        groups[name].creation_time = 0 if made_ms else datetime(1970, 1, 1)
    if event.log_stream not in groups[name].streams:
        groups[name].create_log_stream(event.log_stream)
    stored = {"timestamp": event.timestamp_ms, "message": event.message}
    groups[name].put_log_events(event.log_stream, [stored])
