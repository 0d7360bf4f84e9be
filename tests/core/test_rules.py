"""The rules themselves: names, texts, severities."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from retryctl.core.crosscheck.checked_request import RULES
from tests.core.crosscheck.rule_histories import IN_ORDER, A, B, found, told


def test_each_rule_is_named_once_and_says_what_to_do() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert set(ids) >= {
        *("environment-switch", "uncounted-attempt", "counter-lost", "counter-ahead"),
        *("counter-unexplained", "branch-contradicts-counter", "branch-missing"),
        *("duplicate-delivery", "extra-attempt", "version-changed", "late-retry"),
        *("retries-exhausted", "logs-incomplete"),
    }
    # a command at the end can be copied as it stands
    assert all(rule.remedy.endswith((".", "--store dynamodb")) for rule in RULES)


def test_a_finding_cannot_be_made_without_evidence() -> None:
    (finding,) = found(told(*IN_ORDER), "retries-exhausted")
    with pytest.raises(ValueError, match="evidence"):
        replace(finding, evidence=())


def test_a_message_is_one_sentence_and_evidence_is_told_once() -> None:
    of = told(("a", "timeout", ()), ("b", "error", A), ("a", "error", A), ("b", "ok", B))
    assert {"environment-switch", "uncounted-attempt"} <= {each.rule for each in of.findings}
    for finding in of.findings:
        assert re.fullmatch(r"[A-Z][^\n]*[.)]", finding.message)
        assert ". " not in finding.message.removesuffix(".")
        assert finding.remedy
        assert finding.evidence
        assert len(set(finding.evidence)) == len(finding.evidence)
