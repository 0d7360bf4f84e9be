"""From what was asked to the answer and its exit status.

settings → source → events → history → cross-check → view: ``trace``, ``demo`` and whoever
else shows a story go this one way.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from pathlib import Path

from retryctl.cli.ids import request_ids
from retryctl.cli.looking import Opened, open_source, read_stored
from retryctl.cli.options import Look, Output, Show
from retryctl.cli.progress import Progress
from retryctl.cli.terminal import (
    colour_wanted,
    put,
    remark,
    shows_only_ascii,
    stdout_is_terminal,
    width,
)
from retryctl.cli.times import read_window, zone
from retryctl.core.checks import Verdict
from retryctl.core.claims import Branches, Markers
from retryctl.core.crosscheck import CheckedRequest, check_request
from retryctl.core.history import read_history
from retryctl.core.records import Coverage, LogEvent, Selection, StoreCount
from retryctl.core.requests import Request
from retryctl.errors import ExitStatus, NothingFound, UsageError
from retryctl.settings import Settings, load_settings
from retryctl.views.json import trace_document, trace_lines
from retryctl.views.sentences import coverage_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The answer: the requests that were found, and what was looked at.

    ``not_found`` has the IDs of which there was nothing to tell, each with the reason;
    ``branches`` are those that the handlers choose from.
    """

    checked: Sequence[CheckedRequest]
    coverage: Coverage
    not_found: Mapping[str, str] = field(default_factory=dict)
    branches: Branches = field(default_factory=Branches)

    def only_retried(self) -> Story:
        """The same of those requests alone that were retried."""
        retried = [one for one in self.checked if len(one.request.attempts) > 1]
        return replace(self, checked=retried)


def tell(arguments: Sequence[str], look: Look, show: Show) -> ExitStatus:
    """Tell the story of the requests whose IDs are in ``arguments``, as a person gave them."""
    if look.source == "-" and "-" in arguments:
        raise UsageError(
            "stdin cannot give both the IDs and the log.", "Save one of them and name its file."
        )
    ids = request_ids(arguments, _stdin_lines())
    return show_story(read_story(ids, look, show, now_ms=now_ms()), show)


