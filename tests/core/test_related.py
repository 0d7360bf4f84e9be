"""Seeded histories: one event under several request IDs is grouped, independent traffic is not."""

from __future__ import annotations

import json
from random import Random

import pytest

from retryctl.core.crosscheck.checked_request import CheckedRequest, HistoryInput, check_history
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import LogEvent
from retryctl.core.related.groups import RelatedRequests, related_requests
from retryctl.core.related.keys import EventKey, KeyPatternError, key_reader, known_keys
from tests.support import lambda_log
from tests.support.lambda_log import ID
from tests.support.random_cases import seeds

T0 = 1_795_402_800_000
HISTORIES = seeds(60, 300)


class Log:
    """Log events of one function, each request in an environment of its own."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.events: list[LogEvent] = []
        self.requests = 0

    def runs(self, start_s: float, duration_s: float, *lines: str) -> str:
        self.requests += 1
        request_id = f"{self.random.getrandbits(32):08x}-1111-4222-8333-{self.requests:012x}"
        at, end = T0 + round(start_s * 1000), T0 + round((start_s + duration_s) * 1000)
        self._log(at, lambda_log.start(request_id))
        for number, line in enumerate(lines):
            self._log(at + 1 + number, f"{line}\n")
        self._log(end, lambda_log.end(request_id))
        self._log(end, lambda_log.report(request_id, duration_s * 1000))
        return request_id

    def _log(self, at_ms: int, message: str) -> None:
        self.events.append(
            LogEvent(
                timestamp_ms=at_ms,
                message=message,
                log_stream=f"2026/11/23/[$LATEST]{self.requests:032x}",
                log_group="/aws/lambda/orders-worker",
                position=len(self.events),
            )
        )

    def checked(self) -> list[CheckedRequest]:
        coverage = Coverage(source="saved", horizon_ms=max(e.timestamp_ms for e in self.events))
        found = check_history(self.events, coverage, HistoryInput())
        return list(found.requests)


def groups(log: Log) -> list[RelatedRequests]:
    return related_requests(log.checked())


def ids(group: RelatedRequests) -> list[str]:
    return [one.request.request_id for one in group.requests]


def independent(log: Log, *, each_s: float, longest_s: float, hours: float = 1) -> None:
    """Requests at random times; each logs an order of its own."""
    at = log.random.expovariate(1 / each_s)
    while at < hours * 3600:
        log.runs(at, log.random.uniform(0.05, longest_s), f"order {log.random.getrandbits(40)}")
        at += log.random.expovariate(1 / each_s)


def client_retry(log: Log) -> list[str]:
    return retry_after(log, 60, log.random.randrange(2, 5))


def other_timeout(log: Log) -> list[str]:
    timeout_s = log.random.choice((5, 10, 30, 50, 100, 120, 300))
    return retry_after(log, timeout_s, log.random.randrange(3, 6))


def retry_after(log: Log, timeout_s: float, calls: int) -> list[str]:
    at, order = log.random.uniform(0, 3000), log.random.getrandbits(40)
    duration, made = log.random.uniform(timeout_s + 10, 5 * timeout_s), []
    for _ in range(calls):
        made.append(log.runs(at, duration, "received", f"order {order}"))
        at += timeout_s + log.random.uniform(0, 2)
    return made


def sqs(log: Log) -> list[str]:
    at, message = (
        log.random.uniform(0, 2000),
        f"{log.random.getrandbits(32):08x}-0000-4000-8000-beef",
    )
    made = []
    for count in range(1, log.random.randrange(3, 6)):
        line = f"messageId={message} ApproximateReceiveCount={count}"
        made.append(log.runs(at, 0.2, line))
        at += log.random.uniform(30, 400)
    return made


def durable(log: Log) -> list[str]:
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:flow:7/{log.random.getrandbits(40)}"
    at, made = log.random.uniform(0, 2000), []
    for _ in range(log.random.randrange(2, 6)):
        made.append(log.runs(at, 0.1, f'{{"message": "step", "executionArn": "{arn}"}}'))
        at += log.random.uniform(1, 600)
    return made


KINDS = (client_retry, other_timeout, sqs, durable)


def test_events_under_several_ids_are_grouped() -> None:
    right = 0
    for seed in HISTORIES:
        log = Log(Random(seed))
        made = KINDS[seed % len(KINDS)](log)
        independent(log, each_s=log.random.choice((10, 60, 600)), longest_s=5, hours=0.4)
        right += [sorted(ids(group)) for group in groups(log)] == [sorted(made)]
    assert right >= 0.95 * len(HISTORIES)


def test_independent_traffic_has_no_group() -> None:
    """Quiet and busy, short and long, and on a schedule of one a minute."""
    for seed in HISTORIES:
        log = Log(Random(seed))
        if seed % 5 == 4:
            for minute in range(30):
                log.runs(60 * minute + log.random.uniform(0, 1), log.random.uniform(61, 200))
        else:
            each_s, longest_s = (
                log.random.choice((5, 20, 60, 300)),
                log.random.choice((1, 100, 600)),
            )
            independent(log, each_s=each_s, longest_s=longest_s, hours=min(1, each_s / 40))
        assert groups(log) == [], seed


def test_a_pair_may_be_and_three_are() -> None:
    for calls, modal in ((2, "may be one event"), (3, "is one event")):
        log = Log(Random(calls))
        made = [log.runs(61.5 * n, 95) for n in range(calls)]
        (group,) = groups(log)
        assert ids(group) == made
        assert group.finding
        assert modal in group.finding.message
        assert group.finding.rule == "client-retry"
        assert len(group.finding.evidence) == calls


@pytest.mark.parametrize(
    ("gap_s", "duration_s", "calls"),
    [(61, 50, 3), (59.9, 95, 3), (62.5, 95, 3), (60.5, 95, 8)],
    ids=["ended before", "too soon", "too late", "a schedule"],
)
def test_other_times_are_not_a_client_retry(gap_s: float, duration_s: float, calls: int) -> None:
    log = Log(Random(1))
    for number in range(calls):
        log.runs(gap_s * number, duration_s)
    assert groups(log) == []


@pytest.mark.parametrize(
    ("message", "key"),
    [
        ("messageId=7c0ff00d-1 ApproximateReceiveCount=1", EventKey("messageId", "7c0ff00d-1")),
        (
            '{"messageId": "7c0ff00d-1", "attributes": {"ApproximateReceiveCount": "2"}}',
            EventKey("messageId", "7c0ff00d-1"),
        ),
        (
            str({"messageId": "7c0ff00d-1", "attributes": {"ApproximateReceiveCount": "2"}}),
            EventKey("messageId", "7c0ff00d-1"),
        ),
        ('{"executionArn": "arn:aws:x"}', EventKey("executionArn", "arn:aws:x")),
        ("{'executionArn': 'arn:aws:x'}", EventKey("executionArn", "arn:aws:x")),
        ('{"durableExecutionArn":"arn:aws:x"}', EventKey("executionArn", "arn:aws:x")),
        ('{"level":"INFO","correlation_id":"4f1c-0001"}', EventKey("correlationId", "4f1c-0001")),
        (
            '{"xray_trace_id": "1-5bef4de7-ad49b0e87f6ef6c87fc2e700"}',
            EventKey("xrayTraceId", "1-5bef4de7-ad49b0e87f6ef6c87fc2e700"),
        ),
    ],
)
def test_known_keys(message: str, key: EventKey) -> None:
    assert list(known_keys(message)) == [key]


def test_a_message_id_alone_is_no_key() -> None:
    assert list(known_keys("sent, messageId=7c0ff00d-1")) == []


@pytest.mark.parametrize("pattern", [r"order[ =](\d+)", "$.detail.order"])
def test_a_key_of_its_own(pattern: str) -> None:
    log = Log(Random(3))
    lines = ["order 42"] if "(" in pattern else ['{"detail": {"order": 42}}']
    made = [log.runs(500 * n, 1, *lines) for n in range(3)]
    log.runs(900, 1, "order 43")
    (group,) = related_requests(log.checked(), key_reader(pattern))
    assert (ids(group), group.key) == (made, EventKey("key", "42"))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$.Records[0].messageId", ["a-1"]),
        ("$.Records[*].messageId", ["a-1", "b-2"]),
        ("$.Records[7].messageId", []),
        ("$['detail-type'].order", ["42"]),
        ("$.none.order", []),
    ],
)
def test_paths_into_json_behind_the_words_of_a_logger(path: str, values: list[str]) -> None:
    document = {
        "Records": [{"messageId": "a-1"}, {"messageId": "b-2"}],
        "detail-type": {"order": 42},
    }
    line = f"[INFO]\t2026-11-23T03:00:00.123Z\t{ID}\t{json.dumps(document)}\n"
    assert [key.value for key in key_reader(path)(line)] == values
    assert list(key_reader(path)("no JSON here")) == list(key_reader(path)("{broken")) == []


@pytest.mark.parametrize("pattern", ["order", "(", "*", "$.order[", "$.a..b", "$[x]"])
def test_a_pattern_that_is_no_key(pattern: str) -> None:
    with pytest.raises(KeyPatternError):
        key_reader(pattern)
