"""Which log groups hold what was asked for on CloudWatch, each with its function's settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from retryctl.cli.on_cloudwatch import aws_for, function_of_group, place_of
from retryctl.cli.options import Look
from retryctl.core.known import FunctionSettings
from retryctl.settings import Settings
from retryctl.sources.discovery import is_pattern, matching_functions
from retryctl.sources.function import function_name, read_settings
from retryctl.sources.log_groups import LogGroup, find_log_groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A log group; of a ``function`` that is named only its own streams are asked for."""

    group: LogGroup
    function: str | None
    settings: FunctionSettings


class Targets:
    """The targets that ``look`` means, through ``aws``; ``said`` is what is not known of them.

    Raises ``UsageError`` where nothing is named, or where a name cannot be a function's, and
    NoSuchLogGroup where a pattern matches none.
    """

    def __init__(self, look: Look, settings: Settings) -> None:
        self.said: list[str] = []
        found: Iterator[Target]
        if look.functions:
            self.aws = aws_for(look, *look.functions)
            found = chain.from_iterable(map(self._named, look.functions))
        else:
            place = place_of(look, settings, any_group=False)
            self.aws = aws_for(look, place.function, *place.groups)
            found = (
                self._of(place.function, place.groups)
                if place.function
                else self._of_groups(place.groups)
            )
        self.targets = tuple(dict.fromkeys(found))

    def _named(self, name: str) -> Iterator[Target]:
        if not is_pattern(name):
            yield from self._of(name)
            return
        functions, notes = matching_functions(self.aws, name)
        self.said += notes
        for function in functions:
            known = self._settings(function.name)[0] if function.exists else FunctionSettings()
            group = LogGroup(name=function.group)
            yield Target(group=group, function=function.name, settings=known)

    def _of(self, function: str, groups: tuple[str, ...] = ()) -> Iterator[Target]:
        name = function_name(function)
        known, own = self._settings(function)
        for group in find_log_groups(self.aws, groups or (own or name.default_log_group,)):
            yield Target(group=group, function=name.name, settings=known)

    def _of_groups(self, groups: tuple[str, ...]) -> Iterator[Target]:
        for group in find_log_groups(self.aws, groups):
            function = function_of_group(group.identifier or group.name)
            known = self._settings(function)[0] if function else FunctionSettings()
            yield Target(group=group, function=None, settings=known)

    def _settings(self, function: str) -> tuple[FunctionSettings, str | None]:
        settings, group, notes = read_settings(self.aws, function)
        self.said += notes
        return settings, group
