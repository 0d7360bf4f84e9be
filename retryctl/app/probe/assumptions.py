"""What is assumed of CloudWatch Logs: a function for each, whose docstring is the assumption."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from retryctl.app.probe.comparisons import Result, compared, ordered, own_expression, visible
from retryctl.app.probe.probe_groups import MANY, REQUEST_IDS, TIES, ProbeSession
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import Unrecognised
from retryctl.errors import NoSuchLogGroup, Throttled
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.daemon_pool import DaemonPool, PoolTask
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.log_groups import LogGroup, describe
from retryctl.sources.cloudwatch.insights import FRESH_MS, cells
from retryctl.sources.cloudwatch.insights_export import condition_for
from retryctl.sources.cloudwatch.request_search import pattern

Assumption = Callable[[ProbeSession], Result]
"""The first line of its docstring is the assumption."""

_FIELDS = "fields @timestamp, @message, @logStream, @log"
_OLDEST_FIRST, _ALL_ROWS = "sort @timestamp asc", "limit 10000"
_MANY_LINES, _TIE_LINES = 'filter @message like "many "', 'filter @message like "tie "'
_INSIGHTS_WITHIN_S = 180.0
_DAY_S = 24 * 3600
_BURST = 60
_OF_LAMBDA = '?"START RequestId" ?"END RequestId" ?"REPORT RequestId" ?"platform."'
_VISIBLE_WITHIN_S = 60.0


def filter_sees_new_events(session: ProbeSession) -> Result:
    """FilterLogEvents finds an event within a minute of PutLogEvents."""
    last = f'"many {MANY - 1:05d}"'
    return visible(session, lambda: bool(session.filtered(last)), _VISIBLE_WITHIN_S)


def get_sees_new_events(session: ProbeSession) -> Result:
    """GetLogEvents gives an event within a minute of PutLogEvents."""
    return visible(session, lambda: bool(session.streamed(limit=1)), _VISIBLE_WITHIN_S)


def filter_reads_own_expression(session: ProbeSession) -> Result:
    """FilterLogEvents selects the lines of attempts that Python's re selects."""
    return _same_lines(session, own_expression())


def filter_anchors_the_message(session: ProbeSession) -> Result:
    """In FilterLogEvents, ^ is the start of the message, not of each of its lines."""
    return _same_lines(session, r"^START.RequestId:")


def filter_takes_end_anchor(session: ProbeSession) -> Result:
    """In FilterLogEvents, $ is the end of the message, a last newline left aside."""
    return _same_lines(session, r"^[0-9]+\s*$")


def filter_takes_alternatives(session: ProbeSession) -> Result:
    """FilterLogEvents takes | between expressions with anchors."""
    return _same_lines(session, r"^REPORT|platform\.|a.b$")


def _same_lines(session: ProbeSession, expression: str) -> Result:
    found = session.filtered(f"%{expression}%", logStreamNames=["crafted"])
    return compared(expression, (event["message"] for event in found))


def filter_takes_25_ids(session: ProbeSession) -> Result:
    """One pattern of FilterLogEvents may name 25 request IDs, of which any may match."""
    events = session.filtered(pattern(REQUEST_IDS), logStreamNames=["crafted"])
    named = {one for one in REQUEST_IDS for event in events if one in event["message"]}
    return len(named) == len(REQUEST_IDS), f"{len(named)} of {len(REQUEST_IDS)} were found"


def filter_includes_its_end(session: ProbeSession) -> Result:
    """The endTime of FilterLogEvents is inclusive."""
    at_ms = session.sample.edge_s * 1000
    events = session.filtered(startTime=at_ms, endTime=at_ms)
    return _given("edge first", events)


def get_excludes_its_end(session: ProbeSession) -> Result:
    """The endTime of GetLogEvents is exclusive."""
    at_ms = session.sample.edge_s * 1000
    given, evidence = _given("edge first", session.streamed(startTime=at_ms - 1, endTime=at_ms))
    return not given, evidence


