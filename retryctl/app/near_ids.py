"""Request IDs of a saved log that differ from a mistyped one in one or two characters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from retryctl.app.options import SILENT, WHOLE, SourceOptions
from retryctl.config import ProjectConfig
from retryctl.core.summary.request_row import RowFilter

_MOST_BYTES = 64 << 20
"""Of a larger log the IDs are not read: that would take too long for a suggestion."""
_MOST_DIFFERENT, _MOST_NAMED = 2, 3


def with_near_ids(not_found: Mapping[str, str], options: SourceOptions) -> Mapping[str, str]:
    """Return the reasons, each followed by the IDs of the saved log that are near."""
    if not not_found or options.source == "-":
        return not_found
    from retryctl.app.window import list_rows, open_window  # loads the engine of whole windows
    from retryctl.sources.saved.files import find_files

    if sum(file.size for file in find_files(options.source, None)) > _MOST_BYTES:
        return not_found
    log = SourceOptions(source=options.source)
    with open_window(log, ProjectConfig(), WHOLE, now_ms=0, feedback=SILENT) as reader:
        known = {row.request_id for row in list_rows(reader, RowFilter())}
    return {
        request_id: " ".join(filter(None, (reason, near_ids(request_id, known))))
        for request_id, reason in not_found.items()
    }


def near_ids(text: str, known: Iterable[str]) -> str:
    """Return ``Did you mean …?`` with the nearest IDs; ``""`` where none is near.

    ``text`` is an ID or the first characters of one.
    """
    different = {one: sum(map(str.__ne__, text, one)) for one in known if one != text}
    nearest = min(different.values(), default=_MOST_DIFFERENT + 1)
    if nearest > _MOST_DIFFERENT:
        return ""
    names = sorted(one for one, count in different.items() if count == nearest)
    return f"Did you mean {' or '.join(names[:_MOST_NAMED])}?"
