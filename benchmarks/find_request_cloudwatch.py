"""Find one request in a day of log events: retryctl, and what people use today.

The strict endpoint of the tests serves the log of a busy function over HTTP, with a quota of
calls a second. Three attempts of one request lie in it, one of them in a stream that was opened a
day before. Each tool runs in a process of its own against the same endpoint, one after the other::

    python -m benchmarks.find_request_cloudwatch --hours-ago 2 12 20 --quota 5 10
    python -m benchmarks.find_request_cloudwatch --groups 300 --quota 5 10

``awslogs`` and ``aws`` are measured where they are on the PATH. AWS does not document how much of
a log one FilterLogEvents call reads before it answers, nor how long it takes: ``--scan`` and
``--call-s`` are our figures, and so is ``--query-s``, the time of a query of Logs Insights. With
``--groups`` the request lies in one of so many groups, the others are quiet, and no tool is given
its name: the loop reads one group after the other until it finds the ID.

Two aims are checked below each table: a search by ``retryctl`` makes at most the calls of the best
of the other tools in a group that is named, and takes at most half of their time. Beside them are
lower bounds, which no search can beat: every page of the time in which attempts can lie has to be
read, from six hours before the first to six hours after the last, and their other lines by one
call; a search that does not know when the request ran, and begins with the newest, has to read
what is newer too. The seconds follow from the quota: the calls of its first second are free.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.endpoint.quotas import Quotas
from tests.endpoint.server import Endpoint

GROUP = "/aws/lambda/orders-worker"
REQUEST_ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
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


def trace_anywhere(url: str, since_ms: int, until_ms: int) -> list[str]:
    named = trace(url, since_ms, until_ms)
    at = named.index("--log-group")
    return [*named[:at], *named[at + 2 :]]


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


def loop(url: str, since_ms: int, until_ms: int) -> list[str]:
    program = (
        "import boto3\n"
        f"logs = boto3.client('logs', endpoint_url={url!r})\n"
        "groups = logs.get_paginator('describe_log_groups').paginate()\n"
        "for group in (group for page in groups for group in page['logGroups']):\n"
        "    pages = logs.get_paginator('filter_log_events').paginate(\n"
        f"        logGroupName=group['logGroupName'], filterPattern='\"{REQUEST_ID}\"',\n"
        f"        startTime={since_ms}, endTime={until_ms})\n"
        "    found = [event for page in pages for event in page['events']]\n"
        "    for event in found:\n"
        "        print(event['message'])\n"
        "    if found:\n"
        "        break\n"
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
ANYWHERE = (
    Tool(name="retryctl trace, no name", command=trace_anywhere, messages=of_attempts),
    Tool(name="loop over groups with boto3", command=loop, messages=str.splitlines),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.find_request_cloudwatch")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--hours-ago", type=float, nargs="+", default=[2.0])
    parser.add_argument("--scan", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--quota", type=int, nargs="+", default=[10], help="calls a second")
    parser.add_argument("--groups", type=int, default=1)
    parser.add_argument("--query-s", type=float, default=5.0, help="seconds that a query takes")
    parser.add_argument("--call-s", type=float, default=0.0, help="seconds that a call takes")
    parser.add_argument("--tools", type=int, default=4, help="only the first so many")
    given = parser.parse_args()
    tools = TOOLS[: given.tools] if given.groups == 1 else ANYWHERE
    for hours in given.hours_ago:
        now_ms = time.time_ns() // 1_000_000
        with Endpoint() as endpoint:
            endpoint.insights.query_s = given.query_s
            endpoint.faults.rates = {"slow": 1.0} if given.call_s else {}
            endpoint.faults.slow_s = given.call_s
            load(endpoint, given.events, given.groups, now_ms, hours)
            for scan in given.scan:
                for quota in given.quota:
                    endpoint.events.scan_events = scan
                    endpoint.quotas = Quotas(dict.fromkeys(LIMITED, quota))
                    print(head(given.events, given.groups, hours, scan, quota))
                    measured = []
                    for tool in tools:
                        measured.append(measure(tool, endpoint, now_ms - DAY_MS, now_ms))
                        print(row(measured[-1]), flush=True)
                    pages = given.events / scan
                    print(aims(measured, Bounds(pages=pages, hours_ago=hours, quota=quota)))


LIMITED = ("FilterLogEvents", "GetLogEvents")


def load(endpoint: Endpoint, events: int, groups: int, now_ms: int, hours_ago: float) -> None:
    """Load the log, and quiet groups; the name of the busy one is in the middle."""
    first_ms = now_ms - int(hours_ago * HOUR_MS)
    log = heapq.merge(noise(events, now_ms - DAY_MS), wanted(first_ms), key=lambda e: e[1])
    endpoint.group(GROUP, created_ms=now_ms - 2 * DAY_MS)
    endpoint.load(GROUP, log)
    endpoint.function("orders-worker", Timeout=3)
    for number in range(groups - 1):
        name = f"/aws/lambda/{'az'[number % 2]}-{number:03d}"
        endpoint.group(name, created_ms=now_ms - 2 * DAY_MS)
        endpoint.load(name, noise(200 * (number % 7), now_ms - DAY_MS))


def head(events: int, groups: int, hours_ago: float, scan: int, quota: int) -> str:
    return (
        f"\n{events:,} events in 24 h, {groups} log groups, the request {hours_ago:g} h ago, "
        f"{quota} calls a second, {scan:,} events read by a call\n\n"
        "| tool | seconds | calls (of the log) | its lines (of 21) | counters | tracebacks "
        "| memory |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a tool took; ``failed`` is the reason where it printed nothing."""

    tool: str
    seconds: float = 0.0
    calls: int = 0
    log_calls: int = 0
    messages: Sequence[str] = ()
    most_mb: float = 0.0
    failed: str = ""


