"""FilterLogEvents of the strict endpoint, and its patterns."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.clients import GROUP, NOW, REQUEST_ID, client, code, every_page, texts
from tests.endpoint.filterpattern import compile_pattern
from tests.endpoint.server import Endpoint


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("error", "an error here", True),
        ("error", "an ERROR here", False),
        ("one two", "two then one", True),
        ("one two", "only one", False),
        (f'"{REQUEST_ID}"', f"START RequestId: {REQUEST_ID} Version: 7", True),
        ('"say \\"hi\\""', 'they say "hi"', True),
        ("one -two", "one", True),
        ("one -two", "one two", False),
        ("?one ?two", "two", True),
        ("?one ?two", "three", False),
        ('?"a-1" ?"b-2"', "x b-2", True),
        ("?one three", "one", False),  # optional terms are ignored beside others
        ("?one three", "three", True),
        ("%4[0-9]{2}%", "status 404", True),
        ("%^REPORT%", "a REPORT", False),
        ('{ $.requestId = "u" }', '{"requestId": "u"}', True),
        ('{ $.requestId = "u" }', 'requestId = "u"', False),
        ('{ $.type = "platform.*" }', '{"type": "platform.start"}', True),
        ('{ $.record.requestId = "u" && $.n > 3 }', '{"record": {"requestId": "u"}, "n": 4}', True),
        ("{ ($.n > 3 || $.on IS TRUE) && $.gone NOT EXISTS }", '{"n": 1, "on": true}', True),
        ("{ $.a[1] != 2 }", '{"a": [1, "x"]}', False),
        ("{ $.a IS NULL }", '{"a": null}', True),
        ("{ $.['x y'] = 1 }", '{"x y": 1}', None),
    ],
)
def test_pattern(pattern: str, text: str, matches: bool | None) -> None:
    if matches is None:
        with pytest.raises(Exception, match="Invalid filter pattern"):
            compile_pattern(pattern)
        return
    compiled = compile_pattern(pattern)
    assert compiled is not None
    assert compiled.matches(text) is matches


@pytest.mark.parametrize(
    "pattern",
    [REQUEST_ID, '"open', '""', "%(a)%", "%a b%", "[a, b]", "{ $.a = 1", "{ a = 1 }", "x" * 1025],
)
def test_a_pattern_that_the_service_refuses(endpoint: Endpoint, logs: Any, pattern: str) -> None:
    with pytest.raises(ClientError) as error:
        logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern)
    assert code(error) == "InvalidParameterException"


def test_events_come_in_time_order_across_streams_with_ids_that_grow(
    endpoint: Endpoint, logs: Any
) -> None:
    endpoint.put(GROUP, "b", [(NOW - 30, "2"), (NOW - 10, "4")])
    endpoint.put(GROUP, "a", [(NOW - 40, "1"), (NOW - 20, "3"), (NOW - 10, "5")])
    events = logs.filter_log_events(logGroupName=GROUP)["events"]
    assert [event["message"] for event in events] == ["1", "2", "3", "4", "5"]
    ids = [event["eventId"] for event in events]
    assert ids == sorted(ids, key=int)
    endpoint.put(GROUP, "c", [(NOW - 50, "0")])
    assert [event["eventId"] for event in logs.filter_log_events(logGroupName=GROUP)["events"]][
        1:
    ] == ids


def test_newest_first(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "a", [(NOW - 5 + n, str(n)) for n in range(5)])
    asked = {"logGroupName": GROUP, "startFromHead": False, "startTime": NOW - 60_000, "limit": 2}
    events, sizes = every_page(logs, **asked)
    assert [event["message"] for event in events] == ["4", "3", "2", "1", "0"]
    assert sizes == [2, 2, 1]


def test_a_page_is_a_megabyte_or_ten_thousand_events(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "long", [(NOW - 10, "x" * 500_000) for _ in range(3)])
    assert every_page(logs, logGroupName=GROUP)[1] == [2, 1]
    endpoint.put("/many", "many", [(NOW - 10, "x") for _ in range(10_001)])
    assert every_page(logs, logGroupName="/many")[1] == [10_000, 1]


def test_a_scan_that_finds_little_answers_with_empty_pages() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=100) as endpoint:
        endpoint.put(GROUP, "a", [(NOW - 400 + n, f"event {n}.") for n in range(350)])
        events, sizes = every_page(
            client(endpoint.url), logGroupName=GROUP, filterPattern='"event 250."'
        )
    assert [event["message"] for event in events] == ["event 250."]
    assert sizes == [0, 0, 1, 0]


def test_streams_are_chosen_by_name_or_by_prefix(endpoint: Endpoint, logs: Any) -> None:
    for stream in ("x/1", "x/2", "y/1"):
        endpoint.put(GROUP, stream, [(NOW - 10, stream)])
    assert texts(logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix="x/")) == [
        "x/1",
        "x/2",
    ]
    assert texts(logs.filter_log_events(logGroupName=GROUP, logStreamNames=["y/1"])) == ["y/1"]
    with pytest.raises(ClientError, match="mutually exclusive"):
        logs.filter_log_events(logGroupName=GROUP, logStreamNames=["y/1"], logStreamNamePrefix="x")
    with pytest.raises(ClientError, match="between 1 and 100"):
        logs.filter_log_events(logGroupName=GROUP, logStreamNames=["y/1"] * 101)


def test_a_token_is_bound_to_its_request_and_lives_a_day() -> None:
    now = NOW
    with Endpoint(clock=lambda: now) as endpoint:
        endpoint.put(GROUP, "a", [(NOW - 10, "1"), (NOW - 9, "2")])
        logs = client(endpoint.url)
        token = logs.filter_log_events(logGroupName=GROUP, limit=1)["nextToken"]
        assert texts(logs.filter_log_events(logGroupName=GROUP, nextToken=token)) == ["2"]
        for asked in ({"startTime": 5}, {"filterPattern": "x"}):
            with pytest.raises(ClientError, match="nextToken is invalid"):
                logs.filter_log_events(logGroupName=GROUP, nextToken=token, **asked)
        now += 24 * 3_600_000 + 1
        with pytest.raises(ClientError, match="nextToken is invalid"):
            logs.filter_log_events(logGroupName=GROUP, nextToken=token)


def test_a_group_is_named_by_name_or_by_arn_of_its_account(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "s", [(NOW - 1, "ours")])
    theirs = endpoint.group(GROUP, account="999999999999")
    endpoint.put(theirs, "s", [(NOW - 1, "theirs")])
    assert texts(logs.filter_log_events(logGroupName=GROUP)) == ["ours"]
    assert texts(logs.filter_log_events(logGroupIdentifier=GROUP)) == ["ours"]
    assert texts(logs.filter_log_events(logGroupIdentifier=theirs.arn)) == ["theirs"]
    refused: list[dict[str, str]] = [
        {},
        {"logGroupName": GROUP, "logGroupIdentifier": GROUP},
        {"logGroupIdentifier": f"{theirs.arn}:*"},
        {"logGroupName": theirs.arn},
    ]
    for names in refused:
        with pytest.raises(ClientError) as error:
            logs.filter_log_events(**names)
        assert code(error) == "InvalidParameterException"


def test_a_log_group_of_infrequent_access_is_not_read(endpoint: Endpoint, logs: Any) -> None:
    endpoint.group("/rare", log_class="INFREQUENT_ACCESS")
    with pytest.raises(ClientError) as error:
        logs.filter_log_events(logGroupName="/rare")
    assert code(error) == "InvalidOperationException"
    assert error.value.response["Error"]["Message"] == (
        "The log group /rare is of log-group-class INFREQUENT_ACCESS. "
        "FilterLogEvents is not supported for this log class."
    )


def test_an_event_is_not_visible_before_it_was_ingested() -> None:
    now = NOW
    with Endpoint(clock=lambda: now) as endpoint:
        endpoint.put(GROUP, "a", [(NOW - 1000, "late")], lag_ms=5000)
        logs = client(endpoint.url)
        assert texts(logs.filter_log_events(logGroupName=GROUP)) == []
        assert texts(logs.get_log_events(logGroupName=GROUP, logStreamName="a")) == []
        now += 5000
        assert texts(logs.filter_log_events(logGroupName=GROUP)) == ["late"]
