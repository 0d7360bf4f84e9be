"""Failure records wherever an ID is taken: pasted, in files, on stdin, and in a queue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retryctl.cli.options.ids import request_ids
from retryctl.errors import UnreadableInput
from tests.core.test_failure_records import DESTINATION, EVENTBRIDGE, RECEIVED
from tests.support.check_logs import exhausted, save, succeeded
from tests.support.counters_world import Aws
from tests.support.lambda_log import ID, OTHER_ID, Environment
from tests.support.program import run

ERROR = "name 'total' is not defined"


def destination(request_id: str, message: str = ERROR, **context: Any) -> dict[str, Any]:
    return {
        **DESTINATION,
        "requestContext": {**DESTINATION["requestContext"], "requestId": request_id, **context},
        "responsePayload": {"errorType": "NameError", "errorMessage": message},
    }


@pytest.fixture
def log(tmp_path: Path) -> str:
    return str(save(tmp_path / "log.jsonl", exhausted(), succeeded(OTHER_ID)))


# --------------------------------------------------------------------------- where an ID is taken


def test_a_record_gives_the_id_of_its_request_and_no_other(tmp_path: Path) -> None:
    """Messages, orders and objects have UUIDs of their own."""
    request_id = DESTINATION["requestContext"]["requestId"]
    for value in (DESTINATION, EVENTBRIDGE, RECEIVED):
        text = json.dumps(value, indent=2)
        path = tmp_path / "2026-11-23T03.05.00-0a1b2c3d-0000-4000-8000-000000000000"
        path.write_text(text)
        assert request_ids([text], []) == (request_id,)
        assert request_ids([str(path)], []) == (request_id,)
        assert request_ids(["-"], text.splitlines(keepends=True)) == (request_id,)


def test_a_folder_of_records_beside_an_id(tmp_path: Path) -> None:
    for number, request_id in enumerate((ID, OTHER_ID)):
        folder = tmp_path / "aws" / str(number)
        folder.mkdir(parents=True)
        (folder / "record").write_text(json.dumps(destination(request_id)))
    (tmp_path / "README").write_text("records of orders-worker")
    third = "2c1f0a8e-3b57-4c6d-9a41-d1f6a7e0b9c3"
    assert request_ids([third, str(tmp_path)], []) == (third, ID, OTHER_ID)


def test_a_file_of_a_folder_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(destination(ID)))
    with (tmp_path / "log.json").open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(UnreadableInput, match=r"log\.json is too large"):
        request_ids([str(tmp_path)], [])


def test_a_file_that_vanishes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> str:
        raise OSError(5, "Input/output error")

    (tmp_path / "a.json").write_text(json.dumps(destination(ID)))
    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(UnreadableInput, match="Input/output error"):
        request_ids([str(tmp_path)], [])
    counted = tmp_path / f"{ID}_1.txt"  # a file of the counter in /tmp
    counted.touch()
    assert request_ids([str(counted)], []) == (ID,)


def test_a_file_a_folder_and_stdin_without_a_command(tmp_path: Path, log: str) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "record.json").write_text(json.dumps(destination(ID)))
    traced = run("trace", ID, "--from", log)
    for name in ("records", "records/record.json", "-"):
        text = (folder / "record.json").read_text()
        done = run(name, "--from", log, cwd=tmp_path, stdin=text)
        assert (done.returncode, done.stdout.startswith(traced.stdout[:200])) == (0, True)


# --------------------------------------------------------------------------- what is printed


def test_a_record_of_s3_gives_the_region_of_the_links(tmp_path: Path, log: str) -> None:
    """The name of its object has an ID of its own, which is not that of a request."""
    name = f"2026-11-23T03.04.30-{OTHER_ID}"
    folder = tmp_path / "aws/lambda/async/orders-worker/2026/11/23"
    folder.mkdir(parents=True)
    arn = "arn:aws:lambda:eu-west-3:123456789012:function:orders-worker:$LATEST"
    record = destination(ID, functionArn=arn)
    (folder / name).write_text(json.dumps(record))
    done = run("trace", str(folder / name), "--from", log, "--links")
    assert done.returncode == 0, done.stderr
    assert "https://eu-west-3.console.aws.amazon.com/" in done.stdout
    assert OTHER_ID not in done.stdout


def test_a_record_beside_its_attempts(log: str) -> None:
    done = run("trace", json.dumps(destination(ID, approximateInvokeCount=2)), "--from", log)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"record of {ID}: RetriesExhausted · 2 invocations · NameError: {ERROR}" in " ".join(
        done.stdout.split()
    )
    assert "! invoke-count-differs · warning" in done.stdout


def test_the_document_has_the_record(log: str) -> None:
    done = run("trace", "-", "--from", log, "-o", "json", stdin=json.dumps(destination(OTHER_ID)))
    document = json.loads(done.stdout)
    (record,) = document["records"]
    assert record == {
        "request_id": OTHER_ID,
        "function_arn": DESTINATION["requestContext"]["functionArn"],
        "condition": "RetriesExhausted",
        "invoke_count": 3,
        "error_code": None,
        "error_type": "NameError",
        "error_message": ERROR,
    }
    rules = {finding["rule"] for finding in document["requests"][0]["findings"]}
    assert rules == {"invoke-count-differs", "condition-differs"}


def test_many_records_are_a_table_for_each_error_with_exhausted_ones_first(tmp_path: Path) -> None:
    ids = [f"{number:08x}-1111-4222-8333-0123456789ab" for number in range(6)]
    logs = [exhausted(one, letter="abc"[n]) for n, one in enumerate(ids[:3])]
    log = save(tmp_path / "log.jsonl", *logs, *(Environment("d").at(9).runs(ids[3], ends="ok"),))
    records = [
        *(destination(one, "rate limit", condition="EventAgeExceeded") for one in ids[3:5]),
        *(destination(one, ERROR) for one in ids[:3]),
        destination(ids[5], "\x1b[31mred"),
    ]
    (tmp_path / "records.json").write_text("\n".join(map(json.dumps, records)))
    done = run("trace", str(tmp_path / "records.json"), "--from", str(log))
    assert (done.returncode, done.stderr) == (0, "")
    headings = [line for line in done.stdout.splitlines() if " record" in line and "·" in line]
    assert headings == [
        f"NameError: {ERROR} · 3 records, 3 exhausted",
        r"NameError: \x1b[31mred · 1 record, 1 exhausted",
        "NameError: rate limit · 2 records, 0 exhausted",
    ]
    assert done.stdout.count("RetriesExhausted 3") == 4
    assert done.stdout.count("exhausted 3") == 3
    assert "succeeded 1" in done.stdout
    assert done.stdout.count("not found") == 2
    assert "\x1b" not in done.stdout


def test_each_record_of_one_request_shows_its_own_differences(tmp_path: Path) -> None:
    log = save(tmp_path / "log.jsonl", exhausted(ID, letter="a"))
    records = [
        destination(ID, ERROR, approximateInvokeCount=2),
        destination(ID, ERROR, approximateInvokeCount=3),
        destination(ID, ERROR, condition="EventAgeExceeded", approximateInvokeCount=3),
        destination(ID, "another error", approximateInvokeCount=3),
    ]
    done = run("trace", json.dumps(records), "--from", str(log), env={"COLUMNS": "120"})
    rows = [line.split()[4:] for line in done.stdout.splitlines() if line.startswith(f" {ID}")]
    assert sorted(rows) == [
        ["EventAgeExceeded", "3", "exhausted", "3", "condition"],
        ["RetriesExhausted", "2", "exhausted", "3", "count"],
        ["RetriesExhausted", "3", "exhausted", "3"],
        ["RetriesExhausted", "3", "exhausted", "3", "condition"],
    ]


def test_records_of_which_the_log_has_none(tmp_path: Path, log: str) -> None:
    ids = [f"{number:08x}-1111-4222-8333-0123456789ab" for number in range(5)]
    (tmp_path / "many.json").write_text(json.dumps([destination(one) for one in ids]))
    done = run("trace", str(tmp_path / "many.json"), "--from", log)
    assert done.returncode == 4
    assert "none of the requests of the 5 records was found" in done.stderr
    assert all(one in done.stdout for one in ids)


def test_a_check_compares_records(tmp_path: Path, log: str) -> None:
    path = tmp_path / "failed.json"
    path.write_text(json.dumps(destination(OTHER_ID)))
    fails = run("check", str(path), "--from", log, "--fail-on", "condition-differs")
    assert fails.returncode == 1
    assert "condition-differs" in fails.stdout
    assert run("check", str(path), "--from", log).returncode == 0


# --------------------------------------------------------------------------- a queue


def queue_of(aws: Aws, *bodies: dict[str, Any], **attributes: str) -> str:
    sqs = aws.client("sqs")
    url = str(sqs.create_queue(QueueName="failed-orders", Attributes=attributes)["QueueUrl"])
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
    sqs.send_message(
        QueueUrl=url,
        MessageBody='{"order": 42}',
        MessageAttributes={
            "RequestID": {"StringValue": OTHER_ID, "DataType": "String"},
            "ErrorCode": {"StringValue": "200", "DataType": "Number"},
            "ErrorMessage": {"StringValue": ERROR, "DataType": "String"},
        },
    )
    return url


def visible(aws: Aws, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    answer = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(answer["Attributes"][name])


def test_a_queue_is_read_and_stays_as_it_is(aws: Aws, log: str) -> None:
    url = queue_of(aws, *[destination(ID)] * 24)
    for _ in range(2):
        done = run("trace", "--from-queue", url, "--from", log, "-o", "json", env=aws.environ())
        assert (done.returncode, done.stderr) == (0, "")
        document = json.loads(done.stdout)
        assert {record["request_id"] for record in document["records"]} == {ID, OTHER_ID}
        assert len(document["requests"]) == 2
        assert visible(aws, url) == 25
    check = run("check", "--from-queue", url, "--from", log, env=aws.environ())
    assert "2 requests" in check.stdout
    assert visible(aws, url) == 25


def test_a_queue_that_would_move_what_is_received_is_refused(aws: Aws, log: str) -> None:
    target = "arn:aws:sqs:us-east-1:123456789012:failed-orders"
    queue_of(aws)
    redrive = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 1})
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="orders", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(destination(ID)))
    done = run("trace", "--from-queue", url, "--from", log, env=aws.environ())
    assert (done.returncode, done.stdout) == (2, "")
    assert "redrive policy" in done.stderr
    assert visible(aws, url) == 1


def test_queues_that_give_nothing(aws: Aws, log: str) -> None:
    url = str(aws.client("sqs").create_queue(QueueName="empty")["QueueUrl"])
    cases = [
        ((url,), 4, "contains no failure record"),
        ((f"{url}-not",), 3, "sqs:"),
        (("failed-orders",), 2, "is not a queue's URL"),
        ((url, ID), 2, "--from-queue selects requests"),
    ]
    for arguments, status, words in cases:
        done = run("trace", "--from-queue", *arguments, "--from", log, env=aws.environ())
        assert (done.returncode, done.stdout) == (status, ""), done.stderr
        assert words in done.stderr
