"""The source that was asked for, opened, with what is known of the function whose log it is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from retryctl.cli.options import Look
from retryctl.cli.progress import Progress
from retryctl.core.attempts import function_name as function_of
from retryctl.core.records import Coverage, FunctionSettings, LogEvent, Selection, StoreCount
from retryctl.errors import UsageError
from retryctl.settings import Settings
from retryctl.sources.function import function_name, read_settings

if TYPE_CHECKING:
    from retryctl.sources.aws import Aws
    from retryctl.sources.cloudwatch import Progress as Calls

# arn:aws:lambda:eu-west-1:123456789012:function:orders-worker
_REGION_OF_ARN = re.compile(r"arn:[^:]*:(?:lambda|logs):([^:]+):")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A source, ready to be read.

    ``read`` yields the events that ``selection`` asks for, ``coverage`` tells afterwards what
    was looked at. ``function`` are the function's settings as far as they are known,
    ``remarks`` what should be said of them.
    """

    read: Callable[[], Iterator[LogEvent]]
    coverage: Callable[[], Coverage]
    selection: Selection
    function: FunctionSettings = field(default_factory=FunctionSettings)
    remarks: tuple[str, ...] = ()


def open_source(
    look: Look, settings: Settings, selection: Selection, progress: Progress, *, now_ms: int
) -> Opened:
    """The source that ``look`` names; ``selection`` has the IDs and the window.

    Raises ``UsageError`` where a function's name cannot be one, and where CloudWatch is asked
    and neither a function nor a log group is named.
    """
    if look.source == "cloudwatch":
        return _cloudwatch(look, settings, selection, progress, now_ms=now_ms)
    return _saved(look, selection, progress)


def _saved(look: Look, selection: Selection, progress: Progress) -> Opened:
    from retryctl.sources.saved import SavedLog

    log = SavedLog(look.source)
    name = function_name(look.function).name if look.function else None
    selection = replace(selection, function=name, log_groups=look.log_groups)
    tell = partial(tell_bytes, progress)
    return Opened(
        read=lambda: log.read(selection, tell), coverage=log.coverage, selection=selection
    )


def tell_bytes(progress: Progress, done: int, total: int | None) -> None:
    """Say how far the reading of a saved log is."""
    of = f" of {total / 1e6:,.0f}" if total else ""
    progress(lambda: f"reading: {done / 1e6:,.0f}{of} MB")


def _cloudwatch(
    look: Look, settings: Settings, selection: Selection, progress: Progress, *, now_ms: int
) -> Opened:
    from retryctl.sources.cloudwatch import CloudWatch

    function, groups = _asked_for(look, settings)
    aws = _aws(look, function, *groups)
    named = function_name(function) if function else None
    known, group, remarks = _settings_of(aws, function)
    if named and not groups:
        groups = (group or named.default_log_group,)
    source = CloudWatch(
        aws,
        groups=groups,
        clock=lambda: now_ms,
        timeout_ms=known.timeout_ms,
        event_age_ms=known.event_age_ms,
        progress=partial(_tell_calls, progress),
    )
    selection = replace(selection, log_groups=groups, function=named.name if named else None)
    return Opened(
        read=lambda: source.read(selection),
        coverage=source.coverage,
        selection=selection,
        function=known,
        remarks=remarks,
    )


def read_stored(look: Look, request_ids: Sequence[str]) -> Mapping[str, StoreCount]:
    """What the durable store of ``look`` holds of each request; empty where none is named."""
    if look.store is None:
        return {}
    from retryctl.sources.stores import read_count

    return read_count(look.store, request_ids, _aws(look, look.function, *look.log_groups))


def _aws(look: Look, *names: str | None) -> Aws:
    """The door to AWS; the region is the one of an ARN among ``names`` where none was given."""
    from retryctl import __version__
    from retryctl.sources.aws import Aws

    return Aws(
        profile=look.profile,
        region=look.region or _region_of(*names),
        endpoint_url=look.endpoint_url,
        user_agent=f"retryctl/{__version__}",
    )


def _asked_for(look: Look, settings: Settings) -> tuple[str | None, tuple[str, ...]]:
    """The function and the log groups: what was given counts before what is set.

    A log group without a function can name one: that of ``/aws/lambda/NAME``.
    """
    if look.log_groups:
        only = look.log_groups[0] if len(look.log_groups) == 1 else None
        return look.function or function_of(only, None), look.log_groups
    if look.function:
        return look.function, ()
    function = os.environ.get("RETRYCTL_FUNCTION") or settings.function
    if not function and not settings.log_groups:
        raise UsageError(
            "it is not said where on CloudWatch to look.",
            "Name the function with -f, or its log group with -g; or read a saved log with --from.",
        )
    return function, settings.log_groups


def _settings_of(
    aws: Aws, function: str | None
) -> tuple[FunctionSettings, str | None, tuple[str, ...]]:
    return read_settings(aws, function) if function else (FunctionSettings(), None, ())


def _region_of(*names: str | None) -> str | None:
    found = (_REGION_OF_ARN.match(name) for name in names if name)
    return next((match[1] for match in found if match), None)


def _tell_calls(progress: Progress, at: Calls) -> None:
    progress(lambda: f"searching {at.log_group}: {at.api_calls:,} calls, {at.found:,} lines found")
