"""What the package's page of rules (``rules.md``) says of each rule."""

from __future__ import annotations

from typing import NamedTuple


class RuleText(NamedTuple):
    """A rule's severity, what it finds in one sentence, and its whole section of the page."""

    severity: str
    summary: str
    section: str


def rule_texts() -> dict[str, RuleText]:
    """The text of each rule by its name, in the order of the page."""
    from importlib.resources import files

    page = files("retryctl").joinpath("rules.md").read_text(encoding="utf-8")
    _, *sections = page.split("\n## ")
    split = (section.split("\n", 1) for section in sections)
    return {name.strip(): _text(section.strip()) for name, section in split}


def _text(section: str) -> RuleText:
    severity, summary = section.split("\n", 1)[0].split(" · ")
    return RuleText(severity=severity.strip("*"), summary=summary, section=section)
