"""``retryctl doctor`` on moto's server: a function without faults, one with many, one denied."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from retryctl.core.doctor.checks import CHECKS
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS
from tests.support.counters_world import Aws
from tests.support.program import run

NAME = "orders-worker"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


def diagnoses(aws: Aws, status: int, **env: str) -> dict[str, Any]:
    done = run("doctor", NAME, "-o", "json", env={**aws.environ(), **env})
    assert done.returncode == status, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "retryctl/doctor/1"
    checks = {check.pop("name"): check for check in document["checks"]}
    assert list(checks) == list(CHECKS)
    return checks


def results(checks: dict[str, Any]) -> dict[str, bool | None]:
    return {name: check["passed"] for name, check in checks.items()}


def make_function(aws: Aws, **settings: Any) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): pass")
    role = aws.client("iam").create_role(
        RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    aws.client("lambda").create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="app.handler",
        Code={"ZipFile": packed.getvalue()},
        **settings,
    )


def make_queue(aws: Aws, name: str, **attributes: str) -> str:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def without_faults(aws: Aws) -> None:
    make_function(aws, Timeout=30, LoggingConfig={"LogFormat": "JSON"})
    failed = make_queue(aws, "failed")
    redrive = json.dumps({"deadLetterTargetArn": failed, "maxReceiveCount": 3})
    source = make_queue(aws, "orders", VisibilityTimeout="180", RedrivePolicy=redrive)
    client = aws.client("lambda")
    client.create_event_source_mapping(FunctionName=NAME, EventSourceArn=source)
    client.put_function_event_invoke_config(
        FunctionName=NAME, DestinationConfig={"OnFailure": {"Destination": failed}}
    )
    aws.client("logs").create_log_group(logGroupName=f"/aws/lambda/{NAME}")


def with_faults(aws: Aws) -> None:
    make_function(aws, Timeout=120)
    source = make_queue(aws, "orders", VisibilityTimeout="120")
    client = aws.client("lambda")
    client.create_event_source_mapping(FunctionName=NAME, EventSourceArn=source, Enabled=False)
    client.put_function_event_invoke_config(
        FunctionName=NAME, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60
    )
    version = client.publish_version(FunctionName=NAME)["Version"]
    client.create_alias(FunctionName=NAME, Name="live", FunctionVersion=version)
    client.put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=0)
    client.add_permission(
        FunctionName=NAME,
        StatementId="anybody",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
    )
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=f"/aws/lambda/{NAME}")
    logs.put_retention_policy(logGroupName=f"/aws/lambda/{NAME}", retentionInDays=1)


NOT_IN_MOTO = dict.fromkeys(
    ("request-id-index", "prepared-environments", "counter-version", "permissions")
)
"""Calls that moto does not know: the checks could not be made."""


def test_a_function_without_faults(aws: Aws) -> None:
    without_faults(aws)
    found = results(diagnoses(aws, 5))
    assert found == {**dict.fromkeys(CHECKS, True), **NOT_IN_MOTO}


def test_a_function_with_faults(aws: Aws) -> None:
    with_faults(aws)
    found = diagnoses(aws, 1)
    failed = {name for name, passed in results(found).items() if passed is False}
    assert failed == {
        *("retries-by-qualifier", "last-branch", "event-age", "failed-events-kept"),
        *("caller-read-timeout", "queue-visibility", "queue-dead-letter", "event-sources"),
        *("invoke-permissions", "log-retention", "reserved-concurrency"),
    }
    assert all(found[name]["evidence"] and found[name]["remedy"] for name in failed)
    text = run("doctor", NAME, env=aws.environ())
    assert text.returncode == 1
    assert "✗ last-branch" in text.stdout
    assert "11 failed and 5 could not be checked, of 23 checks" in text.stdout


class _DenyAll(BaseHTTPRequestHandler):
    """Answer every call as IAM does where no policy allows it."""

    def _deny(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        message = "User: arn:aws:iam::123456789012:user/reader is not authorized to perform this"
        body = json.dumps({"__type": "AccessDeniedException", "message": message}).encode()
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("x-amzn-ErrorType", "AccessDeniedException")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _deny

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing on stderr."""


@pytest.fixture
def denying() -> Iterator[Aws]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _DenyAll)
    Thread(target=server.serve_forever, daemon=True).start()
    yield Aws(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def test_without_permissions_no_check_is_made_and_the_actions_are_named(denying: Aws) -> None:
    found = diagnoses(denying, 1, **CREDENTIALS)
    assert results(found) == {**dict.fromkeys(CHECKS), "permissions": False}
    assert "trace, diff, list, summary and check lack" in found["permissions"]["evidence"]
    assert "lambda:GetFunctionConfiguration, lambda:GetPolicy" in found["permissions"]["evidence"]
    assert found["last-branch"]["remedy"] == "Allow lambda:ListFunctionEventInvokeConfigs."


def test_the_log_on_the_strict_endpoint(endpoint: Endpoint) -> None:
    """Format, levels and class of the log, which moto does not keep; the rest it does not know."""
    logging = {"LogFormat": "JSON", "SystemLogLevel": "WARN", "ApplicationLogLevel": "ERROR"}
    endpoint.lambdas.functions[NAME] = {"Timeout": 30, "LoggingConfig": logging}
    endpoint.group(f"/aws/lambda/{NAME}", log_class="INFREQUENT_ACCESS")
    found = results(diagnoses(Aws(endpoint.url), 1, **CREDENTIALS))
    failed = {name for name, passed in found.items() if passed is False}
    logs = {"attempts-logged", "counters-logged", "log-group-class", "request-id-index"}
    assert failed == logs
    assert found["caller-read-timeout"] is True
    assert found["event-sources"] is True  # it knows of none


def test_no_such_function(aws: Aws) -> None:
    done = run("doctor", "no-such-function", env=aws.environ())
    assert (done.returncode, done.stdout) == (3, "")
    assert "no-such-function" in done.stderr
