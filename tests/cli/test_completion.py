"""Choices that a shell offers, and the manual page."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.program import environment, run

LISTED = ("text", "json", "jsonl", "csv", "html", "markdown")


def offered(words: str, **env: str) -> list[str]:
    """What bash is offered for the last word."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    done = run(env={"_RETRYCTL_COMPLETE": "complete_bash", **asked, **env})
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "some"),
    [
        ("retryctl trace -o ", {"text", "json", "jsonl", "html", "svg", "markdown"}),
        ("retryctl list --outcome exhausted,p", {"exhausted,pending"}),
        ("retryctl list --verdict d", {"disagrees"}),
        ("retryctl list --finding environment", {"environment-switch"}),
        ("retryctl list --sort o", {"oldest", "outcome"}),
        ("retryctl check --fail-on war", {"warning"}),
        ("retryctl check --allow branch", {"branch-contradicts-counter", "branch-missing"}),
        ("retryctl check --report j", {"json=", "junit="}),
        ("retryctl list --report ", {f"{form}=" for form in LISTED}),
        ("retryctl summary --report s", {"svg="}),
        ("retryctl diff -o ", {"text", "json"}),
        ("retryctl summary -o h", {"html"}),
        ("retryctl trace --region eu-west-", {"eu-west-1", "eu-west-2", "eu-west-3"}),
        ("retryctl trace --tz Asia/Toky", {"Asia/Tokyo"}),
        ("retryctl trace --from de", {"demo"}),
        ("retryctl trace --since ye", {"yesterday"}),
        ("retryctl trace --store dyn", {"dynamodb://"}),
        ("retryctl lab run --plan a", {"all"}),
        ("retryctl lab run --event eve", {"eventbridge"}),
        ("retryctl lab run --region eu-west-", {"eu-west-1", "eu-west-2", "eu-west-3"}),
    ],
)
def test_values_are_offered(words: str, some: set[str]) -> None:
    assert set(offered(words)) == some


def test_profiles_come_from_the_files_of_aws(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[default]\nregion = x\n[profile ci]\n[sso-session s]\n")
    (tmp_path / "credentials").write_text("[team]\n")
    files = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    assert set(offered("retryctl list --profile ", **files)) == {"default", "ci", "team"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_real_shell_takes_the_script(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(run(env={"_RETRYCTL_COMPLETE": f"source_{shell}"}).stdout)
    load = f"autoload -U compinit; compinit -u; . {script}" if shell == "zsh" else f". {script}"
    done = subprocess.run(
        [program, "-c", load],
        env=environment({"HOME": str(tmp_path)}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_manual_page_has_every_command_and_option() -> None:
    page = run("help", "--man").stdout
    assert page.startswith(".TH RETRYCTL 1")
    plain = page.replace("\\-", "-")
    for command in ("trace", "check", "summary", "list", "lab run", "counters vendor", "explain"):
        assert re.search(rf"^\.SS retryctl {command} ", plain, re.M)
        words = run(*command.split(), "--help").stdout
        assert set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", words, re.M)) <= {
            *re.findall(r"--[\w-]+", plain),
            "--help",
        }


def test_the_manual_page_is_roff_without_a_warning(tmp_path: Path) -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed")
    page = run("help", "--man").stdout
    done = subprocess.run(
        [groff, "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "--max-wrong-branch" in re.sub(".\x08", "", done.stdout)
