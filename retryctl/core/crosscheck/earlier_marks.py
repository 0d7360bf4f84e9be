"""The marks that attempts leave for later ones to count, and which of them are visible.

A mark in /tmp is visible only in the execution environment in which it was left; one in a
durable store is visible to every later attempt. ``EarlierMarks`` counts them for all attempts of
a request in one pass, so that 100,000 attempts are checked in linear time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice, pairwise, takewhile

from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.value_classes import value_class

MOST_NAMED = 5
"""As many earlier attempts are named, and given as evidence, in one finding."""


def was_recorded(attempt: Attempt, branches: Branches) -> bool | None:
    """Whether it left a mark to be counted; ``None`` where its lines do not prove either.

    A marker of ``retryctl.counters`` states it. The original handler leaves a file in every
    branch but the last. A function that logs only its counter is taken to leave a mark when it
    fails with an error.
    """
    claim = attempt.claim
    if claim.recorded is not None:
        return claim.recorded
    if claim.branch is not None:
        return branches.numbers.get(claim.branch, 0) < branches.last
    unended = attempt.report_event is None and not attempt.outcome.failed
    if attempt.start_event is None or attempt.dropped or attempt.shares_claims or unended:
        return None
    if claim.counter is not None:
        return attempt.outcome is AttemptOutcome.ERROR and claim.counter < branches.last
    return False


def counts_in_tmp(attempt: Attempt) -> bool:
    """Whether it counts files in /tmp: its marker states it, or it logs no marker."""
    return attempt.claim.store in (None, "tmp")


@value_class
class Some:
    """A group of attempts: the first few of them, and their number."""

    first: tuple[Attempt, ...]
    count: int

    def __bool__(self) -> bool:
        """Whether the group has an attempt."""
        return self.count > 0


class EarlierMarks:
    """The marks and the attempts before each attempt of one request.

    An environment is a log stream. Where the log names no streams, a cold attempt after a plain
    error began a new environment: no earlier attempt ran in it.
    """

    def __init__(self, attempts: Sequence[Attempt], branches: Branches) -> None:
        self._attempts = attempts
        self._marks = [was_recorded(attempt, branches) for attempt in attempts]
        self._new = new_environments(attempts)
        self._in_stream: dict[str | None, list[int]] = defaultdict(list)
        self._few_of_each: list[int] = []
        for at, attempt in enumerate(attempts):
            places = self._in_stream[attempt.log_stream]
            if len(places) < MOST_NAMED:
                self._few_of_each.append(at)
            places.append(at)
        # of all attempts, and of those of each stream: running counts of marks that were left
        # (least), that may have been left (most), of attempts without one, and without START
        self._all = _running(range(len(attempts)), self._marks, attempts)
        self._of_stream = {
            stream: _running(places, self._marks, attempts)
            for stream, places in self._in_stream.items()
        }
        self._unmarked = [at for at, mark in enumerate(self._marks) if mark is False]
        self._unmarked_in: dict[str | None, list[int]] = defaultdict(list)
        for at in self._unmarked:
            self._unmarked_in[attempts[at].log_stream].append(at)
        self.claims = sum(not attempt.claim.silent for attempt in attempts)
        self.branch_claims = sum(attempt.claim.branch is not None for attempt in attempts)
        unproved = [int(attempt.unproved) for attempt in attempts]
        self._unproved = [0, *accumulate(unproved)]
        endless = [attempt.unproved or attempt.ended_ms is None for attempt in attempts]
        self._endless = [0, *accumulate(endless)]

    def knows_environment(self, attempt: Attempt) -> bool:
        """Whether it is known which earlier attempts ran in its environment."""
        return attempt.log_stream is not None or self.began_environment(attempt)

    def began_environment(self, attempt: Attempt) -> bool:
        """Whether it has no log stream, and its cold start proves a new environment."""
        return attempt.number in self._new

    def unproved_before(self, attempt: Attempt, *, beside_gap: bool) -> int:
        """How many of the earlier attempts have a single record, which may be printed text.

        Beside a gap so may a START without an end, or both may be parts of the same attempt.
        """
        return (self._endless if beside_gap else self._unproved)[attempt.retries]

    def in_environment(self, attempt: Attempt) -> tuple[int, int]:
        """Return the least and the most marks that earlier attempts left in its environment."""
        return self._counts(attempt, in_tmp=True)[:2]

    def in_reach(self, attempt: Attempt) -> tuple[int, int] | None:
        """Return the least and the most marks that its counter could see.

        ``None`` where that depends on the environment and the log does not name its streams.
        """
        in_tmp = counts_in_tmp(attempt)
        if in_tmp and not self.knows_environment(attempt):
            return None
        return self._counts(attempt, in_tmp=in_tmp)[:2]

    def start_unseen(self, attempt: Attempt) -> bool:
        """Whether the START of an earlier attempt in reach is not in the log."""
        return self._counts(attempt, in_tmp=counts_in_tmp(attempt))[2] > 0

    def elsewhere(self, attempt: Attempt) -> Some:
        """Return the earlier attempts in other environments."""
        at = attempt.retries
        if attempt.number in self._new:
            return Some(first=tuple(self._attempts[: min(at, MOST_NAMED)]), count=at)
        here = bisect_left(self._in_stream[attempt.log_stream], at)
        few = (
            self._attempts[other]
            for other in takewhile(lambda other: other < at, self._few_of_each)
            if self._attempts[other].log_stream != attempt.log_stream
        )
        return Some(first=tuple(islice(few, MOST_NAMED)), count=at - here)

    def unmarked(self, attempt: Attempt) -> Some:
        """Return the earlier attempts in reach that left no mark."""
        places = self._unmarked
        if counts_in_tmp(attempt):
            places = [] if not self._here(attempt) else self._unmarked_in[attempt.log_stream]
        return self._some(places, attempt)

    def reached(self, attempt: Attempt) -> Some:
        """Return the earlier attempts whose marks its counter could see."""
        if counts_in_tmp(attempt):
            places: Sequence[int] = self._in_stream[attempt.log_stream]
            return self._some(places if self._here(attempt) else (), attempt)
        return self.earlier(attempt)

    def earlier(self, attempt: Attempt) -> Some:
        """All earlier attempts."""
        return Some(
            first=tuple(self._attempts[: min(attempt.retries, MOST_NAMED)]), count=attempt.retries
        )

    def _here(self, attempt: Attempt) -> bool:
        """Whether earlier attempts of its environment can be named."""
        return attempt.log_stream is not None

    def _some(self, places: Sequence[int], attempt: Attempt) -> Some:
        count = bisect_left(places, attempt.retries)
        few = (self._attempts[at] for at in places[: min(count, MOST_NAMED)])
        return Some(first=tuple(few), count=count)

    def _counts(self, attempt: Attempt, *, in_tmp: bool) -> tuple[int, int, int]:
        if not in_tmp:
            return self._all[attempt.retries]
        if not self._here(attempt):
            return (0, 0, 0)
        at = bisect_left(self._in_stream[attempt.log_stream], attempt.retries)
        return self._of_stream[attempt.log_stream][at]


def new_environments(attempts: Sequence[Attempt]) -> frozenset[int]:
    """Return the numbers of attempts without a stream that began a new environment.

    A cold start after a plain error has one. After a timeout or a crash it can be the old one.
    """
    return frozenset(
        after.number
        for before, after in pairwise(attempts)
        if after.log_stream is None and after.cold_start and before.outcome is AttemptOutcome.ERROR
    )


def _running(
    places: Iterable[int], marks: Sequence[bool | None], attempts: Sequence[Attempt]
) -> list[tuple[int, int, int]]:
    """Count the certain marks, the possible marks and the missing STARTs before each attempt."""
    least = most = unseen = 0
    counts = [(0, 0, 0)]
    for at in places:
        least += marks[at] is True
        most += marks[at] is not False
        unseen += attempts[at].start_event is None
        counts.append((least, most, unseen))
    return counts
