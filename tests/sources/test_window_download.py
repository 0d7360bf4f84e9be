"""A window of a log group, saved by the lines that tell, over HTTP from the strict endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

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
from retryctl.errors import CouldNotLook, ExitStatus
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.log_groups import LogGroup, describe
from retryctl.sources.cloudwatch import insights_export
from retryctl.sources.cloudwatch.pages import StreamStretch, TimeRange
from retryctl.sources.cloudwatch.search_options import QueryBudget, SearchOptions
from retryctl.sources.cloudwatch.window_download import (
    EventsWithin,
    NotSaved,
    WindowDownload,
    WrongCounters,
)
from tests.bulk.test_whole_log import tally_of
from tests.endpoint.faults import KINDS, Faults
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS
from tests.support.lambda_log import GROUP, ID, MIDNIGHT_MS, OTHER_ID, Environment, events_of
from tests.support.made_up_logs import made_up
from tests.support.program import run
from tests.support.random_cases import seeds

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
NOW = MIDNIGHT_MS + 30 * HOUR
WHOLE = TimeRange(since_ms=MIDNIGHT_MS - HOUR, until_ms=MIDNIGHT_MS + 29 * HOUR)
Told = tuple[SummaryTally, list[RequestRow]]
REACH_MS = 6 * HOUR + 15 * MINUTE

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture(scope="module")
def served() -> Iterator[Endpoint]:
    with Endpoint(clock=lambda: NOW) as running:
        yield running


@pytest.fixture
def endpoint(served: Endpoint) -> Iterator[Endpoint]:
    """Without faults, and without events of another test."""
    yield served
    served.store.__init__()  # type: ignore[misc]
    served.faults = Faults()
    served.calls.clear()
    served.events.scan_events = 200_000
    served.insights.fresh_ms = 60_000


def load(endpoint: Endpoint, events: Sequence[LogEvent], *, first_page: int = 3, **of: Any) -> None:
    """The group has these events; one call looks at ``first_page`` of them."""
    endpoint.group(GROUP, **of)
    endpoint.load(GROUP, [(e.log_stream or "", e.timestamp_ms, e.message) for e in events])
    endpoint.events.scan_events = first_page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a window is saved; it is made then."""
    return tmp_path / "000000"


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


def history_of(random: Random) -> list[LogEvent]:
    """Made-up streams as CloudWatch has them: in one group, in order of time, with its IDs."""
    streams = made_up(random, hostile=random.random() < 0.5)
    events = sorted(
        (
            replace(event, log_group=GROUP, position=0)
            for stream in streams
            for event in stream
            if event.log_stream
        ),
        key=lambda event: event.timestamp_ms,
    )
    return [replace(event, event_id=f"{number:056d}") for number, event in enumerate(events)]


def a_window_of(random: Random, events: Sequence[LogEvent]) -> TimeRange:
    """One that streams cross at both edges; sometimes all of it."""
    if random.random() < 0.3 or not events:
        return WHOLE
    one, other = sorted(event.timestamp_ms for event in random.choices(events, k=2))
    return TimeRange(since_ms=one, until_ms=other + 1)


# --------------------------------------------------------------------------- the same figures


@pytest.mark.parametrize("seed", seeds(8, 100))
@pytest.mark.parametrize("engine", ["filter", "insights"])
def test_the_lines_that_tell_give_the_figures_of_all_lines(
    endpoint: Endpoint, seed: int, engine: str, folder: Path
) -> None:
    random = Random(seed)
    events = history_of(random)
    window = a_window_of(random, events)
    load(endpoint, events, first_page=max(2, len(events) // 5))
    log = saved(endpoint, folder, engine=engine, window=window)
    doubts = {gap.kind for gap in log.stats.gaps}
    if engine == "insights" and doubts & {"unordered", "lines-between"}:
        pytest.skip("it is told that this is uncertain")
    assert not doubts
    if log.assumed is None:
        assert told(log, folder, window) == truth(events, window)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "throttle"])
