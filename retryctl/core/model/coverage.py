"""What a source is to read, and what it then read.

Times are epoch milliseconds (``_ms``); ``None`` in them means open, or not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Literal

from retryctl.core.model.limits import LONGEST_EVENT_AGE_S
from retryctl.core.value_classes import value_class


@value_class
class LogQuery:
    """What a source is to read; each source turns it into its own terms.

    CloudWatch makes a filterPattern of it, a saved file a test on the bytes before anything
    is parsed. The window is [since_ms, until_ms), ``None`` where it is open. With
    ``request_ids`` a source yields whatever is needed to rebuild these requests whole: their
    attempts before and after the window too, and around each attempt the lines of its
    stream, which carry no ID. ``versions`` select the requests that ran one of them; the request
    stays whole, and one whose version is not logged is selected. ``place`` has the account
    and the region of a function that is named by its ARN. With ``keeps_places`` log groups and
    functions are named with account and region wherever the log does.
    """

    request_ids: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    log_groups: tuple[str, ...] = ()
    function: str | None = None
    versions: frozenset[str] | None = None
    place: tuple[str | None, str | None] = (None, None)
    keeps_places: bool = False


def runs_version(versions: frozenset[str] | None, ran: Iterable[str | None]) -> bool:
    """Whether ``versions`` select a request whose attempts ran ``ran``."""
    return versions is None or any(version in (None, *versions) for version in ran)


GapKind = Literal[
    "denied",
    "expired",
    "throttled",
    "unreachable",
    "no-such-group",
    "refused",
    "retention",
    "created",
    "too-fresh",
    "too-many-rows",
    "lines-missing",
    "dropped",
    "masked",
    "transformed",
    "lines-between",
    "not-looked-up",
    "unordered",
    "truncated",
    "one-stream",
    "more-pages",
    "unrecognised",
    "not-understood",
    "skipped",
    "changed",
    "begins-late",
    "filtered",
    "lost-lines",
    "searched-by-id",
]
"""Why a part of the log was not read. ``terms.md`` explains each."""

EndsBefore = Literal["next attempt", "end"]

UNORDERED: Final = "unordered"
"""The order of lines of one millisecond, on which claims depend, is not known."""

AFTER_LOGIN: Final = " && "
"""Separates, in what closes a gap of kind ``expired``, a login from the command behind it."""


@value_class
class Gap:
    """A part of the log that was not read.

    ``kind`` is a word for programs, ``message`` a sentence for people, ``settle`` a command that
    closes the gap, or ``None``. ``hides_attempts``: a whole attempt could lie in the gap, so
    attempts cannot be counted across it. ``hides_lines``: lines without a request ID are missing
    from attempts that were read (printed output, and the error marker of some runtimes).
    ``remedy`` is a sentence on what has to change before ``settle`` can close the gap.
    """

    kind: GapKind
    message: str
    log_group: str | None = None
    log_stream: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    settle: str | None = None
    hides_attempts: bool = False
    hides_lines: bool = False
    remedy: str = ""

    @property
    def may_close(self) -> bool:
        """Whether reading again later could close it."""
        return self.kind in ("throttled", "unreachable", "too-fresh", "lines-missing", "changed")


def gaps_of_window(gaps: Iterable[Gap], since_ms: int | None) -> tuple[Gap, ...]:
    """Select the gaps that can hide attempts of a request with an attempt at ``since_ms`` or later.

    The attempts of one request start at most the longest event age apart.
    """
    age_ms = LONGEST_EVENT_AGE_S * 1000
    return tuple(
        gap
        for gap in gaps
        if since_ms is None or gap.until_ms is None or gap.until_ms + age_ms > since_ms
    )


@value_class
class Coverage:
    """What was read: log groups, window, streams, calls, and what is missing.

    ``since_ms`` and ``until_ms`` bound what was read; outcomes are those as of ``horizon_ms``:
    now, ``--until``, or the last event of a saved log.
    ``given_since_ms`` is ``--since`` and ``as_of_ms`` ``--until`` where they were given.
    ``pages`` are answers of a search, ``bytes_scanned`` what Logs Insights was charged for.
    ``first_event_ms`` is set where the start of what was read is only that of a file, so
    that earlier attempts may have been cut away; ``last_event_ms`` is where that file ends.
    ``where`` is the file or folder as it was given. ``aws_options`` are the options --profile,
    --region, --endpoint-url and --unmask of the command, quoted for a shell, each after a blank.
    ``given_names`` are its functions (-f) and log groups (-g), written the same way.
    ``torn_streams`` are the groups and streams that show that lines were lost.
    ``only_own_streams``: no other streams than those that mention the requests were examined for
    lost lines.
    ``left_out`` has the request IDs of the file that the query does not name, each with its
    function or log group. ``web_requests`` counts the requests to web functions, which are not
    events; with ``web_function`` the log has records of one, whether or not they have an ID.
    ``lacks_lines``: requests in the log show that lines or attempts of them may be missing.
    ``ends_before`` is what the end of the log cuts off: the next attempt, or the end of the last.
    ``wrong_requests`` counts the requests of the log with a wrong counter; ``None``: not known.
    """

    source: str
    where: str | None = None
    aws_options: str = ""
    given_names: str = ""
    log_groups: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    horizon_ms: int | None = None
    given_since_ms: int | None = None
    as_of_ms: int | None = None
    first_event_ms: int | None = None
    last_event_ms: int | None = None
    torn_streams: frozenset[tuple[str | None, str | None]] = frozenset()
    only_own_streams: bool = False
    left_out: tuple[tuple[str, str], ...] = ()
    events_read: int = 0
    events_unrecognised: int = 0
    web_requests: int = 0
    web_function: bool = False
    lacks_lines: bool = False
    ends_before: frozenset[EndsBefore] = frozenset()
    wrong_requests: int | None = None
    api_calls: int = 0
    pages: int = 0
    bytes_read: int = 0
    bytes_scanned: int = 0
    gaps: tuple[Gap, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing."""
        return not self.gaps and not self.lacks_lines

    def with_lacking(
        self, lacks_lines: bool, ends_before: frozenset[EndsBefore] = frozenset()
    ) -> Coverage:
        """Return the coverage, which ``lacks_lines`` of requests, or ends before they do."""
        if not lacks_lines and not ends_before:
            return self
        return replace(self, lacks_lines=lacks_lines or self.lacks_lines, ends_before=ends_before)
