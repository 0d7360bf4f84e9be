"""Whole random histories: what really ran, simulated from a seed, and the log of it.

Environments take one attempt at a time. Functions count files in /tmp, log the marker of a durable
store, or log nothing; requests come by the asynchronous queue, from a stream or from a queue. A
log has one format, one or two functions, several versions, clocks that are off, long attempts,
background output, and printed text that looks like Lambda's records.
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
    iso,
    platform,
    report,
    start,
)

COUNTING = ("tmp", "tmp", "tmp", "store", "silent")
ENDINGS = ("ok", "ok", "error", "error", "error", "timeout", "crash", "out-of-memory")


@dataclass(slots=True, kw_only=True)
class _Sandbox:
    """One environment of a function: its log, when it is free, and the files in its /tmp."""

    log: Environment
    skew_s: float
    free_s: float = 0.0
    files: Counter[str] = field(default_factory=Counter)


class RandomHistory:
    """One random log; ``events`` are all of it, in order of time."""

    def __init__(self, random: Random, requests: int | None = None) -> None:
        self._random = random
        self._json = random.random() < 0.4
        self._counting = random.choice(COUNTING)
        self._hostile = random.random() < 0.4
        shared = random.random() < 0.3
        self._functions = ("fn-a", "fn-b") if shared else ("orders-worker",)
        self._group = "/custom/shared" if shared else "/aws/lambda/orders-worker"
        self._sandboxes: dict[str, list[_Sandbox]] = {name: [] for name in self._functions}
        self._queue: list[tuple[float, int, str, str, int]] = []
        self.ids: list[str] = []
        for number in range(requests or random.choice((1, 2, 4, 8))):
            request_id = _request_id(random)
            self.ids.append(request_id)
            function = random.choice(self._functions)
            when_s = random.uniform(10, 900)
            heapq.heappush(self._queue, (when_s, number, request_id, function, 1))
        while self._queue:
            self._attempt(*heapq.heappop(self._queue))
        logs = [each.log for some in self._sandboxes.values() for each in some]
        events = [event for log in logs for event in log.events]
        self.events = sorted(events, key=lambda event: event.timestamp_ms)

    def _attempt(
        self, when_s: float, number: int, request_id: str, function: str, attempt: int
    ) -> None:
        random, sandbox = self._random, self._sandbox(function, when_s)
        log = sandbox.log.at(when_s + sandbox.skew_s)
        if log.cold:
            log.cold = False
            log.at(when_s + sandbox.skew_s - 0.3).inits().at(when_s + sandbox.skew_s)
        ends = random.choice(ENDINGS)
        took_s = random.choice((0.05, 0.05, 1.0, 70.0, 1_100.0 if attempt == 1 else 0.05))
        began_ms = log.now_ms
        log.starts(request_id)
        self._output(log, request_id)
        self._count(sandbox, request_id, attempt, ends)
        log.at((began_ms - MIDNIGHT_MS) / 1000 + max(took_s, 0.03))
        if ends == "error":
            log.raises(request_id)
        status, error_type = ENDS[ends]
        duration_ms = float(log.now_ms - began_ms)
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
        free = [each for each in sandboxes if each.free_s < when_s]
        if free and (random.random() < 0.7 or len(sandboxes) > 5):
            return random.choice(free)
        digit = "0123456789abcdef"[sum(map(len, self._sandboxes.values())) % 16]
        log = Environment(digit, json=self._json, group=self._group)
        log.version = random.choice(("$LATEST", "$LATEST", "7"))
        prefix = function if self._group == "/custom/shared" else ""
        log.stream = f"2026/11/23/{prefix}[{log.version}]{random.getrandbits(128):032x}"
        sandboxes.append(_Sandbox(log=log, skew_s=random.choice((0.0, 0.0, -0.2, 0.2))))
        return sandboxes[-1]

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
            platform("start", {"requestId": other}) + "\n",
            f"about {other}\n",
        )
        log.logs(random.choice(makers))


def _request_id(random: Random) -> str:
    text = f"{random.getrandbits(128):032x}"
    version = random.choice("44444445")
    return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-a{text[17:20]}-{text[20:]}"


def in_one_stream(events: list[LogEvent]) -> list[LogEvent]:
    """The events of the stream of the first one."""
    return [event for event in events if event.log_stream == events[0].log_stream]
