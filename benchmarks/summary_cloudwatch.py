"""A day of a function's log on CloudWatch summarised: what is read of it, and how fast.

The strict endpoint of the tests serves the log that ``generate_logs`` makes up, in which some 5 %
of the attempts fail, at ten calls a second. Each way is run in a process of its own, one after the
other, and its figures are held against the generator's own truth::

    python -m benchmarks.summary_cloudwatch --events 1000000

``every page`` is what a script with boto3 does that counts nothing yet: the pages that there are.
Read, but not told apart in the table: with ``--engine filter`` the program first reads one page
that is thrown away, and looks between the lines of some failed attempts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator

from benchmarks.find_request_cloudwatch import GROUP, QUOTA, Event, run
from benchmarks.generate_logs import Simulation, Truth
from benchmarks.summary_saved import check_summary
from tests.endpoint.server import Endpoint

HOUR_MS = 3_600_000
QUERY_S = 5.0


def made(events: int, hours: float, steps: int) -> tuple[Truth, list[Event]]:
    """The log, its last event an hour ago, and the truth about it."""
    lines: list[Event] = []

    def take(line: str) -> None:
        event = json.loads(line)
        lines.append((event["logStreamName"], event["timestamp"], event["message"]))

    truth = Simulation(events, 7, hours / 24, steps).run(take)
    shift_ms = time.time_ns() // 1_000_000 - HOUR_MS - lines[-1][1]
    return truth, [(stream, at + shift_ms, message) for stream, at, message in lines]


def ways(url: str, since_ms: int, until_ms: int) -> Iterator[tuple[str, list[str]]]:
    """Each way's name and its command."""
    program = (
        "import boto3\n"
        f"logs = boto3.client('logs', endpoint_url={url!r})\n"
        f"asked = dict(logGroupName={GROUP!r}, startTime={since_ms}, endTime={until_ms})\n"
        "for page in logs.get_paginator('filter_log_events').paginate(**asked):\n"
        "    pass\n"
    )
    yield "every page, with boto3", [sys.executable, "-c", program]
    for engine in ("filter", "insights"):
        yield (
            f"retryctl summary --engine {engine}",
            [
                *(sys.executable, "-m", "retryctl", "summary", "orders-worker", "-o", "json"),
                *("--since", str(since_ms), "--until", str(until_ms)),
                *("--endpoint-url", url, "--engine", engine),
            ],
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.summary_cloudwatch")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=12, help="lines that an attempt logs")
    parser.add_argument("--scan", type=int, default=200_000, help="events a call looks at")
    given = parser.parse_args()
    truth, log = made(given.events, 23, given.steps)
    since_ms, until_ms = log[0][1] - HOUR_MS, log[-1][1] + 1
    quotas = {"FilterLogEvents": QUOTA, "GetLogEvents": QUOTA}
    with Endpoint(quotas=quotas, scan_events=given.scan) as endpoint:
        endpoint.insights.query_s = QUERY_S
        endpoint.load(GROUP, log)
        endpoint.function("orders-worker", Timeout=3)
        failed = truth.attempts - truth.attempt_outcomes["ok"]
        print(
            f"\n{len(log):,} events in 23 h, {truth.attempts:,} attempts, of which "
            f"{failed / truth.attempts:.1%} failed; {QUOTA} calls a second, {given.scan:,} events "
            f"looked at by a call, {QUERY_S:g} s for a query\n\n"
            "| way | pages | of all | at the quota | seconds | memory | scanned | figures |\n"
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
        )
        every = 0
        for name, command in ways(endpoint.url, since_ms, until_ms):
            endpoint.calls.clear()
            time.sleep(1.5)  # the quota is full again
            began = time.monotonic()
            done = run(command)
            seconds = time.monotonic() - began
            pages = endpoint.calls["FilterLogEvents"] + endpoint.calls["GetLogEvents"]
            every = every or pages
            figures = told(done.printed, done.errors, truth)
            print(
                f"| {name} | {pages:,} | {pages / every:.0%} | {pages / QUOTA:.1f} s "
                f"| {seconds:.1f} | {done.most_mb:.0f} MB | {figures} |",
                flush=True,
            )


def told(printed: str, errors: str, truth: Truth) -> str:
    """The last cells: what Logs Insights scanned, and whether the figures are the truth."""
    if not printed:
        return f" | {errors.strip().splitlines()[-1][:80]} " if errors.strip() else " | "
    found = json.loads(printed)
    scanned = next((line for line in errors.splitlines() if " scanned " in line), "")
    wrong = check_summary(found, truth)
    return f"{scanned.partition('scanned ')[2].partition(' of')[0]} | {wrong or 'the truth'}"


if __name__ == "__main__":
    main()
