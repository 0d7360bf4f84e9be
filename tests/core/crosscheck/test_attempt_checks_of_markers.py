"""The check of attempts by markers: of a store, and of one's own patterns."""

from __future__ import annotations

import re
from typing import Any

import pytest

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.claims import Branches, Markers
from retryctl.core.crosscheck.findings import Severity
from tests.core.crosscheck.rule_histories import checks, errors, found, marker, told


def test_other_branches_have_other_numbers() -> None:
    markers = Markers(
        counter=re.compile(r"seen (?P<count>\d+)"),
        branch=re.compile(r"-> (?P<branch>\w+)"),
        branches=Branches(numbers={"first": 0, "again": 1, "late": 4}),
    )
    plan = [("a", "error", (f"seen {n} -> {'again' if n else 'first'}",)) for n in range(4)]
    of = told(*plan, markers=markers)
    assert checks(of) == ["agrees"] * 4
    assert [each.branch_expected for each in of.checks] == ["first", "again", "again", "again"]
    alone = [("a", "error", (f"-> {'again' if n else 'first'}",)) for n in range(4)]
    assert checks(told(*alone, markers=markers)) == ["agrees"] * 4
    unknown = told(("a", "error", ("-> nowhere",)), markers=markers)
    assert checks(unknown) == ["disagrees"]


def test_a_branch_that_nobody_named_is_not_judged_by_the_names_of_others() -> None:
    markers = Markers(
        counter=re.compile(r"seen (?P<count>\d+)"), branch=re.compile(r"-> (?P<branch>\w+)")
    )
    alone = told(("a", "error", ("-> nowhere",)), markers=markers)
    assert checks(alone) == ["undetermined"]
    [why] = alone.undetermined_because
    assert why == (
        "Attempt 1 ran nowhere, which is none of the branches A, B, C; "
        "name yours under branches in the settings."
    )
    counted = told(
        ("a", "error", ("seen 0 -> here",)), ("a", "error", ("seen 0 -> there",)), markers=markers
    )
    assert checks(counted) == ["agrees", "disagrees"]
    assert [each.branch_expected for each in counted.checks] == [None, None]
    assert errors(counted) == [("counter-lost", 2)]


def test_no_branch_is_missed_where_none_is_looked_for() -> None:
    counter = re.compile(r"seen (?P<count>\d+)")
    plan = [("a", "error", ("seen 0",)), ("a", "error", ())]
    assert not found(told(*plan, markers=Markers(counter=counter)), "branch-missing")
    looking = Markers(counter=counter, branch=re.compile(r"ran (?P<branch>[ABC])"))
    missing = found(told(*plan, markers=looking), "branch-missing")
    assert [each.attempt for each in missing] == [2]


def test_a_durable_count_sees_every_environment() -> None:
    durable = {"store": "dynamodb"}
    right = told(
        ("a", "error", (marker(0, "A", **durable),)), ("b", "error", (marker(1, "B", **durable),))
    )
    assert (right.verdict, errors(right)) == (Verdict.AGREES, [])
    lost = told(
        ("a", "error", (marker(0, "A", **durable),)), ("b", "error", (marker(0, "A", **durable),))
    )
    assert errors(lost) == [("counter-lost", 2)]
    missed = told(("a", "timeout", ()), ("b", "error", (marker(0, "A", **durable),)))
    assert errors(missed) == [("uncounted-attempt", 2)]
    assert "in its own environment" not in missed.findings[0].message


def test_the_marker_says_whether_the_attempt_was_recorded() -> None:
    at_start = told(
        ("a", "timeout", (marker(0, None),)), ("a", "error", (marker(1, None), marker(1, "B")))
    )
    assert (at_start.verdict, errors(at_start)) == (Verdict.AGREES, [])
    unrecorded = told(
        ("a", "error", (marker(0, "A", recorded=False, error="no space left"),)),
        ("a", "error", (marker(0, "A"),)),
    )
    assert errors(unrecorded) == [("uncounted-attempt", 2)]
    assert "attempt 1 could not be recorded" in unrecorded.findings[0].message


def test_a_store_that_refused_is_told_and_its_fallback_blamed_on_nothing_else() -> None:
    refused = {"store": "s3", "recorded": False, "error": "AccessDenied"}
    for branch, retries in (("A", 1), ("C", 0)):
        plan = [("a", "error", (marker(n, "ABC"[n]),)) for n in range(retries)]
        of = told(*plan, ("a", "error", (marker(None, branch, **refused),)))
        assert errors(of) == []
        (finding,) = found(of, "counter-failed")
        assert (finding.attempt, finding.severity) == (retries + 1, Severity.WARNING)
        assert finding.remedy.endswith("(retryctl counters iam s3).")
        assert of.checks[-1].verdict is AttemptVerdict.DISAGREES


@pytest.mark.parametrize(
    ("said", "message", "remedy"),
    [
        (
            {"counter": None, "store": "dynamodb", "error": "ResourceNotFoundException: no"},
            "The store dynamodb refused attempt 1, and it fell back to branch A: Resource",
            "Create the table or bucket (retryctl counters template dynamodb).",
        ),
        (
            {"counter": None, "store": "s3", "error": "SlowDown: less"},
            "The store s3 refused attempt 1, and it fell back to branch A: SlowDown",
            "The store was throttled: raise its capacity",
        ),
        (
            {"counter": 0, "store": "tmp", "error": "dynamodb: NoSuchBucket"},
            "The first store refused attempt 1, and tmp counted: dynamodb: NoSuchBucket",
            "Create the table or bucket (retryctl counters template dynamodb).",
        ),
        (
            {"counter": 0, "store": "tmp", "recorded": False, "error": "OSError: No space left"},
            "The store tmp did not record attempt 1: OSError",
            "Free space and inodes in /tmp.",
        ),
        (
            {"counter": None, "store": "dynamodb", "error": "ValueError: x"},
            "The store dynamodb refused attempt 1, and it fell back to branch A: ValueError: x",
            "Give the function what the store needs",
        ),
    ],
)
def test_a_store_that_failed_has_the_remedy_of_its_cause(
    said: dict[str, Any], message: str, remedy: str
) -> None:
    counter = said.pop("counter")
    of = told(("a", "error", (marker(counter, "A", **said),)))
    (finding,) = found(of, "counter-failed")
    assert finding.message.startswith(message)
    assert finding.remedy.startswith(remedy)
