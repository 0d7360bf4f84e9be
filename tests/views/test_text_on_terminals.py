"""The text of a request on any terminal: its log lines, its width, its picture."""

import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict, verdict_of
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Claim
from retryctl.core.model.attempt import AttemptOutcome, ErrorInfo
from retryctl.core.model.coverage import Gap
from retryctl.core.model.request import RequestOutcome
from retryctl.views.blocks import Paragraph, Pieces
from retryctl.views.screen import Screen
from retryctl.views.sentences import alike_as_one
from retryctl.views.text.layout import svg_of, text_of
from retryctl.views.text.trace import trace_blocks
from retryctl.views.trace_answer import TraceAnswer
from tests.support.checked_requests import (
    COVERAGE,
    FIRST,
    GAP,
    MENTIONED,
    PENDING,
    RECOVERED,
    RUNNING,
    SECOND,
    STREAM,
    SUCCEEDED,
    SWITCH,
    SWITCHED,
    THIRD,
    UNDETERMINED,
    attempt,
    check,
    checked,
    event,
    ms,
)
from tests.views.text_answers import SILENT, WIDTHS, one, shown

ALL = (SWITCHED, RECOVERED, PENDING, RUNNING, UNDETERMINED, MENTIONED, SUCCEEDED)
SGR = re.compile(r"\x1b\[[0-9;]*m")


def cells(line: str) -> int:
    """The width of a line in a terminal, told without rich."""
    return sum(
        0
        if unicodedata.category(c) in ("Mn", "Me", "Cn") or "\U0001f3fb" <= c <= "\U0001f3ff"
        else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in line
    )


def test_log_lines_are_whole_under_their_attempt() -> None:
    traceback = '[ERROR] E: m\rTraceback (most recent call last):\r\u00a0\u00a0File "a.py"\n'
    told = replace(
        FIRST, events=(event(FIRST.placed_ms, "START\n"), event(ms("03:00:01"), traceback))
    )
    assert (
        f"attempt 1 · ● 1f3a cold · {STREAM}\n"
        "  03:00:00.123  START\n"
        "  03:00:01.000  [ERROR] E: m\n"
        "                Traceback (most recent call last):\n"
        '                \u00a0\u00a0File "a.py"\n'
    ) in one(told, lines=True)


def test_a_long_line_is_broken_without_losing_a_character() -> None:
    message = "".join(chr(0x3041 + n % 80) for n in range(300)) + " " * 5 + "end"
    assert "".join("".join(log_lines(message)).split()) == message.replace(" ", "")


def test_a_long_line_is_broken_between_its_words() -> None:
    report = f"REPORT RequestId: {FIRST.request_id}\tDuration: 2.12 ms\tMax Memory Used: 16 MB\t\n"
    for width in range(60, 100):
        assert " ".join(log_lines(report, width)).split() == report.split()
    indented = "    return " + "ship(order) and " * 9
    assert log_lines(indented)[0].startswith("    return ship")


def log_lines(message: str, width: int = 80) -> list[str]:
    """The lines below the time of the only log event."""
    text = one(replace(FIRST, events=(event(0, message),)), lines=True, width=width)
    body = text.split("00:00:00.000  ")[1].split("\n\n")[0].split("\n")
    assert "" not in body
    return [body[0], *(line[16:] for line in body[1:])]


def test_a_line_of_a_megabyte_is_cut_and_says_so() -> None:
    text = one(replace(FIRST, events=(event(0, "x" * 1_048_576),)), lines=True)
    assert len(text) < 8000
    assert "(1,044,576 more characters)" in text.replace("\n" + " " * 16, "")


def test_a_long_traceback_is_not_cut() -> None:
    message = "\n".join(f"  frame {n}" for n in range(2000))
    text = one(replace(FIRST, events=(event(0, message),)), lines=True)
    assert all(f"frame {n}\n" in text for n in range(2000))


@pytest.mark.parametrize("request_", ALL)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_too_wide_nor_ends_in_spaces(request_: CheckedRequest, width: int) -> None:
    coverage = replace(COVERAGE, gaps=(GAP,))
    for line in shown(request_, coverage=coverage, width=width, lines=True).split("\n"):
        assert cells(line) <= width
        assert line == line.rstrip()


@pytest.mark.parametrize("request_", ALL)
def test_colour_adds_nothing_but_colour(request_: CheckedRequest) -> None:
    coloured = shown(request_, colour=True)
    assert SGR.sub("", coloured) == shown(request_)
    assert "\x1b[" in coloured


@pytest.mark.parametrize("request_", ALL)
def test_ascii_only_is_ascii_and_moves_nothing(request_: CheckedRequest) -> None:
    plain = shown(request_, ascii_only=True)
    assert plain.isascii()
    assert [len(line) for line in plain.split("\n")] == [
        len(line) for line in shown(request_).split("\n")
    ]


def test_ascii_only_shows_what_it_cannot_write() -> None:
    error = ErrorInfo(type="E", message="注文 ✓")
    assert r"E: \u6ce8\u6587 +" in one(replace(FIRST, error=error), ascii_only=True)


def test_no_sign_stands_without_words() -> None:
    text = shown(SWITCHED, coverage=replace(COVERAGE, gaps=(GAP,)))
    assert all(re.match(r" ?[\w(]", text[m.end() :]) for m in re.finditer("[✓✗●◆?!]", text))


