"""Run work, and where it fails a branch by the number of earlier attempts: A, B, then C.

There are two ways to count, each with its own mistakes:

``count="failures"``
    An attempt is recorded when its work raises, before its branch runs. An attempt that times
    out, crashes or runs out of memory is never recorded, so the next one repeats its branch.
``count="starts"``
    An attempt is recorded before its work. None is missed, but every invocation pays for the
    store, and a second delivery of an event that went well counts as a retry.
"""

from __future__ import annotations

from retryctl.counters.attempts import NotCounted, described
from retryctl.counters.marker import log_marker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, Literal, Protocol, TypeVar, overload

    from retryctl.counters.protocol import Counter

    Event = TypeVar("Event")
    Ctx = TypeVar("Ctx")
    Result = TypeVar("Result")
    CountChoice = Literal["failures", "starts"]
    Branch = Callable[[Event, Ctx], Any]

    class Decorator(Protocol):
        """Makes a handler of work, with the result of the work, or what it awaits."""

        @overload
        def __call__(
            self, work: Callable[[Event, Ctx], Awaitable[Result]]
        ) -> Callable[[Event, Ctx], Result]: ...
        @overload
        def __call__(
            self, work: Callable[[Event, Ctx], Result]
        ) -> Callable[[Event, Ctx], Result]: ...


class settles:
    """A branch that settles the request: the handler returns the branch's result.

    The work's error is not raised, so Lambda takes the attempt for a success::

        retries(counter, a=retry_soon, b=retry_soon, c=settles(give_up))
    """

    def __init__(self, branch: Callable[[Any, Any], Any]) -> None:
        self._branch = branch

    def __call__(self, event: Any, context: Any) -> Any:
        """Run the branch."""
        return self._branch(event, context)


if TYPE_CHECKING:

    @overload
    def branch_on_retry(
        counter: Counter,
        event: Event,
        context: Ctx,
        work: Callable[[Event, Ctx], Awaitable[Result]],
        *,
        a: Branch[Event, Ctx] | None = ...,
        b: Branch[Event, Ctx] | None = ...,
        c: Branch[Event, Ctx] | None = ...,
        branches: Mapping[str, Branch[Event, Ctx]] | None = ...,
        count: CountChoice = ...,
        on_unknown: str | None = ...,
        key: Callable[[Event, Ctx], str] | None = ...,
        reserve_s: float = ...,
    ) -> Result:
        """Return what the work awaits."""

    @overload
    def branch_on_retry(
        counter: Counter,
        event: Event,
        context: Ctx,
        work: Callable[[Event, Ctx], Result],
        *,
        a: Branch[Event, Ctx] | None = ...,
        b: Branch[Event, Ctx] | None = ...,
        c: Branch[Event, Ctx] | None = ...,
        branches: Mapping[str, Branch[Event, Ctx]] | None = ...,
        count: CountChoice = ...,
        on_unknown: str | None = ...,
        key: Callable[[Event, Ctx], str] | None = ...,
        reserve_s: float = ...,
    ) -> Result:
        """Return the work's result."""


def branch_on_retry(
    counter: Counter,
    event: Event,
    context: Ctx,
    work: Callable[[Event, Ctx], Any],
    *,
    a: Branch[Event, Ctx] | None = None,
    b: Branch[Event, Ctx] | None = None,
    c: Branch[Event, Ctx] | None = None,
    branches: Mapping[str, Branch[Event, Ctx]] | None = None,
    count: CountChoice = "failures",
    on_unknown: str | None = "",
    key: Callable[[Event, Ctx], str] | None = None,
    reserve_s: float = 0.5,
) -> Any:
    """Return ``work(event, context)``; if it raises, run a branch and raise its error again.

    The branch is ``a`` with no earlier attempt, ``b`` with one and ``c`` with more, or that of
    ``branches``, by name in their order. It is called with ``(event, context)``. An error of its
    own is raised instead, with the first as its context; Lambda retries either way. A branch in
    ``settles`` returns instead. Work and branches may be ``async def``.

    ``count`` is "failures" or "starts" (see the module). ``key`` gives what is counted, by default
    the request ID: an event source that retries with new IDs has another one, such as a message ID.
    The store has until ``reserve_s`` seconds before the function's timeout.

    A store that fails breaks nothing: where the count is unknown the branch ``on_unknown`` (a
    name; by default the first; None for no branch) runs, and the marker has the store's error.
    Raises ``ValueError`` before the work for a wrong choice.
    """
    choice = BranchChoice(counter, a, b, c, branches, count, on_unknown, key, reserve_s)
    return choice.run(event, context, work)


def retries(
    counter: Counter,
    *,
    a: Branch[Any, Any] | None = None,
    b: Branch[Any, Any] | None = None,
    c: Branch[Any, Any] | None = None,
    branches: Mapping[str, Branch[Any, Any]] | None = None,
    count: CountChoice = "failures",
    on_unknown: str | None = "",
    key: Callable[[Any, Any], str] | None = None,
    reserve_s: float = 0.5,
) -> Decorator:
    """Make a handler of work: the decorator form of ``branch_on_retry``, with its options.

    ::

        @retries(TmpCounter(), a=do_a, b=do_b, c=do_c)
        def lambda_handler(event, context): ...

    Raises ``ValueError`` when the module is loaded, not at each invocation.
    """
    choice = BranchChoice(counter, a, b, c, branches, count, on_unknown, key, reserve_s)

    def decorate(work: Any) -> Any:
        def handler(event: Any, context: Any) -> Any:
            return choice.run(event, context, work)

        handler.__wrapped__ = work  # type: ignore[attr-defined]  # as functools.wraps, unloaded
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            setattr(handler, name, getattr(work, name, None))
        return handler

    return decorate


