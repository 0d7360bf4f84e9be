"""From what was asked to the answer and its exit status.

settings → source → events → history → cross-check → view: ``trace``, ``demo`` and whoever
else shows a story go this one way.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo

from retryctl.app.follow import Wait, follow
from retryctl.app.trace import TraceResult, read_story, story_reader
from retryctl.cli.ids import request_ids
from retryctl.cli.params import Output, OutputOptions, SourceOptions
from retryctl.cli.report_files import ReportFile, report_files, write
from retryctl.cli.terminal import Screen, put, remark, stdout_screen
from retryctl.cli.times import zone
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.verdict import CheckedRequest
from retryctl.core.model.coverage import Coverage
from retryctl.errors import ExitStatus, NothingFound, UsageError
from retryctl.views.console_links import console_lines
from retryctl.views.json.trace import trace_document, trace_lines
from retryctl.views.sentences import coverage_sentence

_MOST_GAPS = 3

__all__ = ["TraceResult", "now_ms", "read_story", "show_story", "tell", "verdict_status"]


def tell(
    arguments: Sequence[str],
    look: SourceOptions,
    show: OutputOptions,
    wait: Wait | None = None,
    *,
    reports: Sequence[str] = (),
) -> ExitStatus:
    """Tell the story of the requests whose IDs are in ``arguments``, as a person gave them.

    ``reports`` are ``FORM=FILE``: the files that are written beside what is printed.
    """
    if look.source == "-" and "-" in arguments:
        raise UsageError(
            "stdin cannot give both the IDs and the log.", "Save one of them and name its file."
        )
    if show.web and show.output in (Output.HTML, Output.SVG):
        raise UsageError(f"--web has no place in {show.output.value}.", "Use text, json or jsonl.")
    files = report_files(reports, [form.value for form in Output], source=look.source)
    _say_what_is_waited_for(arguments, look, show)
    ids = request_ids(arguments, _stdin_lines())
    read = story_reader(ids, look, show, clock=now_ms)
    if wait is None:
        return show_story(read(), show, files)
    story = follow(
        read,
        wait,
        clock=now_ms,
        sleep=time.sleep,
        say=lambda sentence: remark(f"retryctl: {sentence}", quiet=show.quiet),
        tz=zone(show.tz),
    )
    return show_story(story, show, files)


def _say_what_is_waited_for(
    arguments: Sequence[str], look: SourceOptions, show: OutputOptions
) -> None:
    """Say it to a person who sits before an empty terminal."""
    what = "request IDs" if "-" in arguments else "the log" if look.source == "-" else ""
    if what and sys.stdin is not None and sys.stdin.isatty():
        said = f"retryctl: reading {what} from standard input; end with Ctrl-D."
        remark(said, quiet=show.quiet)


def now_ms() -> int:
    """The wall clock, in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def _stdin_lines() -> Iterator[str]:
    for line in sys.stdin.buffer if sys.stdin else ():
        yield line.decode("utf-8", "replace")


# --------------------------------------------------------------------------- showing it


def show_story(
    story: TraceResult, show: OutputOptions, files: Sequence[ReportFile] = ()
) -> ExitStatus:
    """Write the reports, print the answer, and say on stderr what was not found.

    Raises ``NothingFound`` where there is nothing to tell; JSON is printed and reports are
    written even then.
    """
    tz = zone(show.tz)
    if story.checked:
        _refuse_missing_attempt(story.checked, show.attempt)
    for file in files:
        write(file.path, _view(story, replace(show, output=Output(file.form)), tz, Screen()))
    if story.checked or show.output is not Output.TEXT:
        put(
            _view(story, show, tz, stdout_screen(show.color)),
            document=show.output is not Output.TEXT,
        )
    if not story.checked:
        raise _nothing_found(story, tz)
    for why in story.not_found.values():
        remark(f"retryctl: {why}")
    for sentence in _beside(story.coverage, show):
        remark(f"retryctl: {sentence}", quiet=show.quiet)
    return verdict_status(story.checked) if show.exit_code else ExitStatus.OK