def test_faults_change_no_figure(endpoint: Endpoint, kind: str, folder: Path) -> None:
    events = counting(60)
    load(endpoint, events, first_page=15)
    aws_at.cache_clear()  # or the next test would go on as slowly
    endpoint.faults = Faults(seed=2, rates={kind: 0.4}, slow_s=0.01)
    log = saved(endpoint, folder)
    assert endpoint.faults.injected[kind]
    assert not log.stats.gaps
    assert told(log, folder) == truth(events)
    assert no_event_is_there_twice(folder)


def test_throttling_changes_no_figure(endpoint: Endpoint, folder: Path) -> None:
    events = counting(20)
    load(endpoint, events, first_page=20)
    aws_at.cache_clear()
    endpoint.faults.script["FilterLogEvents"].extend(["throttle", None, None, "throttle"])
    log = saved(endpoint, folder)
    assert endpoint.faults.injected["throttle"] == 2
    assert told(log, folder) == truth(events)


def counting(number: int, *between: str, every: int = 7, apart_s: int = 600) -> list[LogEvent]:
    """Attempts that count right, of which each ``every``-th logs more before its branch."""
    here = Environment("a")
    for at in range(number):
        lines = ("an order", "0", *(between if at % every == 0 else ()), "process A")
        here.at(at * apart_s).runs(f"{at:08x}-1111-4222-8333-444455556666", *lines, ends="error")
    return events_of(here)


def no_event_is_there_twice(folder: Path) -> bool:
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
    return len(lines) == len(set(lines))


def test_an_event_given_twice_counts_as_the_service_gives_it(
    endpoint: Endpoint, folder: Path
) -> None:
    events = [event for event in counting(20) for _ in range(2)]
    load(endpoint, events)
    log = saved(endpoint, folder)
    tally, _ = told(log, folder)
    assert (tally.requests, tally.attempts) == (20, 20)


# --------------------------------------------------------------------------- the window


def test_a_retry_at_the_windows_start_is_not_a_request_of_it(
    endpoint: Endpoint, folder: Path
) -> None:
    here, other = Environment("a"), Environment("b")
    here.at(0).runs(ID, "0", "process A", ends="error")
    other.at(6 * 3_600).runs(ID, "0", "process A", ends="error")
    other.at(6 * 3_600 + 100).runs(OTHER_ID, "0", "process A", ends="error")
    load(endpoint, events_of(here, other))
    window = replace(WHOLE, since_ms=MIDNIGHT_MS + 3 * HOUR)
    tally, lines = told(saved(endpoint, folder, window=window), folder, window)
    assert [line.request_id for line in lines] == [OTHER_ID]
    assert tally.attempts == 1


def test_an_attempt_is_running_at_the_windows_end(endpoint: Endpoint, folder: Path) -> None:
    here = Environment("a").runs(OTHER_ID, "fine").at(60).starts(ID).prints("an order", "0")
    until_ms = here.now_ms
    here.prints("process A").raises().reports(ID)
    events = events_of(here)
    load(endpoint, events, first_page=2)
    window = replace(WHOLE, until_ms=until_ms)
    found = told(saved(endpoint, folder, window=window), folder, window)
    assert found == truth(events, window)
    assert [line.outcome.value for line in found[1]] == ["running", "succeeded"]


# --------------------------------------------------------------------------- neighbours

NODE_ERROR = json.dumps(
    {"level": "ERROR", "message": {"errorType": "E", "errorMessage": "no", "stackTrace": []}}
)
DOTNET_ERROR = f"2026-11-23T00:00:00.123Z\t{ID}\tfail\tSystem.Exception: no"


def selected_only(folder: Path) -> bool:
    return not any("an order" in path.read_text() for path in folder.iterdir())


def test_what_nothing_parts_is_read_by_the_lines_that_tell(
    endpoint: Endpoint, folder: Path
) -> None:
    load(endpoint, counting(30))
    log = saved(endpoint, folder)
    assert selected_only(folder)
    assert not log.stats.gaps


