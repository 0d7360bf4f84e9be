"""Known findings: the same from run to run, whatever the request IDs and their order."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retryctl.core.check.baseline import (
    SCHEMA,
    BaselineError,
    Identity,
    baseline_text,
    identity_of,
    read_baseline,
)
from tests.support.check_logs import exhausted, right, save, switched
from tests.support.lambda_log import ID, OTHER_ID, THIRD_ID, checked
from tests.support.program import run

NAMES = st.none() | st.text(max_size=20)
NUMBERS = st.none() | st.integers(min_value=0, max_value=9)
IDENTITIES = st.builds(
    Identity,
    rule=st.text(min_size=1, max_size=20),
    function=NAMES,
    attempt=NUMBERS,
    counter=NUMBERS,
    branch=NAMES,
    error=NAMES,
)


def identities(request_id: str, letter: str = "b") -> list[Identity]:
    one = checked(*switched(request_id), request_id=request_id)
    return [identity_of(finding, one.request) for finding in one.findings]


@given(st.lists(IDENTITIES))
def test_a_baseline_is_read_as_it_was_written(found: list[Identity]) -> None:
    assert read_baseline(baseline_text(found)) == frozenset(found)


@given(st.lists(IDENTITIES), st.randoms())
def test_neither_order_nor_repetition_shows(found: list[Identity], rng: random.Random) -> None:
    shuffled = [*found, *found]
    rng.shuffle(shuffled)
    assert baseline_text(shuffled) == baseline_text(found)


def test_an_identity_survives_new_request_ids() -> None:
    assert identities(ID) == identities(OTHER_ID) == identities(THIRD_ID)
    assert len({each.fingerprint for each in identities(ID) + identities(OTHER_ID)}) == 1


def test_an_identity_tells_one_harm_from_another() -> None:
    one = checked(*switched(ID))
    other = checked(exhausted(ID))
    found = [identity_of(f, each.request) for each in (one, other) for f in each.findings]
    assert [each.rule for each in found] == ["environment-switch", "retries-exhausted"]
    assert len({each.fingerprint for each in found}) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[]", "names no schema"),
        ('{"schema": "retryctl/baseline/2", "findings": []}', "'retryctl/baseline/2'"),
        (json.dumps({"schema": SCHEMA}), "no list of findings"),
        (json.dumps({"schema": SCHEMA, "findings": [{"rule": "x"}]}), "finding 1"),
        (
            baseline_text(
                [Identity(rule="x", function="", attempt=1, counter=0, branch="", error="")]
            ).replace('"attempt": 1', '"attempt": true'),
            "True as its attempt",
        ),
    ],
)
def test_what_is_no_baseline_is_refused(text: str, why: str) -> None:
    with pytest.raises(BaselineError, match=why):
        read_baseline(text)


# --------------------------------------------------------------------------- from outside


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return save(tmp_path / "log.jsonl", *switched(), right())


def check(folder: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    done = run("check", "--from", "log.jsonl", "-o", "json", *arguments, cwd=folder)
    return done.returncode, json.loads(done.stdout)


def test_known_findings_are_told_and_do_not_fail(log: Path) -> None:
    folder = log.parent
    assert check(folder)[0] == 1
    assert check(folder, "--baseline", "known.json", "--update-baseline")[0] == 0
    written = (folder / "known.json").read_text()
    status, document = check(folder, "--baseline", "known.json")
    assert status == 0
    found: Any = document["findings"]
    (finding,) = found
    assert (finding["rule"], finding["failed"], finding["baseline"]) == (
        "environment-switch",
        False,
        True,
    )
    assert check(folder, "--baseline", "known.json", "--update-baseline")[0] == 0
    assert (folder / "known.json").read_text() == written
    shown = run("check", "--from", "log.jsonl", "--baseline", "known.json", cwd=folder)
    assert "known, in the baseline: environment-switch 1" in shown.stdout


def test_the_same_harm_to_a_new_request_is_known_and_another_harm_is_not(log: Path) -> None:
    folder = log.parent
    check(folder, "--baseline", "known.json", "--update-baseline")
    save(log, *switched(THIRD_ID))
    assert check(folder, "--baseline", "known.json")[0] == 0
    assert check(folder, "--baseline", "known.json", "--fail-on", "warning")[0] == 0
    save(log, exhausted())
    assert check(folder, "--baseline", "known.json", "--fail-on", "warning")[0] == 1


def test_what_is_allowed_does_not_get_into_the_baseline(log: Path) -> None:
    known = ("--baseline", "known.json", "--update-baseline")
    assert check(log.parent, *known, "--allow", "environment-switch")[0] == 0
    assert read_baseline((log.parent / "known.json").read_text()) == frozenset()


def test_a_baseline_of_the_settings_lies_beside_them(log: Path) -> None:
    folder = log.parent
    check(folder, "--baseline", "known.json", "--update-baseline")
    (folder / "retryctl.toml").write_text('[check]\nbaseline = "known.json"\n')
    (folder / "below").mkdir()
    assert run("check", "--from", "../log.jsonl", cwd=folder / "below").returncode == 0
