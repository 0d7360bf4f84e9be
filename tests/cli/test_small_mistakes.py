"""Small mistakes of a new user, and what the answer names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retryctl.cli import main
from retryctl.errors import ExitStatus
from tests.support.check_logs import right, save
from tests.support.lambda_log import ID
from tests.support.program import run

FORMATS = ("csv", "html", "svg", "jsonl", "markdown", "junit", "sarif", "github", "gitlab", "tap")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("command", ["trace", "list", "summary", "check"])
def test_the_commands_that_have_a_format_are_named(command: str, form: str) -> None:
    done = run(command, "--from", "demo", "-o", form)
    if done.returncode != 2 or "Did you mean" in done.stderr:
        return
    assert f"'{form}' is not a value of --output" in done.stderr
    named = re.findall(r"trace|list|summary|check", done.stderr.splitlines()[1])
    assert named
    for other in named:
        assert run(other, "--from", "demo", "-o", form).returncode != 2


def test_an_id_without_its_dashes_names_the_request(tmp_path: Path) -> None:
    log = save(tmp_path / "log.jsonl", right())
    plain = ID.replace("-", "").upper()
    whole = run("trace", ID, "--from", str(log))
    assert whole.returncode == 0
    for words in (("trace", plain), (plain,)):
        done = run(*words, "--from", str(log))
        assert (done.returncode, done.stdout) == (0, whole.stdout)


def test_a_glob_without_a_match_shows_what_its_folder_has(tmp_path: Path) -> None:
    save(tmp_path / "log.jsonl", right())
    done = run("list", "--from", str(tmp_path / "*.csv"))
    assert done.returncode == 3
    assert f"{tmp_path} has log.jsonl.\n" in done.stderr
    assert "uote" not in done.stderr
    gone = run("list", "--from", str(tmp_path / "nowhere" / "*.csv"))
    assert "nowhere: No such file or directory." in gone.stderr


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("root:x:0:0:root:/root:/bin/sh\n", "a list of accounts"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n", "a key or a certificate"),
        ("[default]\naws_access_key_id = AKIA\n", "a file of settings"),
        ("PASSWORD=hunter2\n", "a file of settings"),
    ],
)
def test_a_file_with_secrets_is_named_and_not_quoted(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    done = run("trace", "--from", str(path))
    assert done.returncode == 3
    assert f"it is probably {what}." in done.stderr
    assert "hunter2" not in done.stderr
    assert "starts with" not in done.stderr


def test_the_excerpt_of_another_file_is_short_and_inert(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("\x1b[31mnotes " + "x" * 200 + "\nsecond line\n")
    shown = run("trace", "--from", str(path)).stderr
    (excerpt,) = re.findall(r"starts with '(.*)'", shown)
    assert "\x1b" not in shown
    assert len(excerpt) < 60
    assert "second" not in shown


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("quiet", "said"), [((), "retryctl: stopped.\n"), (("-q",), "")])
def test_ctrl_c_says_that_it_stopped(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    quiet: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setattr(main, "_invoke", _interrupt)
    assert main.run(["list", "--from", "-", *quiet]) == ExitStatus.INTERRUPTED
    assert capfd.readouterr() == ("", said)


def test_the_lab_advises_markers_once(tmp_path: Path) -> None:
    handler = tmp_path / "app.py"
    handler.write_text("def handler(event, context):\n    raise ValueError('no')\n")
    done = run("lab", "run", f"{handler}:handler", "--seed", "1", cwd=tmp_path)
    assert f"{done.stdout}{done.stderr}".count("[markers]") == 1
    assert "nothing was cross-checked: 3 attempts failed" in done.stderr
    as_json = run("lab", "run", f"{handler}:handler", "--seed", "1", "-o", "json", cwd=tmp_path)
    assert as_json.stderr.count("[markers]") == 1
