"""``retryctl check`` from outside: what is named, what it ends with, what it refuses."""

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.check_logs import cut, exhausted, pending, right, save, succeeded, switched
from tests.support.lambda_log import ID, MIDNIGHT_MS, OTHER_ID, THIRD_ID, Environment
from tests.support.program import run

FORMS = ("text", "json", "junit", "sarif", "github", "gitlab", "tap", "markdown")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One request that is right, one that is wrong, one that is all well."""
    return save(tmp_path / "log.jsonl", right(), *switched(), succeeded())


def check(log: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return run("check", "--from", log.name, *arguments, cwd=log.parent, **more)


def document(log: Path, *arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(check(log, *arguments, "-o", "json").stdout)
    return told


# --------------------------------------------------------------------------- the exit status


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_same_exit_status(log: Path, form: str) -> None:
    assert check(log, "-o", form).returncode == 1
    assert check(log, "-o", form, "--allow", "environment-switch").returncode == 0
    assert check(log, "-o", form, "--min-retried", "3", "--allow-empty").returncode == 2
    save(log, cut())
    assert check(log, "-o", form).returncode == 5
    empty = check(log, "-o", form, "--since", "2026-11-24")
    assert empty.returncode == 4
    assert "the window contains no request" in empty.stderr
    assert check(log, "-o", form, "--since", "2026-11-24", "--allow-empty").returncode == 0


def test_nothing_to_check_says_what_to_do_next(log: Path) -> None:
    assert "Widen the window with --since or --until." in check(log, "--since", "2026-11-24").stderr
    log.write_text('{"events": []}\n')
    whole = check(log)
    assert whole.returncode == 4
    assert "or name another file. With --allow-empty a check of no requests passes." in whole.stderr


def test_a_failure_outranks_what_is_undetermined(log: Path) -> None:
    assert document(log)["passed"] is False
    save(log, cut(THIRD_ID))
    assert document(log)["passed"] is None
    # the log begins with a whole request: what it shows of the other may not be all
    save(log, *switched(), cut(THIRD_ID))
    assert document(log)["passed"] is False
    assert {c["passed"] for c in document(log)["checks"]} == {False, None}


# --------------------------------------------------------------------------- what is checked


def test_the_contract_of_the_json(log: Path) -> None:
    told = document(log, "--expect-outcome", "recovered")
    assert told["schema"] == "retryctl/check/1"
    assert told["passed"] is False
    for one in told["checks"]:
        assert {"name", "request_id", "passed", "message"} <= set(one)
    by_name = {(c["name"], c["request_id"]): c["passed"] for c in told["checks"]}
    assert by_name == {
        ("request", ID): True,
        ("request", OTHER_ID): False,
        ("request", THIRD_ID): True,
        ("expect-outcome", ID): True,
        ("expect-outcome", OTHER_ID): True,
    }
    (finding,) = told["findings"]
    traced = json.loads(run("trace", "--from", str(log), OTHER_ID, "-o", "json").stdout)
    (expected,) = traced["requests"][0]["findings"]
    assert expected.items() <= finding.items()
    assert (finding["request_id"], finding["failed"], finding["baseline"]) == (
        OTHER_ID,
        True,
        False,
    )
    assert told["not_found"] == []
    assert told["coverage"]["complete"] is True


def test_requests_by_their_ids_in_any_case(log: Path) -> None:
    told = document(log, ID.upper(), THIRD_ID)
    assert [c["request_id"] for c in told["checks"]] == [THIRD_ID, ID] or told["passed"] is True
    assert {c["request_id"] for c in told["checks"]} == {ID, THIRD_ID}


def test_a_shortened_id_that_is_not_there(log: Path) -> None:
    some = check(log, ID[:8], "0000abcd")
    assert some.returncode == 0
    assert "? 1 of 2 requests not found; 1 check passed: 1 request (exit 0)" in some.stdout
    assert "? not found, not checked: 0000abcd" in some.stdout
    assert some.stderr == "retryctl: no request ID of this log begins with 0000abcd.\n"
    assert document(log, ID, "0000abcd")["not_found"] == ["0000abcd"]
    missing = "11111111-2222-4333-8444-555555555555"
    for alone in (("0000abcd",), ("orders-worker", "0000abcd"), ("0000abcd", missing)):
        none = check(log, *alone)
        assert (none.returncode, none.stdout) == (4, ""), alone
        assert "no request ID of this log begins with 0000abcd." in none.stderr


def test_an_id_that_is_not_there(log: Path) -> None:
    missing = "11111111-2222-4333-8444-555555555555"
    some = check(log, ID, missing)
    assert some.returncode == 0
    assert f"retryctl: {missing} was not found." in some.stderr
    result = some.stdout.index("? 1 of 2 requests not found; 1 check passed: 1 request (exit 0)")
    assert some.stdout.index(f"? not found, not checked: {missing}") < result
    assert "✓" not in some.stdout
    notes = check(log, ID, missing, "-o", "markdown").stdout
    assert "## ❔ retryctl check: 1 of 2 requests not found;" in notes
    assert missing in notes
    for form in ("junit", "tap", "sarif", "github"):
        assert f"not checked: {missing}" in check(log, ID, missing, "-o", form).stdout
    assert document(log, ID, missing)["not_found"] == [missing]
    none = check(log, missing)
    assert none.returncode == 4
    assert none.stderr.count("was not found") == 1
    assert f"retryctl list --from {log.name} shows the requests of this log." in none.stderr
    assert "--wait" not in none.stderr
    waited = check(log, missing, "--wait", "5m")
    assert (waited.returncode, "--wait needs CloudWatch" in waited.stderr) == (2, True)


def test_a_function_is_what_has_no_ids_shape(log: Path) -> None:
    assert check(log, "orders-worker", "--allow", "environment-switch").returncode == 0
    assert check(log, "other-worker").returncode == 4
    assert len(document(log, "orders-worker", ID)["checks"]) == 1
    two = check(log, "orders-worker", "other-worker")
    assert two.returncode == 2
    assert "both orders-worker and other-worker are named" in two.stderr


def test_a_request_belongs_to_the_window_of_its_first_attempt(log: Path) -> None:
    start = f"{MIDNIGHT_MS + 30_000}"
    save(log, right(), Environment("f").at(40).runs(THIRD_ID))
    later = document(log, "--since", start)
    assert {c["request_id"] for c in later["checks"]} == {THIRD_ID}
    earlier = document(log, "--until", start)
    assert {c["request_id"] for c in earlier["checks"]} == {ID}
    assert "pending" in earlier["checks"][0]["message"]
    assert "the window ends before the request was over" in earlier["checks"][0]["message"]
    assert earlier["passed"] is None


def test_fail_on_a_warning(log: Path) -> None:
    save(log, exhausted())
    assert check(log).returncode == 0
    assert check(log, "--fail-on", "warning").returncode == 1
    assert check(log, "--fail-on", "retries-exhausted").returncode == 1
    both = check(log, "--fail-on", "warning", "--allow", "retries-exhausted")
    assert both.returncode == 0


def test_several_reports_at_once_beside_the_text(log: Path) -> None:
    reports = [f"--report={form}=r.{form}" for form in FORMS]
    done = check(log, *reports)
    assert done.returncode == 1
    assert "Report: r.text, r.json" in done.stdout
    for form in FORMS:
        assert (log.parent / f"r.{form}").read_text("utf-8") == check(log, "-o", form).stdout or (
            form == "text"
        )


def test_settings_give_the_defaults_and_options_count_before_them(log: Path) -> None:
    settings = log.parent / "retryctl.toml"
    settings.write_text('[check]\nallow = ["environment-switch"]\nmin_requests = 3\n')
    assert check(log).returncode == 0
    assert check(log, "--allow", "uncounted-attempt").returncode == 1
    assert check(log, "--min-requests", "4").returncode == 1
    settings.write_text('[check]\nmax_wrong_branch = "0.5%"\nexpect_branches = "A,B"\n')
    names = {c["name"] for c in document(log)["checks"]}
    assert names == {"request", "expect-branches", "max-wrong-branch"}


def test_the_wait_of_the_settings_is_for_cloudwatch(log: Path) -> None:
    (log.parent / "retryctl.toml").write_text('[check]\nwait = "5m"\n')
    save(log, pending())
    done = check(log, THIRD_ID)
    assert (done.returncode, "waiting" in done.stderr) == (5, False)
    assert "the log ends before the request was over" in " ".join(done.stdout.split())
    assert check(log, OTHER_ID).returncode == 4


# --------------------------------------------------------------------------- GitHub


def test_update_baseline_prints_what_it_wrote(log: Path) -> None:
    written = check(log, "--baseline", "b.json", "--update-baseline")
    assert written.stderr == "retryctl: wrote 1 known finding to b.json, 1 new\n"
    again = check(log, "--baseline", "b.json", "--update-baseline")
    assert "1 known finding to b.json, 0 new" in again.stderr


def test_annotations_and_the_summary_where_github_runs_it(log: Path) -> None:
    summary = log.parent / "summary.md"
    summary.write_text("before\n")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    done = check(log, env=env)
    assert done.stderr == check(log, "-o", "github").stdout
    assert done.stderr.startswith(f"::error title=environment-switch::{OTHER_ID}: attempt 2 ran A")
    assert summary.read_text() == "before\n" + check(log, "-o", "markdown").stdout
    itself = check(log, "-o", "github", env=env)
    assert (itself.stderr, itself.stdout) == ("", done.stderr)


# --------------------------------------------------------------------------- bad input

REFUSED = [
    (
        ["--fail-on", "enviroment-switch"],
        "--fail-on has 'enviroment-switch', which is not a finding.",
        "switch?",
    ),
    (
        ["--fail-on", "errror"],
        "--fail-on has 'errror', which is not a finding.",
        "Did you mean error?",
    ),
    (
        ["--allow", "error"],
        "--allow has 'error', which is not a finding.",
        "explain lists the findings",
    ),
    (["--allow", "late-retry,,x"], "--allow has an empty item between commas.", ""),
    (["--expect-branches", "A,D"], "--expect-branches names no branch 'D'.", "A, B, C"),
    (["--expect-outcome", "recoverd"], "--expect-outcome names no outcome", "recovered?"),
    (["--max-exhausted", "few"], "--max-exhausted 'few' cannot be read.", "0.5%"),
    (["--max-exhausted", "-1"], "--max-exhausted '-1' cannot be read.", "0.5%, or a count such"),
    (["--max-exhausted", "0.5"], "--max-exhausted 0.5 is not a share.", "Did you mean 50%?"),
    (["--max-wrong-branch", "120%"], "--max-wrong-branch 120% is more than 100%.", "100%"),
    (["--min-accuracy", "99"], "--min-accuracy 99 is not a share.", "Did you mean 99%?"),
    (["--min-accuracy", "0.995"], "--min-accuracy 0.995 is not a share.", "Did you mean 99.5%?"),
    (["--min-accuracy", "most"], "--min-accuracy 'most' cannot be read.", "such as 0.5%."),
    (["--wait", "5x"], "--wait '5x' is not a duration.", "5m"),
    (["--wait=soon"], "--wait 'soon' is not a duration.", "5m"),
    (["--output", "xml"], "'xml' is not a value of --output.", "text, json"),
    (["--report", "junit"], "'junit' has no file name.", "FORM=FILE"),
    (["--report", "jnit=r.xml"], "'jnit' is not a value of --report.", "junit?"),
    (["--report", "junit=no/r.xml"], "cannot write no/r.xml", "folder"),
    (["--report", "markdown=-"], "--report writes files, and - is not a file.", "-o markdown."),
    (["--report", "junit=."], "cannot write .", "folder"),
    (["--report", "tap=r", "--report", "json=./r"], "is the file of two reports", "own file"),
    (["--report", "tap=b.json", "--baseline", "b.json"], "is the file of two reports", "own file"),
    (["--update-baseline"], "--update-baseline needs a file.", "Give --baseline"),
    (["--baseline", "none.json"], "the baseline none.json does not exist.", "--update-baseline"),
    (["--baseline", "old.json"], "cannot read the baseline old.json", "create it"),
    (["--baseline", "no/b.json", "--update-baseline"], "cannot write no/b.json", "folder"),
    (["--fail-on", "late-retry", "--allow", "late-retry"], "late-retry is both in", "one of"),
    (["--allow-empty", "--min-requests", "1"], "exclude each other", "Drop one"),
    (
        ["--expect-outcome", "succeeded", "--expect-branches", "A"],
        "succeeded excludes --expect-branches",
        "Drop one",
    ),
    (["one", "two"], "both one and two are named", "36 characters"),
]


@pytest.mark.parametrize(("arguments", "what", "next_step"), REFUSED)
def test_bad_input_is_refused_before_anything_is_looked_at(
    arguments: list[str], what: str, next_step: str, tmp_path: Path
) -> None:
    (tmp_path / "old.json").write_text('{"schema": "retryctl/baseline/0", "findings": []}')
    before = sorted(tmp_path.iterdir())
    # nobody listens there, and without a region a first AWS call would say so
    done = run(
        "check", "--endpoint-url", "http://127.0.0.1:9", *arguments, "-f", "one", cwd=tmp_path
    )
    assert done.returncode == 2, done.stderr
    first, *rest = done.stderr.splitlines()
    assert what in first
    assert next_step in " ".join(rest)
    assert done.stdout == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_report_that_may_not_be_written_is_refused(log: Path) -> None:
    report = log.parent / "r.xml"
    report.write_text("before")
    report.chmod(stat.S_IRUSR)
    done = check(log, "--report", "junit=r.xml")
    assert done.returncode == 2
    assert "cannot write r.xml: Permission denied." in done.stderr


@pytest.mark.parametrize(
    ("table", "what", "next_step"),
    [
        ('fail_onn = "error"', "check.fail_onn is not a setting.", "fail_on?"),
        ('fail_on = "errors"', "check.fail_on has 'errors', which is not a finding.", "error?"),
        ("allow = [1]", "check.allow is not a list of texts.", ""),
        ('min_requests = "3"', "check.min_requests is not a whole number", ""),
        ("min_retried = true", "check.min_retried is not a whole number", ""),
        ("max_exhausted = true", "check.max_exhausted True cannot be read.", ""),
        ('allow_empty = "yes"', "check.allow_empty is neither true nor false.", ""),
        ("baseline = 3", "check.baseline is not the name of a file.", ""),
        ("wait = 5", "check.wait '5' is not a duration.", "5m"),
        ("min_accuracy = 0.99", "check.min_accuracy 0.99 is not a share.", "Did you mean 99%?"),
    ],
)
def test_a_setting_that_cannot_be_read_names_its_file_and_key(
    table: str, what: str, next_step: str, log: Path
) -> None:
    (log.parent / "retryctl.toml").write_text(f"[check]\n{table}\n")
    done = check(log)
    assert done.returncode == 2
    assert f"retryctl.toml: {what}" in done.stderr
    assert next_step in done.stderr


def test_what_does_not_change_is_not_waited_for(log: Path) -> None:
    done = run("check", "--from", "demo", "--wait", "5m")
    assert done.returncode == 2
    assert "--wait needs CloudWatch" in done.stderr


def test_the_demo_heeds_no_settings(log: Path) -> None:
    (log.parent / "retryctl.toml").write_text("[check]\nbad = 1\n")
    assert run("check", "--from", "demo", cwd=log.parent).returncode == 1


def test_a_window_without_first_attempts_states_why(log: Path) -> None:
    save(log, right())
    after_the_first = check(log, "--since", f"{MIDNIGHT_MS + 30_000}")
    assert after_the_first.returncode == 4
    assert "belongs to the window in which its first attempt started" in after_the_first.stderr
    assert "Give a later --until." in check(log, "--until", "2026-11-01").stderr


def test_the_window_that_was_requested_is_shown(log: Path) -> None:
    save(log, right(), Environment("f").at(40).runs(THIRD_ID))
    assert "(requested: from 23 Nov 2026" in check(log, "--since", f"{MIDNIGHT_MS + 30_000}").stdout