class BranchChoice:
    """The branches of a handler and the way to choose one, checked once.

    Raises ``ValueError`` for a wrong choice.
    """

    def __init__(
        self,
        counter: Any,
        a: Any,
        b: Any,
        c: Any,
        branches: Any,
        count: str,
        on_unknown: str | None,
        key: Any,
        reserve_s: float,
    ) -> None:
        given = {name: one for name, one in (("A", a), ("B", b), ("C", c)) if one is not None}
        if branches is None and len(given) < 3:
            raise ValueError("pass a, b and c, or branches")
        if branches is not None and (given or not branches):
            raise ValueError("branches must map names to functions; do not pass a, b or c with it")
        self._branches: dict[str, Any] = dict(branches) if branches is not None else given
        self._names = list(self._branches)
        if count not in ("failures", "starts"):
            raise ValueError(f'count must be "failures" or "starts", not {count!r}')
        self._counts = count
        self._on_unknown = self._names[0] if on_unknown == "" else on_unknown
        if self._on_unknown is not None and self._on_unknown not in self._branches:
            names = ", ".join(f'"{name}"' for name in self._names)
            raise ValueError(f"on_unknown must be {names} or None, not {on_unknown!r}")
        for name, branch in self._branches.items():
            if not callable(branch):
                raise ValueError(f"the branch {name} must be callable, not {branch!r}")
        if not callable(getattr(counter, "take", None)):
            raise ValueError(f"the counter must have a method take, not {counter!r}")
        if key is not None and not callable(key):
            raise ValueError(f"key must be callable, not {key!r}")
        if isinstance(reserve_s, bool) or not isinstance(reserve_s, (int, float)) or reserve_s < 0:
            raise ValueError(f"reserve_s must be a number of seconds, not {reserve_s!r}")
        self._counter = counter
        self._key = key or _request_id
        self._reserve_s = reserve_s

    def run(self, event: Any, context: Any, work: Any) -> Any:
        """Run the work, and a branch where it fails."""
        tally = None
        if self._counts == "starts":
            tally = self._take(event, context)
            tally.log(self._counter, context, self._counts, branch=None)
        try:
            return _called(work, event, context)
        except Exception:
            tally = tally or self._take(event, context)
            name = self._due(tally.earlier)
            # Before the branch, so that one which times out or crashes is known to have run.
            tally.log(self._counter, context, self._counts, branch=name)
            if name is not None:
                branch = self._branches[name]
                result = _called(branch, event, context)
                if isinstance(branch, settles):
                    return result
            raise

    def _due(self, earlier: int | None) -> str | None:
        if earlier is None:
            return self._on_unknown
        return self._names[min(earlier, len(self._names) - 1)]

    def _take(self, event: Any, context: Any) -> _Tally:
        """Take a number; an error of the store goes into the marker."""
        tally = _Tally()
        try:
            # None where the context has no request ID: the store refuses it, as any bad key.
            key = self._key(event, context)
            tally.key = key if self._key is not _request_id else None
            taken = _within(self._counter, key, _time_left_s(context, self._reserve_s))
        except Exception as error:
            tally.error = described(error)
            tally.recorded = isinstance(error, NotCounted) and error.recorded
        else:
            tally.earlier = int(taken)
            tally.recorded = getattr(taken, "recorded", True)
            tally.error = getattr(taken, "error", None)
            tally.store = getattr(taken, "store", None)
        return tally


class _Tally:
    """What the store returned for one attempt."""

    def __init__(self) -> None:
        self.earlier: int | None = None
        self.recorded = False
        self.error: str | None = None
        self.store: str | None = None
        self.key: str | None = None

    def log(self, counter: Counter, context: Any, counts: str, *, branch: str | None) -> None:
        log_marker(
            context,
            counter=self.earlier,
            branch=branch,
            store=self.store or counter.store,
            recorded=self.recorded,
            counts=counts,
            error=self.error,
            key=self.key,
        )


def _request_id(event: Any, context: Any) -> Any:
    return getattr(context, "aws_request_id", None)


def _called(function: Any, event: Any, context: Any) -> Any:
    """Call a function; run what an ``async def`` returns to its end."""
    result = function(event, context)
    if not hasattr(result, "__await__"):
        return result
    import asyncio  # here, since most functions do not need it

    async def awaited() -> Any:
        return await result

    return asyncio.run(awaited())


def _time_left_s(context: Any, reserve_s: float) -> float | None:
    """Return the seconds that the store may take, None where the context does not have it."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return None if remaining is None else max(0.0, remaining() / 1000 - reserve_s)


def _within(counter: Counter, key: str, limit_s: float | None) -> int:
    """Take a number within the limit; only a store that may be slow gets a thread of its own."""
    if limit_s is None or counter.store == "tmp":
        return counter.take(key)
    import threading

    answers: list[int] = []
    errors: list[Exception] = []

    def take() -> None:
        try:
            answers.append(counter.take(key))
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    thread.join(limit_s)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer from {counter.store} within {limit_s:.1f} s")
    return answers[0]
