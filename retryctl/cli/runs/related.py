"""Run ``--related`` of trace, list and summary: group requests by event, and print the events."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Literal

from retryctl.app.related import RelatedResult, find_related
from retryctl.cli.options.ids import event_names
from retryctl.cli.options.params import AwsOptions, ReadOptions, ScreenOptions
from retryctl.cli.options.source import select_functions, source_options, time_window
from retryctl.cli.options.times import zone
from retryctl.cli.output.messages import nothing_found
from retryctl.cli.output.terminal import TerminalFeedback, put, stdout_screen
from retryctl.config import config_for
from retryctl.core.related.keys import KeyPatternError, KeyReader, key_reader, known_keys
from retryctl.core.value_classes import value_class
from retryctl.core.wording import number_of
from retryctl.errors import ExitStatus, UsageError
from retryctl.views.json.related import related_document
from retryctl.views.text import related as text_views
from retryctl.views.text.layout import text_of


@value_class
class RelatedOptions:
    """The key as it was typed, and how to print the events.

    ``shape`` is the command: each event with its requests, one line an event, or counts.
    """

    key: str | None
    output: str
    shape: Literal["trace", "list", "summary"] = "trace"


def run_related(
    read: ReadOptions,
    aws: AwsOptions,
    screen: ScreenOptions,
    wanted: RelatedOptions,
    *,
    request_ids: Sequence[str] = (),
    functions: Sequence[str] = (),
) -> ExitStatus:
    """Print the events with several request IDs: of the given IDs, or of the whole window."""
    if wanted.output not in ("text", "json"):
        raise UsageError(f"--related is not available in {wanted.output}.", "Use text or json.")
    config = config_for(read.source)
    source, is_wanted = select_functions(functions, source_options(read, aws, config))
    pattern, origin = (wanted.key, "--key") if wanted.key else (config.related_key, "related.key")
    ids, keys = event_names(request_ids)
    result = find_related(
        ids,
        source,
        time_window(read, screen.tz),
        read_key=_key_reader(pattern, origin),
        keys=keys,
        is_wanted=is_wanted,
        config=config,
        feedback=TerminalFeedback(quiet=screen.quiet),
    )
    if wanted.output == "json":
        put(related_document(result.groups, result.coverage), document=True)
    elif result.groups:
        put(_text(result, wanted, screen))
    if not result.groups:
        what, step = _why_nothing(result, request_ids, pattern, wanted.key)
        raise nothing_found(what, result.coverage, zone(screen.tz), step)
    return ExitStatus.OK


def _why_nothing(
    result: RelatedResult, names: Sequence[str], pattern: str | None, key: str | None
) -> tuple[str, str]:
    """Return why no event is shown, and the next step."""
    if pattern and not result.matched:
        return (
            f"the pattern {pattern!r} matched 0 of {number_of(result.lines, 'line')} of requests.",
            "Compare it with a line that the function logs: retryctl trace ID --lines",
        )
    if result.unknown:
        what = f"{' '.join(map(repr, names))} is not a request ID or the key of an event here."
        return what, _all_events(result, key)
    if pattern:
        return (
            "no request shares an event with another: the pattern matched "
            f"{result.matched:,} of {number_of(result.lines, 'line')}, and each value is in one "
            "request only.",
            _all_events(result, key),
        )
    return (
        "no request shares an event with another.",
        "--key PATTERN reads the name of the event from a log line, such as 'order=(\\d+)'.",
    )


def _all_events(result: RelatedResult, key: str | None) -> str:
    """Return the command that shows all events, where there are some."""
    if not result.events:
        return ""
    events = number_of(result.events, "event")
    if result.coverage.where is None:
        return f"Without an ID, the same command shows {events}."
    words = ["retryctl", "trace", "--related", *(["--key", key] if key else [])]
    return f"{shlex.join([*words, '--from', result.coverage.where])} shows {events}."


def _text(result: RelatedResult, wanted: RelatedOptions, screen: ScreenOptions) -> str:
    views = {
        "trace": text_views.related_blocks,
        "list": text_views.related_list_blocks,
        "summary": text_views.related_count_blocks,
    }
    shown = stdout_screen(screen.color)
    blocks = views[wanted.shape](result.groups, result.coverage, zone(screen.tz), shown.width)
    return text_of(blocks, shown)


def _key_reader(pattern: str | None, origin: str) -> KeyReader:
    if pattern is None:
        return known_keys
    try:
        return key_reader(pattern)
    except KeyPatternError as error:
        raise UsageError(
            f"{origin} {pattern!r}: {error}.",
            "Give a regular expression with a group, or a path such as $.detail.order.",
        ) from None
