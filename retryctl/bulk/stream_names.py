"""Streams, and the names of the functions and log groups that wrote them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from retryctl.core.model.group_names import (
    ambiguous_names,
    function_from_names,
    function_name,
    function_place,
    group_arn,
    group_name,
    has_place,
    unqualified,
)
from retryctl.core.value_classes import value_class


@value_class
class Stream:
    """A log stream, with what its first init shows of all of its attempts."""

    log_group: str | None
    log_stream: str | None
    runtime_version: str | None = None
    function: str | None = None


def function_of(stream: Stream, named: str | None) -> str | None:
    """Return the function that wrote a stream: by its group, its own name, or its records.

    ``named`` is its name where none of these gives it.
    """
    found = function_from_names(stream.log_group, stream.log_stream) or stream.function
    return found or (function_place(stream.log_group) + named if named else None)


def ambiguous_names_of(streams: Iterable[Stream]) -> Collection[str]:
    """Return the names that stand for several functions or log groups."""
    located = map(_located, streams)
    return ambiguous_names(
        {function_of(stream, None) or stream.log_group or "" for stream in located}
    )


def with_distinct_names(streams: Iterable[Stream], ambiguous: Collection[str]) -> Iterator[Stream]:
    """Yield the streams; one has account and region in its names where a name is ambiguous."""
    for stream in streams:
        yield _named(_located(stream), ambiguous) if _names_place(stream) else stream


def _names_place(stream: Stream) -> bool:
    return has_place(stream.log_group) or has_place(stream.function)


def _named(stream: Stream, ambiguous: Collection[str]) -> Stream:
    group, function = stream.log_group, function_of(stream, None)
    name = function_name(function) if function else group and group_name(group)
    if name in ambiguous:
        return stream
    return replace(
        stream,
        log_group=group and group_name(group),
        function=stream.function and function_name(stream.function),
    )


def _located(stream: Stream) -> Stream:
    """Return the stream, its group in the place of the function's ARN where a record has one."""
    group, arn = stream.log_group, unqualified(stream.function)
    if group is None or arn is None or has_place(group):
        return stream
    return replace(stream, log_group=group_arn(group, arn))
