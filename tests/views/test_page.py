"""The page of a trace, read by a parser of HTML: whole, closed to the outside, in order."""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Branches, Claim
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.model.request import RequestOutcome
from retryctl.views.html.markup import inert_markup, tag
from retryctl.views.html.trace import trace_page
from retryctl.views.trace_answer import TraceAnswer
from tests.support import checked_requests as world
from tests.support.hostile import HOSTILE, hostile_request
from tests.support.program import run

ALL = [
    world.SWITCHED,
    world.SUCCEEDED,
    world.RECOVERED,
    world.PENDING,
    world.RUNNING,
    world.UNDETERMINED,
    world.MENTIONED,
]
GAPPED = replace(world.COVERAGE, gaps=(world.GAP,))
EMPTY_ELEMENTS = {"meta"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str | None]
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self) -> Iterator["Element"]:
        yield self
        for child in self.children:
            yield from child.all()

    def find(self, name: str, **attributes: str) -> list["Element"]:
        given = {key.rstrip("_"): value for key, value in attributes.items()}
        return [
            one
            for one in self.all()
            if one.name == name and given.items() <= one.attributes.items()
        ]

    @property
    def all_text(self) -> str:
        return self.text + "".join(child.all_text for child in self.children)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self._open = [self.root]

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        assert len(dict(attributes)) == len(attributes), f"{name} has an attribute twice"
        element = Element(name, dict(attributes))
        self._open[-1].children.append(element)
        if name not in EMPTY_ELEMENTS:
            self._open.append(element)

    def handle_endtag(self, name: str) -> None:
        assert self._open.pop().name == name, f"</{name}> closes something else"

    def handle_data(self, text: str) -> None:
        # pieces in the order of the source, so that all_text reads as the page does
        self._open[-1].children.append(Element("#text", {}, text))


def read(page: str) -> Element:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader._open) == 1, "an element is left open"
    return reader.root


def page_of(*checked: CheckedRequest, **options: Any) -> Element:
    answer = TraceAnswer(checked=checked, coverage=world.COVERAGE, **options)
    return read("".join(trace_page(answer)))


@pytest.mark.parametrize("checked", [[], ALL[:1], ALL], ids=["none", "one", "several"])
def test_a_page_is_whole_and_asks_for_nothing_from_outside(checked: list[CheckedRequest]) -> None:
    page = "".join(trace_page(TraceAnswer(checked=checked, coverage=GAPPED, not_found=[world.ID])))
    assert page.startswith("<!doctype html>\n<html lang=")
    assert page.isascii()
    document = read(page)
    assert not {"script", "link", "img", "iframe", "base", "form"} & {
        one.name for one in document.all()
    }
    for element in document.all():
        assert element.attributes.get("href", "#")[0] == "#"  # type: ignore[index]
        assert not {name for name in element.attributes if name.startswith("on")}
        assert not {"style", "src", "srcset"} & element.attributes.keys()
    assert "url(" not in document.find("style")[0].all_text
    assert "@import" not in document.find("style")[0].all_text


