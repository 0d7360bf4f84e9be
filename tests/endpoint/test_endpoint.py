"""The strict endpoint does what CloudWatch Logs does; moto is held to the same where it can."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.endpoint.filterpattern import compile_pattern
from tests.endpoint.quotas import Quotas
from tests.endpoint.server import Endpoint

GROUP = "/aws/lambda/orders-worker"
NOW = 1_795_402_800_000  # 2026-11-23T03:00:00Z
REQUEST_ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"


def client(url: str, service: Any = "logs") -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(clock=lambda: NOW) as running:
        running.group(GROUP)
        yield running


@pytest.fixture
def logs(endpoint: Endpoint) -> Any:
    return client(endpoint.url)


@pytest.fixture(params=["strict", "moto"])
def either(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of the strict endpoint, then of moto, with the same events put through the API."""
    now = time.time_ns() // 1_000_000
    if request.param == "moto":
        yield _filled(client(request.getfixturevalue("moto_url")), now)
    else:
        with Endpoint() as endpoint:
            yield _filled(client(endpoint.url), now)


def _filled(logs: Any, now: int) -> tuple[Any, int]:
    group = f"/aws/lambda/both-{now}"
    logs.create_log_group(logGroupName=group)
    for stream, texts in (("a", ["one x", "two"]), ("b", ["three x"])):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [{"timestamp": now - 1000 + n, "message": text} for n, text in enumerate(texts)]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    return logs, now


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def texts(page: dict[str, Any]) -> list[str]:
    return [event["message"] for event in page["events"]]


def every_page(logs: Any, **asked: Any) -> tuple[list[dict[str, Any]], list[int]]:
    """All events, and the number of events on each page."""
    events: list[dict[str, Any]] = []
    sizes: list[int] = []
    token: dict[str, str] = {}
    while True:
        page = logs.filter_log_events(**asked, **token)
        events += page["events"]
        sizes.append(len(page["events"]))
        if "nextToken" not in page:
            return events, sizes
        token = {"nextToken": page["nextToken"]}


# --------------------------------------------------------------------------- both


def test_both_find_a_phrase_in_every_stream(either: tuple[Any, int]) -> None:
    logs, now = either
    page = logs.filter_log_events(logGroupName=f"/aws/lambda/both-{now}", filterPattern='"x"')
    assert sorted(texts(page)) == ["one x", "three x"]
    assert "nextToken" not in page


def test_both_take_the_end_of_a_filter_as_inclusive(either: tuple[Any, int]) -> None:
    logs, now = either
    group = f"/aws/lambda/both-{now}"
    for end, expected in ((now - 1000, ["one x"]), (now - 999, ["one x", "two"])):
        page = logs.filter_log_events(logGroupName=group, logStreamNames=["a"], endTime=end)
        assert texts(page) == expected


def test_both_give_the_same_token_back_at_the_end_of_a_stream(either: tuple[Any, int]) -> None:
    logs, now = either
    asked = {"logGroupName": f"/aws/lambda/both-{now}", "logStreamName": "a", "startFromHead": True}
    first = logs.get_log_events(**asked)
    assert texts(first) == ["one x", "two"]
    second = logs.get_log_events(**asked, nextToken=first["nextForwardToken"])
    assert texts(second) == []
    assert second["nextForwardToken"] == first["nextForwardToken"]


@pytest.mark.parametrize("operation", ["filter_log_events", "get_log_events"])
def test_both_name_a_missing_group(either: tuple[Any, int], operation: str) -> None:
    stream = {"logStreamName": "a"} if operation == "get_log_events" else {}
    with pytest.raises(ClientError) as error:
        getattr(either[0], operation)(logGroupName="/aws/lambda/nowhere", **stream)
    assert code(error) == "ResourceNotFoundException"


# --------------------------------------------------------------------------- filter patterns


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


# --------------------------------------------------------------------------- FilterLogEvents


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


# --------------------------------------------------------------------------- GetLogEvents


def test_a_stream_is_read_in_both_directions(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "other", [(NOW - 3, "not this")])
    endpoint.put(GROUP, "a", [(NOW - 5, str(n)) for n in range(5)])
    asked: dict[str, Any] = {"logGroupName": GROUP, "logStreamName": "a", "limit": 2}
    page = logs.get_log_events(**asked, startFromHead=True)
    assert texts(page) == ["0", "1"]
    page = logs.get_log_events(**asked, startFromHead=True, nextToken=page["nextForwardToken"])
    assert texts(page) == ["2", "3"]
    page = logs.get_log_events(**asked)
    assert texts(page) == ["3", "4"]
    assert all("eventId" not in event for event in page["events"])
    page = logs.get_log_events(**asked, nextToken=page["nextBackwardToken"])
    assert texts(page) == ["1", "2"]
    page = logs.get_log_events(**asked, nextToken=page["nextBackwardToken"])
    assert texts(page) == ["0"]
    end = logs.get_log_events(**asked, nextToken=page["nextBackwardToken"])
    assert texts(end) == []
    assert end["nextBackwardToken"] == page["nextBackwardToken"]


