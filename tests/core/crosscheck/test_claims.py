"""What a function says of itself: the default lines, the marker, and patterns of one's own."""

from __future__ import annotations

import json
import re

import pytest

from retryctl.core.crosscheck.claims import Branches, Claim, Markers, read_claim
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model.events import LogEvent
from tests.support.lambda_log import ID, Environment, history, python_error

MARKER = {
    "retryctl": 1,
    "request_id": ID,
    "counter": 1,
    "branch": "B",
    "store": "dynamodb",
    "recorded": True,
}


def _claim(*messages: str, markers: Markers | None = None) -> Claim:
    events = [LogEvent(timestamp_ms=n, message=each) for n, each in enumerate(messages)]
    return read_claim([(event, parse_record(event)) for event in events], markers or Markers())


def _said(claim: Claim) -> tuple[int | None, str | None, list[str]]:
    return claim.counter, claim.branch, [event.message.strip() for event in claim.evidence]


# --------------------------------------------------------------------------- the default lines


@pytest.mark.parametrize(
    ("messages", "counter", "branch", "evidence"),
    [
        ((), None, None, []),
        (("0\n", "process A\n"), 0, "A", ["0", "process A"]),
        (("1", "process B"), 1, "B", ["1", "process B"]),
        (("2\n", "process C\n", "done\n"), 2, "C", ["2", "process C"]),
        (("  12 \r\n", "process C"), 12, "C", ["12", "process C"]),
        (("process A\n",), None, "A", ["process A"]),
        (("0\n",), None, None, []),
        (("0\n", "and\n", "process A\n"), None, "A", ["process A"]),
        (("process A\n", "0\n"), None, "A", ["process A"]),
        (("-1\n", "process A\n"), None, "A", ["process A"]),
        (("1.0\n", "process A\n"), None, "A", ["process A"]),
        (("٣\n", "process A\n"), None, "A", ["process A"]),
        (("1" * 10 + "\n", "process C\n"), None, "C", ["process C"]),
        (("0\n", "process D\n"), None, None, []),
        (("0\n", "we process A\n"), None, None, []),
        (("0\n", "process A and B\n"), None, None, []),
        # of several pairs the last counts, and a later branch alone is no pair
        (("0\n", "process A\n", "1\n", "process B\n"), 1, "B", ["1", "process B"]),
        (("0\n", "process A\n", "process B\n"), 0, "A", ["0", "process A"]),
        (("process A\n", "process B\n"), None, "B", ["process B"]),
        # a record of the runtime between them is no line of the function
        (("0\n", "LAMBDA_WARNING: Unhandled …", "process A"), 0, "A", ["0", "process A"]),
        ((python_error("ValueError", "0\nprocess A"),), None, None, []),
    ],
)
def test_the_default_is_an_integer_and_directly_after_it_the_branch(
    messages: tuple[str, ...], counter: int | None, branch: str | None, evidence: list[str]
) -> None:
    claim = _claim(*messages)
    assert _said(claim) == (counter, branch, evidence)
    assert claim.silent is (counter is None and branch is None)


def test_other_branches_have_other_default_lines() -> None:
    markers = Markers(branches=Branches(numbers={"first": 0, "again (later)": 1}))
    assert markers.are_default
    claim = _claim("1\n", "process again (later)\n", "process A\n", markers=markers)
    assert (claim.counter, claim.branch) == (1, "again (later)")


# --------------------------------------------------------------------------- the marker


def test_the_marker_tells_counter_branch_store_and_whether_it_was_recorded() -> None:
    claim = _claim(json.dumps(MARKER) + "\n")
    assert (claim.counter, claim.branch, claim.store, claim.recorded) == (1, "B", "dynamodb", True)
    assert claim.store_error is None
    assert len(claim.evidence) == 1


def test_the_marker_counts_before_everything_else_and_the_last_one_before_others() -> None:
    last = json.dumps(MARKER | {"counter": 2, "branch": "C"})
    for markers in (Markers(), Markers(counter=re.compile(r"^(?P<count>\d)$"))):
        claim = _claim("0\n", json.dumps(MARKER), last, "0\n", "process A\n", markers=markers)
        assert (claim.counter, claim.branch) == (2, "C")


def test_a_store_that_refused_leaves_the_counter_unknown() -> None:
    refused = MARKER | {"counter": None, "branch": "A", "recorded": False, "error": "denied"}
    claim = _claim(json.dumps(refused))
    assert (claim.counter, claim.branch, claim.recorded) == (None, "A", False)
    assert claim.store_error == "denied"


