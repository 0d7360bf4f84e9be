"""The command line from outside: arguments, streams and exit status."""

import json
import re
from pathlib import Path

import pytest

from retryctl.core.rules import ALL_RULES
from tests.support.program import PYTHON, run, run_process

ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
COMMANDS = (
    *("trace", "check", "summary", "list", "doctor", "diff", "demo", "lab", "counters", "probe"),
    *("explain", "schema"),
)


# --------------------------------------------------------------------------- starting


def test_version() -> None:
    done = run("--version")
    assert re.fullmatch(r"retryctl \d+\.\d+\.\d+\n", done.stdout)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_lists_the_commands() -> None:
    for arguments in ((), ("--help",), ("-h",)):
        done = run(*arguments)
        assert done.returncode == 0
        for command in COMMANDS:
            assert f" {command} " in done.stdout


def test_the_help_names_values_by_what_they_are() -> None:
    assert not re.search(r"<(?:int|float|str|path)\b", run("help", "--man").stdout)


def test_the_help_of_trace_has_every_common_option() -> None:
    done = run("trace", "--help", env={"COLUMNS": "100"})
    common = (
        *("--function", "--log-group", "--from", "--since", "--until", "--profile", "--region"),
        *("--endpoint-url", "--output", "--color", "--tz", "--quiet", "--debug"),
        *("-f", "-g", "-s", "-u", "-o", "-q", "--lines", "--attempt", "--failed", "--exit-code"),
    )
    for option in common:
        assert re.search(rf"(?m)[ ]{option}(?:[ ,]|$)", done.stdout)


# One process for all: a command loads nothing that the ones after it may not load.
LOADING = """
import json, os, sys
from retryctl.cli.main import run
for arguments, env in json.loads(sys.argv[1]):
    os.environ.update(env)
    run(arguments)
    for name in env:
        del os.environ[name]
    print(json.dumps([*sys.modules]), file=sys.stderr)
"""
COMPLETES = {
    "_RETRYCTL_COMPLETE": "complete_bash",
    "COMP_WORDS": "retryctl trace --f",
    "COMP_CWORD": "2",
}
_AWS, _READER = ("boto3", "botocore"), "retryctl.core.grammar.record_parser"
UNUSED: list[tuple[list[str], dict[str, str], set[str]]] = [
    (["--version"], {}, {*_AWS, _READER, "rich", "typer"}),
    ([], COMPLETES, {*_AWS, _READER, "rich"}),
    (["explain"], {}, {*_AWS, _READER, "rich"}),
    (["--help"], {}, {*_AWS, _READER}),
    (["trace", "--help"], {}, {*_AWS, _READER}),
    (["trace", "--from", "demo", ID], {}, {*_AWS}),
]


def test_nothing_is_imported_that_is_not_used() -> None:
    runs = json.dumps([(arguments, env) for arguments, env, _ in UNUSED])
    done = run_process(runs, program=(PYTHON, "-c", LOADING))
    after_each = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("[")]
    for (arguments, _, unused), loaded in zip(UNUSED, after_each, strict=True):
        assert "retryctl.cli.main" in loaded
        assert unused.isdisjoint(loaded), arguments


COMPLETIONS = {
    "bash": {"COMP_WORDS": "retryctl trace --f", "COMP_CWORD": "2"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "retryctl trace --f"},
    "fish": {
        "_TYPER_COMPLETE_ARGS": "retryctl trace --f",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    },
}


# --------------------------------------------------------------------------- completion


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_completion_of_an_option(shell: str) -> None:
    done = run(env={"_RETRYCTL_COMPLETE": f"complete_{shell}", **COMPLETIONS[shell]})
    assert (done.returncode, done.stderr) == (0, "")
    for option in ("--function", "--from", "--failed"):
        assert option in done.stdout
    assert "--since" not in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("retryctl ", " ".join([*COMMANDS, "help"])),
        ("retryctl tr", "trace"),
        ("retryctl explain environment", "environment-switch environment"),
        ("retryctl trace --output j", "json jsonl"),
        ("retryctl explain none", ""),
    ],
)
def test_completion_of_names(words: str, expected: str) -> None:
    env = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = run(env={"_RETRYCTL_COMPLETE": "complete_bash", **env})
    assert done.stdout.split() == expected.split()
    assert (done.returncode, done.stderr) == (0, "")


