"""Follow requests until all are closed: the polling loop, and the times of the next reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from retryctl import errors
from retryctl.app.options import Clock
from retryctl.app.trace import TraceResult
from retryctl.core.crosscheck.checked_request import with_unseen_end
from retryctl.core.model.request import RequestOutcome

if TYPE_CHECKING:
    from retryctl.sources.saved.live_pipe import LivePipe


# A START is visible at once, a REPORT some seconds late.
_START_LATE_MS = 2_000
_OVERDUE_MS = 10_000
_LEAST_MS, _MOST_MS = 5_000, 60_000
# If the service fails for this long, the wait ends with the result so far.
_GIVE_UP_MS = 900_000
UNSEEN_FOR_MS = 60_000
"""The lines of an attempt appear within this time. After it an unknown ID is taken as wrong."""

T = TypeVar("T")


def poll(
    read: Callable[[], T],
    next_read_ms: Callable[[T, int], int | None],
    *,
    deadline_ms: int | None,
    clock: Clock,
    sleep: Callable[[float], None],
    on_wait: Callable[[T, int], None],
    on_failure: Callable[[errors.RetryctlError], None],
    cut_short: Callable[[T, errors.CouldNotRead], T],
) -> T:
    """Call ``read`` until nothing more is awaited or the deadline is over; return the last result.

    ``next_read_ms`` gives the time of the next read in epoch milliseconds, ``None`` where there
    is nothing to wait for. ``sleep`` takes seconds. ``on_wait`` is called before each wait, with
    the time at which it ends. After the first result, a read that the service throttles or does
    not answer is repeated; ``on_failure`` gets its error. Any other error, such as an expired
    login, ends the wait: ``cut_short`` adds its gap to the last result.
    """
    result = read()
    read_ms = now_ms = clock()
    next_ms = next_read_ms(result, now_ms)
    while next_ms is not None and (deadline_ms is None or now_ms < deadline_ms):
        until_ms = next_ms if deadline_ms is None else min(next_ms, deadline_ms)
        on_wait(result, until_ms)
        sleep((until_ms - now_ms) / 1000)
        try:
            result = read()
        except (errors.Throttled, errors.Unreachable) as error:
            on_failure(error)
            now_ms = clock()
            next_ms = now_ms + _OVERDUE_MS if now_ms - read_ms < _GIVE_UP_MS else None
        except errors.CouldNotRead as error:
            return cut_short(result, error)
        else:
            read_ms = now_ms = clock()
            next_ms = next_read_ms(result, now_ms)
    return result


def follow(
    read: Callable[[], TraceResult],
    *,
    timeout_ms: int | None,
    clock: Clock,
    sleep: Callable[[float], None],
    on_wait: Callable[[TraceResult, int], None],
    on_failure: Callable[[errors.RetryctlError], None],
) -> TraceResult:
    """Call ``read`` until every request is closed or the time is over; return the last result.

    A result without an attempt that an earlier one had counts as a failure. Where the log cannot
    be read again, what was open in the last result is unknown.
    """
    began_ms = clock()
    latest: TraceResult | None = None

    def read_whole() -> TraceResult:
        nonlocal latest
        result = read()
        if latest is not None:
            _refuse_lost_attempts(result, latest)
        latest = result
        return result

    def next_read_ms(result: TraceResult, now_ms: int) -> int | None:
        skew_ms = result.skew_ms  # the times in the result are the service's
        reads = _next_reads(result, now_ms + skew_ms, began_ms + skew_ms)
        return min((read_ms - skew_ms for read_ms in reads), default=None)

    return poll(
        read_whole,
        next_read_ms,
        deadline_ms=None if timeout_ms is None else began_ms + timeout_ms,
        clock=clock,
        sleep=sleep,
        on_wait=on_wait,
        on_failure=on_failure,
        cut_short=_cut_short,
    )


def _cut_short(result: TraceResult, error: errors.CouldNotRead) -> TraceResult:
    """Return the result with the gap that ``error`` leaves behind its last read."""
    from retryctl.sources.cloudwatch.gaps import not_read_again

    request_ids = [*(one.request.request_id for one in result.checked), *result.not_found]
    gap = not_read_again(result.coverage, error, request_ids)
    return replace(
        result,
        checked=[with_unseen_end(one, gap.message) for one in result.checked],
        coverage=replace(result.coverage, gaps=(*result.coverage.gaps, gap)),
    )


def _refuse_lost_attempts(result: TraceResult, before: TraceResult) -> None:
    """Raise the error of a gap if it hides an attempt of ``before``.

    Raises ``LoginExpired`` where the login expired during the read, else ``Unreachable`` where the
    gap may close.
    """
    known = {one.request.key: len(one.request.attempts) for one in result.checked}
    if all(known.get(one.request.key, 0) >= len(one.request.attempts) for one in before.checked):
        return
    for gap in result.coverage.gaps:
        if gap.kind == "expired":
            raise errors.LoginExpired(gap.message)
    for gap in result.coverage.gaps:
        if gap.may_close:
            raise errors.Unreachable(gap.message)


def _next_reads(result: TraceResult, now_ms: int, began_ms: int) -> Iterator[int]:
    """Yield the time of the next read for each open request."""
    may_close = any(gap.may_close for gap in result.coverage.gaps)
    for checked in result.checked:
        request = checked.request
        if request.outcome is RequestOutcome.PENDING:
            seen_ms = (request.next_attempt_due_ms or now_ms) + _START_LATE_MS
            yield seen_ms if seen_ms > now_ms else now_ms + _OVERDUE_MS
        elif request.outcome is RequestOutcome.RUNNING:
            ran_ms = now_ms - request.attempts[-1].placed_ms
            yield now_ms + min(_MOST_MS, max(_LEAST_MS, ran_ms // 2))
        elif request.outcome is RequestOutcome.UNKNOWN and may_close:
            yield now_ms + _OVERDUE_MS
    if result.not_found and now_ms - began_ms < UNSEEN_FOR_MS:
        yield now_ms + _LEAST_MS


_STEP_S, _QUIET_S, _BUSY_S = 0.1, 0.5, 5.0
_MOST_OF_TIME = 20  # reading takes at most a twentieth of the time, even without pauses


class PipeFollower:
    """Reads a pipe again after new content, once it pauses."""

    def __init__(self, pipe: LivePipe, read: Callable[[], TraceResult]) -> None:
        self._pipe, self._read = pipe, read
        self._size_read = 0
        self._next_s = time.monotonic() + _BUSY_S

    def follow(
        self, *, sleep: Callable[[float], None], on_wait: Callable[[TraceResult], None]
    ) -> TraceResult:
        """Return the requests of the whole log; ``on_wait`` gets them as they are before."""
        while not self._pipe.has_ended:
            sleep(_STEP_S)
            if self._pipe.quiet_s() > _QUIET_S or time.monotonic() > self._next_s:
                result = self.read_on()
                if result is not None and not self._pipe.has_ended:
                    on_wait(result)
        return self._read()

    def read_on(self) -> TraceResult | None:
        """Return the requests so far; ``None`` if nothing is new, or nothing can be read yet."""
        size, began_s = self._pipe.size, time.monotonic()
        if size == self._size_read:
            return None
        self._size_read = size
        result = None
        with suppress(errors.UnreadableInput):
            result = self._read()
        took_s = time.monotonic() - began_s
        self._next_s = time.monotonic() + max(_BUSY_S, _MOST_OF_TIME * took_s)
        return result
