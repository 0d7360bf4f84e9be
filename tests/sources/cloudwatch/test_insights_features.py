"""Field indexes and log transformers: what Logs Insights scans and returns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from retryctl.core.model.coverage import LogQuery
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.cloudwatch.request_source import RequestSource
from retryctl.sources.cloudwatch.search_options import QueryBudget
from tests.endpoint.errors import Refusal
from tests.endpoint.server import Endpoint
from tests.endpoint.store import LogGroup
from tests.support import lambda_log
from tests.support.aws_program import (
    CREDENTIALS,
    GROUP,
    HERE,
    HOUR,
    RIGHT,
    SECOND,
    WRONG,
    YESTERDAY,
    make_busy,
    now_ms,
    put_both,
)
from tests.support.program import run

LONG_AGO = now_ms() - 40 * 24 * HOUR
TEXT, JSON_FIELD = "@requestId", "record.requestId"

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


def ask(endpoint: Endpoint, *words: str) -> Any:
    return run(*words, "-g", GROUP, "--endpoint-url", endpoint.url, env=CREDENTIALS)


def traced(endpoint: Endpoint, *options: str) -> dict[str, Any]:
    done = ask(endpoint, "trace", WRONG, "-o", "json", "--lines", *options)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def busy(endpoint: Endpoint, **properties: Any) -> None:
    """Much text around two requests, and records of Lambda at both ends of a day."""
    endpoint.group(GROUP, created_ms=LONG_AGO, **properties)
    put_both(endpoint)
    make_busy(endpoint)
    for ago in (23.9 * HOUR, 0.1 * HOUR):
        other = f"{int(ago):08x}-0d3f-4697-8b07-ac58fc914c95"
        endpoint.put(GROUP, HERE, [(now_ms() - int(ago), lambda_log.start(other))])


# --------------------------------------------------------------------------- indexes


@pytest.mark.parametrize(
    "since_ms", [LONG_AGO, now_ms() - 3 * HOUR], ids=["filterIndex", "field in"]
)
def test_an_index_finds_the_same_and_scans_less(endpoint: Endpoint, since_ms: int) -> None:
    busy(endpoint)
    plain = traced(endpoint, "--engine", "insights")
    (group,) = endpoint.store.groups()
    group.indexes = {TEXT: since_ms}
    queries = noted_queries(endpoint)
    indexed = traced(endpoint, "--engine", "insights")
    assert indexed["requests"] == plain["requests"]
    assert any(f"| filterIndex {TEXT} in [" in query for query in queries) or since_ms != LONG_AGO
    assert any(f"{TEXT} in [" in query for query in queries)
    share = indexed["coverage"]["bytes_scanned"] / plain["coverage"]["bytes_scanned"]
    assert share < (0.05 if since_ms == LONG_AGO else 0.95)


def test_an_index_is_used_where_the_first_hour_has_no_record(endpoint: Endpoint) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO, indexes={TEXT: LONG_AGO})
    put_both(endpoint)
    queries = noted_queries(endpoint)
    (request,) = traced(endpoint, "--engine", "insights")["requests"]
    assert len(request["attempts"]) == 3
    assert any(f"filterIndex {TEXT} in [" in query for query in queries)


def noted_queries(endpoint: Endpoint) -> list[str]:
    """The queries that are started from now on."""
    queries: list[str] = []
    start = endpoint.insights.start_query

    def noted(request: dict[str, Any]) -> dict[str, Any]:
        queries.append(request["queryString"])
        return start(request)

    endpoint._operations["StartQuery"] = noted
    return queries


def put_json(endpoint: Endpoint, request_id: str, stream: str, at: int) -> None:
    started = {
        "time": "2026-11-23T03:00:00.000Z",
        "type": "platform.start",
        "record": {"requestId": request_id, "version": "$LATEST"},
    }
    reported = {
        "time": "2026-11-23T03:00:00.000Z",
        "type": "platform.report",
        "record": {
            "requestId": request_id,
            "status": "success",
            "metrics": {"durationMs": 9.0, "billedDurationMs": 10, "memorySizeMB": 128},
        },
    }
    endpoint.put(GROUP, stream, [(at, json.dumps(started)), (at + 9, json.dumps(reported))])


@pytest.mark.parametrize(
    "indexes", [{TEXT}, {JSON_FIELD}, {TEXT, JSON_FIELD}, {"requestId"}, set()]
)
def test_attempts_in_text_and_in_json_are_found_whichever_is_indexed(
    endpoint: Endpoint, indexes: set[str]
) -> None:
    """A function whose log format was changed between two attempts."""
    busy(endpoint, indexes=dict.fromkeys(indexes, LONG_AGO))
    put_json(endpoint, WRONG, "s/json", now_ms() - 2 * HOUR + 400 * SECOND)
    put_json(endpoint, RIGHT[:-1] + "9", "s/json", now_ms() - 6 * SECOND)
    (request,) = traced(endpoint, "--engine", "insights")["requests"]
    assert len(request["attempts"]) == 4


def test_without_its_permission_no_index_is_used(endpoint: Endpoint) -> None:
    busy(endpoint, indexes={TEXT: LONG_AGO})
    endpoint.faults.denied.add("logs:DescribeFieldIndexes")
    queries = noted_queries(endpoint)
    (request,) = traced(endpoint, "--engine", "insights")["requests"]
    assert len(request["attempts"]) == 3
    assert not any(" in [" in query for query in queries)


def test_a_timeout_mark_after_the_report_is_read_beside_an_index(endpoint: Endpoint) -> None:
    busy(endpoint, indexes={TEXT: LONG_AGO})
    at = now_ms() - HOUR
    late = f"2026-11-23T03:00:03.010Z {RIGHT} Task timed out after 3.00 seconds\n"
    endpoint.put(GROUP, YESTERDAY, [(at, lambda_log.start(RIGHT))])
    endpoint.put(GROUP, YESTERDAY, [(at + 3000, lambda_log.end(RIGHT))])
    endpoint.put(GROUP, YESTERDAY, [(at + 3000, lambda_log.report(RIGHT, 3000))])
    endpoint.put(GROUP, YESTERDAY, [(at + 3200, late)])
    done = ask(endpoint, "trace", RIGHT, "-o", "json", "--lines", "--engine", "insights")
    assert "Task timed out" in done.stdout


# --------------------------------------------------------------------------- rows and IDs


def drop(endpoint: Endpoint, field: str, every: int) -> None:
    """Leave a field out of each so many rows."""
    real = endpoint.insights.get_query_results

    def without(request: dict[str, Any]) -> dict[str, Any]:
        answer = real(request)
        rows = [
            [cell for cell in row if number % every or cell["field"] != field]
            for number, row in enumerate(answer["results"])
        ]
        return {**answer, "results": rows}

    endpoint._operations["GetQueryResults"] = without


@pytest.mark.parametrize(
    ("field", "every", "log_class"),
    [
        ("@timestamp", 1, "STANDARD"),
        ("@timestamp", 5, "INFREQUENT_ACCESS"),
        ("@message", 1, "INFREQUENT_ACCESS"),
        ("@message", 5, "STANDARD"),
        ("@logStream", 1, "STANDARD"),
        ("@logStream", 5, "INFREQUENT_ACCESS"),
        ("@log", 1, "INFREQUENT_ACCESS"),
        ("@log", 5, "STANDARD"),
    ],
)
def test_rows_without_a_field_are_a_gap_and_never_a_wrong_answer(
    endpoint: Endpoint, field: str, every: int, log_class: str
) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO, log_class=log_class)
    put_both(endpoint)
    drop(endpoint, field, every)
    options = ("--engine", "insights", "--since", "5h")
    for command in (["trace", WRONG, RIGHT], ["list"]):
        done = ask(endpoint, *command, *options, "-o", "json")
        if field == "@log":  # nothing depends on it
            assert done.returncode == 0
            continue
        if every == 1:
            assert done.returncode == 3
        if done.returncode == 3:
            assert "rows of Logs Insights lack one of" in done.stderr
            continue
        printed = json.loads(done.stdout)
        assert "refused" in [gap["kind"] for gap in printed["coverage"]["gaps"]]
        for one in printed["requests"]:
            true = {WRONG: "disagrees", RIGHT: "agrees"}[one["request_id"]]
            assert one["verdict"] in (true, "undetermined")
            assert one["outcome"] in ("exhausted", "unknown")
    checked = ask(endpoint, "check", *options)
    assert checked.returncode in ((1,) if field == "@log" else (1, 3, 5))


@pytest.mark.parametrize(
    ("command", "scan_events"), [("trace", 50), ("list", 50), ("summary", 200_000), ("check", 50)]
)
def test_event_ids_may_be_any_text(
    endpoint: Endpoint, command: str, scan_events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_both(endpoint)
    make_busy(endpoint, events=2_000)
    endpoint.events.scan_events = scan_events
    words = (command, *([WRONG, RIGHT] if command == "trace" else []), "-o", "json")
    numbers = json.loads(ask(endpoint, *words, "--engine", "filter").stdout)
    numbered = LogGroup.event_id
    monkeypatch.setattr(
        LogGroup, "event_id", lambda group, row: sha256(numbered(group, row).encode()).hexdigest()
    )
    texts = json.loads(ask(endpoint, *words, "--engine", "filter").stdout)
    for name in ("requests", "attempts", "verdicts", "counter", "passed"):
        assert without_ids(texts.get(name)) == without_ids(numbers.get(name))


def without_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [without_ids(each) for each in value]
    if isinstance(value, dict):
        return {key: without_ids(each) for key, each in value.items() if key != "event_id"}
    return value


# --------------------------------------------------------------------------- transformers


@pytest.mark.parametrize("whose", ["group", "account"])
@pytest.mark.parametrize("command", ["trace", "list", "summary", "check"])
def test_transformed_groups_are_read_in_the_original(
    endpoint: Endpoint, command: str, whose: str
) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO, transformed=whose)
    put_both(endpoint)
    ids = [WRONG] if command == "trace" else []
    words = (command, *ids, "-o", "json", "--since", "5h")
    filtered = ask(endpoint, *words, "--engine", "filter")
    queried = ask(endpoint, *words, "--engine", "insights")
    assert "has a log transformer" in queried.stderr
    assert endpoint.calls["StartQuery"] == 0
    expected, printed = json.loads(filtered.stdout), json.loads(queried.stdout)
    for name in ("requests", "attempts", "verdicts", "passed"):
        assert printed.get(name) == expected.get(name)


UNKNOWN = ("logs:GetTransformer", "logs:DescribeAccountPolicies")


def hiding(printed: dict[str, Any]) -> list[str]:
    gaps = printed["coverage"]["gaps"]
    return [gap["kind"] for gap in gaps if gap["hides_attempts"] and gap["kind"] != "created"]


@pytest.mark.parametrize("denied", UNKNOWN)
@pytest.mark.parametrize("command", ["trace", "list", "summary", "check"])
def test_a_query_is_a_gap_where_a_transformer_is_not_known(
    endpoint: Endpoint, command: str, denied: str
) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO)
    put_both(endpoint)
    endpoint.faults.denied.add(denied)
    ids = [RIGHT] if command in ("trace", "check") else []
    done = ask(endpoint, command, *ids, "-o", "json", "--since", "5h", "--engine", "insights")
    assert endpoint.calls["StartQuery"]
    assert done.returncode == (5 if command == "check" else 0), done.stderr
    printed = json.loads(done.stdout)
    assert hiding(printed) == ["transformed"]
    assert printed["coverage"]["complete"] is False


def test_a_request_that_is_not_found_has_the_gap(endpoint: Endpoint) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO)
    put_both(endpoint)
    endpoint.faults.denied.add("logs:GetTransformer")
    words = ("trace", f"{RIGHT[:-1]}0", "-o", "json", "--engine", "insights")
    assert hiding(json.loads(ask(endpoint, *words).stdout)) == ["transformed"]


@pytest.mark.parametrize("denied", [None, *UNKNOWN])
def test_a_long_search_stays_with_the_original_where_a_transformer_is_not_known(
    denied: str | None,
) -> None:
    with Endpoint(scan_events=20) as endpoint:
        busy(endpoint)
        if denied:
            endpoint.faults.denied.add(denied)
        said: list[str] = []
        source = RequestSource(
            AwsClient(endpoint_url=endpoint.url, region="us-east-1"),
            groups=[GROUP],
            clock=now_ms,
            engine="auto",
            terms=QueryBudget(warn=said.append, sleep=lambda seconds: None),
            pages_before_insights=5,
        )
        assert list(source.read(LogQuery(request_ids=(WRONG,), since_ms=now_ms() - 6 * HOUR)))
        assert bool(endpoint.calls["StartQuery"]) is (denied is None)
        assert any("is not known: FilterLogEvents" in line for line in said) is bool(denied)
        assert not any(gap.kind == "transformed" for gap in source.coverage().gaps)


@pytest.mark.parametrize("command", ["trace", "list", "summary", "check"])
@pytest.mark.parametrize("of_class", ["known", "not known"])
def test_infrequent_access_has_no_transformer_and_needs_no_permission(
    endpoint: Endpoint, command: str, of_class: str
) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO, log_class="INFREQUENT_ACCESS")
    put_both(endpoint)
    endpoint.faults.denied.update(UNKNOWN)
    if of_class == "not known":
        endpoint.faults.denied.add("logs:DescribeLogGroups")
    ids = [RIGHT] if command in ("trace", "check") else []
    printed = json.loads(ask(endpoint, command, *ids, "-o", "json", "--since", "5h").stdout)
    assert endpoint.calls["StartQuery"]
    assert "transformed" not in hiding(printed)
    assert "not known" not in json.dumps(printed["coverage"])


@pytest.mark.parametrize(
    ("code", "gaps"),
    [("ResourceNotFoundException", []), ("InvalidParameterException", ["transformed"])],
)
def test_only_an_absent_transformer_is_none(endpoint: Endpoint, code: str, gaps: list[str]) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO)
    put_both(endpoint)

    def refused(request: dict[str, Any]) -> dict[str, Any]:
        raise Refusal(code, "No.")

    endpoint._operations["GetTransformer"] = refused
    assert hiding(traced(endpoint, "--engine", "insights", "--since", "5h")) == gaps


def test_two_indexes_are_not_used_where_no_record_shows_its_format(endpoint: Endpoint) -> None:
    endpoint.group(GROUP, created_ms=LONG_AGO, indexes={TEXT: LONG_AGO, JSON_FIELD: LONG_AGO})
    put_both(endpoint, ago=8 * HOUR)
    queries = noted_queries(endpoint)
    (request,) = traced(endpoint, "--engine", "insights", "--since", "2d")["requests"]
    assert len(request["attempts"]) == 3
    assert queries
    assert not any(" in [" in query for query in queries)
