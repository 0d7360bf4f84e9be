"""Phrases that no help page, message, document or docstring uses, each with its plain form.

They are matched over line ends, without regard to upper and lower case.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = {
    "can its count be trusted": "whether the function counted its retries correctly",
    "tell the story of": "show what happened on",
    "at most so long": "stop after this long",
    "names it where this does not": "Default:",
    "the group's class demands it": "auto: Insights for Infrequent Access groups",
    "would cost more.": "costs more than this",
    "the form of the output": "output format",
    "to hold against": "to compare with",
    "pass or fail on": "check; exit non-zero if",
    "rules that may be broken": "findings to ignore",
    "comes to that does not": "required outcome",
    "at least so many": "at least N",
    "only from so many on": "with at least N",
    "the only way to a private /tmp": "use only this isolation method",
    "waits once more": "repeat this run",
    "nothing is missing": "the log is complete",
    "an earlier group of that name is not in it": "logs of an earlier group are gone",
    "it is not said where": "no function or log group given",
    "is no saved log": "is not a saved log",
    "is no summary": "is not a summary",
    "leave one away": "drop one",
    "gives the event up": "gives up on the event",
    "since the summary before": "compared with the earlier summary",
    "nobody looked there": "was not read",
    "what became of them": "outcomes",
    "log events that prove it": "evidence",
    "counted right all that it could see": "correctly counted everything it could see",
    "mend the error": "fix the error",
    "store said no": "store returned an error",
    "the story has a hole": "part of the log is missing",
    "against what really ran": "with what really ran",
    "does not matter (": "the format is detected",
    "is no good log to save": "do not save it alone",
    "words of the command": "usage error",
    "whatever a log holds": "log content is escaped",
    "asks for nothing from outside": "is self-contained",
    "to whom you would give": "share it only with",
    "is the core's": "comes from the same code",
    "what should be said": "warnings",
    "from the attempts of a log that was read in pieces": "reduce step",
    "what is open and not what is over": "in bounded memory",
    "not taken at its word": "re-checked on the client",
    "let signals wait": "block signals",
    "suffer it": "inject the fault",
    "fail a pipeline where": "fail a CI job when",
    "a rule of the cross-check": "a finding",
    "what a function imports to count its retries": "the code a function imports to count",
    "what of it": "what to show",
    "what there is by then": "print what is known",
    "where much remains to be searched": "for long searches",
    "no query of logs insights where": "run no Insights query that",
    "is said on stderr": "goes to stderr",
    "from when": "start of the window",
    "until when,": "end of the window",
    "by rule or from a severity on": "names, or a minimum severity",
    "the most attempts of a request here": "the requests here have at most",
    "m each; most": "per 5 min; peak",
    "found, not failing": "also found, does not fail",
    "a, b, a for a, b, c": "ran A, B, A; expected A, B, C",
    "is told from what": "is inferred from the log",
    "holds the count": "compares the count",
    "shape is found by looking": "the format is detected",
    "that there is no such request": "build the NothingFound error",
    "were looked up and held": "number of verified pairs",
    "tell the lab what": "inject the planned fault",
}
FILES = subprocess.run(
    ["git", "ls-files", "*.py", "*.md", "*.toml", "*.yml", "*.yaml"],
    cwd=ROOT,
    capture_output=True,
    text=True,
).stdout.split()


def words_of(path: Path) -> str:
    """The text of a file on one line, without the marks of strings and comments."""
    return re.sub(r"[\s\"#]+", " ", path.read_text("utf-8")).lower()


@pytest.mark.skipif(not FILES, reason="not a checkout of Git")
def test_no_file_uses_a_phrase_that_has_a_plain_form() -> None:
    own = Path(__file__).relative_to(ROOT).as_posix()
    texts = {name: words_of(ROOT / name) for name in FILES if name != own}
    found = [
        f"{name}: {phrase!r}; write {plain!r}"
        for phrase, plain in PLAIN.items()
        for name, text in texts.items()
        if phrase in text
    ]
    assert found == []
