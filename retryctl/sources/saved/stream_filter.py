"""Which events of a saved log are asked for: those of a selection's groups and function."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase
from sys import intern

from retryctl.core.model.attempt import function_from_names
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from retryctl.sources.saved.log_format import RawEvent


class StreamFilter:
    """Which events belong to the groups and the function of a selection, and their group.

    A group is named as on CloudWatch: by its name, its ARN or a pattern in which ``*`` stands
    for any text.
    """

    def __init__(self, selection: LogQuery) -> None:
        self._groups = tuple(map(_group_name, selection.log_groups))
        self._function = selection.function
        self._nameless = self._group_of_the_nameless()
        self._answers: dict[tuple[str | None, str | None], bool] = {}

    def wants(self, event: RawEvent) -> bool:
        """Whether the event is asked for."""
        return self.wants_stream(event.log_group, event.log_stream)

    def wants_stream(self, group: str | None, stream: str | None) -> bool:
        """Whether a stream's events are asked for."""
        place = (group, stream)
        answer = self._answers.get(place)
        if answer is None:
            answer = self._answers[place] = self._is_of_group(place[0]) and self._is_of_function(
                *place
            )
        return answer

    def event(self, event: RawEvent, position: int) -> LogEvent:
        """The event as the core knows it."""
        group, stream = self.group_of(event.log_group), event.log_stream
        return LogEvent(
            timestamp_ms=event.timestamp_ms,
            message=event.message,
            log_stream=stream and intern(stream),  # one text for all events of the stream
            log_group=group and intern(group),
            event_id=event.event_id,
            position=position,
        )

    def stream(self, event: RawEvent) -> StreamKey:
        """The stream of the event, as the core tells streams apart."""
        return (self.group_of(event.log_group) or "", event.log_stream or "")

    def group_of(self, named: str | None) -> str | None:
        """The group that the log names, else the one that was asked for."""
        return named or self._nameless

    def _is_of_group(self, group: str | None) -> bool:
        return not self._groups or group is None or self._names(group)

    def _names(self, group: str) -> bool:
        return any(fnmatchcase(group, named) for named in self._groups)

    def _is_of_function(self, group: str | None, stream: str | None) -> bool:
        """A group that names no function ends in its name, or is asked for by its own."""
        if self._function is None:
            return True
        if found := function_from_names(group, stream):
            return found == self._function
        return group is None or self._names(group) or group.endswith(f"/{self._function}")

    def _group_of_the_nameless(self) -> str | None:
        if len(self._groups) == 1 and "*" not in self._groups[0]:
            return self._groups[0]
        return f"/aws/lambda/{self._function}" if self._function and not self._groups else None


def _group_name(named: str) -> str:
    from retryctl.sources.aws.log_groups import (
        log_group,  # with the calls of AWS, seldom needed here
    )

    return log_group(named).name


AFTER_MS = LONGEST_ATTEMPT_MS
# An init of provisioned concurrency, or one that is repeated in the attempt, may take 15 minutes.
BEFORE_MS = LONGEST_ATTEMPT_MS + 900_000

_ID_BYTES = 36
_FIRST_DASH = 8
# {"logGroupName": "…", "logStreamName": "2026/11/23/[$LATEST]0123…
_LINE_OF_STREAM = re.compile(rb'\{(?:"logGroupName": ?"[^"\\]*", ?)?"logStreamName": ?"([^"\\]*)"')

StreamKey = tuple[str, str]
"""Log group and log stream; empty where the log does not name them."""


def is_init(raw: bytes) -> bool:
    """Whether an event could be the record of an environment's start, by its bytes."""
    return b"INIT_START" in raw or b"platform.initStart" in raw


def is_record(raw: bytes) -> bool:
    """Whether an event could be a record of Lambda's that tells of an attempt, by its bytes."""
    return (  # five searches for bytes are faster than one for a pattern
        b"RequestId: " in raw
        or b"platform." in raw
        or b"INIT_" in raw
        or b"RESTORE_" in raw
        or b"Task timed out" in raw
    )


class RequestIds:
    """The IDs that are looked for, in any case, in bytes that need not be parsed."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = {request_id.lower().encode() for request_id in ids}

    def are_in(self, raw: bytes) -> bool:
        """Whether one of them is; as fast for thousands of IDs as for one."""
        lower = raw.lower()
        dash = lower.find(b"-")
        while dash >= 0:
            start = dash - _FIRST_DASH
            if start >= 0 and lower[start : start + _ID_BYTES] in self._ids:
                return True
            dash = lower.find(b"-", dash + 1)
        return False

    def named_in(self, text: str) -> list[str]:
        """Those of them that are."""
        lower = text.lower().encode()
        return [request_id.decode() for request_id in self._ids if request_id in lower]


class Spans:
    """Stretches of time, in ms, around moments; those that touch are one."""

    def __init__(self, moments_ms: Iterable[int]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for moment_ms in sorted(moments_ms):
            if self._ends and moment_ms - BEFORE_MS <= self._ends[-1]:
                self._ends[-1] = moment_ms + AFTER_MS
            else:
                self._starts.append(moment_ms - BEFORE_MS)
                self._ends.append(moment_ms + AFTER_MS)

    def __contains__(self, moment_ms: int) -> bool:
        at = bisect_right(self._starts, moment_ms) - 1
        return at >= 0 and moment_ms <= self._ends[at]


class Mentions:
    """The moments of mentions in each stream, gathered first; then the spans around them."""

    def __init__(self) -> None:
        self._moments_ms: dict[StreamKey, set[int]] = {}
        self._inits_ms: dict[StreamKey, set[int]] = defaultdict(set)

    def add(self, stream: StreamKey, moment_ms: int) -> None:
        """Note a mention."""
        self._moments_ms.setdefault(stream, set()).add(moment_ms)

    def add_init(self, stream: StreamKey, moment_ms: int) -> None:
        """Note that an environment started; a nameless stream may be the log of many."""
        if stream[1]:
            self._inits_ms[stream].add(moment_ms)

    def spans(self) -> dict[StreamKey, Spans]:
        """The spans of each stream that has a mention."""
        return {
            stream: Spans(moments | self._inits_ms.get(stream, set()))
            for stream, moments in self._moments_ms.items()
        }

    def spans_of_any(self) -> Spans:
        """The spans in which some stream has a mention."""
        return Spans(
            moment
            for stream, moments in self._moments_ms.items()
            for moment in moments | self._inits_ms.get(stream, set())
        )


class Wanted:
    """What the second reading is to parse: by the bytes of an event, before its stream is known."""

    def __init__(self, mentions: Mentions) -> None:
        self._spans = mentions.spans()
        self._spans_of_any = mentions.spans_of_any()
        self._streams = {stream.encode() for _, stream in self._spans}

    def __bool__(self) -> bool:
        return bool(self._spans)

    def may_be(self, raw: bytes, moment_ms: int) -> bool:
        """Whether an event could be wanted; ``raw`` is its line in the file, or its message."""
        if moment_ms in self._spans_of_any:
            return True
        line = _LINE_OF_STREAM.match(raw)  # no record of Lambda's begins so
        return is_record(raw) and not (line and line[1] not in self._streams)

    def has(self, stream: StreamKey, moment_ms: int, message: str) -> bool:
        """Whether an event is wanted."""
        spans = self._spans.get(stream)
        return spans is not None and (moment_ms in spans or is_record(message.encode()))
