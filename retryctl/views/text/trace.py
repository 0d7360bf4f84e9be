"""``trace``: requests and what was read, as the blocks of a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from itertools import starmap

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.findings import Finding, grouped_findings
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import is_timed, stream_name
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import Request
from retryctl.views import blocks, sentences
from retryctl.views.attempts_table import (
    Labels,
    attempts_table,
    environment_cell,
    environments,
    memory,
    outcome_word,
    response_lines,
    table_legend,
    versions,
)
from retryctl.views.coverage import coverage_blocks
from retryctl.views.inert_text import lines_of
from retryctl.views.next_steps import next_steps, on_cloudwatch, others_step
from retryctl.views.signs import GOOD, SEVERITY_SIGNS, STYLES, UNSURE, WARNING, signed
from retryctl.views.text.timeline import timeline
from retryctl.views.times import at, duration, moment, on_one_day, stamp, starts_ms
from retryctl.views.trace_answer import TraceAnswer

_MOST_ROWS, _FIRST_ROWS, _LAST_ROWS = 20, 8, 5
_MOST_WORDS = 5


def trace_blocks(answer: TraceAnswer, width: int) -> Iterator[blocks.Block]:
    """Yield the whole answer. ``width`` is that of the timeline's drawing, in cells."""
    checked, coverage = answer.checked, answer.coverage
    if answer.not_found:
        yield signed(UNSURE, f"not found: {', '.join(answer.not_found)}")
        yield blocks.BLANK
    known = environments(a for one in checked for a in one.request.attempts)
    for one in (sentences.gaps_named_once(each, coverage, "the end") for each in checked):
        if _is_short(one, answer):
            yield from _short(one, known, answer.tz)
            yield from _responses(one, answer)
            if len(checked) == 1 and not answer.not_found:
                break
        else:
            yield from _request(one, answer, known, width)
        yield blocks.BLANK
    yield from coverage_blocks(coverage, answer.tz)
    if others := others_step(coverage, answer.others_wrong, answer.others_exhausted):
        words, command = others
        yield signed(WARNING, f"{words}{':' if command else '.'}")
        if command:
            yield blocks.Command(text=command)


# --------------------------------------------------------------------------- a request


def _is_short(checked: CheckedRequest, answer: TraceAnswer) -> bool:
    """Return whether the request is one successful attempt, which needs no table."""
    attempts = checked.request.attempts
    return (
        not (answer.lines or answer.attempt or answer.failed_only)
        and len(attempts) == 1
        and attempts[0].outcome is AttemptOutcome.OK
        and not attempts[0].ambiguous
        and checked.verdict in (Verdict.AGREES, Verdict.NOT_COUNTED)
        and not checked.findings
        and not checked.undetermined_because
    )


def _short(checked: CheckedRequest, known: Labels, tz: tzinfo) -> Iterator[blocks.Block]:
    (attempt,) = checked.request.attempts
    yield _heading(checked.request)
    counter = attempt.claim.counter
    agrees = "" if counter is None else f"; its counter agrees ({counter})"
    yield signed(GOOD, f"succeeded on attempt 1{agrees}")
    when = "" if attempt.started_ms is None else f"{moment(attempt.started_ms, tz)} · "
    took = "" if attempt.duration_ms is None else f" · {duration(attempt.duration_ms)}"
    used = f" · {memory(attempt)}" if memory(attempt) else ""
    yield blocks.Paragraph(
        lead=[("  ", "")], words=[(when, ""), *environment_cell(attempt, known), (took + used, "")]
    )


def _request(
    checked: CheckedRequest, answer: TraceAnswer, known: Labels, width: int
) -> Iterator[blocks.Block]:
    attempts, coverage, tz = checked.request.attempts, answer.coverage, answer.tz
    shown = [attempt for attempt in attempts if answer.wants(attempt)]
    yield _heading(checked.request)
    yield signed(*sentences.outcome_sentence(checked.request, coverage, tz))
    yield from starmap(signed, sentences.verdict_sentences(checked))
    yield from _settling(checked, coverage)
    for words, command in next_steps(checked, coverage, names_others=not answer.others_wrong):
        yield blocks.paragraph(words, lead="  ")
        yield blocks.Command(text=command)
    if len(shown) < len(attempts):
        named = sentences.numbered([attempt.number for attempt in shown]) if shown else "none"
        yield blocks.paragraph(f"shown: {named} of {len(attempts)}", "dim")
    if shown:
        yield blocks.BLANK
        ends = _first_and_last(shown)
        yield attempts_table(checked, ends, known, tz, dated=answer.dated)
        for legend in table_legend(checked, ends):
            yield blocks.paragraph(legend, "dim", lead=" ")
        if between := shown[_FIRST_ROWS:-_LAST_ROWS] if len(ends) < len(shown) else ():
            yield blocks.BLANK
            yield blocks.paragraph(_folded(between), "dim")
        yield from starmap(signed, sentences.ambiguity_sentences(shown))
    if shown == list(attempts) and (
        drawn := timeline(shown, known, tz, width, coverage.horizon_ms)
    ):
        yield blocks.BLANK
        yield blocks.Drawing(lines=drawn)
    numbers = {None, *(attempt.number for attempt in shown)}
    for group in grouped_findings(one for one in checked.findings if one.attempt in numbers):
        yield blocks.BLANK
        yield from _findings(group, width)
    if unlisted := sentences.unlisted_findings(checked, numbers):
        yield blocks.BLANK
        yield signed(WARNING, unlisted)
    yield from _responses(checked, answer)
    if answer.lines:
        dated = not on_one_day(starts_ms(attempts), tz)
        for attempt in shown:
            yield blocks.BLANK
            yield from _log_lines(attempt, known, tz, dated=dated)


