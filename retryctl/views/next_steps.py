"""What to do after an answer: commands to copy, and links to the CloudWatch console."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from shlex import quote
from urllib.parse import quote as url_quote

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.findings import Finding, Severity
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import stream_name
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.core.timestamps import iso_text
from retryctl.core.wording import in_a_row

_SEVERITIES = tuple(Severity)


def on_cloudwatch(request: Request) -> str:
    """Return the options that find the request on CloudWatch; ``""`` where its name is unknown."""
    if request.function:
        return f"-f {quote(request.function)}"
    return f"-g {quote(request.log_group)}" if request.log_group else ""


def place_options(coverage: Coverage, function: str | None = None) -> str:
    """Return the options that read the same log again; ``""`` where there are none.

    ``function`` is the one to be read, where that is known.
    """
    if coverage.where:
        again = f"--from {quote(coverage.where)}{coverage.given_names}"
        return "" if coverage.where == "standard input" else again
    if coverage.source != "cloudwatch":
        return ""
    if function:
        return f"-f {quote(function)}"
    groups = coverage.log_groups
    if coverage.given_names.startswith(" -f") and len(groups) == 1:
        return coverage.given_names.strip()
    return f"-g {quote(groups[0])}" if len(groups) == 1 else ""


def until_option(coverage: Coverage) -> str:
    """Return ``--until`` as it was given, after a blank."""
    return "" if coverage.as_of_ms is None else f" --until {iso_text(coverage.as_of_ms)}"


def window_options(coverage: Coverage) -> str:
    """Return ``--since`` and ``--until`` as they were given, each after a blank."""
    since_ms = coverage.given_since_ms
    since = "" if since_ms is None else f" --since {iso_text(since_ms)}"
    return f"{since}{until_option(coverage)}"


def list_command(coverage: Coverage, filters: str, function: str | None = None) -> str:
    """Return the command that lists requests of the same window; ``""`` for none."""
    place = place_options(coverage, function)
    words = f"retryctl list {place} {filters}".strip()
    return f"{words}{window_options(coverage)}{coverage.aws_options}" if place else ""


def list_wrong(coverage: Coverage, function: str | None) -> str:
    """Return the command that lists the requests with a wrong counter; ``""`` for none."""
    return list_command(coverage, "--verdict disagrees", function)


def next_steps(
    checked: CheckedRequest, coverage: Coverage, *, names_others: bool = True
) -> Iterable[tuple[str, str]]:
    """Yield a label and a command for a request that is open or has a wrong counter.

    With ``names_others`` the command that lists others with a wrong counter is one of them.
    """
    request = checked.request
    is_open = request.outcome in (RequestOutcome.PENDING, RequestOutcome.RUNNING)
    place = on_cloudwatch(request) if coverage.source in ("cloudwatch", "saved") else ""
    if is_open and place:
        follow = f"retryctl trace {request.request_id} {place} --wait{coverage.aws_options}"
        yield "To follow it:", follow
    command = list_wrong(coverage, request.function)
    may_list = names_others and command and coverage.wrong_requests != 1
    if may_list and checked.verdict is Verdict.DISAGREES:
        yield "Other requests with a wrong counter:", command


def others_step(coverage: Coverage, wrong: int, exhausted: int) -> tuple[str, str] | None:
    """Return a sentence and a command for the requests of the log that are not shown.

    ``wrong`` of them have a wrong counter, ``exhausted`` are exhausted; ``None`` where none is.
    """
    counts = [f"{wrong:,} with a wrong counter"] * (wrong > 0)
    counts += [f"{exhausted:,} exhausted"] * (exhausted > 0)
    filters = "--verdict disagrees" if wrong else "--outcome exhausted"
    words = f"Not shown: {in_a_row(counts)}" if counts else ""
    return (words, list_command(coverage, filters)) if words else None


def grouped_findings(findings: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """Group the findings of one rule: errors first, then in the order of the rules."""
    groups: dict[tuple[str, Severity, str], list[Finding]] = {}
    for finding in findings:
        key = (finding.rule, finding.severity, finding.remedy)
        groups.setdefault(key, []).append(finding)
    ordered = sorted(groups.values(), key=lambda group: _SEVERITIES.index(group[0].severity))
    return [tuple(group) for group in ordered]


# --------------------------------------------------------------------------- links to the console
#
# The console's own encoding of its fragment: names are percent-encoded twice, and every % of the
# fragment is a $. Taken from published links; AWS does not document it.


# The partitions with their own console, by the first part of the names of their regions.
_HOSTS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
_USUAL_HOST = "console.aws.amazon.com"
_MARGIN_MS = 10_000


def attempt_link(attempt: Attempt, region: str) -> str | None:
    """Return the link to the log stream of ``attempt``, from shortly before to shortly after it.

    ``None`` where the log does not name the group or the stream.
    """
    stream = stream_name(attempt.log_stream)
    if attempt.log_group is None or stream is None:
        return None
    since_ms = attempt.placed_ms - _MARGIN_MS
    until_ms = attempt.last_event.timestamp_ms + _MARGIN_MS
    host = next((host for start, host in _HOSTS.items() if region.startswith(start)), _USUAL_HOST)
    span = _dollars(url_quote(f"?start={since_ms}&end={until_ms}", safe=""))
    return (
        f"https://{region}.{host}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/"
        f"{_name(attempt.log_group)}/log-events/{_name(stream)}{span}"
    )


def console_lines(checked: Sequence[CheckedRequest], region: str) -> Iterator[str]:
    """Yield a line for each attempt; a link is not broken at any width."""
    for one in checked:
        yield f"\nin the console, request {one.request.request_id}:\n"
        for attempt in one.request.attempts:
            link = attempt_link(attempt, region) or (
                "its log stream is not known"
                if stream_name(attempt.log_stream) is None
                else "its log group is not known: name the function with -f, or the group with -g"
            )
            yield f" {attempt.number}  {link}\n"


def _name(text: str) -> str:
    return _dollars(url_quote(url_quote(text, safe=""), safe=""))


def _dollars(text: str) -> str:
    return text.replace("%", "$")