def test_a_line_between_the_integer_and_its_branch_has_the_window_read_whole(
    endpoint: Endpoint, folder: Path
) -> None:
    events = counting(30, "and this lies between")
    load(endpoint, events)
    log = saved(endpoint, folder)
    assert not selected_only(folder)
    assert log.assumed is None
    assert told(log, folder) == truth(events)


@pytest.mark.parametrize("error", [NODE_ERROR, DOTNET_ERROR])
@pytest.mark.parametrize("after", [(), ("it went on",)])
@pytest.mark.parametrize("ends", [True, False])
def test_an_error_that_counts_only_as_the_last_line(
    endpoint: Endpoint, error: str, after: tuple[str, ...], ends: bool, folder: Path
) -> None:
    here = Environment("a", json=error is NODE_ERROR).runs(OTHER_ID, "an order")
    here.at(60).starts(ID).prints("an order", error, *after)
    if ends:
        here.reports(ID)
    load(endpoint, events_of(here), first_page=2)
    window = replace(WHOLE, until_ms=here.now_ms + 1)
    log = saved(endpoint, folder, window=window)
    assert selected_only(folder) == (not after)
    tally, lines = told(log, folder, window)
    assert (tally, lines) == truth(events_of(here), window)
    outcome = {(): "pending", ("it went on",): "succeeded" if ends else "running"}[after]
    assert lines[0].outcome.value == outcome


def test_every_error_is_looked_up_before_other_pairs(endpoint: Endpoint, folder: Path) -> None:
    """Of 40 errors, the one with the least time to its REPORT is not the last line."""
    here = Environment("a")
    for number in range(40):
        request_id = f"{number:08x}-1111-4222-8333-444455556666"
        here.at(number * 600).starts(request_id).prints(
            "an order", DOTNET_ERROR.replace(ID, request_id)
        )
        here.prints("it went on") if number == 20 else here.at(number * 600 + 5)
        here.reports(request_id)
    events = events_of(here)
    load(endpoint, events, first_page=2)
    log = saved(endpoint, folder)
    assert told(log, folder) == truth(events)


def test_an_integer_and_its_branch_in_two_slices_are_a_pair(
    endpoint: Endpoint, folder: Path
) -> None:
    here = Environment("a").runs(OTHER_ID, "an order").at(600).starts(ID).prints("0")
    here.at(600 + 800).prints("an order").at(600 + 850).prints("process A").raises().reports(ID)
    events = events_of(here)
    load(endpoint, events, first_page=2)
    log = saved(endpoint, folder, window=replace(WHOLE, until_ms=MIDNIGHT_MS + 1_600 * SECOND))
    assert not selected_only(folder)
    assert len(list(folder.iterdir())) > 1
    assert log.assumed is None


def test_where_few_pairs_are_looked_up_that_is_told_and_hides_nothing(
    endpoint: Endpoint, folder: Path
) -> None:
    events = counting(40)
    load(endpoint, events, first_page=150)
    log = saved(endpoint, folder)
    assert log.assumed
    assert log.assumed.kind == "not-looked-up"
    assert "5 of 40 pairs" in log.assumed.message
    assert not log.assumed.hides_attempts
    assert not log.stats.gaps
    assert told(log, folder) == truth(events)


def test_pairs_that_may_not_be_looked_up_are_told(endpoint: Endpoint, folder: Path) -> None:
    events = counting(3)
    load(endpoint, events, first_page=4)
    endpoint.faults.denied_streams.add(events[0].log_stream or "")
    log = saved(endpoint, folder)
    assert log.assumed
    assert "none of 3 pairs" in log.assumed.message


def test_the_pairs_with_the_most_time_between_are_looked_up(
    endpoint: Endpoint, folder: Path
) -> None:
    here = Environment("a")
    for number in range(40):
        at = number * 600
        here.at(at).starts(ID).prints("an order", "0").at(at + 1 + number % 5)
        if number % 5 == 4:  # of so many attempts these take longest
            here.prints("an order")
        here.prints("process A").raises().reports(ID)
    load(endpoint, events_of(here), first_page=150)
    saved(endpoint, folder)
    assert not selected_only(folder)


