"""Features of a log group that change what a query of Logs Insights costs, or returns.

Only groups of the class Standard have them. A field index lets a query skip the events that do
not have its value, so that less is scanned. Insights discovers ``@requestId`` in Lambda's records
in text, and ``record.requestId`` in those in JSON. Other fields, such as the ``requestId`` of a
logger's lines, are in no record of Lambda: an index on them misses attempts that log nothing.

A transformer rewrites events as they arrive. Insights returns them as they are then, while
FilterLogEvents and GetLogEvents return the original text, which is what the grammar reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from retryctl.core.model.group_names import group_name
from retryctl.core.value_classes import value_class
from retryctl.errors import CouldNotRead, RetryctlError
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.function_facts import is_absent
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.pages import TimeRange, matching_pages
from retryctl.sources.cloudwatch.search_options import EngineName, SearchOptions

FIELD_OF_TEXT, FIELD_OF_JSON = "@requestId", "record.requestId"
_RECORDS = '?"START RequestId: " ?"platform.start"'
# Lambda's records of the first and of the last hour show in which format they are written.
_SAMPLE_MS, _SAMPLE_EVENTS = 3_600_000, 20
_QUOTED = re.compile(r'"([^"]*)"')
NOT_KNOWN = "whether {} has a log transformer is not known"
"""The first words of a sentence on a log group; its cause and effect follow."""


@value_class
class FieldIndex:
    """A field whose values are indexed in the events since ``since_ms``."""

    name: str
    since_ms: int


def request_id_indexes(
    aws: AwsClient, group: LogGroup, window: TimeRange
) -> tuple[FieldIndex, ...]:
    """Return the indexes that find every attempt by its request ID; none where that is not sure.

    They are enough where all records of Lambda at both ends of the window have their formats.
    """
    try:
        indexes = tuple(_indexes(aws, group))
        used = _fields_in_use(aws, group, window) if indexes else set()
        if not used or not used <= {index.name for index in indexes}:
            return ()
    except RetryctlError:  # denied, or a version of botocore that does not know the call
        return ()
    return indexes


def _indexes(aws: AwsClient, group: LogGroup) -> Iterator[FieldIndex]:
    request: dict[str, Any] = {
        "logGroupIdentifiers": [group.identifier or group.name],
        "indexCategories": ["CUSTOM", "AUTO"],
    }
    of_group = {"subject": group.name, "region": group.region}
    for index in aws.items("logs", "DescribeFieldIndexes", request, "fieldIndexes", **of_group):
        name, since_ms = index.get("fieldIndexName"), index.get("firstEventTime")
        if name in (FIELD_OF_TEXT, FIELD_OF_JSON) and since_ms:
            yield FieldIndex(name=name, since_ms=since_ms)


def _fields_in_use(aws: AwsClient, group: LogGroup, window: TimeRange) -> set[str]:
    """Return the fields of Lambda's records at both ends of the window; empty if one has none."""
    fields: set[str] = set()
    for parts in _ends(window):
        samples = (
            next(matching_pages(aws, group, part, _RECORDS, limit=_SAMPLE_EVENTS)).events
            for part in parts
        )
        sample = next(filter(None, samples), [])
        if not sample:
            return set()
        in_json = {event.message.lstrip().startswith("{") for event in sample}
        fields |= {FIELD_OF_JSON if is_json else FIELD_OF_TEXT for is_json in in_json}
    return fields


def _ends(window: TimeRange) -> Iterator[list[TimeRange]]:
    """Yield the parts at each end of the window, in the order in which they are tried.

    A page has the oldest events of its part, so the newest end is tried in small parts first.
    """
    since_ms, until_ms = window.since_ms, window.until_ms
    hour_ms = min(until_ms, since_ms + _SAMPLE_MS)
    yield [replace(window, until_ms=hour_ms), window]
    yield [
        replace(window, since_ms=max(since_ms, until_ms - length_ms))
        for length_ms in (_SAMPLE_MS // 60, _SAMPLE_MS, 6 * _SAMPLE_MS)
    ]


def id_conditions(
    indexes: Sequence[FieldIndex], request_ids: Iterable[str], since_ms: int
) -> Iterator[str]:
    """Yield commands that together select Lambda's records of the requests.

    ``filterIndex`` skips events that are older than the index, so it is for windows after that.
    """
    values = ", ".join(f'"{request_id}"' for request_id in request_ids)
    for index in indexes:
        command = "filterIndex" if since_ms >= index.since_ms else "filter"
        yield f"{command} {index.name} in [{values}]"


def is_rewritten(aws: AwsClient, group: LogGroup, options: SearchOptions) -> bool | None:
    """Whether Insights does not return the original text of the group; ``None``: not known.

    A warning reports what makes FilterLogEvents read it (``may_query``).
    """
    if options.describe(group).log_class not in (None, "STANDARD"):
        return False
    known, warn = _has_transformer(aws, group), options.terms.warn
    if known:
        warn(
            f"{group.name} has a log transformer, and Logs Insights returns the transformed text: "
            "FilterLogEvents reads the original."
        )
    elif known is None and not may_query(known, options.engine):
        warn(
            f"{NOT_KNOWN.format(group.name)}: FilterLogEvents reads the original. "
            "--engine insights allows Logs Insights."
        )
    return known


def may_query(rewritten: bool | None, engine: EngineName) -> bool:
    """Whether Insights may read the group; where that is not known, only at the user's word."""
    return rewritten is False or (rewritten is None and engine == "insights")


def _has_transformer(aws: AwsClient, group: LogGroup) -> bool | None:
    """Whether a transformer of the group or of its account applies; ``None`` if it is not known."""
    try:
        if _has_own_transformer(aws, group):
            return True
        policies = aws.items(
            "logs",
            "DescribeAccountPolicies",
            {"policyType": "TRANSFORMER_POLICY"},
            "accountPolicies",
            subject=group.name,
            region=group.region,
        )
        return any(_applies(policy, group_name(group.name)) for policy in policies)
    except RetryctlError:
        return None


def _has_own_transformer(aws: AwsClient, group: LogGroup) -> bool:
    request = {"logGroupIdentifier": group.identifier or group.name}
    try:
        return bool(
            aws.call("logs", "GetTransformer", request, subject=group.name).get("transformerConfig")
        )
    except CouldNotRead as error:
        if not is_absent(error):
            raise
        return False


def _applies(policy: AwsResponse, name: str) -> bool:
    """Whether a policy's criteria, such as ``LogGroupNamePrefix IN ["/aws/"]``, select a group."""
    criteria = str(policy.get("selectionCriteria") or "")
    names = _QUOTED.findall(criteria)
    if " NOT IN " in criteria:
        return name not in names
    return not names or any(name.startswith(prefix) for prefix in names)
