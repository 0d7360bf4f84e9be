"""The examples of the README and the docs do what they show.

A fenced block of kind ``console`` is run: each ``$ `` line is a command, the lines up to the
next one are its whole output, in which a line ``…`` stands for any lines, and ``…`` in a
line for any text. A command with no line of output shown may print anything. ``# exit N``
after a command tells its status where it is not 0. The commands of a block run one after the
other, in a folder that has the examples, and without a shell. What needs one, or an AWS account,
stands in a block of kind ``sh``, which is not run.
"""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest

from tests.support.program import run

ROOT = Path(__file__).parents[2]
SUMMARY = "summary --from demo -o svg"
DIFFERENCE = """async sources => {
  const pixels = await Promise.all(sources.map(async source => {
    const image = new Image(); image.src = source; await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width; canvas.height = image.height;
    const context = canvas.getContext("2d"); context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height).data;
  }));
  let other = 0;
  for (let i = 0; i < pixels[0].length; i += 4) other += Math.abs(pixels[0][i] - pixels[1][i]) > 64;
  return other / (pixels[0].length / 4);
}"""
"""The share of pixels that differ by more than a quarter."""
PICTURED = "d869069c-1c88-49a9-9779-0fbb5587aaa5"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@dataclass(frozen=True)
class Example:
    command: str
    status: int
    output: str


def _blocks(page: Path) -> list[list[Example]]:
    blocks = re.findall(r"^```console\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    return [[*_examples(block)] for block in blocks]


def _examples(block: str) -> Iterator[Example]:
    for shown in re.split(r"^\$ ", block, flags=re.M)[1:]:
        line, _, output = shown.partition("\n")
        while line.endswith("\\"):
            more, _, output = output.partition("\n")
            line = f"{line}\n{more}"
        command, _, status = line.partition("  # exit ")
        yield Example(command, int(status or 0), output)


BLOCKS = {page: _blocks(page) for page in PAGES}


def test_the_readme_has_examples_that_run() -> None:
    assert BLOCKS[ROOT / "README.md"]


@pytest.mark.parametrize(
    "block", [*chain.from_iterable(BLOCKS.values())], ids=lambda block: block[0].command
)
def test_the_examples_of_a_block_do_what_they_show(block: list[Example], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for example in block:
        status, output = _done(example.command, tmp_path)
        assert status == example.status, f"{example.command}\n{output}"
        if example.output:
            assert re.fullmatch(_pattern(example.output), output), f"{example.command}\n{output}"


def _done(command: str, folder: Path) -> tuple[int, str]:
    """The exit status and the output of a command, both of its streams in one."""
    with tempfile.TemporaryFile() as file:
        out = file.fileno()
        name, *words = shlex.split(command.replace("\\\n", " "))
        assert name == "retryctl"
        done = run(*words, env={"COLUMNS": "80"}, cwd=folder, stdout=out, stderr=out)
        return done.returncode, os.pread(out, os.fstat(out).st_size, 0).decode()


def _pattern(output: str) -> str:
    return "".join(
        r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n"
        for line in output.splitlines()
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_wrap_at_100_columns(page: Path) -> None:
    """Code and rows of tables, which cannot wrap, may be longer."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    long = [line for line in prose.splitlines() if len(line) > 100 and not line.startswith("|")]
    assert long == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def made(arguments: str) -> str:
    done = run(*arguments.split(), cwd=ROOT)
    assert done.returncode == 0
    return done.stdout


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("trace.svg", f"trace --from demo {PICTURED} -o svg"), ("summary.svg", SUMMARY)],
)
def test_the_pictures_of_terminals_are_what_the_program_prints(name: str, arguments: str) -> None:
    assert made(arguments) == (ROOT / "docs" / name).read_text("utf-8")
    assert f"docs/{name}" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["trace.svg", "summary.svg"])
def test_pictures_place_each_word_by_itself(name: str) -> None:
    """Renderers such as librsvg drop no-break spaces, so that columns must not need them."""
    svg = (ROOT / "docs" / name).read_text("utf-8")
    texts = re.findall(r'<text class="retryctl-r[^>]*>([^<]*)</text>', svg)
    assert len(texts) > 100
    assert not [text for text in texts if "\xa0" in text or "&#160;" in text]


@pytest.mark.skipif(shutil.which("rsvg-convert") is None, reason="rsvg-convert is not installed")
def test_librsvg_draws_the_pictures(tmp_path: Path) -> None:
    for name in ("trace.svg", "summary.svg"):
        command = ["rsvg-convert", str(ROOT / "docs" / name), "-o", str(tmp_path / "picture.png")]
        subprocess.run(command, check=True, timeout=60)
        assert (tmp_path / "picture.png").stat().st_size > 50_000


def test_the_picture_of_the_page_is_a_screenshot_of_it() -> None:
    """The words may be drawn by another font here; the size and most of the pixels must agree."""
    browser = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    pictures = runpy.run_path(str(ROOT / "docs" / "make_pictures.py"))
    now = pictures["page_picture"](made(f"trace --from demo {PICTURED} -o html"), chromium)
    stored = (ROOT / "docs" / "page.png").read_bytes()
    assert now[16:24] == stored[16:24]  # width and height
    with browser.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        images = [f"data:image/png;base64,{b64encode(each).decode()}" for each in (now, stored)]
        assert running.new_page().evaluate(DIFFERENCE, images) < 0.1
        running.close()
