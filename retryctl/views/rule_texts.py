"""The texts of ``rules.md``, ``terms.md`` and ``keys.txt``: findings, words, and keys of JSON."""

from __future__ import annotations

from typing import NamedTuple

TERM_KINDS = [
    *("outcome", "verdict", "delivery", "gap", "key", "heading", "severity", "change"),
    "error-kind",
]


class RuleText(NamedTuple):
    """A severity, one sentence, and the whole section of the page.

    ``severity`` of what is not a finding is its kind: ``outcome``, ``gap`` and others.
    """

    severity: str
    summary: str
    section: str

    @property
    def kind(self) -> str:
        """``finding``, or one of ``TERM_KINDS``."""
        return self.severity if self.severity in TERM_KINDS else "finding"

    @property
    def parts(self) -> dict[str, str]:
        """The text below each heading of the section."""
        _, *parts = self.section.split("\n### ")
        split = (part.split("\n", 1) for part in parts)
        return {heading.strip(): text.strip("\n") for heading, text in split}


def rule_texts() -> dict[str, RuleText]:
    """Return the text of each finding by its name, in the order of the page."""
    return _texts("rules.md")


def term_texts() -> dict[str, RuleText]:
    """Return the text of each other word by its name, in the order of the page."""
    return _texts("terms.md")


def key_texts() -> dict[str, RuleText]:
    """Return the sentence for each key of JSON that has no page of its own, by its name."""
    lines = (line.partition(": ") for line in _page("keys.txt").splitlines())
    return {
        name: RuleText(severity="key", summary=text, section=f"**key** · {text}")
        for name, _, text in lines
    }


def _page(name: str) -> str:
    from importlib.resources import files

    return files("retryctl").joinpath(name).read_text(encoding="utf-8")


def _texts(page: str) -> dict[str, RuleText]:
    _, *sections = _page(page).split("\n## ")
    split = (section.split("\n", 1) for section in sections)
    return {name.strip(): _text(section.strip()) for name, section in split}


def _text(section: str) -> RuleText:
    severity, summary = section.split("\n", 1)[0].split(" · ")
    return RuleText(severity=severity.strip("*"), summary=summary, section=section)
