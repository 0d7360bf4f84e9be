"""The operations of CloudWatch Logs that read and write log events and their groups.

The rules are those of botocore's service model and the service's API reference; where these are
silent (how much one FilterLogEvents call scans), a budget stands in.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from tests.endpoint.errors import Refusal, invalid, no_such_group, no_such_stream
from tests.endpoint.filterpattern import Pattern, compile_pattern
from tests.endpoint.logs_answers import (
    Answer,
    candidates,
    described_group,
    filtered_event,
    page,
    page_end,
    plain_event,
)
from tests.endpoint.logs_requests import (
    PAGE_BYTES,
    PAGE_EVENTS,
    Request,
    check_batch,
    check_shape,
    check_streams,
    limit_of,
    rejected_events,
)
from tests.endpoint.store import LogGroup, Store
from tests.endpoint.tokens import Tokens, refused

_FOREVER = 1 << 62
_NEWEST_FIRST_SINCE_MS = 1_704_067_200_000  # 2024-01-01
_NAME = re.compile(r"[\.\-_/#A-Za-z0-9]{1,512}")
_IDENTIFIER = re.compile(r"[\w#+=/:,.@-]{1,2048}")
_OLDEST_PUT_MS = 14 * 24 * 3_600_000
_NEWEST_PUT_MS = 2 * 3_600_000


class LogsApi:
    """One method for each operation: the request as a dict in, the answer as a dict out.

    ``scan_events`` is how many events one FilterLogEvents call looks at before it answers with
    what it has and a token. ``last_event_lag_ms`` is how far DescribeLogStreams lies behind.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], int],
        *,
        scan_events: int = 200_000,
        last_event_lag_ms: int = 3_600_000,
    ) -> None:
        self._store = store
        self._clock = clock
        self._tokens = Tokens(clock)
        self.scan_events = scan_events
        self.class_refusal = "InvalidOperationException"
        self.reads_streams_of_any_class = False
        self.refused = {
            "INFREQUENT_ACCESS": {"FilterLogEvents", "GetLogEvents"},
            "DELIVERY": {"FilterLogEvents", "GetLogEvents", "StartQuery"},
            "ESSENTIALS": {"FilterLogEvents", "GetLogEvents"},
        }
        self._last_event_lag_ms = last_event_lag_ms

    def group_of(self, request: Request) -> LogGroup:
        """The group that a request names by ``logGroupName`` or ``logGroupIdentifier``."""
        name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
        if name and identifier:
            raise invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
        if name:
            check_shape(_NAME, name, "logGroupName")
            group = self._store.find(name)
        elif identifier:
            group = self.identified(identifier)
        else:
            raise invalid("Either logGroupName or logGroupIdentifier is required.")
        if group is None:
            raise no_such_group()
        return group

    def identified(self, identifier: str) -> LogGroup | None:
        """By name or by ARN; the ARN of another account's group only without ``:*``."""
        check_shape(_IDENTIFIER, identifier, "logGroupIdentifier")
        if not identifier.startswith("arn:"):
            return self._store.find(identifier)
        parts = identifier.split(":", 6)
        if len(parts) < 7 or parts[5] != "log-group":
            raise invalid("The specified logGroupIdentifier is invalid.")
        return self._store.find(parts[6], account=parts[4])

    # ----------------------------------------------------------------------- FilterLogEvents

    def filter_log_events(self, request: Request, fault: str | None = None) -> Answer:
        group = self._readable(request, "FilterLogEvents")
        names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
        check_streams(group, names, prefix)
        pattern = compile_pattern(request.get("filterPattern"))
        limit = limit_of(request, PAGE_EVENTS)
        since_ms, until_ms = request.get("startTime", 0), request.get("endTime", _FOREVER - 1)
        forward = request.get("startFromHead", True)
        if not forward and since_ms < _NEWEST_FIRST_SINCE_MS:
            raise invalid("startFromHead=false needs a startTime on or after 2024-01-01.")
        low, high = group.between(since_ms, until_ms + 1)
        asked = ["F", group.arn, request.get("filterPattern"), since_ms, until_ms, names, prefix]
        if token := request.get("nextToken"):
            if fault == "expired-token":
                raise refused()
            direction, timestamp_ms, arrival = self._tokens.place(asked, token)
            forward = direction == 1
            place = group.place(timestamp_ms, arrival)
            low, high = (place, high) if forward else (low, place + 1)
        if fault == "repeat-token" and token:
            return page([], token)
        budget = 0 if fault in ("empty-page", "repeat-token") else self.scan_events
        rows, rest = self._scan(group, pattern, low, high, forward, budget, limit, names, prefix)
        unmask = request.get("unmask", False)
        events = [filtered_event(group, row, unmask=unmask) for row in rows]
        if rest is None:
            return page(events, None)
        return page(events, self._tokens.issue(asked, [int(forward), *group.key(rest)]))

    def _scan(
        self,
        group: LogGroup,
        pattern: Pattern | None,
        low: int,
        high: int,
        forward: bool,
        budget: int,
        limit: int,
        names: list[str] | None,
        prefix: str | None,
    ) -> tuple[list[int], int | None]:
        """The rows of one page, and the row at which the next page begins (``None``: the end)."""
        stop = min(high, low + budget) if forward else max(low, high - budget)
        found: list[int] = []
        size = 0
        now = self._clock()
        wanted = None if names is None else frozenset(names)
        for row in candidates(group, pattern, low, high, stop, forward):
            if group.ingested[row] > now:
                continue
            stream = group.stream_name(row)
            if (wanted is not None and stream not in wanted) or not stream.startswith(prefix or ""):
                continue
            if pattern and not pattern.matches(group.message(row)):
                continue
            size += group.size(row)
            if len(found) == limit or (found and size > PAGE_BYTES):
                return found, row
            found.append(row)
        if forward:
            return found, stop if stop < high else None
        return found, stop - 1 if stop > low else None

    # ----------------------------------------------------------------------- GetLogEvents

    def get_log_events(self, request: Request, fault: str | None = None) -> Answer:
        group = self._readable(request, "GetLogEvents")
        stream = group.streams.get(request.get("logStreamName", ""))
        if stream is None:
            raise no_such_stream()
        now = self._clock()
        rows = [
            row for row in self._window(group, stream.rows, request) if group.ingested[row] <= now
        ]
        asked = ["G", group.arn, stream.name, request.get("startTime"), request.get("endTime")]
        token, forward = request.get("nextToken"), request.get("startFromHead", False)
        if token:
            if fault == "expired-token":
                raise refused()
            forward, place = token[:2] == "f/", self._place(group, rows, asked, token)
        else:
            place = 0 if forward else len(rows)
        if fault == "empty-page":
            end = place
        else:
            end = page_end(group, rows, place, forward, limit_of(request, PAGE_EVENTS))
        first, last = sorted((place, end))
        ahead, behind = (
            self._token(group, rows, asked, mark, at) for mark, at in (("f/", last), ("b/", first))
        )
        at_end = place == (len(rows) if forward else 0)
        if token and at_end:  # nothing further: the same token comes back
            ahead, behind = (token, behind) if forward else (ahead, token)
        return {
            "events": [
                plain_event(group, row, unmask=request.get("unmask", False))
                for row in rows[first:last]
            ],
            "nextForwardToken": ahead,
            "nextBackwardToken": behind,
        }

    @staticmethod
    def _window(group: LogGroup, rows: Any, request: Request) -> Any:
        at = group.timestamps.__getitem__
        low = bisect_left(rows, request.get("startTime", 0), key=at)
        high = bisect_left(rows, request.get("endTime", _FOREVER), key=at)  # exclusive
        return rows[low:high]

    def _place(self, group: LogGroup, rows: list[int], asked: object, token: str) -> int:
        if token[:2] not in ("f/", "b/"):
            raise refused()
        return bisect_left(rows, group.place(*self._tokens.place(asked, token[2:])))

    def _token(self, group: LogGroup, rows: list[int], asked: object, mark: str, at: int) -> str:
        timestamp_ms, arrival = group.key(rows[min(at, len(rows) - 1)]) if rows else (0, 0)
        behind_the_last = int(bool(rows) and at == len(rows))  # later events are still to come
        return mark + self._tokens.issue(asked, [timestamp_ms, arrival + behind_the_last])

    # ----------------------------------------------------------------------- Describe

    def describe_log_streams(self, request: Request) -> Answer:
        group = self.group_of(request)
        prefix, by_time = (
            request.get("logStreamNamePrefix"),
            request.get("orderBy") == "LastEventTime",
        )
        if prefix and by_time:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        seen_by_ms = self._clock() - self._last_event_lag_ms
        streams = []
        for stream in group.streams.values():
            if not stream.name.startswith(prefix or ""):
                continue
            described = {
                "logStreamName": stream.name,
                "creationTime": stream.created_ms,
                "arn": f"{group.arn}:log-stream:{stream.name}",
                "storedBytes": 0,
            }
            if stream.ingested_ms is not None and stream.ingested_ms <= seen_by_ms:
                described["firstEventTimestamp"] = stream.first_ms
                described["lastEventTimestamp"] = stream.last_ms
                described["lastIngestionTime"] = stream.ingested_ms
            streams.append(described)
        streams.sort(
            key=lambda s: (s.get("lastEventTimestamp", 0) if by_time else 0, s["logStreamName"]),
            reverse=request.get("descending", False),
        )
        return self._listed(request, "logStreams", streams)

    def describe_log_groups(self, request: Request) -> Answer:
        prefix, part = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
        if prefix and part:
            raise invalid(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
            )
        if part:
            check_shape(_NAME, part, "logGroupNamePattern")
        groups = [
            described_group(group, brief=bool(part))
            for group in self._store.groups()
            if group.name.startswith(prefix or "") and (part or "") in group.name
        ]
        return self._listed(request, "logGroups", groups)

    def describe_field_indexes(self, request: Request) -> Answer:
        groups = [self.identified(name) for name in request["logGroupIdentifiers"]]
        categories = request.get("indexCategories", ["DEFAULT", "CUSTOM", "INACTIVE"])
        indexes = [
            {
                "logGroupIdentifier": group.arn,
                "fieldIndexName": field,
                "firstEventTime": since_ms,
                "indexCategory": "CUSTOM",
            }
            for group in groups
            if group and "CUSTOM" in categories
            for field, since_ms in group.indexes.items()
        ]
        return self._listed(request, "fieldIndexes", indexes)

    def get_transformer(self, request: Request) -> Answer:
        group = self.group_of(request)
        if group.transformed != "group":
            return {}
        return {"logGroupIdentifier": group.arn, "transformerConfig": [{"parseJSON": {}}]}

    def describe_account_policies(self, request: Request) -> Answer:
        """The account's transformer, for the groups whose names begin as one of them."""
        policies = [
            {
                "policyName": f"p{number}",
                "policyType": "TRANSFORMER_POLICY",
                "scope": "ALL",
                "selectionCriteria": f'LogGroupNamePrefix IN ["{group.name}"]',
                "policyDocument": "[]",
            }
            for number, group in enumerate(self._store.groups())
            if group.transformed == "account"
        ]
        asked = request["policyType"] == "TRANSFORMER_POLICY"
        return {"accountPolicies": policies if asked else []}

    def _listed(self, request: Request, key: str, rows: list[Answer]) -> Answer:
        asked = [key, {k: v for k, v in request.items() if k not in ("nextToken", "limit")}]
        token, limit = request.get("nextToken"), limit_of(request, 50)
        first = self._tokens.place(asked, token)[0] if token else 0
        answer: Answer = {key: rows[first : first + limit]}
        if first + limit < len(rows):
            answer["nextToken"] = self._tokens.issue(asked, [first + limit])
        return answer

    # ----------------------------------------------------------------------- writing

    def create_log_group(self, request: Request) -> Answer:
        name = request.get("logGroupName", "")
        check_shape(_NAME, name, "logGroupName")
        if self._store.find(name):
            raise Refusal(
                "ResourceAlreadyExistsException", "The specified log group already exists"
            )
        log_class = request.get("logGroupClass", "STANDARD")
        self._store.add(LogGroup(name, created_ms=self._clock(), log_class=log_class))
        return {}

    def delete_log_group(self, request: Request) -> Answer:
        self._store.remove(self.group_of(request))
        return {}

    def put_retention_policy(self, request: Request) -> Answer:
        self.group_of(request).retention_days = request["retentionInDays"]
        return {}

    def create_log_stream(self, request: Request) -> Answer:
        group, name = self.group_of(request), request.get("logStreamName", "")
        if name in group.streams:
            raise Refusal(
                "ResourceAlreadyExistsException", "The specified log stream already exists"
            )
        group.stream(name, self._clock())
        return {}

    def put_log_events(self, request: Request) -> Answer:
        group = self.group_of(request)
        stream = group.streams.get(request.get("logStreamName", ""))
        if stream is None:
            raise no_such_stream()
        events = request.get("logEvents") or []
        check_batch(events)
        now = self._clock()
        oldest, newest = now - _OLDEST_PUT_MS, now + _NEWEST_PUT_MS
        for event in events:
            if oldest <= event["timestamp"] <= newest:
                group.append(stream, event["timestamp"], event["message"], now)
        rejected = rejected_events([event["timestamp"] for event in events], oldest, newest)
        return {"nextSequenceToken": "0"} | (
            {"rejectedLogEventsInfo": rejected} if rejected else {}
        )

    def _readable(self, request: Request, operation: str) -> LogGroup:
        group = self.group_of(request)
        reads_streams = operation == "GetLogEvents" and self.reads_streams_of_any_class
        if not reads_streams:
            self.check_class(operation, group)
        return group

    def check_class(self, operation: str, group: LogGroup) -> None:
        """Refuse what the class of the group does not allow."""
        if operation in self.refused.get(group.log_class, ()):
            raise _of_class(self.class_refusal, operation, group)


def _of_class(code: str, operation: str, group: LogGroup) -> Refusal:
    if code == "ValidationException":
        return Refusal(code, f"{operation} is only supported on the Standard log class.")
    return Refusal(
        code,
        f"The log group {group.name} is of log-group-class {group.log_class}. "
        f"{operation} is not supported for this log class.",
    )
