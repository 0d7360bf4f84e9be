"""Check a function's configuration: retries, invokers, log, environments, permissions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from retryctl.app.cloudwatch_targets import aws_for
from retryctl.app.options import Feedback, SourceOptions, TimeWindow
from retryctl.app.window import open_window
from retryctl.bulk.reduce import Requests
from retryctl.config import ProjectConfig
from retryctl.core.crosscheck.verdict import CheckedRequest
from retryctl.core.doctor.checks import examine
from retryctl.core.doctor.facts import LATEST, NotRead, RetryPlaces
from retryctl.core.doctor.result import DoctorReport
from retryctl.core.summary.tally import SummaryTally
from retryctl.sources.aws.fact_errors import read_fact
from retryctl.sources.aws.function_facts import read_function_facts

_DAY_MS = 86_400_000


def examine_function(
    options: SourceOptions,
    config: ProjectConfig,
    function: str,
    *,
    now_ms: int,
    feedback: Feedback,
) -> DoctorReport:
    """Read the configuration and the last 24 hours of ``function`` and run every check.

    ``function`` is a name or an ARN. Raises ``CouldNotLook`` if it does not exist, or if AWS does
    not answer.
    """
    facts = read_function_facts(aws_for(options, function), function, now_ms=now_ms)
    named = replace(options, function=function)
    places: RetryPlaces | NotRead = read_fact(
        "logs:FilterLogEvents", lambda: _retry_places(named, config, now_ms, feedback)
    )
    return examine(replace(facts, retry_places=places))


def _retry_places(
    options: SourceOptions, config: ProjectConfig, now_ms: int, feedback: Feedback
) -> RetryPlaces:
    window = TimeWindow(since_ms=now_ms - _DAY_MS, is_since_ago=True)
    with open_window(options, config, window, now_ms=now_ms, feedback=feedback) as reader:
        found = list(reader.map(_retries))
        hidden = [gap.message for gap in reader.coverage.gaps if gap.hides_attempts]
    return RetryPlaces(
        same=sum(tally.same_environment for tally, _ in found),
        other=sum(tally.other_environment for tally, _ in found),
        retried=sum((versions for _, versions in found), Counter()),
        unread="".join(hidden[:1]),
    )


def _retries(requests: Requests) -> tuple[SummaryTally, Counter[str]]:
    """Count the retries of a part of the requests, and the retried requests by version."""
    tally, versions = SummaryTally(), Counter[str]()
    for one in requests:
        if isinstance(one, CheckedRequest) and len(one.request.attempts) > 1:
            tally.add(one)
            versions.update({one.request.attempts[-1].version or LATEST})
    return tally, versions
