"""Run requests of one function through their retries, in virtual time."""

from __future__ import annotations

import heapq
import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import value_class
from retryctl.lab.clock import ClockPage, VirtualClock
from retryctl.lab.delivery import EventDelivery, EventSource, Redelivery, most_waited_s
from retryctl.lab.environment import INIT_TIMEOUT_S, Environment, LabAttempt, Source
from retryctl.lab.function import VERSION, Function
from retryctl.lab.interpreter import find_interpreter, interpreter_version, made_runtime
from retryctl.lab.plan import Plan, Step
from retryctl.lab.platform_log import Subject
from retryctl.temporary import temporary_folder


def json_lines(events: Iterable[LabEvent]) -> str:
    """Return an event a line, as ``aws logs filter-log-events`` shapes it.

    Beside CloudWatch's keys each has ``source``: ``function`` for what the function and its
    runtime client wrote, ``platform`` for what the lab wrote in Lambda's stead.
    """
    return "".join(json.dumps(e.as_json(), ensure_ascii=False) + "\n" for e in events)


SEEDED_START_S = 1_795_402_800.0
"""2026-11-23T03:00:00Z: the virtual start of a lab with a seed."""

THROTTLED_S = 511.0
"""Nine deliveries refused, the pause doubling from one second."""

_DUPLICATE_AFTER_S = 1.0
_INGESTED_AFTER_MS = 50


@value_class
class LabEvent:
    """A log event, and whether the function wrote it, or the lab in place of the platform."""

    event: LogEvent
    source: Source

    def as_json(self) -> dict[str, object]:
        """Return the event in the shape of ``aws logs filter-log-events``, and its ``source``."""
        return {
            "timestamp": self.event.timestamp_ms,
            "ingestionTime": self.event.timestamp_ms + _INGESTED_AFTER_MS,
            "eventId": self.event.event_id,
            "logGroupName": self.event.log_group,
            "logStreamName": self.event.log_stream,
            "message": self.event.message,
            "source": self.source,
        }


