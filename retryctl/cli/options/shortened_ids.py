"""Shortened request IDs, completed from a saved log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from shlex import quote

from retryctl.app.options import Feedback, SourceOptions
from retryctl.cli.options.ids import NamedRequests, named_requests, shortened_id
from retryctl.config import ProjectConfig
from retryctl.errors import UsageError


def whole_ids(
    arguments: Sequence[str],
    source: SourceOptions,
    config: ProjectConfig,
    feedback: Feedback,
) -> NamedRequests:
    """Return the requests that the arguments name; in a saved log an ID may be shortened."""
    saved_log = "" if source.source in ("cloudwatch", "-") else source.source

    def named(arguments: Sequence[str]) -> NamedRequests:
        lines, options = _stdin_lines(), source.aws_options
        return named_requests(arguments, lines, saved_log=saved_log, aws_options=options)

    unread = "-" if source.stdin is None else ""  # its pipe is followed instead
    if source.source in ("cloudwatch", unread) or not _shortened(arguments):
        return named(arguments)
    advice = f"Give more of the ID. retryctl list --from {quote(source.source)} shows the requests."
    return named(completed(arguments, source, config, feedback, lambda _: advice))


def completed(
    arguments: Sequence[str],
    source: SourceOptions,
    config: ProjectConfig,
    feedback: Feedback,
    advice: Callable[[str], str],
) -> list[str]:
    """Return the arguments with the shortened IDs of a saved log completed.

    Raises ``UsageError`` where no request ID of the log begins so, and, with the ``advice`` for
    the shortened ID, where several do.
    """
    from retryctl.app.traced_requests import matching_ids  # loads the engine of whole windows

    found = matching_ids(_shortened(arguments), source, config=config, feedback=feedback)
    for prefix, ids in found.items():
        if len(ids) > 1:
            some = f"{', '.join(ids[:3])}{', …' if len(ids) > 3 else ''}"
            raise UsageError(
                f"{len(ids)} request IDs of this log begin with {prefix}: {some}.", advice(prefix)
            )
    whole = {prefix: ids[0] for prefix, ids in found.items()}
    return [whole.get(shortened_id(each) or "", each) for each in arguments]


def needs_whole_log(arguments: Sequence[str]) -> bool:
    """Return whether the whole log shows which requests the arguments mean."""
    return not arguments or bool(_shortened(arguments))


def _shortened(arguments: Sequence[str]) -> list[str]:
    prefixes = map(shortened_id, arguments)
    return [prefix for prefix in prefixes if prefix]


def _stdin_lines() -> Iterator[str]:
    if sys.stdin is None:
        return
    from retryctl.sources.saved.decoding import encoding_of

    stdin = sys.stdin.buffer
    first = stdin.readline()
    if not first:  # stdin of a terminal can be read again after its end
        return
    encoding, _ = encoding_of(first)
    if encoding == "utf-8":
        yield first.decode(errors="replace")
        yield from (line.decode(errors="replace") for line in stdin)
    else:
        yield from (first + stdin.read()).decode(encoding, "replace").splitlines(keepends=True)