def test_the_end_of_a_streams_window_is_exclusive(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "a", [(NOW - 2, "1"), (NOW - 1, "2")])  # moto takes it as inclusive
    asked = {"logGroupName": GROUP, "logStreamName": "a", "startFromHead": True}
    assert texts(logs.get_log_events(**asked, startTime=NOW - 2, endTime=NOW - 1)) == ["1"]


def test_a_forward_token_finds_what_came_later(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "a", [(NOW - 5, "1")])
    asked = {"logGroupName": GROUP, "logStreamName": "a", "startFromHead": True}
    token = logs.get_log_events(**asked)["nextForwardToken"]
    endpoint.put(GROUP, "a", [(NOW - 4, "2")])
    assert texts(logs.get_log_events(**asked, nextToken=token)) == ["2"]


# --------------------------------------------------------------------------- Describe


def test_groups_are_described_in_full_by_prefix_only(endpoint: Endpoint, logs: Any) -> None:
    endpoint.group("/aws/lambda/a", created_ms=7, retention_days=14, log_class="DELIVERY")
    endpoint.put("/aws/lambda/a", "s", [(NOW, "four")])
    (full,) = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/a")["logGroups"]
    assert (full["logGroupClass"], full["retentionInDays"], full["creationTime"]) == (
        "DELIVERY",
        14,
        7,
    )
    assert full["storedBytes"] == 30
    (brief,) = logs.describe_log_groups(logGroupNamePattern="lambda/a")["logGroups"]
    assert set(brief) == {"arn", "creationTime", "logGroupName"}


def test_groups_come_fifty_at_a_time(endpoint: Endpoint, logs: Any) -> None:
    for n in range(60):
        endpoint.group(f"/many/{n:02d}")
    first = logs.describe_log_groups(logGroupNamePrefix="/many/")
    rest = logs.describe_log_groups(logGroupNamePrefix="/many/", nextToken=first["nextToken"])
    assert (len(first["logGroups"]), len(rest["logGroups"]), "nextToken" in rest) == (50, 10, False)


def test_the_last_event_of_a_stream_is_told_an_hour_late() -> None:
    now = NOW
    with Endpoint(clock=lambda: now) as endpoint:
        endpoint.put(GROUP, "a", [(NOW - 10, "x")])
        logs = client(endpoint.url)
        (stream,) = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
        assert "lastEventTimestamp" not in stream
        now += 3_600_000
        (stream,) = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
        assert stream["lastEventTimestamp"] == NOW - 10


# --------------------------------------------------------------------------- refusals and faults


def test_a_quota_refuses_what_is_too_fast_and_refills() -> None:
    seconds = 0.0
    quotas = Quotas({"FilterLogEvents": 2}, lambda: seconds)
    quotas.take("FilterLogEvents")
    quotas.take("FilterLogEvents")
    quotas.take("GetLogEvents")
    with pytest.raises(Exception, match="Rate exceeded"):
        quotas.take("FilterLogEvents")
    seconds = 0.5
    quotas.take("FilterLogEvents")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("throttle", "ThrottlingException"), ("error", "ServiceUnavailableException")],
)
def test_a_call_fails_as_the_script_says(
    endpoint: Endpoint, logs: Any, fault: str, expected: str
) -> None:
    endpoint.faults.script["FilterLogEvents"].extend([fault, None])
    with pytest.raises(ClientError) as error:
        logs.filter_log_events(logGroupName=GROUP)
    assert code(error) == expected
    assert logs.filter_log_events(logGroupName=GROUP)["events"] == []
    assert endpoint.calls["FilterLogEvents"] == 2


def test_a_connection_is_reset(endpoint: Endpoint, logs: Any) -> None:
    endpoint.faults.script["FilterLogEvents"].append("reset")
    with pytest.raises(ConnectionClosedError):
        logs.filter_log_events(logGroupName=GROUP)


def test_botocore_takes_an_answer_that_breaks_off_for_an_empty_one(
    endpoint: Endpoint, logs: Any
) -> None:
    endpoint.put(GROUP, "a", [(NOW - 1, "lost")])
    endpoint.faults.script["FilterLogEvents"].append("cut")
    page = logs.filter_log_events(logGroupName=GROUP)
    assert set(page) == {"ResponseMetadata"}  # no error; only the missing key tells


