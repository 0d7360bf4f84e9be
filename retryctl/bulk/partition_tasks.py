"""The reduce step of each partition, in one process or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from retryctl.bulk.reduction import (
    Partition,
    PartitionContext,
    StreamReading,
    count_partition,
    reduce_partition,
)
from retryctl.bulk.shuffle import ShuffleStore
from retryctl.bulk.workers import run_in_workers
from retryctl.core.summary.alike_requests import CountedRequests, Requests
from retryctl.core.value_classes import value_class

T = TypeVar("T")


@value_class
class _Reduction:
    """Reduces a partition by ``reduce``, and calls ``make`` with its requests."""

    reduce: Callable[[Partition, dict[int, StreamReading], PartitionContext], Iterable[Any]]
    readings: dict[int, StreamReading]
    context: PartitionContext
    make: Callable[[Any], object]

    def __call__(self, part: Partition) -> object:
        return self.make(self.reduce(part, self.readings, self.context))


def map_partitions(
    store: ShuffleStore,
    context: PartitionContext,
    make: Callable[[Requests], T],
    processes: int = 1,
) -> Iterator[T]:
    """Yield what ``make`` returns for the checked requests of each partition."""
    reduce = _Reduction(
        reduce=reduce_partition, readings=store.readings, context=context, make=make
    )
    return _mapped(reduce, store, processes)


def count_partitions(
    store: ShuffleStore,
    context: PartitionContext,
    make: Callable[[CountedRequests], T],
    processes: int = 1,
) -> Iterator[T]:
    """Yield what ``make`` returns for each partition, whose requests it only counts."""
    count = _Reduction(reduce=count_partition, readings=store.readings, context=context, make=make)
    return _mapped(count, store, processes)


def _mapped(reduce: _Reduction, store: ShuffleStore, processes: int) -> Iterator[Any]:
    parts = (store.part(number) for number in range(store.parts))
    if store.parts > 1 and processes > 1:
        return run_in_workers(reduce, parts, min(processes, store.parts))
    return map(reduce, parts)
