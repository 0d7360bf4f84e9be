"""An error record that was cut off at the longest log event still shows that the attempt failed."""

from __future__ import annotations

import pytest

from retryctl.core.model.attempt import AttemptOutcome
from tests.support.lambda_log import ID, Environment, checked, python_error, python_json_error

LONGEST = 262_118


@pytest.mark.parametrize(
    ("json", "record"),
    [
        (False, python_error("ValueError", "x" * LONGEST)),
        (True, python_json_error(ID, "ValueError", "x" * LONGEST)),
    ],
)
def test_an_error_that_was_cut_off_is_an_error(json: bool, record: str) -> None:
    here = Environment("a", json=json)
    here.inits().starts().logs(record[:LONGEST]).reports()
    assert [attempt.outcome for attempt in checked(here).request.attempts] == [AttemptOutcome.ERROR]


def test_long_output_is_no_error() -> None:
    here = Environment("a", json=True)
    here.inits().starts().logs('{"level": "INFO", "message": "' + "x" * LONGEST).reports()
    assert [attempt.outcome for attempt in checked(here).request.attempts] == [AttemptOutcome.OK]