def _given(message: str, events: list[AwsResponse]) -> Result:
    given = any(event["message"] == message for event in events)
    return given, f"the event at endTime was {'returned' if given else 'not returned'}"


def filter_goes_on_with_another_limit(session: ProbeSession) -> Result:
    """A token of FilterLogEvents may be used with another limit."""
    request = {"logGroupName": session.standard, "logStreamNames": ["crafted"]}
    first = session.call("FilterLogEvents", **request, limit=5)
    try:
        rest = session.filtered(logStreamNames=["crafted"], limit=50, nextToken=first["nextToken"])
    except Refused as refused:
        return False, f"refused: {refused.code}: {refused.reason}"
    whole = [event["message"] for event in session.filtered(logStreamNames=["crafted"])]
    read = [event["message"] for event in [*first["events"], *rest]]
    return read == whole, f"{len(read)} of {len(whole)} events"


def filter_gives_every_event_once(session: ProbeSession) -> Result:
    """The pages of FilterLogEvents give each of 12,000 events once."""
    events = session.filtered(logStreamNames=["many"])
    ids = {event["eventId"] for event in events}
    return len(ids) == len(events) == MANY, f"{len(events)} events with {len(ids)} IDs"


def event_ids_are_ordered_numbers(session: ProbeSession) -> Result:
    """An eventId is a number, written as digits, that grows in the order of a stream."""
    ids = [str(event["eventId"]) for event in session.filtered(logStreamNames=["crafted"])]
    digits = all(one.isdigit() for one in ids)
    grow = digits and all(int(low) < int(high) for low, high in pairwise(ids))
    return grow, f"{len(ids)} IDs: digits only: {digits}, growing: {grow}"


def filter_keeps_order(session: ProbeSession) -> Result:
    """FilterLogEvents gives the events of one millisecond in the order of PutLogEvents."""
    at_ms = session.sample.tie_ms
    return ordered([event["message"] for event in session.filtered(startTime=at_ms, endTime=at_ms)])


def get_keeps_order(session: ProbeSession) -> Result:
    """GetLogEvents gives the events of one millisecond in the order of PutLogEvents."""
    at_ms = session.sample.tie_ms
    return ordered([e["message"] for e in session.streamed(startTime=at_ms, endTime=at_ms + 1)])


def insights_sees_new_events(session: ProbeSession) -> Result:
    """Logs Insights finds events that are two minutes old."""

    def all_found() -> bool:
        counted = session.query(_MANY_LINES, "stats count(*) as events by bin(1m)")
        return sum(int(row["events"]) for row in _rows(counted)) >= MANY

    waited_s = session.wait_until(all_found, _INSIGHTS_WITHIN_S)
    if waited_s is None:
        return False, f"not all were found {_INSIGHTS_WITHIN_S:.0f} s after PutLogEvents"
    return waited_s <= FRESH_MS / 1000, f"all were found {waited_s:.1f} s after PutLogEvents"


def insights_gives_all_of_a_millisecond(session: ProbeSession) -> Result:
    """Logs Insights gives every event of one millisecond, in any order."""
    given = [row["@message"] for row in _selected(session, _TIE_LINES)]
    return sorted(given) == sorted(TIES), ordered(given)[1]


def insights_reads_own_expression(session: ProbeSession) -> Result:
    """Logs Insights selects the lines of attempts that Python's re selects."""
    return _same_rows(session, own_expression())


def insights_anchors_the_message(session: ProbeSession) -> Result:
    r"""In Logs Insights, ^ is the start of the message, and \/ is a slash."""
    return _same_rows(session, r"^START.RequestId:|like.a/b")


def _same_rows(session: ProbeSession, expression: str) -> Result:
    found = _selected(session, f"filter {condition_for(expression)}")
    return compared(expression, (row["@message"] for row in found))


def insights_gives_the_fields(session: ProbeSession) -> Result:
    """Rows of Logs Insights have @timestamp, @message, @logStream and @log, JSON lines too."""
    found = _selected(session, 'filter @message like "platform.report"')
    fields = {"@timestamp", "@message", "@logStream", "@log"}
    missing = sorted(fields - set(found[0] if found else ()))
    return bool(found) and not missing, f"missing: {', '.join(missing) or 'none'}"


