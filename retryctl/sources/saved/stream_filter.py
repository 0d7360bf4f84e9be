"""The log streams that a query selects: those of its groups and its function."""

from __future__ import annotations

from fnmatch import fnmatchcase
from sys import intern

from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.core.model.group_names import (
    account_and_region,
    function_from_names,
    function_name,
    group_name,
    may_be_in,
)
from retryctl.sources.saved.saved_format import RawEvent

StreamPlace = tuple["str | None", str]
"""Log group and log stream; an empty stream where the log names none."""


class StreamFilter:
    """Selects the events of the groups and the function of a query, and names their group.

    A group is named as on CloudWatch: by its name, its ARN or a pattern in which ``*`` stands
    for any text.
    """

    def __init__(self, query: LogQuery) -> None:
        self._groups = tuple(
            (group_name(each), account_and_region(each)) for each in query.log_groups
        )
        self._function, self._place = query.function, query.place
        self._nameless = self._group_of_the_nameless()
        self._answers: dict[tuple[str | None, str | None], bool] = {}

    def wants(self, event: RawEvent) -> bool:
        """Whether the query selects the event."""
        return self.wants_stream(event.log_group, event.log_stream)

    def wants_stream(self, group: str | None, stream: str | None) -> bool:
        """Whether the query selects the events of a stream."""
        place = (group, stream)
        answer = self._answers.get(place)
        if answer is None:
            answer = self._answers[place] = (
                (group is None or may_be_in(group, self._place))
                and (not self._groups or group is None or self._names(group))
                and self._is_of_function(group, stream)
            )
        return answer

    def event(self, event: RawEvent, position: int) -> LogEvent:
        """Build the event that the core reads."""
        group, stream = self.group_of(event.log_group), event.log_stream
        return LogEvent(
            timestamp_ms=event.timestamp_ms,
            message=event.message,
            log_stream=stream and intern(stream),  # one text for all events of the stream
            log_group=group and intern(group),
            event_id=event.event_id,
            position=position,
        )

    def group_of(self, named: str | None) -> str | None:
        """Return the group that the log names, else the one that the query names."""
        return named or self._nameless

    def _names(self, group: str) -> bool:
        return any(
            fnmatchcase(group_name(group), name) and may_be_in(group, place)
            for name, place in self._groups
        )

    def _is_of_function(self, group: str | None, stream: str | None) -> bool:
        """Whether it is the function's log; a custom group counts where the query names it."""
        if self._function is None:
            return True
        if found := function_from_names(group, stream):
            return function_name(found) == self._function
        return group is None or self._names(group) or group.endswith(f"/{self._function}")

    def _group_of_the_nameless(self) -> str | None:
        if len(self._groups) == 1 and "*" not in self._groups[0][0]:
            return self._groups[0][0]
        return f"/aws/lambda/{self._function}" if self._function and not self._groups else None
