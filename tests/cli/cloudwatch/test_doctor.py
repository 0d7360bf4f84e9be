"""``retryctl doctor`` over HTTP: each check passes, fails, and is denied.

A function without faults and one with many are on moto (Lambda, SQS, Kinesis, IAM) behind the
policies of a user; what moto does not keep of a log is on the strict endpoint.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from retryctl import __version__
from retryctl.app.doctor import examine_function
from retryctl.app.options import SILENT, SourceOptions
from retryctl.config import ProjectConfig
from retryctl.core.doctor.checks import CHECKS
from tests.cli.cloudwatch.doctor_functions import (
    GROUP,
    NAME,
    code_with,
    make_function,
    with_faults,
    without_faults,
)
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS, attempt, now_ms
from tests.support.aws_with_policies import GuardedAws, guarded_server, reader_with
from tests.support.counters_world import Aws
from tests.support.lambda_log import ID, Environment, stream_name
from tests.support.program import run

FORMS = ("junit", "sarif", "github", "gitlab", "tap", "markdown")

# check -> where it fails, and an IAM action without which it cannot be made
TABLE: dict[str, tuple[str, str]] = {
    "retries-by-qualifier": ("moto", "lambda:ListFunctionEventInvokeConfigs"),
    "last-branch": ("moto", "lambda:ListFunctionEventInvokeConfigs"),
    "event-age": ("moto", "lambda:ListFunctionEventInvokeConfigs"),
    "failed-events-kept": ("moto", "lambda:ListFunctionEventInvokeConfigs"),
    "failed-events-target": ("lost", "lambda:ListFunctionEventInvokeConfigs"),
    "caller-read-timeout": ("moto", "lambda:GetFunctionConfiguration"),
    "queue-visibility": ("moto", "sqs:GetQueueAttributes"),
    "queue-dead-letter": ("moto", "sqs:GetQueueAttributes"),
    "stream-retries": ("moto", "lambda:ListEventSourceMappings"),
    "event-sources": ("moto", "lambda:ListEventSourceMappings"),
    "invoke-permissions": ("moto", "lambda:GetPolicy"),
    "attempts-logged": ("endpoint", "lambda:GetFunctionConfiguration"),
    "counters-logged": ("endpoint", "lambda:GetFunctionConfiguration"),
    "log-group-class": ("endpoint", "logs:DescribeLogGroups"),
    "log-retention": ("moto", "logs:DescribeLogGroups"),
    "log-masking": ("endpoint", "logs:DescribeLogGroups"),
    "request-id-index": ("endpoint", "logs:DescribeFieldIndexes"),
    "reserved-concurrency": ("moto", "lambda:GetFunctionConcurrency"),
    "prepared-environments": ("moto", "lambda:ListProvisionedConcurrencyConfigs"),
    "checkable": ("endpoint", "lambda:GetFunctionConfiguration"),
    "tmp-odds": ("odds", "logs:FilterLogEvents"),
    "counter-version": ("moto", "lambda:GetFunction"),
}


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Aws, GuardedAws]]:
    with guarded_server() as running:
        yield running


@pytest.fixture
def guarded(server: tuple[Aws, GuardedAws]) -> tuple[Aws, GuardedAws]:
    """moto, empty, with the answers that it lacks: of provisioned concurrency and of queries."""
    aws, guard = server
    aws.reset()
    guard.answers = {
        "ListProvisionedConcurrencyConfigs": {"ProvisionedConcurrencyConfigs": []},
        "DescribeFieldIndexes": {"fieldIndexes": [{"fieldIndexName": "requestId"}]},
        "GetTransformer": {},
        "DescribeAccountPolicies": {"accountPolicies": []},
        "GetFunction": {
            "Configuration": {"PackageType": "Zip"},
            "Code": {"Location": f"{aws.url}/code.zip"},
        },
    }
    guard.missing = {"GetQueryResults", "StopQuery"}
    guard.files = {"/code.zip": code_with(__version__)}
    return aws, guard


def diagnoses(aws: Aws, status: int, **env: str) -> dict[str, Any]:
    done = run("doctor", NAME, "-o", "json", env={**aws.environ(), **env})
    assert done.returncode == status, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "retryctl/doctor/1"
    checks = {check.pop("name"): check for check in document["checks"]}
    assert list(checks) == list(CHECKS)
    return checks


def results(checks: dict[str, Any]) -> dict[str, bool | None]:
    return {name: check["passed"] for name, check in checks.items()}


def failing_in(world: str) -> set[str]:
    return {name for name, (where, _) in TABLE.items() if where == world}


def test_every_check_is_in_the_table() -> None:
    assert [*TABLE, "permissions"] == list(CHECKS)


def test_every_check_passes(guarded: tuple[Aws, GuardedAws]) -> None:
    aws, _ = guarded
    without_faults(aws)
    found = diagnoses(aws, 0)
    assert results(found) == dict.fromkeys(CHECKS, True)
    assert f"version {__version__}" in found["counter-version"]["evidence"]


def test_checks_fail_on_moto(guarded: tuple[Aws, GuardedAws]) -> None:
    aws, guard = guarded
    with_faults(aws, guard)
    found = diagnoses(aws, 1)
    failed = {name for name, passed in results(found).items() if passed is False}
    assert failed == failing_in("moto")
    assert all(found[name]["evidence"] and found[name]["remedy"] for name in failed)
    text = run("doctor", NAME, env=aws.environ())
    assert text.returncode == 1
    assert "✗ last-branch" in text.stdout
    assert f"{len(failed)} failed and 1 could not be checked, of 23 checks" in text.stdout


def test_checks_fail_on_the_strict_endpoint(endpoint: Endpoint) -> None:
    """Format, levels, class and masks of the log, which moto does not keep."""
    logging = {"LogFormat": "JSON", "SystemLogLevel": "WARN", "ApplicationLogLevel": "ERROR"}
    endpoint.function(
        NAME,
        Timeout=30,
        LoggingConfig=logging,
        DurableConfig={"ExecutionTimeout": 60},
    )
    endpoint.group(GROUP, log_class="INFREQUENT_ACCESS", data_protection="ACTIVATED")
    found = results(diagnoses(Aws(endpoint.url), 1, **CREDENTIALS))
    assert {name for name, passed in found.items() if passed is False} == failing_in("endpoint")
    assert found["caller-read-timeout"] is True
    assert found["event-sources"] is True  # it knows of none


def test_a_destination_that_does_not_exist(guarded: tuple[Aws, GuardedAws]) -> None:
    aws, _ = guarded
    without_faults(aws)
    aws.client("sqs").delete_queue(QueueUrl=f"{aws.url}/123456789012/failed")
    found = diagnoses(aws, 1)
    assert {name for name, passed in results(found).items() if passed is False} == failing_in(
        "lost"
    )


def test_the_odds_of_a_counter_in_tmp(endpoint: Endpoint) -> None:
    """Two retries of the last day, of which one ran in another environment."""
    endpoint.function(NAME, Timeout=30)
    endpoint.group(GROUP)
    at_ms = now_ms() - 3_600_000
    for number, letter in enumerate("aab"):
        events = attempt(ID, at_ms + number * 180_000, number)
        endpoint.put(GROUP, stream_name(letter), events)
    found = diagnoses(Aws(endpoint.url), 1, **CREDENTIALS)["tmp-odds"]
    assert found["passed"] is False
    assert "1 of 2 retries ran in another environment" in found["evidence"]
    assert "50.0%" in found["evidence"]


def test_a_web_function_has_no_retries(endpoint: Endpoint) -> None:
    endpoint.function(NAME, Timeout=30)
    endpoint.group(GROUP)
    web = Environment("a", json=True).inits()
    web.platform("invokeStart", {"functionName": NAME, "instanceId": "i1"})
    web.platform("requestComplete", {"requestId": ID, "status": "success"})
    at_ms = now_ms() - 3_600_000
    events = [(at_ms + number, event.message) for number, event in enumerate(web.events)]
    endpoint.put(GROUP, stream_name("a"), events)
    odds = diagnoses(Aws(endpoint.url), 1, **CREDENTIALS)["tmp-odds"]
    assert odds["passed"] is True
    assert "web function, whose requests are not events" in odds["evidence"]


def test_a_function_url_invokes_synchronously(guarded: tuple[Aws, GuardedAws]) -> None:
    aws, _ = guarded
    without_faults(aws)
    client = aws.client("lambda")
    client.create_function_url_config(FunctionName=NAME, AuthType="NONE")
    client.add_permission(
        FunctionName=NAME,
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    found = diagnoses(aws, 0)
    assert results(found) == dict.fromkeys(CHECKS, True)
    assert "A function URL invokes it synchronously" in found["invoke-permissions"]["evidence"]


@pytest.mark.parametrize(
    "refused",
    [
        {"lambda:GetFunctionConfiguration", "lambda:ListEventSourceMappings"},
        {action for _, action in TABLE.values()}
        - {"lambda:GetFunctionConfiguration", "lambda:ListEventSourceMappings"},
    ],
    ids=["configuration", "the rest"],
)
def test_checks_are_denied_by_a_policy(guarded: tuple[Aws, GuardedAws], refused: set[str]) -> None:
    aws, _ = guarded
    without_faults(aws)
    reader = reader_with(
        aws,
        {"Effect": "Allow", "Action": "*"},
        {"Effect": "Deny", "Action": sorted(refused)},
    )
    found = diagnoses(aws, 1, **reader)
    for name, (_, action) in TABLE.items():
        if action in refused:
            assert found[name]["passed"] is None, name
            assert found[name]["remedy"] == f"Allow {action}.", name
    assert found["permissions"]["passed"] is False
    lacks = rf"doctor lacks? {', '.join(sorted(refused))}"
    assert re.search(lacks, found["permissions"]["evidence"])


@pytest.mark.usefixtures("credentials")
def test_a_busy_group_is_not_read_without_end(endpoint: Endpoint) -> None:
    endpoint.function(NAME, Timeout=30)
    at_ms = now_ms() - 3_600_000
    endpoint.group(GROUP)
    for number in range(20):
        endpoint.put(GROUP, stream_name("a"), attempt(ID, at_ms + number * 100_000, 0))
    report = examine_function(
        SourceOptions(endpoint_url=endpoint.url, region="us-east-1"),
        ProjectConfig(),
        NAME,
        now_ms=now_ms(),
        feedback=SILENT,
        longest_s=0,
        clock=count().__next__,
    )
    (odds,) = [each for each in report.diagnoses if each.name == "tmp-odds"]
    assert odds.passed is None
    assert "longer to read than 0 s" in odds.evidence


@pytest.mark.parametrize("kind", ["damaged", "no HTTP", "large"])
def test_code_that_cannot_be_read_stops_no_other_check(
    guarded: tuple[Aws, GuardedAws], kind: str
) -> None:
    aws, guard = guarded
    without_faults(aws)
    found = dict(guard.answers["GetFunction"])
    if kind == "large":
        found["Configuration"] = {"Layers": [{"Arn": "arn:aws:x", "CodeSize": 90_000_000}]}
    elif kind == "damaged":
        content = bytearray(guard.files["/code.zip"])
        content[60:80] = b"\xff" * 20
        guard.files["/code.zip"] = bytes(content)
    else:
        with socket.create_server(("127.0.0.1", 0)) as server:
            found["Code"] = {"Location": f"http://127.0.0.1:{server.getsockname()[1]}/"}
    guard.answers["GetFunction"] = found
    result = results(diagnoses(aws, 5))
    assert {name for name, passed in result.items() if passed is None} == {"counter-version"}


def test_a_user_without_a_policy(guarded: tuple[Aws, GuardedAws]) -> None:
    aws, _ = guarded
    without_faults(aws)
    found = diagnoses(aws, 1, **reader_with(aws, {"Effect": "Allow", "Action": "iam:GetUser"}))
    assert results(found) == {**dict.fromkeys(CHECKS), "permissions": False}
    lacks = found["permissions"]["evidence"]
    assert "trace, diff, list, summary and check lack lambda:GetAlias" in lacks
    assert "--unmask lacks logs:Unmask" in lacks


@pytest.mark.parametrize(
    "action", ["logs:GetTransformer", "logs:DescribeAccountPolicies", "logs:DescribeFieldIndexes"]
)
@pytest.mark.usefixtures("credentials")
def test_the_actions_of_a_query_are_those_of_the_commands(endpoint: Endpoint, action: str) -> None:
    endpoint.function(NAME, Timeout=30)
    endpoint.group(GROUP)
    endpoint.faults.denied.add(action)
    lacks = diagnoses(Aws(endpoint.url), 1, **CREDENTIALS)["permissions"]
    assert lacks["passed"] is False
    commands = "trace, diff, list, summary(,| and) check( and doctor)?"
    assert re.search(rf"{commands} lack ([\w:]+, )*{action}\b", lacks["evidence"]), lacks


def test_the_formats_of_a_check(guarded: tuple[Aws, GuardedAws], tmp_path: Path) -> None:
    aws, guard = guarded
    with_faults(aws, guard)
    names = {form: f"report.{form}" for form in FORMS}
    reports = [word for form, name in names.items() for word in ("--report", f"{form}={name}")]
    done = run("doctor", NAME, *reports, env=aws.environ(), cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    written = {form: (tmp_path / name).read_text() for form, name in names.items()}
    for form, text in written.items():
        assert "queue-dead-letter" in text, form
        assert "RedrivePolicy" in text, form
    assert 'testsuites name="retryctl doctor" tests="23"' in written["junit"]
    assert "not ok 2 - last-branch\n" in written["tap"]
    assert "requests" not in written["tap"].rpartition("#")[2]
    (sarif,) = json.loads(written["sarif"])["runs"]
    assert {rule["id"] for rule in sarif["tool"]["driver"]["rules"]} >= failing_in("moto")
    assert written["markdown"].startswith("## ❌ retryctl doctor: ")
    assert run("doctor", NAME, "-o", "html", env=aws.environ()).returncode == 2


def test_no_such_function(guarded: tuple[Aws, GuardedAws]) -> None:
    done = run("doctor", "no-such-function", env=guarded[0].environ())
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "retryctl: the function no-such-function does not exist in us-east-1.\n"
        "Check the name, --region and --profile.\n"
    )


def test_a_function_that_does_not_exist_leads_to_names_near_it(
    guarded: tuple[Aws, GuardedAws],
) -> None:
    make_function(guarded[0], Timeout=30)
    done = run("doctor", NAME[:-1], env=guarded[0].environ())
    assert done.returncode == 3
    assert f"the function {NAME[:-1]} does not exist" in done.stderr
    assert f"Did you mean {NAME}?" in done.stderr
