"""A function's own settings: timeout, retries, event age, log group, log format and levels.

None of this is needed to look at logs. What cannot be read is told in a note, and Lambda's
defaults stand in for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.limits import DEFAULT_RETRIES, LONGEST_EVENT_AGE_S, LONGEST_TIMEOUT_S
from retryctl.errors import AccessDenied, CouldNotLook, UsageError
from retryctl.sources.aws.client import Answer, AwsClient
from retryctl.sources.aws.errors import Refused
from retryctl.sources.saved.files import instead_of

# name, name:alias, 123456789012:function:name, arn:aws:lambda:region:account:function:name:7
_FUNCTION = re.compile(
    r"(?:arn:[\w-]+:lambda:[\w-]+:)?(?:\d{12}:)?(?:function:)?"
    r"(?P<name>[\w-]{1,140})(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionName:
    """A function, and the version or alias that was named with it."""

    name: str
    qualifier: str | None = None

    @property
    def default_log_group(self) -> str:
        """Where its logs are unless its settings say otherwise."""
        return f"/aws/lambda/{self.name}"


def parse_function_name(text: str) -> FunctionName:
    """From a name, a partial or a whole ARN, each with a version or an alias or without.

    Raises UsageError for what is none of these.
    """
    match = _FUNCTION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} is no function name.",
            instead_of(text) or "Give a name, name:alias, or the function's ARN.",
        )
    return FunctionName(name=match["name"], qualifier=match["qualifier"])


def read_settings(
    aws: AwsClient, function: str
) -> tuple[FunctionConfig, str | None, tuple[str, ...]]:
    """The settings, the log group (``None`` where it is not known), and sentences for stderr.

    Never raises for what is denied, deleted or out of reach: alone that is no reason not to look.
    Raises UsageError where ``function`` is no function's name.
    """
    named = parse_function_name(function)
    request = {"FunctionName": named.name}
    if "function:" in function:
        request["FunctionName"] = function.removesuffix(f":{named.qualifier}")
    if named.qualifier:
        request["Qualifier"] = named.qualifier
    notes: list[str] = []
    configuration = _configuration(aws, request, notes)
    retries, event_age_s = _event_invoke(aws, request, notes)
    if retries is not None and not named.qualifier and _differs(aws, request, retries, event_age_s):
        notes.append(
            f"A version or an alias of {named.name} has retry settings of its own, and the logs "
            f"do not say which was called: name it ({named.name}:ALIAS). "
            f"Lambda's defaults are assumed."
        )
        retries = event_age_s = None
    logging: dict[str, Any] = configuration.get("LoggingConfig") or {}
    settings = FunctionConfig(
        maximum_retry_attempts=retries,
        maximum_event_age_s=event_age_s,
        timeout_s=configuration.get("Timeout"),
        runtime=configuration.get("Runtime"),
        log_format=logging.get("LogFormat"),
        application_log_level=logging.get("ApplicationLogLevel"),
        system_log_level=logging.get("SystemLogLevel"),
        durable=bool(configuration.get("DurableConfig")),
        managed_instances=bool(configuration.get("CapacityProviderConfig")),
        reserved_concurrency=_reserved_concurrency(aws, request) if configuration else None,
    )
    return settings, logging.get("LogGroup"), tuple(notes)


def _configuration(aws: AwsClient, request: dict[str, str], notes: list[str]) -> Answer:
    try:
        return _ask(aws, "GetFunctionConfiguration", request)
    except CouldNotLook as error:
        if "Qualifier" in request and _is_missing(error):
            return _unqualified(aws, request, notes)
        _note_unknown(request, error, notes)
        return {}


def _unqualified(aws: AwsClient, request: dict[str, str], notes: list[str]) -> Answer:
    """The configuration of the function, where the alias or version does not exist."""
    name, qualifier = request["FunctionName"], request.pop("Qualifier")
    try:
        found = _ask(aws, "GetFunctionConfiguration", request)
    except CouldNotLook as error:
        _note_unknown(request, error, notes)
        return {}
    notes.append(
        f"{name} has no alias or version {qualifier}: the settings of $LATEST are used. "
        f"Its aliases: aws lambda list-aliases --function-name {name}"
    )
    return found


def _note_unknown(request: dict[str, str], error: CouldNotLook, notes: list[str]) -> None:
    notes.append(
        f"The settings of {request['FunctionName']} are not known ({_why(error)}): "
        f"a timeout of {LONGEST_TIMEOUT_S} s and Lambda's usual log group are assumed."
    )


def _is_missing(error: CouldNotLook) -> bool:
    return isinstance(error, Refused) and error.code == "ResourceNotFoundException"


def _event_invoke(
    aws: AwsClient, request: dict[str, str], notes: list[str]
) -> tuple[int | None, int | None]:
    """MaximumRetryAttempts and MaximumEventAgeInSeconds.

    Where none were set, Lambda answers ResourceNotFound, and its defaults are in force.
    """
    try:
        config = _ask(aws, "GetFunctionEventInvokeConfig", request)
    except CouldNotLook as error:
        if isinstance(error, Refused) and "EventInvokeConfig" in error.reason:
            return DEFAULT_RETRIES, LONGEST_EVENT_AGE_S
        notes.append(
            f"How often {request['FunctionName']} is retried is not known ({_why(error)}): "
            f"Lambda's defaults are assumed, 2 retries within 6 hours."
        )
        return None, None
    return _retries_and_age(config)


def _differs(
    aws: AwsClient, request: dict[str, str], retries: int | None, event_age_s: int | None
) -> bool:
    """Whether a version or an alias has other settings; no where that may not be asked."""
    try:
        listed = _ask(aws, "ListFunctionEventInvokeConfigs", request)
    except CouldNotLook:
        return False
    configs = listed.get("FunctionEventInvokeConfigs", [])
    return any(_retries_and_age(config) != (retries, event_age_s) for config in configs)


def _retries_and_age(config: Answer) -> tuple[int, int]:
    return (
        config.get("MaximumRetryAttempts", DEFAULT_RETRIES),
        config.get("MaximumEventAgeInSeconds", LONGEST_EVENT_AGE_S),
    )


def _reserved_concurrency(aws: AwsClient, request: dict[str, str]) -> int | None:
    """Of the whole function, whatever the version; not worth a note where it is denied."""
    try:
        answer = _ask(aws, "GetFunctionConcurrency", {"FunctionName": request["FunctionName"]})
    except CouldNotLook:
        return None
    return answer.get("ReservedConcurrentExecutions")


def _ask(aws: AwsClient, operation: str, request: dict[str, str]) -> Answer:
    return aws.call("lambda", operation, request, subject=f"function {request['FunctionName']}")


def _why(error: CouldNotLook) -> str:
    if isinstance(error, AccessDenied):
        return error.what.partition("(")[2].rstrip(")")
    if _is_missing(error):
        return "there is no such function here"
    return error.what
