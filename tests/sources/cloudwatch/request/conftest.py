"""The strict endpoint, at a time that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.request.requests_in_group import GROUP, NOW


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(clock=lambda: NOW) as running:
        running.group(GROUP)
        yield running
