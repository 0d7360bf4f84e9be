"""Refusals and faults of the strict endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.endpoint.clients import GROUP, NOW, code, texts
from tests.endpoint.quotas import Quotas
from tests.endpoint.server import Endpoint


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
