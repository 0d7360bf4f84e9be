"""A request is searched by Logs Insights, or by both engines, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from retryctl.errors import CouldNotRead
from retryctl.sources.cloudwatch.search_options import QueryBudget
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.request.requests_in_group import (
    GROUP,
    HOUR,
    NOW,
    REQUEST_ID,
    SECOND,
    START,
    STREAM,
    THREE,
    assert_three,
    failing,
    look,
    messages,
    put_three,
    run,
    source,
)

pytestmark = pytest.mark.usefixtures("credentials")


def test_a_group_of_infrequent_access_is_read_by_insights(endpoint: Endpoint) -> None:
    endpoint.group("/rare", log_class="INFREQUENT_ACCESS")
    put_three(endpoint, "/rare")
    said: list[str] = []
    terms = QueryBudget(warn=said.append)
    found, coverage = look(source(endpoint.url, groups=("/rare",), engine="auto", terms=terms))
    for stream, events in THREE.items():
        assert found[stream][-6:] == messages(events)
    assert [gap.kind for gap in coverage.gaps] == ["too-fresh"]
    assert said[0].startswith("Logs Insights will scan about 0.0 MB ($0.000) of /rare.")
    assert said[-1].startswith("Logs Insights scanned ")


def test_filter_alone_tells_that_a_group_needs_insights(endpoint: Endpoint) -> None:
    endpoint.group("/rare", log_class="INFREQUENT_ACCESS")
    with pytest.raises(CouldNotRead, match="/rare has a log class that only Logs Insights"):
        look(source(endpoint.url, groups=("/rare",), engine="filter"))


def test_insights_finds_and_streams_are_read_in_order(endpoint: Endpoint) -> None:
    put_three(endpoint)
    found, coverage = look(source(endpoint.url, engine="insights"))
    assert_three(found)
    assert coverage.gaps == ()
    assert endpoint.calls["FilterLogEvents"] == 1  # only for what is too fresh for Insights


def test_insights_looks_back_beyond_since(endpoint: Endpoint) -> None:
    put_three(endpoint)
    cloudwatch = source(endpoint.url, engine="insights")
    assert_three(look(cloudwatch, since_ms=START + 180 * SECOND)[0])


def test_a_long_search_is_handed_over_to_insights() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=20) as endpoint:
        noise = [("s", NOW - 24 * HOUR + n * 8640, "noise\n") for n in range(10_000)]
        endpoint.load(GROUP, noise)
        old = failing(REQUEST_ID, NOW - 22 * HOUR, 0, "A")
        endpoint.put(GROUP, STREAM, old)
        found, _ = look(source(endpoint.url, engine="auto", pages_before_insights=10))
        assert found == {STREAM: messages(old)}
        assert endpoint.calls["FilterLogEvents"] < 120  # of 500
        assert endpoint.calls["StartQuery"] > 0


@pytest.fixture
def busy() -> Iterator[Endpoint]:
    """A day of other lines, of which a call looks at few, with one old attempt."""
    with Endpoint(clock=lambda: NOW, scan_events=20) as running:
        running.load(GROUP, [("s", NOW - 24 * HOUR + n * 86_400, "noise\n") for n in range(1000)])
        running.put(GROUP, STREAM, OLD)
        yield running


OLD = failing(REQUEST_ID, NOW - 22 * HOUR, 0, "A")


def assert_old_is_found(busy: Endpoint, **terms: Any) -> None:
    """The attempt is found where Insights may take the search over after five pages."""
    budget = QueryBudget(**terms)
    found, coverage = look(source(busy.url, engine="auto", terms=budget, pages_before_insights=5))
    assert found == {STREAM: messages(OLD)}
    assert coverage.gaps == ()


@pytest.mark.parametrize("answer", [True, False])
def test_above_a_cost_the_user_decides_and_knows_both_times_and_the_cost(
    busy: Endpoint, answer: bool
) -> None:
    busy.group(GROUP).stored_extra = 30 * 10**12  # 1 TB a day
    questions: list[str] = []

    def confirm(question: str) -> bool:
        questions.append(question)
        return answer

    assert_old_is_found(busy, confirm=confirm)
    assert bool(busy.calls["StartQuery"]) is answer
    (question,) = questions
    remaining = re.fullmatch(
        rf"About (\d+) or more calls of FilterLogEvents remain for {GROUP}, about \d+ s\. "
        r"Logs Insights takes about 10 s and costs about \$\d\.\d\d\. Use it\?",
        question,
    )
    assert remaining
    assert int(remaining[1]) > 5


def test_auto_spends_no_more_than_it_says_and_not_before_a_fair_sample(busy: Endpoint) -> None:
    busy.group(GROUP).stored_extra = 10**14  # 100 TB: a query would cost hundreds of dollars
    said: list[str] = []
    assert_old_is_found(busy, warn=said.append)
    assert busy.calls["StartQuery"] == 0
    assert "--max-cost" in said[0]
    assert re.match(r"About [1-9]\d* or more calls of FilterLogEvents remain", said[0])


def test_a_busy_quarter_of_an_hour_is_no_estimate_of_a_day() -> None:
    with Endpoint(clock=lambda: NOW, scan_events=20) as endpoint:
        endpoint.load(GROUP, [("s", NOW - 600_000 + n * 600, "noise\n") for n in range(1000)])
        look(source(endpoint.url, engine="auto", pages_before_insights=60))
        assert endpoint.calls["StartQuery"] == 0


def test_a_query_that_costs_too_much_is_not_begun(endpoint: Endpoint) -> None:
    put_three(endpoint)
    terms = QueryBudget(max_cost_usd=0.0)
    with pytest.raises(CouldNotRead, match=r"--max-cost allows \$0"):
        look(source(endpoint.url, engine="insights", terms=terms))
    assert endpoint.calls["StartQuery"] == 0


@pytest.mark.parametrize("hindrance", ["cost", "denied"])
def test_where_insights_may_not_take_over_the_search_goes_on(
    busy: Endpoint, hindrance: str
) -> None:
    if hindrance == "denied":
        busy.faults.denied.add("logs:StartQuery")
    said: list[str] = []
    most_usd = 0.0 if hindrance == "cost" else None
    assert_old_is_found(busy, max_cost_usd=most_usd, warn=said.append)
    continues = "FilterLogEvents continues" if hindrance == "cost" else "The search continues"
    assert continues in said[-1]


def test_a_query_is_stopped_on_ctrl_c(endpoint: Endpoint) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    put_three(endpoint)
    with pytest.raises(KeyboardInterrupt):
        look(source(endpoint.url, engine="insights", terms=QueryBudget(sleep=interrupt)))
    assert endpoint.calls["StopQuery"] == 1
    assert endpoint.insights.running == 0


def test_more_rows_than_an_answer_holds_are_asked_for_in_halves(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retryctl.sources.cloudwatch.insights._MOST_ROWS", 1_000)
    lines = [(START + n * 10, f"{n} {REQUEST_ID}\n") for n in range(1_500)]
    endpoint.put(GROUP, STREAM, [*run(REQUEST_ID, START, []), *lines])
    cloudwatch = source(endpoint.url, engine="insights", timeout_ms=30 * SECOND)
    found, _ = look(cloudwatch, since_ms=START - SECOND, until_ms=START + 20 * SECOND)
    assert endpoint.calls["StartQuery"] >= 3
    assert found[STREAM][0].startswith("START")
