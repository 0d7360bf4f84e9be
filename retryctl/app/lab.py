"""What the core makes of the log events of a lab."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retryctl.core.crosscheck.claims import Markers
from retryctl.core.crosscheck.verdict import CheckedRequest, HistoryInput, check_history
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.function_config import FunctionConfig
from retryctl.lab.function import Function
from retryctl.lab.lab import LabEvent


def judge(
    events: Sequence[LabEvent],
    function: Function,
    *,
    retries: int = 2,
    markers: Markers | None = None,
) -> tuple[tuple[CheckedRequest, ...], Coverage]:
    """Return the requests in order of their first attempt, with their verdicts; and what was seen.

    ``retries`` is how many Lambda allows. All that the lab logged is in view, so nothing is
    missing but what a log level keeps back.
    """
    settings = FunctionConfig(
        maximum_retry_attempts=retries,
        timeout_s=math.ceil(function.timeout_s),
        log_format="JSON" if function.log_format == "json" else "Text",
        application_log_level=function.application_level,
        system_log_level=function.system_level if function.log_format == "json" else None,
    )
    logged = [one.event for one in events]
    horizon_ms = max((event.timestamp_ms for event in logged), default=0)
    coverage = Coverage(
        source="lab",
        log_groups=(function.log_group,),
        since_ms=min((event.timestamp_ms for event in logged), default=None),
        until_ms=horizon_ms + 1,
        horizon_ms=horizon_ms,
        events_read=len(logged),
    )
    given = HistoryInput(
        markers=markers or Markers(), settings_of=lambda _: settings, function=function.name
    )
    history = check_history(logged, coverage, given)
    return history.requests, history.coverage
