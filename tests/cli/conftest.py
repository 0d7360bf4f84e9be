"""The requests of the demo, which the tests of ``trace`` name."""

import json
from typing import Any

import pytest

from tests.support.program import run


@pytest.fixture(scope="module")
def demo_requests() -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("demo", "-o", "jsonl").stdout.splitlines()]


@pytest.fixture(scope="module")
def demo_id(demo_requests: list[dict[str, Any]]) -> str:
    request_id: str = demo_requests[0]["request_id"]
    return request_id
