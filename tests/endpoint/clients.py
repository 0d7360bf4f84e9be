"""Clients of an endpoint, and what they read."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

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


def filled(logs: Any, now: int) -> tuple[Any, int]:
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