@pytest.mark.parametrize("wrong", [-1, 1.0, "1", True, None, [1]])
def test_a_marker_s_counter_is_a_number_of_attempts_or_none(wrong: object) -> None:
    assert _claim(json.dumps(MARKER | {"counter": wrong})).counter is None


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_a_marker_of_another_version_is_a_line_like_any_other(version: object) -> None:
    assert _claim(json.dumps(MARKER | {"retryctl": version})).silent


# --------------------------------------------------------------------------- one's own patterns

OWN = Markers(
    counter=re.compile(r"retries=(?P<count>\w+)"), branch=re.compile(r"ran (?P<branch>\w+)")
)
FIELDS = Markers(counter_field="retry.count", branch_field="branch")


@pytest.mark.parametrize(
    ("markers", "messages", "counter", "branch"),
    [
        (OWN, ("retries=1 ran B\n",), 1, "B"),
        (OWN, ("retries=1\n", "between\n", "ran B\n"), 1, "B"),
        (OWN, ("ran B\n", "retries=1\n"), 1, "B"),
        (OWN, ("retries=0 ran A\n", "retries=1 ran B\n"), 1, "B"),
        (OWN, ("1\n", "process B\n"), None, None),  # the default lines no longer count
        (OWN, ("retries=many ran B\n",), None, "B"),
        (OWN, ("retries=" + "9" * 12,), None, None),
        (OWN, ('{"message": "retries=1 \\"ran\\" ran B"}',), 1, "B"),
        (OWN, (f"[INFO]\t2026-11-23T00:00:00.000Z\t{ID}\tretries=2 ran C\n",), 2, "C"),
        (FIELDS, ('{"retry": {"count": 1}, "branch": "B"}',), 1, "B"),
        (FIELDS, ('{"retry": {"count": "1"}}', '{"branch": "B"}'), 1, "B"),
        (FIELDS, ('{"retry": {"count": true}}',), None, None),
        (FIELDS, ('{"retry": {"count": -1}}',), None, None),
        (FIELDS, ('{"retry": {"count": 1.5}}',), None, None),
        (FIELDS, ('{"retry": 1, "branch": null}',), None, None),
        (FIELDS, ('{"retry.count": 1}',), None, None),
        (FIELDS, ("retry.count: 1",), None, None),
        (
            Markers(counter_field="n", counter=re.compile(r"n=(?P<count>\d+)")),
            ("n=1\n", '{"n": 2}\n', "n=3\n"),
            3,
            None,
        ),
        (Markers(branch=re.compile(r"ran( (?P<branch>\w+))?")), ("ran\n",), None, None),
    ],
)
def test_patterns_and_fields_of_one_s_own(
    markers: Markers, messages: tuple[str, ...], counter: int | None, branch: str | None
) -> None:
    claim = _claim(*messages, markers=markers)
    assert (claim.counter, claim.branch) == (counter, branch)
    assert bool(claim.evidence) is not claim.silent


def test_one_line_that_says_both_is_evidence_once() -> None:
    assert len(_claim("retries=1 ran B\n", markers=OWN).evidence) == 1


# --------------------------------------------------------------------------- of which attempt


def test_a_claim_is_read_from_the_attempt_s_own_lines() -> None:
    log = Environment().inits().prints("7", "process C")
    log.starts().prints("0", "process A").raises().reports()
    log.at(61).starts().raises().reports().prints("9", "process C")
    first, second = history(log).requests[0].attempts
    assert (first.claim.counter, first.claim.branch) == (0, "A")
    assert second.claim.silent


def test_a_logger_s_line_with_the_id_counts_where_the_start_was_not_seen() -> None:
    line = json.dumps(MARKER) + "\n"
    log = Environment().prints("0", "process A").logs(line).raises().reports()
    (attempt,) = history(log).requests[0].attempts
    assert (attempt.claim.counter, attempt.claim.branch) == (1, "B")


# --------------------------------------------------------------------------- branches


@pytest.mark.parametrize(("retries", "branch"), [(0, "A"), (1, "B"), (2, "C"), (3, "C"), (9, "C")])
def test_the_branch_that_is_due(retries: int, branch: str) -> None:
    assert Branches().due(retries) == branch


@pytest.mark.parametrize(("retries", "branch"), [(0, "now"), (1, "now"), (3, "now"), (4, "late")])
def test_a_branch_stands_until_the_next_begins(retries: int, branch: str) -> None:
    assert Branches(numbers={"late": 4, "now": 0}).due(retries) == branch


@pytest.mark.parametrize(
    ("counter", "retries", "same"),
    [(0, 0, True), (1, 2, False), (2, 3, True), (3, 2, True), (1, 3, False), (9, 9, True)],
)
def test_a_counter_stops_at_the_last_branch(counter: int, retries: int, same: bool) -> None:
    assert Branches().same_branch(counter, retries) is same
