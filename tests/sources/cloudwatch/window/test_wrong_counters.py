"""A wrong counter is shown only where its lines were looked up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from retryctl.core.model.events import LogEvent
from retryctl.sources.cloudwatch import insights_export
from retryctl.sources.cloudwatch.pages import StreamStretch, TimeRange
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.window.saved_window import (
    SECOND,
    ask,
    load,
    nearest_parted,
    saved,
    selected_only,
    told,
    truth,
)

pytestmark = pytest.mark.usefixtures("credentials")


def the_parted(events: Sequence[LogEvent]) -> StreamStretch:
    at_ms = next(event.timestamp_ms for event in events if event.message == "7\n")
    window = TimeRange(since_ms=at_ms - SECOND, until_ms=at_ms + SECOND)
    return StreamStretch(log_stream=events[0].log_stream, window=window)


def test_the_pair_behind_a_wrong_counter_is_looked_up_first(
    endpoint: Endpoint, folder: Path
) -> None:
    events = nearest_parted()
    load(endpoint, events, first_page=150)
    log = saved(endpoint, folder, wrong_counters=lambda _: [the_parted(events)])
    assert not selected_only(folder)
    assert told(log, folder) == truth(events)


def test_a_wrong_counter_that_cannot_be_looked_up_is_undetermined(
    endpoint: Endpoint, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = nearest_parted()
    load(endpoint, events, log_class="INFREQUENT_ACCESS")
    monkeypatch.setattr(insights_export, "MOST_UNSELECTED", 10)
    wrong = the_parted(events)
    log = saved(endpoint, folder, engine="insights", wrong_counters=lambda _: [wrong])
    assert selected_only(folder)
    (gap,) = log.stats.gaps
    assert (gap.kind, gap.log_stream, gap.hides_lines) == ("not-looked-up", wrong.log_stream, True)


@pytest.mark.parametrize("command", ["list", "summary"])
def test_a_wrong_counter_of_a_pair_with_a_line_between_is_never_shown(
    endpoint: Endpoint, command: str
) -> None:
    load(endpoint, nearest_parted(), first_page=150)
    printed = json.loads(ask(endpoint, command, "-o", "json").stdout)
    if command == "list":
        assert {row["verdict"] for row in printed["requests"]} == {"agrees"}
    else:
        assert printed["counter"]["disagrees"] == 0
