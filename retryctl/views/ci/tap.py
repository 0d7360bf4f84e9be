"""TAP, the Test Anything Protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from retryctl.core.check.expectations import CheckResult
from retryctl.views.ci.report import CheckReport, Problem
from retryctl.views.inert_text import inert

_SPECIAL = re.compile(r"[\\#]")


def tap_report(result: CheckReport) -> Iterator[str]:
    """Yield the stream. What is undetermined is ``not ok``, with its own severity."""
    checks = result.judgement.checks
    failed = {id(check): some for check, some in result.failed_checks}
    yield "TAP version 14\n"
    yield f"1..{len(checks)}{'' if checks else ' # SKIP nothing to check'}\n"
    for number, check in enumerate(checks, start=1):
        yield from (
            f"{line}\n" for line in _point(number, check, failed.get(id(check), ()), result)
        )
    for words in (*result.notes, result.result_sentence):
        yield f"# {_SPECIAL.sub(_escaped, inert(words))}\n"


def _point(
    number: int, check: CheckResult, failed: Sequence[Problem], result: CheckReport
) -> Iterator[str]:
    about = inert(f"{check.shown_name} {check.request_id or ''}".strip())
    yield f"{'ok' if check.passed else 'not ok'} {number} - {_SPECIAL.sub(_escaped, about)}"
    if not check.passed:
        yield "  ---"
        yield f"  message: {_quoted(' '.join(problem.sentence for problem in failed))}"
        yield f"  severity: {'undetermined' if check.passed is None else 'fail'}"
        if evidence := [line for problem in failed for line in problem.evidence(result.tz)]:
            yield "  evidence:"
            yield from (f"    - {_quoted(line)}" for line in evidence)
        if command := result.next_command(check):
            yield f"  next: {_quoted(command)}"
        yield "  ..."


def _quoted(text: str) -> str:
    """Return a JSON string, which is a YAML one too. It has no ##[command] for a CI runner."""
    return json.dumps(inert(text)).replace("##[", r"##\u005b")


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match.group()}"
