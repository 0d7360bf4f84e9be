"""The gaps of CloudWatch Logs: a sentence for each, and the command that closes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from retryctl.core.history.event_order import Doubt, unordered_gaps
from retryctl.core.model.coverage import AFTER_LOGIN, Coverage, Gap, GapKind
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import LogsDropped
from retryctl.core.timestamps import iso_text
from retryctl.core.wording import number_of
from retryctl.errors import (
    AccessDenied,
    LoginExpired,
    NoCredentials,
    NoSuchLogGroup,
    RetryctlError,
    Throttled,
    Unreachable,
)
from retryctl.sources.aws.credential_errors import LOG_IN
from retryctl.sources.aws.log_groups import Description, LogGroup
from retryctl.sources.cloudwatch.hits import Hit, StreamSlice
from retryctl.sources.cloudwatch.insights_features import NOT_KNOWN
from retryctl.sources.cloudwatch.pages import StreamStretch, TimeRange

_USE_FILTER = "Use --engine filter, where the group's class allows it"
_KINDS: tuple[tuple[type[RetryctlError], GapKind], ...] = (
    (AccessDenied, "denied"),
    (LoginExpired, "expired"),
    (NoCredentials, "expired"),
    (Throttled, "throttled"),
    (Unreachable, "unreachable"),
    (NoSuchLogGroup, "no-such-group"),
)


def not_searched(
    group: LogGroup, window: TimeRange, error: RetryctlError, settle: str | None
) -> Gap:
    """Part of a group in which attempts may lie. ``settle`` is a command that searches again."""
    since, until = iso_text(window.since_ms), iso_text(window.until_ms)
    what = f"{group.name} from {since} to {until} was not searched"
    return _failed(group, window, what, error, settle)


def not_read_again(coverage: Coverage, error: RetryctlError, request_ids: Sequence[str]) -> Gap:
    """Describe the time after the last read of a wait that ``error`` ended."""
    place = f"{coverage.given_names}{coverage.aws_options}"
    again = rerun_command(request_ids, place, coverage.since_ms or 0, None)
    since = "" if coverage.horizon_ms is None else f" after {iso_text(coverage.horizon_ms)}"
    return Gap(
        kind=_kind(error),
        message=f"the log was not read{since}: {_why(error)}",
        since_ms=coverage.horizon_ms,
        settle=_after_login(error, again),
        hides_attempts=True,
    )


def not_read(group: LogGroup, part: StreamSlice, error: RetryctlError, settle: str | None) -> Gap:
    """Describe attempts that were found, but whose lines could not be read."""
    window = replace(part.window, since_ms=part.known[0].timestamp_ms)
    what = f"an attempt at {iso_text(window.since_ms)} in {part.log_stream} was found but not read"
    return _failed(group, window, what, error, settle, log_stream=part.log_stream)


def lines_missing(
    group: LogGroup, part: StreamSlice, lost: Sequence[Hit], settle: str | None
) -> Gap:
    """Return the gap of lines that the search found and the stream does not have."""
    window = TimeRange(since_ms=lost[0].timestamp_ms, until_ms=lost[-1].timestamp_ms + 1)
    message = (
        f"{len(lost)} of {len(part.known)} lines that the search found are missing from the "
        f"stream {part.log_stream}"
    )
    of = {"log_stream": part.log_stream, "settle": settle, "hides_attempts": True}
    return _gap("lines-missing", group, message, window, **of)


def dropped(event: LogEvent, record: LogsDropped) -> Gap:
    """Return the gap of records that never came to the log."""
    many = "records" if record.dropped_records is None else f"{record.dropped_records:,} records"
    why = f": {record.reason}" if record.reason else ""
    return Gap(
        kind="dropped",
        message=f"Lambda dropped {many} of {event.log_stream} before {iso_text(event.timestamp_ms)}"
        f"{why}",
        log_group=event.log_group,
        log_stream=event.log_stream,
        until_ms=event.timestamp_ms,
    )


def masked(group: LogGroup, known: Description, lines: int, *, unmask: bool) -> Iterator[Gap]:
    """Yield the gap of what data protection hides, or may hide where it is not known.

    With ``unmask`` only where the group's class does not take that: its rows keep their masks.
    """
    takes_unmask = known.log_class in (None, "STANDARD")
    if known.masked is False or (unmask and takes_unmask):
        return
    message = f"data protection of {group.name} masks parts of its lines ({lines} here)"
    if known.masked is None:
        message = (
            f"{number_of(lines, 'line')} of {group.name} with **** may be masked: whether the "
            "group has data protection is not known (logs:DescribeLogGroups is needed)"
        )
    settle = "Add --unmask, which needs the permission logs:Unmask" if takes_unmask else None
    yield _gap("masked", group, message, settle=settle)


def too_fresh(group: LogGroup, window: TimeRange, settle: str | None = None) -> Gap:
    """Return the gap of events that Insights may not find yet; the horizon is their start.

    An answer as of then has no gap, and needs no later reading.
    """
    since = iso_text(window.since_ms)
    message = (
        f"Logs Insights reads {group.name} and may not find its latest events yet, after {since}"
    )
    settle = settle or f"Add --until {since}"
    return _gap("too-fresh", group, message, window, settle=settle, hides_attempts=True)


def pairs_not_verified(group: LogGroup, pairs: int, verified: int) -> Gap:
    """Return the gap of pairs of lines that are assumed to be neighbours."""
    checked = f"none of {pairs:,} pairs was checked"
    if verified:
        some = f"{verified:,} of {pairs:,} pairs, those with the most time between,"
        checked = f"{some} were checked and have none"
    message = (
        f"in {group.name} only the lines that describe attempts were read; other lines can "
        f"stand between an integer and its branch, or after an error: {checked}"
    )
    return _gap("not-looked-up", group, message)


def counter_not_verified(group: LogGroup, stretch: StreamStretch) -> Gap:
    """Return the gap of a wrong counter that rests on lines which were not read."""
    message = (
        f"{stretch.log_stream} could not be checked for lines between the counter and its "
        f"branch after {iso_text(stretch.window.since_ms)}"
    )
    return _not_looked_up(group, stretch, message, hides_lines=True)


def attempts_unproved(group: LogGroup, stretch: StreamStretch) -> Gap:
    """Return the gap of a START without any other line, which can be printed text."""
    message = (
        f"the lines of {stretch.log_stream} after the START at "
        f"{iso_text(stretch.window.since_ms)} could not be read: the START may be printed text"
    )
    return _not_looked_up(group, stretch, message, hides_attempts=True)


def _not_looked_up(group: LogGroup, stretch: StreamStretch, message: str, **hides: bool) -> Gap:
    of: dict[str, Any] = {"log_stream": stretch.log_stream, "settle": _USE_FILTER, **hides}
    return _gap("not-looked-up", group, message, stretch.window, **of)


def lines_between(group: LogGroup) -> Gap:
    """Describe selected lines without those between, where Insights cannot return them all."""
    message = (
        f"{group.name} has, or may have, other lines between an integer and its branch, or after "
        "an error: counters may be read wrong"
    )
    return _gap("lines-between", group, message, settle=_USE_FILTER, hides_lines=True)


def may_be_rewritten(group: LogGroup) -> Gap:
    """Return the gap of a query that may have returned transformed text."""
    message = (
        f"{NOT_KNOWN.format(group.name)} (logs:GetTransformer and logs:DescribeAccountPolicies "
        "are needed): Logs Insights may have returned transformed text, in which attempts are not "
        "recognised"
    )
    return _gap("transformed", group, message, settle=_USE_FILTER, hides_attempts=True)


def too_many(group: LogGroup, second: TimeRange) -> Gap:
    """More lines of one second than an answer of Insights can have."""
    at = iso_text(second.since_ms)
    message = f"{group.name} has more lines at {at} than Logs Insights returns"
    return _gap("too-many-rows", group, message, second, settle=_USE_FILTER, hides_attempts=True)


def unordered(
    group: LogGroup, doubts: Sequence[Doubt], *, lookups_ended: bool = False
) -> Iterator[Gap]:
    """Yield the gaps of doubts in a log group.

    ``lookups_ended``: GetLogEvents may give the order, for a window with fewer of them.
    """
    settle = "Shorten the window with --since and --until" if lookups_ended else _USE_FILTER
    return unordered_gaps(doubts, log_group=group.name, settle=settle)


def not_kept(group: LogGroup, described: Description, since_ms: int, now_ms: int) -> Iterator[Gap]:
    """Yield the gaps for the time since ``since_ms`` that the group does not keep."""
    kept_ms = described.kept_since_ms(now_ms)
    if kept_ms is not None and kept_ms > since_ms:
        days = number_of(described.retention_days or 0, "day")
        message = f"{group.name} keeps {days}: events before {iso_text(kept_ms)} are deleted"
        before = TimeRange(since_ms=since_ms, until_ms=kept_ms)
        yield _gap("retention", group, message, before, hides_attempts=True)
    yield from created_later(group, described, since_ms)


def created_later(group: LogGroup, described: Description, since_ms: int) -> Iterator[Gap]:
    """Yield the gap for the time since ``since_ms`` in which the group did not exist."""
    created_ms = described.created_ms
    if created_ms is not None and created_ms > since_ms:
        at = iso_text(created_ms)
        message = (
            f"{group.name} was created at {at}; logs of an earlier group of that name are gone"
        )
        yield _gap("created", group, message, TimeRange(since_ms=since_ms, until_ms=created_ms))


def with_usable_advice(gaps: Iterable[Gap], describe: Callable[[], Description]) -> list[Gap]:
    """Return the gaps without the advice to use an engine that the group's class refuses."""
    return [
        replace(gap, settle=None)
        if gap.settle == _USE_FILTER and describe().needs_insights
        else gap
        for gap in gaps
    ]


