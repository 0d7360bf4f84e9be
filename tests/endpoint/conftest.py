"""The strict endpoint with a client, and moto beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.endpoint.clients import GROUP, NOW, client, filled
from tests.endpoint.server import Endpoint


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(clock=lambda: NOW) as running:
        running.group(GROUP)
        yield running


@pytest.fixture
def logs(endpoint: Endpoint) -> Any:
    return client(endpoint.url)


@pytest.fixture(params=["strict", "moto"])
def either(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of the strict endpoint, then of moto, with the same events put through the API."""
    now = time.time_ns() // 1_000_000
    if request.param == "moto":
        yield filled(client(request.getfixturevalue("moto_url")), now)
    else:
        with Endpoint() as endpoint:
            yield filled(client(endpoint.url), now)
