"""A function's settings, over HTTP, and what is said where they cannot be read."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator

import pytest

from retryctl.core.model.function_config import FunctionConfig
from retryctl.errors import UsageError
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.function_config import read_settings
from retryctl.sources.aws.function_name import FunctionName, parse_function_name
from tests.endpoint.server import Endpoint

ACCOUNT = "123456789012"

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


def settings_of(aws: AwsClient, name: str) -> tuple[FunctionConfig, str | None, tuple[str, ...]]:
    notes: list[str] = []
    settings, group = read_settings(aws, name, notes.append)
    return settings, group, tuple(notes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders-worker", FunctionName(name="orders-worker")),
        ("orders-worker:live", FunctionName(name="orders-worker", qualifier="live")),
        ("orders-worker:$LATEST", FunctionName(name="orders-worker", qualifier="$LATEST")),
        ("function:orders:7", FunctionName(name="orders", qualifier="7")),
        ("us-east-1.orders", FunctionName(name="us-east-1.orders")),
        ("123456789012:function:orders", FunctionName(name="orders", account=ACCOUNT)),
        (
            "arn:aws:lambda:us-east-1:123456789012:function:orders",
            FunctionName(name="orders", account=ACCOUNT, region="us-east-1"),
        ),
        (
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:orders:7",
            FunctionName(
                name="orders",
                qualifier="7",
                account=ACCOUNT,
                region="cn-north-1",
                partition="aws-cn",
            ),
        ),
    ],
)
def test_function_names(text: str, expected: FunctionName) -> None:
    assert parse_function_name(text) == expected


@pytest.mark.parametrize(
    "text", ["", "a b", "arn:aws:s3:::bucket", "orders:", "/aws/lambda/orders"]
)
def test_what_is_no_function_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a function name"):
        parse_function_name(text)


def test_every_setting(endpoint: Endpoint) -> None:
    endpoint.function(
        "orders-worker",
        Timeout=30,
        Runtime="python3.13",
        LoggingConfig={
            "LogFormat": "JSON",
            "ApplicationLogLevel": "WARN",
            "SystemLogLevel": "DEBUG",
            "LogGroup": "/custom/orders",
        },
        DurableConfig={"ExecutionTimeout": 600},
        CapacityProviderConfig={
            "LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": "arn"}
        },
        event_invoke={"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 120},
    )
    endpoint.lambdas.concurrency["orders-worker"] = 5
    settings, group, notes = settings_of(AwsClient(endpoint_url=endpoint.url), "orders-worker")
    assert settings == FunctionConfig(
        maximum_retry_attempts=0,
        maximum_event_age_s=120,
        timeout_s=30,
        runtime="python3.13",
        log_format="JSON",
        application_log_level="WARN",
        system_log_level="DEBUG",
        durable=True,
        managed_instances=True,
        reserved_concurrency=5,
    )
    assert group == "/custom/orders"
    assert notes == ()


def test_the_defaults_are_in_force_where_nothing_was_set(endpoint: Endpoint) -> None:
    endpoint.function("orders-worker", Timeout=3)
    settings, group, notes = settings_of(AwsClient(endpoint_url=endpoint.url), "orders-worker")
    assert (settings.maximum_retry_attempts, settings.maximum_event_age_s) == (2, 21_600)
    assert (settings.timeout_s, settings.reserved_concurrency, group, notes) == (3, None, None, ())


def test_an_alias_that_is_not_there_is_told_apart_from_the_function(endpoint: Endpoint) -> None:
    endpoint.function("orders-worker", Timeout=3)
    settings, _, notes = settings_of(AwsClient(endpoint_url=endpoint.url), "orders-worker:prod")
    assert settings.timeout_s == 3
    assert notes[0].startswith(
        "orders-worker has no alias or version prod: the settings of $LATEST"
    )


def test_an_alias_has_its_own_retries(endpoint: Endpoint) -> None:
    endpoint.function("orders-worker", Timeout=3, event_invoke={"MaximumRetryAttempts": 2})
    endpoint.lambdas.invoke_configs["orders-worker", "live"] = {"MaximumRetryAttempts": 1}
    aws = AwsClient(endpoint_url=endpoint.url)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:orders-worker"
    assert settings_of(aws, "orders-worker:live")[0].maximum_retry_attempts == 1
    assert settings_of(aws, f"{arn}:live")[0].maximum_retry_attempts == 1
    settings, _, notes = settings_of(aws, arn)  # which of the two was called is not known
    assert settings.maximum_retry_attempts is None
    assert "name it (orders-worker:ALIAS)" in notes[0]


def test_what_is_denied_is_told_and_assumed(endpoint: Endpoint) -> None:
    endpoint.function("orders-worker", Timeout=3, event_invoke={"MaximumRetryAttempts": 1})
    endpoint.faults.denied |= {
        "lambda:ListFunctionEventInvokeConfigs",
        "lambda:GetFunctionEventInvokeConfig",
        "lambda:GetFunctionConcurrency",
    }
    aws = AwsClient(endpoint_url=endpoint.url)
    settings, _, notes = settings_of(aws, "orders-worker")
    assert (settings.timeout_s, settings.maximum_retry_attempts) == (3, None)
    assert notes == (
        "The retry settings of orders-worker are not known "
        "(AccessDenied for lambda:GetFunctionEventInvokeConfig as role/ci): "
        "Lambda's defaults are assumed, 2 retries within 6 hours.",
    )
    endpoint.faults.denied.add("lambda:GetFunctionConfiguration")
    settings, group, notes = settings_of(aws, "orders-worker")
    assert (settings, group) == (FunctionConfig(), None)
    assert [note.partition(" is")[0].partition(" are")[0] for note in notes] == [
        "The settings of orders-worker",
        "The retry settings of orders-worker",
    ]


def test_a_function_that_is_deleted_is_told(endpoint: Endpoint) -> None:
    settings, group, notes = settings_of(AwsClient(endpoint_url=endpoint.url), "gone")
    assert (settings, group) == (FunctionConfig(), None)
    assert all("the function does not exist here" in note for note in notes)


def test_expired_credentials_do_not_raise(endpoint: Endpoint) -> None:
    endpoint.faults.credentials = "expired"
    settings, _, notes = settings_of(AwsClient(endpoint_url=endpoint.url), "orders-worker")
    assert settings == FunctionConfig()
    assert notes == ()  # the log cannot be read either: that error is enough


# --------------------------------------------------------------------------- moto


def test_moto_tells_the_same_settings(moto_url: str) -> None:
    aws = AwsClient(endpoint_url=moto_url)
    name = f"orders-{time.time_ns()}"
    _create(aws, name)
    settings, _, notes = settings_of(aws, name)
    assert (settings.timeout_s, settings.runtime, notes) == (7, "python3.13", ())
    assert (settings.maximum_retry_attempts, settings.maximum_event_age_s) == (2, 21_600)
    aws.call(
        "lambda",
        "PutFunctionEventInvokeConfig",
        {"FunctionName": name, "MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 90},
    )
    settings, _, _ = settings_of(aws, name)
    assert (settings.maximum_retry_attempts, settings.maximum_event_age_s) == (1, 90)


def _create(aws: AwsClient, name: str) -> None:
    trust = {"Version": "2012-10-17", "Statement": []}
    role = aws.call(
        "iam", "CreateRole", {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(trust)}
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): ...\n")
    aws.call(
        "lambda",
        "CreateFunction",
        {
            "FunctionName": name,
            "Role": role["Role"]["Arn"],
            "Runtime": "python3.13",
            "Handler": "app.handler",
            "Timeout": 7,
            "Code": {"ZipFile": code.getvalue()},
        },
    )
