"""The page of a summary: every count in a table, and a size that does not grow with the log."""

from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.attempt import ErrorInfo
from retryctl.core.summary.changes import changes
from retryctl.core.summary.tally import SummaryTally
from retryctl.views.html.summary import summary_page
from retryctl.views.json.summary import summary_object
from retryctl.views.summary_answer import SummaryAnswer
from tests.support import checked_requests as world
from tests.support.hostile import HOSTILE, hostile_request
from tests.views.test_page import Element, read


def tally_of(*checked: CheckedRequest) -> SummaryTally:
    tally = SummaryTally()
    for one in checked:
        tally.add(one)
    return tally


def tallied() -> SummaryTally:
    """One request with a wrong count, one that recovered, eight that went well."""
    return tally_of(world.SWITCHED, world.RECOVERED, *[world.SUCCEEDED] * 8)


def hostile_tally() -> SummaryTally:
    return tally_of(hostile_request(), world.SUCCEEDED)


def page_of(tally: SummaryTally, function: str | None = "orders-worker", **options: object) -> str:
    given: dict[str, object] = {
        "total": tally,
        "coverage": world.COVERAGE,
        "tallies": [(function, tally)],
        "branches": Branches(),
        "tz": UTC,
        **options,
    }
    return "".join(summary_page(SummaryAnswer(**given)))  # type: ignore[arg-type]


def changed_page() -> str:
    """The page of two functions, with what changed since an earlier summary."""
    now, before = tallied(), tally_of(world.SUCCEEDED)
    told = [summary_object(None, tally, Branches()) for tally in (before, now)]
    several = [("orders-worker", now), (None, before)]
    return page_of(now, tallies=several, changes=changes(*told))


def rows_of(document: Element, caption: str) -> list[list[str]]:
    """The cells of the table with that caption, its head first."""
    (table,) = [one for one in document.find("table") if one.find("caption")[0].all_text == caption]
    return [[cell.all_text for cell in row.children] for row in table.find("tr")]


def test_every_count_is_in_a_table() -> None:
    document = read(page_of(tallied()))
    assert document.find("h1")[0].all_text == "10 requests of orders-worker"
    assert rows_of(document, "Requests by number of attempts") == [
        ["attempts", "requests", "share of the requests", ""],
        ["1", "8", "80.0 %", ""],
        ["2", "1", "10.0 %", ""],
        ["3", "1", "10.0 %", ""],
    ]
    assert rows_of(document, "Outcomes")[1:] == [
        ["succeeded", "8", "80.0 %", ""],
        ["recovered", "1", "10.0 %", ""],
        ["exhausted", "1", "10.0 %", ""],
    ]
    assert rows_of(document, "Findings")[1:] == [["environment-switch", "1", "1"]]
    assert rows_of(document, "Errors")[1:] == [
        ["NameError", "4", "app.py:11 lambda_handler", world.ID]
    ]
    assert rows_of(document, "How long retries waited")[1:] == [
        ["1", "2", "1 m 03 s", "1 m 03 s", "1 m 03 s", "1 m"],
        ["2", "1", "2 m 07 s", "2 m 07 s", "2 m 07 s", "2 m"],
    ]


def test_a_branch_is_marked_where_another_was_due() -> None:
    document = read(page_of(tallied()))
    assert rows_of(document, "Which branch ran") == [
        ["branch run", "A", "B", "C", "none"],
        ["attempt 1", "2", "0", "0", "8"],
        ["attempt 2", "0", "2", "0", "0"],
        ["attempt 3", "✗1", "0", "0", "0"],
    ]
    own = read(page_of(tallied(), branches=Branches(numbers={"B": 0, "C": 1})))
    assert rows_of(own, "Which branch ran") == [
        ["branch run", "B", "C", "A", "none"],
        ["attempt 1", "0", "0", "✗2", "8"],
        ["attempt 2", "✗2", "0", "0", "0"],
        ["attempt 3", "0", "0", "✗1", "0"],
    ]


