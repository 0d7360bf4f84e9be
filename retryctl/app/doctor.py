"""Check a function's configuration: retries, invokers, log, environments, permissions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from retryctl.app.aws_clients import aws_for
from retryctl.app.options import Feedback, ProgressText, ShowProgress, SourceOptions, TimeWindow
from retryctl.app.window import open_window
from retryctl.config import ProjectConfig
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.doctor.checks import examine
from retryctl.core.doctor.facts import LATEST, NotRead, RetryPlaces
from retryctl.core.doctor.result import DoctorReport
from retryctl.core.summary.alike_requests import Requests
from retryctl.core.summary.tally import SummaryTally
from retryctl.errors import CouldNotRead
from retryctl.sources.aws.function_facts import read_fact, read_function_facts

_DAY_MS = 86_400_000
_LONGEST_S = 60
_MOST_COST = 0.05  # US dollars, for Logs Insights


class _Limited:
    """Feedback that raises ``CouldNotRead`` at the first progress after a time."""

    def __init__(self, feedback: Feedback, seconds: float, clock: Callable[[], float]) -> None:
        self._feedback, self._seconds, self._clock = feedback, seconds, clock
        self._end = clock() + seconds

    def warn(self, sentence: str) -> None:
        """Pass the sentence on."""
        self._feedback.warn(sentence)

    def confirm(self, question: str) -> bool:
        """Return false: nothing above the limit of the cost is spent."""
        return False

    @contextmanager
    def progress(self) -> Iterator[ShowProgress]:
        """Show progress until the time is over."""
        with self._feedback.progress() as show:

            def show_in_time(text: ProgressText) -> None:
                if self._clock() > self._end:
                    raise CouldNotRead(
                        f"the last 24 h take longer to read than {self._seconds:.0f} s; "
                        "retryctl summary reads them all"
                    )
                show(text)

            yield show_in_time


def examine_function(
    options: SourceOptions,
    config: ProjectConfig,
    function: str,
    *,
    now_ms: int,
    feedback: Feedback,
    longest_s: float = _LONGEST_S,
    clock: Callable[[], float] = time.monotonic,
) -> DoctorReport:
    """Read the configuration and the last 24 hours of ``function`` and run every check.

    ``function`` is a name or an ARN. Raises ``CouldNotRead`` if it does not exist, or if AWS does
    not answer. The 24 hours are read for ``longest_s`` seconds at most.
    """
    with feedback.progress() as show:
        aws = aws_for(options, function, show=show)
        facts = read_function_facts(aws, function, now_ms=now_ms)
    named = replace(options, function=function, max_cost=_MOST_COST)
    limited = _Limited(feedback, longest_s, clock)
    places: RetryPlaces | NotRead = read_fact(
        "logs:FilterLogEvents", lambda: _retry_places(named, config, now_ms, limited)
    )
    return examine(replace(facts, retry_places=places))


def _retry_places(
    options: SourceOptions, config: ProjectConfig, now_ms: int, feedback: Feedback
) -> RetryPlaces:
    window = TimeWindow(since_ms=now_ms - _DAY_MS, is_since_ago=True)
    with open_window(options, config, window, now_ms=now_ms, feedback=feedback) as reader:
        found = list(reader.map(_retries))
        web = reader.coverage.web_function
        hidden = [gap.message for gap in reader.coverage.gaps if gap.hides_attempts]
    return RetryPlaces(
        same=sum(tally.same_environment for tally, _ in found),
        other=sum(tally.other_environment for tally, _ in found),
        retried=sum((versions for _, versions in found), Counter()),
        unread="".join(hidden[:1]),
        web=web,
    )


def _retries(requests: Requests) -> tuple[SummaryTally, Counter[str]]:
    """Count the retries of a part of the requests, and the retried requests by version."""
    tally, versions = SummaryTally(), Counter[str]()
    for one in requests:
        if isinstance(one, CheckedRequest) and len(one.request.attempts) > 1:
            tally.add(one)
            versions.update({one.request.attempts[-1].version or LATEST})
    return tally, versions
