"""Records of failed events in the documented forms, alone, in envelopes, and pasted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retryctl.core.failure_records import FailureRecord, failure_records

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
    assert found.error_message == "bo\nom"


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
