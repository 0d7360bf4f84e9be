"""Count in /tmp: one empty file for each attempt. Needs no permission and no resource.

The count is valid for one execution environment: /tmp belongs to it, and an attempt that lands in
another starts from 0. A file is ``{request_id}_{%Y%m%d%H%M%S%f}``, as the handlers that count by
hand name theirs, so that both can share a directory.
"""

from __future__ import annotations

import os
import time

from retryctl.counters.attempts import checked, count_and_record, time_digits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_TIME_DIGITS = 20
_ID_PARTS = [8, 4, 4, 4, 12]


class TmpCounter:
    """Files of one request in ``directory``. Each attempt that is recorded is one file, also
    where threads and processes record at once.

    ``max_age_s``: empty files of attempts older than this are removed when one is recorded.
    All attempts of a request start within 6 h of each other; the default is 24 h, as a handler
    that counts by hand may name its files in a local time. ``clock`` gives epoch seconds.

    An unusable directory raises ``OSError``, a bad key ``ValueError``.
    """

    store = "tmp"

    def __init__(
        self,
        directory: str = "/tmp",
        *,
        max_age_s: int = 86_400,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self._max_age_us = max_age_s * 1_000_000
        self._clock = clock

    def take(self, key: str) -> int:
        """Leave a file for this attempt; return how many earlier ones did."""
        return count_and_record(self, key)

    def count(self, key: str) -> int:
        """Return how many attempts of ``key`` left a file here."""
        start = checked(key) + "_"
        length = len(start) + _TIME_DIGITS
        return sum(
            len(name) == length and name.startswith(start) and name[-_TIME_DIGITS:].isdigit()
            for name in os.listdir(self.directory)
        )

    def record(self, key: str) -> None:
        """Leave a file for this attempt."""
        key = checked(key)
        now_us = int(self._clock() * 1_000_000)
        # First, since a disk without a free inode then gets one.
        self._remove_older_than(time_digits(now_us - self._max_age_us))
        while not _created(os.path.join(self.directory, f"{key}_{time_digits(now_us)}")):
            now_us += 1

    def _remove_older_than(self, oldest: str) -> None:
        with os.scandir(self.directory) as entries:
            for entry in entries:
                if _is_attempt(entry.name) and entry.name[-_TIME_DIGITS:] < oldest:
                    _remove_if_empty(entry)


def _created(path: str) -> bool:
    """Create the file; return false where another attempt has the same name."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True


def _is_attempt(name: str) -> bool:
    request_id, _, digits = name.rpartition("_")
    return (
        len(digits) == _TIME_DIGITS
        and digits.isdigit()
        and [len(part) for part in request_id.split("-")] == _ID_PARTS
    )


def _remove_if_empty(entry: os.DirEntry[str]) -> None:
    """Remove an old file, and ignore one that is gone or may not be removed."""
    try:
        if entry.is_file(follow_symlinks=False) and not entry.stat(follow_symlinks=False).st_size:
            os.unlink(entry.path)
    except OSError:
        pass