def test_the_policy_allows_this_pages_style_and_nothing_else() -> None:
    document = page_of(world.SWITCHED)
    (style,) = document.find("style")
    (policy,) = document.find("meta", **{"http-equiv": "Content-Security-Policy"})
    digest = b64encode(sha256(style.all_text.encode()).digest()).decode()
    assert policy.attributes["content"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_every_name_that_is_pointed_at_is_there_once() -> None:
    document = read("".join(trace_page(TraceAnswer(checked=ALL, coverage=GAPPED))))
    names = [one.attributes["id"] for one in document.all() if "id" in one.attributes]
    assert len(set(names)) == len(names)
    for element in document.all():
        if (target := element.attributes.get("href")) is not None:
            assert target.removeprefix("#") in names


def test_no_heading_skips_a_level() -> None:
    document = read("".join(trace_page(TraceAnswer(checked=ALL, coverage=GAPPED))))
    levels = [int(one.name[1]) for one in document.all() if re.fullmatch(r"h\d", one.name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_wrong_count_is_told_where_it_is_seen() -> None:
    document = page_of(world.SWITCHED)
    text = document.all_text
    assert "exhausted: 3 attempts in 3 m 10 s, none succeeded" in text
    assert "the counter disagrees on attempt 3: it ran A instead of C" in text
    found, *_ = document.find("section", class_="finding edge bold red")
    assert "environment-switch error · attempt 3" in found.all_text
    assert world.SWITCH.message in found.all_text
    assert world.SWITCH.remedy in found.all_text
    assert "retryctl explain environment-switch" in found.all_text
    (proof,) = found.find("details", class_="evidence")
    assert "process A" in proof.all_text
    assert "◆ 77c2" in proof.all_text


def test_errors_stand_before_warnings_and_equal_findings_once() -> None:
    warning = replace(world.SWITCH, rule="w", severity=Severity.WARNING, attempt=None)
    again = replace(world.SWITCH, attempt=2)
    document = page_of(replace(world.SWITCHED, findings=(warning, world.SWITCH, again)))
    headings = [one.all_text for one in document.find("h4") if "/tmp" not in one.all_text]
    assert headings == ["✗ environment-switch error · attempts 2 and 3", "! w warning"]


def test_the_next_step_stands_under_the_verdict() -> None:
    codes = [one.all_text for one in page_of(world.SWITCHED).find("code")]
    assert "retryctl list -f orders-worker --verdict disagrees" in codes
    codes = [one.all_text for one in page_of(world.PENDING).find("code")]
    assert f"retryctl trace {world.ID} -f orders-worker --wait" in codes


def test_the_table_says_what_the_picture_shows() -> None:
    document = page_of(world.SWITCHED)
    (table,) = document.find("table")
    rows = [[cell.all_text for cell in row.children] for row in table.find("tr")]
    assert rows == [
        ["#", "start (UTC)", "wait", "environment", "outcome", "counter", "branch", "verdict"],
        ["Attempt 1", "03:00:00.123", "—", "● 1f3a cold", "✗ NameError", "0", "A", "✓ agrees"],
        ["Attempt 2", "03:01:02.871", "1 m 03 s", "● 1f3a", "✗ NameError", "1", "B", "✓ agrees"],
        [
            *("Attempt 3", "03:03:10.092", "2 m 07 s", "◆ 77c2 cold"),
            *("✗ NameError", "0 not 2", "A not C", "✗ disagrees"),
        ],
    ]
    (svg,) = document.find("svg")
    drawn = [one.all_text for one in svg.find("text")]
    for said in ("● 1f3a", "◆ 77c2", "1 m 03 s", "2 m 07 s", "0 · A", "1 · B", "0 · A ✗"):
        assert said in drawn
    assert (svg.attributes["role"], svg.attributes["aria-label"]) == (
        "img",
        "3 attempts in 2 execution environments on a time axis; the table below has the same data",
    )


def test_the_picture_is_to_scale() -> None:
    svg = page_of(world.SWITCHED).find("svg")[0]
    places = [float(one.attributes["cx"].rstrip("%")) for one in svg.find("circle")]  # type: ignore[union-attr]
    first, second, third = (a.placed_ms for a in world.SWITCHED.request.attempts)
    end = third + 57
    assert places == [
        pytest.approx((ms - first) / (end - first) * 100, abs=0.01) for ms in (first, second, third)
    ]


def _files(document: Element) -> list[dict[str, list[str]]]:
    """For each attempt what is said of /tmp: the files at each place or moment."""
    return [
        {
            told.find("dt")[0].all_text: [one.all_text for one in told.find("li")]
            for section in article.find("section", class_="tmp")
            for told in section.find("div")
        }
        for article in document.find("article")
    ]


def test_the_files_in_tmp_follow_from_what_the_attempts_logged() -> None:
    assert _files(page_of(world.SWITCHED)) == [
        {"● 1f3a before": [], "● 1f3a after": ["● of attempt 1"]},
        {
            "● 1f3a before": ["● of attempt 1"],
            "● 1f3a after": ["● of attempt 1", "● of attempt 2"],
        },
        {
            "◆ 77c2 before": [],
            "◆ 77c2 after": ["◆ of attempt 3"],
            "in other environments": ["● of attempt 1", "● of attempt 2"],
        },
    ]


def test_the_last_branch_of_the_settings_leaves_no_file() -> None:
    two = Branches(numbers={"A": 0, "B": 1})
    told = _files(page_of(world.SWITCHED, branches=two))
    assert told[1]["● 1f3a after"] == ["● of attempt 1"]


def test_nothing_is_said_of_tmp_where_nothing_counts_there() -> None:
    assert _files(page_of(world.SUCCEEDED)) == [{}]
    elsewhere = tuple(
        replace(a, claim=Claim(counter=a.retries, store="dynamodb", recorded=True))
        for a in world.SWITCHED.request.attempts
    )
    request = replace(world.SWITCHED.request, attempts=elsewhere)
    document = page_of(replace(world.SWITCHED, request=request))
    assert _files(document) == [{}, {}, {}]
    assert "dynamodb" in document.find("article")[0].all_text


def test_log_lines_are_whole_and_the_claim_in_them_is_marked() -> None:
    (log, *_) = page_of(world.SWITCHED).find("details", class_="log")
    assert "open" not in log.attributes
    assert log.find("pre")[0].all_text.splitlines() == [
        f"03:00:00.123  START RequestId: {world.ID} Version: $LATEST",
        "03:00:00.126  0",
        "03:00:00.126  process A",
        f"03:00:00.180  END RequestId: {world.ID}",
    ]
    assert [one.all_text for one in log.find("mark")] == ["0", "process A"]


def test_a_request_over_midnight_has_its_days_told() -> None:
    late = world.attempt(1, world.ms("23:59:50"), counter=0, branch="A")
    early = world.attempt(2, world.ms("00:00:52", "2026-11-24"), counter=1, branch="B")
    rows = zip((late, early), world.SWITCHED.checks, strict=False)
    checked = world.checked(RequestOutcome.PENDING, Verdict.AGREES, *rows)
    lines = [one.find("pre")[0].all_text for one in page_of(checked).find("details", class_="log")]
    assert lines[0].startswith("23 Nov 23:59:50.000  START")
    assert lines[1].startswith("24 Nov 00:00:52.000  START")


def test_attempts_too_close_to_be_told_apart_keep_their_place_without_a_label() -> None:
    starts = [world.ms(clock) for clock in ("03:00:00", "03:00:01", "03:10:00")]
    rows = [(world.attempt(n, ms), world.FIRST_ROW[1]) for n, ms in enumerate(starts, start=1)]
    document = page_of(world.checked(RequestOutcome.EXHAUSTED, Verdict.AGREES, *rows))
    assert len(document.find("circle")) == 3
    assert [one.all_text for one in document.find("text", class_="number")] == ["1", "3"]


def test_more_environments_than_can_be_drawn_are_counted() -> None:
    rows = [
        (
            world.attempt(n, world.ms("03:00:00") + n * 60_000, log_stream=f"stream-{n}"),
            world.FIRST_ROW[1],
        )
        for n in range(1, 15)
    ]
    document = page_of(world.checked(RequestOutcome.EXHAUSTED, Verdict.AGREES, *rows))
    assert len(document.find("circle")) == 12
    assert "2 more environments are not drawn" in document.find("figcaption")[0].all_text
    assert len(document.find("article")) == 14


def test_a_legend_explains_an_environment_that_is_not_known() -> None:
    row = (world.attempt(1, world.ms("03:00"), log_stream=None), world.FIRST_ROW[1])
    document = page_of(world.checked(RequestOutcome.NOT_RETRIED, Verdict.AGREES, row))
    assert "?: environment not known" in document.all_text
    assert "not known" not in page_of(world.SWITCHED).all_text


def test_only_what_is_asked_for_is_shown() -> None:
    document = page_of(world.SWITCHED, attempt=2, lines=True)
    (article,) = document.find("article")
    assert article.find("h3")[0].all_text.startswith("Attempt 2")
    assert "open" in article.find("details", class_="log")[0].attributes
    assert "shown: attempt 2 of 3" in document.all_text
    assert not document.find("svg")


def test_what_was_not_seen_is_said_first_and_last() -> None:
    document = read(
        "".join(
            trace_page(TraceAnswer(checked=[world.SWITCHED], coverage=GAPPED, not_found=[world.ID]))
        )
    )
    (header,) = document.find("header")
    assert "part of the log is missing" in header.all_text
    assert f"not found: {world.ID}" in header.all_text
    coverage = document.find("section")[-1].all_text
    assert world.GAP.message in coverage
    assert world.GAP.settle is not None
    assert world.GAP.settle in coverage


def test_events_of_streams_without_an_attempt_are_shown_with_their_stream() -> None:
    line = world.event(world.ms("03:00"), "[ERROR] NameError", "some/other-stream")
    request = replace(world.MENTIONED.request, mentions=(line,))
    document = page_of(replace(world.MENTIONED, request=request))
    assert "some/other-stream" in document.find("pre")[0].all_text


def test_what_a_log_holds_stays_text_wherever_it_is_shown() -> None:
    page = "".join(trace_page(TraceAnswer(checked=[hostile_request()], coverage=world.COVERAGE)))
    document = read(page)
    allowed = read(
        "".join(trace_page(TraceAnswer(checked=[world.SWITCHED], coverage=world.COVERAGE)))
    )
    names = {one.name for one in allowed.all()}
    attributes = {key for one in allowed.all() for key in one.attributes}
    for element in document.all():
        assert element.name in names
        assert element.attributes.keys() <= attributes
    for text in HOSTILE:
        assert text.split("\n")[0] in document.all_text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\u2066]", page)


def test_trace_and_demo_print_the_page_in_any_encoding() -> None:
    shown = run("demo", "-o", "html", env={"PYTHONIOENCODING": "latin-1"})
    assert (shown.returncode, shown.stderr) == (0, "")
    document = read(shown.stdout)
    headings = [one.all_text for one in document.find("h2")]
    assert len(headings) == 4
    request_id = headings[0].removeprefix("Request ")
    traced = run("trace", "--from", "demo", request_id, "--attempt", "1", "-o", "html", "--lines")
    (log,) = read(traced.stdout).find("details", class_="log")
    assert "open" in log.attributes
    assert f"START RequestId: {request_id}" in log.all_text


def test_a_page_of_nothing_says_what_was_not_found() -> None:
    shown = run("trace", "--from", "demo", world.ID, "-o", "html")
    assert shown.returncode == 4
    assert f"not found: {world.ID}" in read(shown.stdout).all_text


def test_a_picture_is_one_document_for_all_requests() -> None:
    shown = run("demo", "-o", "svg")
    assert (shown.returncode, shown.stderr) == (0, "")
    root = ElementTree.fromstring(shown.stdout)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "environment-switch" in "".join(root.itertext())


def test_markup_takes_every_string_for_text() -> None:
    assert inert_markup('<b title="x">&\x1b') == "&lt;b title=&quot;x&quot;&gt;&amp;\\x1b"
    made = tag("p", "<i>", tag("b", "&"), class_='"><script>', aria_label="'", data_head=None)
    assert made == (
        '<p class="&quot;&gt;&lt;script&gt;" aria-label="&#x27;">&lt;i&gt;<b>&amp;</b></p>'
    )