def _beside(coverage: Coverage, show: OutputOptions) -> Iterator[str]:
    """What the form that was asked for has no place for."""
    if show.output in (Output.JSON, Output.JSONL) and (show.attempt or show.failed):
        yield "--attempt and --failed change no JSON: it has every attempt."
    if show.output is Output.JSONL:
        for gap in coverage.gaps:
            yield f"not seen: {gap.message.rstrip('.')}."


def _view(story: TraceResult, show: OutputOptions, tz: tzinfo, screen: Screen) -> str:
    not_found = tuple(story.not_found)
    region = _region(story) if show.web else None
    if show.output is Output.JSON:
        return trace_document(
            story.checked, story.coverage, not_found, lines=show.lines, region=region
        )
    if show.output is Output.JSONL:
        return trace_lines(story.checked, lines=show.lines, region=region)
    from retryctl.views.text.trace import TraceOptions

    asked = TraceOptions(lines=show.lines, attempt=show.attempt, failed_only=show.failed)
    if show.output is Output.HTML:
        from retryctl.views.html.trace import trace_page

        return trace_page(
            story.checked,
            story.coverage,
            not_found,
            tz=tz,
            branches=story.branches,
            asked=asked,
        )
    from retryctl.views.text.layout import trace_svg, trace_text

    if show.output is Output.SVG:
        return trace_svg(
            story.checked, story.coverage, not_found, title="retryctl trace", tz=tz, asked=asked
        )
    text = trace_text(
        story.checked,
        story.coverage,
        not_found,
        console_width=screen.width,
        tz=tz,
        colour=screen.colour,
        ascii_only=screen.ascii_only,
        lines=show.lines,
        attempt_filter=show.attempt,
        failed_only=show.failed,
    )
    return text + "".join(console_lines(story.checked, region)) if region else text


def _region(story: TraceResult) -> str:
    if story.region is None:
        raise UsageError(
            "--web needs the region of the log.", "Give --region, or set AWS_DEFAULT_REGION."
        )
    return story.region


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


def _nothing_found(story: TraceResult, tz: tzinfo) -> NothingFound:
    """What was not found and where it was looked for, with the next step from there."""
    what = " ".join(story.not_found.values()) or "there is no request that was retried."
    return NothingFound(what, f"{where_looked(story.coverage, tz)}\n{_next_step(story.coverage)}")


def where_looked(coverage: Coverage, tz: tzinfo) -> str:
    """Where it was looked and what was not seen, for an answer that nothing was found."""
    whole = "It was read whole." if coverage.where else "Nothing is missing."
    looked = coverage_sentence(coverage, tz, complete=whole)
    return " ".join([looked[:1].upper() + looked[1:], *not_seen(coverage, _MOST_GAPS)])


def not_seen(coverage: Coverage, most: int) -> list[str]:
    """What was not seen, in ``most`` sentences; of more, how many more there are."""
    gaps = [f"{gap.message.rstrip('.')}." for gap in coverage.gaps]
    more = [f"And {len(gaps) - most:,} more."] if len(gaps) > most else []
    return [*gaps[:most], *more]


def _next_step(coverage: Coverage) -> str:
    for gap in coverage.gaps:
        if gap.settle:
            return f"To settle it: {gap.settle}"
    if coverage.source == "cloudwatch":
        return "Widen the window with --since, or name another function with -f."
    if coverage.left_out:
        return f"Give -f {coverage.left_out[0][1]}, or neither -f nor -g."
    if coverage.source == "demo":
        return "retryctl demo shows the requests that are in it."
    if any(gap.kind == "truncated" for gap in coverage.gaps):
        return "Download or save the file again."
    return "Is it the right file? Without --from it looks on CloudWatch."
