"""Requests of one form have the same check, and each part of the form of their times matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest

from retryctl.bulk import request_forms
from retryctl.bulk.compact_attempts import Shown
from retryctl.bulk.request_forms import PackedAttempt, RequestForm, RequestForms
from retryctl.bulk.stream_names import Stream
from retryctl.core.crosscheck import time_form as limits
from retryctl.core.crosscheck.checked_request import CheckedRequest, check_attempts_of
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.crosscheck.time_form import TimeForm, time_form
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.limits import USUAL_WAITS_MS, WAIT_TOLERANCE_MS
from retryctl.core.summary.silent_successes import id_of
from tests.support.lambda_log import ID, MIDNIGHT_MS, Environment, history
from tests.support.random_cases import seeds

STREAMS = tuple(
    Stream(log_group=None, log_stream=name, runtime_version=runtime)
    for name, runtime in product(("one", "two"), ("python:3.13.v74", "provided:al2023.v1"))
)
SETTINGS = tuple(
    FunctionConfig(maximum_event_age_s=age_s, stream_source=stream_source)
    for age_s, stream_source in product((None, 60, 61, 240, 300), (False, True))
)
NEAR_LIMITS_MS = (
    *(-1, 0, 29_999, 30_000),
    *(
        usual_ms + beyond_ms
        for usual_ms in USUAL_WAITS_MS.values()
        for beyond_ms in (-10_001, -10_000, 0, 300_000, 300_001)
    ),
)
Mutant = Callable[[Sequence[tuple[int, int]], Coverage, FunctionConfig], TimeForm | None]


def templates() -> list[Attempt]:
    """Attempts that end well and otherwise, with right and wrong counters and without one."""
    made: list[Attempt] = []
    for lines, ends in product(((), ("0", "process A"), ("1", "process B")), ("ok", "error")):
        (request,) = history(Environment().runs(ID, *lines, ends=ends)).requests
        made += request.attempts
    return [Shown().compact(attempt) for attempt in made]


TEMPLATES = templates()


def times_of(
    random: Random, count: int, coverage: Coverage, settings: FunctionConfig
) -> list[tuple[int, int]]:
    """Starts and ends of a request's attempts, at limits that matter or a millisecond off."""
    times = [(0, 5)]
    while len(times) < count:
        start_ms = max(times[-1][0], times[-1][1] + random.choice(NEAR_LIMITS_MS))
        times.append((start_ms, start_ms + 5))
    end_ms, usual_ms = times[-1][1], USUAL_WAITS_MS.get(count, 0)
    near = random.choice((-1, 0, 1))
    if random.random() < 0.4:  # the age of the event when a further attempt is due
        end_ms = max(times[-1][0] + 1, settings.event_age_ms - usual_ms + near)
        times[-1] = (times[-1][0], end_ms)
    assert coverage.horizon_ms is not None
    since_ms = coverage.first_event_ms or MIDNIGHT_MS
    first_ms = random.choice(
        (
            since_ms + 1_000,
            since_ms + settings.event_age_ms + near,
            coverage.horizon_ms - end_ms - usual_ms - WAIT_TOLERANCE_MS + near,
        )
    )
    return [(first_ms + start_ms, first_ms + stop_ms) for start_ms, stop_ms in times]


def made(
    random: Random, coverage: Coverage, settings: FunctionConfig
) -> Iterator[list[PackedAttempt]]:
    """Requests of few streams and templates, so that most differ in their times only."""
    streams, few = random.sample(STREAMS, 2), random.sample(TEMPLATES, 2)
    most = random.choice((1, 2, 2, 3))
    for number in range(150):
        packed_id = bytes.fromhex(f"{number:08x}000040008000{random.getrandbits(48):012x}")
        times = times_of(random, random.randint(1, most), coverage, settings)
        yield [
            PackedAttempt(
                (packed_id, start_ms, end_ms - start_ms, 5, 128, 0, 0),
                random.choice(streams),
                random.choice(few),
            )
            for start_ms, end_ms in times
        ]


def shown_by(checked: CheckedRequest) -> tuple[object, ...]:
    """All that a summary counts of a request, and why."""
    request = checked.request
    return (
        *(request.outcome, request.delivery, request.next_attempt_due_ms is None),
        *((attempt.outcome, attempt.outcome_inferred) for attempt in request.attempts),
        *(checked.verdict, tuple(check.verdict for check in checked.checks)),
        *(bool(checked.undetermined_because), checked.lacks_lines),
        *((finding.rule, finding.attempt) for finding in checked.every_finding),
    )


