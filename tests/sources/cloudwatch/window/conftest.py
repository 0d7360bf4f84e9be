"""The strict endpoint, and a folder for what is saved of its log group."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endpoint.faults import Faults
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.window.saved_window import NOW


@pytest.fixture(scope="module")
def served() -> Iterator[Endpoint]:
    with Endpoint(clock=lambda: NOW) as running:
        yield running


@pytest.fixture
def endpoint(served: Endpoint) -> Iterator[Endpoint]:
    """Without faults, and without events of another test."""
    yield served
    served.store.__init__()  # type: ignore[misc]
    served.faults = Faults()
    served.calls.clear()
    served.events.scan_events = 200_000
    served.insights.fresh_ms = 60_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a window is saved; it is made then."""
    return tmp_path / "000000"
