"""Work for several processes, with the results in the order of the work.

Each worker has a pipe to the program and nothing else in common with it: no semaphore, so that
no /dev/shm is needed. A worker takes one item at a time. It ends as soon as its pipe is closed,
also where the program is killed; a worker that is killed closes the pipe, which ends the program
with an error.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from retryctl.core.value_classes import value_class
from retryctl.daemon_thread import start_daemon_thread
from retryctl.errors import CouldNotRead

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

A = TypeVar("A")
R = TypeVar("R")

_AHEAD = 2  # results wait in memory: for each process no more than are soon taken


@value_class
class _Worker:
    """A process, and the end of its pipe that is here."""

    process: BaseProcess
    pipe: Connection[Any, Any]

    def end(self) -> None:
        """End the process, whatever it does."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


def run_in_workers(work: Callable[[A], R], items: Iterable[A], processes: int) -> Iterator[R]:
    """Yield the result of ``work`` for each item, in order.

    ``work`` goes to each process once. Where fewer processes can be started, fewer run; where
    none can, the work is done here. Raises CouldNotRead where a worker is killed.
    """
    workers = _start(work, processes)
    if not workers:
        yield from map(work, items)
        return
    try:
        yield from _results(workers, iter(items))
    finally:
        for worker in workers:
            worker.end()


def _start(work: Callable[[Any], Any], processes: int) -> list[_Worker]:
    import multiprocessing

    from retryctl.temporary import find_temporary_folder, signals_blocked

    find_temporary_folder()  # a worker that is killed cannot remove the trial file
    forks = "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if forks else None)
    workers: list[_Worker] = []
    with suppress(OSError, MemoryError), signals_blocked():
        for _ in range(processes):
            workers.append(_start_one(context, work, workers))
    return workers


def _start_one(context: Any, work: Callable[[Any], Any], others: list[_Worker]) -> _Worker:
    here, there = context.Pipe()
    inherited = [here, *(other.pipe for other in others)] if _forks(context) else []
    try:
        process = context.Process(target=_serve, args=(there, inherited, work), daemon=True)
        process.start()
    except BaseException:
        here.close()
        raise
    finally:
        there.close()
    return _Worker(process=process, pipe=here)


def _forks(context: Any) -> bool:
    return bool(context.get_start_method() == "fork")


def _results(workers: list[_Worker], items: Iterator[A]) -> Iterator[Any]:
    from multiprocessing.connection import wait

    idle, busy = list(workers), dict[Any, tuple[_Worker, int]]()
    ready: dict[int, Any] = {}
    given = taken = 0
    rest = True
    while True:
        while rest and idle and given < taken + _AHEAD * len(workers):
            for item in items:
                worker = idle.pop()
                _send(worker, item)
                busy[worker.pipe] = (worker, given)
                given += 1
                break
            else:
                rest = False
        if taken in ready:
            yield ready.pop(taken)
            taken += 1
        elif busy:
            for pipe in wait(list(busy)):
                worker, number = busy.pop(pipe)
                ready[number] = _received(worker)
                idle.append(worker)
        else:
            return


def _send(worker: _Worker, item: object) -> None:
    try:
        worker.pipe.send(item)
    except OSError as error:
        raise _killed(worker) from error


def _received(worker: _Worker) -> Any:
    try:
        result, error = worker.pipe.recv()
    except (EOFError, OSError) as ended:
        raise _killed(worker) from ended
    if isinstance(error, MemoryError):
        raise _out_of_memory("a worker process has no memory left") from error
    if error is not None:
        raise error
    return result


def _killed(worker: _Worker) -> CouldNotRead:
    worker.process.join(1)
    status = worker.process.exitcode or 0
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return _out_of_memory(f"a worker process {how}")


def _out_of_memory(what: str) -> CouldNotRead:
    return CouldNotRead(
        f"{what}; the log was not read to its end.",
        "It may need more memory. With one CPU it takes less: taskset -c 0 retryctl …",
    )


# --------------------------------------------------------------------------- in a worker


def _serve(
    pipe: Connection[Any, Any],
    inherited: list[Connection[Any, Any]],
    work: Callable[[Any], Any],
) -> None:
    """Work on the items that come through the pipe, until it is closed.

    Whoever ends a program often signals all of its processes. Only the first obeys, and ends the
    others. It notices a killed program only if no worker has the program's end of a pipe open.
    """
    from retryctl.temporary import ENDING_SIGNALS

    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    for other in inherited:
        other.close()
    start_daemon_thread(_end_with_program, pipe.fileno())  # else it ends after the item at hand
    with suppress(EOFError, OSError, MemoryError):  # an answer sent in part cannot be repeated
        while True:
            _answer(pipe, work)


def _answer(pipe: Connection[Any, Any], work: Callable[[Any], Any]) -> None:
    try:
        answer = pickle.dumps(_outcome(work, pipe.recv()), protocol=5)
    except MemoryError as error:  # of the answer; the result itself is gone by now
        answer = pickle.dumps((None, error))
    pipe.send_bytes(answer)


def _end_with_program(pipe: int) -> None:
    """End the process when the other end of the pipe is closed, whatever it works on."""
    closed = select.poll()
    closed.register(pipe, 0)
    closed.poll()
    os._exit(1)


def _outcome(work: Callable[[Any], Any], item: object) -> tuple[Any, BaseException | None]:
    try:
        return work(item), None
    except Exception as error:
        return None, error