class Lab:
    """Runs requests of one function; a context manager that leaves nothing behind.

    With a ``seed`` the IDs, the stream names and the waits are those of every other lab
    with this seed; durations are measured. ``start_s`` is the virtual time at which it
    begins, in epoch seconds. ``between`` is called before each retry with the
    attempt's number, ``on_event`` with each log event.

    ``events`` are the log events, in order; ``attempts`` what came of each attempt, in order.
    ``facts`` are those of the last process: ``isolation``, ``refused``, ``clock``, ``client``, and
    ``client_reason`` of a stand-in.

    :raises CouldNotRead: the function's interpreter cannot be started.
    """

    def __init__(
        self,
        function: Function,
        *,
        seed: int,
        start_s: float,
        between: Callable[[int], object] | None = None,
        on_event: Callable[[LabEvent], None] | None = None,
        init_timeout_s: float = INIT_TIMEOUT_S,
    ) -> None:
        self.function = function
        self.clock = VirtualClock(start_s)
        self.events: list[LabEvent] = []
        self.attempts: list[LabAttempt] = []
        self.facts: dict[str, Any] = {}
        self._seed = seed
        self._between = between or (lambda number: None)
        self._on_event = on_event or (lambda event: None)
        self._init_timeout_s = init_timeout_s
        self._files = ExitStack()
        self._folder = Path()
        self._environments: list[Environment] = []
        self._due: list[tuple[float, int, Iterator[float]]] = []
        self._submitted = 0
        self._last_ms = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Lab:
        """Find the function's interpreter, and make the lab's folder."""
        python = find_interpreter(self.function.python)
        version = self.function.python_version or interpreter_version(python)
        self.function = replace(self.function, python=python, python_version=version)
        self._folder = self._files.enter_context(temporary_folder("lab"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process, and remove every folder. The log events stay."""
        for environment in self._environments:
            environment.close()
        self._environments.clear()
        self._files.close()

    def submit(
        self,
        event: Any,
        plan: Plan,
        *,
        after_s: float = 0.0,
        alone: bool = False,
        source: EventSource = "async",
    ) -> str:
        """Add a request, due ``after_s`` from now; return its ID. ``event`` is a value of JSON.

        Its first attempt runs in the environment of all first attempts, unless it is ``alone``.
        ``source`` decides when and under which ID it is delivered again.
        """
        self._submitted += 1
        chance = self._chance("request", self._submitted)
        redelivery = Redelivery(source, event, chance)
        due = self.clock.now_s() + after_s
        life = self._life(redelivery, plan, due, chance, alone)
        heapq.heappush(self._due, (next(life), self._submitted, life))
        return redelivery.request_id

    def run(self) -> None:
        """Run every submitted request, attempt by attempt in the order of virtual time."""
        while self._due:
            due, number, life = heapq.heappop(self._due)
            self.clock.advance_to(due)
            try:
                heapq.heappush(self._due, (next(life), number, life))
            except StopIteration:
                continue

    def _life(
        self, redelivery: Redelivery, plan: Plan, due: float, chance: random.Random, alone: bool
    ) -> Iterator[float]:
        """Yield the time at which the next attempt is due, and run it when resumed."""
        trace_id = f"Root=1-{int(due):08x}-{chance.getrandbits(96):024x};Sampled=0"
        own: list[Environment] = []  # its environments, the first of all but where it is alone
        for number, step in enumerate(plan.steps, 1):
            yield due + (THROTTLED_S if step.throttled else 0.0)
            if number > 1:
                self._between(number)
            if not own and not alone:
                own.append(
                    self._environments[0] if self._environments else self._make_environment()
                )
            elif step.environment > len(own):
                own.append(self._make_environment())
            delivery = redelivery.delivery(number)
            environment = own[step.environment - 1]
            attempt = self._attempt(environment, delivery, step, trace_id)
            due = self.clock.now_s() + redelivery.wait_s(number)
            if step.duplicated:
                yield self.clock.now_s() + _DUPLICATE_AFTER_S
                self._attempt(environment, delivery, None, trace_id)
            if attempt.ok:
                break
        for environment in own if alone else own[1:]:
            environment.close()

    def _attempt(
        self, environment: Environment, delivery: EventDelivery, step: Step | None, trace_id: str
    ) -> LabAttempt:
        """Run one delivery, and with it a second one at the same moment if the plan has it."""
        fault = step.fault if step else None
        if step is None or not step.twin:
            attempt = environment.invoke(
                delivery.request_id, delivery.event, trace_id=trace_id, fault=fault
            )
            self.attempts.append(attempt)
            self._keep_facts(environment)
            return attempt
        from concurrent.futures import ThreadPoolExecutor

        other = self._make_environment()
        with ThreadPoolExecutor(2) as pool:
            both = [
                pool.submit(one.invoke, delivery.request_id, delivery.event, trace_id=trace_id)
                for one in (environment, other)
            ]
            attempts = [each.result() for each in both]
        self.attempts += attempts
        self._keep_facts(environment)
        other.close()
        return attempts[0]

    def _keep_facts(self, environment: Environment) -> None:
        """Keep the facts of the last process; the way to a private /tmp is tried once in a lab."""
        refused = self.facts.get("refused", environment.facts["refused"])
        self.facts = {**environment.facts, "refused": refused}
        self.function = replace(self.function, isolation=(self.facts["isolation"],))

    def _make_environment(self) -> Environment:
        number = len(self._environments) + 1
        hexes = f"{self._chance('environment', number).getrandbits(128):032x}"
        day = datetime.fromtimestamp(self.clock.now_s(), UTC).strftime("%Y/%m/%d")
        runtime_version, runtime_version_arn = made_runtime(self.function.python_version)
        subject = Subject(
            function=self.function.name,
            version=VERSION,
            log_stream=f"{day}/[{VERSION}]{hexes}",
            memory_mb=self.function.memory_mb,
            runtime_version=runtime_version,
            runtime_version_arn=runtime_version_arn,
        )
        tmp = self._folder / f"environment-{number}"
        tmp.mkdir()
        tmp.chmod(0o1777)  # as /tmp is
        environment = Environment(
            self.function,
            tmp=tmp,
            page=ClockPage.open(),
            subject=subject,
            clock=self.clock,
            add_event=lambda at_ms, message, source: self._record(
                subject.log_stream, at_ms, message, source
            ),
            init_timeout_s=self._init_timeout_s,
        )
        self._environments.append(environment)
        return environment

    def _record(self, stream: str, at_ms: int, message: str, source: Source) -> None:
        """Add a log event; none is older than the one before it, and IDs grow in their order."""
        with self._lock:
            self._add(stream, at_ms, message, source)

    def _add(self, stream: str, at_ms: int, message: str, source: Source) -> None:
        self._last_ms = max(self._last_ms, at_ms)
        event = LogEvent(
            timestamp_ms=self._last_ms,
            message=message,
            log_stream=stream,
            log_group=self.function.log_group,
            event_id=str(self._last_ms * 10**43 + len(self.events)),
            position=len(self.events),
        )
        logged = LabEvent(event=event, source=source)
        self.events.append(logged)
        self._on_event(logged)

    def _chance(self, kind: str, number: int) -> random.Random:
        """Return a generator for one thing, independent of how many others there are."""
        return random.Random(f"{self._seed}/{kind}/{number}")


def most_skipped_s(
    due: Iterable[tuple[float, Plan]], timeout_s: float, source: EventSource = "async"
) -> float:
    """Return the most seconds that a lab skips, for requests due so long after its start.

    Waits overlap, timeouts follow each other. All other time passes for the host too.
    """
    waits, timeouts = 0.0, 0
    for after_s, plan in due:
        waits = max(waits, after_s + _most_waited_s(plan, source))
        timeouts += sum(bool(s.fault and s.fault.kind == "timeout") for s in plan.steps)
    return waits + timeouts * timeout_s


def _most_waited_s(plan: Plan, source: EventSource) -> float:
    before_retries = most_waited_s(source, len(plan.steps))
    throttled = THROTTLED_S * sum(step.throttled for step in plan.steps)
    duplicated = _DUPLICATE_AFTER_S * sum(step.duplicated for step in plan.steps)
    return before_retries + throttled + duplicated
