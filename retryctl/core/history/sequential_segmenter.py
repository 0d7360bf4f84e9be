"""The segmentation of one log stream into attempts.

An execution environment runs one request at a time and has one log stream. So a line belongs to
the attempt whose START..REPORT bracket contains it; a request ID in the line only confirms this.
Output before START is init. Timeout and crash lines can follow REPORT. All other lines between two
brackets are background output and belong to no attempt.

For each START, the segmenter searches ahead for its own REPORT. If there is one, all lines between
belong to the attempt, even text in the form of a START or a REPORT: a function may print anything.
If there is none, the bracket ends at the next START, and a REPORT of another request shows that the
START before it was printed text. A REPORT without a START reaches back to the REPORT before it;
printed lines there belong to no attempt, since nothing shows whose they are.

Two kinds of stream contain several open attempts: a stream of Managed Instances, and the lines of a
saved log that does not name its streams. There a line belongs to the attempt of its own request ID.
Without stream names, a line without an ID belongs to the only open attempt.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence

from retryctl.core.history.attempt_lines import (
    CLOSING,
    AttemptLines,
    Line,
    bracket_of,
    is_repeat,
    settle,
    within,
)
from retryctl.core.history.concurrent_segmenter import ConcurrentSegmenter
from retryctl.core.model.limits import CLOCK_SLACK_MS, LONGEST_ATTEMPT_MS, SHORTEST_RETRY_MS
from retryctl.core.model.records import (
    AppLine,
    End,
    InitStart,
    Record,
    Report,
    RestoreStart,
    Start,
)


def read_stream(lines: Sequence[Line]) -> list[AttemptLines]:
    """Return the attempts in the lines of one stream, which must be in the order of the stream."""
    if not lines:
        return []
    lines = _of_one_format(lines)
    managed = _is_managed(lines)
    if managed or lines[0][0].log_stream is None:
        brackets = ConcurrentSegmenter(lines, managed=managed).read()
    else:
        brackets = SequentialSegmenter(lines).read()
    _describe(brackets, lines)
    return brackets


def _is_managed(lines: Sequence[Line]) -> bool:
    """Lambda Managed Instances: stated by the init or, where that is not in view, by the reports.

    There a report has a duration and nothing else.
    """
    kinds = [r.initialization_type for _, r in lines if isinstance(r, InitStart)]
    if any(kinds):
        return "lambda-managed-instances" in kinds
    reports = [r for _, r in lines if isinstance(r, Report)]
    return bool(reports) and all(
        r.json and r.duration_ms is not None and not r.memory_size_mb for r in reports
    )


def _of_one_format(lines: Sequence[Line]) -> list[Line]:
    """Read a START, END or REPORT in the other format of a stream as text of the function.

    A stream is text or JSON, and the JSON format has no END.
    """
    marks = [r for _, r in lines if isinstance(r, (Start, Report, InitStart))]
    formats = {r.json for r in marks if not isinstance(r, InitStart)}
    if not formats or formats == {False}:
        return list(lines)
    nameless = lines[0][0].log_stream is None
    pairs = _whole_pairs(lines) if nameless else set()
    whole = {json for json, _ in pairs}
    if len(whole) > 1 or (
        nameless and len({r.json for r in marks if isinstance(r, InitStart)}) > 1
    ):
        return _of_own_formats(lines, pairs)
    ended_in_text = {r.request_id for _, r in lines if isinstance(r, End)}
    json = next(iter(whole or formats)) if len(whole or formats) == 1 else None
    json = _is_json(marks, ended_in_text) if json is None else json

    def own(record: Record) -> bool:
        if isinstance(record, End):
            return not json
        return not isinstance(record, (Start, Report)) or record.json == json

    return [(e, r) if own(r) else (e, AppLine(text=e.message)) for e, r in lines]


def _whole_pairs(lines: Sequence[Line]) -> set[tuple[bool, str]]:
    """Return the formats and IDs of requests that have a START and a REPORT, in text an END too."""
    starts = {(r.json, r.request_id) for _, r in lines if isinstance(r, Start)}
    ended = {r.request_id for _, r in lines if isinstance(r, End)}
    reports = {(r.json, r.request_id) for _, r in lines if isinstance(r, Report)}
    return {(json, named) for json, named in starts & reports if json or named in ended}


def _of_own_formats(lines: Sequence[Line], pairs: set[tuple[bool, str]]) -> list[Line]:
    """Read the streams of several formats together: each request has its own.

    A START, END or REPORT in another format than a whole attempt of its request is text.
    """

    def own(record: Record) -> bool:
        if not isinstance(record, (Start, End, Report)):
            return True
        json = not isinstance(record, End) and record.json
        return (json, record.request_id) in pairs or (not json, record.request_id) not in pairs

    return [(e, r) if own(r) else (e, AppLine(text=e.message)) for e, r in lines]


def _is_json(marks: Sequence[Start | Report | InitStart], ended_in_text: set[str]) -> bool:
    """Return the format of a stream that has records in both.

    An init at the start of the stream decides, else the format in which more requests have a
    START and a REPORT, or an END and a REPORT, else the first START or REPORT. Where no request
    has both, it is JSON, which printed text resembles less often.
    """
    if isinstance(marks[0], InitStart):
        return marks[0].json
    starts = {(r.json, r.request_id) for r in marks if isinstance(r, Start)}
    starts |= {(False, request_id) for request_id in ended_in_text}
    ended = {(r.json, r.request_id) for r in marks if isinstance(r, Report)}
    in_json = [json for json, _ in starts & ended]
    more = 2 * sum(in_json) - len(in_json)
    return marks[0].json if in_json and not more else more >= 0


def _describe(brackets: list[AttemptLines], lines: Sequence[Line]) -> None:
    """Copy to each attempt what the stream shows of all of them."""
    inits = [r for _, r in lines if isinstance(r, (InitStart, RestoreStart))]
    runtime = next((r.runtime_version for r in inits if r.runtime_version), None)
    arn = next((r.function_arn for _, r in lines if isinstance(r, Start) and r.function_arn), None)
    name = arn or next((r.function_name for r in inits if isinstance(r, InitStart)), None)
    informed = bool(inits) or any(
        isinstance(r, Start) or (isinstance(r, Report) and not r.failed) for _, r in lines
    )
    for bracket in brackets:
        bracket.runtime_version = runtime
        bracket.function_name = name
        bracket.starts_unseen = bracket.json and not informed


# --------------------------------------------------------------------------- one at a time

_MOST_TRIED = 20


class SequentialSegmenter:
    """A stream of one environment that runs one request at a time."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.times = [event.timestamp_ms for event, _ in lines]
        # the places of each ID's records, by kind, so that no search walks the stream again
        self.starts: dict[str, list[int]] = defaultdict(list)
        self.reports: dict[str, list[int]] = defaultdict(list)
        self.endings: dict[str, list[int]] = defaultdict(list)
        for at, (_, record) in enumerate(lines):
            if isinstance(record, Start):
                self.starts[record.request_id].append(at)
            elif isinstance(record, CLOSING):
                kind = self.reports if isinstance(record, Report) else self.endings
                kind[record.request_id].append(at)
        self.all_starts = sorted(at for places in self.starts.values() for at in places)
        self.all_reports = sorted(at for places in self.reports.values() for at in places)
        self.brackets: list[AttemptLines] = []
        self.between: list[Line] = []
        self.is_idle = False  # whether a line proves that no attempt runs here

    def read(self) -> list[AttemptLines]:
        """Return the attempts of the stream in its order."""
        at = 0
        while at < len(self.lines):
            _, record = self.lines[at]
            if isinstance(record, Start):
                at = self._started(at, record.request_id)
            elif isinstance(record, CLOSING):
                at = self._startless(at, record.request_id)
            else:
                self.is_idle |= isinstance(record, (InitStart, RestoreStart))
                self.between.append(self.lines[at])
                at += 1
        settle(self.between, self._last, None)
        if self._last:
            self._last.drop_unfinished_report()
        return self.brackets

    @property
    def _last(self) -> AttemptLines | None:
        return self.brackets[-1] if self.brackets else None

    def _started(self, at: int, request_id: str) -> int:
        """Read an attempt from its START on; return the place of the first line after it."""
        stop = self._end_of(at, request_id)
        if stop is not None:
            if isinstance(self.lines[stop - 1][1], Report):
                return self._take(at, self._past_repeats(stop, request_id), request_id)
            stop = self._take(at, stop, request_id)
            self.brackets[-1].drop_unfinished_report()
            return stop
        stop = self._next_start(at, request_id)
        printed = None if self.is_idle else self._ends_another(at, stop, request_id)
        if printed is None:
            return self._take(at, stop, request_id)
        self.between += [
            (event, AppLine(text=event.message)) for event, _ in self.lines[at:printed]
        ]
        return printed

    def _startless(self, at: int, request_id: str) -> int:
        """Read the record of an end outside of any bracket: late, or without its START."""
        line, last = self.lines[at], self._last
        if last and last.request_id == request_id and is_repeat(last, line):
            self.between.append(line)
            return at + 1
        ended = isinstance(line[1], Report)
        stop = (not ended and self._end_of(at, request_id)) or at + 1
        if self._overlaps(stop - 1):
            self.between += [(e, AppLine(text=e.message)) for e, _ in self.lines[at:stop]]
            return stop
        return self._take(at, stop, request_id)

    def _overlaps(self, at: int) -> bool:
        """Whether a REPORT's duration reaches into the attempt before: then it is printed text."""
        last, began_ms = self._last, self._began_ms(at)
        if last is None or last.report_event is None or began_ms is None:
            return False
        return began_ms < last.report_event.timestamp_ms - CLOCK_SLACK_MS

    def _began_ms(self, at: int) -> int | None:
        """When the attempt of a REPORT began by its duration; ``None`` for any other line."""
        record = self.lines[at][1]
        if not isinstance(record, Report) or record.duration_ms is None:
            return None
        return self.times[at] - round(record.duration_ms)

    def _take(self, at: int, stop: int, request_id: str) -> int:
        bracket = bracket_of(self.lines[at], request_id, after_another=bool(self.brackets))
        settle(self.between, self._last, bracket)
        for line in self.lines[at:stop]:
            bracket.add(line)
        last = self._last
        follows_open = last is not None and not last.ended
        bracket.doubtful = not bracket.ended and (follows_open or bool(bracket.ambiguous))
        self.between = []
        self.brackets.append(bracket)
        self.is_idle = True
        return stop

    def _end_of(self, at: int, request_id: str) -> int | None:
        """Return the place after the record that closes the one at ``at``; ``None`` without one.

        A REPORT closes it, or else the last of the other records of its end.
        """
        opened_ms, reports = self.times[at], self.reports[request_id]
        longest = bisect_right(self.times, opened_ms + LONGEST_ATTEMPT_MS)
        limit = min(longest, self._again(at, request_id))
        report = _after(reports, at, longest)
        if report < longest and self._is_foreign(at, report):
            report = longest
        if report < longest and (report < limit or self._spans(report, at, limit)):
            last = self._last_report(at, report, reports)
            return self._late_end(at, last, request_id) + 1
        endings = self.endings[request_id]
        last = bisect_left(endings, limit) - 1
        return endings[last] + 1 if last >= 0 and endings[last] > at else None

    def _is_foreign(self, at: int, report: int) -> bool:
        """Whether a REPORT is text of a later attempt: another one ran whole in between.

        Its duration must not reach back to the START, or the other one is the printed text.
        """
        began_ms = self._began_ms(report)
        if began_ms is None or abs(began_ms - self.times[at]) <= CLOCK_SLACK_MS:
            return False
        first = bisect_right(self.all_reports, at)
        for other in self.all_reports[first : first + _MOST_TRIED]:
            if other >= report:
                break
            started = _after(self.starts[self._id_at(other)], at, other)
            if started < other:
                return True
        return False

    def _id_at(self, at: int) -> str:
        return getattr(self.lines[at][1], "request_id", "")

    def _late_end(self, at: int, report: int, request_id: str) -> int:
        """Find an END long after a REPORT without one: then the REPORT is printed text."""
        record = self.lines[report][1]
        endings = self.endings[request_id]
        if getattr(record, "json", False) or _after(endings, at, report) < report:
            return report
        end = _after(endings, report, len(self.lines))
        limit = _after(self.all_starts, report, len(self.lines))
        if end >= limit or within(self.lines[report][0], self.lines[end][0]):
            return report
        return end

    def _again(self, at: int, request_id: str) -> int:
        """Return the place of a later START of the request, late enough to be a retry."""
        again = bisect_left(self.times, self.times[at] + SHORTEST_RETRY_MS)
        return _after(self.starts[request_id], max(again - 1, at), len(self.lines))

    def _spans(self, report: int, at: int, again: int) -> bool:
        """Whether a REPORT's duration reaches back to ``at``, so that the later START is text."""
        began_ms = self._began_ms(report)
        if began_ms is None:
            return False
        return abs(began_ms - self.times[at]) < abs(began_ms - self.times[again])

    def _last_report(self, at: int, report: int, reports: Sequence[int]) -> int:
        """Find the last REPORT of the attempt that ``report`` closes; those before it are printed.

        A later one is of the same attempt where no START comes between and its duration reaches
        back to the START at ``at``.
        """
        limit = _after(self.all_starts, report, len(self.lines))
        later = _after(reports, report, limit)
        while later < limit:
            began_ms = self._began_ms(later)
            if began_ms is not None and abs(began_ms - self.times[at]) <= CLOCK_SLACK_MS:
                report = later
            later = _after(reports, later, limit)
        return report

    def _past_repeats(self, at: int, request_id: str) -> int:
        """Past an END or REPORT of the same attempt that comes again, or in another order."""
        past = at
        for i in range(at, len(self.lines)):
            event, record = self.lines[i]
            if isinstance(record, Start) or not within(self.lines[at - 1][0], event):
                break
            if isinstance(record, (End, Report)) and record.request_id == request_id:
                past = i + 1
        return past

    def _next_start(self, at: int, request_id: str) -> int:
        """Where the next attempt starts, another request's or a retry, or this one's time is up."""
        up = bisect_right(self.times, self.times[at] + LONGEST_ATTEMPT_MS)
        for i in range(at + 1, up):
            event, record = self.lines[i]
            if isinstance(record, Start) and (
                record.request_id != request_id or not within(self.lines[at][0], event)
            ):
                return i
        return up

    def _ends_another(self, at: int, stop: int, request_id: str) -> int | None:
        """Return the place of another request's END, which shows that this START was printed."""
        for i in range(at + 1, stop):
            record = self.lines[i][1]
            if isinstance(record, (End, Report)) and record.request_id != request_id:
                return i
        return None


def _after(places: Sequence[int], at: int, otherwise: int) -> int:
    """Return the first of ``places`` behind ``at``."""
    i = bisect_right(places, at)
    return places[i] if i < len(places) else otherwise
