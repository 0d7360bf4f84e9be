"""What is assumed of Logs Insights."""

from __future__ import annotations

from retryctl.app.probe.comparisons import (
    FIELDS,
    INSIGHTS_WITHIN_S,
    MANY_LINES,
    OLDEST_FIRST,
    Result,
    compared,
    ordered,
    own_expression,
    rows,
)
from retryctl.app.probe.probe_groups import ProbeSession
from retryctl.app.probe.sample_events import MANY, TIES
from retryctl.sources.aws.errors import Refused
from retryctl.sources.cloudwatch.insights import FRESH_MS
from retryctl.sources.cloudwatch.insights_export import condition_for

_DAY_S = 24 * 3600


def insights_sees_new_events(session: ProbeSession) -> Result:
    """Logs Insights finds events that are two minutes old."""

    def all_found() -> bool:
        counted = session.query(MANY_LINES, "stats count(*) as events by bin(1m)")
        return sum(int(row["events"]) for row in rows(counted)) >= MANY

    waited_s = session.wait_until(all_found, INSIGHTS_WITHIN_S)
    if waited_s is None:
        return False, f"not all were found {INSIGHTS_WITHIN_S:.0f} s after PutLogEvents"
    return waited_s <= FRESH_MS / 1000, f"all were found {waited_s:.1f} s after PutLogEvents"


def insights_gives_all_of_a_millisecond(session: ProbeSession) -> Result:
    """Logs Insights gives every event of one millisecond, in any order."""
    answer = session.query(FIELDS, 'filter @message like "tie "', OLDEST_FIRST, "limit 100")
    given = [row["@message"] for row in rows(answer)]
    return sorted(given) == sorted(TIES), ordered(given)[1]


def insights_reads_own_expression(session: ProbeSession) -> Result:
    """Logs Insights selects the lines of attempts that Python's re selects."""
    return _same_rows(session, own_expression())


def insights_anchors_the_message(session: ProbeSession) -> Result:
    r"""In Logs Insights, ^ is the start of the message, and \/ is a slash."""
    return _same_rows(session, r"^START.RequestId:|like.a/b")


def _same_rows(session: ProbeSession, expression: str) -> Result:
    answer = session.query(
        FIELDS, f"filter {condition_for(expression)}", OLDEST_FIRST, "limit 10000"
    )
    return compared(expression, (row["@message"] for row in rows(answer)))


def insights_gives_the_fields(session: ProbeSession) -> Result:
    """Rows of Logs Insights have @timestamp, @message, @logStream and @log, JSON lines too."""
    condition = 'filter @message like "platform.report"'
    found = rows(session.query(FIELDS, condition, OLDEST_FIRST, "limit 10"))
    fields = {"@timestamp", "@message", "@logStream", "@log"}
    missing = sorted(fields - set(found[0] if found else ()))
    return bool(found) and not missing, f"missing: {', '.join(missing) or 'none'}"


def insights_names_its_bins(session: ProbeSession) -> Result:
    """Rows of stats count(*) by bin(1m) as t name their bin t."""
    counted = session.query(MANY_LINES, "stats count(*) as events by bin(1m) as t")
    names = sorted({name for row in rows(counted) for name in row})
    return "t" in names, f"its fields: {', '.join(names)}"


def insights_gives_10000_groups(session: ProbeSession) -> Result:
    """The stats of Logs Insights give up to 10,000 groups."""
    counted = session.query(MANY_LINES, "stats count(*) as events by bin(1ms)")
    given = len(counted["results"])
    return given >= 10_000, f"{given} of {MANY} groups"


def insights_gives_10000_rows(session: ProbeSession) -> Result:
    """Logs Insights gives 10,000 rows, and recordsMatched counts all of them."""
    answer = session.query(FIELDS, MANY_LINES, OLDEST_FIRST, "limit 10000")
    given, matched = len(answer["results"]), answer["statistics"].get("recordsMatched")
    return (given, matched) == (10_000, MANY), f"{given} rows, recordsMatched {matched}"


def insights_includes_both_seconds(session: ProbeSession) -> Result:
    """A query's startTime and endTime are whole seconds, both inclusive."""
    edge_s = session.sample.edge_s
    condition = 'filter @message like "edge "'
    found = rows(
        session.query(FIELDS, condition, OLDEST_FIRST, "limit 10", since_s=edge_s, until_s=edge_s)
    )
    given = [row["@message"] for row in found]
    return given == ["edge first", "edge last"], f"given: {', '.join(given) or 'none'}"


def insights_refuses_before_creation(session: ProbeSession) -> Result:
    """A query that ends before the group's creation is refused in words that are recognised."""
    created_s = session.created_ms // 1000
    try:
        session.query(
            FIELDS,
            OLDEST_FIRST,
            "limit 10",
            since_s=created_s - 2 * _DAY_S,
            until_s=created_s - _DAY_S,
        )
    except Refused as refused:
        return refused.is_before_group, f"{refused.code}: {refused.reason}"
    return False, "it was not refused"
