"""Find one request among millions of log events: retryctl, and what people use today.

The strict endpoint of the tests serves a day of a busy function's log over HTTP, at ten calls a
second. Three attempts of one request lie in it, one of them in a stream that was opened a day
before. Each tool is run in a process of its own against the same endpoint, one after the other::

    python -m benchmarks.find_request --events 5000000 --hours-ago 2 12

``awslogs`` and ``aws`` are measured where they are on the PATH. How much of a log one
FilterLogEvents call looks at before it answers is not documented; ``--scan`` is our figure.
``--engine filter`` is the row to compare: all tools then make the same calls. With ``--engine
auto``, as a person has it, Logs Insights takes over; how long a query takes, ``--query-s``, is our
figure too.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.endpoint.server import Endpoint

GROUP = "/aws/lambda/orders-worker"
REQUEST_ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
QUOTA = 10
ENVIRONMENTS = 500
Event = tuple[str, int, str]

WAITS_MS = (0, 63_000, 190_000)
STREAMS = (
    "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
    "2026/11/22/[$LATEST]1123456789abcdef0123456789abcdef",
    "2026/11/23/[$LATEST]2123456789abcdef0123456789abcdef",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """``command`` makes its arguments from the endpoint's URL and the window in ms.

    ``messages`` takes the messages out of what it printed.
    """

    name: str
    command: Callable[[str, int, int], list[str]]
    messages: Callable[[str], list[str]]


def trace(url: str, since_ms: int, until_ms: int) -> list[str]:
    return [
        *(sys.executable, "-m", "retryctl", "trace", REQUEST_ID, "--log-group", GROUP),
        *("--endpoint-url", url, "--lines", "--output", "json", "--engine", "filter"),
    ]


def trace_auto(url: str, since_ms: int, until_ms: int) -> list[str]:
    return [*trace(url, since_ms, until_ms)[:-1], "auto"]


def awslogs(url: str, since_ms: int, until_ms: int) -> list[str]:
    return [
        *("awslogs", "get", GROUP, "ALL", "--start", "24h ago", "--aws-endpoint-url", url),
        *("--filter-pattern", f'"{REQUEST_ID}"', "--aws-region", "us-east-1"),
    ]


def aws_cli(url: str, since_ms: int, until_ms: int) -> list[str]:
    return [
        *("aws", "logs", "filter-log-events", "--log-group-name", GROUP, "--endpoint-url", url),
        *("--filter-pattern", f'"{REQUEST_ID}"', "--start-time", str(since_ms)),
        *("--end-time", str(until_ms), "--output", "json"),
    ]


def full_scan(url: str, since_ms: int, until_ms: int) -> list[str]:
    program = (
        "import boto3\n"
        f"logs = boto3.client('logs', endpoint_url={url!r})\n"
        "pages = logs.get_paginator('filter_log_events').paginate(\n"
        f"    logGroupName={GROUP!r}, startTime={since_ms}, endTime={until_ms})\n"
        "for page in pages:\n"
        "    for event in page['events']:\n"
        f"        if {REQUEST_ID!r} in event['message']:\n"
        "            print(event['message'])\n"
    )
    return [sys.executable, "-c", program]


def of_attempts(printed: str) -> list[str]:
    (request,) = json.loads(printed)["requests"]
    return [event["message"] for attempt in request["attempts"] for event in attempt["events"]]


def of_events(printed: str) -> list[str]:
    return [event["message"] for event in json.loads(printed)["events"]]


TOOLS = (
    Tool(name="retryctl trace --engine filter", command=trace, messages=of_attempts),
    Tool(name="retryctl trace (auto: Insights)", command=trace_auto, messages=of_attempts),
    Tool(name="awslogs get", command=awslogs, messages=str.splitlines),
    Tool(name="aws logs filter-log-events", command=aws_cli, messages=of_events),
    Tool(name="full scan with boto3", command=full_scan, messages=str.splitlines),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.find_request")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--hours-ago", type=float, nargs="+", default=[2.0])
    parser.add_argument("--scan", type=int, default=20_000, help="events a call looks at")
    parser.add_argument("--query-s", type=float, default=5.0, help="seconds that a query takes")
    parser.add_argument("--tools", type=int, default=len(TOOLS), help="only the first so many")
    given = parser.parse_args()
    for hours in given.hours_ago:
        measure(given.events, hours, given.scan, given.query_s, TOOLS[: given.tools])


def measure(
    events: int, hours_ago: float, scan: int, query_s: float, tools: Sequence[Tool]
) -> None:
    """Print a table for a request of ``hours_ago``."""
    now_ms = time.time_ns() // 1_000_000
    quotas = {"FilterLogEvents": QUOTA, "GetLogEvents": QUOTA}
    with Endpoint(quotas=quotas, scan_events=scan) as endpoint:
        endpoint.insights.query_s = query_s
        first_ms = now_ms - int(hours_ago * HOUR_MS)
        log = heapq.merge(noise(events, now_ms - DAY_MS), wanted(first_ms), key=lambda e: e[1])
        endpoint.load(GROUP, log)
        endpoint.function("orders-worker", Timeout=3)
        print(
            f"\n{events:,} events in 24 h, the request {hours_ago:g} h ago, {QUOTA} calls a "
            f"second, {scan:,} events looked at by a call, {query_s:g} s for a query\n\n"
            "| tool | seconds | calls | its lines (of 21) | counters | tracebacks | memory |\n"
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
        )
        for tool in tools:
            print(row(tool, endpoint, now_ms - DAY_MS, now_ms), flush=True)


def row(tool: Tool, endpoint: Endpoint, since_ms: int, until_ms: int) -> str:
    command = tool.command(endpoint.url, since_ms, until_ms)
    if shutil.which(command[0]) is None:
        return f"| {tool.name} | not installed | | | | | |"
    endpoint.calls.clear()
    time.sleep(1.5)  # the quota is full again
    began = time.monotonic()
    done = run(command)
    seconds = time.monotonic() - began
    if done.status:
        reason = (done.errors.strip().splitlines() or ["no words"])[-1][:60]
        return f"| {tool.name} | {seconds:.1f}, failed: {reason} | {calls(endpoint)} | | | | |"
    messages = [message for message in tool.messages(done.printed) if message.strip()]
    counters = messages.count("0\n")
    tracebacks = sum("Traceback" in message for message in messages)
    return (
        f"| {tool.name} | {seconds:.1f} | {calls(endpoint)} | {len(messages)} "
        f"| {counters} | {tracebacks} | {done.most_mb:.0f} MB |"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    status: int
    printed: str
    errors: str
    most_mb: float


def run(command: Sequence[str]) -> Done:
    """``most_mb`` is the most memory that it held.

    A process counts what its parent held when it was forked, so a small one starts it.
    """
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *command],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    *errors, most_kb = done.stderr.splitlines()
    return Done(
        status=done.returncode,
        printed=done.stdout,
        errors="\n".join(errors),
        most_mb=int(most_kb) / 1024,
    )


_MEASURE = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


def calls(endpoint: Endpoint) -> int:
    return sum(endpoint.calls.values())


def environment() -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
    return {**os.environ, **keys, "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": ""}


# --------------------------------------------------------------------------- the log


def noise(events: int, since_ms: int) -> Iterator[Event]:
    """Requests that all go well, four events each, spread evenly over a day."""
    for number in range(events // 4):
        request_id = f"{number:08x}-0d3f-4697-8b07-ac58fc914c95"
        stream = f"2026/11/23/[$LATEST]{number % ENVIRONMENTS:032x}"
        at = since_ms + number * DAY_MS // (events // 4)
        yield stream, at, f"START RequestId: {request_id} Version: $LATEST\n"
        yield stream, at + 2, f"order {number} handled\n"
        yield stream, at + 40, f"END RequestId: {request_id}\n"
        yield stream, at + 40, report(request_id)


def wanted(first_ms: int) -> Iterator[Event]:
    """Three attempts in three environments: each counts 0 in its own /tmp, and runs A."""
    for stream, wait_ms in zip(STREAMS, WAITS_MS, strict=True):
        at = first_ms + wait_ms
        yield stream, at - 90, "INIT_START Runtime Version: python:3.13.v74\n"
        yield stream, at, f"START RequestId: {REQUEST_ID} Version: $LATEST\n"
        yield stream, at + 3, "0\n"
        yield stream, at + 3, "process A\n"
        yield stream, at + 5, "[ERROR] NameError: x\nTraceback (most recent call last):\n"
        yield stream, at + 40, f"END RequestId: {REQUEST_ID}\n"
        yield stream, at + 40, report(REQUEST_ID)


def report(request_id: str) -> str:
    return (
        f"REPORT RequestId: {request_id}\tDuration: 38.20 ms\tBilled Duration: 39 ms\t"
        "Memory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
    )


if __name__ == "__main__":
    main()
