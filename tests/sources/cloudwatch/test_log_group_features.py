"""What a log group has besides its events: a class, data protection, names like its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.endpoint.server import Endpoint
from tests.support import lambda_log
from tests.support.aws_program import CREDENTIALS, GROUP, HERE, HOUR, RIGHT, WRONG, now_ms, put_both
from tests.support.program import run

CARD = "4111-1111-1111-1111"
LONG_AGO = now_ms() - 40 * 24 * HOUR

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


def ask(endpoint: Endpoint, *words: str) -> Any:
    return run(*words, "--endpoint-url", endpoint.url, env=CREDENTIALS)


# --------------------------------------------------------------------------- classes


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        ("trace", "InvalidOperationException"),
        ("trace", "ValidationException"),
        ("list", "InvalidOperationException"),
        ("list", "ValidationException"),
        ("summary", "InvalidOperationException"),
        ("check", "ValidationException"),
        ("check-id", "InvalidOperationException"),
    ],
)
def test_an_essentials_group_is_read_by_whatever_does_not_refuse(
    endpoint: Endpoint, command: str, refusal: str
) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO, log_class="ESSENTIALS")
    put_both(endpoint)
    endpoint.events.class_refusal = refusal
    ids = [RIGHT] if command in ("trace", "check-id") else []
    where = ("-g", GROUP, "--since", "5h", "--engine", "auto", "-o", "json")
    for refused in (
        {"FilterLogEvents", "GetLogEvents"},
        {"GetLogEvents"},
        {"GetLogEvents", "StartQuery"},
        {"FilterLogEvents"},
        {"StartQuery"},
    ):
        endpoint.events.refused["ESSENTIALS"] = refused
        done = ask(endpoint, command.removesuffix("-id"), *ids, *where)
        assert done.returncode in (0, 1, 5), (refused, done.stderr)
        assert_right(command, json.loads(done.stdout))


def assert_right(command: str, printed: dict[str, Any]) -> None:
    if command in ("trace", "list"):
        shown = {one["request_id"]: one["verdict"] for one in printed["requests"]}
        assert shown[RIGHT] in ("agrees", "undetermined")
        assert shown.get(WRONG, "disagrees") in ("disagrees", "undetermined")
    else:
        assert printed["requests"] == (1 if command == "check-id" else 2)


@pytest.mark.parametrize("engine", ["auto", "filter", "insights"])
@pytest.mark.parametrize("log_class", ["DELIVERY", "ESSENTIALS"])
@pytest.mark.parametrize("command", ["trace", "list"])
def test_a_group_that_refuses_every_call_is_no_answer_and_no_bad_advice(
    endpoint: Endpoint, command: str, log_class: str, engine: str
) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO, log_class=log_class)
    put_both(endpoint)
    endpoint.events.refused["ESSENTIALS"] = {"FilterLogEvents", "GetLogEvents", "StartQuery"}
    ids = [WRONG] if command == "trace" else []
    done = ask(endpoint, command, *ids, "-g", GROUP, "--since", "5h", "--engine", engine)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "--from FILE" in done.stderr
    assert "--engine insights" not in done.stderr
    if log_class == "DELIVERY":
        assert "has the log class Delivery" in done.stderr
        assert "S3 or Firehose" in done.stderr
        assert "will scan" not in done.stderr


# --------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("command", "engine"), [("trace", "filter"), ("list", "insights"), ("check", "filter")]
)
def test_near_names_are_suggested_and_others_are_not(
    endpoint: Endpoint, command: str, engine: str
) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO)
    ids = [WRONG] if command == "trace" else []
    names = {"orders-wrker": True, "payments": False, "worker": False, "orders-worker": True}
    for name, is_near in names.items():
        group = name if name == "orders-worker" else f"/aws/lambda/{name}"
        done = ask(endpoint, command, *ids, "-g", group, "--engine", engine)
        assert done.returncode == 3
        assert f"the log group {group} does not exist in us-east-1" in done.stderr
        assert ("Did you mean" in done.stderr) is is_near
        assert (GROUP in done.stderr) is is_near


@pytest.mark.parametrize("command", ["trace", "list", "summary", "check"])
def test_of_a_name_that_does_not_exist_the_error_stands_alone(
    endpoint: Endpoint, command: str
) -> None:
    ids = [WRONG] if command == "trace" else []
    done = ask(endpoint, command, *ids, "-f", "nosuch")
    assert done.returncode == 3
    assert done.stderr.startswith("retryctl: the log group /aws/lambda/nosuch does not exist")
    endpoint.group("/aws/lambda/nosuch", created_ms=LONG_AGO)
    done = ask(endpoint, command, *ids, "-f", "nosuch")
    assert "The settings of nosuch are not known" in done.stderr


# --------------------------------------------------------------------------- young groups


def test_what_the_group_does_not_have_is_named_once(endpoint: Endpoint) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO, retention_days=1)
    put_both(endpoint)
    for engine in ("filter", "insights"):
        done = ask(endpoint, "list", "-g", GROUP, "--engine", engine, "-o", "json")
        gaps = json.loads(done.stdout)["coverage"]["gaps"]
        (gap,) = (gap for gap in gaps if gap["kind"] == "retention")
        assert "keeps 1 day:" in gap["message"]


@pytest.mark.parametrize("engine", ["filter", "insights"])
def test_a_window_before_the_group_is_named_where_nothing_is_found(
    endpoint: Endpoint, engine: str
) -> None:
    endpoint.group(GROUP, created_ms=now_ms() - HOUR)
    window = ("--since", "5d", "--until", "2d")
    done = ask(endpoint, "trace", WRONG, "-g", GROUP, "--engine", engine, *window)
    assert done.returncode == 4
    assert f"{GROUP} was created at" in done.stderr


# --------------------------------------------------------------------------- data protection


def put_masked(endpoint: Endpoint, **properties: Any) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO, masks=CARD, **properties)
    at = now_ms() - 2 * HOUR
    endpoint.put(
        GROUP,
        HERE,
        [
            (at, lambda_log.start(WRONG)),
            (at + 1, f"card {CARD}\n"),
            (at + 9, lambda_log.end(WRONG)),
            (at + 9, lambda_log.report(WRONG, 9)),
        ],
    )


@pytest.mark.parametrize("engine", ["filter", "insights"])
@pytest.mark.parametrize(
    "properties", [{"data_protection": "ACTIVATED"}, {"inherited": ["ACCOUNT_DATA_PROTECTION"]}]
)
def test_masked_lines_are_a_gap_and_unmask_reads_them(
    endpoint: Endpoint, properties: dict[str, Any], engine: str
) -> None:
    put_masked(endpoint, **properties)
    words = ("trace", WRONG, "-g", GROUP, "--engine", engine, "--lines")
    printed = json.loads(ask(endpoint, *words, "-o", "json").stdout)
    assert [gap["kind"] for gap in printed["coverage"]["gaps"]] == ["masked"]
    assert "--unmask" in printed["coverage"]["gaps"][0]["settle"]
    assert CARD not in json.dumps(printed)
    unmasked = json.loads(ask(endpoint, *words, "-o", "json", "--unmask").stdout)
    assert unmasked["coverage"]["gaps"] == []
    assert f"card {CARD}" in json.dumps(unmasked)


SECRET = "ValueError: no stock for order 17"
TRACEBACK = '\nTraceback (most recent call last):\n  File "/var/task/app.py", line 3, in handler\n'
MASKED_ERRORS = {
    "python": f"[ERROR] {SECRET}{TRACEBACK}",
    "node": f"2026-11-26T10:00:00.000Z\t{RIGHT}\t{SECRET}\t{{}}\n",
    "ruby": f"{SECRET}\n",
    "java": f"boom: {SECRET}\n{SECRET}\n\tat example.App.run(App.java:3)\n",
}


def put_masked_error(endpoint: Endpoint, line: str, status: str = "") -> None:
    """Put one failed attempt, whose error data protection masks, and a good one."""
    endpoint.group(GROUP, created_ms=LONG_AGO, masks=SECRET, data_protection="ACTIVATED")
    at = now_ms() - 9 * HOUR
    for request_id, printed in ((RIGHT, line), (WRONG, f"order {SECRET}\n")):
        report = lambda_log.report(request_id, 9).rstrip() + status + "\n"
        lines = [lambda_log.start(request_id), printed, lambda_log.end(request_id), report]
        endpoint.put(GROUP, HERE, [(at + n, each) for n, each in enumerate(lines)])
        at += 1000


@pytest.mark.parametrize(
    ("runtime", "engine"),
    [
        ("python", "filter"),
        ("python", "insights"),
        ("node", "filter"),
        ("ruby", "insights"),
        ("java", "filter"),
    ],
)
def test_no_command_calls_an_attempt_good_whose_error_may_be_masked(
    endpoint: Endpoint, runtime: str, engine: str
) -> None:
    put_masked_error(endpoint, MASKED_ERRORS[runtime])
    words = ("-g", GROUP, "--engine", engine, "--since", "10h", "-o", "json")
    (traced,) = json.loads(ask(endpoint, "trace", RIGHT, *words).stdout)["requests"]
    assert (traced["outcome"], traced["attempts"][0]["outcome"]) == ("unknown", "unknown")
    rows = json.loads(ask(endpoint, "list", *words).stdout)["requests"]
    assert {row["request_id"]: row["outcome"] for row in rows} == {
        RIGHT: "unknown",
        WRONG: "succeeded",
    }
    figures = json.loads(ask(endpoint, "summary", *words).stdout)
    assert figures["outcomes"]["unknown"] == figures["attempt_outcomes"]["unknown"] == 1
    for ids in ([], [RIGHT]):
        done = ask(endpoint, "check", *ids, *words, "--expect-outcome", "succeeded")
        assert done.returncode == 5, done.stdout
    assert ask(endpoint, "check", WRONG, *words, "--expect-outcome", "succeeded").returncode == 0


def test_masks_are_a_gap_where_data_protection_is_not_known(endpoint: Endpoint) -> None:
    put_masked_error(endpoint, MASKED_ERRORS["python"])
    endpoint.faults.denied.add("logs:DescribeLogGroups")
    words = ("-g", GROUP, "--since", "10h", "-o", "json")
    for command in (["trace", RIGHT], ["list"]):
        printed = json.loads(ask(endpoint, *command, *words).stdout)
        found = {one["request_id"]: one for one in printed["requests"]}
        assert found[RIGHT]["outcome"] == "unknown"
        (gap,) = (gap for gap in printed["coverage"]["gaps"] if gap["kind"] == "masked")
        assert "not known (logs:DescribeLogGroups is needed)" in gap["message"]
    for ids in ([], [RIGHT]):
        done = ask(endpoint, "check", *ids, *words, "--expect-outcome", "succeeded")
        assert done.returncode == 5, done.stdout
    unmasked = json.loads(ask(endpoint, "trace", RIGHT, *words, "--unmask").stdout)
    assert unmasked["coverage"]["gaps"] == []


@pytest.mark.parametrize("command", ["trace", "list"])
def test_the_status_of_a_report_decides_beside_a_masked_line(
    endpoint: Endpoint, command: str
) -> None:
    put_masked_error(endpoint, MASKED_ERRORS["python"], "\tStatus: error\tError Type: Runtime.Bad")
    ids = [RIGHT] if command == "trace" else []
    done = ask(endpoint, command, *ids, "-g", GROUP, "--since", "10h", "-o", "json")
    found = {one["request_id"]: one for one in json.loads(done.stdout)["requests"]}
    assert found[RIGHT]["outcome"] == "not-retried"


def test_unmasked_the_error_is_read(endpoint: Endpoint) -> None:
    put_masked_error(endpoint, MASKED_ERRORS["python"])
    done = ask(endpoint, "trace", RIGHT, "-g", GROUP, "--unmask", "-o", "json")
    (traced,) = json.loads(done.stdout)["requests"]
    assert traced["attempts"][0]["error"]["type"] == "ValueError"


def test_unmask_needs_its_permission(endpoint: Endpoint) -> None:
    put_masked(endpoint, data_protection="ACTIVATED")
    endpoint.faults.denied.add("logs:Unmask")
    for command in (["trace", WRONG], ["list"], ["list", "--engine", "insights"]):
        done = ask(endpoint, *command, "-g", GROUP, "--unmask")
        assert done.returncode == 3
        assert "AccessDenied for logs:Unmask" in done.stderr
        assert "drop --unmask" in done.stderr
        assert ask(endpoint, *command, "-g", GROUP).returncode == 0


def test_unmask_in_a_query_of_logs_insights(endpoint: Endpoint) -> None:
    """Where GetLogEvents is refused too, the rows themselves are unmasked."""
    put_masked(endpoint, data_protection="ACTIVATED")
    endpoint.events.refused["STANDARD"] = {"FilterLogEvents", "GetLogEvents"}
    words = ("trace", WRONG, "-g", GROUP, "--lines", "-o", "json")
    assert CARD not in ask(endpoint, *words).stdout
    assert CARD in ask(endpoint, *words, "--unmask").stdout


def test_a_class_without_unmask_keeps_the_gap_of_its_masks(endpoint: Endpoint) -> None:
    put_masked(endpoint, data_protection="ACTIVATED", log_class="INFREQUENT_ACCESS")
    words = ("trace", WRONG, "-g", GROUP, "--unmask", "-q", "-o", "json")
    gaps = json.loads(ask(endpoint, *words).stdout)["coverage"]["gaps"]
    assert [gap["settle"] for gap in gaps if gap["kind"] == "masked"] == [None]
