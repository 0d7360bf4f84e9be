"""Counters in the stores of a server over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from retryctl.counters import DynamoDBCounter, LogsCounter, S3Counter, branch_on_retry
from tests.support.counters_world import STREAM, Aws, Context

OTHER_ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c96"
OTHER_STREAM = "2026/11/22/[$LATEST]fedcba9876543210fedcba9876543210"
GROUP = "/aws/lambda/orders-worker"


def make(aws: Aws, store: str, **credentials: Any) -> Any:
    return counter_of(store, client=aws.own_client(store, **credentials))


def counter_of(store: str, **options: Any) -> Any:
    if store == "s3":
        return S3Counter("retries", **options)
    if store == "dynamodb":
        return DynamoDBCounter("retries", **options)
    return LogsCounter(GROUP, STREAM, **options)


def at_once(number: int, call: Any) -> Any:
    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(lambda _: call(), range(number)))


def attempt(counter: Any, **options: Any) -> Any:
    def work(event: Any, context: Any) -> None:
        raise RuntimeError("fails on purpose")

    ran = []
    branches: dict[str, Any] = {
        name: lambda *_, name=name: ran.append(name.upper()) for name in "abc"
    }
    with pytest.raises(RuntimeError, match="on purpose"):
        branch_on_retry(counter, {}, Context(), work, **branches, **options)
    return ran
