"""Read the facts that ``retryctl doctor`` checks. A fact that cannot be read is ``NotRead``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

from retryctl import __version__
from retryctl.core.doctor.facts import Fields, FunctionFacts, NotRead, name_in, service_of
from retryctl.core.wording import suggestions
from retryctl.errors import AccessDenied, CouldNotLook
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.fact_reading import fact_or_none, is_absent, read_fact, reason_not_read
from retryctl.sources.aws.function_code import counter_copies
from retryctl.sources.aws.function_name import parse_function_name, qualifier_of
from retryctl.sources.aws.log_groups import listed_functions

T = TypeVar("T")


def read_function_facts(aws: AwsClient, function: str, *, now_ms: int) -> FunctionFacts:
    """Read everything about ``function``, by name or ARN.

    Raises ``CouldNotLook`` if the function does not exist, or AWS does not answer.
    """
    name = parse_function_name(function).name
    reader = _FactReader(aws, name)
    configuration = reader.configuration()
    sources = reader.fact("ListEventSourceMappings", reader.event_sources)
    invoke_configs = reader.fact("ListFunctionEventInvokeConfigs", reader.invoke_configs)
    facts = FunctionFacts(
        function=name,
        configuration=configuration,
        aliases=reader.fact("ListAliases", reader.aliases),
        invoke_configs=invoke_configs,
        reserved_concurrency=reader.fact("GetFunctionConcurrency", reader.reserved_concurrency),
        provisioned=reader.fact("ListProvisionedConcurrencyConfigs", reader.provisioned),
        event_sources=sources,
        policy=reader.fact_or_none("GetPolicy", reader.policy),
        counter_copies=reader.fact("GetFunction", partial(counter_copies, aws, name)),
        version=__version__,
    )
    return _with_resources(aws, facts, reader, now_ms)


def _with_resources(
    aws: AwsClient, facts: FunctionFacts, reader: _FactReader, now_ms: int
) -> FunctionFacts:
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
        log_group=read_fact("logs:DescribeLogGroups", lambda: reader.log_group(group)),
        indexed_fields=read_fact("logs:DescribeFieldIndexes", lambda: reader.indexed_fields(group)),
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
        self._subject = f"function {name}"
        self._request = {"FunctionName": name}

    def fact(self, operation: str, read: Callable[[], T]) -> T | NotRead:
        return read_fact(f"lambda:{operation}", read)

    def fact_or_none(self, operation: str, read: Callable[[], T]) -> T | NotRead | None:
        return fact_or_none(f"lambda:{operation}", read)

    def configuration(self) -> Fields | NotRead:
        """Raise ``CouldNotLook`` unless the function exists, or IAM hides whether it does."""
        try:
            return self._call("GetFunctionConfiguration")
        except AccessDenied as error:
            return reason_not_read("lambda:GetFunctionConfiguration", error)
        except Refused as error:
            raise (self._no_such_function() if is_absent(error) else error) from None

    def _no_such_function(self) -> CouldNotLook:
        """Build the error that the function does not exist, with the names that are near."""
        near = ""
        with suppress(CouldNotLook):
            near = suggestions(self._name, (each.name for each in listed_functions(self._aws)))
        region = f" in {self._aws.region}" if self._aws.region else ""
        return CouldNotLook(
            f"the function {self._name} does not exist{region}",
            f"{near} Check the name, --region and --profile.".lstrip(),
        )

    def aliases(self) -> dict[str, str]:
        pages = self._pages("ListAliases", "Aliases")
        return {alias["Name"]: str(alias.get("FunctionVersion", "")) for alias in pages}

    def invoke_configs(self) -> dict[str, Fields]:
        configs = self._pages("ListFunctionEventInvokeConfigs", "FunctionEventInvokeConfigs")
        return {qualifier_of(str(config["FunctionArn"])): config for config in configs}

    def reserved_concurrency(self) -> int | None:
        return self._call("GetFunctionConcurrency").get("ReservedConcurrentExecutions")

    def provisioned(self) -> tuple[str, ...]:
        key = "ProvisionedConcurrencyConfigs"
        configs = self._pages("ListProvisionedConcurrencyConfigs", key)
        return tuple(name_in(str(config["FunctionArn"])) for config in configs)

    def event_sources(self) -> tuple[Fields, ...]:
        return tuple(self._pages("ListEventSourceMappings", "EventSourceMappings"))

    def policy(self) -> Fields:
        policy: Fields = json.loads(self._call("GetPolicy")["Policy"])
        return policy

    def log_group(self, name: str) -> Fields | None:
        request = {"logGroupNamePrefix": name}
        answer = self._aws.call("logs", "DescribeLogGroups", request, subject=f"log group {name}")
        groups = answer.get("logGroups", [])
        return next((group for group in groups if group["logGroupName"] == name), None)

    def indexed_fields(self, name: str) -> tuple[str, ...]:
        request = {"logGroupIdentifiers": [name]}
        answer = self._aws.call("logs", "DescribeFieldIndexes", request, subject=name)
        return tuple(index["fieldIndexName"] for index in answer.get("fieldIndexes", []))

    def _pages(self, operation: str, key: str) -> Iterator[AwsResponse]:
        pages = self._aws.pages("lambda", operation, self._request, subject=self._subject)
        for page in pages:
            yield from page.get(key, [])

    def _call(self, operation: str) -> AwsResponse:
        return self._aws.call("lambda", operation, self._request, subject=self._subject)


def _resource(aws: AwsClient, arn: str) -> Fields | NotRead | None:
    """Return what an ARN names: its attributes, ``None`` where it does not exist."""
    name = name_in(arn)
    readers: dict[str, tuple[str, Callable[[], Fields]]] = {
        "sqs": ("GetQueueAttributes", lambda: _queue(aws, arn)),
        "sns": (
            "GetTopicAttributes",
            lambda: aws.call("sns", "GetTopicAttributes", {"TopicArn": arn}),
        ),
        "lambda": (
            "GetFunctionConfiguration",
            lambda: aws.call("lambda", "GetFunctionConfiguration", {"FunctionName": arn}),
        ),
        "events": (
            "DescribeEventBus",
            lambda: aws.call("events", "DescribeEventBus", {"Name": arn.rpartition("/")[2]}),
        ),
        "s3": ("ListBucket", lambda: aws.call("s3", "HeadBucket", {"Bucket": name})),
    }
    service = service_of(arn)
    if service not in readers:
        return NotRead(action="", reason=f"{arn} names a resource of a kind that is not checked.")
    operation, read = readers[service]
    return fact_or_none(f"{service}:{operation}", read)


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