def test_how_far_the_counter_can_be_trusted_is_said_in_words() -> None:
    document = read(page_of(tallied()))
    text = document.all_text
    assert "10 requests" in text
    assert "13 attempts; 2 requests were retried (20.0 % of the requests)" in text
    assert rows_of(document, "The counter on retries")[1:] == [
        ["agrees", "2", "3 retries that logged one", "66.7 %"],
        ["disagrees: environment-switch", "1", "3 retries that logged one", "33.3 %"],
        ["ran in the environment of the attempt before", "2", "3 retries", "66.7 %"],
    ]


def test_failures_over_time_are_drawn_and_tabled_by_the_clock_of_the_zone() -> None:
    document = read(page_of(tallied(), tz=ZoneInfo("Asia/Kolkata")))
    (figure,) = document.find("figure")
    assert "peak 2 at 23 Nov 2026 08:30 IST" in figure.find("figcaption")[0].all_text
    assert len(figure.find("rect")) == 3
    assert rows_of(document, "Those with a failed attempt") == [
        ["start", "failed attempts"],
        ["23 Nov 2026 08:30 IST", "2"],
        ["23 Nov 2026 08:31 IST", "1"],
        ["23 Nov 2026 08:33 IST", "1"],
    ]


def test_years_of_failures_are_drawn_with_few_bars() -> None:
    tally = tally_of(world.SWITCHED)
    first = min(tally.failed_by_minute)
    for day in range(4_000):
        tally.failed_by_minute[first + day * 1440] += day % 7
    tally.last_ms = (first + 4_000 * 1440) * 60_000
    figure = read(page_of(tally)).find("figure")[0]
    assert len(figure.find("rect")) <= 61
    assert "per 365 d" in figure.all_text


def test_the_page_stays_small_however_much_was_counted() -> None:
    tally = tallied()
    error = ErrorInfo(type="é" * 5_000, message="x" * 5_000, frame="☃" * 5_000)
    for number in range(3_000):
        attempt = replace(world.FIRST, error=replace(error, type=f"{number} {error.type}"))
        request = replace(world.SWITCHED.request, attempts=(attempt,))
        tally.add(
            replace(world.SWITCHED, request=request, checks=world.SWITCHED.checks[:1], findings=())
        )
    page = page_of(tally)
    assert len(page) < 2_000_000
    assert "2,951 other kinds: --output json" in page


def test_several_functions_and_what_changed_are_tables_too() -> None:
    document = read(changed_page())
    assert document.find("h1")[0].all_text == "10 requests of 2 functions"
    assert rows_of(document, "Each function") == [
        ["function", "requests", "retried", "exhausted", "counter agrees", "disagrees because"],
        ["orders-worker", "10", "20.0 % of 10", "1", "66.7 % of 3", "environment-switch"],
        ["unknown", "1", "0.0 % of 1", "0", "—", ""],
    ]
    assert ["retried requests", "0.0 %", "20.0 %", "of the requests", "worse"] in rows_of(
        document, "What changed"
    )
    many = page_of(tallied(), tallies=[(f"f{n}", tallied()) for n in range(3_000)])
    assert len(many) < 2_000_000
    assert "2,950 more: --output json" in many


def test_what_a_log_holds_stays_text() -> None:
    document = read(page_of(hostile_tally(), function=HOSTILE[1]))
    known = {one.name for one in read(page_of(tallied())).all()}
    assert {one.name for one in document.all()} <= known
    assert HOSTILE[1] in document.all_text
    assert HOSTILE[2] in document.all_text


def test_a_summary_of_nothing_is_a_page_too() -> None:
    document = read(page_of(SummaryTally(), function=None))
    assert document.find("h1")[0].all_text == "0 requests"
    assert "0 attempts; 0 requests were retried." in document.all_text
