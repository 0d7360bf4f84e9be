"""Following requests until their sequences close: when to look again, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo

from retryctl.app.trace import TraceResult
from retryctl.cli.params import SourceOptions
from retryctl.cli.times import read_duration
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.errors import UsageError
from retryctl.views.sentences import outcome_sentence

# A START is visible at once, a REPORT some seconds late.
_START_LATE_MS = 2_000
_OVERDUE_MS = 10_000
_LEAST_MS, _MOST_MS = 5_000, 60_000
# Lines of an attempt that has just begun are there by then; later the ID is a wrong one.
_UNSEEN_FOR_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """``--wait``, for at most ``timeout_ms`` where that is given."""

    timeout_ms: int | None = None


def read_wait(wait: bool, timeout: str | None, look: SourceOptions) -> Wait | None:
    """``--wait`` and ``--timeout``, understood. Raises ``UsageError``."""
    if not wait:
        if timeout is not None:
            raise UsageError("--timeout says how long to wait.", "Give --wait too.")
        return None
    if look.source != "cloudwatch":
        raise UsageError(
            f"--wait has nothing to wait for with --from {look.source}.",
            "It follows a request on CloudWatch.",
        )
    if look.until is not None:
        raise UsageError("--wait follows a request beyond --until.", "Leave one of them away.")
    return Wait(timeout_ms=None if timeout is None else read_duration(timeout))


def follow(
    read: Callable[[], TraceResult],
    wait: Wait,
    *,
    clock: Callable[[], int],
    sleep: Callable[[float], None],
    say: Callable[[str], None],
    tz: tzinfo,
) -> TraceResult:
    """What ``read`` gives once nothing more is awaited, or the time is up.

    ``clock`` gives epoch milliseconds, ``sleep`` takes seconds. What is awaited is said once.
    """
    began_ms = clock()
    said: set[str] = set()
    while True:
        story, now_ms = read(), clock()
        looks = list(_next_looks(story, now_ms, began_ms))
        left_ms = None if wait.timeout_ms is None else began_ms + wait.timeout_ms - now_ms
        if not looks or (left_ms is not None and left_ms <= 0):
            return story
        for key, sentence in _awaited(story, tz):
            if key not in said:
                say(sentence)
                said.add(key)
        sleep(min(min(looks) - now_ms, _MOST_MS * 60 if left_ms is None else left_ms) / 1000)


def _next_looks(story: TraceResult, now_ms: int, began_ms: int) -> Iterator[int]:
    """When each request that is open is worth another look."""
    for checked in story.checked:
        request = checked.request
        if request.outcome is RequestOutcome.PENDING:
            seen_ms = (request.next_attempt_due_ms or now_ms) + _START_LATE_MS
            yield seen_ms if seen_ms > now_ms else now_ms + _OVERDUE_MS
        elif request.outcome is RequestOutcome.RUNNING:
            ran_ms = now_ms - request.attempts[-1].placed_ms
            yield now_ms + min(_MOST_MS, max(_LEAST_MS, ran_ms // 2))
    if story.not_found and now_ms - began_ms < _UNSEEN_FOR_MS:
        yield now_ms + _LEAST_MS


def _awaited(story: TraceResult, tz: tzinfo) -> Iterator[tuple[str, str]]:
    """A key and a sentence for each request that is open."""
    for checked in story.checked:
        request = checked.request
        if request.outcome in (RequestOutcome.PENDING, RequestOutcome.RUNNING):
            told = outcome_sentence(request, story.coverage, tz).words
            yield _key(request), f"waiting: {request.request_id} {told}"
    for request_id in story.not_found:
        yield request_id, f"waiting: nothing is seen of {request_id} yet"


def _key(request: Request) -> str:
    return f"{request.request_id} {request.log_group} {request.outcome} {len(request.attempts)}"
