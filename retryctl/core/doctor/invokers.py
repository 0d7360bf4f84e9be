"""Checks of what invokes the function: callers, queues, streams, and permissions."""

from __future__ import annotations

import json

from retryctl.core.doctor.facts import Fields, FunctionFacts, known, name_in
from retryctl.core.doctor.result import CheckAnswer, fails, passes
from retryctl.core.wording import number_of

_READ_TIMEOUT_S = 60
_VISIBILITY_FACTOR = 6
_STREAMS = ("dynamodb", "kinesis")
_ASYNCHRONOUS = ("s3.amazonaws.com", "sns.amazonaws.com")


def timeout_below_read_timeout(facts: FunctionFacts) -> CheckAnswer:
    """Require a timeout of at most 60 s, after which an SDK stops reading and calls again."""
    if facts.timeout_s <= _READ_TIMEOUT_S:
        return passes(f"Timeout {facts.timeout_s} s: callers wait 60 s by default.")
    return fails(
        f"Timeout {facts.timeout_s} s: a synchronous caller stops reading after 60 s by default "
        "and invokes again under a new request ID, while the first invocation still runs.",
        f"Set the caller's read timeout above {facts.timeout_s} s (AWS CLI: --cli-read-timeout; "
        "botocore: Config(read_timeout=…, retries={'total_max_attempts': 1})), or invoke "
        "asynchronously.",
    )


def visibility_timeout_is_long_enough(facts: FunctionFacts) -> CheckAnswer:
    """Require six times the function's timeout, as AWS recommends."""
    least = _VISIBILITY_FACTOR * facts.timeout_s
    queues = _queues(facts)
    short = {
        name: int(queue.get("VisibilityTimeout", 30))
        for name, queue in queues.items()
        if int(queue.get("VisibilityTimeout", 30)) < least
    }
    if not queues:
        return passes("No SQS queue invokes it.")
    if not short:
        return passes(f"Visibility timeout of {', '.join(queues)}: at least {least} s.")
    evidence = ", ".join(
        f"{name}: visibility timeout {seconds} s" for name, seconds in short.items()
    )
    return fails(
        f"{evidence}; the function's timeout is {facts.timeout_s} s: a message can be delivered "
        "again while it is being processed.",
        f"Set VisibilityTimeout to at least {least} (six times the timeout).",
    )


def queues_have_a_dead_letter_queue(facts: FunctionFacts) -> CheckAnswer:
    """Require one: without it a message that fails comes back until its retention ends."""
    queues = _queues(facts)
    without = [name for name, queue in queues.items() if not queue.get("RedrivePolicy")]
    if not queues:
        return passes("No SQS queue invokes it.")
    if not without:
        return passes("; ".join(f"{name}: {_redrive(queues[name])}" for name in queues) + ".")
    return fails(
        f"{', '.join(without)}: no redrive policy, so a message that fails is delivered again "
        "until its retention ends.",
        "Set a RedrivePolicy with a dead-letter queue.",
    )


def _redrive(queue: Fields) -> str:
    """Return after how many receives the dead-letter queue takes a message."""
    most = json.loads(queue["RedrivePolicy"]).get("maxReceiveCount", "some")
    return f"a dead-letter queue takes a message after {most} receives"


def streams_stop_retrying(facts: FunctionFacts) -> CheckAnswer:
    """Require a limit: by default a stream retries a batch until its records expire."""
    streams = facts.sources_of(*_STREAMS)
    endless = [
        name_in(str(source["EventSourceArn"]))
        for source in streams
        if source.get("MaximumRetryAttempts", -1) == -1
        and source.get("MaximumRecordAgeInSeconds", -1) == -1
    ]
    if not streams:
        return passes("No stream invokes it.")
    if not endless:
        return passes("; ".join(map(_limits, streams)) + ".")
    return fails(
        f"{', '.join(endless)}: a failed batch is retried until its records expire, and blocks "
        "the shard.",
        "Set MaximumRetryAttempts or MaximumRecordAgeInSeconds, BisectBatchOnFunctionError, and "
        "an on-failure destination of the event source mapping.",
    )


def _limits(source: Fields) -> str:
    """``orders: at most 5 retries, records of any age``."""
    retries = source.get("MaximumRetryAttempts", -1)
    age_s = source.get("MaximumRecordAgeInSeconds", -1)
    count = "any number of retries" if retries == -1 else number_of(retries, "retry", "retries")
    age = "records of any age" if age_s == -1 else f"records of at most {age_s:,} s"
    split = ", the batch is split" if source.get("BisectBatchOnFunctionError") else ""
    return f"{name_in(str(source['EventSourceArn']))}: {count}, {age}{split}"


def event_sources_are_enabled(facts: FunctionFacts) -> CheckAnswer:
    """Require that no mapping is disabled: it invokes nothing."""
    states = {
        name_in(str(source.get("EventSourceArn"))): str(source.get("State"))
        for source in known(facts.event_sources)
    }
    off = [f"{name} ({state})" for name, state in states.items() if state.startswith("Disabl")]
    if off:
        return fails(
            f"Event source mappings that invoke nothing: {', '.join(off)}.",
            "Enable them, or delete them.",
        )
    return passes(f"Event sources: {', '.join(states)}." if states else "No event source mapping.")


def permissions_name_their_source(facts: FunctionFacts) -> CheckAnswer:
    """Require a source: without one, a bucket or topic of any account may invoke the function."""
    found: dict[str, bool] = {}
    for statement in _statements(known(facts.policy)):
        principal = statement.get("Principal") or {}
        service = principal.get("Service") if isinstance(principal, dict) else None
        if service in _ASYNCHRONOUS:
            has_source = "source" in str(statement.get("Condition", "")).lower()
            found[service] = has_source and found.get(service, True)
    without = [service for service, has_source in found.items() if not has_source]
    if without:
        return fails(
            f"{', '.join(without)} may invoke it from any account: no SourceArn, no SourceAccount.",
            "Add the permission again with --source-arn and --source-account.",
        )
    named = ", ".join(found) or "neither S3 nor SNS"
    return passes(f"Asynchronous invocation by permission: {named}.{_function_url(facts)}")


def _function_url(facts: FunctionFacts) -> str:
    """Return a sentence about a function URL that the policy opens; ``""`` where it opens none."""
    actions = {str(statement.get("Action")) for statement in _statements(known(facts.policy))}
    if "lambda:InvokeFunctionUrl" not in actions:
        return ""
    return (
        " A function URL invokes it synchronously: the caller gets the error, and Lambda does "
        "not retry."
    )


def _statements(policy: Fields | None) -> list[Fields]:
    statements = (policy or {}).get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _queues(facts: FunctionFacts) -> dict[str, Fields]:
    """Return the attributes of each queue that invokes the function, by the queue's name."""
    sources = facts.sources_of("sqs")
    found: dict[str, Fields] = {}
    for source in sources:
        arn = str(source["EventSourceArn"])
        attributes: Fields | None = known(facts.queues.get(arn))
        found[name_in(arn)] = attributes or {}
    return found
