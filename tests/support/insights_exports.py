"""Exports of Logs Insights: rows of one millisecond in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from random import Random

from retryctl.app.options import SourceOptions
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.coverage import UNORDERED
from retryctl.core.model.events import LogEvent
from tests.support.lambda_log import MIDNIGHT_MS, Environment
from tests.support.log_answers import Answers, answers
from tests.support.saved_logs import GROUP, Event
from tests.support.saved_shapes import SHAPES, insights_rows, table_of

EXPORTS = {
    name: SHAPES[name][0]
    for name in (
        "Insights CSV",
        "Insights JSON",
        "get-query-results",
        "Insights Markdown",
        "Insights ASCII",
    )
}


def without_streams(events: Sequence[Event]) -> str:
    rows = insights_rows(events)
    table = ((row["@timestamp"], row["@message"]) for row in rows)
    return table_of(["@timestamp", "@message"], table)


def read(path: Path, text: str, request_ids: tuple[str, ...] = ()) -> Answers:
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return answers(SourceOptions(source=str(path), log_groups=(GROUP,)), request_ids)


def rows_of(events: Sequence[LogEvent], within_ms: int = 1) -> list[Event]:
    """The events as rows; those of so many milliseconds get one time."""
    rows = [
        (e.timestamp_ms // within_ms * within_ms, e.log_stream or "", e.message) for e in events
    ]
    return sorted(rows, key=itemgetter(0))


def with_ties(rows: Sequence[Event], arrange: Callable[[list[Event]], None]) -> list[Event]:
    """The rows, with those of one millisecond arranged otherwise."""
    found: list[Event] = []
    for _, tied in groupby(rows, itemgetter(0)):
        some = list(tied)
        arrange(some)
        found += some
    return found


def unordered(found: Answers) -> int:
    return sum(gap.kind == UNORDERED for gap in found.gaps["trace"])


# --------------------------------------------------------------------------- attempts

LOOSE = ("0", "1", "17", "done", "process 9", "order 17 x", "2026 x", "[INFO]\tabc")
"""What functions print beside a counter and its branch."""


def printing_attempts(random: Random) -> list[LogEvent]:
    """A few attempts that print integers anywhere, one behind the other in one or two streams.

    No two of them are in one millisecond of a stream as a whole.
    """
    json_format = random.random() < 0.25
    environments = [Environment(letter, json=json_format) for letter in random.choice(("a", "ab"))]
    waiting = {f"{number:08x}-0000-4000-8000-000000000000": 1.0 for number in range(3)}
    files, now_s = Counter[tuple[str, str]](), 1.0
    for _ in range(random.choice((1, 2, 4, 6))):
        if not waiting:
            break
        here, request_id = random.choice(environments), random.choice([*waiting])
        here.at(max(now_s, waiting.pop(request_id)))
        ends = random.choice(("ok", "error", "error", "timeout", "crash"))
        count = files[here.letter, request_id]
        here.runs(request_id, *_printed(random, None if ends == "ok" else count), ends=ends)
        if random.random() < 0.15:
            here.prints("3", "background")
        now_s = (here.now_ms - MIDNIGHT_MS) / 1000 + random.choice((0, 0.002, 0.005, 61))
        if ends != "ok":
            files[here.letter, request_id] += 1
            waiting[request_id] = now_s + 61
    events = [event for each in environments for event in each.events]
    return sorted(events, key=attrgetter("timestamp_ms"))


def _printed(random: Random, count: int | None) -> list[str]:
    """What an attempt prints: loose lines, and most often its counter and branch."""
    lines = random.sample(LOOSE, random.randrange(4))
    if count is None or random.random() < 0.3:
        return lines
    return [*lines, str(count), f"process {'ABC'[min(count, 2)]}", *random.sample(LOOSE, 1)]


def differing_attempts(known: Answers, found: Answers) -> list[str]:
    """What an export answers of attempts that the log in its order denies."""
    differing = []
    for request_id, one in found.requests.items():
        whole = known.requests[request_id]
        count, whole_count = len(one.request.attempts), len(whole.request.attempts)
        if count != whole_count:
            differing.append(f"{request_id}: {count} attempts, in the log {whole_count}")
        for told, true in zip(told_of(one), told_of(whole), strict=False):
            is_settled = told[-1] != "undetermined"
            if told[0] not in (true[0], "unknown") or (is_settled and told[1:] != true[1:]):
                differing.append(f"{request_id}: {told}, in the log {true}")
    return differing


def told_of(checked: CheckedRequest) -> list[tuple[str, int | None, str | None, str]]:
    """The outcome, the counter, the branch and the verdict of each attempt."""
    return [
        (one.outcome.value, one.claim.counter, one.claim.branch, check.verdict.value)
        for one, check in zip(checked.request.attempts, checked.checks, strict=True)
    ]
