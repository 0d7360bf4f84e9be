"""The counters in the lab: what their histories come to, when each is right and when wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import check_request
from retryctl.core.model.attempt import AttemptOutcome
from retryctl.core.model.coverage import Coverage
from retryctl.lab.plugin import HandlerLab
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.counter_stores import read_count
from tests.support.counters_world import ROOT, Aws
from tests.support.light_aws_client import SOURCE
from tests.support.program import run as retryctl
from tests.support.truth_table import STORES

HANDLER = """
import sys
sys.path.append({root!r})
from retryctl.counters import DynamoDBCounter, S3Counter, TmpCounter, branch_on_retry
{client}
counter = {counter}

def lambda_handler(event, context):
    return branch_on_retry(
        counter, event, context, work, a=branch("A"), b=branch("B"), c=branch("C"), count={count!r}
    )

def work(event, context):
    {first_attempt}
    raise RuntimeError("fails on purpose")

def branch(name):
    return lambda event, context: print("process", name)
"""

DURABLE = ["s3", "dynamodb"]


@pytest.fixture
def run(aws: Aws, tmp_path: Path) -> Any:
    """Run a handler that counts in ``store`` by ``plan``, and judge its log."""

    def run(
        store: str, plan: str, count: Any = "failures", first_attempt: Any = "pass", **settings: Any
    ) -> Any:
        text = HANDLER.format(
            root=str(ROOT),
            client=SOURCE,
            counter=STORES[store],
            count=count,
            first_attempt=first_attempt,
        )
        (tmp_path / "handler.py").write_text(text)
        handler = "handler.py:lambda_handler"
        env = {name: value for name, value in aws.environ().items() if "REGION" not in name}
        lab = HandlerLab.open(handler, tmp_path, env=env, **{"timeout": 5.0, **settings})
        return lab.check(plan)

    return run


def story(checked: Any) -> Any:
    """Of each attempt the counter and the branch that it logged."""
    return [(each.claim.counter, each.claim.branch) for each in checked.request.attempts]


def rules(checked: Any) -> Any:
    return {finding.rule for finding in checked.findings} - {"retries-exhausted"}


ABC = [(0, "A"), (1, "B"), (2, "C")]


@pytest.mark.parametrize(
    ("log_format", "level"), [("text", None), ("json", None), ("json", "WARN"), ("json", "FATAL")]
)
def test_the_marker_is_read_in_each_log_format_and_level(
    run: Any, log_format: str, level: str | None
) -> None:
    checked = run("tmp", "same,same", log_format=log_format, application_level=level)
    assert (story(checked), checked.verdict) == (ABC, Verdict.AGREES)


@pytest.mark.parametrize("count", ["failures", "starts"])
def test_a_switch_of_environment_breaks_tmp(run: Any, count: Any) -> None:
    checked = run("tmp", "fresh,same", count)
    assert story(checked) == [(0, "A"), (0, "A"), (1, "B")]
    assert (checked.verdict, rules(checked)) == (Verdict.DISAGREES, {"environment-switch"})


@pytest.mark.parametrize("count", ["failures", "starts"])
@pytest.mark.parametrize("store", DURABLE)
def test_a_switch_of_environment_does_not_break_a_durable_store(
    run: Any, door: AwsClient, store: str, count: Any
) -> None:
    checked = run(store, "fresh,fresh", count)
    assert story(checked) == ABC
    assert (checked.verdict, rules(checked)) == (Verdict.AGREES, set())
    assert found_in(store, checked.request, door) == []


@pytest.mark.parametrize("store", ["tmp", "dynamodb"])
def test_an_attempt_that_never_came_back_breaks_counting_failures(run: Any, store: str) -> None:
    checked = run(store, "first+timeout,same,same")
    assert story(checked) == [(None, None), (0, "A"), (1, "B")]
    assert (checked.verdict, rules(checked)) == (Verdict.DISAGREES, {"uncounted-attempt"})


@pytest.mark.parametrize(
    ("store", "end", "outcome"),
    [
        ("tmp", "time.sleep(60)", AttemptOutcome.TIMEOUT),
        ("dynamodb", "os.kill(os.getpid(), signal.SIGKILL)", AttemptOutcome.CRASH),
    ],
)
def test_an_attempt_that_never_came_back_does_not_break_counting_starts(
    run: Any, store: str, end: str, outcome: AttemptOutcome
) -> None:
    if_first = "if counter.count(context.aws_request_id) == 1: import os, signal, time; "
    checked = run(store, "same,same", "starts", if_first + end, timeout=2.0)
    assert [each.outcome for each in checked.request.attempts] == [
        outcome,
        AttemptOutcome.ERROR,
        AttemptOutcome.ERROR,
    ]
    assert story(checked) == [(0, None), (1, "B"), (2, "C")]
    assert (checked.verdict, rules(checked)) == (Verdict.AGREES, set())


@pytest.fixture
def door(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in aws.environ().items():
        monkeypatch.setenv(name, value)
    return AwsClient()


PLACES = {"s3": "s3://retries/retries", "dynamodb": "dynamodb://retries"}


def found_in(store: str, request: Any, door: AwsClient) -> Any:
    """The finding of ``store-differs``, if any, that the store itself gives for the request."""
    stored = read_count(PLACES[store], [request.request_id], door)[request.request_id]
    checked = check_request(request, Coverage(source="lab", horizon_ms=0), stored=stored)
    return [finding for finding in checked.findings if finding.rule == "store-differs"]


@pytest.mark.parametrize("store", DURABLE)
@pytest.mark.parametrize("count", ["failures", "starts"])
def test_the_store_holds_what_the_log_shows(
    run: Any, door: AwsClient, store: str, count: Any
) -> None:
    request = run(store, "first+timeout,same", count).request
    assert found_in(store, request, door) == []


@pytest.mark.parametrize("store", DURABLE)
def test_one_more_in_the_store_than_in_the_log_differs(
    run: Any, aws: Aws, door: AwsClient, store: str
) -> None:
    request = run(store, "fresh,same").request
    if store == "s3":
        name = f"retries/{request.request_id}/20261123030000123456-0123456789abcdef"
        aws.client("s3").put_object(Bucket="retries", Key=name)
    else:
        aws.client("dynamodb").update_item(
            TableName="retries",
            Key={"request_id": {"S": request.request_id}},
            UpdateExpression="ADD attempts :one",
            ExpressionAttributeValues={":one": {"SS": ["20261123030000123456-0123456789abcdef"]}},
        )
    [finding] = found_in(store, request, door)
    assert finding.message.endswith("has 4 attempts of this request; by the log it should have 3.")
    of_the_store = [event for event in finding.evidence if event.message.startswith(store)]
    assert len(of_the_store) == 4
    assert len(finding.evidence) == 4 + 3


def test_an_empty_store_differs_and_says_so(run: Any, aws: Aws, door: AwsClient) -> None:
    request = run("dynamodb", "same").request
    aws.client("dynamodb").delete_item(
        TableName="retries", Key={"request_id": {"S": request.request_id}}
    )
    [finding] = found_in("dynamodb", request, door)
    assert "has 0 attempts" in finding.message
    assert finding.evidence[0].message == f"dynamodb://retries {request.request_id}: no attempt"


def test_the_command_asks_the_store(run: Any, aws: Aws, tmp_path: Path) -> None:
    checked = run("dynamodb", "fresh,same")
    log = tmp_path / "log.jsonl"
    rows = [
        {"timestamp": e.timestamp_ms, "logStreamName": e.log_stream, "message": e.message}
        for attempt in checked.request.attempts
        for e in attempt.events
    ]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    request_id = checked.request.request_id

    def trace(store: str) -> Any:
        arguments = ("trace", request_id, "--from", str(log), "--store", store, "-o", "json")
        return retryctl(*arguments, env=aws.environ())

    def rules_of(done: Any) -> Any:
        return {each["rule"] for each in json.loads(done.stdout)["requests"][0]["findings"]}

    assert rules_of(trace("dynamodb://retries")) == {"retries-exhausted"}
    aws.client("dynamodb").delete_item(TableName="retries", Key={"request_id": {"S": request_id}})
    assert rules_of(trace("dynamodb://retries")) == {"retries-exhausted", "store-differs"}
    assert trace("mysql://retries").returncode == 2
    missing = trace("dynamodb://nowhere")
    assert (missing.returncode, missing.stdout) == (3, "")
