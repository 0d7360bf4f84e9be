"""Try the IAM actions of the commands that read logs, with calls that read and cost nothing."""

from __future__ import annotations

from retryctl.core.doctor.facts import NotRead
from retryctl.errors import CouldNotLook
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.fact_reading import is_absent, reason_not_read

_HOUR_MS = 3_600_000
_NO_NAME = "retryctl-doctor"
_NO_QUERY = "00000000-0000-4000-8000-000000000000"
_REFUSED_REQUESTS = ("InvalidParameter", "MalformedQuery", "Validation")


def try_actions(
    aws: AwsClient, function: str, group: str, now_ms: int
) -> dict[str, NotRead | None]:
    """Return ``None`` for each action that is allowed, or why it is not known to be.

    The stream, the alias and the query do not exist: IAM decides before the service searches for
    them. The Insights query reads one second from before the log group existed.
    """
    events = {"logGroupName": group, "startTime": now_ms - _HOUR_MS, "limit": 1}
    stream = {"logGroupName": group, "logStreamName": _NO_NAME, "limit": 1}
    query = {"logGroupName": group, "startTime": 0, "endTime": 1, "queryString": "limit 1"}
    named, qualified = {"FunctionName": function}, {"FunctionName": function, "Name": _NO_NAME}
    calls: dict[str, tuple[str, dict[str, object]]] = {
        "logs:FilterLogEvents": ("FilterLogEvents", {**events}),
        "logs:GetLogEvents": ("GetLogEvents", {**stream}),
        "logs:StartQuery": ("StartQuery", {**query}),
        "logs:GetQueryResults": ("GetQueryResults", {"queryId": _NO_QUERY}),
        "logs:StopQuery": ("StopQuery", {"queryId": _NO_QUERY}),
        "logs:GetTransformer": ("GetTransformer", {"logGroupIdentifier": group}),
        "logs:DescribeAccountPolicies": (
            "DescribeAccountPolicies",
            {"policyType": "TRANSFORMER_POLICY"},
        ),
        "logs:Unmask": ("FilterLogEvents", {**events, "unmask": True}),
        "lambda:ListFunctions": ("ListFunctions", {"MaxItems": 1}),
        "lambda:GetFunctionEventInvokeConfig": ("GetFunctionEventInvokeConfig", {**named}),
        "lambda:GetAlias": ("GetAlias", {**qualified}),
    }
    return {
        action: _try(aws, action, operation, request)
        for action, (operation, request) in calls.items()
    }


def _try(aws: AwsClient, action: str, operation: str, request: dict[str, object]) -> NotRead | None:
    try:
        answer = aws.call(action.partition(":")[0], operation, request, subject=action)
    except CouldNotLook as error:
        return None if _was_allowed(error) else reason_not_read(action, error)
    if operation == "StartQuery":
        _try(aws, "logs:StopQuery", "StopQuery", {"queryId": answer["queryId"]})
    return None


def _was_allowed(error: CouldNotLook) -> bool:
    """Whether the service refused the request for what it names, after IAM allowed the action."""
    refused = isinstance(error, Refused) and error.code.startswith(_REFUSED_REQUESTS)
    return refused or is_absent(error)
