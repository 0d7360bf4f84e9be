"""Records of failed events in the documented forms, alone, in envelopes, and pasted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retryctl.core.failure_records.documents import FailureRecord, failure_records

ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders-worker:$LATEST"
DESTINATION: dict[str, Any] = {
    "version": "1.0",
    "timestamp": "2026-11-23T03:05:00.000Z",
    "requestContext": {
        "requestId": ID,
        "functionArn": ARN,
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": {"order": 42},
    "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
    "responsePayload": {"errorMessage": "boom", "errorType": "ValueError"},
}
OF_DESTINATION = FailureRecord(
    request_id=ID,
    function_arn=ARN,
    condition="RetriesExhausted",
    invoke_count=3,
    error_type="ValueError",
    error_message="boom",
)
OF_DEAD_LETTER = FailureRecord(request_id=ID, error_code="200", error_message="boom")


def dead_letter(value: str, attributes: str) -> dict[str, Any]:
    texts = {"RequestID": ID, "ErrorCode": "200", "ErrorMessage": "boom"}
    return {
        "MessageId": "m1",
        "Body": '{"order": 42}',
        attributes: {name: {value: text} for name, text in texts.items()},
    }


FORMS: dict[str, tuple[Any, FailureRecord]] = {
    "destination": (DESTINATION, OF_DESTINATION),
    "destination in SQS": ({"Messages": [{"Body": json.dumps(DESTINATION)}]}, OF_DESTINATION),
    "destination in SNS": (
        {"Type": "Notification", "Message": json.dumps(DESTINATION)},
        OF_DESTINATION,
    ),
    "destination in SNS in SQS": (
        {"Messages": [{"Body": json.dumps({"Message": json.dumps(DESTINATION)})}]},
        OF_DESTINATION,
    ),
    "EventBridge": ({"source": "lambda", "detail": DESTINATION}, OF_DESTINATION),
    "several": ([DESTINATION, DESTINATION], OF_DESTINATION),
    "dead letter": (
        {"Messages": [dead_letter("StringValue", "MessageAttributes")]},
        OF_DEAD_LETTER,
    ),
    "dead letter of an event": (
        {"Records": [dead_letter("stringValue", "messageAttributes")]},
        OF_DEAD_LETTER,
    ),
    "dead letter in SNS": (dead_letter("Value", "MessageAttributes"), OF_DEAD_LETTER),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_record_of_each_form(form: str) -> None:
    value, expected = FORMS[form]
    assert failure_records(json.dumps(value)) == [expected]


def test_a_pasted_record_with_text_around_it() -> None:
    text = json.dumps(DESTINATION, indent=2).replace("boom", "bo\nom")
    (found,) = failure_records(f"see {{this}}:\n\n{text}\n-- \nregards {{")
    assert found.request_id == ID
    assert found.error_message == "boom"


# The forms in AWS's developer guide, with IDs of their own.
KINESIS: dict[str, Any] = {
    "requestContext": {
        "requestId": ID,
        "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:orders-worker",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 1,
    },
    "responseContext": {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    },
    "version": "1.0",
    "timestamp": "2026-11-23T00:38:06.021Z",
    "KinesisBatchInfo": {"shardId": "shardId-000000000001", "batchSize": 500},
}
EVENTBRIDGE: dict[str, Any] = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "Lambda Function Invocation Result - Failure",
    "source": "lambda",
    "account": "123456789012",
    "time": "2026-11-23T03:05:01Z",
    "region": "us-east-1",
    "resources": [ARN, "arn:aws:events:us-east-1:123456789012:event-bus/default"],
    "detail": DESTINATION,
}
RECEIVED: dict[str, Any] = {
    "Messages": [
        {
            "MessageId": "a1b2c3d4-5678-4abc-9def-0123456789ab",
            "ReceiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "MD5OfBody": "099fb995346f31c749f6e40db0f395e3",
            "Body": '{"orders": ["9e07af03-ce31-4ff3-8abc-36dce652cb4f"]}',
            "MD5OfMessageAttributes": "b2ea7f2a5d0e3b0f4c2a5e0e2c9c7b9d",
            "MessageAttributes": {
                "RequestID": {"StringValue": ID, "DataType": "String"},
                "ErrorCode": {"StringValue": "200", "DataType": "Number"},
                "ErrorMessage": {"StringValue": "boom", "DataType": "String"},
            },
        }
    ]
}
SNS: dict[str, Any] = {
    "Type": "Notification",
    "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    "TopicArn": "arn:aws:sns:us-east-1:123456789012:failed-orders",
    "Message": '{"order": 42}',
    "Timestamp": "2026-11-23T03:05:01.000Z",
    "SignatureVersion": "1",
    "MessageAttributes": {
        "RequestID": {"Type": "String", "Value": ID},
        "ErrorCode": {"Type": "String", "Value": "200"},
        "ErrorMessage": {"Type": "String", "Value": "boom"},
    },
}
DOCUMENTED: dict[str, tuple[Any, FailureRecord]] = {
    "destination": (DESTINATION, OF_DESTINATION),
    "EventBridge": (EVENTBRIDGE, OF_DESTINATION),
    "receive-message": (RECEIVED, OF_DEAD_LETTER),
    "dead letter in SNS": (SNS, OF_DEAD_LETTER),
    "dead letter in SNS in SQS": (
        {"Messages": [{"Body": json.dumps(SNS), "MessageId": "m1"}]},
        OF_DEAD_LETTER,
    ),
    "S3 object of a stream": (
        KINESIS,
        FailureRecord(
            request_id=ID,
            function_arn=KINESIS["requestContext"]["functionArn"],
            condition="RetryAttemptsExhausted",
            invoke_count=1,
        ),
    ),
}


@pytest.mark.parametrize("form", DOCUMENTED)
@pytest.mark.parametrize("width", [20, 37, 72, 79])
def test_a_documented_form_pasted_with_line_breaks_and_text_around(form: str, width: int) -> None:
    """A terminal breaks lines anywhere, in names and in IDs too; a mail program quotes them."""
    value, expected = DOCUMENTED[form]
    for indent in (None, 4):
        text = json.dumps(value, indent=indent)
        lines = [
            line[at : at + width] for line in text.splitlines() for at in range(0, len(line), width)
        ]
        for start in ("", "> "):
            pasted = "\n".join(start + line for line in lines)
            assert failure_records(f"It failed {{again}}:\n{pasted}\nRegards") == [expected]


def test_quotes_of_a_word_processor() -> None:
    text = json.dumps(KINESIS).replace('"', "\u201d")
    assert [record.request_id for record in failure_records(text)] == [ID]


def test_many_records_in_one_text() -> None:
    others = [f"{number:08x}-0d3f-4697-b07a-ac58fc914c95" for number in range(1000)]
    rows = [
        {**DESTINATION, "requestContext": {**DESTINATION["requestContext"], "requestId": other}}
        for other in others
    ]
    text = "\n".join(map(json.dumps, rows))
    assert [record.request_id for record in failure_records(text)] == others


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"requestContext": {"requestId": ID}},  # an event of API Gateway
        {"requestContext": {"requestId": "x", "condition": "Success"}},
        {"MessageAttributes": {"RequestID": {"StringValue": "x"}}},
        {"message": f"START RequestId: {ID}"},
    ],
)
def test_what_is_no_record(value: object) -> None:
    assert failure_records(json.dumps(value)) == []


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert failure_records(text) == [] or "requestContext" in text or "Attributes" in text
