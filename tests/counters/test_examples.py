"""The examples run: each fails, runs its branch, and says so."""

import io
import runpy
import time
import uuid
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from retryctl.counters import TmpCounter
from tests.support.counters_world import ROOT, STREAM, Aws, make_table, markers

GROUP = "/aws/lambda/example"


@dataclass
class Context:
    aws_request_id: str
    log_stream_name: str = STREAM


@pytest.fixture(scope="module")
def served(moto: Aws) -> Aws:
    moto.reset()
    moto.client("s3").create_bucket(Bucket="retries")
    make_table(moto, "retries")
    moto.client("logs").create_log_group(logGroupName=GROUP)
    moto.client("logs").create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    return moto


@pytest.fixture
def request_id() -> Iterator[str]:
    """An ID of its own: the examples count in the real /tmp."""
    fresh = str(uuid.uuid4())
    yield fresh
    for file in Path("/tmp").glob(f"{fresh}_*"):
        file.unlink()


def environment_of(aws: Aws) -> dict[str, str]:
    return {
        **aws.environ(),
        "RETRIES_BUCKET": "retries",
        "RETRIES_TABLE": "retries",
        "AWS_LAMBDA_LOG_GROUP_NAME": GROUP,
        "AWS_LAMBDA_LOG_STREAM_NAME": STREAM,
    }


def attempt(example: str, request_id: str, event: dict[str, Any]) -> str:
    """Import the example, as an environment that begins does, and hand the event to it."""
    handler = runpy.run_path(str(ROOT / "examples" / f"{example}.py"))["lambda_handler"]
    printed = io.StringIO()
    with redirect_stdout(printed):
        try:
            print(handler(event, Context(request_id)))
        except RuntimeError as error:
            print("raised", error)
    return printed.getvalue()


def platform_records(aws: Aws, attempt_number: int, messages: list[str]) -> None:
    """What Lambda would write around an attempt, a minute and more after the one before."""
    at_ms = int(time.time() * 1000) - (3 - attempt_number) * 70_000
    aws.client("logs").put_log_events(
        logGroupName=GROUP,
        logStreamName=STREAM,
        logEvents=[{"timestamp": at_ms + n, "message": text} for n, text in enumerate(messages)],
    )


def test_the_tmp_counter_goes_on_from_what_the_example_by_hand_left(request_id: str) -> None:
    by_hand = runpy.run_path(str(ROOT / "examples" / "tmp_counter_by_hand.py"))
    by_hand["leave_mark"](request_id)
    counter = TmpCounter()
    assert counter.count(request_id) == 1
    counter.record(request_id)
    assert by_hand["count_marks"](request_id) == 2


@pytest.mark.parametrize("store", ["tmp", "s3", "dynamodb", "logs"])
def test_an_example_runs_a_b_c(
    served: Aws, store: str, request_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(served).items():
        monkeypatch.setenv(name, value)
    for number, branch in enumerate("ABC"):
        platform_records(served, number, [f"START RequestId: {request_id} Version: $LATEST\n"])
        output = attempt(f"{store}_counter", request_id, {})
        platform_records(served, number, [f"END RequestId: {request_id}\n"])
        assert output.endswith(f"process {branch}\nraised this handler fails on purpose\n")
        (said,) = markers(output)
        assert (said["counter"], said["branch"], said["store"]) == (number, branch, store)
        assert (said["recorded"], said["environment"]) == (True, STREAM)
    assert attempt(f"{store}_counter", request_id, {"succeed": True}) == "{'statusCode': 200}\n"
