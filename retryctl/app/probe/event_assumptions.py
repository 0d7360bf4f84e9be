"""What is assumed of FilterLogEvents and GetLogEvents."""

from __future__ import annotations

from itertools import pairwise

from retryctl.app.probe.comparisons import Result, compared, ordered, own_expression, visible
from retryctl.app.probe.probe_groups import ProbeSession
from retryctl.app.probe.sample_events import MANY, REQUEST_IDS
from retryctl.sources.aws.client import AwsResponse
from retryctl.sources.aws.errors import Refused
from retryctl.sources.cloudwatch.request_search import pattern

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