ANY_TEXT = st.text(st.characters(), max_size=90) | st.sampled_from(
    [
        "\x1b[31m[bold red]:smile:",
        "注文🎉" * 30,
        "\u202eevil",
        "a\nb\r\nc",
        "x" * 5000,
        "🧑🏽‍🚀⚠️" * 20,
    ]
)


@st.composite
def hostile(draw: Any) -> CheckedRequest:
    """A request with any text in every field that a log fills."""

    def text() -> str:
        return str(draw(ANY_TEXT))

    made = [
        replace(
            attempt(number, draw(st.integers(-(10**15), 10**15)), log_stream=text()),
            version=text(),
            outcome=draw(st.sampled_from([one for one in AttemptOutcome if one.failed])),
            error=ErrorInfo(type=text(), message=text(), frame=text()),
            duration_ms=draw(st.floats()),
            claim=Claim(counter=draw(st.integers(0, 10**9)), branch=text()),
            events=(event(draw(st.integers()), text()),),
        )
        for number in (1, 2)
    ]
    checks = [check(draw(st.sampled_from(AttemptVerdict)), 7, text()) for _ in made]
    request = checked(
        draw(
            st.sampled_from(["exhausted", "pending", "not-retried", "unknown"]).map(RequestOutcome)
        ),
        verdict_of(checks, ()),
        *zip(made, checks, strict=True),
        findings=(replace(SWITCH, attempt=1, message=text(), remedy=text()),),
        because=(text(),),
        due_ms=draw(st.none() | st.integers()),
    )
    return replace(request, request=replace(request.request, function=text()))


@given(hostile(), st.integers(40, 160), st.booleans(), ANY_TEXT)
def test_whatever_a_log_holds_is_inert_and_fits(
    request_: CheckedRequest, width: int, ascii_only: bool, odd: str
) -> None:
    gap = Gap(kind="skipped", message=odd, settle=odd)
    text = shown(
        request_,
        coverage=replace(COVERAGE, source=odd, log_groups=(odd,), gaps=(gap,)),
        not_found=[odd],
        width=width,
        colour=True,
        ascii_only=ascii_only,
        lines=True,
    )
    text.encode("ascii" if ascii_only else "utf-8")
    for line in SGR.sub("", text).split("\n"):
        assert cells(line) <= width
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in line)


def test_markup_and_emoji_codes_of_a_log_are_text() -> None:
    error = ErrorInfo(type="E", message="[red]x[/red] :smile: [link=http://x]y[/link]")
    assert str(error.message) in one(replace(FIRST, error=error), colour=True)


def picture(**parts: Any) -> str:
    answer = TraceAnswer(checked=[SWITCHED], coverage=COVERAGE, **parts)
    return svg_of(trace_blocks(answer, 80), title="retryctl trace", width=80)


def test_the_picture_is_xml_that_asks_for_nothing_from_outside() -> None:
    svg = picture()
    ElementTree.fromstring(svg)
    assert set(re.findall(r"https?://[^\"]+", svg)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"url\((?!#)|@import|@font-face|href", svg)
    assert "environment-switch" in svg
    assert svg == picture()
    third = picture(attempt=3, lines=True)
    words = re.findall(r"<text[^>]*>([^<]*)</text>", third)
    start = words.index("shown:")
    assert words[start : start + 5] == ["shown:", "attempt", "3", "of", "3"]


def test_the_json_view_does_not_wait_for_rich() -> None:
    code = "import sys, retryctl.views.json.trace; sys.exit('rich' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_lines_that_could_be_lambda_s_are_named() -> None:
    forged = replace(FIRST, ambiguous=(FIRST.events[0],))
    told = replace(SWITCHED, request=replace(SWITCHED.request, attempts=(forged, SECOND, THIRD)))
    assert "attempt 1 logged lines that look like a START, END or REPORT" in " ".join(
        shown(told).split()
    )
    assert "look like a START" not in " ".join(shown(SWITCHED).split())


def test_a_request_that_was_not_counted_leads_to_the_setting() -> None:
    text = shown(checked(RequestOutcome.PENDING, Verdict.NOT_COUNTED, (attempt(1, 0), SILENT)))
    assert "[markers] in retryctl.toml must match its lines" in " ".join(text.split())


@pytest.mark.parametrize("took", ["54.6 ms", "12.4 s", "1 m 04 s", "2 h 05 m", "1 d 02 h"])
def test_no_line_ends_within_a_duration(took: str) -> None:
    for width in range(20, 50):
        words: Pieces = [
            ("the longest wait was ", ""),
            (took, "bold"),
            (" of all that was read", ""),
        ]
        lines = text_of([Paragraph(words=words)], Screen(width=width))
        assert sum(took in line for line in lines.splitlines()) == 1, lines


def test_sentences_that_differ_in_the_attempt_alone_are_one() -> None:
    sentences = [*(f"Attempt {n} broke off." for n in (1, 2, 3)), "All is lost."]
    assert alike_as_one(sentences) == [
        "Attempt 1 broke off. The same for attempts 2 and 3.",
        "All is lost.",
    ]
    assert alike_as_one(["Attempt 2 ran after attempt 1."]) == ["Attempt 2 ran after attempt 1."]
