"""Which events of a saved log are asked for: those of a selection's groups and function."""

from __future__ import annotations

from fnmatch import fnmatchcase
from sys import intern

from retryctl.core.attempts import function_name
from retryctl.core.coverage import Selection
from retryctl.core.records import LogEvent
from retryctl.sources.saved_event import SavedEvent
from retryctl.sources.saved_mentions import StreamKey


class Asked:
    """Which events belong to the groups and the function of a selection, and their group.

    A group is named as on CloudWatch: by its name, its ARN or a pattern in which ``*`` stands
    for any text.
    """

    def __init__(self, selection: Selection) -> None:
        self._groups = tuple(map(_group_name, selection.log_groups))
        self._function = selection.function
        self._nameless = self._group_of_the_nameless()
        self._answers: dict[tuple[str | None, str | None], bool] = {}

    def wants(self, event: SavedEvent) -> bool:
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

    def event(self, event: SavedEvent, position: int) -> LogEvent:
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

    def stream(self, event: SavedEvent) -> StreamKey:
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
        if found := function_name(group, stream):
            return found == self._function
        return group is None or self._names(group) or group.endswith(f"/{self._function}")

    def _group_of_the_nameless(self) -> str | None:
        if len(self._groups) == 1 and "*" not in self._groups[0]:
            return self._groups[0]
        return f"/aws/lambda/{self._function}" if self._function and not self._groups else None


def _group_name(named: str) -> str:
    from retryctl.sources.log_groups import log_group  # with the calls of AWS, seldom needed here

    return log_group(named).name