# --------------------------------------------------------------------------- who has to be sure


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


@pytest.mark.parametrize("sure", [True, False])
def test_whoever_has_to_be_sure_finds_any_line_between(
    endpoint: Endpoint, sure: bool, folder: Path
) -> None:
    events = nearest_parted()
    load(endpoint, events, first_page=150)
    log = saved(endpoint, folder, verify_all=sure)
    assert selected_only(folder) == (not sure)
    assert (log.assumed is None) == sure
    assert (told(log, folder) == truth(events)) == sure


def test_whoever_has_to_be_sure_is_told_nothing_that_was_not_looked_up(
    endpoint: Endpoint, folder: Path
) -> None:
    events = counting(40)
    load(endpoint, events, first_page=150)
    log = saved(endpoint, folder, verify_all=True)
    assert selected_only(folder)
    assert (log.assumed, log.stats.gaps) == (None, [])
    assert told(log, folder) == truth(events)


def test_where_looking_up_all_pairs_costs_more_every_line_is_read(
    endpoint: Endpoint, folder: Path
) -> None:
    events = counting(220, apart_s=400)  # all in the window
    load(endpoint, events, first_page=1_100)
    log = saved(endpoint, folder, verify_all=True)
    assert not selected_only(folder)
    assert (log.assumed, log.stats.gaps) == (None, [])
    assert told(log, folder) == truth(events)


def test_pairs_that_may_not_be_looked_up_have_every_line_read(
    endpoint: Endpoint, folder: Path
) -> None:
    events = counting(3)
    load(endpoint, events, first_page=4)
    endpoint.faults.denied_streams.add(events[0].log_stream or "")
    log = saved(endpoint, folder, verify_all=True)
    assert not selected_only(folder)
    assert log.assumed is None


# --------------------------------------------------------------------------- wrong counters


def the_parted(events: Sequence[LogEvent]) -> StreamStretch:
    at_ms = next(event.timestamp_ms for event in events if event.message == "7\n")
    window = TimeRange(since_ms=at_ms - SECOND, until_ms=at_ms + SECOND)
    return StreamStretch(log_stream=events[0].log_stream, window=window)


def test_the_pair_behind_a_wrong_counter_is_looked_up_first(
    endpoint: Endpoint, folder: Path
) -> None:
    events = nearest_parted()
    load(endpoint, events, first_page=150)
    log = saved(endpoint, folder, wrong_counters=lambda _: [the_parted(events)])
    assert not selected_only(folder)
    assert told(log, folder) == truth(events)


