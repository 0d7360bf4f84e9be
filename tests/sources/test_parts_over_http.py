"""An answer of CloudWatch with failed calls never differs from the whole one, it only knows less.

Random histories are put into the endpoint. Then calls fail: they are denied, throttled to the end,
or cut off; the credentials expire; a stream may not be read. Every command reads the log, and the
commands contradict each other nowhere.

``RETRYCTL_HTTP_HISTORIES=500`` runs so many histories, and prints the figures with ``-s``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from botocore.retries.bucket import TokenBucket

from retryctl.app.options import SourceOptions, TimeWindow
from retryctl.errors import RetryctlError
from retryctl.sources.aws.rate_limiter import AdaptiveRateLimiter
from tests.endpoint.server import Endpoint
from tests.support.lambda_log import MIDNIGHT_MS
from tests.support.log_answers import (
    NOW_MS,
    Answers,
    answers,
    contradictions,
    differences,
    undetermined,
)
from tests.support.random_history import RandomHistory

HISTORIES = int(os.environ.get("RETRYCTL_HTTP_HISTORIES", "2"))
WINDOW = TimeWindow(since_ms=MIDNIGHT_MS - 3_600_000)
CALLS = ("FilterLogEvents", "GetLogEvents")

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture(autouse=True)
def _calls_at_any_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    call_at_any_rate(monkeypatch.setattr)


def call_at_any_rate(replace: Callable[..., None]) -> None:
    """Replace the rate limits of calls, which wait by the clock of this machine."""
    replace(AdaptiveRateLimiter, "wait", lambda self: None)
    replace(TokenBucket, "acquire", lambda self, amount=1, block=True: True)


def open_endpoint(history: RandomHistory) -> Endpoint:
    """Serve a history, with few events a page, by a clock a day after it."""
    endpoint = Endpoint(clock=lambda: NOW_MS, scan_events=40)
    for event in history.events:
        assert event.log_group is not None
        assert event.log_stream is not None
        endpoint.put(
            event.log_group, event.log_stream, [(event.timestamp_ms, event.message)], lag_ms=50
        )
    return endpoint


def read(endpoint: Endpoint, history: RandomHistory) -> Answers | None:
    """Return the answers of all commands; ``None`` where one of them could read nothing."""
    group = history.events[0].log_group
    options = SourceOptions(log_groups=(str(group),), region="us-east-1", endpoint_url=endpoint.url)
    try:
        return answers(options, tuple(history.ids), WINDOW)
    except RetryctlError:
        return None


# --------------------------------------------------------------------------- what fails


def denied(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    _script(random, endpoint, ["denied"] * random.choice((1, 2, 8)))


def throttled(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    _script(random, endpoint, ["throttle"] * random.choice((3, 8, 24)))


def unreachable(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    _script(random, endpoint, ["reset"] * random.choice((3, 12, 40)))


def expired(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    endpoint.faults.expire_after(random.choice(CALLS), random.randrange(12))


def closed_stream(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    stream = random.choice(history.events).log_stream
    endpoint.faults.denied_streams.add(str(stream))


def mixed(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    endpoint.faults.mix(0.1)


def _script(random: Random, endpoint: Endpoint, faults: list[str]) -> None:
    good: list[str | None] = [None] * random.randrange(12)
    endpoint.faults.script[random.choice(CALLS)].extend([*good, *faults])


FAILURES = (denied, throttled, unreachable, expired, closed_stream, mixed)


# --------------------------------------------------------------------------- the property


def campaign(seeds: range, print_each: Callable[[str], None]) -> Counter[str]:
    """Count cases, wrong answers and undetermined requests by what failed."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        random = Random(seed)
        history = RandomHistory(random)
        with open_endpoint(history) as endpoint:
            whole = read(endpoint, history)
            assert whole is not None
            counts["whole: requests"] += len(whole.requests)
            counts["whole: undetermined"] += 0 if history.uncounted else undetermined(whole)
            wrong = [("whole", each) for each in contradictions(whole)]
            for fail in FAILURES:
                fail(random, endpoint, history)
                part = read(endpoint, history)
                endpoint.faults = type(endpoint.faults)(seed=seed)
                counts[f"{fail.__name__}: cases"] += 1
                if part is None:
                    counts[f"{fail.__name__}: refused"] += 1
                    continue
                counts[f"{fail.__name__}: with gaps"] += any(part.gaps.values())
                counts[f"{fail.__name__}: requests"] += len(part.requests)
                counts[f"{fail.__name__}: undetermined"] += undetermined(part)
                wrong += [(fail.__name__, each) for each in differences(whole, part)]
        for name, each in wrong:
            counts[f"{name}: wrong"] += 1
            print_each(f"seed {seed}, {name}: {each}")
    return counts


def test_failed_calls_change_no_answer() -> None:
    found: list[str] = []
    counts = campaign(range(HISTORIES), found.append)
    print(dict(counts))
    assert not found, "\n".join(found[:10])
    assert counts["whole: undetermined"] == 0
