"""Events that a survey and a scan both read are counted once."""

from pathlib import Path

from retryctl.bulk.reader import BulkReader
from retryctl.core.model.coverage import LogQuery
from tests.support.lambda_log import ID, Environment
from tests.support.made_up_logs import line_of


def test_the_records_of_one_silent_attempt_are_no_search_by_id(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    events = Environment("a").runs(ID).events
    own = [
        event for event in events if ID in event.message and "Init Duration" not in event.message
    ]
    log.write_text("".join(map(line_of, own)))
    traced = BulkReader(str(log)).trace(LogQuery(request_ids=(ID,)))
    assert [gap.kind for gap in traced.coverage.gaps] == []
    assert len(traced.requests) == 1
