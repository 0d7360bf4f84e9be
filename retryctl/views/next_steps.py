"""Commands to copy: what to run after an answer."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.findings import Finding, Severity
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.request import Request, RequestOutcome

_SEVERITIES = tuple(Severity)


def on_cloudwatch(request: Request) -> str:
    """Return the options that find the request on CloudWatch; ``""`` where its name is unknown."""
    if request.function:
        return f"-f {quote(request.function)}"
    return f"-g {quote(request.log_group)}" if request.log_group else ""


def list_wrong(coverage: Coverage, function: str | None) -> str:
    """Return the command that lists the requests with a wrong counter; ``""`` for none."""
    if coverage.where == "standard input":
        return ""
    if coverage.where:
        place = f"--from {quote(coverage.where)}"
    elif coverage.source != "cloudwatch":
        return ""
    elif function:
        place = quote(function)
    elif len(coverage.log_groups) == 1:
        place = f"-g {quote(coverage.log_groups[0])}"
    else:
        return ""
    return f"retryctl list {place} --verdict disagrees{coverage.aws_options}"


def next_steps(checked: CheckedRequest, coverage: Coverage) -> Iterable[tuple[str, str]]:
    """Yield a label and a command for a request that is open or has a wrong counter."""
    request = checked.request
    is_open = request.outcome in (RequestOutcome.PENDING, RequestOutcome.RUNNING)
    place = on_cloudwatch(request) if coverage.source in ("cloudwatch", "saved") else ""
    if is_open and place:
        follow = f"retryctl trace {request.request_id} {place} --wait{coverage.aws_options}"
        yield "To follow it:", follow
    command = list_wrong(coverage, request.function)
    if command and checked.verdict is Verdict.DISAGREES and coverage.wrong_requests != 1:
        yield "Other requests with a wrong counter:", command


def grouped_findings(findings: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """Group the findings of one rule: errors first, then in the order of the rules."""
    groups: dict[tuple[str, Severity, str], list[Finding]] = {}
    for finding in findings:
        key = (finding.rule, finding.severity, finding.remedy)
        groups.setdefault(key, []).append(finding)
    ordered = sorted(groups.values(), key=lambda group: _SEVERITIES.index(group[0].severity))
    return [tuple(group) for group in ordered]
