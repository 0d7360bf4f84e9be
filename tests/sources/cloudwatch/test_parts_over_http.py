"""An answer of CloudWatch with failed calls never differs from the whole one, it only knows less.

Random histories are put into one endpoint. Then calls fail: they are denied, throttled to the end,
or cut off; the credentials expire; a stream may not be read; nothing behind the first page is read.
Every command reads the log, and the commands contradict each other nowhere.

``RETRYCTL_HTTP_HISTORIES=500`` runs so many histories, and prints the figures with ``-s``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from botocore.retries.bucket import TokenBucket
from botocore.retries.quota import RetryQuota

from retryctl.app.options import SourceOptions, TimeWindow
from retryctl.core.check.check_evaluator import CheckEvaluator
from retryctl.core.check.expectations import Expectations
from retryctl.core.crosscheck.checked_request import check_history
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.rate_limiter import AdaptiveRateLimiter
from tests.endpoint.faults import Faults
from tests.endpoint.server import Endpoint
from tests.support.lambda_log import MIDNIGHT_MS, saved
from tests.support.log_answers import (
    ERRORS,
    NOW_MS,
    Answers,
    answers,
    contradictions,
    differences,
    differing_rows,
    undetermined,
)
from tests.support.random_history import RandomHistory

HISTORIES = int(os.environ.get("RETRYCTL_HTTP_HISTORIES", "8"))
WINDOW = TimeWindow(since_ms=MIDNIGHT_MS - 3_600_000)
FAILURES_OF_EACH = 1
WHOLE_EVERY = 10
"""As many histories are served for each that is also read whole."""
CALLS = ("FilterLogEvents", "GetLogEvents")

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture(autouse=True)
def _cheap_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    make_calls_cheap(monkeypatch.setattr)


def make_calls_cheap(put: Callable[..., None]) -> None:
    """Call at any rate, since limits wait by this machine's clock, and make each client once.

    The retry quota of a client that lives on would refuse retries of later commands.
    """
    put(os, "sched_getaffinity", lambda pid: {0})  # no worker processes for small logs
    put(AdaptiveRateLimiter, "wait", lambda self: None)
    put(TokenBucket, "acquire", lambda self, amount=1, block=True: True)
    put(RetryQuota, "acquire", lambda self, amount: True)
    made: dict[tuple[str | None, ...], tuple[Any, Any]] = {}
    new_client = AwsClient._new_client

    def client_of(self: AwsClient, service: str, region: str | None) -> Any:
        key = (self.endpoint_url, service, region, str(self._max_attempts))
        if key not in made:
            made[key] = new_client(self, service, region), self._botocore
        client, self._botocore = made[key]
        return client

    put(AwsClient, "_new_client", client_of)


def open_endpoint() -> Endpoint:
    """Return an endpoint with few events a page, by a clock a day after the histories."""
    return Endpoint(clock=lambda: NOW_MS, scan_events=20)


def serve(endpoint: Endpoint, history: RandomHistory) -> None:
    """Put a history into the endpoint, in place of the one before."""
    for group in endpoint.store.groups():
        endpoint.store.remove(group)
    for event in history.events:
        assert event.log_group is not None
        assert event.log_stream is not None
        endpoint.put(
            event.log_group, event.log_stream, [(event.timestamp_ms, event.message)], lag_ms=50
        )


def read(
    endpoint: Endpoint, history: RandomHistory, before_each: Callable[[], None] = lambda: None
) -> Answers:
    """Return the answers of all commands, each with the failures of ``before_each``."""
    group = history.events[0].log_group
    options = SourceOptions(log_groups=(str(group),), region="us-east-1", endpoint_url=endpoint.url)
    return answers(options, tuple(history.ids), WINDOW, before_each)


def whole_of(history: RandomHistory) -> Answers:
    """Return the answers to a history by the core alone, as of the endpoint's clock."""
    coverage = replace(saved(history.events), horizon_ms=NOW_MS)
    requests = check_history(history.events, coverage).requests
    evaluator = CheckEvaluator(Expectations(fail_on=ERRORS))
    for checked in requests:
        evaluator.add(checked)
    return Answers(
        requests={one.request.request_id: one for one in requests},
        checked=evaluator.judgement((), ()),
    )


# --------------------------------------------------------------------------- what fails


def denied(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    _script(random, endpoint, ["denied"] * random.choice((1, 2, 8)))


def throttled(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    _script(random, endpoint, ["throttle"] * random.choice((3, 8, 24)))


def unreachable(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    _script(random, endpoint, ["reset"] * random.choice((3, 12, 40)))


def expired(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    endpoint.faults.expire_after(random.choice(CALLS), random.randrange(3))


def closed_stream(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    stream = random.choice(history.events).log_stream
    endpoint.faults.denied_streams.add(str(stream))


def mixed(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    endpoint.faults.mix(0.1)


def one_page(random: Random, endpoint: Endpoint, history: RandomHistory) -> None:
    endpoint.faults.later_pages = "denied"


def _script(random: Random, endpoint: Endpoint, faults: list[str]) -> None:
    good: list[str | None] = [None] * random.randrange(3)
    for operation in CALLS:
        endpoint.faults.script[operation].extend([*good, *faults])


Failure = Callable[[Random, Endpoint, RandomHistory], None]
FAILURES: tuple[Failure, ...] = (
    denied,
    throttled,
    unreachable,
    expired,
    closed_stream,
    one_page,
    mixed,
)


# --------------------------------------------------------------------------- the property


def campaign(seeds: range, print_each: Callable[[str], None]) -> Counter[str]:
    """Count cases, wrong answers and undetermined requests by what failed."""
    counts: Counter[str] = Counter()
    with open_endpoint() as endpoint:
        for seed in seeds:
            for name, each in _wrong_answers(seed, endpoint, counts):
                counts[f"{name}: wrong"] += 1
                print_each(f"seed {seed}, {name}: {each}")
    return counts


def _wrong_answers(
    seed: int, endpoint: Endpoint, counts: Counter[str]
) -> Iterator[tuple[str, str]]:
    """Yield what each failure makes of one history, and the answers that are wrong."""
    random = Random(seed)
    history = RandomHistory(random)
    serve(endpoint, history)
    whole = whole_of(history)
    if seed % WHOLE_EVERY == 0:
        found = read(endpoint, history)
        counts["whole: cases"] += 1
        counts["whole: requests"] += len(found.requests)
        counts["whole: undetermined"] += 0 if history.uncounted else undetermined(found)
        yield from (("whole", each) for each in contradictions(found))
        yield from (("whole", each) for each in differences(whole, found))
    for fail in random.sample(FAILURES, FAILURES_OF_EACH):
        name, part_seed = fail.__name__, random.random()

        def fail_again(fail: Failure = fail, part_seed: float = part_seed) -> None:
            endpoint.faults = Faults(seed=seed, slow_s=0.0)
            fail(Random(part_seed), endpoint, history)

        part = read(endpoint, history, fail_again)
        endpoint.faults = Faults()
        counts[f"{name}: cases"] += 1
        counts[f"{name}: commands refused"] += len(part.refused)
        counts[f"{name}: with gaps"] += any(part.gaps.values())
        counts[f"{name}: requests"] += len(part.requests)
        counts[f"{name}: undetermined"] += undetermined(part)
        for each in (*differences(whole, part), *differing_rows(whole, part)):
            yield name, each


def test_failed_calls_change_no_answer() -> None:
    found: list[str] = []
    counts = campaign(range(HISTORIES), found.append)
    print(dict(counts))
    assert not found, "\n".join(found[:10])
    assert counts["whole: undetermined"] == 0
