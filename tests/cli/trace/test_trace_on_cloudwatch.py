"""``retryctl trace`` from outside, over HTTP, on the history that the package carries."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli import ID
from tests.endpoint.server import Endpoint
from tests.support import aws_program
from tests.support.aws_program import GROUP
from tests.support.program import run

DEMO = Path(__file__).parents[3] / "retryctl" / "demo.jsonl"
WINDOW = ("--since", "2026-11-23T02:00Z", "--until", "2026-11-23T04:00Z")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        _load(running)
        yield running


def _load(endpoint: Endpoint) -> None:
    events = [json.loads(line) for line in DEMO.read_text("utf-8").splitlines()]
    endpoint.group(GROUP)
    endpoint.load(GROUP, [(e["logStreamName"], e["timestamp"], e["message"]) for e in events])


@pytest.fixture(scope="module")
def saved() -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("demo", "-o", "jsonl").stdout.splitlines()]


def trace(endpoint: Endpoint, *arguments: str, env: Mapping[str, str] | None = None) -> Any:
    return aws_program.trace(endpoint, *arguments, *WINDOW, env=env)


@pytest.mark.parametrize(
    ("where", "env"),
    [
        (["-f", "orders-worker"], {}),
        (["-f", "arn:aws:lambda:us-east-1:123456789012:function:orders-worker"], {}),
        (["-g", GROUP], {}),
        ([], {"RETRYCTL_FUNCTION": "orders-worker"}),
    ],
)
def test_the_same_story_as_from_the_saved_log(
    endpoint: Endpoint, saved: list[dict[str, Any]], where: list[str], env: dict[str, str]
) -> None:
    ids = [request["request_id"] for request in saved]
    done = trace(endpoint, *ids, *where, "-o", "json", env=env)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["coverage"]["source"] == "cloudwatch"
    assert document["coverage"]["log_groups"] == [GROUP]
    assert [_told(one) for one in document["requests"]] == [_told(one) for one in saved]


def _told(request: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on how the events were read: GetLogEvents gives no event IDs."""
    request = json.loads(json.dumps(request))
    for finding in request["findings"]:
        for event in finding["evidence"]:
            del event["event_id"]
    return request


def test_what_is_not_known_of_the_function_is_said_and_hinders_nothing(
    endpoint: Endpoint, saved: list[dict[str, Any]]
) -> None:
    request_id = saved[0]["request_id"]
    said = trace(endpoint, request_id, "-f", "orders-worker")
    assert said.returncode == 0
    assert "Lambda's defaults are assumed" in said.stderr
    assert trace(endpoint, request_id, "-f", "orders-worker", "-q").stderr == ""


def test_the_functions_own_settings_count(saved: list[dict[str, Any]]) -> None:
    with Endpoint() as running:
        _load(running)
        running.function("orders-worker", Timeout=3, event_invoke={"MaximumRetryAttempts": 1})
        done = trace(running, saved[0]["request_id"], "-g", GROUP, "-o", "json")
    (request,) = json.loads(done.stdout)["requests"]
    assert "extra-attempt" in [finding["rule"] for finding in request["findings"]]
    assert done.stderr == ""


def test_an_unknown_id(endpoint: Endpoint) -> None:
    done = trace(endpoint, ID, "-f", "orders-worker", "-q")
    assert (done.returncode, done.stdout) == (4, "")
    assert f"{ID} was not found." in done.stderr
    assert "--since" in done.stderr


def test_a_log_group_that_is_not_there(endpoint: Endpoint) -> None:
    done = trace(endpoint, ID, "-f", "orders-workr", "-q")
    assert (done.returncode, done.stdout) == (3, "")
    assert "/aws/lambda/orders-workr" in done.stderr
    assert GROUP in done.stderr


def test_without_credentials(endpoint: Endpoint) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    done = trace(endpoint, ID, "-f", "orders-worker", env=none)
    assert (done.returncode, done.stdout) == (3, "")
    assert "credentials" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_place_to_look_for_a_whole_window(endpoint: Endpoint, tmp_path: Path) -> None:
    done = run("check", cwd=tmp_path)
    assert done.returncode == 2
    assert "-f" in done.stderr
    assert "-g" in done.stderr


def test_debug_logs_the_calls(endpoint: Endpoint, saved: list[dict[str, Any]]) -> None:
    done = trace(endpoint, saved[0]["request_id"], "-g", GROUP, "--debug")
    assert done.returncode == 0
    assert "FilterLogEvents" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    "where",
    [
        ["-f", "arn:aws:lambda:eu-north-1:123456789012:function:orders-worker"],
        ["-f", "orders-worker", "--region", "eu-north-1"],
    ],
)
def test_the_commands_to_copy_go_to_the_same_place(endpoint: Endpoint, where: list[str]) -> None:
    wrong = "d869069c-1c88-49a9-9779-0fbb5587aaa5"
    text = re.sub(r"\\\n *", "", trace(endpoint, wrong, *where).stdout)
    command = next(line for line in text.splitlines() if "retryctl list" in line).strip()
    window = "--since 2026-11-23T02:00:00.000Z --until 2026-11-23T04:00:00.000Z"
    place = f"{window} --region eu-north-1 --endpoint-url {endpoint.url}"
    assert command == f"retryctl list -f orders-worker --verdict disagrees {place}"
    again = run(*command.split()[1:], env=aws_program.CREDENTIALS)
    assert again.returncode == 0, again.stderr
    assert wrong in again.stdout