def insights_names_its_bins(session: ProbeSession) -> Result:
    """Rows of stats count(*) by bin(1m) as t name their bin t."""
    counted = session.query(_MANY_LINES, "stats count(*) as events by bin(1m) as t")
    names = sorted({name for row in _rows(counted) for name in row})
    return "t" in names, f"its fields: {', '.join(names)}"


def insights_gives_10000_groups(session: ProbeSession) -> Result:
    """The stats of Logs Insights give up to 10,000 groups."""
    counted = session.query(_MANY_LINES, "stats count(*) as events by bin(1ms)")
    given = len(counted["results"])
    return given >= 10_000, f"{given} of {MANY} groups"


def insights_gives_10000_rows(session: ProbeSession) -> Result:
    """Logs Insights gives 10,000 rows, and recordsMatched counts all of them."""
    answer = session.query(_FIELDS, _MANY_LINES, _OLDEST_FIRST, _ALL_ROWS)
    given, matched = len(answer["results"]), answer["statistics"].get("recordsMatched")
    return (given, matched) == (10_000, MANY), f"{given} rows, recordsMatched {matched}"


def insights_includes_both_seconds(session: ProbeSession) -> Result:
    """A query's startTime and endTime are whole seconds, both inclusive."""
    edge_s = session.sample.edge_s
    condition = 'filter @message like "edge "'
    found = _selected(session, condition, since_s=edge_s, until_s=edge_s)
    given = [row["@message"] for row in found]
    return given == ["edge first", "edge last"], f"given: {', '.join(given) or 'none'}"


def insights_refuses_before_creation(session: ProbeSession) -> Result:
    """A query that ends before the group's creation is refused in words that are recognised."""
    created_s = session.created_ms // 1000
    try:
        _selected(session, since_s=created_s - 2 * _DAY_S, until_s=created_s - _DAY_S)
    except Refused as refused:
        return refused.is_before_group, f"{refused.code}: {refused.reason}"
    return False, "it was not refused"


def filter_refuses_infrequent_access(session: ProbeSession) -> Result:
    """FilterLogEvents refuses an Infrequent Access group in words that are recognised."""
    return _class_refusal(session, lambda: session.filtered(logGroupName=session.infrequent))


def get_reads_or_refuses_infrequent_access(session: ProbeSession) -> Result:
    """GetLogEvents reads an Infrequent Access group, or refuses it in words that are recognised."""

    def read() -> AwsResponse:
        return session.call(
            "GetLogEvents", logGroupName=session.infrequent, logStreamName="crafted"
        )

    try:
        return True, f"it read {len(read()['events'])} events"
    except Refused:
        return _class_refusal(session, read)


def _class_refusal(session: ProbeSession, call: Callable[[], object]) -> Result:
    try:
        call()
    except Refused as refused:
        return refused.is_log_class, f"{refused.code}: {refused.reason}"
    return False, "it was not refused"


def insights_reads_infrequent_access(session: ProbeSession) -> Result:
    """Logs Insights reads an Infrequent Access group."""

    def all_found() -> bool:
        return len(_selected(session, _TIE_LINES, group=session.infrequent)) == len(TIES)

    return visible(session, all_found, _INSIGHTS_WITHIN_S)


def groups_are_described(session: ProbeSession) -> Result:
    """DescribeLogGroups by prefix gives class, creation time and retention of a group."""
    known = describe(session.aws, LogGroup(name=session.infrequent))
    near = known.created_ms is not None and abs(known.created_ms - session.created_ms) < 60_000
    evidence = (
        f"class {known.log_class}, retention {known.retention_days} days, "
        f"creation time {'as expected' if near else 'missing or wrong'}"
    )
    return (known.log_class, known.retention_days, near) == ("INFREQUENT_ACCESS", 1, True), evidence


