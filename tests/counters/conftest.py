"""Handlers that count in a folder of their own, and all that the AWS stores need."""

from pathlib import Path
from typing import Any

import pytest

from retryctl.counters import TmpCounter
from tests.counters.aws_counters import GROUP, OTHER_STREAM
from tests.counters.handlers import Handler
from tests.support.counters_world import STREAM, Aws


@pytest.fixture
def handler(tmp_path: Path) -> Any:
    return Handler(TmpCounter(str(tmp_path)))


@pytest.fixture
def starts(tmp_path: Path) -> Any:
    return Handler(TmpCounter(str(tmp_path)), count="starts")


@pytest.fixture
def aws(aws: Aws) -> Any:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    for stream in (STREAM, OTHER_STREAM):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    return aws
