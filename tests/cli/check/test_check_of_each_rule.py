"""For every rule a history that fails a check, and its nearest neighbour, which passes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from retryctl.core.check.check_evaluator import CheckEvaluator, CheckOutcome
from retryctl.core.check.expectations import Expectations
from retryctl.core.crosscheck.checked_request import RULES, CheckedRequest, check_request
from retryctl.core.crosscheck.counter_rules import COUNTER_RULES
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.model.events import LogEvent
from retryctl.core.model.store_count import StoreCount
from tests.support.check_logs import save
from tests.support.lambda_log import ID, Environment, checked, events_of, history, whole
from tests.support.program import run

History = Callable[[], CheckedRequest]


def attempts(*lines: tuple[str, ...], ends: str = "error", **how: object) -> CheckedRequest:
    """One environment; each attempt prints its lines a minute or two after the one before."""
    environment = Environment("a")
    for number, said in enumerate(lines):
        environment.at(number * 90).runs(ID, *said, ends=ends)
    return checked(environment, **how)  # type: ignore[arg-type]


def in_streams(letters: str, *lines: tuple[str, ...]) -> CheckedRequest:
    streams = {letter: Environment(letter) for letter in letters}
    for number, (letter, said) in enumerate(zip(letters, lines, strict=True)):
        streams[letter].at(number * 90).runs(ID, *said, ends="error")
    return checked(*streams.values())


def one_by_one(*ends: str) -> CheckedRequest:
    environment = Environment("a")
    for number, end in enumerate(ends):
        environment.at(number * 90).runs(ID, ends=end)
    return checked(environment)


def after_a_timeout(count: str, branch: str, first: str) -> CheckedRequest:
    environment = Environment("a")
    said = ("0", "process A") if first == "error" else ()
    environment.at(0).runs(ID, *said, ends=first)
    environment.at(70).runs(ID, count, branch, ends="error")
    return checked(environment)


def marked(error: str | None) -> CheckedRequest:
    marker = {"retryctl": 1, "request_id": ID, "counter": 0, "branch": "A", "store": "s3"}
    marker |= {"recorded": error is None, "error": error}
    return attempts((json.dumps(marker),))


def waited(seconds: float) -> CheckedRequest:
    environment = Environment("a").at(0).runs(ID, ends="error")
    environment.now_ms += round(seconds * 1000)
    return checked(environment.runs(ID))


def versions(first: str, second: str) -> CheckedRequest:
    one = Environment("a", version=first).at(0).runs(ID, ends="error")
    return checked(one, Environment("b", version=second).at(70).runs(ID))


def reported(there: bool) -> CheckedRequest:
    environment = Environment("a").at(0).inits().starts(ID)
    if there:
        environment.reports(ID)
    return checked(environment, later_s=2000)


def stored(number: int) -> CheckedRequest:
    """One failed attempt that logged nothing, and a store that holds so many."""
    environment = Environment("a").at(0).runs(ID, ends="error")
    record = LogEvent(timestamp_ms=environment.now_ms, message="s3://counts an attempt")
    held = StoreCount(request_id=ID, store="s3://counts", evidence=(record,) * number)
    (request,) = history(environment).requests
    return check_request(request, whole(events_of(environment)), stored=held)


A, B, C = ("0", "process A"), ("1", "process B"), ("2", "process C")

PAIRS: dict[str, tuple[History, History]] = {
    "environment-switch": (lambda: in_streams("ab", A, A), lambda: in_streams("aa", A, B)),
    "uncounted-attempt": (
        lambda: after_a_timeout("0", "process A", "timeout"),
        lambda: after_a_timeout("1", "process B", "error"),
    ),
    "counter-lost": (lambda: attempts(A, A), lambda: attempts(A, B)),
    "counter-ahead": (lambda: attempts(B), lambda: attempts(A)),
    "counter-unexplained": (lambda: in_streams("abc", A, B, B), lambda: in_streams("abc", A, B, C)),
    "branch-contradicts-counter": (
        lambda: attempts(A, ("1", "process A")),
        lambda: attempts(A, ("1", "process B")),
    ),
    "branch-missing": (lambda: attempts(A, ()), lambda: attempts(A, B)),
    "counter-failed": (lambda: marked("AccessDenied"), lambda: marked(None)),
    "store-differs": (lambda: stored(2), lambda: stored(1)),
    "duplicate-delivery": (lambda: one_by_one("ok", "ok"), lambda: one_by_one("error", "ok")),
    "extra-attempt": (lambda: one_by_one(*["error"] * 4), lambda: one_by_one(*["error"] * 3)),
    "version-changed": (lambda: versions("7", "8"), lambda: versions("7", "7")),
    "late-retry": (lambda: waited(361), lambda: waited(359)),
    "retries-exhausted": (
        lambda: one_by_one("error", "error", "error"),
        lambda: one_by_one("error", "error", "ok"),
    ),
    "logs-incomplete": (lambda: reported(False), lambda: reported(True)),
}


COUNTING = [rule.id for rule in COUNTER_RULES if rule.severity is Severity.ERROR]


def judged(one: CheckedRequest, rule: str, **more: frozenset[str]) -> CheckOutcome:
    judge = CheckEvaluator(Expectations(fail_on=frozenset({rule}), **more))  # type: ignore[arg-type]
    judge.add(one)
    return judge.judgement()


def test_every_rule_has_its_pair() -> None:
    assert {rule.id for rule in RULES} == set(PAIRS)


@pytest.mark.parametrize("rule", PAIRS)
def test_a_rule_fails_its_history_and_not_the_neighbour(rule: str) -> None:
    fails, passes = PAIRS[rule]
    failing = judged(fails(), rule)
    assert failing.passed is False
    assert rule in {f.finding.rule for f in failing.findings if f.failed}
    neighbour = judged(passes(), rule)
    assert rule not in {f.finding.rule for f in neighbour.findings}
    if rule != "counter-unexplained":  # there the neighbour's second count is unexplained too
        assert neighbour.passed is True


@pytest.mark.parametrize("rule", PAIRS)
def test_a_rule_that_is_allowed_does_not_fail(rule: str) -> None:
    one = PAIRS[rule][0]()
    errors = {f.rule for f in one.findings if f.severity is Severity.ERROR}
    allowed = judged(one, rule, allow=frozenset({rule, *errors}))
    assert not any(f.failed for f in allowed.findings)
    assert allowed.passed is (None if one.undetermined_because else True)


@pytest.mark.parametrize("rule", COUNTING)
def test_a_wrong_count_is_not_passed_because_other_rules_are_asked_for(rule: str) -> None:
    other = "late-retry"
    assert judged(PAIRS[rule][0](), other).passed is False


def test_a_wrong_branch_of_an_attempt_that_succeeded_counts(tmp_path: Path) -> None:
    one = Environment("a")
    one.at(0).runs(ID, "0", "process A", ends="error")
    one.at(61).runs(ID, "0", "process A")
    path = str(save(tmp_path / "log.jsonl", one))
    limited = ("--allow", "counter-lost", "--max-wrong-branch", "0")
    done = run("check", "--from", path, *limited)
    assert done.returncode == 1
    words = " ".join(done.stdout.split())
    which = f"attempt 2 of {ID} ran A, expected B"
    assert f"--max-wrong-branch: 1 branch wrong ({which}), at most 0 allowed" in words
    assert " A A✗ " in run("list", "--from", path).stdout
    trace = run("trace", "--from", path, env={"COLUMNS": "120"}).stdout
    assert "it ran A instead of B" in trace
    document = json.loads(run("trace", "--from", path, "-o", "json").stdout)
    assert document["requests"][0]["attempts"][1]["branch"] == {"logged": "A", "expected": None}


def test_no_branch_of_a_failed_attempt_neither_passes_nor_fails(tmp_path: Path) -> None:
    one = Environment("a")
    one.at(0).runs(ID, ends="error")
    one.at(61).runs(ID)
    path = str(save(tmp_path / "log.jsonl", one))
    done = run("check", "--from", path, "--max-wrong-branch", "0", env={"COLUMNS": "300"})
    assert done.returncode == 5
    assert "no branch was compared, and 1 attempt failed" in done.stdout
    [command] = [line for line in done.stdout.splitlines() if "retryctl list" in line]
    assert run(*command.split()[1:]).returncode == 0  # it shows the requests
    save(tmp_path / "log.jsonl", Environment("a").at(0).runs(ID))
    assert run("check", "--from", path, "--max-wrong-branch", "0").returncode == 0


def test_a_request_that_is_open_at_until_does_not_pass(tmp_path: Path) -> None:
    one = Environment("a")
    one.at(0).runs(ID, "0", "process A", ends="error")
    one.at(61).runs(ID, "0", "process A", ends="error")
    path = str(save(tmp_path / "log.jsonl", one))
    assert run("check", "--from", path).returncode == 1
    done = run("check", "--from", path, "--until", "2026-11-23T00:00:30Z")
    assert done.returncode == 5
    assert "the window ends before the request was over" in done.stdout


def test_help_names_what_lets_a_wrong_counter_pass() -> None:
    page = " ".join(run("check", "--help").stdout.split())
    assert "A wrong counter fails too, unless --allow names its finding or --baseline" in page
    findings = "environment-switch,uncounted-attempt"
    accepted = ("--from", "demo", "--max-wrong-branch", "100%", "--min-accuracy", "1%")
    assert run("check", *accepted).returncode == 1
    assert run("check", *accepted, "--allow", findings).returncode == 0
