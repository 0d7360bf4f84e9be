import re
from dataclasses import replace
from pathlib import Path

import pytest

from retryctl.config import ProjectConfig, load_settings
from retryctl.core.crosscheck.claims import Markers
from retryctl.errors import UsageError
from tests.support.check_logs import save
from tests.support.lambda_log import ID, OTHER_ID, Environment
from tests.support.program import run

WHOLE = r"""
function = "orders-worker"
log_groups = ["/aws/lambda/orders-worker", "orders"]

[markers]
counter = 'retry count is (?P<count>\d+)'
counter_field = "retry.count"
branch = 'running (?P<branch>\w+)'
branch_field = "retry.branch"

[branches]
first = 0
second = 1
rest = 2

[related]
key = 'order=(\d+)'

[check]
fail_on = ["error"]
"""


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == ProjectConfig()
    assert load_settings(tmp_path).markers == Markers()


def test_every_key_of_retryctl_toml(tmp_path: Path) -> None:
    (tmp_path / "retryctl.toml").write_text(WHOLE)
    settings = load_settings(tmp_path)
    assert settings.path == tmp_path / "retryctl.toml"
    assert settings.function == "orders-worker"
    assert settings.log_groups == ("/aws/lambda/orders-worker", "orders")
    counter, branch = settings.markers.counter, settings.markers.branch
    assert counter
    assert branch
    assert counter.search("the retry count is 2")["count"] == "2"  # type: ignore[index]
    assert branch.search("running rest")["branch"] == "rest"  # type: ignore[index]
    assert settings.markers.counter_field == "retry.count"
    assert settings.markers.branch_field == "retry.branch"
    assert settings.markers.branches.numbers == {"first": 0, "second": 1, "rest": 2}
    assert settings.check == {"fail_on": ["error"]}
    assert settings.related_key == r"order=(\d+)"


def test_the_nearest_file_wins(tmp_path: Path) -> None:
    inner = tmp_path / "service" / "src"
    inner.mkdir(parents=True)
    (tmp_path / "retryctl.toml").write_text('function = "outer"')
    assert load_settings(inner).function == "outer"
    (tmp_path / "service" / "pyproject.toml").write_text('[tool.retryctl]\nfunction = "nearer"')
    assert load_settings(inner).function == "nearer"
    (tmp_path / "service" / "retryctl.toml").write_text('function = "own file"')
    assert load_settings(inner).function == "own file"


def test_a_pyproject_that_sets_nothing_of_ours_is_passed_over(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "retryctl.toml").write_text('function = "outer"')
    (inner / "pyproject.toml").write_text('[project]\ndependencies = ["retryctl"]')
    assert load_settings(inner).function == "outer"
    (inner / "pyproject.toml").write_text("this is not TOML, and not ours to complain about")
    assert load_settings(inner).function == "outer"


