"""A request read by its ID is judged as in the same log read whole."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from retryctl.core.crosscheck.verdict import CheckedRequest, check_request
from retryctl.core.history.build import build_history
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.sources.saved.events import SavedLog
from tests.support.lambda_log import ID, OTHER_ID, Environment, events_of, python_json_error
from tests.support.made_up_logs import line_of, made_up, save

Key = tuple[str, "str | None"]
PROVIDED = "provided:al2023.v1"
MINUTE = 60


def told(source: Path, request_id: str | None = None) -> dict[Key, CheckedRequest]:
    """The requests in a log, or one of them, checked."""
    ids = (request_id,) if request_id else ()
    log = SavedLog(str(source))
    events = list(log.read(LogQuery(request_ids=ids)))
    coverage = log.coverage()
    history = build_history(events, horizon_ms=coverage.horizon_ms or 0, wanted=ids or None)
    return {(r.request_id, r.log_group): check_request(r, coverage) for r in history.requests}


def only(folder: Path, events: list[LogEvent], request_id: str = ID) -> CheckedRequest:
    """A request, which is the same however its log is read."""
    path = folder / "log.jsonl"
    path.write_text("".join(map(line_of, events)))
    (one,) = told(path, request_id).values()
    assert one == told(path)[request_id, one.request.log_group]
    return one


@pytest.mark.parametrize("seed", range(80))
def test_a_request_is_the_same_read_by_its_id(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    save(random, made_up(random, hostile=seed % 2 == 0), tmp_path)
    whole = told(tmp_path)
    ids = sorted({request_id for request_id, _ in whole})
    for request_id in random.sample(ids, min(5, len(ids))):
        of_id = {key: one for key, one in whole.items() if key[0] == request_id}
        assert told(tmp_path, request_id) == of_id


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
