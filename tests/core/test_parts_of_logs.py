"""A part of a log never gives another verdict or outcome than the whole, only less certain ones.

Random histories are cut, thinned to one request ID, to one stream and to one page, and read with
a failed slice of the window.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from retryctl.core.check.check_evaluator import CheckEvaluator
from retryctl.core.check.expectations import Expectations
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest, check_history
from retryctl.core.history.cut_log import begins_late, is_cut
from retryctl.core.history.search_detection import IdSearch, searched_by_id
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import RequestOutcome
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    RUNTIME,
    Environment,
    events_of,
    judged,
    saved,
    whole,
)
from tests.support.random_cases import seeds
from tests.support.random_history import RandomHistory, in_one_stream

ERRORS = frozenset({"environment-switch", "uncounted-attempt", "counter-lost", "counter-ahead"})
OPEN = (RequestOutcome.PENDING, RequestOutcome.RUNNING, RequestOutcome.NOT_RETRIED)
Part = tuple[list[LogEvent], tuple[Gap, ...]]
Checked = dict[str, CheckedRequest]


def read(events: list[LogEvent], gaps: tuple[Gap, ...] = ()) -> tuple[Checked, bool | None]:
    """The checked requests of some events by ID, and whether a check of them passes."""
    coverage: Coverage = replace(saved(events), gaps=gaps)
    requests = check_history(events, coverage).requests
    evaluator = CheckEvaluator(Expectations(fail_on=ERRORS))
    for checked in requests:
        evaluator.add(checked)
    passed = evaluator.judgement((), gaps).passed
    return {one.request.request_id: one for one in requests}, passed


# --------------------------------------------------------------------------- the parts


def one_id(random: Random, history: RandomHistory) -> Part:
    """The result of a search by ID, as FilterLogEvents answers it."""
    request_id = random.choice(history.ids)
    events = [event for event in history.events if request_id in event.message]
    search = IdSearch()
    for event in events:
        search.add(event.message)
    found = search.request_id(answers_search=True)
    return events, (searched_by_id(found),) if found else ()


def one_stream(random: Random, history: RandomHistory) -> Part:
    events = history.events[random.randrange(len(history.events)) :]
    stream = in_one_stream(events)[0].log_stream
    kept = [event for event in history.events if event.log_stream == stream]
    return kept, (Gap(kind="one-stream", message="one stream", hides_attempts=True),)


def one_page(random: Random, history: RandomHistory) -> Part:
    events = history.events[: random.randrange(len(history.events)) + 1]
    since_ms = events[-1].timestamp_ms
    return events, (
        Gap(kind="more-pages", message="a page", since_ms=since_ms, hides_attempts=True),
    )


def failed_slice(random: Random, history: RandomHistory) -> Part:
    times = [event.timestamp_ms for event in history.events]
    since_ms, until_ms = sorted(random.choice(times) for _ in range(2))
    kept = [event for event in history.events if not since_ms <= event.timestamp_ms < until_ms]
    gap = Gap(
        kind="throttled",
        message="a slice",
        since_ms=since_ms,
        until_ms=until_ms,
        hides_attempts=True,
    )
    return kept, (gap,)


def end_cut(random: Random, history: RandomHistory) -> Part:
    return history.events[: random.randrange(len(history.events)) + 1], ()


def start_cut(random: Random, history: RandomHistory) -> Part:
    events = history.events[random.randrange(len(history.events)) :]
    return events, gap_before(events)


def gap_before(events: list[LogEvent]) -> tuple[Gap, ...]:
    """Return the gap of a log that shows that it was cut at its start."""
    first_ms = events[0].timestamp_ms
    return (begins_late(first_ms),) if is_cut(events, first_ms) else ()


PARTS = (one_id, one_stream, one_page, failed_slice, end_cut, start_cut)


# --------------------------------------------------------------------------- the property


def differences(whole: Checked, part: Checked, name: str, *, part_shows_gap: bool) -> list[str]:
    """Return what the part says of requests that the whole denies.

    A log that was cut at its start and shows no sign of it counts as whole: there, requests whose
    first attempt is missing are right as far as they go.
    """
    found = []
    unseen_cut = name == "start_cut" and not part_shows_gap
    for request_id, checked in part.items():
        known = whole.get(request_id)
        if known is None:
            if checked.verdict in (Verdict.AGREES, Verdict.DISAGREES):
                found.append(f"{request_id}: {checked.verdict.value} of a request that did not run")
            continue
        if unseen_cut and _lost_attempts(known, checked):
            if checked.verdict is Verdict.DISAGREES is not known.verdict:
                found.append(f"{request_id}: disagrees, in the whole {known.verdict.value}")
            continue
        if checked.verdict not in (known.verdict, Verdict.UNDETERMINED):
            asof = name == "end_cut" and checked.verdict is not Verdict.DISAGREES
            if not (asof and len(checked.request.attempts) <= len(known.request.attempts)):
                found.append(
                    f"{request_id}: {checked.verdict.value}, in the whole {known.verdict.value}"
                )
        outcome, right = checked.request.outcome, known.request.outcome
        still_open = name == "end_cut" and outcome in OPEN  # right as of the end of the file
        if outcome not in (right, RequestOutcome.UNKNOWN) and not still_open:
            found.append(f"{request_id}: {outcome.value}, in the whole {right.value}")
    return found


def _lost_attempts(known: CheckedRequest, part: CheckedRequest) -> bool:
    """Whether the first attempt is not in the part, or not from its START on."""
    first, whole = part.request.attempts[0], known.request.attempts[0]
    return first.start_event != whole.start_event


def count_differences(seeds: range) -> Counter[str]:
    """Cases, requests, wrong answers and undetermined ones, by the kind of part."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        random = Random(seed)
        history = RandomHistory(random)
        whole, passed = read(history.events)
        counts["whole: requests"] += len(whole)
        counts["whole: taken for a part"] += len(gap_before(history.events))
        if not history.uncounted:
            counts["whole: undetermined"] += sum(
                one.verdict is Verdict.UNDETERMINED for one in whole.values()
            )
        for make in PARTS:
            events, gaps = make(random, history)
            if not events:
                continue
            part, part_passed = read(events, gaps)
            wrong = differences(whole, part, make.__name__, part_shows_gap=bool(gaps))
            right_so_far = make is end_cut or (make is start_cut and not gaps)
            if part_passed and not passed and not right_so_far:
                wrong.append("the check of the part passes")
            counts[f"{make.__name__}: cases"] += 1
            counts[f"{make.__name__}: shown"] += bool(gaps)
            counts[f"{make.__name__}: requests"] += len(part)
            counts[f"{make.__name__}: wrong"] += len(wrong)
            counts[f"{make.__name__}: undetermined"] += sum(
                one.verdict is Verdict.UNDETERMINED for one in part.values()
            )
            for each in wrong:
                print(seed, make.__name__, each)
    return counts


