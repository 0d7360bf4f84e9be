"""A summary compared with an earlier one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retryctl.core.summary.changes import changes
from tests.cli.test_summary import retried_in_another, save, summary
from tests.support.lambda_log import ID, Environment
from tests.support.program import run


def test_what_changed_is_told_for_better_or_worse(tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    path = save(tmp_path / "log.jsonl", *retried_in_another())
    before.write_text(json.dumps(summary(path)))
    right = Environment("a")
    right.at(0).runs(ID, "0", "process A", ends="error").at(62).runs(
        ID, "1", "process B", ends="error"
    )
    right.at(300).runs(ID, "fine")
    after = save(tmp_path / "after.jsonl", right)
    verdicts = {
        each["figure"]: each["verdict"]
        for each in summary(after, "--compare", str(before))["changes"]
    }
    assert verdicts["counter right on retries"] == "better"
    assert verdicts["retried requests"] == "worse"
    shown = run("summary", "--from", str(after), "--compare", str(before)).stdout
    right_on = "counter right on retries: 0.0 % → 100.0 % of the retries that logged one, better"
    assert right_on in " ".join(shown.split())
    assert "of the requests, worse" in " ".join(shown.split())


def compared(**of: tuple[object, object]) -> dict[str, str]:
    """The verdicts on the figures of the demo, of which some are others before and now."""
    before, now = summary("demo"), summary("demo")
    for key, (old, new) in of.items():
        before[key], now[key] = old, new
    return {each.figure: each.verdict for each in changes(before, now)}


def test_what_reads_the_same_is_the_same() -> None:
    told = compared(requests=(10_000, 10_000), retried_requests=(287, 292))
    assert told["retried requests"] == "same"
    assert compared(requests=(9_999, 9_999), retried_requests=(0, 1))["retried requests"] == "worse"
    assert (
        compared(requests=(1_000, 1_000), retried_requests=(28, 30))["retried requests"] == "worse"
    )


def test_a_change_that_unknown_outcomes_explain_is_not_judged() -> None:
    outcomes = summary("demo")["outcomes"] | {"exhausted": 0}
    requests = summary("demo")["requests"]
    for unknown, verdict in ((0, "better"), (requests, "changed")):
        now = outcomes | {"unknown": unknown}
        before = summary("demo")["outcomes"]
        assert compared(outcomes=(before, now))["exhausted"] == verdict
        assert compared(outcomes=(now, before))["exhausted"] == verdict.replace("better", "worse")


def test_an_error_that_unknown_attempts_may_have_had_is_not_judged() -> None:
    errors = summary("demo")["errors"]
    attempts = summary("demo")["attempt_outcomes"]
    for unknown, verdict in ((0, "better"), (1_000, "changed")):
        judged = compared(
            errors=(errors, []),
            attempt_outcomes=(attempts, attempts | {"unknown": unknown}),
        )
        kinds = {verdict for figure, verdict in judged.items() if figure.startswith("error ")}
        assert kinds == {verdict}


def test_waits_are_not_judged() -> None:
    waits = [[{"retry": 1, "p50": p50}] for p50 in (61.2, 70.1)]
    told = compared(waits_s=(waits[0], waits[1]))
    assert told["median wait of retry 1, s"] == "changed"


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_form_without_changes_is_refused(form: str, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    before.write_text(json.dumps(summary("demo")))
    asked = ("summary", "--from", "demo", "--compare", str(before), "-o", form)
    told = run(*asked)
    assert (told.returncode, told.stdout) == (2, "")
    assert "text, json, html, svg, markdown" in told.stderr
    assert run(*asked, "--report", f"html={tmp_path / 'page.html'}").returncode == 0


def test_comparing_two_functions_gives_a_warning(tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    document = summary("demo")
    before.write_text(json.dumps(document))
    same = run("summary", "--from", "demo", "--compare", str(before))
    assert (same.returncode, same.stderr) == (0, "")
    before.write_text(json.dumps(document | {"function": "billing"}))
    other = run("summary", "--from", "demo", "--compare", str(before), "-o", "json")
    assert other.returncode == 0
    assert other.stderr == (
        "retryctl: --compare compares different functions: billing in the earlier summary, "
        "orders-worker now.\n"
    )
    before.write_text(json.dumps(document | {"function": None}))
    unknown = run("summary", "--from", "demo", "--compare", str(before), "-o", "json")
    assert "a log without the function's name in the earlier summary" in unknown.stderr


def test_what_is_no_summary_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"requests": 3}')
    told = run("summary", "--from", "demo", "--compare", str(wrong))
    assert told.returncode == 2
    assert "is not a summary" in told.stderr
    told = run("summary", "--from", "demo", "--compare", str(tmp_path / "none.json"))
    assert told.returncode == 2
    assert "retryctl summary --output json > FILE" in told.stderr
