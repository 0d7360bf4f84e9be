"""The files for maintainers: valid for their readers, and true to the project."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.json_schemas import assert_follows

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSIONS = [
    name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", name)
]
SCHEMAS = {
    "github-workflows": ".github/workflows/*.yml",
    "dependabot": ".github/dependabot.yml",
    "github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
    "github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
}
COMMANDS = ("trace", "list", "summary", "check", "doctor", "lab", "counters", "explain")


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_for_github_follow_their_schemas(schema: str) -> None:
    files = list(ROOT.glob(SCHEMAS[schema]))
    assert files
    assert_follows(schema, *files)


def test_workflows_run_actions_by_their_commit() -> None:
    workflows = ROOT.glob(".github/workflows/*.yml")
    used = [use for file in workflows for use in re.findall(r"uses: (.*)", file.read_text("utf-8"))]
    assert used
    assert [use for use in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", use)] == []


def test_ci_runs_every_version_that_the_project_names() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == VERSIONS
    assert PROJECT["requires-python"] == f">={VERSIONS[0]}"


def test_the_architecture_names_folders_and_files_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\| `.*$", text, re.MULTILINE):
        for path in re.findall(r"`((?:app|cli|views)/[^`]*)`|`(rules.md)`", row):
            assert list((ROOT / "retryctl").glob("".join(path))), path
    package, tests = text.split("\ntests/ ", 1)
    for folder, tree in (("retryctl", package), ("tests", tests)):
        for name in re.findall(r"^  (\w+)/ ", tree, re.MULTILINE):
            assert (ROOT / folder / name).is_dir(), name
    for command in COMMANDS:
        assert f"`{command}`" in text


def test_every_decision_is_in_the_table() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert listed == sorted(path.name for path in folder.glob("0*.md"))


def test_the_image_keeps_the_models_of_the_services_that_are_called() -> None:
    kept = re.search(r"grep -vxE '([^']+)'", (ROOT / "Dockerfile").read_text("utf-8"))
    assert kept
    calls = re.compile(r'call\(\s*"([a-z0-9-]+)",\s*"[A-Z]')
    sources = (path.read_text("utf-8") for path in (ROOT / "retryctl").rglob("*.py"))
    called = {service for text in sources for service in calls.findall(text)}
    assert {"logs", "lambda", "sqs"} < called
    assert called | {"sts", "sso", "sso-oidc", "signin"} <= set(kept[1].split("|"))


def test_no_file_installs_the_package_by_a_name_that_is_not_registered() -> None:
    command = re.compile(r"(?:pipx?|uv tool) install [^\n`]*(?<![/.\w-])retryctl\b|uvx retryctl")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    kinds = (".md", ".py", ".yml", ".toml")
    names = [name for name in listed.stdout.split() if name.endswith(kinds)]
    if not names:
        pytest.skip("not a checkout of Git")
    own = Path(__file__).relative_to(ROOT).as_posix()
    texts = {name: (ROOT / name).read_text("utf-8") for name in names if name != own}
    assert [name for name, text in texts.items() if command.search(text)] == []
    assert command.search("pip install 'retryctl[lab]'")


def test_no_file_leads_to_an_address_that_is_not_the_projects() -> None:
    """A name that somebody else may register on a host is a risk where people install from it."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    kinds = (".md", ".yml", ".yaml", ".toml", "Dockerfile")
    texts = {n: (ROOT / n).read_text("utf-8") for n in listed.stdout.split() if n.endswith(kinds)}
    claimed = re.compile(r"(?:github|gitlab)\.com/retryctl\b|ghcr\.io/retryctl\b")
    assert [name for name, text in texts.items() if claimed.search(text)] == []
    assert claimed.search("https://github.com/retryctl/retryctl")