@pytest.mark.parametrize(
    ("waits_s", "outcome"),
    [((62, 125), RequestOutcome.EXHAUSTED), ((62, 77), RequestOutcome.UNKNOWN)],
)
def test_where_attempts_may_be_hidden_the_waits_must_be_those_of_the_queue(
    waits_s: tuple[int, int], outcome: RequestOutcome
) -> None:
    """An event source retries sooner, and its other attempts may be in the gap."""
    here = Environment().runs(ends="crash")
    for wait_s in waits_s:
        here.at((here.now_ms - MIDNIGHT_MS) / 1000 + wait_s).runs(ends="crash")
    gap = Gap(kind="one-stream", message="one stream", hides_attempts=True)
    requests, _ = read(here.events, (gap,))
    assert requests[ID].request.outcome is outcome


def test_a_wait_that_is_not_logged_is_not_that_of_a_queue_beside_a_gap() -> None:
    starts_s = {"a": 0, "b": 63, "c": 191}
    here = [Environment(name).at(at_s).starts().raises() for name, at_s in starts_s.items()]
    gap = Gap(kind="one-stream", message="one stream", hides_attempts=True)
    events = [event for each in here for event in each.events]
    assert read(events, ())[0][ID].request.outcome is RequestOutcome.EXHAUSTED
    assert read(events, (gap,))[0][ID].request.outcome is RequestOutcome.UNKNOWN


def test_beside_a_gap_a_stream_may_retry_what_failed_as_often_as_is_allowed() -> None:
    gap = Gap(kind="one-stream", message="one stream", hides_attempts=True)
    here = Environment().runs(ends="error")
    for stream_source, outcome in ((False, "exhausted"), (True, "unknown")):
        settings = FunctionConfig(maximum_retry_attempts=0, stream_source=stream_source)
        coverage = replace(saved(here.events), gaps=(gap,))
        found = judged(here.events, coverage, settings=settings)
        assert found[ID].request.outcome.value == outcome


@pytest.mark.parametrize("first", seeds(2, 20))
def test_no_part_says_another_thing_than_the_whole(first: int) -> None:
    counts = count_differences(range(50 * first, 50 * first + 50))
    assert not any(counts[name] for name in counts if name.endswith(": wrong"))
    assert counts["whole: undetermined"] == 0
    assert counts["whole: taken for a part"] == 0


GAP = Gap(kind="not-understood", message="records in lines", hides_attempts=True)


@pytest.mark.parametrize(("gaps", "verdict"), [((), "disagrees"), ((GAP,), "undetermined")])
def test_a_start_without_an_end_beside_a_gap_proves_no_earlier_attempt(
    gaps: tuple[Gap, ...], verdict: str
) -> None:
    """It may be printed text, or the next lines may be those of its own attempt."""
    printed = Environment("a").starts().prints("an order")
    real = Environment("b").at(62).runs(ID, "0", "process A")
    events = events_of(printed, real)
    checked = judged(events, replace(whole(events, later_s=9_000), gaps=gaps))[ID]
    assert checked.verdict.value == verdict


@pytest.mark.parametrize(
    ("counters", "outcome"), [((2, 2, 2), "exhausted"), ((3, 4, 5), "unknown")]
)
def test_a_log_that_lacks_more_attempts_than_the_queue_makes_proves_no_end(
    counters: tuple[int, ...], outcome: str
) -> None:
    """An event source may have retried the request, and may go on."""
    here = Environment().inits(RUNTIME)
    for at_s, counter in zip((0, 63, 190), counters, strict=True):
        here.at(at_s).runs(ID, str(counter), "process C", ends="error")
    requests, _ = read(here.events)
    assert requests[ID].request.outcome.value == outcome
