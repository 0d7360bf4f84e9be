"""``retryctl summary`` of several functions on CloudWatch: by names, by patterns, of an account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.function_discovery import matching_functions
from tests.endpoint.faults import Faults
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS
from tests.support.lambda_log import ID, OTHER_ID, THIRD_ID, Environment
from tests.support.program import run

WINDOW = ("--since", "2026-11-22T23:00Z", "--until", "2026-11-23T01:00Z")
LAMBDA = (
    "ListFunctions",
    "GetFunctionConfiguration",
    "GetFunctionConcurrency",
    "GetFunctionEventInvokeConfig",
    "ListFunctionEventInvokeConfigs",
    "ListEventSourceMappings",
)
LATE_ID = "9e8d7c6b-5a49-4382-9716-0f5e4d3c2b1a"
OWN_GROUP = "/orders/shared"


@pytest.fixture(scope="module")
def served() -> Iterator[Endpoint]:
    """Two functions that exist, one that is deleted, and two that log to a group of their own."""
    wrong, wrong_too = Environment("b"), Environment("c")
    wrong.runs(OTHER_ID, "0", "process A", ends="error")
    wrong_too.at(62).runs(OTHER_ID, "0", "process A", ends="error")
    with Endpoint() as running:
        put(running, "/aws/lambda/orders-good", Environment("a").runs(ID, "fine"))
        put(running, "/aws/lambda/orders-wrong", wrong, wrong_too)
        put(running, "/aws/lambda/orders-gone", Environment("d").runs(THIRD_ID, "fine"))
        put(running, "/aws/lambda/payments", Environment("e").runs(ID, "fine"))
        shared = "2026/11/23/orders-shared[$LATEST]" + "f" * 32
        other = "2026/11/23/refunds[$LATEST]" + "e" * 32
        put(running, OWN_GROUP, Environment("f").runs(LATE_ID, "fine"), stream=shared)
        put(running, OWN_GROUP, Environment("f").runs(ID, "fine"), stream=other)
        put(running, "/aws/lambda/orders-shared", Environment("f").runs(ID, "before it moved"))
        for name in ("orders-good", "orders-wrong", "payments"):
            running.function(name, Timeout=3)
        for name in ("orders-shared", "refunds"):
            running.function(name, Timeout=3, LoggingConfig={"LogGroup": OWN_GROUP})
        yield running


def put(endpoint: Endpoint, group: str, *told: Environment, stream: str | None = None) -> None:
    endpoint.group(group)
    for each in told:
        name = stream or each.stream or ""
        endpoint.put(group, name, [(e.timestamp_ms, e.message) for e in each.events])


@pytest.fixture
def endpoint(served: Endpoint) -> Endpoint:
    served.faults = Faults()
    served.calls.clear()
    return served


def ask(endpoint: Endpoint, command: str, *arguments: str) -> Any:
    return run(command, *arguments, *WINDOW, "--endpoint-url", endpoint.url, env=CREDENTIALS)


def summary(endpoint: Endpoint, *arguments: str) -> dict[str, Any]:
    done = ask(endpoint, "summary", *arguments, "-o", "json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def names(document: dict[str, Any]) -> list[str]:
    return [each["function"] for each in document["functions"]]


def test_two_names(endpoint: Endpoint) -> None:
    told = summary(endpoint, "orders-good", "orders-wrong")
    assert names(told) == ["orders-wrong", "orders-good"]  # the worst first
    assert (told["requests"], told["attempts"]) == (2, 3)
    assert told["coverage"]["log_groups"] == ["/aws/lambda/orders-good", "/aws/lambda/orders-wrong"]
    assert told["coverage"]["complete"]


def test_a_name_that_a_pattern_matches_too_counts_once(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(endpoint.lambdas.concurrency, "orders-good", 5)
    assert summary(endpoint, "orders-good", "orders-goo*")["requests"] == 1


def test_a_row_for_each_function_in_text(endpoint: Endpoint) -> None:
    done = ask(endpoint, "summary", "orders-good", "orders-wrong")
    rows = [line for line in done.stdout.splitlines() if line.strip().startswith("orders-")]
    assert [row.split()[0] for row in rows[-2:]] == ["orders-wrong", "orders-good"]


def test_a_pattern_finds_deleted_functions_and_groups_of_other_names(endpoint: Endpoint) -> None:
    told = summary(endpoint, "orders-*")
    assert sorted(names(told)) == ["orders-gone", "orders-good", "orders-shared", "orders-wrong"]
    assert OWN_GROUP in told["coverage"]["log_groups"]
    assert "/aws/lambda/orders-shared" not in told["coverage"]["log_groups"]
    (shared,) = (each for each in told["functions"] if each["function"] == "orders-shared")
    assert shared["requests"] == 1


@pytest.mark.usefixtures("credentials")
def test_a_function_may_log_to_a_group_that_is_named_after_another() -> None:
    with Endpoint() as running:
        for name in ("moved-here", "elsewhere"):
            running.group(f"/aws/lambda/{name}")
        logging = {"LogGroup": "/aws/lambda/elsewhere"}
        running.function("moved-here", Timeout=3, LoggingConfig=logging)
        notes: list[str] = []
        aws = AwsClient(endpoint_url=running.url)
        (found,) = matching_functions(aws, "moved-*", notes.append)
    assert (found.group, found.configuration is None, notes) == ("/aws/lambda/elsewhere", False, [])


def test_the_whole_account_reads_a_shared_group_once(endpoint: Endpoint) -> None:
    told = summary(endpoint, "*")
    assert len(names(told)) == 6
    assert told["requests"] == 6
    assert told["coverage"]["log_groups"].count(OWN_GROUP) == 1
    assert endpoint.calls["FilterLogEvents"] == 5


def test_a_pattern_of_functions_takes_one_call_for_the_settings_of_each(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"MaximumRetryAttempts": 1}
    monkeypatch.setitem(endpoint.lambdas.invoke_configs, ("orders-wrong", "$LATEST"), own)
    told = summary(endpoint, "*")
    (wrong,) = (each for each in told["functions"] if each["function"] == "orders-wrong")
    assert wrong["outcomes"]["exhausted"] == 1
    read = {name: count for name, count in endpoint.calls.items() if name in LAMBDA}
    assert read == {
        "ListFunctions": 1,
        "ListFunctionEventInvokeConfigs": 5,
        "ListEventSourceMappings": 1,
    }
    assert endpoint.calls["DescribeLogGroups"] == 1 + 1, "the list, and the group of another name"
    endpoint.calls.clear()
    ask(endpoint, "check", "orders-*", "-o", "json")
    assert endpoint.calls["GetFunctionConcurrency"] == 3


def test_a_list_of_several(endpoint: Endpoint) -> None:
    done = ask(endpoint, "list", "orders-good", "orders-wr*", "-o", "jsonl")
    told = {
        line["request_id"]: line["function"]
        for line in map(json.loads, done.stdout.split("\n")[:-1])
    }
    assert told == {ID: "orders-good", OTHER_ID: "orders-wrong"}


def test_without_the_right_to_list_functions_the_usual_groups_are_read(endpoint: Endpoint) -> None:
    endpoint.faults.denied.add("lambda:ListFunctions")
    done = ask(endpoint, "summary", "orders-*", "-o", "json")
    assert done.returncode == 0
    assert "lambda:ListFunctions" in done.stderr
    assert "orders-gone" in names(json.loads(done.stdout))


def test_without_the_right_to_list_groups_there_is_no_pattern(endpoint: Endpoint) -> None:
    endpoint.faults.denied.add("logs:DescribeLogGroups")
    done = ask(endpoint, "summary", "orders-*")
    assert (done.returncode, done.stdout) == (3, "")
    assert "logs:DescribeLogGroups" in done.stderr


def test_one_group_that_may_not_be_read_is_a_gap(endpoint: Endpoint) -> None:
    endpoint.faults.denied_groups.add("/aws/lambda/orders-wrong")
    told = summary(endpoint, "orders-good", "orders-wrong")
    (gap,) = told["coverage"]["gaps"]
    assert (gap["kind"], gap["log_group"]) == ("denied", "/aws/lambda/orders-wrong")
    assert (told["requests"], told["function"]) == (1, "orders-good")


@pytest.mark.parametrize("command", ["list", "summary"])
@pytest.mark.parametrize("form", ["jsonl", "csv", "json", "text"])
def test_a_gap_is_told_beside_the_forms_for_programs(
    endpoint: Endpoint, command: str, form: str
) -> None:
    endpoint.faults.denied_groups.add("/aws/lambda/orders-wrong")
    asked = (command, "orders-good", "orders-wrong", "-o", form)
    done, quiet = ask(endpoint, *asked), ask(endpoint, *asked, "-q")
    assert (done.returncode, quiet.returncode, quiet.stderr) == (0, 0, "")
    told_in = done.stdout if form == "text" else done.stderr
    assert "/aws/lambda/orders-wrong" in told_in
    assert ("/aws/lambda/orders-wrong" in done.stderr) is (form != "text")
    assert "orders-good" in done.stdout


def test_no_group_that_may_be_read_is_an_error(endpoint: Endpoint) -> None:
    endpoint.faults.denied.add("logs:FilterLogEvents")
    done = ask(endpoint, "summary", "orders-good", "orders-wrong")
    assert (done.returncode, done.stdout) == (3, "")
    assert "logs:FilterLogEvents" in done.stderr


def test_a_name_that_is_not_there_beside_one_that_is(endpoint: Endpoint) -> None:
    told = summary(endpoint, "orders-good", "orders-bad")
    (gap,) = told["coverage"]["gaps"]
    assert (gap["kind"], told["requests"]) == ("no-such-group", 1)


def test_a_pattern_that_matches_none(endpoint: Endpoint) -> None:
    done = ask(endpoint, "summary", "nothing-*")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no function with a log group matches nothing-*" in done.stderr
    assert "--region" in done.stderr


def test_a_group_of_infrequent_access_among_others(endpoint: Endpoint) -> None:
    group = endpoint.group("/aws/lambda/orders-good")
    group.log_class = "INFREQUENT_ACCESS"
    try:
        told = summary(endpoint, "orders-good", "orders-wrong", "--engine", "filter")
        (gap,) = told["coverage"]["gaps"]
        assert "only Logs Insights can read" in gap["message"]
        assert summary(endpoint, "orders-good", "orders-wrong")["requests"] == 2
    finally:
        group.log_class = "STANDARD"


@pytest.mark.parametrize("named", [["*"], ["-f", "*"], ["-f", "orders-good", "-f", "orders-wrong"]])
def test_check_takes_what_list_takes(endpoint: Endpoint, named: list[str]) -> None:
    listed = json.loads(ask(endpoint, "list", *named, "-o", "json").stdout)["requests"]
    done = ask(endpoint, "check", *named, "-o", "json")
    assert done.returncode == 1
    checked = json.loads(done.stdout)
    assert checked["requests"] == len(listed) > 1


def test_a_pattern_is_refused_where_one_function_is_needed() -> None:
    done = run("check", "orders-*", "--from", "demo")
    assert done.returncode == 2
    assert "orders-* stands for several functions" in done.stderr
    assert "Name one function, or none." in done.stderr
