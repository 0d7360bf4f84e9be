"""What is assumed of log groups: their description, their classes, refusals, the quota."""

from __future__ import annotations

from collections.abc import Callable

from retryctl.app.probe.comparisons import FIELDS, INSIGHTS_WITHIN_S, OLDEST_FIRST, Result, visible
from retryctl.app.probe.probe_groups import ProbeSession
from retryctl.app.probe.sample_events import TIES
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import Unrecognised
from retryctl.errors import NoSuchLogGroup, Throttled
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.daemon_pool import DaemonPool, PoolTask
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.log_groups import LogGroup, describe

_BURST = 60


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
        answer = session.query(
            FIELDS,
            'filter @message like "tie "',
            OLDEST_FIRST,
            "limit 100",
            group=session.infrequent,
        )
        return len(answer["results"]) == len(TIES)

    return visible(session, all_found, INSIGHTS_WITHIN_S)


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
    return _missing(
        lambda: session.query(FIELDS, OLDEST_FIRST, "limit 1", group=f"{session.standard}/none")
    )


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


_OF_LAMBDA = '?"START RequestId" ?"END RequestId" ?"REPORT RequestId" ?"platform."'
