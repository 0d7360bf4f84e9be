"""Requests of one form are counted as if the core had checked each of them."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from retryctl.app.saved_window import tallies_by_function, wanted_rows
from retryctl.bulk import request_forms
from retryctl.bulk.compact_attempts import template_key
from retryctl.bulk.reader import BulkReader
from retryctl.bulk.reduction import PartitionContext, count_partition, reduce_partition
from retryctl.core.crosscheck.claims import Claim, Markers
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Gap, LogQuery
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.limits import AFTER_END_MS, AFTER_USUAL_MS, USUAL_WAITS_MS
from retryctl.core.summary.alike_requests import AlikeRequests
from retryctl.core.summary.request_row import RequestRow, RowFilter
from tests.support.lambda_log import ID, MIDNIGHT_MS, OTHER_ID, Environment
from tests.support.made_up_logs import line_of
from tests.support.random_cases import seeds

LIMITS_MS = (
    *AFTER_END_MS,
    *(usual_ms + more for usual_ms in USUAL_WAITS_MS.values() for more in (0, *AFTER_USUAL_MS)),
)
LINES = ((), (), ("0", "process A"), ("1", "process B"), ("2", "process C"), ("process A",), ("0",))
SETTINGS = (
    FunctionConfig(),
    FunctionConfig(maximum_retry_attempts=0),
    FunctionConfig(maximum_retry_attempts=1, maximum_event_age_s=60),
    FunctionConfig(maximum_event_age_s=120, stream_source=True, reserved_concurrency=1),
    FunctionConfig(runtime="provided.al2023", log_format="JSON", application_log_level="WARN"),
    FunctionConfig(durable=True),
)


def made(random: Random) -> list[Environment]:
    """Many requests with few kinds of attempts, and waits at the limits that matter."""
    here = [Environment(letter) for letter in "abcdef"]
    for each in here[: random.choice((0, 3))]:
        each.inits("provided:al2023.v1")
        each.cold = False
    now_ms = MIDNIGHT_MS
    # few of each, so that requests differ in one thing only
    limit_ms, lines = random.choice(LIMITS_MS), random.sample(LINES, 2)
    endings = random.sample(("ok", "error", "error", "error", "timeout", "crash"), 2)
    for number in range(80):
        version = random.choice("4445")
        request_id = f"{number:08x}-0000-{version}000-8000-{random.getrandbits(32):012x}"
        now_ms += random.choice((10, 1_000, 60_000, 1_800_000))
        at_ms = now_ms
        for _ in range(random.choice((1, 1, 2, 3, 4))):
            free = [each for each in here if each.now_ms < at_ms - 1] or here
            log = random.choice(free[:2])
            at_ms = max(at_ms, log.now_ms + 2)
            log.at((at_ms - log.cold - MIDNIGHT_MS) / 1000)
            log.runs(request_id, *random.choice(lines), ends=random.choice(endings))
            at_ms = log.now_ms - 2 + random.choice((limit_ms - 1, limit_ms, limit_ms + 1))
    return here


@pytest.mark.parametrize("seed", seeds(15, 1_000))
def test_forms_change_no_figure(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    logged = [event for log in made(random) for event in log.events]
    if random.random() < 0.3:
        logged = [replace(event, log_group=random.choice((None, "g", "h"))) for event in logged]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(map(line_of, sorted(logged, key=lambda e: e.timestamp_ms))))
    settings = random.choice(SETTINGS)
    found = BulkReader(str(path)).read(LogQuery(), Markers(), settings)
    coverage = found.stats.coverage()
    since_ms = coverage.first_event_ms
    assert since_ms is not None
    context = PartitionContext(
        coverage=replace(coverage, first_event_ms=random.choice((None, since_ms))),
        settings=settings,
        markers=Markers(),
        named=random.choice((None, "orders")),
        since_ms=random.choice((None, since_ms + 600_000)),
    )
    requests = list(reduce_partition(found.part(0), found.readings, context))
    expected = tallies_by_function(requests)
    rows = sorted(wanted_rows(RowFilter(), requests), key=_by_id)
    for _ in range(2):  # the second time, the first request of each form is known
        counted = list(count_partition(found.part(0), found.readings, context))
        assert tallies_by_function(counted) == expected
        assert sorted(wanted_rows(RowFilter(), counted), key=_by_id) == rows
    assert coverage.gaps or any(isinstance(one, AlikeRequests) for one in counted)


def _by_id(row: RequestRow) -> tuple[str, int]:
    return row.request_id, row.placed_ms


def test_a_masked_error_is_not_a_success_like_others(tmp_path: Path) -> None:
    log = Environment("a")
    log.runs(ID, "hello")
    log.at(10).runs(OTHER_ID, "[*****] ****Error: no name")
    path = tmp_path / "log.jsonl"
    path.write_text("".join(map(line_of, reversed(log.events))))
    found = BulkReader(str(path)).read(LogQuery(), Markers(), FunctionConfig())
    mask = Gap(kind="masked", message="masked")
    coverage = found.stats.coverage()
    context = PartitionContext(
        coverage=replace(coverage, gaps=(*coverage.gaps, mask)),
        settings=FunctionConfig(),
        markers=Markers(),
    )
    (tally,) = tallies_by_function(
        reduce_partition(found.part(0), found.readings, context)
    ).values()
    assert (tally.requests, tally.outcomes) == (2, {"succeeded": 1, "unknown": 1})


def _sample() -> Attempt:
    return Attempt(number=1, request_id=ID, placed_ms=0, log_group=None, log_stream=None)


@pytest.mark.parametrize(
    "name", [each.name for each in fields(Attempt) if isinstance(each.default, bool)]
)
def test_whatever_is_true_of_an_attempt_is_part_of_its_template(name: str) -> None:
    attempt = _sample()
    change: dict[str, Any] = {name: not getattr(attempt, name)}
    flipped = replace(attempt, **change)
    assert template_key(flipped) != template_key(attempt)


@pytest.mark.parametrize("name", [each.name for each in fields(Claim)])
def test_all_that_an_attempt_logged_is_part_of_its_template(name: str) -> None:
    attempt = _sample()
    logged: dict[str, Any] = {name: ("x",)}
    other = replace(attempt, claim=Claim(**logged))
    assert template_key(other) != template_key(attempt)


@pytest.mark.parametrize("limit", ["MOST_FORMS", "MOST_ATTEMPTS"])
def test_beyond_the_limits_of_forms_each_request_is_checked(
    limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_forms, limit, 1)
    path = tmp_path / "log.jsonl"
    logged = [event for log in made(Random(1)) for event in log.events]
    path.write_text("".join(map(line_of, sorted(logged, key=lambda e: e.timestamp_ms))))
    found = BulkReader(str(path)).read(LogQuery(), Markers(), FunctionConfig())
    context = PartitionContext(
        coverage=found.stats.coverage(), settings=FunctionConfig(), markers=Markers()
    )
    expected = tallies_by_function(reduce_partition(found.part(0), found.readings, context))
    counted = count_partition(found.part(0), found.readings, context)
    assert tallies_by_function(counted) == expected
    forms = context.forms.checked
    assert len(forms) <= 1 or limit == "MOST_ATTEMPTS"
    assert all(len(one.request.attempts) == 1 for one in forms.values()) or limit == "MOST_FORMS"
