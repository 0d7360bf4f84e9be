"""A request traced by its ID is checked as in the same log read whole, with all of its lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from retryctl.bulk.reader import BulkReader, TracedLog
from retryctl.core.crosscheck.checked_request import CheckedRequest, check_history
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent
from tests.support.lambda_log import ID, OTHER_ID, Environment, events_of, python_json_error
from tests.support.made_up_logs import line_of, made_up, save
from tests.support.random_cases import seeds
from tests.support.reference_reader import SavedLog

Key = tuple[str, "str | None"]
PROVIDED = "provided:al2023.v1"
MINUTE = 60


def whole(source: Path) -> dict[Key, CheckedRequest]:
    """The requests of a log, checked from all of its events at once."""
    log = SavedLog(str(source))
    events = log.read_in_order(LogQuery())
    history = check_history(events, log.coverage())
    return {(one.request.request_id, one.request.log_group): one for one in history.requests}


def traced(source: Path, *ids: str, chunk_bytes: int = 1 << 20) -> TracedLog:
    return BulkReader(str(source), chunk_bytes=chunk_bytes).trace(LogQuery(request_ids=ids))


def plain(checked: CheckedRequest) -> CheckedRequest:
    """The same without the places of events in their file."""

    def unplaced(event: LogEvent | None) -> LogEvent | None:
        return event and replace(event, position=0)

    def each(events: tuple[LogEvent, ...]) -> tuple[LogEvent, ...]:
        return tuple(replace(event, position=0) for event in events)

    def attempt(one: Attempt) -> Attempt:
        return replace(
            one,
            start_event=unplaced(one.start_event),
            report_event=unplaced(one.report_event),
            error_event=unplaced(one.error_event),
            claim=replace(one.claim, evidence=each(one.claim.evidence)),
            events=each(one.events),
            ambiguous=each(one.ambiguous),
            dropped=each(one.dropped),
        )

    request = replace(
        checked.request,
        attempts=tuple(map(attempt, checked.request.attempts)),
        mentions=each(checked.request.mentions),
        ambiguous=each(checked.request.ambiguous),
    )
    findings = tuple(replace(one, evidence=each(one.evidence)) for one in checked.findings)
    return replace(checked, request=request, findings=findings)


def by_key(log: TracedLog) -> dict[Key, CheckedRequest]:
    return {(o.request.request_id, o.request.log_group): plain(o) for o in log.requests}


def only(folder: Path, events: list[LogEvent], request_id: str = ID) -> CheckedRequest:
    """A request, which is the same however its log is read."""
    path = folder / "log.jsonl"
    path.write_text("".join(map(line_of, events)))
    (one,) = traced(path, request_id).requests
    assert plain(one) == plain(whole(path)[request_id, one.request.log_group])
    return one


@pytest.mark.parametrize("seed", seeds(15, 300))
def test_a_request_is_the_same_read_by_its_id(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    save(random, made_up(random, hostile=seed % 2 == 0), tmp_path)
    expected = {key: plain(one) for key, one in whole(tmp_path).items()}
    ids = sorted({request_id for request_id, _ in expected})
    for request_id in random.sample(ids, min(5, len(ids))):
        found = traced(tmp_path, request_id, chunk_bytes=random.choice((700, 5_000, 1 << 20)))
        assert by_key(found) == {k: one for k, one in expected.items() if k[0] == request_id}


@pytest.mark.parametrize("seed", seeds(12, 100))
def test_all_requests_are_the_same_with_their_lines(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    save(random, made_up(random, hostile=seed % 2 == 0), tmp_path)
    expected = {key: plain(one) for key, one in whole(tmp_path).items()}
    assert by_key(traced(tmp_path, chunk_bytes=random.choice((700, 1 << 20)))) == expected
    assert by_key(traced(tmp_path, *sorted({key[0] for key in expected}))) == expected


def test_an_init_long_before_tells_how_the_attempts_ended(tmp_path: Path) -> None:
    """A runtime of its own logs no error that could be known, so no attempt is known as ok."""
    one = Environment("a").inits(PROVIDED).prints("loaded")
    one.cold = False
    one.at(50 * MINUTE).runs(ID, "failed").at(52 * MINUTE).runs(ID, "failed")
    request = only(tmp_path, one.events).request
    assert [attempt.runtime_version for attempt in request.attempts] == [PROVIDED] * 2
    assert request.attempts[0].cold_start
    assert "loaded\n" in [event.message for event in request.attempts[0].events]


def test_the_lines_of_an_attempt_that_still_runs_are_read(tmp_path: Path) -> None:
    one = Environment("a").starts().at(14 * MINUTE).prints("1", "process B")
    assert only(tmp_path, one.events).request.attempts[0].claim.branch == "B"


def test_a_level_that_drops_starts_is_seen_by_the_whole_stream(tmp_path: Path) -> None:
    one = Environment("a", json=True).at(0).runs(OTHER_ID)
    one.at(200 * MINUTE).logs(python_json_error(ID, "NameError", "name 'total' is not defined"))
    one.reports(status="error", error_type="NameError")
    (attempt,) = only(tmp_path, one.events).request.attempts
    assert not attempt.starts_unseen


def test_an_environment_that_served_another_is_not_cold(tmp_path: Path) -> None:
    one, two = Environment("a"), Environment("b")
    one.cold = False
    one.runs(OTHER_ID).at(200 * MINUTE).runs(ID)
    two.at(1).runs(OTHER_ID)
    assert only(tmp_path, events_of(one, two)).request.attempts[0].cold_start is False
