"""The examples run: each fails, runs its branch, and says so."""

import json
import runpy
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from retryctl.counters import TmpCounter
from tests.support.counters_world import ROOT, STREAM, aws_server, make_table, markers

GROUP = "/aws/lambda/example"

RUN = """
import importlib, json, sys

class Context:
    aws_request_id, log_stream_name = sys.argv[2:4]

handler = importlib.import_module(sys.argv[1]).lambda_handler
try:
    print(handler(json.loads(sys.argv[4]), Context))
except RuntimeError as error:
    print("raised", error)
"""


@pytest.fixture(scope="module")
def aws():
    with aws_server() as server:
        server.client("s3").create_bucket(Bucket="retries")
        make_table(server, "retries")
        server.client("logs").create_log_group(logGroupName=GROUP)
        server.client("logs").create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
        yield server


@pytest.fixture
def request_id():
    """An ID of its own: the examples count in the real /tmp."""
    fresh = str(uuid.uuid4())
    yield fresh
    for file in Path("/tmp").glob(f"{fresh}_*"):
        file.unlink()


def run(aws, example, request_id, event):
    environ = {
        **aws.environ(),
        "RETRIES_BUCKET": "retries",
        "RETRIES_TABLE": "retries",
        "AWS_LAMBDA_LOG_GROUP_NAME": GROUP,
        "AWS_LAMBDA_LOG_STREAM_NAME": STREAM,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'examples'}",
    }
    command = [sys.executable, "-c", RUN, example, request_id, STREAM, json.dumps(event)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def platform_records(aws, attempt_number, messages):
    """What Lambda would write around an attempt, a minute and more after the one before."""
    at_ms = int(time.time() * 1000) - (3 - attempt_number) * 70_000
    aws.client("logs").put_log_events(
        logGroupName=GROUP,
        logStreamName=STREAM,
        logEvents=[{"timestamp": at_ms + n, "message": text} for n, text in enumerate(messages)],
    )


def test_the_tmp_counter_goes_on_from_what_the_example_by_hand_left(request_id):
    by_hand = runpy.run_path(str(ROOT / "examples" / "tmp_counter_by_hand.py"))
    by_hand["leave_mark"](request_id)
    counter = TmpCounter()
    assert counter.count(request_id) == 1
    counter.record(request_id)
    assert by_hand["count_marks"](request_id) == 2


@pytest.mark.parametrize("store", ["tmp", "s3", "dynamodb", "logs"])
def test_an_example_runs_a_b_c(aws, store, request_id):
    for number, branch in enumerate("ABC"):
        platform_records(aws, number, [f"START RequestId: {request_id} Version: $LATEST\n"])
        output = run(aws, f"{store}_counter", request_id, {})
        platform_records(aws, number, [f"END RequestId: {request_id}\n"])
        assert output.endswith(f"process {branch}\nraised this handler fails on purpose\n")
        (said,) = markers(output)
        assert (said["counter"], said["branch"], said["store"]) == (number, branch, store)
        assert (said["recorded"], said["environment"]) == (True, STREAM)
    assert run(aws, f"{store}_counter", request_id, {"succeed": True}) == "{'statusCode': 200}\n"
