"""Logs Insights and Lambda on the strict endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.clients import GROUP, NOW, client, code
from tests.endpoint.server import Endpoint

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
