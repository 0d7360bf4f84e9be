"""Each check of ``retryctl doctor`` passes, fails, and says when it could not be made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from retryctl.core.doctor.checks import CHECKS, examine
from retryctl.core.doctor.facts import CounterCopy, FunctionFacts, NotRead, RetryPlaces

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
FAILED = "arn:aws:sqs:us-east-1:123456789012:orders-failed"
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
DENIED = NotRead(action="lambda:GetSomething", reason="Not allowed.", denied=True)
CONFIGURATION: dict[str, Any] = {"Timeout": 30, "LoggingConfig": {"LogFormat": "JSON"}}
DESTINATION = {"OnFailure": {"Destination": FAILED}}
SOURCED = {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::orders"}}
GOOD = FunctionFacts(
    function="orders-worker",
    configuration=CONFIGURATION,
    aliases={"live": "7"},
    invoke_configs={
        "$LATEST": {"MaximumRetryAttempts": 2, "DestinationConfig": DESTINATION},
        "live": {"MaximumRetryAttempts": 2, "DestinationConfig": DESTINATION},
    },
    event_sources=(
        {"EventSourceArn": QUEUE, "State": "Enabled"},
        {"EventSourceArn": STREAM, "State": "Enabled", "MaximumRetryAttempts": 5},
    ),
    policy={"Statement": [{"Principal": {"Service": "s3.amazonaws.com"}, "Condition": SOURCED}]},
    queues={QUEUE: {"VisibilityTimeout": "180", "RedrivePolicy": '{"maxReceiveCount": 3}'}},
    targets={FAILED: {}},
    log_group={"logGroupClass": "STANDARD", "retentionInDays": 30},
    indexed_fields=("requestId",),
    retry_places=RetryPlaces(same=9),
    counter_copies=(CounterCopy(path="retryctl_counters.py", version="0.1.0"),),
    trials={"logs:GetLogEvents": None},
    version="0.1.0",
)


def configured(**fields: Any) -> dict[str, Any]:
    return {"configuration": {**CONFIGURATION, **fields}}


def logged(**fields: Any) -> dict[str, Any]:
    return configured(LoggingConfig={"LogFormat": "JSON", **fields})


# name of the check -> changed facts with which it fails, and those with which it cannot be made
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "retries-by-qualifier": (
        {"invoke_configs": {"$LATEST": {"MaximumRetryAttempts": 0}}},
        {"aliases": DENIED},
    ),
    "last-branch": (
        {"invoke_configs": {"live": {"MaximumRetryAttempts": 1}}},
        {"invoke_configs": DENIED},
    ),
    "event-age": (
        {"invoke_configs": {"live": {"MaximumEventAgeInSeconds": 60}}},
        {"invoke_configs": DENIED},
    ),
    "failed-events-kept": ({"invoke_configs": {}}, {"invoke_configs": DENIED}),
    "failed-events-target": ({"targets": {FAILED: None}}, {"targets": {FAILED: DENIED}}),
    "caller-read-timeout": (configured(Timeout=61), {"configuration": DENIED}),
    "queue-visibility": (
        {"queues": {QUEUE: {"VisibilityTimeout": "179"}}},
        {"queues": {QUEUE: DENIED}},
    ),
    "queue-dead-letter": ({"queues": {QUEUE: {}}}, {"event_sources": DENIED}),
    "stream-retries": (
        {"event_sources": ({"EventSourceArn": STREAM, "State": "Enabled"},)},
        {"event_sources": DENIED},
    ),
    "event-sources": (
        {"event_sources": ({"EventSourceArn": QUEUE, "State": "Disabled"},)},
        {"event_sources": DENIED},
    ),
    "invoke-permissions": (
        {"policy": {"Statement": [{"Principal": {"Service": "sns.amazonaws.com"}}]}},
        {"policy": DENIED},
    ),
    "attempts-logged": (logged(SystemLogLevel="WARN"), {"configuration": DENIED}),
    "counters-logged": (logged(ApplicationLogLevel="ERROR"), {"configuration": DENIED}),
    "log-group-class": (
        {"log_group": {"logGroupClass": "INFREQUENT_ACCESS"}},
        {"log_group": DENIED},
    ),
    "log-retention": ({"log_group": {"retentionInDays": 1}}, {"log_group": DENIED}),
    "log-masking": ({"log_group": {"dataProtectionStatus": "ACTIVATED"}}, {"log_group": None}),
    "request-id-index": ({"indexed_fields": ()}, {"indexed_fields": DENIED}),
    "reserved-concurrency": ({"reserved_concurrency": 0}, {"reserved_concurrency": DENIED}),
    "prepared-environments": (configured(SnapStart={"ApplyOn": "x"}), {"provisioned": DENIED}),
    "checkable": (configured(DurableConfig={"ExecutionTimeout": 60}), {"configuration": DENIED}),
    "tmp-odds": (
        {"retry_places": RetryPlaces(same=9, other=1, unread="Throttled.")},
        {"retry_places": RetryPlaces(same=9, unread="Throttled.")},
    ),
    "counter-version": (
        {"counter_copies": (CounterCopy(path="lib/retryctl_counters.py", version="0.0.9"),)},
        {"counter_copies": DENIED},
    ),
    "permissions": (
        {"policy": DENIED},
        {"trials": {"logs:FilterLogEvents": NotRead(action="", reason="No answer.")}},
    ),
}


def passed(facts: FunctionFacts, name: str) -> bool | None:
    return {diagnosis.name: diagnosis.passed for diagnosis in examine(facts).diagnoses}[name]


def test_every_check_has_a_case() -> None:
    assert CASES.keys() == CHECKS.keys()


def test_every_check_passes_on_a_function_without_faults() -> None:
    report = examine(GOOD)
    assert [d for d in report.diagnoses if not d.passed] == []
    assert report.passed is True
    assert all(d.evidence and not d.remedy for d in report.diagnoses)


@pytest.mark.parametrize("name", CASES)
def test_a_check_fails_with_evidence_and_remedy(name: str) -> None:
    facts = replace(GOOD, **CASES[name][0])
    report = examine(facts)
    (found,) = [d for d in report.diagnoses if d.name == name]
    assert found.passed is False
    assert found.evidence
    assert found.remedy
    assert report.passed is False


@pytest.mark.parametrize("name", CASES)
def test_a_check_without_its_fact_is_not_made(name: str) -> None:
    assert passed(replace(GOOD, **CASES[name][1]), name) is None


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"event_sources": ()}, "queue-visibility"),
        ({"event_sources": ()}, "queue-dead-letter"),
        ({"event_sources": ()}, "stream-retries"),
        ({"invoke_configs": {}}, "failed-events-target"),
        ({"policy": None}, "invoke-permissions"),
        ({"retry_places": RetryPlaces()}, "tmp-odds"),
        ({"counter_copies": ()}, "counter-version"),
        ({"invoke_configs": {}}, "retries-by-qualifier"),
        ({"log_group": {}}, "log-retention"),
        (configured(DeadLetterConfig={"TargetArn": FAILED}), "failed-events-kept"),
        ({"log_group": {"inheritedProperties": []}}, "log-masking"),
    ],
)
def test_what_is_not_set_up_cannot_fail(facts: dict[str, Any], name: str) -> None:
    assert passed(replace(GOOD, **facts), name) is True


def test_an_alias_without_settings_does_not_inherit_those_of_latest() -> None:
    facts = replace(GOOD, invoke_configs={"$LATEST": {"MaximumRetryAttempts": 0}})
    (found,) = [d for d in examine(facts).diagnoses if d.name == "retries-by-qualifier"]
    assert found.evidence == (
        "$LATEST: 0 retries within 21,600 s; live: 2 retries within 21,600 s (Lambda's default)"
    )


def test_a_fifo_target_is_refused() -> None:
    config = {"OnFailure": {"Destination": f"{FAILED}.fifo"}}
    facts = replace(
        GOOD,
        invoke_configs={"live": {"DestinationConfig": config}},
        targets={f"{FAILED}.fifo": {}},
    )
    assert passed(facts, "failed-events-target") is False


def evidence(facts: FunctionFacts, name: str) -> str:
    return {diagnosis.name: diagnosis.evidence for diagnosis in examine(facts).diagnoses}[name]


def test_each_command_is_named_with_the_actions_that_it_lacks() -> None:
    trials = {
        "logs:GetLogEvents": NotRead(action="logs:GetLogEvents", reason="No.", denied=True),
        "logs:StartQuery": None,
        "logs:Unmask": NotRead(action="logs:Unmask", reason="No.", denied=True),
    }
    lacks = evidence(replace(GOOD, trials=trials, policy=DENIED), "permissions")
    assert lacks.startswith(
        "trace, diff, list, summary and check lack logs:GetLogEvents; "
        "--unmask lacks logs:Unmask; doctor lacks lambda:GetSomething. "
    )


def test_the_odds_are_those_of_the_retries() -> None:
    facts = replace(GOOD, retry_places=RetryPlaces(same=2, other=1))
    assert "1 of 3 retries" in evidence(facts, "tmp-odds")
    assert "66.7%" in evidence(facts, "tmp-odds")


def test_a_data_protection_policy_of_the_account_masks_too() -> None:
    group = {"inheritedProperties": ["ACCOUNT_DATA_PROTECTION"]}
    assert passed(replace(GOOD, log_group=group), "log-masking") is False


def test_the_settings_that_can_hold_for_what_was_seen() -> None:
    """ "I set 0, and it was retried": the setting of $LATEST is not that of an alias."""
    facts = replace(
        GOOD,
        aliases={"live": "7", "old": "6"},
        invoke_configs={"$LATEST": {"MaximumRetryAttempts": 0}},
        retry_places=RetryPlaces(same=4, retried={"7": 3, "5": 1}),
    )
    assert evidence(facts, "retries-by-qualifier").endswith(
        ". Retried in the last 24 h: 1 request of 5; allowed: 2 (as 5, Lambda's default)"
        ". Retried in the last 24 h: 3 requests of 7; allowed: 2 (as live)"
    )


def test_the_retry_settings_of_what_invokes_it_are_shown() -> None:
    assert evidence(GOOD, "stream-retries") == ("stream/orders: 5 retries, records of any age.")
    assert "after 3 receives" in evidence(GOOD, "queue-dead-letter")
