"""Read the facts that ``retryctl doctor`` checks. A fact that cannot be read is ``NotRead``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from retryctl import __version__
from retryctl.core.doctor.facts import Fields, FunctionFacts, NotRead, name_in, service_of
from retryctl.core.wording import suggestions
from retryctl.errors import AccessDenied, CouldNotRead, NoSuchLogGroup
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.function_code import counter_copies
from retryctl.sources.aws.function_discovery import listed_functions
from retryctl.sources.aws.function_name import parse_function_name, qualifier_of

T = TypeVar("T")


def read_function_facts(aws: AwsClient, function: str, *, now_ms: int) -> FunctionFacts:
    """Read everything about ``function``, by name or ARN.

    Raises ``CouldNotRead`` if the function does not exist, or AWS does not answer.
    """
    name = parse_function_name(function).name
    reader = _FactReader(aws, name)
    facts = FunctionFacts(
        function=name,
        configuration=reader.configuration(),
        event_sources=reader.listed("ListEventSourceMappings", "EventSourceMappings", tuple),
        invoke_configs=reader.listed(
            "ListFunctionEventInvokeConfigs",
            "FunctionEventInvokeConfigs",
            lambda found: {qualifier_of(str(each["FunctionArn"])): each for each in found},
        ),
        aliases=reader.listed(
            "ListAliases",
            "Aliases",
            lambda found: {each["Name"]: str(each.get("FunctionVersion", "")) for each in found},
        ),
        reserved_concurrency=read_fact(
            "lambda:GetFunctionConcurrency",
            lambda: reader.call("GetFunctionConcurrency").get("ReservedConcurrentExecutions"),
        ),
        provisioned=reader.listed(
            "ListProvisionedConcurrencyConfigs",
            "ProvisionedConcurrencyConfigs",
            lambda found: tuple(name_in(str(each["FunctionArn"])) for each in found),
        ),
        policy=fact_or_none(
            "lambda:GetPolicy", lambda: json.loads(reader.call("GetPolicy")["Policy"])
        ),
        counter_copies=read_fact("lambda:GetFunction", partial(counter_copies, aws, name)),
        version=__version__,
    )
    return _with_resources(aws, facts, now_ms)


def _with_resources(aws: AwsClient, facts: FunctionFacts, now_ms: int) -> FunctionFacts:
    """Add the log group, and what the ARNs of queues and destinations name."""
    group = facts.log_group_name
    sources = () if isinstance(facts.event_sources, NotRead) else facts.event_sources
    queues = {
        arn: _resource(aws, arn)
        for arn in (str(source.get("EventSourceArn") or "") for source in sources)
        if service_of(arn) == "sqs"
    }
    return replace(
        facts,
        queues=queues,
        targets={arn: _resource(aws, arn) for arn in _targets(facts)},
        log_group=read_fact("logs:DescribeLogGroups", partial(_log_group, aws, group)),
        indexed_fields=read_fact("logs:DescribeFieldIndexes", partial(_indexed_fields, aws, group)),
        trials=try_actions(aws, facts.function, group, now_ms),
    )


def _targets(facts: FunctionFacts) -> list[str]:
    """Return the ARNs of the dead-letter target and of all on-failure destinations."""
    arns: list[str | None] = []
    if not isinstance(facts.configuration, NotRead):
        arns.append(facts.dead_letter_target)
    if not isinstance(facts.invoke_configs, NotRead):
        for config in facts.invoke_configs.values():
            on_failure = (config.get("DestinationConfig") or {}).get("OnFailure") or {}
            arns.append(on_failure.get("Destination"))
    return list(dict.fromkeys(arn for arn in arns if arn))


class _FactReader:
    """The calls about one function."""

    def __init__(self, aws: AwsClient, name: str) -> None:
        self._aws = aws
        self._name = name
        self._request = {"FunctionName": name}

    def configuration(self) -> Fields | NotRead:
        """Raise ``CouldNotRead`` unless the function exists, or IAM hides whether it does."""
        try:
            return self.call("GetFunctionConfiguration")
        except AccessDenied as error:
            return reason_not_read("lambda:GetFunctionConfiguration", error)
        except Refused as error:
            raise (self._no_such_function() if is_absent(error) else error) from None

    def _no_such_function(self) -> CouldNotRead:
        """Build the error that the function does not exist, with the names that are near."""
        near = ""
        with suppress(CouldNotRead):
            near = suggestions(self._name, (each.name for each in listed_functions(self._aws)))
        region = f" in {self._aws.region}" if self._aws.region else ""
        return CouldNotRead(
            f"the function {self._name} does not exist{region}",
            f"{near} Check the name, --region and --profile.".lstrip(),
        )

    def call(self, operation: str) -> AwsResponse:
        subject = f"function {self._name}"
        return self._aws.call("lambda", operation, self._request, subject=subject)

    def listed(
        self, operation: str, key: str, make: Callable[[Iterable[AwsResponse]], T]
    ) -> T | NotRead:
        """Return what ``make`` makes of the items under a key of all pages."""
        subject = f"function {self._name}"
        pages = self._aws.pages("lambda", operation, self._request, subject=subject)
        items = (each for page in pages for each in page.get(key, []))
        return read_fact(f"lambda:{operation}", lambda: make(items))


def _log_group(aws: AwsClient, name: str) -> Fields | None:
    request = {"logGroupNamePrefix": name}
    answer = aws.call("logs", "DescribeLogGroups", request, subject=f"log group {name}")
    groups = answer.get("logGroups", [])
    return next((group for group in groups if group["logGroupName"] == name), None)


def _indexed_fields(aws: AwsClient, name: str) -> tuple[str, ...]:
    request = {"logGroupIdentifiers": [name]}
    answer = aws.call("logs", "DescribeFieldIndexes", request, subject=name)
    return tuple(index["fieldIndexName"] for index in answer.get("fieldIndexes", []))


def _resource(aws: AwsClient, arn: str) -> Fields | NotRead | None:
    """Return what an ARN names: its attributes, ``None`` where it does not exist."""
    requests = {
        "sns": ("GetTopicAttributes", {"TopicArn": arn}),
        "lambda": ("GetFunctionConfiguration", {"FunctionName": arn}),
        "events": ("DescribeEventBus", {"Name": arn.rpartition("/")[2]}),
        "s3": ("HeadBucket", {"Bucket": name_in(arn)}),
    }
    service = service_of(arn)
    if service == "sqs":
        return fact_or_none("sqs:GetQueueAttributes", partial(_queue, aws, arn))
    if service not in requests:
        return NotRead(action="", reason=f"{arn} names a resource of a kind that is not checked.")
    operation, request = requests[service]
    action = "ListBucket" if operation == "HeadBucket" else operation  # the API's name is not IAM's
    return fact_or_none(f"{service}:{action}", partial(aws.call, service, operation, request))


def _queue(aws: AwsClient, arn: str) -> Fields:
    account, name = arn.split(":")[4:6]
    request = {"QueueName": name, "QueueOwnerAWSAccountId": account}
    url = aws.call("sqs", "GetQueueUrl", request, subject=name)["QueueUrl"]
    named = {"QueueUrl": url, "AttributeNames": ["All"]}
    attributes: Fields = aws.call("sqs", "GetQueueAttributes", named, subject=name)["Attributes"]
    return attributes


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
    query = {"logGroupName": group, "startTime": 0, "endTime": 1, "queryString": "limit 1"}
    requests: dict[str, dict[str, Any]] = {
        "logs:FilterLogEvents": events,
        "logs:GetLogEvents": {"logGroupName": group, "logStreamName": _NO_NAME, "limit": 1},
        "logs:StartQuery": query,
        "logs:GetQueryResults": {"queryId": _NO_QUERY},
        "logs:StopQuery": {"queryId": _NO_QUERY},
        "logs:GetTransformer": {"logGroupIdentifier": group},
        "logs:DescribeAccountPolicies": {"policyType": "TRANSFORMER_POLICY"},
        "logs:Unmask": {**events, "unmask": True},
        "lambda:ListFunctions": {"MaxItems": 1},
        "lambda:GetFunctionEventInvokeConfig": {"FunctionName": function},
        "lambda:GetAlias": {"FunctionName": function, "Name": _NO_NAME},
    }
    return {action: _try(aws, action, request) for action, request in requests.items()}


def _try(aws: AwsClient, action: str, request: dict[str, Any]) -> NotRead | None:
    service, _, operation = action.partition(":")
    operation = "FilterLogEvents" if operation == "Unmask" else operation
    try:
        answer = aws.call(service, operation, request, subject=action)
    except CouldNotRead as error:
        return None if _was_allowed(error) else reason_not_read(action, error)
    if operation == "StartQuery":
        _try(aws, "logs:StopQuery", {"queryId": answer["queryId"]})
    return None


def _was_allowed(error: CouldNotRead) -> bool:
    """Whether the service refused the request for what it names, after IAM allowed the action."""
    refused = isinstance(error, Refused) and error.code.startswith(_REFUSED_REQUESTS)
    return refused or is_absent(error)


_ABSENT = ("NotFound", "NonExistent", "DoesNotExist", "NoSuch", "404")


def read_fact(action: str, read: Callable[[], T]) -> T | NotRead:
    """Return what ``read`` returns, or why it failed. ``action`` is the IAM action it needs."""
    try:
        return read()
    except CouldNotRead as error:
        return reason_not_read(action, error)


def fact_or_none(action: str, read: Callable[[], T]) -> T | NotRead | None:
    """Return what ``read`` returns; ``None`` where the resource does not exist."""
    try:
        return read()
    except CouldNotRead as error:
        return None if is_absent(error) else reason_not_read(action, error)


def is_absent(error: CouldNotRead) -> bool:
    """Whether the service answered that the resource does not exist."""
    if isinstance(error, NoSuchLogGroup):
        return True
    return isinstance(error, Refused) and any(word in error.code for word in _ABSENT)


def reason_not_read(action: str, error: CouldNotRead) -> NotRead:
    """Return the reason of a failed call as a sentence."""
    reason = " ".join(error.what.split()).rstrip(".")
    return NotRead(action=action, reason=f"{reason}.", denied=isinstance(error, AccessDenied))