@pytest.mark.parametrize(
    ("text", "what", "next_step"),
    [
        ("functoin = 'x'", "functoin is not a setting", "Did you mean function?"),
        ("colour = 'x'", "colour is not a setting", "Known: function, log_groups, profile"),
        ("[markers]\ncount = 'x'", "markers.count is not a setting", "Did you mean counter"),
        ("[tool.retryctl.markers]", "tool is not a setting", "write [markers], where pyproject"),
        ("function = 1", "function is not a text", 'Write function = "…"'),
        ("function = ''", "function is not a text", 'Write function = "…"'),
        ("log_groups = 'x'", "log_groups is not a list of texts", 'Write log_groups = ["…"'),
        ("log_groups = [1]", "log_groups is not a list of texts", 'Write log_groups = ["…"'),
        ("markers = 'x'", "markers is not a table", "Write [markers],"),
        ("check = 1", "check is not a table", "Write [check],"),
        (
            "[markers]\ncounter = '('",
            "markers.counter is not a regular expression",
            r"'my counter is (?P<count>\w+)'",
        ),
        (
            '[markers]\ncounter = "no. (?P<count>\\d+)"',
            "is not valid TOML",
            "Put a pattern in single quotes",
        ),
        ("[markers]\ncounter = '[0-9]+'", "no group named count", "(?P<count>…)"),
        ("[markers]\nbranch = '(?P<count>x)'", "no group named branch", "(?P<branch>…)"),
        ("[markers]\nbranch_field = 1", "markers.branch_field is not a text", "in quotes"),
        ("[branches]\nfirst = 'x'", "branches.first is not a whole number", "first = 0, again = 1"),
        (
            "[branches]\nfirst = true",
            "branches.first is not a whole number",
            "first = 0, again = 1",
        ),
        ("[branches]\nfirst = -1", "branches.first is not a whole number", "first = 0, again = 1"),
        (
            "[branches]\na = 0\nb = 0",
            "branches.b is a second branch for 0 retries",
            "first = 0, again = 1",
        ),
        ("[branches]\na = 1", "branches names no branch for 0 retries", "first = 0, again = 1"),
        ("function = ", "is not valid TOML", 'a value is "a text"'),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_file(
    tmp_path: Path, text: str, what: str, next_step: str
) -> None:
    path = tmp_path / "retryctl.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_settings(tmp_path)
    assert str(path) in caught.value.what
    assert what in caught.value.what
    assert next_step in caught.value.next_step


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "retryctl.toml").write_bytes(b"function = '\xff'")
    with pytest.raises(UsageError, match="is not valid TOML"):
        load_settings(tmp_path)


@pytest.mark.parametrize("table", ["[tool.retryctl]\nmarkers = 1", "[tool]\nretryctl.markers = 1"])
def test_a_pyproject_is_told_what_to_write_in_it(tmp_path: Path, table: str) -> None:
    (tmp_path / "pyproject.toml").write_text(table)
    with pytest.raises(UsageError) as caught:
        load_settings(tmp_path)
    assert "[tool.retryctl.markers]" in caught.value.next_step


def test_a_settings_file_that_cannot_be_opened_is_refused_and_not_passed_over(
    tmp_path: Path,
) -> None:
    inner = tmp_path / "inner"
    (inner / "retryctl.toml").mkdir(parents=True)
    (tmp_path / "retryctl.toml").symlink_to(tmp_path / "gone.toml")
    for folder in (inner, tmp_path):
        with pytest.raises(UsageError, match="cannot read") as caught:
            load_settings(folder)
        assert str(folder / "retryctl.toml") in caught.value.what
        assert caught.value.next_step


def test_the_settings_of_the_readme_can_be_copied(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    (tmp_path / "retryctl.toml").write_text(block, "utf-8")
    settings = load_settings(tmp_path)
    assert settings.markers.branch
    for name in settings.markers.branches.numbers:
        found = settings.markers.branch.search(f"running {name}")
        assert found
        assert found["branch"] == name
    shared = tmp_path / "shared"
    shared.mkdir()
    prefixed = re.sub(r"^\[", "[tool.retryctl.", f"[tool.retryctl]\n{block}", flags=re.MULTILINE)
    prefixed = prefixed.replace("[tool.retryctl.tool.retryctl]", "[tool.retryctl]", 1)
    (shared / "pyproject.toml").write_text(prefixed, "utf-8")
    in_table = load_settings(shared)
    assert in_table.markers.set_in == f"[tool.retryctl.markers] in {shared / 'pyproject.toml'}"
    markers = replace(in_table.markers, set_in=settings.markers.set_in)
    assert replace(in_table, path=settings.path, markers=markers) == settings


def test_a_file_with_a_byte_order_mark_sets_region_and_profile(tmp_path: Path) -> None:
    text = 'region = "eu-west-1"\nprofile = "ops"\n'
    (tmp_path / "retryctl.toml").write_text(text, encoding="utf-8-sig")
    settings = load_settings(tmp_path)
    assert (settings.region, settings.profile) == ("eu-west-1", "ops")


def test_list_counts_the_requests_that_its_filter_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "retryctl.toml").write_text("[markers]\ncounter = 'retry no. (?P<count>\\d+)'\n")
    log = Environment("a").at(0).runs(ID, "retry no. 0", ends="error")
    save(tmp_path / "log.jsonl", log.runs(OTHER_ID, ends="timeout"))
    done = run("list", "--from", "log.jsonl", "--error", "timeout", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert ID not in done.stdout


def test_markers_that_match_nothing_are_named_with_their_file_and_lines(tmp_path: Path) -> None:
    settings = tmp_path / "retryctl.toml"
    settings.write_text("[markers]\ncounter = 'try (?P<count>\\d+)'\n")
    log = Environment("a").at(0).runs(ID, "order 7", "retry no. 0", ends="error")
    save(tmp_path / "log.jsonl", log)
    done = run("trace", ID, "--from", "log.jsonl", cwd=tmp_path)
    where = rf"[markers] in {settings}: counter = 'try (?P<count>\d+)'"
    what = "nothing was cross-checked: 1 attempt failed, and no line matches "
    lines = "The function's lines are, for example, 'order 7' and 'retry no. 0'."
    assert done.stderr == f"retryctl: {what}{where}. {lines}\n"
    summed = run("summary", "--from", "log.jsonl", cwd=tmp_path)
    assert summed.stderr == f"retryctl: {what}{where}.\n"
    for arguments in ([], ["--verdict", "not-counted"], ["--min-attempts", "1"]):
        listed = run("list", "--from", "log.jsonl", *arguments, cwd=tmp_path)
        assert f"retryctl: {what}{where}.\n" in listed.stderr
    checked = run("check", "--from", "log.jsonl", cwd=tmp_path, env={"COLUMNS": "400"})
    assert f"? cross-check: {what}{where}" in checked.stdout
    assert "If it logs them in other words" not in checked.stdout
