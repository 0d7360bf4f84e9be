"""Which log groups a search reads, and what each of them lacks."""

from __future__ import annotations

import pytest

from retryctl.errors import AccessDenied, ExitStatus, NoSuchLogGroup
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.function_discovery import discover
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.request.requests_in_group import (
    GROUP,
    HOUR,
    NOW,
    REQUEST_ID,
    START,
    STREAM,
    THREE,
    assert_three,
    failing,
    look,
    other,
    put_three,
    run,
    source,
)

pytestmark = pytest.mark.usefixtures("credentials")


def test_a_group_of_another_account_is_read_by_its_arn(endpoint: Endpoint) -> None:
    theirs = endpoint.group(GROUP, account="999999999999")
    for stream, events in THREE.items():
        endpoint.put(theirs, stream, events)
    found, coverage = look(source(endpoint.url, groups=(f"{theirs.arn}:*",)))
    assert {stream: len(lines) for stream, lines in found.items()} == dict.fromkeys(THREE, 6)
    assert coverage.log_groups == (GROUP,)


def test_groups_by_pattern(endpoint: Endpoint) -> None:
    endpoint.put("/aws/lambda/orders-api", "s", failing(REQUEST_ID, START, 0, "A"))
    endpoint.put("/aws/lambda/billing", "s", failing(REQUEST_ID, START, 0, "A"))
    put_three(endpoint)
    cloudwatch = source(endpoint.url, groups=("/aws/lambda/orders-*",))
    found, coverage = look(cloudwatch)
    assert coverage.log_groups == ("/aws/lambda/orders-api", GROUP)
    assert set(found) == {"s", *THREE}
    with pytest.raises(NoSuchLogGroup, match=r"no log group matches /x/\*"):
        look(source(endpoint.url, groups=("/x/*",)))


def test_lines_that_data_protection_masks_are_a_gap(endpoint: Endpoint) -> None:
    group = endpoint.group("/masked", data_protection="ACTIVATED")
    endpoint.put(group, STREAM, run(REQUEST_ID, START, ["card ****************\n"]))
    (gap,) = look(source(endpoint.url, groups=("/masked",)))[1].gaps
    assert (gap.kind, gap.hides_attempts) == ("masked", False)
    assert gap.message == "data protection of /masked masks parts of its lines (1 here)"


def test_without_a_function_every_group_of_lambda_is_searched(endpoint: Endpoint) -> None:
    for number in range(60):
        endpoint.put(f"/aws/lambda/other-{number}", "s", other(number, START))
    put_three(endpoint)
    endpoint.put("/custom/billing", "s", failing(REQUEST_ID, START, 0, "A"))
    endpoint.function("billing", LoggingConfig={"LogGroup": "/custom/billing"})
    endpoint.function("orders-worker", LoggingConfig={"LogGroup": GROUP})
    notes: list[str] = []
    aws = AwsClient(endpoint_url=endpoint.url)
    listed = discover(aws, notes.append, ["/aws/lambda/other-7"])
    groups = tuple(listed)
    assert groups[:3] == ("/aws/lambda/other-7", "/custom/billing", GROUP)
    assert len(groups) == 62
    assert not notes
    found, coverage = look(source(endpoint.url, groups=groups))
    assert set(found) == {"s", *THREE}
    assert coverage.log_groups == groups


def test_a_group_with_more_logs_than_all_others_is_searched_first(endpoint: Endpoint) -> None:
    for number in range(60):
        endpoint.put(f"/aws/lambda/other-{number}", "s", other(number, START))
    put_three(endpoint)
    endpoint.put(GROUP, "busy", [(START - n, "noise\n" * 200) for n in range(100)])
    aws = AwsClient(endpoint_url=endpoint.url)
    found, coverage = look(source(endpoint.url, groups=(), otherwise=lambda: discover(aws, print)))
    assert_three(found)
    assert coverage.log_groups == (GROUP,)
    assert endpoint.calls["FilterLogEvents"] == 2  # the hits, the lines
    assert endpoint.calls["GetLogEvents"] == 0


def test_what_may_not_be_listed_is_told(endpoint: Endpoint) -> None:
    aws = AwsClient(endpoint_url=endpoint.url)
    endpoint.faults.denied.add("lambda:ListFunctions")
    notes: list[str] = []
    groups = discover(aws, notes.append)
    assert tuple(groups) == (GROUP,)
    assert "AccessDenied for lambda:ListFunctions as role/ci" in notes[0]
    endpoint.faults.denied.add("logs:DescribeLogGroups")
    assert discover(aws, print, ["/mine"]) == {"/mine": None}
    with pytest.raises(AccessDenied, match="not allowed to read the log groups"):
        discover(aws, print)


def test_a_missing_group_names_near_ones(endpoint: Endpoint) -> None:
    with pytest.raises(NoSuchLogGroup) as error:
        look(source(endpoint.url, groups=("/aws/lambda/order-worker",)))
    assert error.value.what == "the log group /aws/lambda/order-worker does not exist in us-east-1"
    assert error.value.next_step.startswith(f"Did you mean {GROUP}?")
    assert error.value.status is ExitStatus.COULD_NOT_READ


def test_one_group_of_two_that_is_denied_is_a_gap(endpoint: Endpoint) -> None:
    put_three(endpoint)
    endpoint.group("/secret")
    endpoint.faults.denied_groups.add("/secret")
    found, coverage = look(source(endpoint.url, groups=("/secret", GROUP)))
    assert_three(found)
    (gap,) = coverage.gaps
    assert (gap.kind, gap.log_group, gap.hides_attempts) == ("denied", "/secret", True)
    assert gap.settle == (
        f"retryctl trace {REQUEST_ID} -g /secret --since 2026-11-22T03:00:00.000Z"
    )


def test_what_the_group_does_not_keep_is_a_gap(endpoint: Endpoint) -> None:
    group = endpoint.group("/short", retention_days=1, created_ms=NOW - 26 * HOUR)
    endpoint.put(group, STREAM, failing(REQUEST_ID, NOW - 22 * HOUR, 0, "A"))
    gaps = look(source(endpoint.url, groups=("/short",)))[1].gaps
    assert [(gap.kind, gap.hides_attempts) for gap in gaps] == [
        ("retention", True),
        ("created", False),
    ]
    endpoint.faults.denied.add("logs:DescribeLogGroups")
    assert look(source(endpoint.url, groups=("/short",)))[1].gaps == ()
