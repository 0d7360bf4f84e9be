"""Put what the lab made behind the wire interface of CloudWatch Logs, on loopback.

The server is moto's, which is right about much and not about all: it takes filter patterns
that it does not know for a match of everything, and has no small or empty pages.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib import import_module
from typing import Any

from retryctl.core.model.events import LogEvent
from retryctl.errors import UsageError
from retryctl.lab.function import ACCOUNT, REGION


@contextlib.contextmanager
def serving(events: Iterable[LogEvent], port: int = 0) -> Iterator[str]:
    """Serve ``events`` until the block ends; yield the URL. ``port`` 0 takes any that is free.

    Clients sign with any credentials, and with the lab's region. One at a time in a process:
    moto keeps its groups in the process itself.

    :raises UsageError: moto is not installed, or the port is taken.
    """
    try:
        models: Any = import_module("moto.logs.models")
        servers: Any = import_module("moto.server")
    except ImportError as error:
        raise UsageError(
            f"serving needs moto's server: {error}", "pip install 'retryctl[lab]'"
        ) from error
    backend = models.logs_backends[ACCOUNT][REGION]
    backend.reset()
    _put(backend, events)
    server = _start(servers, port)
    host, chosen = server.get_host_and_port()
    try:
        yield f"http://{host}:{chosen}"
    finally:
        server.stop()
        backend.reset()


def _start(servers: Any, port: int) -> Any:
    """Start the server, on a port that is known to be free: moto ends its own thread otherwise."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be had: {error.strerror}", "Choose another."
            ) from error
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each call
    server = servers.ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    return server


def _put(backend: Any, events: Iterable[LogEvent]) -> None:
    """Store the events one by one, so that moto's event IDs grow in their order.

    Not by PutLogEvents, which takes no event older than 14 days.
    """
    for event in events:
        groups, name = backend.groups, event.log_group
        if name not in groups:
            backend.create_log_group(name, {})
            _make_old(groups[name])
        if event.log_stream not in groups[name].streams:
            groups[name].create_log_stream(event.log_stream)
        stored = {"timestamp": event.timestamp_ms, "message": event.message}
        groups[name].put_log_events(event.log_stream, [stored])


def _make_old(group: Any) -> None:
    """Let the group be older than its events: a group made after them has lost some."""
    made_ms = isinstance(group.creation_time, int)  # in older releases of moto
    group.creation_time = 0 if made_ms else datetime(1970, 1, 1)
