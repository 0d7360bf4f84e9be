"""A log whose every text is hostile stays inert in each form of each command."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.lambda_log import ID, OTHER_ID, end, start
from tests.support.program import run

SHORT = {
    "escapes": "\x1b]0;owned\x07\x1b[2J\x1b[31m\x9b31m\x85",
    "invisible": "\u202eevil\u2066x\u200b\ufeff",
    "half a pair": "\ud800x\udfff",
    "rich": "[bold red]x[/] [link=http://evil]y[/link]",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>\"' onload=x",
    "markdown": "`` ``` | [a](javascript:x) ![](http://e) <script>",
    "runner": "::error::x ##[error]y\r\n::stop-commands::z",
    "formula": "=cmd|'/c calc'!A0",
    "shell": "$(touch owned)`touch owned`;'\"",
}
HOSTILE = {"short": " ".join(SHORT.values()), "runner": SHORT["runner"], "long": "L" * 1_000_000}
FORMS = {
    "trace": ("text", "json", "jsonl", "html", "markdown", "svg"),
    "list": ("text", "json", "jsonl", "csv", "html", "markdown"),
    "summary": ("text", "json", "jsonl", "csv", "html", "markdown", "svg"),
    "check": ("text", "json", "junit", "sarif", "tap", "github", "gitlab", "markdown"),
    "diff": ("text", "json"),
}
UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
MARKERS = "[markers]\nbranch = 'process (?P<branch>.+)'\n"


class Elements(HTMLParser):
    """The names of the elements and of the attributes of a page or a picture."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(name for name, _ in attrs)}


def save(path: Path, text: str) -> None:
    """Save two requests with the text in all places of their log; a long one in one message."""
    name = text[:400]
    report = (
        "Duration: 1.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"
        f"XRAY TraceId: {name}\n"
    )
    trace = f'Traceback (most recent call last):\n  File "{name}", line 1, in {name}\n    {name}\n'
    with path.open("w") as file:
        for place, (number, one) in enumerate((n, i) for n in range(3) for i in (ID, OTHER_ID)):
            shown = name if place else text
            messages = (
                *(start(one), f"{number}{shown}\n", f"{number}\n", f"process {name}\n"),
                *(f"{number}\n", f"process {'ABA'[number]}\n", f"[ERROR] {name}: {shown}\n{trace}"),
                *(end(one), f"REPORT RequestId: {one}\t{report}"),
            )
            for order, message in enumerate(messages):
                event = {
                    "timestamp": 1_795_392_000_000 + place * 40_000 + order,
                    "logGroup": f"/aws/lambda/fn{name}",
                    "logStream": f"2026/11/23/[$LATEST]{name}{number // 2}123456789abcdef",
                    "message": message,
                    "eventId": name,
                }
                file.write(f"{json.dumps(event)}\n")


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_form_of_a_command_has_an_active_text(kind: str, tmp_path: Path) -> None:
    save(tmp_path / "log.jsonl", HOSTILE[kind])
    if kind != "long":
        (tmp_path / "retryctl.toml").write_text(MARKERS)
    for command, forms in FORMS.items():
        id_and_lines = {"trace": (ID, "--lines"), "diff": (ID,)}.get(command, ())
        if kind == "runner" and command != "check":
            continue
        for form in forms[:1] if kind == "long" else forms:
            words = (command, "--from", "log.jsonl", *id_and_lines, "-o", form)
            done = run(*words, cwd=tmp_path)
            assert done.returncode in (0, 1, 5), (words, done.stderr)
            refuse_active(form, done.stdout)
            assert len(done.stdout) < 400_000 or form == "json", words
            assert not UNSAFE.search(done.stderr.replace("\n", "")), words
            if command == "check":  # its reports are printed into the log of a job
                assert "##[" not in done.stdout, form
                commands = [line for line in done.stdout.splitlines() if line.startswith("::")]
                assert form == "github" or not commands
        coloured = run(*words[:-2], "--color", "always", cwd=tmp_path).stdout
        assert not UNSAFE.search(COLOURS.sub("", coloured))
    assert not (tmp_path / "owned").exists()


def refuse_active(form: str, output: str) -> None:
    seen = output.replace("\r\n", "\n") if form == "csv" else output
    assert not UNSAFE.search(seen)
    if form in ("html", "svg"):
        names = Elements(output).names
        assert not names & {"script", "img", "iframe", "onerror", "onload"}
    if form == "csv":
        assert not re.search('(^|,)"?[=+@-]', output, re.MULTILINE)
    if form == "json":
        json.loads(output)
