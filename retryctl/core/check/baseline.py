"""Known findings: found before, so they are shown but do not fail a check.

In the next run every request has a new ID, so a finding is known by what does not change from
run to run: its rule, the function, the attempt where the harm shows, and what that attempt
claimed (or, of a finding about the whole request, the type of its last error). Neither the
order of the findings nor their number is part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from hashlib import sha256

from retryctl.core.crosscheck.findings import Finding, UnlistedFinding
from retryctl.core.model.request import Request
from retryctl.core.value_classes import value_class

SCHEMA = "retryctl/baseline/1"


class BaselineError(ValueError):
    """A text is not a baseline, or is one of another version. The message is the reason."""


@value_class
class Identity:
    """The parts of a finding that stay the same in other runs; ``None`` if not in the log."""

    rule: str
    function: str | None
    attempt: int | None
    counter: int | None
    branch: str | None
    error: str | None

    @property
    def fingerprint(self) -> str:
        """32 hex digits for tools that compare one run with another."""
        return sha256(json.dumps(_fields(self)).encode()).hexdigest()[:32]


def identity_of(finding: Finding | UnlistedFinding, request: Request) -> Identity:
    """Return the identity of a finding in ``request``."""
    last = request.attempts[-1] if request.attempts else None
    attempt = request.attempts[finding.attempt - 1] if finding.attempt else None
    error = last.error.type if last and last.error and attempt is None else None
    return Identity(
        rule=finding.rule,
        function=request.function or request.log_group,
        attempt=finding.attempt,
        counter=attempt.claim.counter if attempt else None,
        branch=attempt.claim.branch if attempt else None,
        error=error,
    )


def baseline_text(identities: Iterable[Identity]) -> str:
    """Write a baseline file. The same identities give the same text, whatever their order."""
    findings = sorted((_fields(each) for each in set(identities)), key=json.dumps)
    return json.dumps({"schema": SCHEMA, "findings": findings}, indent=2) + "\n"


def read_baseline(text: str) -> frozenset[Identity]:
    """Return the identities of a baseline file. Raises ``BaselineError`` for any other file."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BaselineError(f"it is not JSON ({error})") from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        found = f"its schema is {schema!r}" if schema else "it names no schema"
        raise BaselineError(f"{found}, and {SCHEMA!r} is expected")
    findings = document.get("findings")
    if not isinstance(findings, list):
        raise BaselineError("it has no list of findings")
    return frozenset(_identity(number, found) for number, found in enumerate(findings, start=1))


def _fields(identity: Identity) -> dict[str, str | int | None]:
    return asdict(identity)


def _identity(number: int, found: object) -> Identity:
    names = [each.name for each in fields(Identity)]
    numbers = ("attempt", "counter")
    if not isinstance(found, dict) or sorted(found) != sorted(names):
        raise BaselineError(f"finding {number} does not have the keys {', '.join(names)}")
    for name, value in found.items():
        kind = int if name in numbers else str
        if type(value) is not kind and (value is not None or name == "rule"):
            raise BaselineError(f"finding {number} has {value!r} as its {name}")
    return Identity(**found)
