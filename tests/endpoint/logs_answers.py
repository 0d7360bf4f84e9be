"""Parts of the answers of CloudWatch Logs: pages, events, log groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.endpoint.filterpattern import Pattern
from tests.endpoint.logs_requests import PAGE_BYTES
from tests.endpoint.store import LogGroup

Answer = dict[str, Any]


def page(events: list[Answer], token: str | None) -> Answer:
    page: Answer = {"events": events, "searchedLogStreams": []}
    return page | ({"nextToken": token} if token else {})


def plain_event(group: LogGroup, row: int, *, unmask: bool) -> Answer:
    return {
        "timestamp": group.timestamps[row],
        "message": group.shown(row, unmask=unmask),
        "ingestionTime": group.ingested[row],
    }


def filtered_event(group: LogGroup, row: int, *, unmask: bool) -> Answer:
    return plain_event(group, row, unmask=unmask) | {
        "logStreamName": group.stream_name(row),
        "eventId": group.event_id(row),
    }


def described_group(group: LogGroup, *, brief: bool) -> Answer:
    """By pattern only the ARN, the creation time and the name come back."""
    described: Answer = {
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        "arn": f"{group.arn}:*",
    }
    if brief:
        return described
    described |= {
        "logGroupArn": group.arn,
        "logGroupClass": group.log_class,
        "metricFilterCount": 0,
        "storedBytes": group.stored_bytes,
    }
    if group.retention_days is not None:
        described["retentionInDays"] = group.retention_days
    if group.data_protection is not None:
        described["dataProtectionStatus"] = group.data_protection
    if group.inherited:
        described["inheritedProperties"] = list(group.inherited)
    return described


def candidates(
    group: LogGroup, pattern: Pattern | None, low: int, high: int, stop: int, forward: bool
) -> Iterator[int]:
    first, last = (low, stop) if forward else (stop, high)
    if pattern and pattern.literal:
        rows = list(group.rows_with(pattern.literal.encode(), first, last))
        return iter(rows if forward else reversed(rows))
    return iter(range(first, last) if forward else range(last - 1, first - 1, -1))


def page_end(group: LogGroup, rows: list[int], place: int, forward: bool, limit: int) -> int:
    """How far one page of at most 1 MB and ``limit`` events reaches from ``place``."""
    size, end = 0, place
    while (end < len(rows) if forward else end > 0) and abs(end - place) < limit:
        size += group.size(rows[end if forward else end - 1])
        if size > PAGE_BYTES and end != place:
            break
        end += 1 if forward else -1
    return end
