"""The result of one check, and what every check has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from retryctl.core.doctor.facts import FunctionFacts, MissingFact
from retryctl.core.value_classes import value_class


@value_class
class Diagnosis:
    """One check: ``passed`` is ``None`` where a fact that it needs is not known.

    ``evidence`` states the settings that decide it. ``remedy`` is empty where it passed.
    """

    name: str
    passed: bool | None
    evidence: str
    remedy: str = ""


@value_class
class DoctorReport:
    """Every check of one function."""

    function: str
    diagnoses: tuple[Diagnosis, ...]

    @property
    def passed(self) -> bool | None:
        """False where a check failed, else ``None`` where one could not be made, else true."""
        return overall(self.diagnoses)


def overall(diagnoses: Iterable[Diagnosis]) -> bool | None:
    """Return False where one failed, else ``None`` where one could not be made, else true."""
    results = {diagnosis.passed for diagnosis in diagnoses}
    if False in results:
        return False
    return None if None in results else True


CheckAnswer = tuple[bool, str, str]
"""Passed, evidence, remedy."""

CheckFunction = Callable[[FunctionFacts], CheckAnswer]


def passes(evidence: str) -> CheckAnswer:
    """Return a passed check."""
    return True, evidence, ""


def fails(evidence: str, remedy: str) -> CheckAnswer:
    """Return a failed check."""
    return False, evidence, remedy


def diagnose(name: str, check: CheckFunction, facts: FunctionFacts) -> Diagnosis:
    """Run one check."""
    try:
        passed, evidence, remedy = check(facts)
    except MissingFact as missing:
        remedy = f"Allow {missing.fact.action}." if missing.fact.denied else ""
        return Diagnosis(name=name, passed=None, evidence=missing.fact.reason, remedy=remedy)
    return Diagnosis(name=name, passed=passed, evidence=evidence, remedy=remedy)
