"""A function or a log group is taken as it is named: account, region, version and alias."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endpoint.server import Endpoint
from tests.support.aws_program import (
    CREDENTIALS,
    GROUP,
    HERE,
    HOUR,
    RIGHT,
    WRONG,
    YESTERDAY,
    attempt,
    now_ms,
)
from tests.support.program import run

OTHER_ACCOUNT = "999999999999"
FUNCTION_ARN = "arn:aws:lambda:{}:{}:function:orders-worker"
GROUP_ARN = "arn:aws:logs:{}:{}:log-group:{}"
OWN = "123456789012"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


def retryctl(endpoint: Endpoint, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(*arguments, "--endpoint-url", endpoint.url, env=CREDENTIALS)


def of_version(request_id: str, version: str, ago: int = HOUR) -> list[tuple[int, str]]:
    """One attempt of a request that ran ``version``."""
    events = attempt(request_id, now_ms() - ago, 0)
    return [(at, text.replace("$LATEST", version)) for at, text in events]


def listed(endpoint: Endpoint, *arguments: str) -> tuple[set[str], str]:
    done = retryctl(endpoint, "list", *arguments, "-o", "json")
    rows = json.loads(done.stdout or '{"requests": []}')["requests"]
    return {row["request_id"] for row in rows}, done.stderr


# --------------------------------------------------------------------------- regions


def test_arns_of_several_regions_are_each_read_in_their_own(endpoint: Endpoint) -> None:
    endpoint.put(GROUP, HERE, attempt(WRONG, now_ms() - HOUR, 0))
    endpoint.put("/custom/other", YESTERDAY, attempt(RIGHT, now_ms() - HOUR, 0))
    groups = (
        *("-g", GROUP_ARN.format("eu-west-1", OWN, GROUP)),
        *("-g", GROUP_ARN.format("ap-northeast-1", OWN, "/custom/other")),
    )
    for command in (("trace", WRONG, RIGHT), ("list",), ("summary",), ("check",)):
        endpoint.regions.clear()
        done = retryctl(endpoint, *command, *groups, "-o", "json")
        assert done.returncode in (0, 1), done.stderr
        assert endpoint.regions["FilterLogEvents"] == {"eu-west-1", "ap-northeast-1"}
        assert endpoint.regions.get("GetFunctionConfiguration", set()) <= {"eu-west-1"}
    assert listed(endpoint, *groups)[0] == {WRONG, RIGHT}


def test_functions_of_several_regions_are_each_read_in_their_own(endpoint: Endpoint) -> None:
    endpoint.function("orders-worker", Timeout=3)
    endpoint.put(GROUP, HERE, attempt(WRONG, now_ms() - HOUR, 0))
    arns = [FUNCTION_ARN.format(region, OWN) for region in ("eu-west-1", "ap-northeast-1")]
    done = retryctl(endpoint, "summary", *arns, "-o", "json")
    assert done.returncode == 0, done.stderr
    for operation in ("FilterLogEvents", "GetFunctionConfiguration"):
        assert endpoint.regions[operation] == {"eu-west-1", "ap-northeast-1"}


def test_the_account_of_a_function_is_where_its_log_is_read(endpoint: Endpoint) -> None:
    endpoint.put(GROUP, HERE, attempt(RIGHT, now_ms() - HOUR, 0))
    theirs = endpoint.group(GROUP, account=OTHER_ACCOUNT)
    endpoint.put(theirs, YESTERDAY, attempt(WRONG, now_ms() - HOUR, 0))
    for function in (
        FUNCTION_ARN.format("us-east-1", OTHER_ACCOUNT),
        f"{OTHER_ACCOUNT}:function:orders-worker",
    ):
        assert listed(endpoint, "-f", function)[0] == {WRONG}
        done = retryctl(endpoint, "trace", RIGHT, "-f", function)
        assert done.returncode == 4, done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("-f", FUNCTION_ARN.format("eu-west-1", OWN), "--region", "us-east-1"),
        ("-g", GROUP_ARN.format("eu-west-1", OWN, GROUP), "--region", "us-east-1"),
        (
            *("-f", FUNCTION_ARN.format("eu-west-1", OWN)),
            *("-g", GROUP_ARN.format("us-east-1", OWN, GROUP)),
        ),
        (
            *("-f", FUNCTION_ARN.format("eu-west-1", OWN)),
            *("-g", GROUP_ARN.format("eu-west-1", OTHER_ACCOUNT, GROUP)),
        ),
    ],
)
@pytest.mark.parametrize("command", [("trace", WRONG), ("list",), ("check",)])
def test_an_option_that_contradicts_an_arn_is_refused(
    endpoint: Endpoint, command: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    done = retryctl(endpoint, *command, *arguments)
    assert done.returncode == 2
    assert "contradicts" in done.stderr or "another account or region" in done.stderr
    assert not endpoint.calls


def test_lambda_at_edge_logs_in_many_regions_and_is_configured_in_one(endpoint: Endpoint) -> None:
    endpoint.function("viewer", Timeout=5)
    group = "/aws/lambda/us-east-1.viewer"
    endpoint.put(group, HERE, attempt(WRONG, now_ms() - HOUR, 0))
    for where in (("-g", group), ("-f", "us-east-1.viewer")):
        for command in (("trace", WRONG), ("list",)):
            endpoint.regions.clear()
            done = retryctl(endpoint, *command, *where, "--region", "eu-west-1")
            assert done.returncode == 0, done.stderr
            assert "not known" not in done.stderr
            assert endpoint.regions["FilterLogEvents"] == {"eu-west-1"}
            assert endpoint.regions["GetFunctionConfiguration"] == {"us-east-1"}


# --------------------------------------------------------------------------- versions


def with_two_versions(endpoint: Endpoint) -> None:
    endpoint.function("orders-worker", Timeout=3)
    endpoint.put(GROUP, HERE.replace("$LATEST", "7"), of_version(WRONG, "7"))
    endpoint.put(GROUP, YESTERDAY.replace("$LATEST", "8"), of_version(RIGHT, "8"))


def test_a_version_is_selected_alone(endpoint: Endpoint) -> None:
    with_two_versions(endpoint)
    assert listed(endpoint, "-f", "orders-worker:7")[0] == {WRONG}
    assert listed(endpoint, "-f", "orders-worker:8")[0] == {RIGHT}
    assert listed(endpoint, "-f", "orders-worker")[0] == {WRONG, RIGHT}
    for command in ("summary", "check"):
        done = retryctl(endpoint, command, "orders-worker:7", "-o", "json")
        assert json.loads(done.stdout)["requests"] in (1, [WRONG]) or WRONG in done.stdout
        assert RIGHT not in done.stdout
    done = retryctl(endpoint, "trace", RIGHT, "-f", "orders-worker:7")
    assert done.returncode == 4
    assert f"{RIGHT} ran version 8" in done.stderr


def test_an_alias_selects_the_versions_that_it_routes_to(endpoint: Endpoint) -> None:
    with_two_versions(endpoint)
    endpoint.lambdas.aliases["orders-worker"] = {"live", "split"}
    endpoint.lambdas.routing["orders-worker", "live"] = {"8": 1.0}
    endpoint.lambdas.routing["orders-worker", "split"] = {"7": 0.9, "8": 0.1}
    found, said = listed(endpoint, "-f", "orders-worker:live")
    assert found == {RIGHT}
    assert "orders-worker:live now runs version 8" in said
    found, said = listed(endpoint, "-f", "orders-worker:split")
    assert found == {WRONG, RIGHT}
    assert "version 7 and 8" in said


def test_an_alias_whose_routing_cannot_be_read_selects_all_and_says_so(endpoint: Endpoint) -> None:
    with_two_versions(endpoint)
    found, said = listed(endpoint, "-f", "orders-worker:gone")
    assert found == {WRONG, RIGHT}
    assert "the alias does not exist" in said
    assert "no alias or version gone" in said
    endpoint.lambdas.aliases["orders-worker"] = {"live"}
    endpoint.faults.denied = {"lambda:GetAlias"}
    found, said = listed(endpoint, "-f", "orders-worker:live")
    assert found == {WRONG, RIGHT}
    assert "The versions that orders-worker:live runs are not known" in said


def test_an_unknown_function_is_no_unknown_alias(endpoint: Endpoint) -> None:
    endpoint.put(GROUP, HERE, attempt(WRONG, now_ms() - HOUR, 0))
    _, said = listed(endpoint, "-f", "orders-worker:live")
    assert "the function does not exist here" in said
    assert "alias" not in said


def test_a_version_is_selected_in_a_saved_log(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(
        "".join(
            json.dumps(
                {
                    "logGroupName": GROUP,
                    "logStreamName": f"2026/11/23/[{version}]{version * 32}",
                    "timestamp": at,
                    "message": text,
                }
            )
            + "\n"
            for request_id, version in ((WRONG, "7"), (RIGHT, "8"))
            for at, text in of_version(request_id, version)
        )
    )
    source = ("--from", str(path))
    rows = run("list", *source, "-f", "orders-worker:7", "-o", "jsonl").stdout
    assert WRONG in rows
    assert RIGHT not in rows
    done = run("trace", WRONG, RIGHT, *source, "-f", "orders-worker:7", "-o", "json")
    assert list(json.loads(done.stdout)["not_found"]) == [RIGHT]
    done = run("list", *source, "-f", "orders-worker:live")
    assert RIGHT in done.stdout
    assert "A log does not name aliases" in done.stderr
    done = run("list", "orders-worker:7", "other", *source)
    assert done.returncode == 2


# --------------------------------------------------------------------------- empty values


@pytest.mark.parametrize(
    "option", ["--function", "--log-group", "--profile", "--region", "--endpoint-url"]
)
@pytest.mark.parametrize("command", ["trace", "list", "summary", "check"])
def test_an_empty_value_is_refused(command: str, option: str) -> None:
    done = run(command, option, "", *(("-f", "orders") if option != "--function" else ()))
    assert done.returncode == 2
    assert f"{option} is empty" in done.stderr