def filter_names_a_missing_group(session: ProbeSession) -> Result:
    """FilterLogEvents on a group that does not exist is recognised as that."""
    return _missing(lambda: session.filtered(logGroupName=f"{session.standard}/none"))


def insights_names_a_missing_group(session: ProbeSession) -> Result:
    """A query on a group that does not exist is recognised as that."""
    return _missing(lambda: _selected(session, group=f"{session.standard}/none"))


def _missing(call: Callable[[], object]) -> Result:
    try:
        call()
    except NoSuchLogGroup as error:
        return True, error.what
    except Refused as refused:
        return False, f"{refused.code}: {refused.reason}"
    return False, "it was not refused"


def quota_is_five_or_more(session: ProbeSession) -> Result:
    """FilterLogEvents answers at least five calls a second."""
    fast = AwsClient(
        profile=session.aws.profile,
        region=session.aws.region,
        endpoint_url=session.aws.endpoint_url,
        max_attempts=1,
        sleep=lambda seconds: None,
    )
    request = {"logGroupName": session.standard, "limit": 1}
    fast.call("logs", "FilterLogEvents", request)  # the connection and the credentials
    began = session.seconds()
    pool = DaemonPool(10)  # without a block, which would wait for it after a signal
    calls = [pool.submit(fast.call, "logs", "FilterLogEvents", request) for _ in range(_BURST)]
    try:
        answered = sum(_answered(call) for call in calls)
    finally:
        pool.abandon()  # after a signal, nothing delays the deletion of the groups
    seconds = max(session.seconds() - began, 1e-3)
    evidence = f"{answered} of {_BURST} calls were answered in {seconds:.1f} s"
    return answered / max(seconds, 1.0) >= 5, evidence


def _answered(call: PoolTask[AwsResponse]) -> bool:
    try:
        call.result()
    except Throttled:
        return False
    return True


def function_records_are_understood(session: ProbeSession) -> Result:
    """Every record of Lambda in the newest page of the function's log is understood."""
    group = f"/aws/lambda/{session.function}"
    page = session.call("FilterLogEvents", logGroupName=group, filterPattern=_OF_LAMBDA)
    events = [
        LogEvent(timestamp_ms=event["timestamp"], message=event["message"])
        for event in page["events"]
    ]
    understood = sum(not isinstance(parse_record(event), Unrecognised) for event in events)
    return bool(events) and understood == len(events), f"{understood} of {len(events)} records"


def _selected(session: ProbeSession, *conditions: str, **where: Any) -> list[dict[str, str]]:
    """Return the rows of all events that the conditions select, oldest first."""
    return _rows(session.query(_FIELDS, *conditions, _OLDEST_FIRST, _ALL_ROWS, **where))


def _rows(answer: AwsResponse) -> list[dict[str, str]]:
    """Return the rows of a query, each by the names of its fields."""
    return list(map(cells, answer["results"]))


ASSUMPTIONS: tuple[Assumption, ...] = (
    filter_sees_new_events,
    get_sees_new_events,
    filter_reads_own_expression,
    filter_anchors_the_message,
    filter_takes_end_anchor,
    filter_takes_alternatives,
    filter_takes_25_ids,
    filter_includes_its_end,
    get_excludes_its_end,
    filter_goes_on_with_another_limit,
    filter_gives_every_event_once,
    event_ids_are_ordered_numbers,
    filter_keeps_order,
    get_keeps_order,
    groups_are_described,
    filter_refuses_infrequent_access,
    get_reads_or_refuses_infrequent_access,
    filter_names_a_missing_group,
    insights_names_a_missing_group,
    insights_refuses_before_creation,
    insights_sees_new_events,
    insights_gives_all_of_a_millisecond,
    insights_reads_own_expression,
    insights_anchors_the_message,
    insights_gives_the_fields,
    insights_names_its_bins,
    insights_gives_10000_groups,
    insights_gives_10000_rows,
    insights_includes_both_seconds,
    insights_reads_infrequent_access,
)
"""In the order in which they are tested: those that need no waiting come first."""