# --------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("arguments", "what", "next_step"),
    [
        (["trce"], "'trce' is not a command", "Did you mean trace?"),
        (["zzz"], "'zzz' is not a command", "retryctl --help"),
        (["man"], "'man' is not a command", "retryctl help --man"),
        (["version"], "'version' is not a command", "retryctl -V"),
        (["trace", "hello", "--from", "demo"], "not a request ID", "retryctl list --from demo"),
        (
            ["trace", ID, "orders-worker", "--from", "demo"],
            "not a request ID",
            "-f orders-worker --from demo",
        ),
        (["trace", "demo"], "not a request ID", "retryctl trace --from demo"),
        (["diff", "demo"], "not a request ID", "retryctl diff --from demo"),
        (["trace"], "no request ID, function, log group or saved log", "-f"),
        (["trace", ID, "--form", "demo"], "no such option: --form", "Did you mean --from?"),
        (["trace", "--file", "x"], "no such option: --file", "Did you mean --from?"),
        (["summary", "--start", "1h"], "no such option: --start", "Did you mean --since?"),
        (["list", "--json"], "no such option: --json", "Did you mean --output?"),
        (["explain", "--file", "x"], "no such option: --file", "retryctl explain --help"),
        (["trace", ID, "--since"], "--since", "retryctl trace --help"),
        (["trace", ID, "-o", "josn"], "'josn' is not a value of --output.", "Did you mean json?"),
        (["trace", ID, "-o", "xml"], "'xml' is not a value of --output.", "Known: text"),
        (["trace", ID, "--attempt", "0"], "--attempt", "retryctl trace --help"),
        (["trace", ID, "--attempt", "two"], "'two' is not a whole number", "trace --help"),
        (["trace", "--from", "demo", ID, "-s", "soon"], "the time 'soon'", "2h30m"),
        (["trace", "--from", "demo", ID, "--tz", "Mars"], "'Mars' is not a time zone", "UTC"),
        (["trace", ID[:20]], "it has 20 of the 36 characters", ID),
        (
            ["trace", "--from", "demo", ID, "--tz", "JST"],
            "'JST' is not a time zone",
            "such as Asia/Tokyo",
        ),
        (["trace", "--from", "", ID], "--from is empty", "- for stdin"),
        (
            ["--show-completion", "zsh"],
            "does not accept 'zsh'",
            "_RETRYCTL_COMPLETE=source_zsh retryctl",
        ),
        (["trace", "--from", "-", "-"], "stdin cannot give both", "Save one"),
        (
            ["explain", "enviroment-switch"],
            "does not know",
            "Did you mean environment-switch",
        ),
        (["diff", "-o", "xml"], "'xml' is not a value of --output.", "Known: text, json."),
        (["explain", "-o", "xml"], "'xml' is not a value of --output.", "Known: text, json."),
        (["lab", "srve"], "'srve' is not a command", "retryctl lab --help"),
        (["--nonsense"], "no such option: --nonsense", "retryctl --help"),
    ],
)
def test_what_cannot_be_understood(arguments: list[str], what: str, next_step: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    first, *rest = done.stderr.splitlines()
    assert first.startswith("retryctl: ")
    assert what in first.lower() or what in first
    assert next_step in "\n".join(rest)
    assert len(rest) <= 2


@pytest.mark.parametrize("command", ["list", "summary", "check"])
def test_a_function_named_demo_that_cannot_be_read_leads_to_the_recorded_history(
    command: str,
) -> None:
    done = run(command, "demo", "--since", "1d", env={"AWS_CONFIG_FILE": "/nonexistent"})
    assert done.returncode == 3
    assert f"retryctl {command} --from demo --since 1d" in done.stderr


def test_a_bad_region_is_named_by_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "retryctl.toml").write_text('region = "bad_region"\n')
    by_variable = run("trace", ID, env={"AWS_REGION": "bad_region"}).stderr
    assert by_variable.startswith("retryctl: AWS_REGION is not a region: 'bad_region'.")
    by_file = run("trace", ID, env={"AWS_DEFAULT_REGION": ""}, cwd=tmp_path).stderr
    assert by_file.startswith("retryctl: region in retryctl.toml or pyproject.toml is not a region")
    by_option = run("trace", ID, "--region", "bad_region").stderr
    assert by_option.startswith("retryctl: --region is not a region")


def test_a_bad_settings_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "retryctl.toml").write_text("functoin = 'x'")
    done = run("trace", "--from", "saved.json", ID, cwd=tmp_path)
    assert done.returncode == 2
    assert "retryctl.toml: functoin is not a setting" in done.stderr
    assert "Did you mean function?" in done.stderr


def test_a_zone_of_the_environment_that_is_none() -> None:
    arguments = ("trace", "--from", "demo", "--tz", "local", ID)
    done = run(*arguments, env={"TZ": "Foo/Bar"})
    assert done.returncode == 2
    assert "TZ=Foo/Bar in the environment is not a time zone" in done.stderr
    for name in ("JST-9", ":Europe/Berlin", ""):
        assert run(*arguments, env={"TZ": name}).returncode == 4


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_another_shell_is_the_one_that_was_asked_for(shell: str) -> None:
    done = run(env={"_RETRYCTL_COMPLETE": f"source_{shell}"})
    assert f"complete_{shell}" in done.stdout
    assert done.returncode == 0


