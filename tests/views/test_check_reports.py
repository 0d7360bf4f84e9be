"""Every form of a check's result, read by somebody else's parser, also with a hostile log.

The log's author chooses the branch's name (by a pattern of the settings), the function's name,
its version and its log stream. None of it may break a document, become markup, or be obeyed by
a runner.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from markdown_it import MarkdownIt
from tap.parser import Parser

from tests.support.check_logs import cut, exhausted, right, save, succeeded, switched
from tests.support.lambda_log import ID, OTHER_ID, THIRD_ID, Environment
from tests.support.program import run

SCHEMAS = Path(__file__).parents[1] / "schemas"
EVIL = (
    "\x1b]0;x\x07<script>alert(1)</script>\u202e::error::pwned%0A&]]>"
    "|`[a](javascript:x)![i](u)\x00\ufffe\ud800 ##[error]x"
)
SETTINGS = """
[markers]
counter = '^n=(?P<count>\\d+)'
branch = '(?s)branch=(?P<branch>.*)'
[branches]
A = 0
B = 1
"""
FORMS = ("junit", "sarif", "github", "gitlab", "tap", "markdown", "json", "text")


def evil() -> Environment:
    """Two attempts whose branch, function, version and stream are the log author's words."""
    group = "/aws/lambda/x<img src=x onerror=y>"
    environment = Environment("a", group=group)
    environment.stream = "2026/11/23/[$LATEST]::warning::`#1 @all\u2028"
    for start, number in ((0, 0), (63, 0)):
        environment.at(start).inits().starts(ID)
        environment.logs(f"n={number}\n", f"branch={EVIL}\n").raises(ID).reports(ID)
    return environment


def shown(folder: Path, form: str, *arguments: str) -> str:
    return run("check", "--from", "log.jsonl", "-o", form, *arguments, cwd=folder).stdout


