"""Write a made-up month, day or hour of a function's log, and the truth about it.

The log is what ``aws logs filter-log-events`` saves, one event a line: many environments at
once, in order of time. A simulated Lambda runs a handler that counts files in /tmp: it keeps
the environments' files itself, so its truth owes nothing to the program that is measured::

    python benchmarks/generate_logs.py EVENTS FILE [SEED]

writes ``FILE`` and prints the truth. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

START_MS = 1_795_402_800_000
STEPS = 5  # lines that an attempt logs beside START, END and REPORT
ENVIRONMENT_LIVES_MS = 7_200_000
MEMORY_MB = 256
TIMEOUT_MS = 3_000
FRAMES = ("app.py:11 lambda_handler", "orders/price.py:52 total", "orders/store.py:7 save")
ERRORS = (("NameError", "name 'x' is not defined"), ("KeyError", "'sku'"), ("Throttled", "429"))


@dataclass
class Truth:
    """What the log holds, in the words of ``retryctl summary --output json``."""

    requests: int = 0
    attempts: int = 0
    by_attempts: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    attempt_outcomes: Counter[str] = field(default_factory=Counter)
    branches: Counter[str] = field(default_factory=Counter)
    counter: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    same_environment: int = 0
    other_environment: int = 0
    right_on_retries: int = 0
    wrong_on_retries: int = 0
    billed_ms: int = 0
    billed_ms_on_retries: int = 0


@dataclass(eq=False)
class Environment:
    """An execution environment: its stream, its end, and the files in its /tmp."""

    stream: str
    ends_ms: int
    files: Counter[str] = field(default_factory=Counter)


@dataclass(eq=False)
class Request:
    """An event handed to the function, and what became of it so far."""

    request_id: str
    failures: int
    ran_in: list[Environment] = field(default_factory=list)
    marked: list[bool] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)


class Simulation:
    """Lambda, its environments, and the log that they write, in order of time."""

    def __init__(self, events: int, seed: int, days: float, steps: int = STEPS) -> None:
        self.random = Random(seed)
        self.steps = steps
        self.truth = Truth()
        self.wanted = events
        self.gap_ms = days * 86_400_000 / max(1, events // (steps + 3))
        self.free: list[Environment] = []
        self.busy: list[tuple[int, int, Environment]] = []
        self.due: list[tuple[int, int, Request]] = []
        self.lines: list[tuple[int, int, str, str]] = []
        self.number = 0
        self.written = 0

    def run(self, write: Any) -> Truth:
        """Write the whole log through ``write``; returns the truth."""
        now = float(START_MS)
        while self.written + len(self.lines) < self.wanted:
            now += self.random.expovariate(1 / self.gap_ms)
            self._run_due(int(now))
            self._attempt(self._request(), int(now))
            if len(self.lines) > 4096:
                self._write_until(int(now), write)
        while self.due:
            self._run_due(self.due[0][0])
        self._write_until(None, write)
        return self.truth

    def _write_until(self, until_ms: int | None, write: Any) -> None:
        while self.lines and (until_ms is None or self.lines[0][0] < until_ms):
            at, _, stream, message = heappop(self.lines)
            write(
                f'{{"logStreamName":"{stream}","timestamp":{at},"message":"{message}",'
                f'"ingestionTime":{at + 412},"eventId":"39{at}{self.written:041d}"}}\n'
            )
            self.written += 1

    def _request(self) -> Request:
        random = self.random
        failures = 0
        if random.random() < 0.03:
            failures = 1 + (random.random() < 0.5) + (random.random() < 0.3)
        request_id = str(UUID(int=random.getrandbits(128), version=4))
        self.truth.requests += 1
        return Request(request_id, failures)

    def _run_due(self, now: int) -> None:
        while self.due and self.due[0][0] <= now:
            at, _, request = heappop(self.due)
            self._attempt(request, at)

    def _environment(self, now: int) -> Environment:
        while self.busy and self.busy[0][0] <= now:
            self.free.append(heappop(self.busy)[2])
        while self.free:
            found = self.free.pop()
            if found.ends_ms > now:
                return found
        name = f"2026/11/23/[$LATEST]{self.random.getrandbits(128):032x}"
        made = Environment(name, now + ENVIRONMENT_LIVES_MS)
        self._line(
            now, made, "INIT_START Runtime Version: python:3.13.v74\\tRuntime Version ARN: a"
        )
        return made

    def _line(self, at: int, environment: Environment, message: str) -> None:
        self.number += 1
        heappush(self.lines, (at, self.number, environment.stream, f"{message}\\n"))

    def _attempt(self, request: Request, start: int) -> None:
        random, truth, request_id = self.random, self.truth, request.request_id
        environment = self._environment(start - 1)
        retries = len(request.outcomes)
        outcome = "ok"
        if retries < request.failures:
            outcome = "timeout" if random.random() < 0.1 else "error"
        took = TIMEOUT_MS if outcome == "timeout" else random.randrange(2 + 2 * self.steps, 400)
        at = start
        self._line(at, environment, f"START RequestId: {request_id} Version: $LATEST")
        for step in range(self.steps):
            at += 1 + step % 2
            self._line(
                at,
                environment,
                f"[INFO]\\t2026-11-23T03:00:00.123Z\\t{request_id}\\t"
                f"step {step} of the order: item {random.getrandbits(40):012d} is on its way",
            )
        branch = "none"
        marked = False
        if outcome == "error":
            branch, marked = self._handle(request, environment, at)
        self._end(request_id, environment, start + took, took, outcome)
        self._judge(request, environment, retries, outcome, branch, marked)
        heappush(self.busy, (start + took + 1, self.number, environment))
        truth.attempts += 1
        truth.billed_ms += took
        truth.billed_ms_on_retries += took if retries else 0
        truth.attempt_outcomes[outcome] += 1
        truth.branches[f"{retries + 1} {branch}"] += 1
        request.outcomes.append(outcome)
        if outcome != "ok" and retries < 2:
            wait = (60_000, 120_000)[retries] + random.randrange(1_000, 6_000)
            heappush(self.due, (start + took + wait, self.number, request))
        else:
            self._close(request)

    def _handle(self, request: Request, environment: Environment, at: int) -> tuple[str, bool]:
        """Count the files, say so, run the branch, leave a file in A and B, and raise."""
        request_id = request.request_id
        count = environment.files[request_id]
        branch = "ABC"[min(count, 2)]
        if branch != "C":
            environment.files[request_id] += 1
        kind = int(request_id[0], 16) % 3
        (name, text), (file, _, where) = ERRORS[kind], FRAMES[kind].partition(" ")
        path, _, number = file.partition(":")
        self._line(at + 1, environment, str(count))
        self._line(at + 1, environment, f"process {branch}")
        self._line(
            at + 2,
            environment,
            f"[ERROR] {name}: {text}\\nTraceback (most recent call last):\\n"
            f'  File \\"/var/task/{path}\\", line {number}, in {where}\\n    go()',
        )
        self.truth.errors[f"{name} {FRAMES[kind]}"] += 1
        return branch, branch != "C"

    def _end(
        self, request_id: str, environment: Environment, end: int, took: int, outcome: str
    ) -> None:
        status = "Status: timeout" if outcome == "timeout" else ""
        if outcome == "timeout":
            self._line(
                end,
                environment,
                f"2026-11-23T03:00:00.123Z {request_id} Task timed out after 3.00 seconds\\n",
            )
            self.truth.errors["Task timed out after 3.00 seconds None"] += 1
        self._line(end, environment, f"END RequestId: {request_id}")
        self._line(
            end,
            environment,
            f"REPORT RequestId: {request_id}\\tDuration: {took}.00 ms\\tBilled Duration: {took} ms"
            f"\\tMemory Size: {MEMORY_MB} MB\\tMax Memory Used: 40 MB\\t{status}",
        )

    def _judge(
        self,
        request: Request,
        environment: Environment,
        retries: int,
        outcome: str,
        branch: str,
        marked: bool,
    ) -> None:
        truth = self.truth
        if retries:
            same = request.ran_in[-1] is environment
            truth.same_environment += same
            truth.other_environment += not same
        if branch == "none":
            truth.counter["silent"] += 1
        else:
            right = "ABC".index(branch) == min(retries, 2)
            truth.counter["agrees" if right else "disagrees"] += 1
            truth.right_on_retries += bool(retries) and right
            truth.wrong_on_retries += bool(retries) and not right
            if not right:
                earlier = list(zip(request.ran_in, request.marked, strict=True))
                truth.findings["environment-switch"] += any(
                    e is not environment for e, _ in earlier
                )
                truth.findings["uncounted-attempt"] += any(
                    e is environment and not mark for e, mark in earlier
                )
        request.ran_in.append(environment)
        request.marked.append(marked)

    def _close(self, request: Request) -> None:
        truth, outcomes = self.truth, request.outcomes
        truth.by_attempts[str(len(outcomes))] += 1
        if outcomes[-1] != "ok":
            truth.outcomes["exhausted"] += 1
            truth.findings["retries-exhausted"] += 1
        else:
            truth.outcomes["succeeded" if len(outcomes) == 1 else "recovered"] += 1


def generate(path: Path, events: int, seed: int = 7) -> Truth:
    """Write about ``events`` events to ``path``: 1.4 million of them are a day."""
    with path.open("w", encoding="ascii", buffering=1 << 20) as file:
        return Simulation(events, seed, days=events / 1_400_000).run(file.write)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Write a made-up log, and print the truth about it."
    )
    parser.add_argument(
        "events", metavar="EVENTS", type=int, help="about so many: 1400000 are a day"
    )
    parser.add_argument("path", metavar="FILE", type=Path, help="is written over")
    parser.add_argument(
        "seed", metavar="SEED", type=int, nargs="?", default=7, help="7 if not given"
    )
    asked = parser.parse_args()
    truth = generate(asked.path, asked.events, asked.seed)
    print(json.dumps(vars(truth), indent=2))


if __name__ == "__main__":
    main()