def _first_and_last(shown: Sequence[Attempt]) -> Sequence[Attempt]:
    """Return the attempts that have a row: of many the first and the last ones."""
    if len(shown) <= _MOST_ROWS:
        return shown
    return [*shown[:_FIRST_ROWS], *shown[-_LAST_ROWS:]]


def _folded(between: Sequence[Attempt]) -> str:
    """Count the attempts without a row: ``attempts 9 to 1435 have no row: 1,427 × NameError``."""
    alike = Counter(outcome_word(attempt) for attempt in between)
    counts = " · ".join(f"{count:,} × {word}" for word, count in alike.most_common(_MOST_WORDS))
    others = sum(alike.values()) - sum(count for _, count in alike.most_common(_MOST_WORDS))
    rest = f" · {others:,} others" if others else ""
    named = f"attempts {between[0].number} to {between[-1].number}"
    return f"{named} have no row: {counts}{rest} (--attempt N shows one, -o json all)"


def _responses(checked: CheckedRequest, answer: TraceAnswer) -> Iterator[blocks.Block]:
    lines = list(response_lines(answer.responses_of(checked)))
    if lines:
        yield blocks.BLANK
    yield from (blocks.paragraph(line) for line in lines)


def _heading(request: Request) -> blocks.Block:
    ran = versions(request.attempts)
    version = f" ({', '.join(ran)})" if ran else ""
    name = request.function or request.log_group
    function = f" · {name}{version}" if name else version
    return blocks.Paragraph(words=[("request ", ""), (request.request_id, "bold"), (function, "")])


def _settling(checked: CheckedRequest, coverage: Coverage) -> Iterator[blocks.Block]:
    """Yield the command that reads missing lines from CloudWatch, if they could allow a verdict."""
    request = checked.request
    place = on_cloudwatch(request)
    lacks = any(gap.hides_attempts for gap in coverage.gaps) or any(map(_is_cut, request.attempts))
    undetermined = checked.verdict is Verdict.UNDETERMINED
    if not (place and coverage.where and lacks and undetermined):
        return
    begun_ms = request.placed_ms
    if is_timed(begun_ms):
        since_ms = begun_ms - FunctionConfig().event_age_ms
        since = at(since_ms, UTC).strftime("%Y-%m-%dT%H:%MZ")
        yield blocks.paragraph("CloudWatch may settle it:", lead="  ")
        yield blocks.Command(text=f"retryctl trace {request.request_id} {place} --since {since}")


def _is_cut(attempt: Attempt) -> bool:
    """Return whether lines of it, or attempts before it, seem to be missing from the log."""
    cut = attempt.report_event is None or (
        attempt.start_event is None and not attempt.starts_unseen
    )
    return cut or (attempt.claim.counter or 0) > attempt.retries


def _findings(group: Sequence[Finding], width: int) -> Iterator[blocks.Block]:
    """Yield one heading, every message and one remedy for the findings of a rule."""
    finding = group[0]
    sign = SEVERITY_SIGNS[finding.severity]
    numbers = [one.attempt for one in group if one.attempt is not None]
    where = f" · {sentences.numbered(numbers)}" if numbers else ""
    yield blocks.Paragraph(
        lead=[(f"{sign} ", STYLES[sign])],
        words=[(finding.rule, "bold"), (f" · {finding.severity.value}{where}", "")],
    )
    for text in (*sentences.alike_as_one(one.message for one in group), f"Do: {finding.remedy}"):
        yield from blocks.with_command_apart(text, lead=[("  ", "")])
    more, command = "More: ", f"retryctl explain {finding.rule}"
    if len(f"  {more}{command}") <= width:
        yield blocks.paragraph(more + command, lead="  ")
    else:
        yield blocks.paragraph(more, lead="  ")
        yield blocks.Command(text=command)


def _log_lines(
    attempt: Attempt, known: Labels, tz: tzinfo, *, dated: bool
) -> Iterator[blocks.Block]:
    name = stream_name(attempt.log_stream)
    stream = f" · {name}" if name else ""
    yield blocks.Paragraph(
        words=[
            (f"attempt {attempt.number}", "bold"),
            (" · ", ""),
            *environment_cell(attempt, known),
            (stream, "dim"),
        ]
    )
    if not attempt.events:
        yield blocks.paragraph("no log lines were read", "dim", lead="  ")
    lines: list[tuple[blocks.Piece, blocks.Piece]] = []
    for event in attempt.events:
        prefix: blocks.Piece = (f"  {stamp(event.timestamp_ms, tz, dated=dated)}  ", "dim")
        style = "bold" if event in attempt.claim.evidence else ""
        for line in lines_of(event.message):
            lines.append((prefix, (line.rstrip(), style)))
            prefix = (" " * len(prefix[0]), "")
    yield blocks.LogLines(lines=lines)
