"""Whole random histories: what really ran, simulated from a seed, and the log of it.

Environments take one attempt at a time. Functions count files in /tmp, log the marker of a durable
store, or log nothing; requests come by the asynchronous queue, from a stream or from a queue. A
log has one or two functions, each with its format, which may change from one environment to the
next, and its runtime, several versions, clocks that are off, long attempts, failed inits, second
deliveries, background output, and printed text that looks like Lambda's records. Some functions run
on Managed Instances, where requests share an environment, some are durable, and some logs have a
web function's records too.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from retryctl.core.model.events import LogEvent
from tests.support.lambda_log import (
    ENDS,
    MIDNIGHT_MS,
    Environment,
    end,
    exited,
    iso,
    platform,
    report,
    start,
    timed_out,
)
from tests.support.made_up_streams import (
    JAVA_ERROR,
    dotnet_error,
    node_error,
    node_invoke_error,
)

EXECUTION = "arn:aws:lambda:us-east-1:123456789012:function:flow:7/durable-execution/order-{}/3f0c"
COUNTING = ("tmp", "tmp", "tmp", "store", "silent")
ENDINGS = ("ok", "error", "timeout", "crash", "out-of-memory", "init-error")
ENDINGS_WEIGHTS = (8, 12, 4, 4, 4, 1)
PYTHON = "python:3.13.v74"
RUNTIMES = (PYTHON, "nodejs:22.v1", "java:21.v9", "dotnet:8.v1")


@dataclass(slots=True, kw_only=True)
class _Sandbox:
    """One environment of a function: its log, when it is free, and the files in its /tmp."""

    log: Environment
    skew_s: float
    free_s: float = 0.0
    files: Counter[str] = field(default_factory=Counter)


class RandomHistory:
    """One random log; ``events`` are all of it, in order of time.

    ``uncounted``: the functions are of a kind of which no verdict is possible.
    """

    def __init__(self, random: Random, requests: int | None = None) -> None:
        self._random = random
        kinds = ("usual", "managed", "durable", "beside a web function")
        self._kind = random.choices(kinds, (14, 2, 2, 2))[0]
        self._managed, self._durable = self._kind == "managed", self._kind == "durable"
        self.uncounted = self._managed or self._durable
        count = requests or random.choice((1, 2, 4, 8))
        far = count < 7  # no stream, whose retries come sooner than clocks differ
        self._skews = (0.0, -2.0, 2.0) if far and random.random() < 0.5 else (0.0, 0.0, -0.2, 0.2)
        self._counting = random.choice(COUNTING)
        self._hostile = random.random() < 0.4
        shared = random.random() < 0.3
        self._functions = ("fn-a", "fn-b") if shared else ("orders-worker",)
        self._group = "/custom/shared" if shared else "/aws/lambda/orders-worker"
        json_share = random.choice((0.0, 0.0, 1.0, 0.5))
        self._json = {name: random.random() < json_share for name in self._functions}
        self._changes_format = random.random() < 0.1
        plain = self.uncounted or self._changes_format
        self._runtimes = {
            name: PYTHON if plain else random.choices(RUNTIMES, (6, 2, 1, 1))[0]
            for name in self._functions
        }
        self._sandboxes: dict[str, list[_Sandbox]] = {name: [] for name in self._functions}
        self._queue: list[tuple[float, int, str, str, int]] = []
        self._delivered_twice: set[int] = set()
        self.ids: list[str] = []
        for number in range(count):
            request_id = _request_id(random)
            self.ids.append(request_id)
            function = random.choice(self._functions)
            when_s = random.uniform(10, 900)
            heapq.heappush(self._queue, (when_s, number, request_id, function, 1))
        while self._queue:
            self._attempt(*heapq.heappop(self._queue))
        logs = [each.log for some in self._sandboxes.values() for each in some]
        if self._kind == "beside a web function":
            logs.append(self._web())
        events = [event for log in logs for event in log.events]
        self.events = sorted(events, key=lambda event: event.timestamp_ms)

    def _attempt(
        self, when_s: float, number: int, request_id: str, function: str, attempt: int
    ) -> None:
        random, sandbox = self._random, self._sandbox(function, when_s)
        log = sandbox.log.at(when_s + sandbox.skew_s)
        runtime = self._runtimes[function]
        if log.cold:
            log.cold = False
            kind = "lambda-managed-instances" if self._managed else "on-demand"
            log.at(when_s + sandbox.skew_s - 0.3).inits(runtime, kind)
            log.at(when_s + sandbox.skew_s)
        ends = random.choices(ENDINGS, ENDINGS_WEIGHTS)[0]
        ends = "ok" if number in self._delivered_twice else ends
        ends = "crash" if ends == "init-error" and self.uncounted else ends
        if ends == "init-error":
            log.at(when_s + sandbox.skew_s - 0.2).fails_init().at(when_s + sandbox.skew_s)
        longest_s = 5_000.0 if self._managed else 1_100.0
        took_s = random.choice((0.05, 0.05, 1.0, 70.0, longest_s if attempt == 1 else 0.05))
        began_ms = log.now_ms
        log.starts(request_id)
        if self._durable:
            arn = EXECUTION.format(number % 2)
            fields = {"level": "INFO", "message": "step", "requestId": request_id}
            log.prints(json.dumps({**fields, "executionArn": arn}))
        if ends != "init-error":
            self._output(log, request_id)
            self._count(sandbox, request_id, attempt, ends)
        log.at((began_ms - MIDNIGHT_MS) / 1000 + max(took_s, 0.03))
        if ends == "error":
            _raise(log, request_id, runtime)
        status, error_type = ENDS.get(ends, ("error", "Runtime.Unknown"))
        duration_ms = float(log.now_ms - began_ms)
        if ends in ("timeout", "crash") and not log.json and random.random() < 0.3:
            status = error_type = None
            line = timed_out(log.now_ms, request_id) if ends == "timeout" else exited(request_id)
            log.logs(line)
        if ends == "init-error" and not log.json and random.random() < 0.3:
            status = error_type = None
            log.logs("Unknown application error occurred\nRuntime.Unknown\n")
        if self._managed:
            _report_of_managed(log, request_id, ends, duration_ms)
        else:
            log.reports(request_id, status=status, error_type=error_type, duration_ms=duration_ms)
        if random.random() < 0.15:
            log.at((log.now_ms - MIDNIGHT_MS) / 1000 + 0.005).prints("3", "background")
        ended_s = when_s + max(took_s, 0.03) + 0.01
        sandbox.free_s = ended_s + 1
        self._retry(ended_s, number, request_id, function, attempt, failed=ends != "ok")

    def _retry(
        self,
        ended_s: float,
        number: int,
        request_id: str,
        function: str,
        attempt: int,
        *,
        failed: bool,
    ) -> None:
        kind = "queue" if request_id[14] == "5" else "stream" if number % 7 == 6 else "async"
        most = {"async": 3, "stream": 6, "queue": 1}[kind]
        if not failed and kind == "async" and self._random.random() < 0.03:
            # the second delivery goes well: else a gap could hide the first one behind failures
            self._delivered_twice.add(number)
            again_s = ended_s + self._random.uniform(0.1, 200)
            heapq.heappush(self._queue, (again_s, number, request_id, function, attempt + 1))
        if not failed or attempt >= most:
            return
        wait_s = (60, 120)[min(attempt, 2) - 1] + self._random.uniform(1, 8)
        if kind == "stream":
            wait_s = 0.3 * 2**attempt
        elif self._random.random() < 0.03:
            wait_s += 700
        entry = (ended_s + wait_s, number, request_id, function, attempt + 1)
        heapq.heappush(self._queue, entry)

    def _sandbox(self, function: str, when_s: float) -> _Sandbox:
        random, sandboxes = self._random, self._sandboxes[function]
        free = [each for each in sandboxes if each.free_s < when_s or self._managed]
        if free and (random.random() < 0.7 or len(sandboxes) > 5):
            return random.choice(free)
        digit = "0123456789abcdef"[sum(map(len, self._sandboxes.values())) % 16]
        json_format = self.uncounted or self._json[function]
        if self._changes_format and not self.uncounted:
            json_format = random.random() < 0.5
        log = Environment(digit, json=json_format, group=self._group)
        log.version = random.choice(("$LATEST", "$LATEST", "7"))
        prefix = function if self._group == "/custom/shared" else ""
        log.stream = f"2026/11/23/{prefix}[{log.version}]{random.getrandbits(128):032x}"
        sandboxes.append(_Sandbox(log=log, skew_s=random.choice(self._skews)))
        return sandboxes[-1]

    def _web(self) -> Environment:
        """The log of a web function: no request of it is an event."""
        log = Environment("e", json=True, group=self._group)
        log.at(5).inits()
        for number in range(3):
            request_id, at_s = _request_id(self._random), 20 + 300 * number
            log.at(at_s).platform("invokeStart", {"functionName": "web", "instanceId": "i1"})
            log.prints("GET /orders")
            log.platform("requestComplete", {"requestId": request_id, "status": "success"})
        log.platform("invokeReport", {"status": "success", "metrics": {"durationMs": 600_000}})
        return log

    def _count(self, sandbox: _Sandbox, request_id: str, attempt: int, ends: str) -> None:
        log = sandbox.log
        if self._counting == "store":
            marker = {"retryctl": 1, "request_id": request_id, "counter": attempt - 1}
            log.prints(json.dumps({**marker, "store": "dynamodb://t", "recorded": True}))
        elif self._counting == "tmp" and ends == "error":
            count = sandbox.files[request_id]
            sandbox.files[request_id] += count < 2
            log.prints(str(count), f"process {'ABC'[min(count, 2)]}")

    def _output(self, log: Environment, request_id: str) -> None:
        random = self._random
        if random.random() < 0.4:
            log.prints("an order")
        if random.random() < 0.3 and not log.json:
            log.prints(f"[INFO]\t{iso(log.now_ms)}\t{request_id}\tan order")
        if not self._hostile or random.random() < 0.5:
            return
        other = random.choice(self.ids)
        makers = (
            start(other),
            end(other),
            report(other),
            *([] if self._managed else [platform("start", {"requestId": other}) + "\n"]),
            f"about {other}\n",
        )
        log.logs(random.choice(makers))


def _raise(log: Environment, request_id: str, runtime: str) -> None:
    """Write the marker of a function error, as the runtime does."""
    if runtime.startswith("nodejs"):
        marker = node_error if log.json else node_invoke_error
        log.logs(marker(log.now_ms, request_id))
    elif log.json or runtime == PYTHON:
        log.raises(request_id)
    else:
        java = runtime.startswith("java")
        log.logs(JAVA_ERROR if java else dotnet_error(log.now_ms, request_id))


def _report_of_managed(log: Environment, request_id: str, ends: str, duration_ms: float) -> None:
    kinds = {"ok": None, "error": "NameError", "timeout": None}
    kind = kinds.get(ends, ENDS[ends][1])
    status = {"ok": "success", "timeout": "timeout"}.get(ends, "error")
    record = {"requestId": request_id, "status": status, "metrics": {"durationMs": duration_ms}}
    log.platform("report", record | ({"errorType": kind} if kind else {}))


def _request_id(random: Random) -> str:
    text = f"{random.getrandbits(128):032x}"
    version = random.choice("44444445")
    return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-a{text[17:20]}-{text[20:]}"


def in_one_stream(events: list[LogEvent]) -> list[LogEvent]:
    """The events of the stream of the first one."""
    return [event for event in events if event.log_stream == events[0].log_stream]
