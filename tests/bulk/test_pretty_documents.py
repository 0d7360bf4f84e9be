"""Documents as the AWS CLI and others indent them: what follows the events, and escaped names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retryctl.bulk.reader import BulkReader
from retryctl.core.model.coverage import LogQuery
from tests.support.lambda_log import ID, Environment
from tests.support.program import run
from tests.support.saved_logs import Event, fields

HERE, THERE = Environment("a"), Environment("b")
HERE.runs(ID, "0", "process A", ends="error")
THERE.at(62).runs(ID, "1", "process B", ends="error")
HERE.at(190).runs(ID, "2", "process C", ends="error")
EVENTS: list[Event] = sorted(
    (event.timestamp_ms, event.log_stream or "", event.message)
    for each in (HERE, THERE)
    for event in each.events
)
SEARCHED = [{"logStreamName": name, "searchedCompletely": True} for name in ("a", "b")]


def document(events: list[Event], **more: object) -> str:
    rows = [fields(event, number) for number, event in enumerate(events)]
    return json.dumps({"events": rows, "searchedLogStreams": SEARCHED, **more}, indent=4) + "\n"


@pytest.mark.parametrize("cut", range(1, len(EVENTS)))
def test_the_end_of_a_document_is_no_event(cut: int, tmp_path: Path) -> None:
    """The streams that were searched look like events to whoever counts keys."""
    log = tmp_path / "pages.json"
    log.write_text(document(EVENTS[:cut]) + document(EVENTS[cut:]))
    traced = BulkReader(str(log)).trace(LogQuery(request_ids=(ID,)))
    assert traced.coverage.gaps == ()
    (one,) = traced.requests
    assert len(one.request.attempts) == 3


def test_one_page_before_an_older_document_is_one_page(tmp_path: Path) -> None:
    log = tmp_path / "pages.json"
    log.write_text(document(EVENTS[4:], nextToken="more") + document(EVENTS[:4]))
    done = run("check", "--from", str(log), "-o", "json")
    assert done.returncode == 5, done.stdout
    kinds = [gap["kind"] for gap in json.loads(done.stdout)["coverage"]["gaps"]]
    assert kinds == ["more-pages"]


@pytest.mark.parametrize("escaped", ["\\/", "\\u002f"])
def test_names_of_streams_may_be_escaped(escaped: str, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(document(EVENTS).replace("/", escaped))
    (one,) = BulkReader(str(log)).trace(LogQuery(request_ids=(ID,))).requests
    assert [attempt.outcome.value for attempt in one.request.attempts] == ["error"] * 3
