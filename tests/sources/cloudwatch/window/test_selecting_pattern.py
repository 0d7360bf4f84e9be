"""A pattern that the service does not read as assumed loses no line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from retryctl.core.crosscheck.claims import Markers
from retryctl.errors import CouldNotRead
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.window.saved_window import (
    counting,
    load,
    saved,
    selected_only,
    told,
    truth,
)
from tests.support.lambda_log import ID, Environment

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.mark.parametrize("empty", [1, 4])
def test_a_pattern_that_is_misread_is_noticed_behind_empty_pages(
    endpoint: Endpoint, empty: int, folder: Path
) -> None:
    events = counting(30)
    load(endpoint, events, first_page=20)
    endpoint.faults.script["FilterLogEvents"].extend(["empty-page"] * empty)
    endpoint.faults.regexes = "misread"
    log = saved(endpoint, folder)
    assert endpoint.faults.injected["misread"]
    assert not selected_only(folder)
    assert told(log, folder) == truth(events)


@pytest.mark.parametrize("service", ["refused", "misread"])
def test_a_service_that_reads_the_pattern_otherwise_gives_every_line(
    endpoint: Endpoint, service: Any, folder: Path
) -> None:
    events = counting(30)
    load(endpoint, events, first_page=20)
    endpoint.faults.regexes = service
    log = saved(endpoint, folder)
    assert endpoint.faults.injected[service]
    assert not selected_only(folder)
    assert (log.assumed, log.stats.gaps) == (None, [])
    assert told(log, folder) == truth(events)


UNSEARCHABLE = Markers(counter=re.compile(r"(?i)counted (?P<count>\d+)"))


def test_settings_that_cannot_be_searched_for_read_every_line(
    endpoint: Endpoint, folder: Path
) -> None:
    events = Environment("a").runs(ID, "an order", "COUNTED 3", ends="error").events
    load(endpoint, events, first_page=2)
    log = saved(endpoint, folder, markers=UNSEARCHABLE)
    assert not selected_only(folder)
    assert told(log, folder, markers=UNSEARCHABLE) == truth(events, markers=UNSEARCHABLE)


def test_settings_that_cannot_be_searched_for_are_refused_with_insights(
    endpoint: Endpoint, folder: Path
) -> None:
    load(endpoint, counting(3))
    with pytest.raises(CouldNotRead, match="patterns of the settings match") as raised:
        saved(endpoint, folder, engine="insights", markers=UNSEARCHABLE)
    assert "--engine filter" in raised.value.next_step
    assert not endpoint.calls["StartQuery"]
