"""A function without faults and one with many, as moto keeps them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from tests.support.aws_with_policies import GuardedAws
from tests.support.counters_world import Aws

NAME = "orders-worker"
GROUP = f"/aws/lambda/{NAME}"
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


def code_with(version: str) -> bytes:
    header = f"# Made by `retryctl counters vendor DIR --store tmp` {version}; run it again\n"
    return zipped({"lib/retryctl_counters.py": header, "app.py": "def handler(e, c): pass"})


def zipped(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def make_function(aws: Aws, **settings: Any) -> None:
    role = aws.client("iam").create_role(
        RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    aws.client("lambda").create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": "def handler(event, context): pass"})},
        **settings,
    )


def make_queue(aws: Aws, name: str, **attributes: str) -> str:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def make_stream(aws: Aws) -> str:
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    return str(kinesis.describe_stream(StreamName="clicks")["StreamDescription"]["StreamARN"])


def without_faults(aws: Aws) -> None:
    make_function(aws, Timeout=30)
    failed = make_queue(aws, "failed")
    redrive = json.dumps({"deadLetterTargetArn": failed, "maxReceiveCount": 3})
    source = make_queue(aws, "orders", VisibilityTimeout="180", RedrivePolicy=redrive)
    client = aws.client("lambda")
    client.create_event_source_mapping(FunctionName=NAME, EventSourceArn=source)
    client.put_function_event_invoke_config(
        FunctionName=NAME, DestinationConfig={"OnFailure": {"Destination": failed}}
    )
    aws.client("logs").create_log_group(logGroupName=GROUP)


def with_faults(aws: Aws, guard: GuardedAws) -> None:
    make_function(aws, Timeout=120)
    client = aws.client("lambda")
    source = make_queue(aws, "orders", VisibilityTimeout="120")
    client.create_event_source_mapping(FunctionName=NAME, EventSourceArn=source, Enabled=False)
    client.create_event_source_mapping(
        FunctionName=NAME, EventSourceArn=make_stream(aws), StartingPosition="LATEST"
    )
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
    logs.create_log_group(logGroupName=GROUP)
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
    prepared = f"arn:aws:lambda:us-east-1:123456789012:function:{NAME}:live"
    guard.answers["ListProvisionedConcurrencyConfigs"] = {
        "ProvisionedConcurrencyConfigs": [{"FunctionArn": prepared}]
    }
    guard.files["/code.zip"] = code_with("0.0.1")
