"""The reduce step of each partition, in one process or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from retryctl.bulk.reduction import Partition, PartitionContext, StreamReading, reduce_partition
from retryctl.bulk.shuffle import ShuffleStore
from retryctl.bulk.workers import run_in_workers
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.summary.silent_successes import SilentSuccesses
from retryctl.core.value_classes import value_class

T = TypeVar("T")
Requests = Iterable["CheckedRequest | SilentSuccesses"]
"""Some requests; silent successes come many at a time."""


@value_class
class _Reduction:
    """Reduces a partition, and calls ``make`` with its requests."""

    readings: dict[int, StreamReading]
    context: PartitionContext
    make: Callable[[Requests], object]

    def __call__(self, part: Partition) -> object:
        return self.make(reduce_partition(part, self.readings, self.context))


def map_partitions(
    store: ShuffleStore,
    context: PartitionContext,
    make: Callable[[Requests], T],
    processes: int = 1,
) -> Iterator[T]:
    """Yield what ``make`` returns for the checked requests of each partition."""
    reduce = _Reduction(readings=store.readings, context=context, make=make)
    parts = (store.part(number) for number in range(store.parts))
    if store.parts > 1 and processes > 1:
        results = run_in_workers(reduce, parts, min(processes, store.parts))
    else:
        results = map(reduce, parts)
    return results  # type: ignore[return-value]
