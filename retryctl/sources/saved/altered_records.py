"""Records of Lambda that someone or something altered: masked request IDs, lines that were cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from retryctl.core.model.coverage import Gap
from retryctl.core.model.events import REQUEST_ID
from retryctl.sources.saved.decoding import segments
from retryctl.sources.saved.files import SavedFile
from retryctl.sources.saved.read_stats import FileDiagnostics

MOST_FILES = 20
"""The number of files of a log that are examined."""

_ID = REQUEST_ID.encode()
_RECORD = rb"(?:START|END|REPORT) RequestId: "
_WHOLE = re.compile(_RECORD + _ID)
# START RequestId: REDACTED, END RequestId: xxxxxxxx-xxxx-…, REPORT RequestId: <requestId>, … 123
_MASKED = re.compile(_RECORD + rb"([^\s\"\\]{1,40})(?=[\s\"\\])")
# START RequestId: 8f507cfc-…⏎, START RequestId: 8f507cfc-… Version⏎
_CUT = re.compile(rb"START RequestId: " + _ID + rb"[ \t]*+(?:V\w{0,6}:?)?[ \t]*+\r?\n")


def masked_id(text: bytes) -> str | None:
    """Return a masked or shortened ID of a text, if its records have no whole request ID."""
    found = _MASKED.search(text)
    if not found or _WHOLE.search(text):
        return None
    return found[1].decode(errors="replace")


def gaps_of_altered_records(files: Sequence[SavedFile]) -> Iterator[Gap]:
    """Yield the gaps of files whose first records are masked, or cut by a line end."""
    for file in files[:MOST_FILES]:
        text = _beginning(file)
        if masked := masked_id(text):
            yield _gap(
                f"{file.name}: the request IDs of its records are masked or shortened ({masked!r});"
                " attempts are matched by whole IDs: save the log with them"
            )
        elif _CUT.search(text):
            yield _gap(
                f"{file.name}: lines of START break off, as where a terminal or a mail program "
                "wraps them: save the log with a command"
            )


def _gap(message: str) -> Gap:
    return Gap(kind="not-understood", message=message, hides_attempts=True)


def _beginning(file: SavedFile) -> bytes:
    try:
        with file.open() as opened:
            notes = FileDiagnostics(file.name)
            return next(segments(opened, notes, lambda _: None)).peek()
    except OSError:
        return b""  # reading it gives the reason
