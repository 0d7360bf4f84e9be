"""What a pipeline is given: the action, the GitLab job and the examples of the docs.

Their shape is held to the schemas of GitHub and GitLab (as check-jsonschema brings them), and
what they run is run.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.check_logs import exhausted, right, save, switched
from tests.support.json_schemas import assert_follows
from tests.support.lambda_log import ID, OTHER_ID
from tests.support.program import environment, run

ROOT = Path(__file__).parents[3]
ACTION = ROOT / "action.yml"
GITLAB = ROOT / "docs" / "gitlab.yml"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/ci.md").read_text("utf-8"), re.M | re.S)
GITLAB_JOB = yaml.safe_load(GITLAB.read_text("utf-8"))[".retryctl-check"]
RETRYCTL = f'#!/bin/sh\nexec "{sys.executable}" -m retryctl "$@"\n'
ECHO = '#!/bin/sh\nprintf "%s\\n" "$@"\n'


def program(path: Path, script: str = RETRYCTL) -> None:
    """The program, where a virtual environment would have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)


def bash(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    # as GitHub and GitLab run it
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=60,
    )


# --------------------------------------------------------------------------- GitHub


def action_of(folder: Path, script: str = RETRYCTL, **inputs: str) -> tuple[int, str, str]:
    """Run the action's check with these inputs: status, stdout, and what it set as outputs."""
    program(folder / "retryctl" / "bin" / "retryctl", script)
    action = yaml.safe_load(ACTION.read_text("utf-8"))
    step = action["runs"]["steps"][-1]
    env = {}
    for name, value in step["env"].items():
        (key,) = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", value).groups()  # type: ignore[union-attr]
        env[name] = inputs.pop(key.replace("-", "_"), action["inputs"][key]["default"])
    assert not inputs
    env |= {"RUNNER_TEMP": str(folder), "GITHUB_OUTPUT": str(folder / "output")}
    done = bash(step["run"], folder, **env)
    return done.returncode, done.stdout + done.stderr, (folder / "output").read_text()


def test_the_action_is_one() -> None:
    assert_follows("github-actions", ACTION)


def test_the_action_checks_a_saved_log_and_writes_its_reports(tmp_path: Path) -> None:
    save(tmp_path / "log.jsonl", *switched(), right())
    status, told, output = action_of(tmp_path, sarif="r.sarif", **{"from": "log.jsonl"})
    assert (status, output) == (1, "status=1\n")
    assert "environment-switch" in told
    assert (tmp_path / "retryctl.xml").exists()
    assert (tmp_path / "r.sarif").exists()


def test_the_action_hands_its_inputs_on(tmp_path: Path) -> None:
    save(tmp_path / "log.jsonl", *switched(), right())
    _, arguments, _ = action_of(
        tmp_path,
        ECHO,
        request_ids=f"{ID},\n{OTHER_ID}",
        function="orders-worker",
        arguments="--allow=environment-switch\n\n--max-exhausted=0\n",
        **{"from": "log.jsonl"},
    )
    done = run(*arguments.splitlines(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 requests and 1 expectation" in done.stdout


def test_no_input_of_the_action_is_run(tmp_path: Path) -> None:
    evil = "$(touch broken) `touch broken`; touch broken"
    shown = '#!/bin/sh\necho "$*"\n'
    for key in ("function", "request_ids", "arguments", "since", "from"):
        _, arguments, _ = action_of(tmp_path, shown, **{"from": "log.jsonl", key: evil})
        assert evil in arguments or key == "request_ids"  # of an ID, hexadecimal digits alone
    assert not (tmp_path / "broken").exists()


# --------------------------------------------------------------------------- GitLab


def test_the_gitlab_job_is_one() -> None:
    assert_follows("gitlab-ci", GITLAB, transform="gitlab-ci")


def gitlab_of(folder: Path, script: str, words: str) -> subprocess.CompletedProcess[str]:
    """Run the script of the job with these words in RETRYCTL_CHECK."""
    program(folder / ".retryctl" / "bin" / "retryctl", script)
    return bash("\n".join(GITLAB_JOB["script"]), folder, RETRYCTL_CHECK=words)


def test_the_gitlab_job_fails_and_leaves_what_it_promises(tmp_path: Path) -> None:
    save(tmp_path / "log.jsonl", exhausted())
    done = gitlab_of(tmp_path, RETRYCTL, "--from log.jsonl --fail-on warning")
    assert done.returncode == 1, done.stderr
    for report in GITLAB_JOB["artifacts"]["reports"].values():
        assert (tmp_path / report).stat().st_size


def test_the_gitlab_job_passes_where_the_check_does(tmp_path: Path) -> None:
    save(tmp_path / "log.jsonl", exhausted())
    shown = gitlab_of(tmp_path, ECHO, "--from log.jsonl --min-retried 1")
    assert shown.returncode == 0
    assert run(*shown.stdout.splitlines(), cwd=tmp_path).returncode == 0
    for report in GITLAB_JOB["artifacts"]["reports"].values():
        assert (tmp_path / report).stat().st_size


# --------------------------------------------------------------------------- the docs


def blocks(word: str) -> list[str]:
    return [block for block in BLOCKS if block.startswith(word)]


@pytest.mark.parametrize("block", blocks("name:"), ids=lambda block: block.split()[1])
def test_a_workflow_of_the_docs_is_one(block: str, tmp_path: Path) -> None:
    (tmp_path / "workflow.yml").write_text(block)
    assert_follows("github-workflows", tmp_path / "workflow.yml")
    known = yaml.safe_load(ACTION.read_text("utf-8"))["inputs"]
    steps: list[dict[str, Any]] = next(iter(yaml.safe_load(block)["jobs"].values()))["steps"]
    for step in steps:
        if "retryctl@" in step.get("uses", ""):
            assert set(step["with"]) <= set(known)


def test_the_gitlab_example_of_the_docs_is_one(tmp_path: Path) -> None:
    (block,) = blocks("include:")
    (tmp_path / "ci.yml").write_text(block)
    assert_follows("gitlab-ci", tmp_path / "ci.yml", transform="gitlab-ci")


@pytest.mark.parametrize(("plan", "status"), [("same,same", 0), ("fresh,fresh", 1)])
def test_the_hook_of_the_docs_passes_and_fails(plan: str, status: int, tmp_path: Path) -> None:
    (block,) = blocks("repos:")
    (hook,) = yaml.safe_load(block)["repos"][0]["hooks"]
    (defined,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert hook["id"] == defined["id"]
    assert re.search(hook["files"], "app.py")
    shutil.copy(ROOT / "examples" / "tmp_counter_by_hand.py", tmp_path / "app.py")
    (tmp_path / "event.json").write_text("{}")
    name, *words = shlex.split(defined["entry"])
    assert name == "retryctl"
    words += [plan if word == "all" else word for word in hook["args"]]
    done = run(*words, cwd=tmp_path)
    assert done.returncode == status, done.stdout + done.stderr


def test_every_report_names_what_is_allowed() -> None:
    for form in ("text", "markdown", "junit", "tap", "github", "sarif"):
        done = run("check", "--from", "demo", "--allow", "environment-switch", "-o", form)
        assert "allowed: environment-switch 1" in done.stdout, form