def test_page_faults(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "a", [(NOW - 2, "1"), (NOW - 1, "2")])
    endpoint.faults.script["FilterLogEvents"].extend(
        ["empty-page", None, "repeat-token", "expired-token"]
    )
    page = logs.filter_log_events(logGroupName=GROUP, limit=1)
    assert texts(page) == []
    page = logs.filter_log_events(logGroupName=GROUP, limit=1, nextToken=page["nextToken"])
    assert texts(page) == ["1"]
    again = logs.filter_log_events(logGroupName=GROUP, limit=1, nextToken=page["nextToken"])
    assert (texts(again), again["nextToken"]) == ([], page["nextToken"])
    with pytest.raises(ClientError, match="nextToken is invalid"):
        logs.filter_log_events(logGroupName=GROUP, limit=1, nextToken=page["nextToken"])
    assert texts(logs.filter_log_events(logGroupName=GROUP, nextToken=page["nextToken"])) == ["2"]


def test_a_mix_of_faults_is_the_same_for_the_same_seed() -> None:
    drawn = []
    for _ in range(2):
        with Endpoint(seed=7) as endpoint:
            endpoint.faults.mix(0.5)
            drawn.append([endpoint.fault("FilterLogEvents", has_token=True) for _ in range(200)])
    assert drawn[0] == drawn[1]
    assert 60 < sum(kind is not None for kind in drawn[0]) < 140


def test_credentials_and_permissions(endpoint: Endpoint, logs: Any) -> None:
    endpoint.faults.denied.add("logs:GetLogEvents")
    with pytest.raises(ClientError, match="assumed-role/ci/session is not authorized") as error:
        logs.get_log_events(logGroupName=GROUP, logStreamName="a")
    assert code(error) == "AccessDeniedException"
    assert logs.filter_log_events(logGroupName=GROUP)["events"] == []
    endpoint.faults.credentials = "expired"
    with pytest.raises(ClientError) as error:
        logs.filter_log_events(logGroupName=GROUP)
    assert code(error) == "ExpiredTokenException"


# --------------------------------------------------------------------------- Insights and Lambda

QUERY = """fields @timestamp, @message, @logStream, @log
| filter @message like "needle"
| sort @timestamp asc
| limit 10000"""


def test_a_query_is_scheduled_runs_and_completes(endpoint: Endpoint, logs: Any) -> None:
    endpoint.put(GROUP, "a", [(NOW - 90_000, "a needle"), (NOW - 80_000, "hay"), (NOW, "needle")])
    second = NOW // 1000
    asked = {"logGroupIdentifiers": [GROUP], "queryString": QUERY}
    query = logs.start_query(**asked, startTime=second - 90, endTime=second)["queryId"]
    answers = [logs.get_query_results(queryId=query) for _ in range(3)]
    assert [answer["status"] for answer in answers] == ["Scheduled", "Running", "Complete"]
    (row,) = answers[-1]["results"]  # the freshest is not found yet
    assert {cell["field"]: cell["value"] for cell in row}["@message"] == "a needle"
    assert answers[-1]["statistics"]["recordsScanned"] == 3.0


def test_a_query_is_stopped_once(endpoint: Endpoint, logs: Any) -> None:
    query = logs.start_query(logGroupName=GROUP, queryString=QUERY, startTime=0, endTime=1)[
        "queryId"
    ]
    assert endpoint.insights.running == 1
    logs.stop_query(queryId=query)
    assert endpoint.insights.running == 0
    with pytest.raises(ClientError, match="has ended"):
        logs.stop_query(queryId=query)


def test_a_query_of_another_kind_is_refused(endpoint: Endpoint, logs: Any) -> None:
    with pytest.raises(ClientError) as error:
        logs.start_query(logGroupName=GROUP, queryString="fields @x", startTime=0, endTime=1)
    assert code(error) == "MalformedQueryException"


def test_settings_of_a_function(endpoint: Endpoint) -> None:
    functions = client(endpoint.url, "lambda")
    endpoint.function("orders-worker", Timeout=3, event_invoke={"MaximumRetryAttempts": 1})
    endpoint.function("plain", Timeout=9)
    assert functions.get_function_configuration(FunctionName="orders-worker")["Timeout"] == 3
    config = functions.get_function_event_invoke_config(FunctionName="orders-worker")
    assert config["MaximumRetryAttempts"] == 1
    with pytest.raises(ClientError, match="doesn't have an EventInvokeConfig") as error:
        functions.get_function_event_invoke_config(FunctionName="plain")
    assert code(error) == "ResourceNotFoundException"
    assert [f["FunctionName"] for f in functions.list_functions()["Functions"]] == [
        "orders-worker",
        "plain",
    ]
    endpoint.faults.denied.add("lambda:GetFunctionConfiguration")
    with pytest.raises(ClientError, match="not authorized to perform: lambda:GetFunction"):
        functions.get_function_configuration(FunctionName="plain")