def unlike(seed: int) -> list[RequestForm]:
    """Return the forms that requests with different checks have; a form is shared by some."""
    random = Random(seed)
    settings = random.choice(SETTINGS)
    coverage = Coverage(
        source="saved",
        first_event_ms=random.choice((None, MIDNIGHT_MS, MIDNIGHT_MS)),
        horizon_ms=MIDNIGHT_MS + random.choice((400_000, 86_400_000)),
    )
    forms = RequestForms()
    known: dict[RequestForm, tuple[object, ...]] = {}
    found: list[RequestForm] = []
    shared = 0
    for those in made(random, coverage, settings):
        form = forms.of(those, coverage, settings, None)
        seconds = [packed[1] // 1000 for packed, _, _ in those]
        if form is None and len(set(seconds)) < len(seconds):
            continue  # one may be a copy of another in whole seconds: each is checked
        assert form is not None
        attempts = [each.unpacked(number, None) for number, each in enumerate(those, 1)]
        checked = check_attempts_of(
            (None, id_of(those[0].packed[0])),
            attempts,
            (),
            coverage,
            settings=settings,
            markers=Markers(),
        )
        shared += form in known
        if known.setdefault(form, shown_by(checked)) != shown_by(checked):
            found.append(form)
    assert shared
    return found


@pytest.mark.parametrize("seed", seeds(25, 500))
def test_requests_of_one_form_have_the_same_check(seed: int) -> None:
    assert not unlike(seed)


# --------------------------------------------------------------------------- each part matters


def without(number: int) -> Mutant:
    """The form without one of its parts that concern the whole request."""

    def mutant(*given: Any) -> TimeForm | None:
        form = time_form(*given)
        return form and (*form[:number], *form[number + 1 :])

    return mutant


def without_part_of_waits(number: int) -> Mutant:
    """The form without one of the two parts of each wait."""

    def mutant(*given: Any) -> TimeForm | None:
        form = time_form(*given)
        return form and (*form[:3], *(wait[1 - number] for wait in form[3:]))  # type: ignore[index]

    return mutant


def with_limits_moved(*, start_by_ms: int = 0, horizon_by_ms: int = 0) -> Mutant:
    """The form as if the start of the file or the horizon were elsewhere."""

    def mutant(
        times: Sequence[tuple[int, int]], coverage: Coverage, settings: FunctionConfig
    ) -> TimeForm | None:
        start_ms, horizon_ms = coverage.first_event_ms, coverage.horizon_ms
        moved = replace(
            coverage,
            first_event_ms=None if start_ms is None else start_ms + start_by_ms,
            horizon_ms=None if horizon_ms is None else horizon_ms + horizon_by_ms,
        )
        return time_form(times, moved, settings)

    return mutant


def without_last_run(
    times: Sequence[tuple[int, int]], coverage: Coverage, settings: FunctionConfig
) -> TimeForm | None:
    """The form with the age of the event as it was when the last attempt started."""
    form = time_form(times, coverage, settings)
    started = time_form([*times[:-1], (times[-1][0], times[-1][0])], coverage, settings)
    return form and started and (form[0], started[1], *form[2:])


def with_end_moved(by_ms: int) -> Mutant:
    """The form with another age of the event when a further attempt is due."""

    def mutant(
        times: Sequence[tuple[int, int]], coverage: Coverage, settings: FunctionConfig
    ) -> TimeForm | None:
        form = time_form(times, coverage, settings)
        moved = [*times[:-1], (times[-1][0], times[-1][1] + by_ms)]
        aged = time_form(moved, coverage, settings)
        return form and aged and (form[0], aged[1], *form[2:])

    return mutant


MUTANTS: dict[str, Mutant] = {
    "no start of the file": without(0),
    "no age of the event": without(1),
    "no horizon": without(2),
    "no quick waits": without_part_of_waits(0),
    "no usual waits": without_part_of_waits(1),
    "start of the file 1 ms later": with_limits_moved(start_by_ms=1),
    "start of the file 1 ms sooner": with_limits_moved(start_by_ms=-1),
    "horizon 1 ms later": with_limits_moved(horizon_by_ms=1),
    "horizon 1 ms sooner": with_limits_moved(horizon_by_ms=-1),
    "age at the start of the last attempt": without_last_run,
    "age 1 ms more": with_end_moved(1),
    "age 1 ms less": with_end_moved(-1),
}
MOVED = tuple(
    (name, at, by_ms)
    for name, count in (("_AFTER_END_MS", 2), ("_AFTER_USUAL_MS", 2))
    for at in range(count)
    for by_ms in (-1, 1)
)
SEEDS = (86, 25, 13, 7, *range(400))  # first those that show a change soonest


@pytest.mark.parametrize("name", MUTANTS)
def test_each_part_of_the_form_matters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_forms, "time_form", MUTANTS[name])
    assert any(map(unlike, SEEDS))


@pytest.mark.parametrize(("name", "at", "by_ms"), MOVED)
def test_each_limit_of_a_wait_matters(
    name: str, at: int, by_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved_ms = list(getattr(limits, name))
    if name == "_AFTER_USUAL_MS" and at == 1:
        moved_ms = moved_ms[:2]  # the tolerance of a late retry is the same limit
    moved_ms[at] += by_ms
    monkeypatch.setattr(limits, name, tuple(moved_ms))
    assert any(map(unlike, SEEDS))