READING = ("FilterLogEvents", "GetLogEvents", "StartQuery", "GetQueryResults")


def measure(tool: Tool, endpoint: Endpoint, since_ms: int, until_ms: int) -> Measured:
    command = tool.command(endpoint.url, since_ms, until_ms)
    if shutil.which(command[0]) is None:
        return Measured(tool=tool.name, failed="not installed")
    endpoint.calls.clear()
    time.sleep(1.5)  # the quota is full again
    began = time.monotonic()
    done = run(command)
    seconds = time.monotonic() - began
    if done.status:
        reason = (done.errors.strip().splitlines() or ["no words"])[-1][:60]
        return Measured(tool=tool.name, failed=reason)
    return Measured(
        tool=tool.name,
        seconds=seconds,
        calls=sum(endpoint.calls.values()),
        log_calls=sum(endpoint.calls[name] for name in READING),
        messages=[message for message in tool.messages(done.printed) if message.strip()],
        most_mb=done.most_mb,
    )


def row(one: Measured) -> str:
    """All calls, and those that read the log: the others have quotas of their own."""
    if one.failed:
        return f"| {one.tool} | {one.failed} | | | | | |"
    counters = one.messages.count("0\n")
    tracebacks = sum("Traceback" in message for message in one.messages)
    return (
        f"| {one.tool} | {one.seconds:.1f} | {one.calls} ({one.log_calls}) | {len(one.messages)} "
        f"| {counters} | {tracebacks} | {one.most_mb:.0f} MB |"
    )


REACH_HOURS = 6 + 63 / 3600  # the longest event age, the timeout and a grace


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The fewest calls for a request ``hours_ago``, in a day of ``pages`` pages."""

    pages: float
    hours_ago: float
    quota: int

    @property
    def known(self) -> int:
        """Of a search that knows when the request ran."""
        return self._calls(min(self.hours_ago, REACH_HOURS))

    @property
    def newest_first(self) -> int:
        return self._calls(self.hours_ago)

    def _calls(self, hours_after: float) -> int:
        hours = hours_after + min(24 - self.hours_ago, REACH_HOURS)
        return math.ceil(self.pages * hours / 24) + 1

    def seconds(self, calls: int) -> float:
        return max(0.0, (calls - self.quota) / self.quota)


def aims(measured: Sequence[Measured], bounds: Bounds) -> str:
    """Whether the aims are reached, and the lower bounds."""
    own = measured[0]
    others = [one for one in measured if not one.tool.startswith("retryctl") and not one.failed]
    if own.failed or not others:
        return ""
    calls, seconds = min(one.log_calls for one in others), min(one.seconds for one in others)
    known, newest = bounds.known, bounds.newest_first
    return (
        f"\nCalls: {own.log_calls}, the best other {calls}: "
        f"{_reached(own.log_calls <= calls)}. No search takes fewer than {known}; one that begins "
        f"with the newest no fewer than {newest}.\n"
        f"Seconds: {own.seconds:.1f}, half of the best other {seconds / 2:.1f}: "
        f"{_reached(own.seconds <= seconds / 2)}. Beside the start of the program no search takes "
        f"less than {bounds.seconds(known):.1f}; one that begins with the newest no less than "
        f"{bounds.seconds(newest):.1f}."
    )


def _reached(is_reached: bool) -> str:
    return "reached" if is_reached else "not reached"


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
