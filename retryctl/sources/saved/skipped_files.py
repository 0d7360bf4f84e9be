"""Files and folders of a saved log that were not read, as gaps: many alike are one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from retryctl.core.model.coverage import Gap
from retryctl.core.wording import in_a_row, number_of

_MOST_NAMED = 3
_OTHERWISE = {False: "they are not saved logs", True: "they may contain log events"}
FOLDERS_NOT_READ = "hidden folders, virtual environments and node_modules are not read"


class Skipped(NamedTuple):
    """A file or a folder that was not read, and why; ``hides_attempts`` as in ``Gap``."""

    name: str
    why: str
    hides_attempts: bool


def skipped_gaps(files: Sequence[Skipped], folders: Sequence[Skipped]) -> list[Gap]:
    """Return a gap for each file; folders, and many files, of one reason share one."""
    alike = Counter((file.why, file.hides_attempts) for file in files)
    groups: dict[tuple[str, bool], list[Skipped]] = {}
    for file in files:
        hides = file.hides_attempts
        why = file.why if alike[file.why, hides] > _MOST_NAMED else _OTHERWISE[hides]
        groups.setdefault((why, hides), []).append(file)
    gaps = [gap for (why, hides), some in groups.items() for gap in _gaps(some, why, hides)]
    for why, hides in dict.fromkeys((folder.why, folder.hides_attempts) for folder in folders):
        names = [folder.name for folder in folders if folder.why == why]
        gaps.append(_gap(_named(names, "folder"), why, hides))
    return gaps


def _gaps(files: Sequence[Skipped], why: str, hides: bool) -> list[Gap]:
    if len(files) > _MOST_NAMED:
        named = _named([file.name for file in files], "file")
        each = f"each {why[3:]}" if why.startswith("it ") else why
        return [_gap(named, each, hides)]
    return [_gap(f"{file.name} was", file.why, hides) for file in files]


def _named(names: Sequence[str], noun: str) -> str:
    """Return ``A was``, ``A and B were``, or ``A, B, C and 5 more files were``."""
    more = len(names) - _MOST_NAMED
    shown = [*names[:_MOST_NAMED], *([number_of(more, f"more {noun}")] if more > 0 else [])]
    return f"{in_a_row(shown)} {'was' if len(names) == 1 else 'were'}"


def _gap(who: str, why: str, hides: bool) -> Gap:
    return Gap(kind="skipped", message=f"{who} skipped: {why}", hides_attempts=hides)