@pytest.fixture(params=["plain", "hostile", "cut", "empty"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A log with a failure, one that is hostile, one that is undetermined, and none to check."""
    logs = {
        "plain": (*switched(), right(), succeeded()),
        "hostile": (evil(), Environment("z").at(0).runs(THIRD_ID)),
        "cut": (cut(),),
        "empty": (Environment("a").logs("no request\n"),),
    }
    save(tmp_path / "log.jsonl", *logs[request.param])
    if request.param == "hostile":
        (tmp_path / "retryctl.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    save(tmp_path / "log.jsonl", evil())
    (tmp_path / "retryctl.toml").write_text(SETTINGS)
    return tmp_path


def twice_uncounted() -> tuple[Environment, ...]:
    """A request whose first attempt timed out, so that both retries count too low."""
    here = Environment("t")
    here.at(0).runs(THIRD_ID, ends="timeout")
    for start, counter, branch in ((66, "0", "A"), (194, "1", "B")):
        here.at(start).runs(THIRD_ID, counter, f"process {branch}", ends="error")
    return (here,)


def told(folder: Path, *options: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(shown(folder, "json", *options))
    return document


def passed_by_request(folder: Path) -> dict[str, bool | None]:
    return {c["request_id"]: c["passed"] for c in told(folder)["checks"] if c["name"] == "request"}


# --------------------------------------------------------------------------- JUnit


def test_junit_is_valid_and_has_a_case_for_each_request(folder: Path) -> None:
    text = shown(folder, "junit", "--expect-outcome", "recovered", "--max-exhausted", "0")
    import xmlschema  # a tenth of a second, for the one test that uses it

    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(text)
    suites = ElementTree.fromstring(text)
    cases = suites.findall("testsuite/testcase")
    by_name = {case.get("name"): case for case in cases}
    assert len(by_name) == len(cases) == int(suites.get("tests", ""))
    for request_id, passed in passed_by_request(folder).items():
        kinds = {child.tag for child in by_name[request_id]} - {"system-out"}
        assert kinds == {True: set(), False: {"failure"}, None: {"error"}}[passed] or (
            passed is True and kinds == {"failure"}  # by the outcome that was expected
        )
    assert len(suites.findall(".//failure")) == int(suites.get("failures", ""))
    assert len(suites.findall(".//error")) == int(suites.get("errors", ""))


def test_junit_has_no_character_that_xml_forbids(hostile: Path) -> None:
    text = shown(hostile, "junit")
    for case in ElementTree.fromstring(text).iter():
        assert case.tag in {
            *("testsuites", "testsuite", "properties", "property"),
            *("testcase", "failure", "system-out"),
        }
    assert "\\x1b]0;x\\x07&lt;script&gt;" in text


# --------------------------------------------------------------------------- all alike


def test_text_tap_junit_and_sarif_count_alike(tmp_path: Path) -> None:
    """A request of two equal findings, one of two kinds, and a failed expectation."""
    save(tmp_path / "log.jsonl", *switched(), *twice_uncounted())
    options = ("--fail-on", "warning", "--max-exhausted", "0")
    text, tap, junit = (shown(tmp_path, form, *options) for form in ("text", "tap", "junit"))
    signs = sum(line.startswith("✗ ") for line in text.splitlines()) - 1  # the result itself
    suites = ElementTree.fromstring(junit)
    assert signs == tap.count("not ok ") == int(suites.get("failures", "")) > 1
    (result,) = re.findall(r"\d+ failed of \d+ checks? \(.*?\)", " ".join(text.split()))
    assert f"# {result}" in tap
    assert result in junit
    (sarif_run,) = json.loads(shown(tmp_path, "sarif", *options))["runs"]
    assert result in sarif_run["invocations"][0]["exitCodeDescription"]
    failing = [each for each in sarif_run["results"] if each["level"] != "note"]
    findings = [each for each in told(tmp_path, *options)["findings"] if each["failed"]]
    assert sum(each.get("occurrenceCount", 0) for each in failing) == len(findings)
    assert "uncounted-attempt 2" in result
    assert "uncounted-attempt (2 findings): " in text
    assert "uncounted-attempt (2 findings): " in tap
    assert "uncounted-attempt (2 findings): " in junit


def test_a_failure_shows_branches_evidence_and_the_next_command(tmp_path: Path) -> None:
    save(tmp_path / "log.jsonl", *switched())
    for form in ("text", "tap", "junit"):
        words = " ".join(shown(tmp_path, form, "--min-retried", "5").split())
        assert "attempt 2 ran A, expected B." in words
        times = re.findall(r"(\d\d:\d\d:\d\d\.\d{3}) process A", words)
        assert len(times) > 1, words
        assert times == sorted(times)
        assert f"retryctl trace {OTHER_ID} --from log.jsonl" in words
        assert "retryctl list --from log.jsonl --retried" in words


# --------------------------------------------------------------------------- SARIF


def test_sarif_is_valid(folder: Path) -> None:
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text("utf-8"))
    document = json.loads(shown(folder, "sarif", "--expect-branches", "A"))
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(document)
    (sarif_run,) = document["runs"]
    rules = [rule["id"] for rule in sarif_run["tool"]["driver"]["rules"]]
    for result in sarif_run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert (result["kind"] == "fail") is (result["level"] != "none")
        for located in (*result["locations"], *result.get("relatedLocations", ())):
            uri = located["physicalLocation"]["artifactLocation"]["uri"]
            assert re.fullmatch(r"[\w./~%-]+", uri, re.ASCII)


def test_sarif_tells_known_allowed_and_undetermined_apart(tmp_path: Path) -> None:
    save(tmp_path / "log.jsonl", *switched(), exhausted())
    known = ("--baseline", "b.json", "--fail-on", "warning", "--allow", "environment-switch")
    run("check", "--from", "log.jsonl", *known, "--update-baseline", cwd=tmp_path)
    (sarif_run,) = json.loads(shown(tmp_path, "sarif", *known))["runs"]
    by_rule = {result["ruleId"]: result for result in sarif_run["results"]}
    assert by_rule["retries-exhausted"]["baselineState"] == "unchanged"
    assert "suppressions" in by_rule["environment-switch"]
    save(tmp_path / "log.jsonl", cut())
    (sarif_run,) = json.loads(shown(tmp_path, "sarif"))["runs"]
    (result,) = (r for r in sarif_run["results"] if r["kind"] == "open")
    assert (result["ruleId"], result["level"]) == ("request", "none")


def test_sarif_messages_hold_neither_links_nor_placeholders(hostile: Path) -> None:
    for result in json.loads(shown(hostile, "sarif"))["runs"][0]["results"]:
        assert not re.search(r"(?<!\\)\[", result["message"]["text"])


def test_sarif_shows_a_log_line_without_its_end_and_says_what_a_rule_finds(tmp_path: Path) -> None:
    save(tmp_path / "log.jsonl", *switched())
    (sarif_run,) = json.loads(shown(tmp_path, "sarif"))["runs"]
    located = [one for result in sarif_run["results"] for one in result["relatedLocations"]]
    printed = [one["message"]["text"] for one in located if "process" in one["message"]["text"]]
    assert printed
    assert all(re.search(r"Z process [ABC]\Z", text) for text in printed), printed
    by_id = {rule["id"]: rule for rule in sarif_run["tool"]["driver"]["rules"]}
    assert by_id["environment-switch"]["fullDescription"]["text"] == (
        "The retry ran in another environment, which has another /tmp."
    )


# --------------------------------------------------------------------------- GitLab


def test_gitlab_has_what_its_documentation_asks_for(folder: Path) -> None:
    issues = json.loads(shown(folder, "gitlab"))
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["lines"]["begin"] == 1
        assert not issue["location"]["path"].startswith(("/", "./"))
    prints = [issue["fingerprint"] for issue in issues]
    assert len(set(prints)) == len(prints)
    assert bool(issues) is (None in (v := set(passed_by_request(folder).values())) or False in v)


def test_gitlabs_fingerprints_survive_new_request_ids(tmp_path: Path) -> None:
    prints = []
    for request_id in (ID, OTHER_ID):
        save(tmp_path / "log.jsonl", *switched(request_id))
        prints.append([i["fingerprint"] for i in json.loads(shown(tmp_path, "gitlab"))])
    assert prints[0] == prints[1]


# --------------------------------------------------------------------------- TAP


def test_tap_is_read_by_another_parser(folder: Path) -> None:
    lines = list(Parser().parse_text(shown(folder, "tap", "--max-exhausted", "0")))
    assert not [line for line in lines if line.category == "unknown"]
    points = [line for line in lines if line.category == "test"]
    (plan,) = (line for line in lines if line.category == "plan")
    checks = json.loads(shown(folder, "json", "--max-exhausted", "0"))["checks"]
    assert plan.expected_tests == len(points) == len(checks)
    for point, check in zip(points, checks, strict=True):
        assert point.ok is (check["passed"] is True)
        assert not point.skip
        assert not point.todo
        if check["passed"] is not True:
            unsure = check["passed"] is None
            assert point.yaml_block["severity"] == ("undetermined" if unsure else "fail")
            assert point.yaml_block["message"]


# --------------------------------------------------------------------------- Markdown


def test_markdown_renders_to_text_and_nothing_that_acts(folder: Path) -> None:
    text = shown(folder, "markdown", "--max-exhausted", "0")
    renderer = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    kinds = {token.type for token in _flat(renderer.parse(text))}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "fence", "hr"}
    assert text.count("\n## ") + text.startswith("## ") == 1
    failed = [c for c in told(folder)["checks"] if c["passed"] is not True]
    page = renderer.render(text)
    for check in failed:
        assert check["request_id"] in page


def _flat(tokens: list[Any]) -> Iterator[Any]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


def test_markdown_keeps_the_words_of_the_log(hostile: Path) -> None:
    page = MarkdownIt("gfm-like", {"linkify": False}).render(shown(hostile, "markdown"))
    assert "onerror" in page
    assert "<img" not in page


# --------------------------------------------------------------------------- a runner, a terminal


@pytest.mark.parametrize("form", FORMS)
def test_a_runner_obeys_nothing_that_stands_in_a_log(form: str, hostile: Path) -> None:
    for line in shown(hostile, form).splitlines():
        if form == "github":
            assert re.match(r"::(error|warning) title=[\w%-]+::", line)
            line = line.split("::", 2)[2].partition("::")[0]
        # as GitHub's runner reads a line
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


@pytest.mark.parametrize("form", FORMS)
def test_a_terminal_obeys_nothing_that_stands_in_a_log(form: str, hostile: Path) -> None:
    text = shown(hostile, form)
    assert text
    for character in "\x1b\x07\x00\u202e\u2028\ufffe\r":
        assert character not in text


def test_a_hostile_branch_fails_by_name(hostile: Path) -> None:
    (finding,) = (f for f in told(hostile)["findings"] if f["attempt"] == 1)
    assert finding["failed"] is True


def test_a_log_with_an_unfinished_attempt_is_not_called_complete(tmp_path: Path) -> None:
    begun = Environment("a").at(0).inits().starts(ID)
    save(tmp_path / "log.jsonl", begun, Environment("b").at(8000).runs(OTHER_ID))
    for form in ("text", "markdown"):
        text = " ".join(shown(tmp_path, form).split())
        assert re.search("logs.*incomplete 1", text)
        assert "All of it was read." in text


def test_only_names_of_options_begin_with_dashes(tmp_path: Path) -> None:
    """``coverage`` and ``request`` are checks, and no options of the command."""
    save(tmp_path / "log.jsonl", right())
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"logStreamName": "2026/11/23/[$LATEST]00", "timestamp": 17954')
    lines = shown(tmp_path, "tap", "--min-requests", "1").splitlines()
    points = [line.partition(" - ")[2] for line in lines if " - " in line]
    assert points == [f"request {ID}", "--min-requests", "coverage"]
    root = ElementTree.fromstring(shown(tmp_path, "junit", "--min-requests", "1"))
    names = [case.get("name") for case in root.iter("testcase")]
    assert names == [ID, "--min-requests", "coverage"]
