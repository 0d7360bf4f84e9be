"""The strict endpoint with the log group of a function."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.endpoint.server import Endpoint
from tests.support.aws_program import GROUP


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        running.group(GROUP)
        yield running
