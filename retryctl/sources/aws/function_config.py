"""A function's own settings: timeout, retries, event age, log group, log format and levels.

None of this is needed to read logs. What cannot be read is named in a note, and Lambda's
defaults stand in for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from retryctl import errors
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.limits import DEFAULT_RETRIES, LONGEST_EVENT_AGE_S, LONGEST_TIMEOUT_S
from retryctl.core.value_classes import value_class
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.daemon_pool import DaemonPool
from retryctl.sources.aws.errors import NO_REGION, Refused
from retryctl.sources.aws.function_discovery import LoggingFunction
from retryctl.sources.aws.function_name import (
    EDGE_REGION,
    FunctionName,
    parse_function_name,
    qualifier_of,
)
from retryctl.sources.aws.log_groups import Warn

T = TypeVar("T")
U = TypeVar("U")


def read_versions(aws: AwsClient, named: FunctionName, warn: Warn) -> frozenset[str] | None:
    """Return the versions that ``named`` selects, ``None`` for all.

    Those of an alias are the versions that it routes to now.
    """
    if not named.alias:
        return named.versions
    alias = f"{named.name}:{named.alias}"
    function, calls = {"FunctionName": named.in_calls}, _Calls(aws=aws, named=named)
    try:
        found = calls.call("GetAlias", {**function, "Name": named.alias})
    except errors.CouldNotRead as error:
        if _is_missing(error) and not _exists(calls, function):
            return None  # a sentence about its settings names it
        why = "the alias does not exist" if _is_missing(error) else _why(error)
        warn(
            f"The versions that {alias} runs are not known ({why}): requests of all versions are "
            f"shown. Name a version to select it: {named.name}:7"
        )
        return None
    weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    versions = sorted({found["FunctionVersion"], *weights})
    warn(
        f"{alias} now runs version {' and '.join(versions)}: requests of other versions are not "
        "shown, also where the alias ran them earlier."
    )
    return frozenset(versions)


def _exists(calls: _Calls, function: dict[str, str]) -> bool:
    """Return whether there is the function, as far as this caller can know."""
    try:
        calls.call("GetFunctionConfiguration", function)
    except errors.CouldNotRead as error:
        return not _is_missing(error)
    return True


@value_class
class _Calls:
    """Calls about one function. One of Lambda@Edge is in a single region, its logs in many."""

    aws: AwsClient
    named: FunctionName

    def call(self, operation: str, request: dict[str, str]) -> AwsResponse:
        return self.aws.call("lambda", operation, request, **self._options(request))

    def items(self, operation: str, request: dict[str, str], key: str) -> Iterator[AwsResponse]:
        return self.aws.items("lambda", operation, request, key, **self._options(request))

    def _options(self, request: dict[str, str]) -> dict[str, Any]:
        return {
            "subject": f"function {request['FunctionName']}",
            "region": EDGE_REGION if self.named.is_at_the_edge else None,
        }

    def raise_if_nothing_answers(self, error: errors.CouldNotRead) -> None:
        """Raise Unreachable where neither Lambda, as ``error`` shows, nor the logs answer."""
        if not isinstance(error, errors.Unreachable):
            return
        try:
            self.aws.call("logs", "DescribeLogGroups", {"limit": 1})
        except errors.Unreachable:
            raise
        except errors.CouldNotRead:
            return


def read_settings(
    aws: AwsClient,
    function: str,
    warn: Warn,
    *,
    beside: Callable[[str | None], None] | None = None,
) -> tuple[FunctionConfig, str | None]:
    """Return the settings, and the log group (``None`` if not known).

    Never raises for what is denied or deleted: logs can be read without them. Raises Unreachable
    only where the logs are out of reach too.
    ``beside`` is called with the log group in another thread, while further settings are read.
    Raises UsageError where ``function`` is not a function's name.
    """
    named = parse_function_name(function)
    calls = _Calls(aws=aws, named=named)
    request = {"FunctionName": named.in_calls}
    if named.qualifier:
        request["Qualifier"] = named.qualifier
    configuration = _configuration(calls, request, warn)
    with DaemonPool() as pool:
        own = [_reserved_concurrency, _has_stream_source] if configuration else []
        reading = [pool.submit(read, calls, request) for read in own]
        group = _logging(configuration).get("LogGroup")
        meanwhile = pool.submit(beside, group) if beside else None
        invoke = _event_invoke(calls, request, warn)
        reserved, stream_source = [one.result() for one in reading] or (None, False)
        if meanwhile:
            meanwhile.result()
    settings = _settings(configuration, invoke, reserved, stream_source=bool(stream_source))
    return settings, group


def read_listed_settings(
    aws: AwsClient, functions: Sequence[LoggingFunction], warn: Warn, *, reserved: bool
) -> list[FunctionConfig]:
    """Return the settings of functions whose configuration was listed.

    With ``reserved`` the reserved concurrency of each is read too.
    """
    streams = _functions_of_streams(aws)

    def read(function: LoggingFunction, warn: Warn) -> FunctionConfig:
        if function.configuration is None:
            return FunctionConfig()
        calls = _Calls(aws=aws, named=FunctionName(name=function.name))
        request = {"FunctionName": function.name}
        return _settings(
            function.configuration,
            _event_invoke(calls, request, warn),
            _reserved_concurrency(calls, request) if reserved else None,
            stream_source=function.name in streams,
        )

    return list(with_warnings_in_order(read, functions, warn))


def with_warnings_in_order(
    read: Callable[[U, Warn], T], items: Iterable[U], warn: Warn
) -> Iterator[T]:
    """Yield what ``read`` reads of each item; several are read at once, and warn in their order."""

    def noted(item: U) -> tuple[T, list[str]]:
        notes: list[str] = []
        return read(item, notes.append), notes

    with DaemonPool() as pool:
        for result, notes in pool.map(noted, items):
            for note in notes:
                warn(note)
            yield result


def _settings(
    configuration: AwsResponse,
    invoke: tuple[int | None, int | None],
    reserved: int | None,
    *,
    stream_source: bool,
) -> FunctionConfig:
    logging = _logging(configuration)
    return FunctionConfig(
        maximum_retry_attempts=invoke[0],
        maximum_event_age_s=invoke[1],
        timeout_s=configuration.get("Timeout"),
        runtime=configuration.get("Runtime"),
        log_format=logging.get("LogFormat"),
        application_log_level=logging.get("ApplicationLogLevel"),
        system_log_level=logging.get("SystemLogLevel"),
        durable=bool(configuration.get("DurableConfig")),
        managed_instances=bool(configuration.get("CapacityProviderConfig")),
        reserved_concurrency=reserved,
        stream_source=stream_source,
    )


def _logging(configuration: AwsResponse) -> dict[str, Any]:
    return configuration.get("LoggingConfig") or {}


def _configuration(calls: _Calls, request: dict[str, str], warn: Warn) -> AwsResponse:
    try:
        return calls.call("GetFunctionConfiguration", request)
    except errors.CouldNotRead as error:
        calls.raise_if_nothing_answers(error)
        if "Qualifier" in request and _is_missing(error):
            return _unqualified(calls, request, warn)
        _note_unknown(request, error, warn)
        return {}


def _unqualified(calls: _Calls, request: dict[str, str], warn: Warn) -> AwsResponse:
    """Return the configuration of the function, where the alias or version does not exist."""
    name, qualifier = request["FunctionName"], request.pop("Qualifier")
    try:
        found = calls.call("GetFunctionConfiguration", request)
    except errors.CouldNotRead as error:
        _note_unknown(request, error, warn)
        return {}
    warn(
        f"{name} has no alias or version {qualifier}: the settings of $LATEST are used. "
        f"Its aliases: aws lambda list-aliases --function-name {name}"
    )
    return found


def _note_unknown(request: dict[str, str], error: errors.CouldNotRead, warn: Warn) -> None:
    if _stops_every_call(error):  # the log cannot be read either: that error is enough
        return
    warn(
        f"The settings of {request['FunctionName']} are not known ({_why(error)}): "
        f"a timeout of {LONGEST_TIMEOUT_S} s and Lambda's usual log group are assumed."
    )


def _stops_every_call(error: errors.CouldNotRead) -> bool:
    return isinstance(error, (errors.NoCredentials, errors.LoginExpired)) or error.what == NO_REGION


def _is_missing(error: errors.CouldNotRead) -> bool:
    return isinstance(error, Refused) and error.code == "ResourceNotFoundException"


def _event_invoke(
    calls: _Calls, request: dict[str, str], warn: Warn
) -> tuple[int | None, int | None]:
    """MaximumRetryAttempts and MaximumEventAgeInSeconds: Lambda's defaults where none were set.

    Unknown where the function is named without a qualifier, and one has settings of its own.
    """
    try:
        configs = _invoke_configs(calls, request["FunctionName"])
    except errors.CouldNotRead:
        return _own_event_invoke(calls, request, warn)
    own = configs.get(request.get("Qualifier", "$LATEST"), (DEFAULT_RETRIES, LONGEST_EVENT_AGE_S))
    if "Qualifier" in request or all(each == own for each in configs.values()):
        return own
    name = calls.named.name
    warn(
        f"A version or an alias of {name} has retry settings of its own, and the logs do not show "
        f"which one was called: name it ({name}:ALIAS). Lambda's defaults are assumed."
    )
    return None, None


def _invoke_configs(calls: _Calls, function: str) -> dict[str, tuple[int, int]]:
    """Return retries and age of the function, its versions and aliases, by qualifier."""
    key, request = "FunctionEventInvokeConfigs", {"FunctionName": function}
    configs = calls.items("ListFunctionEventInvokeConfigs", request, key)
    return {qualifier_of(each["FunctionArn"]): _retries_and_age(each) for each in configs}


def _own_event_invoke(
    calls: _Calls, request: dict[str, str], warn: Warn
) -> tuple[int | None, int | None]:
    """Read only the settings of the function, or of its qualifier that is named.

    Where none were set, Lambda answers ResourceNotFound.
    """
    try:
        config = calls.call("GetFunctionEventInvokeConfig", request)
    except errors.CouldNotRead as error:
        if isinstance(error, Refused) and "EventInvokeConfig" in error.reason:
            return DEFAULT_RETRIES, LONGEST_EVENT_AGE_S
        if _stops_every_call(error):
            return None, None
        warn(
            f"The retry settings of {request['FunctionName']} are not known ({_why(error)}): "
            f"Lambda's defaults are assumed, 2 retries within 6 hours."
        )
        return None, None
    return _retries_and_age(config)


def _retries_and_age(config: AwsResponse) -> tuple[int, int]:
    return (
        config.get("MaximumRetryAttempts", DEFAULT_RETRIES),
        config.get("MaximumEventAgeInSeconds", LONGEST_EVENT_AGE_S),
    )


def _reserved_concurrency(calls: _Calls, request: dict[str, str]) -> int | None:
    """Of the whole function, whatever the version; not worth a note where it is denied."""
    only = {"FunctionName": request["FunctionName"]}
    try:
        answer = calls.call("GetFunctionConcurrency", only)
    except errors.CouldNotRead:
        return None
    return answer.get("ReservedConcurrentExecutions")


def _has_stream_source(calls: _Calls, request: dict[str, str]) -> bool:
    """Whether a DynamoDB or Kinesis stream invokes it; False where the call is denied."""
    try:
        answer = calls.call("ListEventSourceMappings", {"FunctionName": request["FunctionName"]})
    except errors.CouldNotRead:
        return False
    return any(map(_is_stream, answer.get("EventSourceMappings", [])))


def _functions_of_streams(aws: AwsClient) -> frozenset[str]:
    """Return the functions of the region that a stream invokes; none where the call is denied."""
    names: set[str] = set()
    with suppress(errors.CouldNotRead):
        sources = aws.items("lambda", "ListEventSourceMappings", {}, "EventSourceMappings")
        names.update(each["FunctionArn"].split(":")[6] for each in sources if _is_stream(each))
    return frozenset(names)


def _is_stream(mapping: AwsResponse) -> bool:
    return mapping.get("EventSourceArn", "").split(":")[2:3] in (["dynamodb"], ["kinesis"])


def _why(error: errors.CouldNotRead) -> str:
    if isinstance(error, errors.AccessDenied):
        return error.what.partition("(")[2].rstrip(")")
    if _is_missing(error):
        return "the function does not exist here"
    return error.what
