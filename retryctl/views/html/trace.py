"""``trace`` as one self-contained page without scripts.

It has everything that the text has, and a picture, the files in /tmp and every log line. Lines are
folded with ``details``, which a keyboard opens. The content security policy allows only the
page's own style, so no script runs, even after a mistake in escaping.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.findings import grouped_findings
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.core.wording import number_of
from retryctl.views import sentences
from retryctl.views.attempts_table import attempts_table, environments, table_legend, versions
from retryctl.views.blocks import Table
from retryctl.views.html.attempt import Setting, attempt_article, findings_section, mentions
from retryctl.views.html.markup import Markup, closing, opening, spans, tag
from retryctl.views.html.page import command_line, document, sentence_line, table
from retryctl.views.html.timeline import picture
from retryctl.views.html.tmp_files import files_after, files_are_inferred
from retryctl.views.next_steps import next_steps, others_step
from retryctl.views.signs import UNSURE
from retryctl.views.times import on_one_day, starts_ms
from retryctl.views.trace_answer import TraceAnswer

# Columns whose content the part of each attempt has in full.
_NOT_IN_TABLE = frozenset({"error", "duration", "memory"})


def trace_page(answer: TraceAnswer) -> Iterator[str]:
    """Yield the answer as an HTML document in ASCII; with ``lines`` every log is unfolded."""
    coverage, tz = answer.coverage, answer.tz
    checked = [sentences.gaps_named_once(one, coverage, "What was read") for one in answer.checked]
    not_found = (sentences.Sentence(UNSURE, f"not found: {one}") for one in answer.not_found)
    header = [*map(sentence_line, not_found)]
    if len(checked) > 1:
        header.append(_contents(checked, coverage, tz))
    if others := others_step(coverage, answer.others_wrong, answer.others_exhausted):
        words, command = others
        header.append(command_line(f"{words}:", command) if command else tag("p", f"{words}."))
    return document(_title(checked), "trace", header, _sections(answer, checked), coverage, tz)


def _sections(answer: TraceAnswer, checked: Sequence[CheckedRequest]) -> Iterator[Markup]:
    known = environments(a for one in checked for a in one.request.attempts)
    for index, one in enumerate(checked, start=1):
        around = Setting(
            answer=answer,
            known=known,
            dated=not on_one_day(starts_ms(one.request.attempts), answer.tz),
            responses=answer.responses_of(one),
        )
        yield from _request(one, around, f"r{index}")


def _title(checked: Sequence[CheckedRequest]) -> str:
    functions = {one.request.function for one in checked}
    name = functions.pop() if len(functions) == 1 else None
    what = number_of(len(checked), "request")
    if len(checked) == 1:  # two tabs of a browser must differ
        what = f"Request {checked[0].request.request_id.partition('-')[0]}"
    return f"{what} of {name}" if name else what


def _contents(checked: Sequence[CheckedRequest], coverage: Coverage, tz: tzinfo) -> Markup:
    items = []
    for index, one in enumerate(checked, start=1):
        link = tag("a", tag("code", one.request.request_id), href=f"#r{index}")
        items.append(tag("li", link, *_outcome_and_verdict(one, coverage, tz)))
    return tag("nav", tag("ul", *items, class_="contents"), aria_label="Requests")


def _outcome_and_verdict(
    checked: CheckedRequest, coverage: Coverage, tz: tzinfo
) -> Iterator[Markup]:
    outcome = sentences.outcome_sentence(checked.request, coverage, tz)
    yield from map(sentence_line, [outcome, *sentences.verdict_sentences(checked)])


# --------------------------------------------------------------------------- a request


def _request(checked: CheckedRequest, around: Setting, anchor: str) -> Iterator[Markup]:
    request, answer = checked.request, around.answer
    shown = [attempt for attempt in request.attempts if answer.wants(attempt)]
    numbers = {None, *(attempt.number for attempt in shown)}
    groups = grouped_findings(one for one in checked.findings if one.attempt in numbers)
    unlisted = sentences.unlisted_findings(checked, numbers)
    yield opening("section", class_="panel")
    yield tag("h2", "Request ", tag("code", request.request_id), id=anchor)
    yield tag("p", " · ".join(_named(checked)), class_="dim")
    yield from _outcome_and_verdict(checked, answer.coverage, answer.tz)
    steps = next_steps(checked, answer.coverage, names_others=not answer.others_wrong)
    yield from (command_line(*step) for step in steps)
    yield from _overview(checked, shown, around, anchor)
    if groups:
        yield tag("h3", "Findings")
    yield from (findings_section(group, around) for group in groups)
    if unlisted:
        yield tag("p", unlisted)
    yield from (attempt_article(checked, a, f"{anchor}a{a.number}", around) for a in shown)
    if request.mentions:
        yield mentions(request.mentions, around)
    yield closing("section")


def _named(checked: CheckedRequest) -> Iterator[str]:
    request = checked.request
    ran = versions(request.attempts)
    version = f"({', '.join(ran)})" if ran else ""
    yield from filter(None, [f"{request.function or ''} {version}".strip(), request.log_group])


def _overview(
    checked: CheckedRequest, shown: Sequence[Attempt], around: Setting, anchor: str
) -> Iterator[Markup]:
    """Yield the picture of the attempts, and a table with the same data."""
    attempts = checked.request.attempts
    if len(shown) < len(attempts):
        named = sentences.numbered([attempt.number for attempt in shown]) if shown else "none"
        yield tag("p", f"shown: {named} of {len(attempts)}", class_="dim")
    else:
        files = files_after(checked.request, around.answer.branches)
        horizon_ms = around.answer.coverage.horizon_ms
        if drawn := picture(checked, around.known, files, around.answer.tz, horizon_ms):
            yield drawn
    if shown:
        yield _attempts(attempts_table(checked, shown, around.known, around.answer.tz), anchor)
        yield from (tag("p", words, class_="dim") for words in table_legend(checked, shown))
    if files_are_inferred(checked.request):
        why = "/tmp contents are inferred from the log; /tmp was not read."
        yield tag("p", why, class_="dim")


def _attempts(shown: Table, anchor: str) -> Markup:
    """Return the table of the text view; each number links to the attempt's own section."""
    columns = [column for name, column in shown.columns.items() if name not in _NOT_IN_TABLE]
    rows = []
    for number, *cells in zip(*(column.cells for column in columns), strict=True):
        text = spans(number).strip()
        link = tag("a", f"Attempt {text}", href=f"#{anchor}a{text}")
        rows.append([link, *map(spans, cells)])
    heads = [column.head.strip() for column in columns]
    return table("The attempts, in order of start", heads, rows)
