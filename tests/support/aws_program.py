"""The whole program against an endpoint, and requests for it to find."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from subprocess import CompletedProcess
from typing import Any

from tests.endpoint.server import Endpoint
from tests.support import lambda_log
from tests.support.program import run

GROUP = "/aws/lambda/orders-worker"
WRONG = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
RIGHT = "0e1ba5e6-55d1-4e9a-9bbb-3ad5d9f0a1c2"
HERE = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"
YESTERDAY = "2026/11/22/[$LATEST]aaaa456789abcdef0123456789abcdef"
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}
Event = tuple[int, str]


def trace(
    endpoint: Endpoint | str, *arguments: str, env: Mapping[str, str] | None = None
) -> CompletedProcess[str]:
    url = endpoint if isinstance(endpoint, str) else endpoint.url
    return run("trace", *arguments, "--endpoint-url", url, env={**CREDENTIALS, **(env or {})})


def told(done: CompletedProcess[str]) -> dict[str, Any]:
    """The document that was printed."""
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def attempt(request_id: str, at: int, count: int) -> list[Event]:
    """One attempt that counts ``count`` and fails."""
    return [
        (at, lambda_log.start(request_id)),
        (at + 1, f"{count}\n"),
        (at + 1, f"process {'ABC'[count]}\n"),
        (at + 2, f"[ERROR] NameError: no\nTraceback (most recent call last):\n  line {at}"),
        (at + 50, lambda_log.end(request_id)),
        (at + 50, lambda_log.report(request_id, 50)),
    ]


def sequence(request_id: str, at: int, counts: Sequence[int]) -> list[list[Event]]:
    """The attempts of one request, at Lambda's usual waits."""
    waits = (0, 63 * SECOND, 190 * SECOND)
    return [
        attempt(request_id, at + wait, count) for wait, count in zip(waits, counts, strict=False)
    ]


def put_both(endpoint: Endpoint, group: str = GROUP, ago: int = 2 * HOUR) -> None:
    """A request that counts wrong, as its attempts switch environments, and one that is right."""
    at = now_ms() - ago
    first, second, third = sequence(WRONG, at, (0, 0, 1))
    endpoint.put(group, HERE, first)
    endpoint.put(group, YESTERDAY, [*second, *third])
    for events in sequence(RIGHT, at + 10 * MINUTE, (0, 1, 2)):
        endpoint.put(group, HERE, events)


def make_busy(endpoint: Endpoint, events: int = 20_000) -> None:
    """Two days of other lines."""
    since, every = now_ms() - 48 * HOUR, 48 * HOUR // events
    endpoint.load(GROUP, [(f"s/{n % 7}", since + n * every, f"noise {n}\n") for n in range(events)])
