"""Where ``retryctl trace`` searches: groups by name, pattern, function or account."""

from __future__ import annotations

from pathlib import Path

import pytest

from retryctl.sources.aws.client import AwsClient
from tests.endpoint.server import Endpoint
from tests.support.aws_program import (
    CREDENTIALS,
    GROUP,
    HERE,
    HOUR,
    RIGHT,
    WRONG,
    attempt,
    now_ms,
    put_both,
    sequence,
    told,
    trace,
)
from tests.support.program import run


def test_without_a_function_all_of_lambda_is_searched(endpoint: Endpoint) -> None:
    put_both(endpoint)
    for number in range(20):
        endpoint.put(f"/aws/lambda/other-{number}", "s", [(now_ms() - HOUR, "noise\n")])
    other = "a" * 8 + RIGHT[8:]
    endpoint.put("/custom/billing", HERE, attempt(other, now_ms() - HOUR, 0))
    endpoint.function("billing", LoggingConfig={"LogGroup": "/custom/billing"})
    endpoint.function("orders-worker", Timeout=3, event_invoke={"MaximumRetryAttempts": 1})
    document = told(trace(endpoint, WRONG, other, "-o", "json"))
    first, second = document["requests"]
    assert (first["log_group"], second["log_group"]) == (GROUP, "/custom/billing")
    # each by the settings of its own function
    assert "extra-attempt" in [finding["rule"] for finding in first["findings"]]
    assert (first["outcome"], second["outcome"]) == ("exhausted", "not-retried")


def test_no_further_group_is_searched_once_every_request_is_found(endpoint: Endpoint) -> None:
    put_both(endpoint)
    for number in range(40):
        endpoint.put(f"/aws/lambda/other-{number}", "s", [(now_ms() - HOUR, "noise\n")])
    document = told(trace(endpoint, WRONG, "-o", "json"))
    assert [each["log_group"] for each in document["requests"]] == [GROUP]
    assert len(document["coverage"]["log_groups"]) < 20
    assert endpoint.calls["FilterLogEvents"] < 20


def test_a_function_of_the_settings_file_is_looked_in_first(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    put_both(endpoint)
    endpoint.group("/aws/lambda/other")
    endpoint.put("/aws/lambda/elsewhere", HERE, attempt("a" * 8 + RIGHT[8:], now_ms() - HOUR, 0))
    (tmp_path / "retryctl.toml").write_text("function = 'orders-worker'\n")

    def groups(request_id: str) -> list[str]:
        done = run(
            *("trace", request_id, "-o", "json", "--endpoint-url", endpoint.url),
            env=CREDENTIALS,
            cwd=tmp_path,
        )
        searched: list[str] = told(done)["coverage"]["log_groups"]
        return searched

    assert groups(WRONG) == [GROUP]
    assert groups("a" * 8 + RIGHT[8:])[0] == GROUP
    assert "/aws/lambda/elsewhere" in groups("a" * 8 + RIGHT[8:])


def test_groups_that_may_not_be_listed(endpoint: Endpoint) -> None:
    endpoint.faults.denied.add("logs:DescribeLogGroups")
    done = trace(endpoint, WRONG)
    assert (done.returncode, done.stdout) == (3, "")
    assert "AccessDenied for logs:DescribeLogGroups as role/ci" in done.stderr


@pytest.mark.parametrize(
    "where",
    [
        ("-f", "orders-worker:$LATEST"),
        ("-f", "orders-worker:live"),
        ("-f", "arn:aws:lambda:us-east-1:123456789012:function:orders-worker:live"),
        ("-g", "/aws/lambda/orders-*"),
        ("-g", "/aws/lambda/billing", "-g", GROUP),
        ("-g", f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}:*"),
    ],
)
def test_every_way_to_name_the_place(endpoint: Endpoint, where: tuple[str, ...]) -> None:
    put_both(endpoint)
    endpoint.group("/aws/lambda/billing")
    endpoint.function("orders-worker", Timeout=3)
    (request,) = told(trace(endpoint, WRONG, *where, "-o", "json"))["requests"]
    assert (request["log_group"], request["verdict"]) == (GROUP, "disagrees")


def test_the_group_of_another_account_by_its_arn(endpoint: Endpoint) -> None:
    theirs = endpoint.group(GROUP, account="999999999999")
    for events in sequence(RIGHT, now_ms() - HOUR, (0, 1, 2)):
        endpoint.put(theirs, HERE, events)
    arn = theirs.arn.replace("us-east-1", "eu-west-1")
    done = trace(endpoint, RIGHT, "-g", theirs.arn, "-o", "json")
    (request,) = told(done)["requests"]
    assert request["verdict"] == "agrees"
    assert "function:orders-worker" in done.stderr  # by its ARN: ours of that name is another
    assert arn != theirs.arn


@pytest.mark.usefixtures("credentials")
def test_moto_as_a_second_peer(moto_url: str) -> None:
    aws = AwsClient(endpoint_url=moto_url)
    aws.call("logs", "CreateLogGroup", {"logGroupName": GROUP})
    aws.call("logs", "CreateLogGroup", {"logGroupName": "/aws/lambda/quiet"})
    aws.call("logs", "CreateLogStream", {"logGroupName": GROUP, "logStreamName": HERE})
    for events in sequence(RIGHT, now_ms() - HOUR, (0, 1, 2)):
        put = [{"timestamp": at, "message": text} for at, text in events]
        aws.call(
            "logs",
            "PutLogEvents",
            {"logGroupName": GROUP, "logStreamName": HERE, "logEvents": put},
        )
    for where in ((), ("-f", "orders-worker")):
        done = trace(moto_url, RIGHT, *where, "-o", "json")
        requests = told(done)["requests"]
        (found,) = (one for one in requests if one["log_group"] == GROUP)
        assert (found["verdict"], len(found["attempts"])) == ("agrees", 3)
        assert "Lambda's defaults are assumed" in done.stderr
