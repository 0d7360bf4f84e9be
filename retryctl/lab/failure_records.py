"""What Lambda sends when a request has ended: its destination's record, its dead-letter message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from retryctl.core.timestamps import iso_text
from retryctl.lab.environment import LabAttempt
from retryctl.lab.function import VERSION, Function

_LONGEST_ERROR_MESSAGE = 1024


def destination_record(
    function: Function, event: Any, attempts: Sequence[LabAttempt], ended_ms: int
) -> dict[str, Any]:
    """Return the record of a request for its on-success or on-failure destination."""
    last = attempts[-1]
    context: dict[str, Any] = {"statusCode": 200, "executedVersion": VERSION}
    if not last.ok:
        context["functionError"] = "Unhandled"
    return {
        "version": "1.0",
        "timestamp": iso_text(ended_ms),
        "requestContext": {
            "requestId": last.request_id,
            "functionArn": f"{function.arn}:{VERSION}",
            "condition": "Success" if last.ok else "RetriesExhausted",
            "approximateInvokeCount": len(attempts),
        },
        "requestPayload": event,
        "responseContext": context,
        "responsePayload": response_payload(last),
    }


def dead_letter(event: Any, attempts: Sequence[LabAttempt]) -> dict[str, Any] | None:
    """Return the dead-letter message of a request, ``None`` where it succeeded."""
    last = attempts[-1]
    if last.ok:
        return None
    message = str(response_payload(last).get("errorMessage", ""))
    return {
        "Body": json.dumps(event),
        "MessageAttributes": {
            "RequestID": {"DataType": "String", "StringValue": last.request_id},
            "ErrorCode": {"DataType": "Number", "StringValue": "200"},
            "ErrorMessage": {"DataType": "String", "StringValue": message[:_LONGEST_ERROR_MESSAGE]},
        },
    }


def response_payload(attempt: LabAttempt) -> Any:
    """Return the document that an attempt gave; Lambda writes one where the function did not."""
    if attempt.answer is not None and attempt.answer.body:
        try:
            return json.loads(attempt.answer.body)
        except ValueError:
            return attempt.answer.body.decode("utf-8", "replace")
    error_type, message = attempt.failure or ("Runtime.ExitError", "the runtime exited")
    return {"errorType": error_type, "errorMessage": f"RequestId: {attempt.request_id} {message}"}
