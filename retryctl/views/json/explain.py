"""The explanation of findings and other words for programs: ``retryctl/explain/1``."""

from __future__ import annotations

from collections.abc import Mapping

from retryctl.views.json.encoding import document_text
from retryctl.views.json.schemas import EXPLAIN
from retryctl.views.rule_texts import RuleText


def explain_document(texts: Mapping[str, RuleText]) -> str:
    """Return one document with every topic."""
    topics = [
        {
            "name": name,
            "kind": text.kind,
            "severity": text.severity if text.kind == "finding" else None,
            "summary": text.summary,
            "sections": text.parts,
        }
        for name, text in texts.items()
    ]
    return document_text({"schema": EXPLAIN, "topics": topics})
