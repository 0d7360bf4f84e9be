"""The results of single requests, and all checks of a result in order.

Silent successes are alike: the result of one is kept, and 24 bytes of each of the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain
from operator import attrgetter
from struct import Struct
from typing import Literal

from retryctl.core.check.baseline import Identity
from retryctl.core.check.expectations import CheckResult
from retryctl.core.crosscheck.findings import Finding
from retryctl.core.summary.silent_successes import SilentSuccesses, id_of
from retryctl.core.value_classes import replaced, value_class

FindingEffect = Literal["failed", "known", "allowed", "harmless"]
Place = tuple[int, str, str]
"""Start in ms, request ID and log group: requests are shown in this order."""


@value_class
class JudgedFinding:
    """A finding and its effect: it fails, or is ``known`` (in the baseline), or neither.

    ``allowed``: its rule is ignored. ``branch`` is the branch that its attempt ran, and
    ``branch_expected`` the one it should have run, where they differ. ``unlisted`` counts further
    findings of its rule and effect in its request: the first finding of each kind has the number.
    """

    finding: Finding
    request_id: str
    function: str | None
    identity: Identity
    failed: bool
    known: bool
    allowed: bool
    branch: str | None = None
    branch_expected: str | None = None
    unlisted: int = 0

    @property
    def effect(self) -> FindingEffect:
        """The effect of the finding on the result of the check."""
        return effect_of(failed=self.failed, known=self.known, allowed=self.allowed)


def effect_of(*, failed: bool, known: bool, allowed: bool) -> FindingEffect:
    """Return the effect of a finding that fails, is known, or is allowed."""
    return "allowed" if allowed else "known" if known else "failed" if failed else "harmless"


@value_class
class RequestResult:
    """The checks and findings of one request. ``streams`` are the log streams of one with findings.

    ``function`` is the name of its log group where the function is not known.
    """

    place: Place
    function: str | None
    checks: tuple[CheckResult, ...]
    findings: tuple[JudgedFinding, ...]
    streams: frozenset[str | None] = frozenset()


_START_AND_ID = Struct(">Q16s")  # bytes that sort by time and ID


@value_class
class SilentResults:
    """The results of silent successes of one function and log group.

    ``first`` is that of one of them. Each part has start and ID of some, in order.
    """

    first: RequestResult
    parts: tuple[bytes, ...]

    @classmethod
    def of(cls, successes: SilentSuccesses, first: RequestResult) -> SilentResults:
        """Pack the results of these requests."""
        pack = _START_AND_ID.pack
        packed = (pack(start_ms, packed_id) for packed_id, start_ms, *_ in successes.attempts)
        return cls(first=first, parts=(b"".join(sorted(packed)),))

    def __len__(self) -> int:
        return sum(map(len, self.parts)) // _START_AND_ID.size

    def in_order(self) -> Iterator[RequestResult]:
        """Yield the result of each request."""
        (check,), (_, _, log_group) = self.first.checks, self.first.place
        for start_and_id in merge(*map(_each, self.parts)):
            start_ms, packed_id = _START_AND_ID.unpack(start_and_id)
            request_id = id_of(packed_id)
            yield RequestResult(
                place=(start_ms, request_id, log_group),
                function=self.first.function,
                checks=(replaced(check, request_id=request_id),),
                findings=(),
            )

    def owner(self) -> tuple[str | None, str | None, str]:
        """Return what the results have in common: the names of the function and of the group."""
        (check,), (_, _, log_group) = self.first.checks, self.first.place
        return check.function, self.first.function, log_group

    def first_place(self) -> Place:
        """Return the place of the earliest."""
        start_ms, packed_id = _START_AND_ID.unpack(min(next(_each(part)) for part in self.parts))
        return start_ms, id_of(packed_id), self.first.place[2]


def _each(part: bytes) -> Iterator[bytes]:
    size = _START_AND_ID.size
    return (part[at : at + size] for at in range(0, len(part), size))


def joined(results: Iterable[SilentResults]) -> list[SilentResults]:
    """Join the results of each function and log group."""
    groups: dict[object, list[SilentResults]] = defaultdict(list)
    for some in results:
        groups[some.owner()].append(some)
    return [
        SilentResults(
            first=group[0].first, parts=tuple(chain.from_iterable(each.parts for each in group))
        )
        for group in groups.values()
    ]


@value_class
class Checks:
    """All checks: those of requests in order, then ``others``; an iteration makes each of them.

    ``results`` are in order. Those of ``silent`` passed.
    """

    results: Sequence[RequestResult] = ()
    silent: Sequence[SilentResults] = ()
    others: Sequence[CheckResult] = ()

    def __iter__(self) -> Iterator[CheckResult]:
        silent = (each.in_order() for each in self.silent)
        ordered = merge(self.results, *silent, key=attrgetter("place"))
        return chain(chain.from_iterable(one.checks for one in ordered), self.others)

    def __len__(self) -> int:
        return self.silent_count + sum(1 for _ in self.kept)

    @property
    def silent_count(self) -> int:
        """The number of checks of silent successes."""
        return sum(map(len, self.silent))

    @property
    def kept(self) -> Iterator[CheckResult]:
        """All checks but those of silent successes, in order."""
        return chain(chain.from_iterable(one.checks for one in self.results), self.others)

    @property
    def unpassed(self) -> list[CheckResult]:
        """The checks that failed or are undetermined, in order."""
        return [check for check in self.kept if not check.passed]

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions of the requests, in order."""
        placed = [(one.place, one.function) for one in self.results]
        placed += [(each.first_place(), each.first.function) for each in self.silent]
        return tuple(dict.fromkeys(function for _, function in sorted(placed) if function))
