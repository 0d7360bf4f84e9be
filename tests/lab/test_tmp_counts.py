"""The table: what a handler that counts in /tmp counts and runs, by where its attempts run."""

from pathlib import Path

import pytest

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.model.attempt import AttemptOutcome
from retryctl.lab.limitations import NotAsOnLambda
from retryctl.lab.plugin import HandlerLab
from tests.support.lab.lab_handlers import EXAMPLE, ORDER, ORIGINAL, lab_of, written

SILENT = (None, None)
SAME = [(0, "A"), (1, "B"), (2, "C")]
SWITCHED = [(0, "A"), (0, "A"), (1, "B")]
THREE = [(0, "A"), (0, "A"), (0, "A")]
LOST = [SILENT, (0, "A"), (1, "B")]
TABLE = [
    # plan, what each attempt counted and ran, the causes that the cross-check names
    ("same,same", SAME, set()),
    ("same,fresh", [(0, "A"), (1, "B"), (0, "A")], {"environment-switch"}),
    ("fresh,same", SWITCHED, {"environment-switch"}),
    ("fresh,env=1", SWITCHED, {"environment-switch"}),
    ("fresh,fresh", THREE, {"environment-switch"}),
    ("first+timeout,same,same", LOST, {"uncounted-attempt"}),
    ("first+kill,same,same", LOST, {"uncounted-attempt"}),
    ("first+exit,same,same", LOST, {"uncounted-attempt"}),
    ("first+oom,same,same", LOST, {"uncounted-attempt"}),
    ("same,same+kill", [(0, "A"), (1, "B"), SILENT], set()),
    ("same+throttle,same", SAME, {"late-retry"}),
    ("first+duplicate,same", [(0, "A"), (1, "B"), (2, "C"), (2, "C")], set()),
]
OUTCOMES = {
    "timeout": AttemptOutcome.TIMEOUT,
    "kill": AttemptOutcome.CRASH,
    "exit": AttemptOutcome.CRASH,
    "oom": AttemptOutcome.OUT_OF_MEMORY,
}

WORKS = """
    import time

    def handler(event, context):
        print("begins")
        time.sleep({seconds})
        print("ends")
        raise ValueError("again")
"""


ABSENT = pytest.mark.skipif(not ORIGINAL.exists(), reason=f"{ORIGINAL} is not here")
HANDLERS = [
    pytest.param(f"{EXAMPLE}:handler", id="example"),
    pytest.param(f"{ORIGINAL}:lambda_handler", id="original", marks=(ABSENT, pytest.mark.outside)),
]
FORMATS = [
    pytest.param(f"{EXAMPLE}:handler", "json", id="example-json"),
    *(
        pytest.param(*each.values, "text", id=f"{each.id}-text", marks=each.marks)
        for each in HANDLERS
    ),
]


@pytest.mark.parametrize(("handler", "log_format"), FORMATS)
@pytest.mark.parametrize(("plan", "claims", "causes"), TABLE, ids=[row[0] for row in TABLE])
def test_the_table(
    handler: str, plan: str, claims: list[object], causes: set[str], log_format: str
) -> None:
    checked = HandlerLab.open(handler, Path(), log_format=log_format).check(plan, ORDER)
    attempts = checked.request.attempts
    assert [(a.claim.counter, a.claim.branch) for a in attempts] == claims
    assert {f.rule for f in checked.findings} - {"retries-exhausted"} == causes
    agrees = not causes & {"environment-switch", "uncounted-attempt"}
    assert checked.verdict is (Verdict.AGREES if agrees else Verdict.DISAGREES)


@pytest.mark.parametrize("moment", ["", "=early", "=late", "@200ms"])
@pytest.mark.parametrize("fault", OUTCOMES)
def test_a_fault_ends_the_attempt_that_it_is_planned_for(
    tmp_path: Path, fault: str, moment: str
) -> None:
    timed = moment in ("=early", "@200ms")
    lab = lab_of(tmp_path, WORKS.format(seconds=0.5 if timed else 0), timeout_s=5)
    request = lab.run(f"first+{fault}{moment},same,same+{fault}{moment}")
    outcomes = [attempt.outcome for attempt in request.attempts]
    assert outcomes == [OUTCOMES[fault], AttemptOutcome.ERROR, OUTCOMES[fault]]
    works = {"": ["begins", "ends"], "=late": ["begins", "ends"] * 3}
    printed = [line.strip() for line in written(lab.events) if not line.startswith("[ERROR]")]
    assert printed == works.get(moment, ["begins", "begins", "ends", "begins"])
    errors = [line for line in written(lab.events) if line.startswith("[ERROR]")]
    assert len(errors) == 1  # a runtime that is ended does not report the handler's error


def test_a_fault_after_the_end_of_its_attempt_is_a_warning(tmp_path: Path) -> None:
    with pytest.warns(NotAsOnLambda, match="ended before the moment of its planned fault"):
        lab_of(tmp_path, "def handler(event, context): pass").run("first+kill@60s")


def test_an_attempt_that_is_ok_is_not_retried() -> None:
    shipped = {"order": {"number": 1, "items": 3, "address": "Kiso 3, Nagano"}}
    request = HandlerLab.open(f"{EXAMPLE}:handler", Path()).run("same,same", shipped)
    assert [attempt.outcome for attempt in request.attempts] == [AttemptOutcome.OK]


def test_a_duplicate_may_follow_an_attempt_that_was_ok() -> None:
    shipped = {"order": {"number": 1, "items": 3, "address": "Kiso 3, Nagano"}}
    checked = HandlerLab.open(f"{EXAMPLE}:handler", Path()).check("first+duplicate", shipped)
    assert [a.outcome for a in checked.request.attempts] == [AttemptOutcome.OK, AttemptOutcome.OK]
    assert "duplicate-delivery" in {finding.rule for finding in checked.findings}


def test_fewer_retries_are_fewer_attempts() -> None:
    lab = HandlerLab.open(f"{EXAMPLE}:handler", Path())
    assert len(lab.run("", ORDER, retries=0).attempts) == 1
    assert len(lab.run("fresh", ORDER, retries=1).attempts) == 2


def test_the_waits_are_lambdas() -> None:
    first, second, third = HandlerLab.open(f"{EXAMPLE}:handler", Path()).run("", ORDER).attempts
    assert first.ended_ms is not None
    assert second.started_ms is not None
    assert second.ended_ms is not None
    assert third.started_ms is not None
    assert 62_000 <= second.started_ms - first.ended_ms < 70_000
    assert 127_000 <= third.started_ms - second.ended_ms < 135_000
