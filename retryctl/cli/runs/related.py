"""Run ``--related`` of trace, list and summary: group requests by event, and print the events."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Literal

from retryctl.app.related import RelatedResult, find_related
from retryctl.cli.options.ids import event_names
from retryctl.cli.options.params import LogOptions
from retryctl.cli.options.source import reading_of, select_functions
from retryctl.cli.output.messages import nothing_found
from retryctl.cli.output.terminal import put, stdout_screen
from retryctl.core.related.keys import KeyPatternError, KeyReader, key_reader, known_keys
from retryctl.core.wording import number_of
from retryctl.errors import ExitStatus, UsageError
from retryctl.views.json.documents import related_document
from retryctl.views.text import related as text_views
from retryctl.views.text.layout import text_of

_TEXT_VIEWS = {
    "trace": text_views.related_blocks,
    "list": text_views.related_list_blocks,
    "summary": text_views.related_count_blocks,
}


def run_related(
    given: LogOptions,
    key: str | None,
    form: str,
    *,
    shape: Literal["trace", "list", "summary"] = "trace",
    request_ids: Sequence[str] = (),
    functions: Sequence[str] = (),
) -> ExitStatus:
    """Print the events with several request IDs: of the given IDs, or of the whole window.

    ``shape`` is the command: each event with its requests, one line an event, or counts.
    """
    if form not in ("text", "json"):
        raise UsageError(f"--related is not available in {form}.", "Use text or json.")
    reading = reading_of(given.read, given.aws, given.screen)
    source, is_wanted = select_functions(functions, reading.source)
    pattern, origin = (key, "--key") if key else (reading.config.related_key, "related.key")
    ids, keys = event_names(request_ids)
    result = find_related(
        ids,
        source,
        reading.window,
        read_key=_key_reader(pattern, origin),
        keys=keys,
        is_wanted=is_wanted,
        config=reading.config,
        feedback=reading.feedback,
    )
    if form == "json":
        put(related_document(result.groups, result.coverage), document=True)
    elif result.groups:
        screen = stdout_screen(given.screen.color)
        blocks = _TEXT_VIEWS[shape](result.groups, result.coverage, reading.tz, screen.width)
        put(text_of(blocks, screen))
    if not result.groups:
        what, step = _why_nothing(result, request_ids, pattern, key)
        raise nothing_found(what, result.coverage, reading.tz, step)
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
