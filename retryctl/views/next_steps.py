"""What to do after an answer: commands to copy, with their options."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.core.timestamps import iso_text
from retryctl.core.wording import in_a_row


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
