"""TAP version 14: one test point for each check."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from retryctl.core.check.evaluate import REQUEST
from retryctl.core.check.expectations import CheckResult
from retryctl.views.ci.report import CheckReport
from retryctl.views.inert import inert

_SPECIAL = re.compile(r"[\\#]")


def report(result: CheckReport) -> str:
    """The stream. TAP knows no third result: what is undetermined is ``not ok`` and says so."""
    checks = result.judgement.checks
    lines = ["TAP version 14", f"1..{len(checks)}{'' if checks else ' # SKIP nothing to check'}"]
    for number, check in enumerate(checks, start=1):
        lines += _point(number, check)
    return "\n".join(lines) + "\n"


def _point(number: int, check: CheckResult) -> Iterator[str]:
    about = f"{check.name} {check.request_id}" if check.request_id else f"--{check.name}"
    if check.request_id and check.name != REQUEST:
        about = f"--{check.name} {check.request_id}"
    yield f"{'ok' if check.passed else 'not ok'} {number} - {_SPECIAL.sub(_escaped, inert(about))}"
    if not check.passed:
        # a JSON string is a YAML one; a CI runner must find no ##[command] of its own in it
        message = json.dumps(inert(check.message)).replace("##[", r"##\u005b")
        yield "  ---"
        yield f"  message: {message}"
        yield f"  severity: {'undetermined' if check.passed is None else 'fail'}"
        yield "  ..."


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match.group()}"