def test_an_argument_cannot_command_the_terminal() -> None:
    done = run("trace", "--from", "demo", "\x1b[31mred\u202e")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "\u202e" not in done.stderr


def test_debug_shows_the_traceback() -> None:
    wrong = ("trace", "--from", "demo", "no-id")
    quiet, loud = run(*wrong), run(*wrong, "--debug")
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr
    assert quiet.stderr in loud.stderr
    assert quiet.returncode == loud.returncode == 2


# --------------------------------------------------------------------------- explain


def test_explain_lists_whole_sentences() -> None:
    summaries = re.findall(r"^    (.*)$", run("explain").stdout, re.MULTILINE)
    assert len(summaries) > 30
    assert [summary for summary in summaries if not summary.endswith(".")] == []


def test_explain_lists_every_rule_with_its_severity() -> None:
    listed = re.findall(r"^([a-z-]+) +(error|warning|info)$", run("explain").stdout, re.MULTILINE)
    assert listed == [(rule.id, rule.severity.value) for rule in ALL_RULES]


@pytest.mark.parametrize("rule", [rule.id for rule in ALL_RULES])
def test_explain_explains_each_rule(rule: str) -> None:
    told = run("explain", rule)
    assert (told.returncode, told.stderr) == (0, "")
    headings = re.findall(r"^(?:What|How|Example|When).*$", told.stdout, re.MULTILINE)
    assert headings == [
        "What it means",
        "How it is known",
        "Example",
        "What to do",
        "When it can be wrong",
    ]
    assert max(map(len, told.stdout.splitlines())) <= 80


def test_a_narrow_terminal_is_filled_and_not_overrun() -> None:
    """Examples apart, which are tables."""
    for arguments in ([], ["late-retry"], ["environment-switch"]):
        wide = run("explain", *arguments, env={"COLUMNS": "200"}).stdout
        assert wide == run("explain", *arguments).stdout
        shown = run("explain", *arguments, env={"COLUMNS": "40"}).stdout
        assert shown.split() == wide.split()
        text = [line for line in shown.splitlines() if not line.startswith("    ")]
        assert max(map(len, text)) <= 40


@pytest.mark.parametrize(
    ("path", "page"),
    [("coverage", "gaps"), ("coverage.gaps[]", "gaps"), ("requests[].attempts[].wait_s", "wait")],
)
def test_explain_knows_the_path_of_a_key(path: str, page: str) -> None:
    assert run("explain", path).stdout == run("explain", page).stdout
    assert "'no.such.thing'" in run("explain", "no.such.thing").stderr


# --------------------------------------------------------------------------- errors for programs


@pytest.mark.parametrize(
    ("arguments", "kind", "status"),
    [
        (["trace", "--from", "demo", "--tz", "Mars", "-o", "json", ID], "usage-error", 2),
        (["trace", ID, "--from", "demo", "--ouptut", "-ojson"], "usage-error", 2),
        (["trace", ID, "--from", "no-such-file", "--output=jsonl"], "unreadable-input", 3),
        (["trace", ID, "--from", "demo", "--output", "json"], "nothing-found", 4),
        (["check", ID, "--from", "demo", "-o", "json"], "nothing-found", 4),
    ],
)
def test_an_error_is_one_json_object_where_json_is_printed(
    arguments: list[str], kind: str, status: int
) -> None:
    done = run(*arguments)
    assert done.returncode == status
    error = json.loads(done.stderr.splitlines()[-1])
    assert (error["schema"], error["kind"], error["status"]) == ("retryctl/error/1", kind, status)
    assert error["what"]
    assert error["next_step"]
    text = run(*(word.replace("jsonl", "text").replace("json", "text") for word in arguments))
    assert not text.stderr.splitlines()[-1].startswith("{")


def test_a_narrow_list_has_the_values_of_each_request_below_its_id() -> None:
    listed = run("list", "--from", "demo", env={"COLUMNS": "60"}).stdout
    assert len(re.findall(r"\n [0-9a-f-]{36} .*\n   started \(UTC\) ", listed)) == 9
    assert max(map(len, listed.splitlines())) <= 60


def test_the_help_of_the_lab_names_what_runs_without_lambdas_client() -> None:
    page = " ".join(run("lab", "run", "--help").stdout.split())
    assert "pip install awslambdaric). Else a small stand-in runs the handler" in page
