"""A window that is read by Logs Insights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from retryctl.errors import CouldNotRead, ExitStatus
from retryctl.sources.cloudwatch import insights_export
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.window.saved_window import (
    NOW,
    WHOLE,
    ask,
    counting,
    load,
    saved,
    told,
    truth,
)
from tests.support.lambda_log import ID, MIDNIGHT_MS, OTHER_ID, Environment

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.mark.parametrize("log_class", ["STANDARD", "INFREQUENT_ACCESS"])
def test_a_check_by_insights_reads_all_lines_of_a_small_window(
    endpoint: Endpoint, log_class: str
) -> None:
    load(endpoint, counting(10, "and this lies between"), log_class=log_class)
    done = ask(endpoint, "check", "--engine", "insights", "-o", "json")
    printed = json.loads(done.stdout)
    assert printed["coverage"]["gaps"] == []
    assert not any(each["passed"] is None for each in printed["checks"])


def test_a_check_by_insights_that_cannot_be_sure_is_undetermined_and_names_the_other_engine(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insights_export, "MOST_UNSELECTED", 10)
    load(endpoint, counting(10, "and this lies between"))
    done = ask(endpoint, "check", "--engine", "insights")
    assert done.returncode == ExitStatus.UNDETERMINED
    assert "--engine filter" in " ".join((done.stdout + done.stderr).split())
    done = ask(endpoint, "summary", "--engine", "insights", "-o", "json")
    gaps = json.loads(done.stdout)["coverage"]["gaps"]
    assert [gap["kind"] for gap in gaps] == ["lines-between"]


def test_infrequent_access_needs_insights(endpoint: Endpoint, folder: Path) -> None:
    events = counting(5)
    load(endpoint, events, log_class="INFREQUENT_ACCESS")
    with pytest.raises(CouldNotRead, match="INFREQUENT_ACCESS"):
        saved(endpoint, folder)
    for engine in ("auto", "insights"):
        said: list[str] = []
        own = folder.parent / engine
        log = saved(endpoint, own, engine=engine, warn=said.append)
        assert told(log, own) == truth(events)
        assert log.stats.bytes_scanned > 0
        assert "will scan" in said[0]
        assert "scanned" in said[1]
        assert log.assumed
        assert "none of 5 pairs" in log.assumed.message


def test_a_query_that_costs_too_much_is_not_begun(endpoint: Endpoint, folder: Path) -> None:
    load(endpoint, counting(5))
    with pytest.raises(CouldNotRead, match="--max-cost"):
        saved(endpoint, folder, engine="insights", max_cost_usd=0.0)
    assert not endpoint.calls["StartQuery"]


@pytest.mark.parametrize("allowed", [True, False])
def test_the_last_two_minutes_are_asked_of_the_other_engine(
    endpoint: Endpoint, allowed: bool, folder: Path
) -> None:
    endpoint.insights.fresh_ms = 110_000
    here = Environment("a").runs(OTHER_ID, "an order")
    here.at((NOW - MIDNIGHT_MS) / 1000 - 100).runs(ID, "an order", "0", "process A", ends="error")
    load(endpoint, here.events, first_page=2)
    if not allowed:
        endpoint.faults.denied.add("logs:FilterLogEvents")
    window = replace(WHOLE, until_ms=NOW + 1)
    log = saved(endpoint, folder, engine="insights", window=window)
    _, lines = told(log, folder, window)
    kinds = [gap.kind for gap in log.stats.gaps]
    assert [line.request_id for line in lines] == ([ID, OTHER_ID] if allowed else [OTHER_ID])
    assert kinds == ([] if allowed else ["too-fresh"])
    assert (log.stats.horizon_ms == NOW) == allowed


def test_a_line_between_is_a_gap_where_insights_cannot_give_all(
    endpoint: Endpoint, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insights_export, "MOST_UNSELECTED", 10)
    load(endpoint, counting(10, "and this lies between"))
    log = saved(endpoint, folder, engine="insights")
    (gap,) = log.stats.gaps
    assert gap.kind == "lines-between"
    assert gap.settle == "Use --engine filter, where the group's class allows it"