def now_ms() -> int:
    """The wall clock, in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def _stdin_lines() -> Iterator[str]:
    for line in sys.stdin.buffer if sys.stdin else ():
        yield line.decode("utf-8", "replace")


def read_story(ids: Sequence[str], look: Look, show: Show, *, now_ms: int) -> Story:
    """The stories of the requests ``ids``, or of all there are where none is given."""
    tz = zone(show.tz)
    # The demo is what it is, whatever the working folder's settings make of other logs.
    settings = Settings() if look.source == "demo" else load_settings(Path.cwd())
    since_ms, until_ms = read_window(look.since, look.until, now_ms=now_ms, tz=tz)
    window = Selection(request_ids=tuple(ids), since_ms=since_ms, until_ms=until_ms)
    stored = read_stored(look, ids)
    with Progress(quiet=show.quiet) as progress:
        opened = open_source(look, settings, window, progress, now_ms=now_ms)
        events = list(opened.read())
    for sentence in opened.remarks:
        remark(f"retryctl: {sentence}", quiet=show.quiet)
    return _story_of(events, opened, settings.markers, stored)


def _story_of(
    events: Sequence[LogEvent],
    opened: Opened,
    markers: Markers,
    stored: Mapping[str, StoreCount],
) -> Story:
    selection, coverage = opened.selection, opened.coverage()
    history = read_history(
        events,
        horizon_ms=coverage.horizon_ms or 0,
        markers=markers,
        settings=opened.function,
        function=selection.function,
        wanted=selection.request_ids or None,
    )
    unrecognised = coverage.events_unrecognised + history.unrecognised
    coverage = replace(coverage, events_unrecognised=unrecognised)
    requests = [one for one in history.requests if _is_in_window(one, selection)]
    there, told = ({one.request_id for one in some} for some in (history.requests, requests))
    return Story(
        checked=[
            check_request(
                one,
                coverage,
                settings=opened.function,
                markers=markers,
                stored=stored.get(one.request_id),
            )
            for one in requests
        ],
        coverage=coverage,
        not_found={
            one: _why_not_found(one, events, ran=one in there, web=one in history.web)
            for one in selection.request_ids
            if one not in told
        },
        branches=markers.branches,
    )


def _is_in_window(request: Request, selection: Selection) -> bool:
    """Whether some attempt started in the window; the others of its request belong to it."""
    since_ms, until_ms = selection.since_ms, selection.until_ms
    moments = [attempt.placed_ms for attempt in request.attempts]
    moments += [event.timestamp_ms for event in request.mentions]
    return any(
        (since_ms is None or since_ms <= ms) and (until_ms is None or ms < until_ms)
        for ms in moments
    )


def _why_not_found(request_id: str, events: Iterable[LogEvent], *, ran: bool, web: bool) -> str:
    if ran:
        return f"{request_id} has no attempt between --since and --until."
    if web:
        return f"{request_id} is a request to a web function: no event, and never retried."
    if any(request_id in event.message.lower() for event in events):
        return f"{request_id} is mentioned, but no attempt of it is in what was looked at."
    return f"{request_id} was not found."


# --------------------------------------------------------------------------- showing it


def show_story(story: Story, show: Show) -> ExitStatus:
    """Print the answer; say on stderr what was not found.

    Raises ``NothingFound`` where there is nothing to tell; JSON is printed even then.
    """
    tz = zone(show.tz)
    if story.checked:
        _refuse_missing_attempt(story.checked, show.attempt)
    if story.checked or show.output is not Output.TEXT:
        put(_view(story, show, tz))
    if not story.checked:
        raise _nothing_found(story, tz)
    for why in story.not_found.values():
        remark(f"retryctl: {why}")
    return verdict_status(story.checked) if show.exit_code else ExitStatus.OK


def _view(story: Story, show: Show, tz: tzinfo) -> str:
    not_found = tuple(story.not_found)
    if show.output is Output.JSON:
        return trace_document(story.checked, story.coverage, not_found, lines=show.lines)
    if show.output is Output.JSONL:
        return trace_lines(story.checked, lines=show.lines)
    if show.output is Output.HTML:
        from retryctl.views.page import trace_page
        from retryctl.views.trace import Asked

        return trace_page(
            story.checked,
            story.coverage,
            not_found,
            tz=tz,
            branches=story.branches,
            asked=Asked(lines=show.lines, attempt=show.attempt, failed_only=show.failed),
        )
    from retryctl.views.text import trace_svg, trace_text

    if show.output is Output.SVG:
        return trace_svg(story.checked, story.coverage, not_found, title="retryctl trace", tz=tz)
    return trace_text(
        story.checked,
        story.coverage,
        not_found,
        console_width=width(),
        tz=tz,
        colour=colour_wanted(show.color, os.environ, is_terminal=stdout_is_terminal()),
        ascii_only=shows_only_ascii(),
        lines=show.lines,
        attempt_filter=show.attempt,
        failed_only=show.failed,
    )


def verdict_status(checked: Iterable[CheckedRequest]) -> ExitStatus:
    """The status of ``--exit-code``: a verdict that disagrees outranks one that is undetermined."""
    verdicts = {one.verdict for one in checked}
    if Verdict.DISAGREES in verdicts:
        return ExitStatus.DID_NOT_HOLD
    return ExitStatus.UNDETERMINED if Verdict.UNDETERMINED in verdicts else ExitStatus.OK


def _refuse_missing_attempt(checked: Iterable[CheckedRequest], number: int | None) -> None:
    most = max(len(one.request.attempts) for one in checked)
    if number is not None and number > most:
        raise NothingFound(
            f"there is no attempt {number}.", f"The most attempts of a request here are {most}."
        )


def _nothing_found(story: Story, tz: tzinfo) -> NothingFound:
    """What was not found and where it was looked for, with the next step from there."""
    what = " ".join(story.not_found.values()) or "there is no request that was retried."
    looked = coverage_sentence(story.coverage, tz)
    looked = " ".join([looked[:1].upper() + looked[1:], *(g.message for g in story.coverage.gaps)])
    step = {
        "cloudwatch": "Widen the window with --since, or name another function with -f.",
        "demo": "retryctl demo shows the requests that are in it.",
    }.get(story.coverage.source, "Is it the right file? Without --from it looks on CloudWatch.")
    return NothingFound(what, f"{looked}\n{step}")