def found_first(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Sort the gaps: first those that hide attempts that were found."""
    return tuple(sorted(gaps, key=lambda gap: (not gap.hides_attempts, gap.log_stream is None)))


def rerun_command(
    request_ids: Sequence[str], place: str, since_ms: int, until_ms: int | None
) -> str | None:
    """Return the command that searches again for these requests, in this place and window."""
    if not request_ids:
        return None
    until = "" if until_ms is None else f" --until {iso_text(until_ms)}"
    where = f"{place.strip()} --since {iso_text(since_ms)}{until}"
    return f"retryctl trace {' '.join(request_ids)} {where}"


def _gap(
    kind: GapKind, group: LogGroup, message: str, window: TimeRange | None = None, **more: Any
) -> Gap:
    """Return a gap of a log group, or of a window of it."""
    if window:
        more |= {"since_ms": window.since_ms, "until_ms": window.until_ms}
    return Gap(kind=kind, message=message, log_group=group.name, **more)


def _failed(
    group: LogGroup,
    window: TimeRange,
    what: str,
    error: RetryctlError,
    settle: str | None,
    **more: Any,
) -> Gap:
    """Return the gap of a window that a failed call left. A refused caller gets the remedy."""
    more |= {"settle": _after_login(error, settle), "hides_attempts": True}
    if isinstance(error, AccessDenied):
        more["remedy"] = error.next_step
    return _gap(_kind(error), group, f"{what}: {_why(error)}", window, **more)


def _why(error: RetryctlError) -> str:
    """Return what failed; for credentials that have expired also how to renew them."""
    if isinstance(error, (LoginExpired, NoCredentials)) and error.next_step:
        return f"{error.what}. {error.next_step.rstrip('.')}"
    return error.what


def _after_login(error: RetryctlError, settle: str | None) -> str | None:
    """Return the command that reads again, behind the login where that has expired."""
    if not isinstance(error, LoginExpired) or not error.next_step.startswith(LOG_IN):
        return settle
    login = error.next_step.removeprefix(LOG_IN)
    return f"{login}{AFTER_LOGIN}{settle}" if settle else login


def _kind(error: RetryctlError) -> GapKind:
    return next((kind for of, kind in _KINDS if isinstance(error, of)), "refused")
