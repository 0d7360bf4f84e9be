"""End the program in order when a signal arrives.

A signal raises an exception in the main thread, so that ``finally`` blocks end workers and remove
temporary files. The next run does what would take too long after a signal.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from retryctl.daemon_thread import start_daemon_thread

_LONGEST_END_S = 1.5
_RAISE_AGAIN_S = 0.01
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_NUMBERS = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]


@contextmanager
def signals_end_program() -> Iterator[None]:
    """Raise KeyboardInterrupt or SystemExit in the ``with`` block when a signal arrives.

    A signal that is ignored stays ignored, as ``nohup`` and ``&`` want it.
    """
    ending = _Ending()
    heard = [each for each in _NUMBERS if signal.getsignal(each) is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, ending.begin)
    hook, sys.unraisablehook = sys.unraisablehook, ending.raise_again
    try:
        yield
    except Exception:
        ending.replace_error()
        raise
    finally:
        for number in heard:  # the exit status is known
            signal.signal(number, signal.SIG_IGN)
        sys.unraisablehook = hook
        _remove_folders()
        ending.complete = True


class _Ending:
    """The end that one signal began; later ones change nothing."""

    def __init__(self) -> None:
        self.complete = False
        self._number = 0
        self._discarded = False

    def begin(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if not self._number:
            self._number = number
            start_daemon_thread(self._end_late)
        elif not self._discarded:
            return
        self._discarded = False
        self._raise()

    def replace_error(self) -> None:
        """Raise the exception of the signal again, if Python replaced it by another error.

        Before Python 3.12 an exception in ``__set_name__``, such as in an enum, becomes a
        RuntimeError.
        """
        if self._number:
            self._raise()

    def _raise(self) -> NoReturn:
        if self._number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + self._number)

    def raise_again(self, found: sys.UnraisableHookArgs) -> None:
        """Raise the exception once more where Python discarded it, as in a weakref's callback.

        A MemoryError is of a thread: taking its result raises it again.
        """
        if issubclass(found.exc_type, MemoryError):
            return
        if not self._number or found.exc_type not in (KeyboardInterrupt, SystemExit):
            sys.__unraisablehook__(found)
            return
        self._discarded = True
        start_daemon_thread(self._signal_again)

    def _signal_again(self) -> None:
        time.sleep(_RAISE_AGAIN_S)
        os.kill(os.getpid(), self._number)

    def _end_late(self) -> None:
        time.sleep(_LONGEST_END_S)
        if not self.complete:
            _remove_folders()
            os._exit(128 + self._number)


def _remove_folders() -> None:
    """Remove the temporary folders, if the module that makes them was loaded."""
    if temporary := sys.modules.get("retryctl.temporary"):
        temporary.remove_remaining()
