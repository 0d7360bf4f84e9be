"""Links to the CloudWatch console, one for each attempt.

Names in the fragment of a link are percent-encoded twice, and every % of it is a $. Taken from
published links; AWS does not document it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote as url_quote

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import stream_name

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
