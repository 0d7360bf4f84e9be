"""Sentences about a request that several screens share."""

from __future__ import annotations

from retryctl.core.model.attempt import AttemptOutcome
from retryctl.core.model.request import Request


def why_unknown(request: Request) -> str:
    """Return what the log does not show of a request whose outcome is not known."""
    if not request.attempts:
        return "the log has no attempt, only lines that mention the request"
    last = request.attempts[-1]
    if last.outcome is AttemptOutcome.OK:
        return f"attempt {last.number} succeeded, but other attempts may be missing from the log"
    if not last.outcome.failed and last.report_event:
        return f"the log does not show whether attempt {last.number} failed"
    if not last.outcome.failed:
        return f"the log does not show how attempt {last.number} ended"
    if request.from_event_source:
        return f"attempt {last.number} failed; its event source decides on retries, not Lambda"
    return f"attempt {last.number} failed, and the log does not show what followed"
