"""One attempt on a page: its figures, the files in /tmp and its log lines; and findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.findings import Finding
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent, stream_name
from retryctl.core.value_classes import value_class
from retryctl.views.attempts_table import (
    Labels,
    environment_cell,
    error_detail,
    memory,
    outcome_cell,
    response,
)
from retryctl.views.html.markup import Markup, joined, spans, tag
from retryctl.views.html.page import text_with_command
from retryctl.views.html.tmp_files import files_are_inferred, files_around
from retryctl.views.inert_text import lines_of
from retryctl.views.sentences import alike_as_one, numbered
from retryctl.views.signs import SEVERITY_SIGNS, STYLES
from retryctl.views.times import duration, moment, stamp
from retryctl.views.trace_answer import TraceAnswer

# A browser lays out only the blocks in view, so a long log opens as quickly as a short one.
_LINES_IN_A_BLOCK = 250


@value_class
class Setting:
    """What the attempts of a request share; ``dated`` puts its day before each time."""

    answer: TraceAnswer
    known: Labels
    dated: bool
    responses: Sequence[bytes | None] = ()


def attempt_article(
    checked: CheckedRequest, attempt: Attempt, anchor: str, around: Setting
) -> Markup:
    """Return the attempt; its heading is of level 3."""
    return tag(
        "article",
        tag(
            "h3",
            f"Attempt {attempt.number} ",
            tag("span", spans(environment_cell(attempt, around.known)), class_="where"),
            " ",
            tag("span", spans(outcome_cell(attempt)), class_="how"),
            id=anchor,
        ),
        _facts(_figures(attempt, around)),
        _tmp(checked, attempt, around),
        _log_lines(attempt, around),
        class_="attempt",
    )


def findings_section(group: Sequence[Finding], around: Setting) -> Markup:
    """Return one rule's findings with remedy and evidence, under a heading of level 4."""
    finding = group[0]
    sign = SEVERITY_SIGNS[finding.severity]
    numbers = [one.attempt for one in group if one.attempt is not None]
    where = f" · {numbered(numbers)}" if numbers else ""
    evidence = list(dict.fromkeys(event for one in group for event in one.evidence))
    return tag(
        "section",
        tag("h4", f"{sign} {finding.rule} ", tag("small", f"{finding.severity.value}{where}")),
        *(tag("p", each) for each in alike_as_one(one.message for one in group)),
        tag("p", tag("b", "Do: "), text_with_command(finding.remedy)),
        tag("p", "More: ", tag("code", f"retryctl explain {finding.rule}"), class_="dim"),
        _proof("evidence", evidence, around),
        class_=f"finding edge {STYLES[sign]}",
    )


def _facts(facts: Iterable[tuple[str, str]]) -> Markup:
    return tag(
        "dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value)
    )


def _figures(attempt: Attempt, around: Setting) -> Iterator[tuple[str, str]]:
    yield "error", error_detail(attempt)
    yield (
        "started",
        "" if attempt.started_ms is None else moment(attempt.started_ms, around.answer.tz),
    )
    yield "ran for", "" if attempt.duration_ms is None else duration(attempt.duration_ms)
    init = attempt.init_duration_ms
    yield "init", "" if init is None else duration(init)
    yield "memory", memory(attempt)
    yield "store", attempt.claim.store or ""
    yield "store error", attempt.claim.store_error or ""
    yield "log stream", tag("code", stream) if (stream := stream_name(attempt.log_stream)) else ""
    bodies = around.responses[attempt.number - 1 : attempt.number]
    yield "response", response(bodies[0]) if bodies and bodies[0] is not None else ""
    yield "X-Ray", tag("code", attempt.xray_trace_id) if attempt.xray_trace_id else ""


def _tmp(checked: CheckedRequest, attempt: Attempt, around: Setting) -> Markup:
    if not files_are_inferred(checked.request):
        return Markup()
    places = files_around(checked.request, attempt, around.known, around.answer.branches)
    heading = tag("h4", "Files in /tmp ", tag("small", "as the log implies"))
    return tag("section", heading, _facts(places), class_="tmp")


def mentions(events: Sequence[LogEvent], around: Setting) -> Markup:
    """Return the log events that prove a request without a known attempt."""
    return _proof("log events that mention it", events, around)


def _log_lines(attempt: Attempt, around: Setting) -> Markup:
    if not attempt.events:
        return tag("p", "no log lines were read", class_="dim")
    claimed = attempt.claim.evidence  # its counter and its branch are marked
    lines = (
        line
        for event in attempt.events
        for line in _event(event, "", around, marked=event in claimed)
    )
    return tag(
        "details",
        tag("summary", f"log events of attempt {attempt.number} ({len(attempt.events):,})"),
        _lines(lines),
        class_="log",
        open="" if around.answer.lines else None,
    )


def _proof(called: str, events: Sequence[LogEvent], around: Setting) -> Markup:
    """Return events of several environments, each with the name of its environment."""
    lines = (
        line for event in events for line in _event(event, f"{_place(event, around)}  ", around)
    )
    summary = tag("summary", f"{called} ({len(events):,})")
    return tag("details", summary, _lines(lines), class_="evidence")


def _place(event: LogEvent, around: Setting) -> str:
    environment = around.known.get(event.log_stream)
    return environment.label if environment else stream_name(event.log_stream) or ""


def _event(
    event: LogEvent, lead: str, around: Setting, *, marked: bool = False
) -> Iterator[Markup]:
    prefix = f"{lead}{stamp(event.timestamp_ms, around.answer.tz, dated=around.dated)}  "
    for line in lines_of(event.message):
        yield joined([prefix, tag("mark", line) if marked else line])
        prefix = " " * len(prefix)


def _lines(lines: Iterable[Markup]) -> Markup:
    rest = iter(lines)
    blocks = iter(lambda: list(islice(rest, _LINES_IN_A_BLOCK)), [])
    return tag("pre", *(tag("code", joined(block, "\n")) for block in blocks))


# --------------------------------------------------------------------------- files in /tmp
#
# /tmp itself was not read. The log of an attempt shows whether it left a file, and its log stream
# shows where: ``was_recorded`` of the core decides, and the functions below only name the files.
