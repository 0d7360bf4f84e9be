"""Work, and where it fails branch by the number of earlier attempts: A, B, then C.

Two ways to count, and where each is wrong:

``count="failures"``
    An attempt is recorded when its work raises, before its branch runs. An attempt that times
    out, crashes or runs out of memory is never recorded, so the next one repeats its branch.
``count="starts"``
    An attempt is recorded before its work. None is missed, but every invocation pays for the
    store, and a second delivery of an event that went well counts as a retry.
"""

from __future__ import annotations

from retryctl.counters.marker import log_marker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Counter(Protocol):
        """A store of attempts. Where ``atomic``, ``record`` itself returns the earlier attempts."""

        store: str
        atomic: bool

        def count(self, request_id: str) -> int:
            """How many attempts of the request are recorded."""

        def record(self, request_id: str) -> int | None:
            """Record one more."""


def branch_on_retry(
    counter: Counter,
    event: Any,
    context: Any,
    work: Callable[[Any, Any], Any],
    *,
    a: Callable[[Any, Any], Any],
    b: Callable[[Any, Any], Any],
    c: Callable[[Any, Any], Any],
    count: str = "failures",
    on_unknown: str | None = "A",
) -> Any:
    """Return ``work(event, context)``; if it raises, run a branch and raise its error again.

    The branch is ``a`` with no earlier attempt, ``b`` with one and ``c`` with more; it is called
    with ``(event, context)``, and an error of its own is raised instead, with the first as its
    context: Lambda retries either way. ``count`` is "failures" or "starts" (see the module).

    A store that refuses breaks nothing: where the count is unknown the branch ``on_unknown``
    ("A", "B", "C", or None for no branch) runs, and the marker tells what went wrong. Raises
    ``ValueError`` before the work where ``count`` or ``on_unknown`` is none of these.
    """
    branches = {"A": a, "B": b, "C": c}
    if count not in ("failures", "starts"):
        raise ValueError(f'count must be "failures" or "starts", not {count!r}')
    if on_unknown is not None and on_unknown not in branches:
        raise ValueError(f'on_unknown must be "A", "B", "C" or None, not {on_unknown!r}')

    tally = None
    if count == "starts":
        tally = _take(counter, context)
        tally.log(counter, context, count, branch=None)
    try:
        return work(event, context)
    except Exception:
        tally = tally or _take(counter, context)
        name = on_unknown if tally.earlier is None else "ABC"[min(tally.earlier, 2)]
        # Before the branch, so that one which times out or crashes is known to have run.
        tally.log(counter, context, count, branch=name)
        if name is not None:
            branches[name](event, context)
        raise


class _Tally:
    """What the store said of one attempt."""

    def __init__(self) -> None:
        self.earlier: int | None = None
        self.recorded = False
        self.error: str | None = None

    def log(self, counter: Counter, context: Any, counts: str, *, branch: str | None) -> None:
        log_marker(
            context,
            counter=self.earlier,
            branch=branch,
            store=counter.store,
            recorded=self.recorded,
            counts=counts,
            error=self.error,
        )

    def failed(self, error: Exception) -> None:
        self.error = self.error or f"{type(error).__name__}: {error}"


def _take(counter: Counter, context: Any) -> _Tally:
    """Count and record. Whatever the store raises is told, never raised."""
    tally = _Tally()
    # None where the context names no request: the store refuses it, as it does any bad ID.
    request_id: Any = getattr(context, "aws_request_id", None)
    if not counter.atomic:
        try:
            tally.earlier = counter.count(request_id)
        except Exception as error:
            tally.failed(error)
    # Also where counting failed: the next attempt then counts this one.
    try:
        answer = counter.record(request_id)
        tally.recorded = True
    except Exception as error:
        tally.failed(error)
    else:
        tally.earlier = answer if counter.atomic else tally.earlier
    return tally
