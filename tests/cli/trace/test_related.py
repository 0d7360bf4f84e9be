"""``retryctl trace --related``: one event under several request IDs, in a saved log."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

import pytest

from tests.core.test_related import T0, Log
from tests.endpoint.server import Endpoint
from tests.support import check_logs
from tests.support.aws_program import GROUP, HOUR, now_ms, told, trace
from tests.support.program import run


@pytest.fixture
def log(tmp_path: Path) -> tuple[Path, list[str]]:
    """Three client retries of one order, and another request."""
    made = Log(Random(7))
    ids = [made.runs(61.5 * n, 95, "order 42") for n in range(3)]
    ids.append(made.runs(900, 1, "order 43"))
    return save(tmp_path / "log.jsonl", made), ids


def save(path: Path, made: Log) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for event in made.events:
            found = {
                "logGroupName": event.log_group,
                "logStreamName": event.log_stream,
                "timestamp": event.timestamp_ms,
                "message": event.message,
            }
            print(json.dumps(found), file=file)
    return path


def test_the_requests_of_one_event(log: tuple[Path, list[str]]) -> None:
    path, ids = log
    done = run("trace", "--related", ids[1], "--from", str(path), env={"COLUMNS": "100"})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "one event · client retry · 3 request IDs"
    assert [line.split()[1] for line in lines[2:5]] == ids[:3]
    axis = lines[6:9]
    assert [line.split()[0] for line in axis] == ["1", "2", "3"]
    assert sorted(axis, key=lambda line: line.index("━")) == axis
    assert "This is one event under 3 request IDs" in done.stdout
    assert "Set the caller's read timeout" in done.stdout
    assert ids[3] not in done.stdout


def test_the_document(log: tuple[Path, list[str]]) -> None:
    path, ids = log
    done = run("trace", "--related", "--key", r"order (\d+)", "--from", str(path), "-o", "json")
    document = json.loads(done.stdout)
    assert document["schema"] == "retryctl/related/1"
    (event,) = document["events"]
    assert event["key"] == {"name": "key", "value": "42"}
    assert [request["request_id"] for request in event["requests"]] == ids[:3]
    assert [request["delivery"] for request in event["requests"]] == [1, 2, 3]
    assert event["finding"] is None


def test_each_delivery_has_its_attempts(tmp_path: Path) -> None:
    path = check_logs.save(tmp_path / "log.jsonl", check_logs.exhausted(), *check_logs.switched())
    done = run("trace", "--key", "(process A)", "--from", str(path), env={"COLUMNS": "100"})
    rows = done.stdout.splitlines()[2:8]
    assert [row[:2].strip() for row in rows] == ["1", "", "", "2", "", ""]
    attempts = [re.search(r" ms +(\d \w+)", row) for row in rows]
    assert [match and match[1] for match in attempts] == [
        *("1 error", "2 error", "3 error"),
        *("1 error", "2 error", "3 ok"),
    ]


@pytest.mark.parametrize("command", ["trace", "list", "summary"])
@pytest.mark.parametrize("key", [r"order (\d+)", "$.order"])
def test_a_key_alone_relates_too(tmp_path: Path, command: str, key: str) -> None:
    """A regular expression and a path in JSON lines."""
    made = Log(Random(8))
    for n, order in enumerate(("42", "42", "43")):
        made.runs(90 * n, 1, f"order {order}", json.dumps({"order": order}))
    path = save(tmp_path / "log.jsonl", made)
    document = json.loads(run(command, "--key", key, "--from", str(path), "-o", "json").stdout)
    assert document["counts"] == {"key": {"events": 1, "requests": 2}}


def test_an_sqs_message_by_its_id(tmp_path: Path) -> None:
    message = "3c890f79-75d3-45ec-b4ac-f018b7156ffa"
    made = Log(Random(8))
    for n in range(2):
        attributes = {"ApproximateReceiveCount": str(n + 1)}
        line = json.dumps({"messageId": message, "attributes": attributes})
        made.runs(90 * n, 1, line)
    made.runs(400, 1, "another")
    path = save(tmp_path / "log.jsonl", made)
    done = run("trace", "--related", message, "--from", str(path), env={"COLUMNS": "100"})
    assert done.stdout.startswith(f"one event · messageId {message} · 2 request IDs")


def test_a_request_that_is_alone(log: tuple[Path, list[str]]) -> None:
    path, ids = log
    done = run("trace", "--related", ids[3], "--from", str(path))
    assert (done.returncode, done.stdout) == (4, "")
    assert "no request shares an event with another" in done.stderr


EXECUTION = (
    "arn:aws:lambda:eu-west-1:123456789012:function:checkout:1/"
    "durable-execution/o/46b8a832-4f7a-496d-8ddb-642382d62a36"
)


def test_a_key_names_its_event(tmp_path: Path) -> None:
    """The ARN of an execution, though an ID is in it, and a value of --key."""
    made = Log(Random(8))
    for n in range(2):
        made.runs(90 * n, 1, f"executionArn={EXECUTION} order=ORD-7")
    made.runs(400, 1, "order=ORD-8")
    path = save(tmp_path / "log.jsonl", made)
    for key in ((EXECUTION,), ("ORD-7", "--key", "order=([A-Z0-9-]+)")):
        done = run("trace", "--related", *key, "--from", str(path), "-o", "json")
        (event,) = json.loads(done.stdout)["events"]
        assert event["key"]["value"] == key[0]


@pytest.mark.parametrize("name", ["ORD-9", "3c890f79-75d3-45ec-b4ac-f018b7156ffa"])
def test_an_unknown_name(log: tuple[Path, list[str]], name: str) -> None:
    done = run("trace", "--related", name, "--from", str(log[0]), env={"COLUMNS": "400"})
    assert (done.returncode, done.stdout) == (4, "")
    assert f"'{name}' is not a request ID or the key of an event" in done.stderr
    assert f"retryctl trace --related --from {log[0]} shows 1 event." in done.stderr


def test_a_key_that_matches_no_line(tmp_path: Path) -> None:
    made = Log(Random(8))
    for n in range(2):
        made.runs(90 * n, 1, f"order 4{n}")
    path = str(save(tmp_path / "log.jsonl", made))
    done = run("trace", "--related", "--key", r"bill=(\d+)", "--from", path)
    assert (done.returncode, done.stdout) == (4, "")
    assert re.search(r"matched 0 of \d+ lines", done.stderr)
    assert "order=" not in done.stderr
    each = run("trace", "--related", "--key", r"order (\d+)", "--from", path)
    assert re.search(r"matched 2 of \d+ lines, and each value is in one", each.stderr)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--key", "order"], "it has no group"),
        (["--related", "--key", "order"], "it has no group"),
        (["--related", "-o", "svg"], "--related is not available in svg"),
    ],
)
def test_usage(log: tuple[Path, list[str]], arguments: list[str], what: str) -> None:
    done = run("trace", log[1][0], *arguments, "--from", str(log[0]))
    assert (done.returncode, done.stdout) == (2, "")
    assert what in done.stderr


def test_the_key_of_the_settings_file(log: tuple[Path, list[str]], tmp_path: Path) -> None:
    settings = tmp_path / "retryctl.toml"
    settings.write_text("[related]\nkey = 'order (\\d+)'\n")
    done = run("trace", "--related", "--from", str(log[0]), "-o", "json", cwd=tmp_path)
    (event,) = json.loads(done.stdout)["events"]
    assert event["key"] == {"name": "key", "value": "42"}
    other = ("trace", "--related", "--key", r"order (\d)", "--from", str(log[0]), "-o", "json")
    (event,) = json.loads(run(*other, cwd=tmp_path).stdout)["events"]
    assert event["key"]["value"] == "4"
    settings.write_text("[related]\nkey = 'order'\n")
    refused = run("trace", "--related", "--from", str(log[0]), cwd=tmp_path)
    assert refused.returncode == 2
    assert "related.key 'order': it has no group" in refused.stderr


def test_a_list_and_counts_of_events(log: tuple[Path, list[str]]) -> None:
    listed = run("list", "--related", "--from", str(log[0]), env={"COLUMNS": "120"})
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.splitlines()[1].split()[:4] == ["client", "retry", "3", "23"]
    assert log[1][0] in listed.stdout
    counted = run("summary", "--related", "--from", str(log[0]))
    assert counted.stdout.splitlines()[0] == "1 event under 3 request IDs"
    document = json.loads(run("summary", "--related", "--from", str(log[0]), "-o", "json").stdout)
    assert document["counts"] == {"client-retry": {"events": 1, "requests": 3}}


# --------------------------------------------------------------------------- on CloudWatch


def put(endpoint: Endpoint, made: Log, ago_ms: int) -> None:
    """Put a made-up log that begins so long ago."""
    endpoint.group(GROUP)
    shift = now_ms() - ago_ms - T0
    for event in made.events:
        found = (event.timestamp_ms + shift, event.message)
        endpoint.put(GROUP, event.log_stream or "", [found])


@pytest.mark.parametrize("ago_ms", [1 * HOUR, 30 * HOUR])
def test_related_requests_on_cloudwatch(ago_ms: int) -> None:
    """The key stands in lines that say nothing of attempts, and without a request ID."""
    made = Log(Random(3))
    ids = [made.runs(500 * n, 1, "order 42", "noise") for n in range(3)]
    made.runs(900, 1, "order 43")
    with Endpoint() as endpoint:
        put(endpoint, made, ago_ms)
        asked = ("--related", "--key", r"order (\d+)", "-f", "orders-worker", "-o", "json")
        found = told(trace(endpoint, ids[1], *asked, "--since", "2d"))
        (event,) = found["events"]
        assert [request["request_id"] for request in event["requests"]] == ids
        if ago_ms < 24 * HOUR:
            around = told(trace(endpoint, ids[1], *asked))  # an hour around the request
            assert around["events"] == found["events"]
            everything = told(trace(endpoint, *asked))
            assert everything["events"] == found["events"]


def test_related_requests_of_an_infrequent_access_group() -> None:
    """Insights reads every line; FilterLogEvents refuses the group."""
    made = Log(Random(4))
    ids = [made.runs(500 * n, 1, "order 42", "noise") for n in range(3)]
    made.runs(900, 1, "order 43")
    with Endpoint() as endpoint:
        endpoint.group(GROUP, log_class="INFREQUENT_ACCESS")
        put(endpoint, made, 2 * HOUR)
        asked = ("--related", "--key", r"order (\d+)", "-f", "orders-worker", "-o", "json")
        for arguments in ((), (ids[1],)):
            (event,) = told(trace(endpoint, *arguments, *asked))["events"]
            assert [request["request_id"] for request in event["requests"]] == ids
        assert endpoint.calls["StartQuery"]


def test_equal_times_of_a_client_retry_are_printed_once(log: tuple[Path, list[str]]) -> None:
    done = run("trace", "--related", "--from", str(log[0]), env={"COLUMNS": "400"})
    assert "each began 61.5 s after the one before" in done.stdout


def test_errors_of_trace_name_related(tmp_path: Path) -> None:
    """No request failed; and an ID that is not a request's."""
    made = Log(Random(8))
    for n in range(30):
        made.runs(400 * n, 1, f"order {n}")
    path = str(save(tmp_path / "log.jsonl", made))
    for arguments in ((), ("3c890f79-75d3-45ec-b4ac-f018b7156ffa",)):
        done = run("trace", *arguments, "--from", path)
        assert (done.returncode, done.stdout) == (4, "")
        assert "--related" in done.stderr


@pytest.mark.parametrize(("name", "events"), [("d869069c", 1), ("d8", 0), ("00000000", 0)])
def test_the_first_characters_of_an_id_are_enough(name: str, events: int) -> None:
    done = run("trace", "--from", "demo", "--related", name, "--key", "process (A)", "-o", "json")
    assert len(json.loads(done.stdout)["events"]) == events
    assert done.returncode == (0 if events else 4)
