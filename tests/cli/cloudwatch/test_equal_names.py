"""Functions of one name in several accounts or regions are kept apart by every command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS
from tests.support.lambda_log import Environment, iso
from tests.support.program import run

OWN, OTHER = "123456789012", "444455556666"
NAME, GROUP = "orders-worker", "/aws/lambda/orders-worker"
Place = tuple[str, str]
HERE, THERE = ("eu-west-1", OWN), ("us-east-1", OWN)


def environments(*, json_format: bool = False) -> tuple[Environment, Environment]:
    """Three requests in one place and four in the other."""
    found = (Environment("a", json=json_format), Environment("b", json=json_format))
    for place, environment in enumerate(found):
        for number in range(3 + place):
            at_s = 10 * place + 100 * number
            request_id = f"{place}{number:07d}-1111-4222-8333-444444444444"
            environment.at(at_s).runs(request_id, "0", "process A", ends="error")
            environment.at(at_s + 62).runs(request_id, "1", "process B")
    return found


def group_arn(place: Place) -> str:
    return f"arn:aws:logs:{place[0]}:{place[1]}:log-group:{GROUP}"


def function_arn(place: Place) -> str:
    return f"arn:aws:lambda:{place[0]}:{place[1]}:function:{NAME}"


def with_group_arns(*places: Place) -> list[object]:
    return [
        {
            "logGroup": group_arn(place),
            "logStreamName": event.log_stream,
            "timestamp": event.timestamp_ms,
            "message": event.message,
        }
        for place, environment in zip(places, environments(), strict=True)
        for event in environment.events
    ]


def insights_rows(*places: Place) -> list[object]:
    return [
        {
            "@timestamp": iso(event.timestamp_ms).replace("T", " ")[:-1],
            "@message": event.message,
            "@logStream": event.log_stream,
            "@log": f"{place[1]}:{GROUP}",
        }
        for place, environment in zip(places, environments(), strict=True)
        for event in environment.events
    ]


def subscription_records(*places: Place) -> list[object]:
    return [
        {
            "messageType": "DATA_MESSAGE",
            "owner": place[1],
            "logGroup": GROUP,
            "logStream": environment.stream,
            "logEvents": [
                {"id": event.event_id, "timestamp": event.timestamp_ms, "message": event.message}
                for event in environment.events
            ],
        }
        for place, environment in zip(places, environments(), strict=True)
    ]


def with_function_arns(*places: Place) -> list[object]:
    rows: list[object] = []
    for place, environment in zip(places, environments(json_format=True), strict=True):
        for event in environment.events:
            start = '"version": "$LATEST"'
            arn = f'{start}, "functionArn": "{function_arn(place)}:$LATEST"'
            message = event.message.replace(start, arn)
            row = {"timestamp": event.timestamp_ms, "message": message}
            rows.append(row | {"logStreamName": event.log_stream})
    return rows


SHAPES: dict[str, tuple[Callable[..., list[object]], Place, Place, tuple[str, str]]] = {
    "ARN of the group": (with_group_arns, HERE, THERE, (function_arn(HERE), function_arn(THERE))),
    "ARN of the function": (
        with_function_arns,
        HERE,
        THERE,
        (function_arn(HERE), function_arn(THERE)),
    ),
    "@log": (
        insights_rows,
        HERE,
        ("eu-west-1", OTHER),
        (f"{OWN}:function:{NAME}", f"{OTHER}:function:{NAME}"),
    ),
    "subscription": (
        subscription_records,
        HERE,
        ("eu-west-1", OTHER),
        (f"{OWN}:function:{NAME}", f"{OTHER}:function:{NAME}"),
    ),
}


def answer(command: str, path: Path, *asked: str) -> Any:
    done = run(command, "--from", str(path), "-o", "json", *asked)
    return json.loads(done.stdout)


def save(path: Path, rows: list[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("shape", SHAPES)
def test_each_command_keeps_them_apart(shape: str, tmp_path: Path) -> None:
    write, here, there, names = SHAPES[shape]
    path = save(tmp_path / "log", write(here, there))
    counts = {one["function"]: one["requests"] for one in answer("summary", path)["functions"]}
    assert counts == {names[0]: 3, names[1]: 4}
    rows = answer("list", path)["requests"]
    assert sorted(row["function"] for row in rows) == sorted([names[0]] * 3 + [names[1]] * 4)
    ids = [row["request_id"] for row in rows]
    traced = answer("trace", path, *ids)["requests"]
    assert {one["request_id"]: one["function"] for one in traced} == {
        row["request_id"]: row["function"] for row in rows
    }
    checked = answer("check", path)["checks"]
    assert {each["function"] for each in checked if each["request_id"]} == set(names)
    (heading,) = (line for line in run("summary", "--from", str(path)).stdout.splitlines()[:1])
    assert heading.startswith("2 functions")


@pytest.mark.parametrize("shape", SHAPES)
def test_one_place_is_not_shown(shape: str, tmp_path: Path) -> None:
    write, here, _, _ = SHAPES[shape]
    path = save(tmp_path / "log", write(here, here))
    told = answer("summary", path)
    assert (told["requests"], told["function"]) == (7, NAME)
    groups = {row.get("log_group") for row in answer("trace", path)["requests"]}
    assert groups <= {GROUP, None}


def test_an_arn_selects_its_own_place(tmp_path: Path) -> None:
    path = save(tmp_path / "log", with_group_arns(HERE, THERE))
    assert answer("summary", path, "-f", function_arn(THERE))["requests"] == 4
    assert answer("summary", path, "-g", group_arn(HERE))["requests"] == 3
    assert answer("summary", path, "-f", NAME)["requests"] == 7


@pytest.mark.parametrize("shape", SHAPES)
def test_several_functions_are_each_selected_in_their_own_place(shape: str, tmp_path: Path) -> None:
    write, here, there, names = SHAPES[shape]
    path = save(tmp_path / "log", write(here, there))
    for asked, requests in (
        (("-f", names[0], "-f", names[1]), 7),
        (("-f", names[1], "-f", "billing"), 4),
        ((names[0], "billing"), 3),
        (("-f", NAME, "-f", "billing"), 7),
    ):
        assert answer("summary", path, *asked)["requests"] == requests


@pytest.mark.parametrize("command", ["trace", "check"])
def test_one_function_of_a_saved_log_is_traced_or_checked(command: str, tmp_path: Path) -> None:
    path = save(tmp_path / "log", with_group_arns(HERE, THERE))
    named = [text for place in (HERE, THERE) for text in ("-f", function_arn(place))]
    done = run(command, "--from", str(path), *named)
    assert done.returncode == 2
    assert "Name one function" in done.stderr


# --------------------------------------------------------------------------- CloudWatch


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        for account, environment in zip((OWN, OTHER), environments(), strict=True):
            group = running.group(GROUP, account=account)
            events = [(event.timestamp_ms, event.message) for event in environment.events]
            running.put(group, environment.stream or "", events)
        running.function(NAME, Timeout=3)
        yield running


def test_one_call_for_two_accounts_keeps_them_apart(endpoint: Endpoint) -> None:
    arns = [function_arn(("us-east-1", account)) for account in (OWN, OTHER)]
    asked = ("--since", "2026-11-22T23:00Z", "--until", "2026-11-23T01:00Z", "-o", "json")
    done = run("summary", *arns, *asked, "--endpoint-url", endpoint.url, env=CREDENTIALS)
    counts = {one["function"]: one["requests"] for one in json.loads(done.stdout)["functions"]}
    assert counts == {arns[0]: 3, arns[1]: 4}


@pytest.fixture(scope="module")
def two_regions() -> Iterator[Endpoint]:
    with Endpoint() as running:
        for (region, _), environment in zip((HERE, THERE), environments(), strict=True):
            group = running.group(GROUP, region=region)
            events = [(event.timestamp_ms, event.message) for event in environment.events]
            running.put(group, environment.stream or "", events)
        running.function(NAME, Timeout=3)
        yield running


WINDOW = ("--since", "2026-11-22T23:00Z", "--until", "2026-11-23T01:00Z", "-o", "json")


@pytest.mark.parametrize(("option", "arn"), [("-f", function_arn), ("-g", group_arn)])
def test_one_call_for_two_regions_keeps_them_apart(
    option: str, arn: Callable[[Place], str], two_regions: Endpoint
) -> None:
    named = [text for place in (HERE, THERE) for text in (option, arn(place))]

    def ask(command: str, *asked: str) -> Any:
        place = (*named, *WINDOW, "--endpoint-url", two_regions.url)
        done = run(command, *asked, *place, env=CREDENTIALS)
        return json.loads(done.stdout)

    names = [function_arn(place) for place in (HERE, THERE)]
    counts = {one["function"]: one["requests"] for one in ask("summary")["functions"]}
    assert counts == {names[0]: 3, names[1]: 4}
    rows = ask("list")["requests"]
    functions = {row["request_id"]: row["function"] for row in rows}
    assert sorted(functions.values()) == sorted([names[0]] * 3 + [names[1]] * 4)
    traced = ask("trace", *functions)["requests"]
    assert {one["request_id"]: one["function"] for one in traced} == functions
    assert {len(one["attempts"]) for one in traced} == {2}
    checks = [each for each in ask("check")["checks"] if each["request_id"]]
    assert {each["request_id"]: each["function"] for each in checks} == functions
