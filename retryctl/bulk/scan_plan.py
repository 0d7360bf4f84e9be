"""What every scan of a chunk needs to know."""

from __future__ import annotations

from dataclasses import field

from retryctl.bulk.compact_attempts import Shown
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.value_classes import value_class
from retryctl.sources.saved.stream_filter import StreamPlace


@value_class
class ScanPlan:
    """What every scan of a chunk needs to know.

    Events from ``query.until_ms`` on count as not yet written. ``places`` are the streams that
    are read, where a survey found them.
    """

    query: LogQuery
    markers: Markers
    settings: FunctionConfig
    parts: int
    shown: Shown = field(default_factory=Shown)
    places: frozenset[StreamPlace] | None = None
