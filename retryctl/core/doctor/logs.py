"""Checks of the log: whether it will contain what a cross-check needs, and for how long."""

from __future__ import annotations

from retryctl.core.doctor.facts import Fields, FunctionFacts, NotRead, known
from retryctl.core.doctor.result import CheckAnswer, fails, passes
from retryctl.core.model.limits import LONGEST_EVENT_AGE_S

_QUIET_SYSTEM_LEVELS = ("WARN",)
_QUIET_LEVELS = ("WARN", "ERROR", "FATAL")
_DAY_S = 86_400
_ID_FIELDS = ("requestId", "@requestId", "record.requestId")


def attempts_are_logged(facts: FunctionFacts) -> CheckAnswer:
    """Require START and REPORT, which are not written at system log level WARN."""
    level = facts.logging.get("SystemLogLevel")
    if level in _QUIET_SYSTEM_LEVELS:
        return fails(
            f"System log level {level}: START and REPORT are not logged, so attempts cannot be "
            "counted.",
            "Set SystemLogLevel to INFO.",
        )
    return passes(
        f"START and REPORT are logged (format {_format(facts)}, level {level or 'INFO'})."
    )


def counters_are_logged(facts: FunctionFacts) -> CheckAnswer:
    """Require printed lines, which count as INFO in the JSON format."""
    level = facts.logging.get("ApplicationLogLevel")
    if _format(facts) == "JSON" and level in _QUIET_LEVELS:
        return fails(
            f"Application log level {level}: what the function prints is not logged, so its "
            "counter and its branch are missing.",
            "Set ApplicationLogLevel to INFO, or log the counter at that level.",
        )
    return passes(f"Printed lines are logged (format {_format(facts)}, level {level or 'INFO'}).")


def log_group_can_be_searched(facts: FunctionFacts) -> CheckAnswer:
    """Require class STANDARD: FilterLogEvents and GetLogEvents refuse the others."""
    group = _group(facts)
    kind = group.get("logGroupClass", "STANDARD")
    if kind == "STANDARD":
        return passes(f"{facts.log_group_name}: class STANDARD.")
    only = (
        "only Insights can read it, at a price per GB"
        if kind == "INFREQUENT_ACCESS"
        else ("it cannot be read at all")
    )
    return fails(
        f"{facts.log_group_name}: class {kind}: {only}.",
        "Create a log group of class STANDARD and name it in LoggingConfig: a class cannot be "
        "changed.",
    )


def log_outlives_its_events(facts: FunctionFacts) -> CheckAnswer:
    """Require that attempts stay in the log until the last retry has ended."""
    group = _group(facts)
    days = group.get("retentionInDays")
    if days is None:
        return passes(f"{facts.log_group_name}: events never expire.")
    if days * _DAY_S >= _DAY_S + LONGEST_EVENT_AGE_S:
        return passes(f"{facts.log_group_name}: {days} days of retention.")
    return fails(
        f"{facts.log_group_name}: {days} day of retention: the first attempts of an event can be "
        "gone before you search for them.",
        "Set retentionInDays to 7 or more.",
    )


def log_is_not_masked(facts: FunctionFacts) -> CheckAnswer:
    """Require that no data protection policy replaces parts of lines by asterisks."""
    group = _group(facts)
    by_account = "ACCOUNT_DATA_PROTECTION" in group.get("inheritedProperties", ())
    if by_account or group.get("dataProtectionStatus") == "ACTIVATED":
        return fails(
            f"{facts.log_group_name}: a data protection policy masks parts of lines, which can be "
            "a counter or an ID.",
            "Allow logs:Unmask to the caller, or exclude the identifiers from the policy.",
        )
    return passes(f"{facts.log_group_name}: no data protection policy is active.")


def request_ids_are_indexed(facts: FunctionFacts) -> CheckAnswer:
    """Require a field index, with which Insights scans only the events of a request."""
    indexed = known(facts.indexed_fields)
    found = [name for name in indexed if name in _ID_FIELDS]
    if found:
        return passes(f"{facts.log_group_name}: {', '.join(found)} is indexed.")
    return fails(
        f"{facts.log_group_name}: no field index on a request ID: Insights scans the whole window.",
        "Create a field index policy: aws logs put-index-policy --log-group-identifier "
        f"{facts.log_group_name} --policy-document "
        '\'{"Fields": ["@requestId", "record.requestId"]}\'',
    )


def _group(facts: FunctionFacts) -> Fields:
    absent = NotRead(
        action="logs:DescribeLogGroups",
        reason=f"The log group {facts.log_group_name} does not exist yet: "
        "the first invocation creates it.",
    )
    group = known(facts.log_group)
    return known(absent if group is None else group)


def _format(facts: FunctionFacts) -> str:
    return str(facts.logging.get("LogFormat") or "Text")
