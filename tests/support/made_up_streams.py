"""Streams of every runtime, made up from a seed: errors of all kinds, and lines in odd places.

Functions print in an init, after their response and after END; extensions do so at any time.
Environments of Managed Instances run two requests at once, and some streams have no START.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from retryctl.core.model.events import LogEvent
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    OTHER_ID,
    Environment,
    exited,
    iso,
    platform,
    python_error,
    python_json_error,
    timed_out,
)

RUNTIMES = ("python:3.13.v74", "nodejs:22.v1", "dotnet:8.v1", "java:21.v9", "provided:al2023.v1")
JAVA_ERROR = (
    "boom: java.lang.IllegalStateException\njava.lang.IllegalStateException: boom\n"
    "\tat example.App.run(App.java:3)\n"
)
OLDER_FRAMES = (
    "Traceback (most recent call last):\n"
    '  File "/var/task/app.py", line 4, in handler\n    ship()\n'
)
OLDER_ERRORS = (
    "Unknown application error occurred",
    "Unknown application error occurred\nRuntime.ImportModuleError",
    "Unable to import module 'app': No module named stock",
    "Handler 'run' missing on module 'app'",
    "module initialization error: no table",
    "Syntax error in module 'index': SyntaxError",
    "Bad handler 'app': no dot",
    "Error loading class shop.App: shop.App: class java.lang.ClassNotFoundException",
    "no stock: ShopException\n   at Shop.App.Run()\n   at lambda_method(Closure , Stream )",
    "   at lambda_method(Closure , Stream )",
    f"no stock: ShopError\n{OLDER_FRAMES}shop.ShopError: no stock",
    f"no stock: ShopError\n{OLDER_FRAMES}",
    f"[Errno 2] no file: OSError\n{OLDER_FRAMES}OSError: [Errno 2] no file",
    f"400 Client Error: HTTPError\n{OLDER_FRAMES}requests.HTTPError: 400 Client Error",
    "thread 'main' panicked at src/main.rs:7:5:",
)
PRINTED = ("0\n", "1\n", "an order\n", "process A\n", "process B\n", "two words\n")


def runtimes(random: Random) -> list[list[LogEvent]]:
    """The events of one or two streams, each in the order of time."""
    streams = [_stream(random, letter).events for letter in "ab"[: random.randrange(1, 3)]]
    return [sorted(events, key=lambda event: event.timestamp_ms) for events in streams]


def _stream(random: Random, letter: str) -> Environment:
    here = Environment(letter, json=random.random() < 0.5).at(random.uniform(0, 100))
    managed = here.json and random.random() < 0.25
    starts = not here.json or random.random() < 0.8
    kind = "lambda-managed-instances" if managed else "on-demand"
    here.inits(random.choice(RUNTIMES), kind)
    _say(random, here, ID, random.randrange(3))
    for _ in range(random.randrange(1, 4)):
        ids = random.sample((ID, OTHER_ID), 2 if managed else 1)
        if starts:
            for request_id in ids:
                here.starts(request_id)
        for _ in range(random.randrange(6)):
            _say(random, here, random.choice(ids))
        for request_id in ids:
            if here.json and random.random() < 0.5:
                done = {"requestId": request_id, "status": "success"}
                here.platform("runtimeDone", done)
                _say(random, here, request_id, random.random() < 0.3)
            if starts:
                here.reports(request_id, status=random.choice((None, None, "timeout")))
        _say(random, here, random.choice(ids), random.random() < 0.3)
        here.at((here.now_ms - MIDNIGHT_MS) / 1000 + random.choice((0, 0.01, 61, 130)))
    return here


def _say(random: Random, here: Environment, request_id: str, times: int = 1) -> None:
    makers = JSON_LINES if here.json else TEXT_LINES
    for _ in range(times):
        if random.random() < 0.4:
            here.logs(random.choice(PRINTED))
        else:
            here.logs(random.choice(makers)(here.now_ms, request_id))


# --------------------------------------------------------------------------- single lines

Maker = Callable[[int, str], str]


def node_error(at_ms: int, request_id: str = ID, kind: str = "Error") -> str:
    """Node.js in the JSON format: it counts only as the last line of its attempt."""
    error = {"errorType": kind, "errorMessage": "boom", "stackTrace": []}
    return _json(at_ms, request_id, level="ERROR", message=error)


def node_invoke_error(at_ms: int, request_id: str = ID) -> str:
    """Node.js in the text format."""
    error = 'Invoke Error \t{"errorType":"E","errorMessage":"boom","stack":[]}'
    return f"{iso(at_ms)}\t{request_id}\tERROR\t{error}\n"


def dotnet_error(at_ms: int, request_id: str = ID) -> str:
    """.NET in the text format: it counts only as the last line of its attempt."""
    return (
        f"{iso(at_ms)}\t{request_id}\tfail\tSystem.ApplicationException: boom\n"
        "   at Function.Handler(String input)\n"
    )


def info(at_ms: int, request_id: str = ID, message: str = "an order") -> str:
    """What a function logs in the JSON format."""
    return _json(at_ms, request_id, level="INFO", message=message)


def _json(at_ms: int, request_id: str, **fields: object) -> str:
    return json.dumps({"timestamp": iso(at_ms), "requestId": request_id, **fields})


def _node_text(at_ms: int, request_id: str, *, level: str, rest: str) -> str:
    return f"{iso(at_ms)}\t{request_id}\t{level}\t{rest}\n"


TEXT_LINES: tuple[Maker, ...] = (
    dotnet_error,
    dotnet_error,
    timed_out,
    lambda at_ms, request_id: f"[INFO]\t{iso(at_ms)}\t{request_id}\tan order\n",
    lambda at_ms, request_id: _node_text(at_ms, request_id, level="INFO", rest="an order"),
    lambda at_ms, request_id: node_invoke_error(at_ms, request_id),
    lambda at_ms, _: _node_text(
        at_ms, "undefined", level="ERROR", rest='Uncaught Exception \t{"errorType":"E"}'
    ),
    lambda _, request_id: exited(request_id),
    lambda *_: python_error(),
    lambda *_: "Error raised from handler method\n",
    lambda *_: '{\n  "errorMessage": "boom",\n  "errorType": "Function<Error>"\n}\n',
    lambda *_: JAVA_ERROR,
    lambda *_: '2026/11/23 00:00:00 {"errorMessage":"boom","errorType":"errorString"}\n',
    lambda at_ms, request_id: f'{iso(at_ms)}\t{request_id}\t{{"errorMessage":"no stock"}}\n',
    *((lambda *_, line=line: f"{line}\n") for line in OLDER_ERRORS),
    lambda *_: "LAMBDA_WARNING: Unhandled exception. boom\r\n",
    lambda *_: "LAMBDA_WARNING: Unhandled exception. boom\r\n[ERROR] Runtime.Exit: boom\r",
)
JSON_LINES: tuple[Maker, ...] = (
    node_error,
    node_error,
    info,
    lambda at_ms, request_id: info(at_ms, request_id, "process A"),
    lambda at_ms, request_id: _json(
        at_ms, request_id, level="Error", errorType="E", errorMessage="boom", stackTrace=[]
    ),
    lambda at_ms, request_id: _json(at_ms, request_id, level="ERROR", message=JAVA_ERROR),
    lambda _, request_id: python_json_error(request_id),
    lambda at_ms, _: platform("logsDropped", {"droppedRecords": 3}, at_ms),
    lambda at_ms, request_id: platform("end", {"requestId": request_id}, at_ms),
)
