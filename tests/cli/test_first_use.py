"""What a new user meets: words of the output as values, files that are no log, missing names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_summary import retried_in_another, save
from tests.support.lambda_log import ID, THIRD_ID, Environment, events_of
from tests.support.program import run

OTHERS = "Other requests with a wrong counter:"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return save(tmp_path / "log.jsonl", *retried_in_another())


@pytest.mark.parametrize("form", ["text", "html"])
def test_other_wrong_requests_are_listed_where_there_are_some(log: Path, form: str) -> None:
    listed = run("list", "--from", str(log), "--verdict", "disagrees", "-o", "jsonl").stdout
    (wrong,) = {line.split('"request_id": "')[1][:36] for line in listed.splitlines()}
    assert OTHERS not in run("trace", wrong, "--from", str(log), "-o", form).stdout
    one, two = retried_in_another()
    again = Environment("d").at(5000).starts(THIRD_ID).prints("0", "process A").raises(THIRD_ID)
    other = Environment("e").at(5100).starts(THIRD_ID).prints("0", "process A").reports(THIRD_ID)
    save(log, one, two, again.reports(THIRD_ID), other)
    assert OTHERS in run("trace", wrong, "--from", str(log), "-o", form).stdout


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("disagrees", "disagrees"),
        ("silent", "silent"),
        ("cold", "cold_start"),
        ("right", "agrees"),
        ("wrong", "disagrees"),
        ("wrong_branches", "wrong_branches"),
        ("env", "environment"),
        ("environment", "environment"),
        ("ran", "branch"),
        ("wait", "wait"),
        ("start", "start"),
        ("due", "next_attempt_due_at"),
        ("not in log", "start"),
        ("B+", "branch"),
        ("2+", "counter"),
    ],
)
def test_explain_knows_the_words_of_text_output(word: str, name: str) -> None:
    assert run("explain", word).stdout.startswith(f"{name}\n")


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("r.xml", '<?xml version="1.0"?>\n<testsuites/>\n', "it is probably XML."),
        ("gen.py", "import csv, json\nprint(1)\n", "it is probably a program."),
        ("p.html", "<!DOCTYPE html><p>", "it is probably a web page."),
    ],
)
def test_a_file_that_is_no_log(log: Path, name: str, text: str, what: str) -> None:
    path = log.parent / name
    path.write_text(text)
    done = run("trace", "--from", str(path))
    assert done.returncode == 3
    assert what in done.stderr
    wide = {"COLUMNS": "300"}
    listed = " ".join(run("list", "--from", str(log.parent), env=wide).stdout.split())
    assert f"{name} was skipped: it is not a saved log: {what}" in listed


def test_a_log_without_requests_is_reported_for_a_shortened_id(tmp_path: Path) -> None:
    path = tmp_path / "errors.csv"
    path.write_text('timestamp,message\n1781013731530,"[ERROR] RuntimeError: no"\n')
    done = run("trace", "--from", str(path), ID[:8])
    assert done.returncode == 4
    assert "the log contains no request" in done.stderr


def test_check_separates_the_reasons(tmp_path: Path) -> None:
    from retryctl.core.wording import as_sentences

    assert as_sentences(["the log is cut", "The START is missing."]) == (
        "the log is cut. The START is missing."
    )
    assert as_sentences(["the log is cut"]) == "the log is cut"
    assert as_sentences(["it is cut", "log in", "and more"]) == "it is cut. Log in. And more"


def test_help_names_itself_and_the_manual() -> None:
    for words in (["--help"], ["help", "--help"], ["help"]):
        page = run(*words).stdout
        assert "  help  " in page
        assert "--man" in page
    assert run("help", "--man", "trace").stdout == run("help", "--man").stdout


def test_doctor_takes_the_function_of_the_option_and_of_the_settings(tmp_path: Path) -> None:
    missing = run("doctor", cwd=tmp_path)
    assert (missing.returncode, "no function given" in missing.stderr) == (2, True)
    assert run("doctor", "one", "-f", "two", cwd=tmp_path).returncode == 2
    assert "no AWS credentials" in run("doctor", "-f", "one", "--region", "eu-west-1").stderr
    (tmp_path / "retryctl.toml").write_text('function = "one"\n')
    configured = run("doctor", "--region", "eu-west-1", cwd=tmp_path)
    assert "no AWS credentials" in configured.stderr


def test_a_list_leaves_the_branches_empty_where_none_ran(tmp_path: Path) -> None:
    path = save(tmp_path / "log.jsonl", Environment("a").runs(ID, "fine"))
    heading, row = run("list", "--from", str(path), "-o", "csv").stdout.splitlines()
    assert dict(zip(heading.split(","), row.split(","), strict=True))["branches"] == ""


def test_vendor_reports_a_replaced_file_and_the_import(tmp_path: Path) -> None:
    line = "from retryctl_counters import TmpCounter, branch_on_retry"
    first = run("counters", "vendor", str(tmp_path)).stderr
    assert (line in first, "replaced" in first) == (True, False)
    again = run("counters", "vendor", str(tmp_path)).stderr
    assert (line in again, "replaced" in again) == (True, True)


def test_branches_of_the_settings_are_listed_where_a_name_is_unknown(log: Path) -> None:
    (log.parent / "retryctl.toml").write_text("[branches]\nfirst = 0\nagain = 1\n")
    done = run("check", "--from", str(log), "--expect-branches", "A", cwd=log.parent)
    assert "The branches are first, again." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("orders-worker",), "retryctl summary orders-worker"),
        (("--from", "x.csv"), "retryctl trace --from FILE"),
        (("trace", "--verdict", "disagrees"), "retryctl list --verdict disagrees"),
        (("check", "--from", "demo", "--fail-on", "wrong-branch"), "--max-wrong-branch 0"),
        (("check", "--from", "demo", "--fail-on", "wrong-branch"), "--expect-branches A,B,C"),
        (("counters", "iam"), "Choose from: tmp, "),
    ],
)
def test_a_mistake_names_the_command_that_does_it(arguments: tuple[str, ...], hint: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert hint in done.stderr


def test_a_log_piped_where_ids_are_read_names_the_option(log: Path) -> None:
    done = run("trace", "-", stdin=log.read_text(), env={"AWS_REGION": "", "AWS_PROFILE": "nosuch"})
    assert done.returncode
    assert "retryctl trace --from -" in done.stderr
    assert "retryctl trace --from -" in run("trace", "-", stdin="no ID\n").stderr


def test_check_completes_a_shortened_id_of_a_saved_log(log: Path) -> None:
    whole = run("check", ID, "--from", str(log))
    short = run("check", ID[:6], "--from", str(log))
    assert (short.returncode, short.stdout) == (whole.returncode, whole.stdout)
    assert "1 request" in short.stdout


def test_a_shortened_id_of_several_requests_is_refused_with_their_ids(tmp_path: Path) -> None:
    near = ID[:-1] + ("0" if ID[-1] != "0" else "1")
    log = save(tmp_path / "log.jsonl", Environment("a").runs(ID).at(60).runs(near))
    for command in ("trace", "diff", "check"):
        refused = run(command, ID[:8], "--from", str(log))
        assert refused.returncode == 2
        first, *rest = refused.stderr.splitlines()
        assert f"2 request IDs of this log begin with {ID[:8]}: " in first
        assert ID in first
        assert near in first
        step = " ".join(rest)
        assert (f"-f {ID[:8]}" in step) is (command == "check")
        assert ("retryctl list" in step) is (command != "check")


def test_explain_pending_names_no_wait_for_a_saved_log() -> None:
    assert "A saved log has no" in " ".join(run("explain", "pending").stdout.split())


def test_vendor_without_a_store_names_what_it_cannot_count(tmp_path: Path) -> None:
    done = run("counters", "vendor", str(tmp_path))
    assert "misses attempts of other execution environments" in done.stderr
    assert "--store dynamodb" in done.stderr
    assert "misses" not in run("counters", "vendor", str(tmp_path), "--store", "tmp").stderr


def test_a_check_without_a_counter_names_markers_also_where_an_attempt_still_runs(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log.jsonl"
    save(log, Environment("a").runs(ID, "try 1 of 3").at(10).starts(THIRD_ID))
    printed = " ".join(run("check", "--from", str(log)).stdout.split())
    assert "nothing was cross-checked" in printed
    assert "[markers] in retryctl.toml" in printed
    for form in ("markdown", "junit", "tap", "github", "sarif"):
        assert "nothing was cross-checked" in run("check", "--from", str(log), "-o", form).stdout


def test_a_request_id_in_place_of_a_function_is_named(tmp_path: Path) -> None:
    named: list[tuple[str, ...]] = [(command, ID) for command in ("list", "summary")]
    named += [(command, "-f", ID) for command in ("list", "summary", "check", "trace")]
    for words in named:
        done = run(*words, "--from", "demo")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{ID} is a request ID, not a function." in done.stderr
        assert f"retryctl trace {ID} --from demo\n" in done.stderr
    for of_doctor in ([ID], ["-f", ID]):
        done = run("doctor", *of_doctor)
        assert done.returncode == 2
        assert f"retryctl trace {ID}\n" in done.stderr


def test_the_second_of_two_logs_is_not_read_alone() -> None:
    done = run("check", "--from", "demo", "--from=other.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--from is given twice." in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--fail-on", "duplicate-delivery", "--fail-on", "retries-exhausted"),
        ("check", "--allow", "late-retry", "--allow", "retries-exhausted"),
        ("list", "--outcome", "recovered", "--outcome", "exhausted"),
    ],
)
def test_the_second_of_two_lists_does_not_replace_the_first(words: tuple[str, ...]) -> None:
    done = run(*words, "--from", "demo")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{words[1]} is given twice." in done.stderr
    assert f"{words[1]} ONE,TWO" in done.stderr


def test_the_second_of_two_functions_is_not_checked_alone() -> None:
    done = run("doctor", "-f", "one", "-f", "two")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--function is given twice." in done.stderr


def test_the_last_value_of_other_options_counts() -> None:
    assert run("list", "--from", "demo", "--tz", "local", "--tz", "UTC").returncode == 0


def test_a_shortened_id_outside_of_the_window_is_found_like_the_whole_one() -> None:
    rows = json.loads(run("list", "--from", "demo", "-o", "json").stdout)["requests"]
    whole = rows[0]["request_id"]
    late = ("--from", "demo", "--since", "2026-11-25")
    ones = [run("trace", each, *late) for each in (whole, whole[:8])]
    assert ones[0].stderr == ones[1].stderr
    assert "no attempt between --since and --until" in ones[1].stderr
    unknown = run("trace", "00000000", "--from", "demo")
    assert "retryctl list --from demo" in unknown.stderr


def test_a_link_needs_the_name_of_the_group(tmp_path: Path) -> None:
    one = Environment("a")
    one.at(0).runs(ID, ends="error")
    path = tmp_path / "log.csv"
    rows = [f'{e.timestamp_ms},"{e.message}",{e.log_stream}\n' for e in events_of(one)]
    path.write_text("".join(["timestamp,message,logStreamName\n", *rows]))
    linked = ("trace", ID, "--from", str(path), "--links", "--region", "eu-west-1")
    why = "its log group is not known: name the function with -f, or the group with -g"
    assert why in run(*linked).stdout
    assert "https://eu-west-1.console" in run(*linked, "-g", "/aws/lambda/orders").stdout


def test_the_answer_is_printed_before_the_error_of_a_link(log: Path) -> None:
    nowhere = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    for form in ("text", "json"):
        asked = ("trace", ID, "--from", str(log), "-o", form)
        answer = run(*asked, env=nowhere).stdout
        for option in ("--web", "--links"):
            linked = run(*asked, option, env=nowhere)
            assert (linked.returncode, linked.stdout) == (2, answer)
            assert "a link needs the region of the log" in linked.stderr


def test_the_command_of_a_remedy_has_a_line_of_its_own(log: Path) -> None:
    command = "    retryctl counters vendor DIR --store dynamodb\n"
    assert command in run("trace", ID, "--from", str(log)).stdout
    assert command in run("summary", "--from", str(log)).stdout


def test_a_right_count_with_a_wrong_branch_is_not_called_a_wrong_count(tmp_path: Path) -> None:
    one = Environment("a")
    one.at(0).runs(ID, "0", "process A", ends="error")
    one.at(61).runs(ID, "1", "process A", ends="error")
    path = str(save(tmp_path / "log.jsonl", one))
    text = run("summary", "--from", path).stdout
    assert "Every retry that logged a count ran another branch than that of its count" in text
    assert "counted wrong" not in text
