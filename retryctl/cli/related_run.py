"""Run ``retryctl trace --related``: group the requests of a saved log by event, and print."""

from __future__ import annotations

from collections.abc import Sequence

from retryctl.app.related import find_related
from retryctl.cli.ids import request_ids as read_ids
from retryctl.cli.params import AwsOptions, ReadOptions, ScreenOptions
from retryctl.cli.source import source_options, time_window
from retryctl.cli.terminal import TerminalFeedback, put, stdout_screen
from retryctl.cli.times import zone
from retryctl.config import config_for
from retryctl.core.related.keys import KeyPatternError, KeyReader, key_reader, known_keys
from retryctl.errors import ExitStatus, NothingFound, UsageError
from retryctl.views.json.related import related_document
from retryctl.views.text.related import related_text


def run_related(
    request_ids: Sequence[str] | None,
    read: ReadOptions,
    aws: AwsOptions,
    screen: ScreenOptions,
    *,
    key: str | None,
    form: str,
    related: bool,
) -> ExitStatus:
    """Print the events with several request IDs; of the given IDs, or of the whole log."""
    if not related:
        raise UsageError("--key names the event of --related.", "Give --related too.")
    if form not in ("text", "json"):
        raise UsageError(f"--related has no output {form!r}.", "Use text or json.")
    config = config_for(read.source)
    result = find_related(
        read_ids(request_ids or (), ()),
        source_options(read, aws, config),
        time_window(read, screen.tz),
        read_key=_key_reader(key),
        config=config,
        feedback=TerminalFeedback(quiet=screen.quiet),
    )
    if form == "json":
        put(related_document(result.groups, result.coverage), document=True)
    elif result.groups:
        shown = stdout_screen(screen.color)
        put(
            related_text(
                result.groups,
                result.coverage,
                tz=zone(screen.tz),
                console_width=shown.width,
                colour=shown.colour,
                ascii_only=shown.ascii_only,
            )
        )
    if not result.groups:
        raise NothingFound(
            "no request shares an event with another.",
            "--key PATTERN says what names the event in a log line, such as 'order=(\\d+)'.",
        )
    return ExitStatus.OK


def _key_reader(pattern: str | None) -> KeyReader:
    if pattern is None:
        return known_keys
    try:
        return key_reader(pattern)
    except KeyPatternError as error:
        raise UsageError(
            f"--key {pattern!r}: {error}.",
            "Give a regular expression with a group, or a path such as $.detail.order.",
        ) from None
