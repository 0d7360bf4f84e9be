"""Run the program in this process, while a person types, reads and presses Ctrl-C in a thread."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from retryctl.cli import main
from tests.support.program import prepared

_PATIENCE_S = 60


class Person:
    """The other ends of the program's streams: pipes, and a terminal for those named.

    ``descriptors`` are the program's ends of stdin, stdout and stderr.
    """

    def __init__(self, terminal: Collection[str]) -> None:
        self._changed = threading.Condition()
        self._texts: dict[str, bytearray] = {}
        self._readers: list[threading.Thread] = []
        self._open: set[int] = set()
        self._keyboard: int | None = None
        above, below = self._opened(pty.openpty()) if terminal else (-1, -1)
        shown = self._read(above) if terminal else bytearray()
        if "stdin" in terminal:
            self._typing, given = above, below
            self._keyboard = above
        else:
            given, self._typing = self._opened(os.pipe())
        self._ours = {above, self._typing} - {-1}

        def output(name: str) -> int:
            if name in terminal:
                self._texts[name] = shown
                return below
            read, write = self._opened(os.pipe())
            self._ours.add(read)
            self._texts[name] = self._read(read)
            return write

        self.descriptors = (given, output("stdout"), output("stderr"))

    def type(self, text: str) -> None:
        """Write to the program's standard input."""
        os.write(self._typing, text.encode())

    def end_input(self) -> None:
        """Close the program's standard input, or type Ctrl-D on its terminal."""
        if self._keyboard is not None:
            self.type("\x04")
        else:
            self._close({self._typing})

    def wait_for(self, pattern: str, stream: str = "stderr") -> None:
        """Wait until the program has written this."""
        with self._changed:
            seen = self._changed.wait_for(
                lambda: re.search(pattern, self.text(stream), re.M), _PATIENCE_S
            )
        assert seen, self.text(stream)

    def wait_until(self, is_true: Callable[[], bool]) -> None:
        """Wait for what is seen elsewhere."""
        end = time.monotonic() + _PATIENCE_S
        while not is_true():
            assert time.monotonic() < end
            time.sleep(0.005)

    def send(self, number: signal.Signals = signal.SIGINT) -> None:
        """Send a signal to the program, twice: the second changes nothing that began to end.

        The first waits for the end of a blocking call if it arrives after Python's last check for
        signals and before the call blocks. On a busy machine there is time between the two.
        """
        ident = threading.main_thread().ident
        assert ident is not None
        signal.pthread_kill(ident, number)
        time.sleep(0.05)
        signal.pthread_kill(ident, number)

    def text(self, stream: str) -> str:
        """What the program has written until now."""
        return self._texts[stream].decode(errors="replace")

    def leave(self) -> None:
        """Close the program's ends, read what is left, and close the others."""
        self._close(self._open - self._ours)
        for reader in self._readers:
            reader.join()
        self._close(set(self._open))

    def _opened(self, pair: tuple[int, int]) -> tuple[int, int]:
        self._open.update(pair)
        return pair

    def _close(self, descriptors: set[int]) -> None:
        for each in descriptors & self._open:
            os.close(each)
        self._open -= descriptors

    def _read(self, descriptor: int) -> bytearray:
        text = bytearray()

        def read() -> None:
            with suppress(OSError):  # a terminal whose other end is closed
                while chunk := os.read(descriptor, 65_536):
                    with self._changed:
                        text.extend(chunk)
                        self._changed.notify_all()

        self._readers.append(threading.Thread(target=read, daemon=True))
        self._readers[-1].start()
        return text


def do_nothing(person: Person) -> None:
    """Only look."""


def converse(
    act: Callable[[Person], None],
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    terminal: Collection[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run the program while a person acts; return its exit status and all of its output.

    Where streams are one terminal, stdout and stderr are the same text.
    """
    person = Person(terminal)
    failures: list[BaseException] = []

    def acting() -> None:
        try:
            act(person)
        except BaseException as failure:
            failures.append(failure)
            person.send()  # ends the program

    thread = threading.Thread(target=acting, daemon=True)
    try:
        with prepared(person.descriptors, env, cwd):
            thread.start()
            status = main.run(arguments)
            thread.join()  # the program ignores signals until here
            person.end_input()
    finally:
        person.leave()
    if failures:
        raise failures[0]
    shown = (person.text(name).replace("\r\n", "\n") for name in ("stdout", "stderr"))
    return subprocess.CompletedProcess(arguments, status, *shown)
