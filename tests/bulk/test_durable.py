"""Durable executions are named with their ARN wherever requests are counted or listed."""

from __future__ import annotations

import json
from pathlib import Path

from retryctl.app.options import SourceOptions
from tests.support.lambda_log import Environment, events_of
from tests.support.log_answers import answers
from tests.support.made_up_logs import line_of

ARN = "arn:aws:lambda:us-east-1:123456789012:function:flow:7/durable-execution/order-{}/3f0c1d2e"


def durable_log(tmp_path: Path) -> str:
    """Four invocations of two executions, each alike in all but the ARN, and one of neither."""
    here = Environment("a", json=True)
    for number in range(5):
        request_id = f"{number:08d}-1111-4222-8333-444444444444"
        fields = {"level": "INFO", "message": "step", "requestId": request_id}
        if number < 4:
            fields["executionArn"] = ARN.format(number % 2)
        here.at(100 * number).runs(request_id, json.dumps(fields))
    path = tmp_path / "log.jsonl"
    path.write_text("".join(map(line_of, events_of(here))))
    return str(path)


def test_each_command_names_the_execution_of_each_request(tmp_path: Path) -> None:
    found = answers(SourceOptions(source=durable_log(tmp_path)))
    expected = [ARN.format(0), ARN.format(1), ARN.format(0), ARN.format(1), None]
    assert [one.request.execution_arn for one in found.requests.values()] == expected
    rows = sorted(found.rows.values(), key=lambda row: row.placed_ms)
    assert [row.execution_arn for row in rows] == expected
    assert found.total.executions == {ARN.format(0): 2, ARN.format(1): 2}
    assert found.checked is not None
    judged = [check.message for check in found.checked.checks if check.request_id]
    assert [ARN.format(0) in message for message in judged] == [True, False, True, False, False]
