"""A window of a log group, saved over HTTP, and what its figures must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from retryctl.bulk.reader import BulkReader
from retryctl.bulk.reduction import PartitionContext, reduce_partition
from retryctl.core.crosscheck.checked_request import CheckedRequest, check_request
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.history.history_builder import build_history
from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.summary.request_row import RequestRow, request_rows
from retryctl.core.summary.tally import SummaryTally
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.log_groups import LogGroup, describe
from retryctl.sources.cloudwatch.pages import TimeRange
from retryctl.sources.cloudwatch.search_options import QueryBudget, SearchOptions
from retryctl.sources.cloudwatch.window_download import WindowDownload, WrongCounters
from tests.bulk.test_whole_log import tally_of
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS
from tests.support.lambda_log import GROUP, MIDNIGHT_MS, Environment, events_of
from tests.support.program import run

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
NOW = MIDNIGHT_MS + 30 * HOUR
WHOLE = TimeRange(since_ms=MIDNIGHT_MS - HOUR, until_ms=MIDNIGHT_MS + 29 * HOUR)
Told = tuple[SummaryTally, list[RequestRow]]
REACH_MS = 6 * HOUR + 15 * MINUTE


def load(endpoint: Endpoint, events: Sequence[LogEvent], *, first_page: int = 3, **of: Any) -> None:
    """The group has these events; one call looks at ``first_page`` of them."""
    endpoint.group(GROUP, **of)
    endpoint.load(GROUP, [(e.log_stream or "", e.timestamp_ms, e.message) for e in events])
    endpoint.events.scan_events = first_page


@cache
def aws_at(url: str) -> AwsClient:
    return AwsClient(endpoint_url=url, sleep=lambda _: None)


def saved(
    endpoint: Endpoint,
    folder: Path,
    *,
    engine: Any = "filter",
    window: TimeRange = WHOLE,
    markers: Markers | None = None,
    verify_all: bool = False,
    wrong_counters: WrongCounters = lambda coverage: (),
    **terms: Any,
) -> WindowDownload:
    """The window, and as far before it as an earlier attempt can lie."""
    aws = aws_at(endpoint.url)
    log = WindowDownload(
        aws=aws,
        group=LogGroup(name=GROUP),
        options=SearchOptions(
            engine=engine,
            terms=QueryBudget(**{"sleep": lambda _: None, **terms}),
            describe=partial(describe, aws),
            markers=markers or Markers(),
        ),
        window=replace(window, since_ms=window.since_ms - REACH_MS),
        now_ms=NOW,
        folder=folder,
        on_page=lambda _: None,
        verify_all=verify_all,
        wrong_counters=wrong_counters,
    )
    log.save()
    return log


def told(
    log: WindowDownload, folder: Path, window: TimeRange = WHOLE, markers: Markers | None = None
) -> Told:
    """What a summary and a list make of what was saved."""
    found = BulkReader(str(folder)).read(
        LogQuery(until_ms=window.until_ms), markers or Markers(), FunctionConfig()
    )
    around = PartitionContext(
        coverage=log.stats.coverage(0),
        settings=FunctionConfig(),
        markers=markers or Markers(),
        since_ms=window.since_ms,
        until_ms=window.until_ms,
    )
    parts = (found.part(number) for number in range(found.parts))
    requests = [one for part in parts for one in reduce_partition(part, found.readings, around)]
    return tally_of(requests), sorted(
        (line for one in requests for line in request_rows(one)), key=str
    )


def truth(
    events: Sequence[LogEvent], window: TimeRange = WHOLE, markers: Markers | None = None
) -> Told:
    """What all lines of that time tell."""
    since_ms, horizon_ms = window.since_ms - REACH_MS, min(NOW, window.until_ms)
    seen = [e for e in events if since_ms <= e.timestamp_ms < window.until_ms]
    history = build_history(seen, horizon_ms=horizon_ms, markers=markers)
    coverage = Coverage(source="cloudwatch", horizon_ms=horizon_ms)
    checked: list[CheckedRequest] = [
        check_request(request, coverage, markers=markers)
        for request in history.requests
        if request.placed_ms >= window.since_ms
    ]
    return tally_of(checked), sorted(
        (line for one in checked for line in request_rows(one)), key=str
    )


def counting(number: int, *between: str, every: int = 7, apart_s: int = 600) -> list[LogEvent]:
    """Attempts that count right, of which each ``every``-th logs more before its branch."""
    here = Environment("a")
    for at in range(number):
        lines = ("an order", "0", *(between if at % every == 0 else ()), "process A")
        here.at(at * apart_s).runs(f"{at:08x}-1111-4222-8333-444455556666", *lines, ends="error")
    return events_of(here)


def selected_only(folder: Path) -> bool:
    return not any("an order" in path.read_text() for path in folder.iterdir())


def nearest_parted() -> list[LogEvent]:
    """Of 40 integers some seconds before their branch, one is near it, with a line between.

    It is no count.
    """
    here = Environment("a")
    for number in range(40):
        request_id = f"{number:08x}-1111-4222-8333-444455556666"
        here.at(number * 600).starts(request_id)
        if number == 20:
            here.prints("7", "an order")
        else:
            here.prints("0").at(number * 600 + 5)
        here.prints("process A").raises().reports(request_id)
    return events_of(here)


HOURS = ("--since", "2026-11-22T23:00Z", "--until", "2026-11-23T03:00Z")


def ask(endpoint: Endpoint, command: str, *arguments: str) -> Any:
    where = ("-q", "--endpoint-url", endpoint.url, *HOURS)
    return run(command, "orders-worker", *arguments, *where, env=CREDENTIALS)
