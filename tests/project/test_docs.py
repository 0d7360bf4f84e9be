"""The examples of the README and the docs do what they show.

A fenced block of kind ``console`` is run: each ``$ `` line is a command, the lines up to the
next one are its whole output, in which a line ``…`` stands for any lines, and ``…`` in a
line for any text. A command with no line of output shown may print anything. ``# exit N``
after a command tells its status where it is not 0. What needs an AWS account stands in a
block of kind ``sh``, which is not run.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.program import environment

ROOT = Path(__file__).parents[2]
PICTURED = "d869069c-1c88-49a9-9779-0fbb5587aaa5"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@dataclass(frozen=True)
class Example:
    page: str
    command: str
    status: int
    output: str


def _examples(page: Path) -> list[Example]:
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S):
        for shown in re.split(r"^\$ ", block, flags=re.M)[1:]:
            line, _, output = shown.partition("\n")
            while line.endswith("\\"):
                more, _, output = output.partition("\n")
                line = f"{line}\n{more}"
            command, _, status = line.partition("  # exit ")
            found.append(Example(page.name, command, int(status or 0), output))
    return found


EXAMPLES = [example for page in PAGES for example in _examples(page)]


def test_the_readme_has_examples_that_run() -> None:
    assert any(example.page == "README.md" for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.command)
def test_an_example_does_what_it_shows(example: Example) -> None:
    env = environment({"COLUMNS": "80"})
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    done = subprocess.run(
        ["bash", "-c", example.command],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == example.status, done.stdout
    if example.output:
        assert re.fullmatch(_pattern(example.output), done.stdout), done.stdout


def _pattern(output: str) -> str:
    return "".join(
        r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n"
        for line in output.splitlines()
    )


UNWRAPPED = ("ci.md", "summary.md")  # being rewritten


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in UNWRAPPED], ids=lambda page: page.name
)
def test_lines_wrap_at_100_columns(page: Path) -> None:
    """Code and rows of tables, which cannot wrap, may be longer."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    long = [line for line in prose.splitlines() if len(line) > 100 and not line.startswith("|")]
    assert long == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_the_picture_of_the_readme_is_what_the_program_makes() -> None:
    command = f"{sys.executable} -m retryctl trace --from demo {PICTURED} --output svg"
    made = subprocess.run(
        command.split(), cwd=ROOT, env=environment({}), capture_output=True, check=True
    )
    assert made.stdout == (ROOT / "docs" / "trace.svg").read_bytes()