def test_a_wrong_counter_that_cannot_be_looked_up_is_undetermined(
    endpoint: Endpoint, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = nearest_parted()
    load(endpoint, events, log_class="INFREQUENT_ACCESS")
    monkeypatch.setattr(insights_export, "MOST_UNSELECTED", 10)
    wrong = the_parted(events)
    log = saved(endpoint, folder, engine="insights", wrong_counters=lambda _: [wrong])
    assert selected_only(folder)
    (gap,) = log.stats.gaps
    assert (gap.kind, gap.log_stream, gap.hides_lines) == ("not-looked-up", wrong.log_stream, True)


@pytest.mark.parametrize("command", ["list", "summary"])
def test_a_wrong_counter_of_a_pair_with_a_line_between_is_never_shown(
    endpoint: Endpoint, command: str
) -> None:
    load(endpoint, nearest_parted(), first_page=150)
    printed = json.loads(ask(endpoint, command, "-o", "json").stdout)
    if command == "list":
        assert {row["verdict"] for row in printed["requests"]} == {"agrees"}
    else:
        assert printed["counter"]["disagrees"] == 0


HOURS = ("--since", "2026-11-22T23:00Z", "--until", "2026-11-23T03:00Z")


def ask(endpoint: Endpoint, command: str, *arguments: str) -> Any:
    where = ("-q", "--endpoint-url", endpoint.url, *HOURS)
    return run(command, "orders-worker", *arguments, *where, env=CREDENTIALS)


@pytest.mark.parametrize("log_class", ["STANDARD", "INFREQUENT_ACCESS"])
def test_a_check_by_insights_reads_all_lines_of_a_small_window(
    endpoint: Endpoint, log_class: str
) -> None:
    load(endpoint, counting(10, "and this lies between"), log_class=log_class)
    done = ask(endpoint, "check", "--engine", "insights", "-o", "json")
    printed = json.loads(done.stdout)
    assert printed["coverage"]["gaps"] == []
    assert not any(each["passed"] is None for each in printed["checks"])


def test_a_check_by_insights_that_cannot_be_sure_is_undetermined_and_names_the_other_engine(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insights_export, "MOST_UNSELECTED", 10)
    load(endpoint, counting(10, "and this lies between"))
    done = ask(endpoint, "check", "--engine", "insights")
    assert done.returncode == ExitStatus.UNDETERMINED
    assert "--engine filter" in " ".join((done.stdout + done.stderr).split())
    done = ask(endpoint, "summary", "--engine", "insights", "-o", "json")
    gaps = json.loads(done.stdout)["coverage"]["gaps"]
    assert [gap["kind"] for gap in gaps] == ["lines-between"]


# --------------------------------------------------------------------------- nothing is read


@pytest.mark.parametrize("command", ["summary", "list", "check"])
def test_one_page_and_then_nothing_is_no_empty_window(endpoint: Endpoint, command: str) -> None:
    load(endpoint, counting(10))
    endpoint.faults.script["FilterLogEvents"].extend([None, *["denied"] * 100])
    done = ask(endpoint, command)
    assert (done.returncode, done.stdout) == (ExitStatus.COULD_NOT_LOOK, "")
    assert "AccessDenied" in done.stderr


# --------------------------------------------------------------------------- the pattern


@pytest.mark.parametrize("empty", [1, 4])
def test_a_pattern_that_is_misread_is_noticed_behind_empty_pages(
    endpoint: Endpoint, empty: int, folder: Path
) -> None:
    events = counting(30)
    load(endpoint, events, first_page=20)
    endpoint.faults.script["FilterLogEvents"].extend(["empty-page"] * empty)
    endpoint.faults.regexes = "misread"
    log = saved(endpoint, folder)
    assert endpoint.faults.injected["misread"]
    assert not selected_only(folder)
    assert told(log, folder) == truth(events)


@pytest.mark.parametrize("service", ["refused", "misread"])
def test_a_service_that_reads_the_pattern_otherwise_gives_every_line(
    endpoint: Endpoint, service: Any, folder: Path
) -> None:
    events = counting(30)
    load(endpoint, events, first_page=20)
    endpoint.faults.regexes = service
    log = saved(endpoint, folder)
    assert endpoint.faults.injected[service]
    assert not selected_only(folder)
    assert (log.assumed, log.stats.gaps) == (None, [])
    assert told(log, folder) == truth(events)


UNSEARCHABLE = Markers(counter=re.compile(r"(?i)counted (?P<count>\d+)"))


def test_settings_that_cannot_be_searched_for_read_every_line(
    endpoint: Endpoint, folder: Path
) -> None:
    events = Environment("a").runs(ID, "an order", "COUNTED 3", ends="error").events
    load(endpoint, events, first_page=2)
    log = saved(endpoint, folder, markers=UNSEARCHABLE)
    assert not selected_only(folder)
    assert told(log, folder, markers=UNSEARCHABLE) == truth(events, markers=UNSEARCHABLE)


def test_settings_that_cannot_be_searched_for_are_refused_with_insights(
    endpoint: Endpoint, folder: Path
) -> None:
    load(endpoint, counting(3))
    with pytest.raises(CouldNotLook, match="patterns of the settings match") as raised:
        saved(endpoint, folder, engine="insights", markers=UNSEARCHABLE)
    assert "--engine filter" in raised.value.next_step
    assert not endpoint.calls["StartQuery"]


# --------------------------------------------------------------------------- Logs Insights


def test_infrequent_access_needs_insights(endpoint: Endpoint, folder: Path) -> None:
    events = counting(5)
    load(endpoint, events, log_class="INFREQUENT_ACCESS")
    with pytest.raises(CouldNotLook, match="INFREQUENT_ACCESS"):
        saved(endpoint, folder)
    for engine in ("auto", "insights"):
        said: list[str] = []
        own = folder.parent / engine
        log = saved(endpoint, own, engine=engine, warn=said.append)
        assert told(log, own) == truth(events)
        assert log.stats.bytes_scanned > 0
        assert "will scan" in said[0]
        assert "scanned" in said[1]
        assert log.assumed
        assert "none of 5 pairs" in log.assumed.message


def test_a_query_that_costs_too_much_is_not_begun(endpoint: Endpoint, folder: Path) -> None:
    load(endpoint, counting(5))
    with pytest.raises(CouldNotLook, match="--max-cost"):
        saved(endpoint, folder, engine="insights", max_cost_usd=0.0)
    assert not endpoint.calls["StartQuery"]


@pytest.mark.parametrize("allowed", [True, False])
def test_the_last_two_minutes_are_asked_of_the_other_engine(
    endpoint: Endpoint, allowed: bool, folder: Path
) -> None:
    endpoint.insights.fresh_ms = 110_000
    here = Environment("a").runs(OTHER_ID, "an order")
    here.at((NOW - MIDNIGHT_MS) / 1000 - 100).runs(ID, "an order", "0", "process A", ends="error")
    load(endpoint, here.events, first_page=2)
    if not allowed:
        endpoint.faults.denied.add("logs:FilterLogEvents")
    window = replace(WHOLE, until_ms=NOW + 1)
    log = saved(endpoint, folder, engine="insights", window=window)
    _, lines = told(log, folder, window)
    kinds = [gap.kind for gap in log.stats.gaps]
    assert [line.request_id for line in lines] == ([ID, OTHER_ID] if allowed else [OTHER_ID])
    assert kinds == ([] if allowed else ["too-fresh"])
    assert (log.stats.horizon_ms == NOW) == allowed


def test_a_line_between_is_a_gap_where_insights_cannot_give_all(
    endpoint: Endpoint, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insights_export, "MOST_UNSELECTED", 10)
    load(endpoint, counting(10, "and this lies between"))
    log = saved(endpoint, folder, engine="insights")
    (gap,) = log.stats.gaps
    assert gap.kind == "lines-between"
    assert gap.settle == "Use --engine filter, where the group's class allows it"


# --------------------------------------------------------------------------- no room


@pytest.mark.parametrize("engine", ["filter", "insights"])
def test_a_folder_that_takes_nothing_is_an_error(
    endpoint: Endpoint, engine: str, folder: Path
) -> None:
    load(endpoint, counting(5))
    with pytest.raises(NotSaved, match="No such file or directory") as raised:
        saved(endpoint, folder / "gone" / "000000", engine=engine)
    assert "TMPDIR" in raised.value.next_step
    assert raised.value.status is ExitStatus.COULD_NOT_LOOK


def test_events_within_overlapping_stretches_of_many_streams() -> None:
    random = Random(1)

    def moment() -> int:
        return random.randrange(40)

    for _ in range(200):
        stretches = [
            StreamStretch(
                log_stream=random.choice("ab"), window=TimeRange(since_ms=at, until_ms=at + span)
            )
            for at, span in ((moment(), random.randrange(9)) for _ in range(random.randrange(6)))
        ]
        within = EventsWithin(stretches)
        for stream in ("a", "b", "c", None):
            for at_ms in range(50):
                event = LogEvent(message="", timestamp_ms=at_ms, log_stream=stream)
                assert within.has(event) is any(
                    one.log_stream == stream and one.window.has(at_ms) for one in stretches
                )
