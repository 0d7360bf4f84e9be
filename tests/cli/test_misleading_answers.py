"""Logs that could be misread: of a web function, of no counter, and less than the whole log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.lambda_log import ID, Environment, events_of, iso, platform
from tests.support.made_up_logs import line_of
from tests.support.program import run

COMMANDS = ("trace", "list", "summary", "check")


def saved(folder: Path, *environments: Environment) -> Path:
    path = folder / "log.jsonl"
    path.write_text("".join(line_of(event) for event in events_of(*environments)))
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_a_web_function(command: str, tmp_path: Path) -> None:
    web = Environment("a", json=True)
    for kind in ("invokeStart", "requestComplete", "invokeReport"):
        web.logs(platform(kind, {"requestId": ID}))
    done = run(command, "--from", str(saved(tmp_path, web)))
    assert done.returncode == 4
    assert "the log is of a web function" in done.stderr
    assert "1 request to a web function" in done.stderr


def test_requests_to_a_web_function_are_counted_beside_others(tmp_path: Path) -> None:
    web = Environment("a", json=True).logs(platform("invokeStart", {"requestId": ID}))
    path = saved(tmp_path, web, Environment("b").runs(ID, "fine"))
    for command in ("list", "summary", "check"):
        assert "1 request to a web function" in " ".join(
            run(command, "--from", str(path)).stdout.split()
        )
        document = json.loads(run(command, "--from", str(path), "-o", "json").stdout)
        assert document["coverage"]["web_requests"] == 1


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_cold_start_is_given_as_the_proof_of_another_environment(
    form: str, tmp_path: Path
) -> None:
    """The log names no streams, so only the cold start shows where attempt 2 ran."""
    env = Environment(named=False)
    env.runs(ID, "0", "process A", ends="error").at(62)
    env.cold = True
    path = saved(tmp_path, env.runs(ID, "0", "process A", ends="error"))
    shown = " ".join(run("trace", ID, "--from", str(path), "-o", form).stdout.split())
    assert "attempt 2 was a cold start after an error, so it ran in another one than" in shown
    assert "it was a cold start after an error, so it ran in another execution" in shown
    assert "each may be another" not in shown


def test_a_cold_start_after_a_timeout_proves_no_new_environment(tmp_path: Path) -> None:
    env = Environment(named=False)
    env.runs(ID, "0", "process A", ends="timeout").at(62)
    env.cold = True
    path = saved(tmp_path, env.runs(ID, "0", "process A", ends="error"))
    shown = " ".join(run("trace", ID, "--from", str(path)).stdout.split())
    assert "each may be another" in shown
    assert "a cold start proves a new one only after an attempt that failed with an error" in shown


@pytest.mark.parametrize(
    ("printed", "setting"),
    [
        ("retry count: 0", r"counter = 'retry count: (?P<count>\d+)'"),
        ("[worker] attempt=1 begins", r"counter = 'attempt=(?P<count>\d+)'"),
        ("try no. 2", r"counter = 'try no\. (?P<count>\d+)'"),
        ("retry in 5 s", ""),
        ("attempt 3.5", ""),
        ("nothing", ""),
    ],
)
def test_a_line_that_looks_like_a_counter_is_named_with_its_setting(
    printed: str, setting: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, Environment("a").runs(ID, printed, "process A", ends="error"))
    shown = " ".join(run("trace", ID, "--from", str(path)).stdout.split())
    assert shown.count("no counter was recognised") == bool(setting)
    assert setting in shown
    if setting:
        (tmp_path / "retryctl.toml").write_text(f"[markers]\n{setting}\n")
        document = run("trace", ID, "--from", str(path), "-o", "json", cwd=tmp_path).stdout
        (attempt,) = json.loads(document)["requests"][0]["attempts"]
        assert attempt["counter"]["logged"] == int(setting and printed.strip(" begins")[-1])


def test_a_group_that_only_an_option_names_is_marked(tmp_path: Path) -> None:
    path = saved(tmp_path, Environment("a", group=None).runs(ID, "0", "process A", ends="error"))
    for arguments in (("trace", ID, "-f", "payments"), ("check", "payments")):
        shown = " ".join(run(*arguments, "--from", str(path)).stdout.split())
        assert "(/aws/lambda/payments, as given)" in shown
    assert "as given" not in run("trace", ID, "--from", str(path)).stdout


def test_markdown_has_the_day_of_each_attempt(tmp_path: Path) -> None:
    path = saved(tmp_path, Environment("a").runs(ID, "0", "process A", ends="error"))
    shown = run("trace", ID, "--from", str(path), "-o", "markdown").stdout
    assert "| 1 | 23 Nov 00:00:00" in shown


def test_patterns_that_match_nowhere_are_undetermined(tmp_path: Path) -> None:
    path = saved(tmp_path, Environment("a").starts().prints("retry no. 1").raises(ID).reports())
    settings = tmp_path / "retryctl.toml"
    settings.write_text("[markers]\ncounter = 'trial (?P<count>\\d+)'\n")
    traced = run("trace", ID, "--from", str(path), "--exit-code", cwd=tmp_path)
    for done in (traced, run("check", "--from", str(path), cwd=tmp_path)):
        assert done.returncode == 5
        assert "trial" in done.stdout + done.stderr
    assert "nothing was cross-checked: 1 attempt failed" in traced.stderr
    settings.unlink()
    assert run("trace", ID, "--from", str(path), "--exit-code", cwd=tmp_path).returncode == 0


def test_rows_with_spaces_for_newlines_are_read_like_the_original(tmp_path: Path) -> None:
    log = Environment("a", named=False)
    for at in (0, 63, 190):
        log.at(at).starts().prints("working").raises(ID).reports()
    path = tmp_path / "rows.txt"
    path.write_text(
        "".join(
            f"{iso(event.timestamp_ms)}\t{event.message.rstrip().replace(chr(10), ' ')}\n"
            for event in events_of(log)
        )
    )
    (request,) = json.loads(run("trace", "--from", str(path), "-o", "json").stdout)["requests"]
    assert request["outcome"] == "exhausted"
    assert [each["error"]["type"] for each in request["attempts"]] == ["NameError"] * 3


@pytest.mark.parametrize(
    "titles", ["Timestamp\tMessage", "@timestamp | @message", "timestamp  message"]
)
def test_titles_above_copied_rows_are_passed_over(titles: str, tmp_path: Path) -> None:
    log = Environment("a", named=False)
    for at in (0, 63, 190):
        log.at(at).inits().starts().prints("working").raises(ID).reports()
    separator = " | " if "|" in titles else "\t" if "\t" in titles else "  "
    rows = [f"{iso(e.timestamp_ms)}{separator}{e.message.rstrip()}\n" for e in events_of(log)]
    path = tmp_path / "rows.txt"
    path.write_text("".join([titles, "\n", *rows]))
    document = json.loads(run("trace", "--from", str(path), "-o", "json").stdout)
    assert document["requests"][0]["outcome"] == "exhausted"
    assert document["coverage"]["complete"]
    assert document["coverage"]["events_unrecognised"] == 0


def test_lines_without_starts_and_ends_are_saved_again_without_a_filter(tmp_path: Path) -> None:
    log = Environment("a")
    for at in (0, 63, 190):
        log.at(at).starts().raises(ID).reports()
    log.events = [e for e in log.events if e.message.startswith(("[ERROR]", "REPORT"))]
    (request,) = json.loads(run("trace", "--from", str(saved(tmp_path, log)), "-o", "json").stdout)[
        "requests"
    ]
    remedies = {each["remedy"] for each in request["findings"]}
    assert remedies == {
        "Save the log of this time again, all lines of it: no request ID and no other filter."
    }
