"""Which requests a trace shows where no whole request ID is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import nlargest
from itertools import chain

from retryctl.app.options import (
    SILENT,
    WHOLE,
    Clock,
    Feedback,
    SourceOptions,
    TimeWindow,
    wall_clock_ms,
)
from retryctl.app.trace import SMALL_BYTES, TraceResult, trace
from retryctl.config import ProjectConfig
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.request_row import ENDED_WELL, RequestRow, RowFilter, request_rows
from retryctl.core.value_classes import value_class
from retryctl.core.wording import near_ids
from retryctl.errors import NothingFound, UsageError

FEW = 3
"""A saved log with at most this many requests is shown whole."""


@value_class
class Selection:
    """The IDs of the selected requests, the newest first.

    ``others`` is the number of requests that are not selected; ``others_wrong`` of them have a
    wrong counter, and ``others_exhausted`` are exhausted. ``traced`` has the selected
    requests, where they were traced already.
    """

    request_ids: tuple[str, ...]
    others: int
    coverage: Coverage
    traced: TraceResult | None = None
    others_wrong: int = 0
    others_exhausted: int = 0


def select_newest(
    options: SourceOptions,
    window: TimeWindow,
    *,
    config: ProjectConfig | None = None,
    last: int | None = None,
    failed: bool = False,
    feedback: Feedback = SILENT,
    clock: Clock = wall_clock_ms,
) -> Selection:
    """Select the newest request that failed or was retried, or the ``last`` newest of them.

    With ``failed`` only requests that did not end well are selected. Of a saved log with few
    requests all are selected, unless ``last`` or ``failed`` is given.
    """
    config = config or ProjectConfig()
    traced = _traced_whole(options, window, config, feedback)
    if traced:
        rows = list(chain.from_iterable(map(request_rows, traced.checked)))
        coverage = traced.coverage
    else:
        rows, coverage = _rows(options, window, config, feedback, clock)
    few = options.source != "cloudwatch" and last is None and not failed and len(rows) <= FEW
    wanted = rows if few else [row for row in rows if _is_notable(row, failed=failed)]
    newest = nlargest(len(rows) if few else last or 1, wanted, key=_by_age)
    request_ids = tuple(dict.fromkeys(row.request_id for row in newest))
    selected = set(request_ids)
    others = [row for row in rows if row.request_id not in selected]
    return Selection(
        request_ids=request_ids,
        others=len({row.request_id for row in others}),
        others_wrong=sum(row.verdict is Verdict.DISAGREES for row in others),
        others_exhausted=sum(row.outcome is RequestOutcome.EXHAUSTED for row in others),
        coverage=coverage,
        traced=traced and traced.only_requests(request_ids, config.markers),
    )


def newest_retried(
    options: SourceOptions,
    window: TimeWindow,
    *,
    config: ProjectConfig | None = None,
    feedback: Feedback = SILENT,
    clock: Clock = wall_clock_ms,
) -> str:
    """Return the ID of the newest request that was retried. Raises ``NothingFound``."""
    rows, _ = _rows(options, window, config or ProjectConfig(), feedback, clock)
    retried = [row for row in rows if row.attempts > 1]
    if not retried:
        raise NothingFound("no request was retried.", "Name two requests to compare them.")
    return max(retried, key=_by_age).request_id


@value_class
class MatchingIds:
    """The request IDs of a whole saved log that begin with each prefix, sorted.

    ``not_found`` has a reason for each prefix with which none begins.
    """

    ids: Mapping[str, tuple[str, ...]]
    not_found: Mapping[str, str]
    coverage: Coverage


def matching_ids(
    prefixes: Sequence[str],
    options: SourceOptions,
    *,
    config: ProjectConfig | None = None,
    feedback: Feedback = SILENT,
    clock: Clock = wall_clock_ms,
) -> MatchingIds:
    """Find the request IDs of a whole saved log that begin with each prefix."""
    rows, coverage = _rows(options, WHOLE, config or ProjectConfig(), feedback, clock)
    ids = sorted({row.request_id for row in rows})
    found = {prefix: tuple(each for each in ids if each.startswith(prefix)) for prefix in prefixes}
    is_empty = not ids and not (options.function or options.log_groups)
    not_found = {
        prefix: _no_match(prefix, ids, is_empty) for prefix in prefixes if not found[prefix]
    }
    return MatchingIds(
        ids={prefix: some for prefix, some in found.items() if some},
        not_found=not_found,
        coverage=coverage,
    )


def _no_match(prefix: str, ids: Sequence[str], is_empty: bool) -> str:
    if is_empty:
        return "the log contains no request: it has no START, END or REPORT line."
    near = near_ids(prefix, ids)
    return f"no request ID of this log begins with {prefix}. {near}".rstrip()


def _traced_whole(
    options: SourceOptions, window: TimeWindow, config: ProjectConfig, feedback: Feedback
) -> TraceResult | None:
    """Trace all requests of a small saved log; ``None`` for any other source."""
    if options.source == "cloudwatch" or window != WHOLE or options.store:
        return None
    if options.source == "-" and options.stdin is None:
        return None
    from retryctl.sources.saved.files import find_files

    if sum(file.size for file in find_files(options.source, options.stdin)) > SMALL_BYTES:
        return None
    return trace((), options, window, config=config, feedback=feedback)


def _rows(
    options: SourceOptions,
    window: TimeWindow,
    config: ProjectConfig,
    feedback: Feedback,
    clock: Clock,
) -> tuple[list[RequestRow], Coverage]:
    from retryctl.app.window import list_rows, open_window

    if options.source == "-" and options.stdin is None:
        raise UsageError(
            "standard input can be read once, and no request ID is given.",
            "Name the ID, or save the log and name its file.",
        )
    opened = open_window(options, config, window, now_ms=clock(), feedback=feedback)
    with opened as reader:
        return list(list_rows(reader, RowFilter())), reader.coverage


def _is_notable(row: RequestRow, *, failed: bool) -> bool:
    if failed:
        return row.outcome not in ENDED_WELL
    return row.attempts > 1 or row.outcome is not RequestOutcome.SUCCEEDED


def _by_age(row: RequestRow) -> tuple[int, str]:
    """Order requests by their latest attempt."""
    return (row.latest_ms, row.request_id)
