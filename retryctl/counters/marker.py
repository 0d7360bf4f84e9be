"""The marker: the line that states what an attempt counted, and which branch it runs.

Grammar, version 1. A marker is one printed line, and one log event: a JSON object in ASCII, in
text and in JSON log format alike. It begins with exactly ``{"retryctl": 1, "request_id": `` and
has these keys, in this order; a reader parses the JSON and relies on neither order nor spacing,
and ignores keys that it does not know.

=============== =========================== ========================================================
key             value                       meaning
=============== =========================== ========================================================
``retryctl``    1                           the version of this grammar
``request_id``  string or null              as the context gave it; null where it gave no string
``counter``     integer from 0, or null     earlier attempts that the store knows; null: not known
``branch``      string or null              the branch that starts now: "A", "B", "C" or a name
                                            of the caller's own; null: none does
``store``       string                      "tmp", "s3", "dynamodb", "logs", or a caller's own
``recorded``    true or false               whether the store now counts this attempt
``counts``      "failures" or "starts"      what is recorded: attempts that fail, or that start
``environment`` string or null              the log stream's name
``level``       "INFO", "WARN", "ERROR",    the lowest level, from INFO, that the function's
                or "FATAL"                  application log level lets through
``timestamp``   string                      UTC, ``2026-11-23T03:00:00.123Z``
``error``       string; only on failure     the store's first error, 300 characters
``key``         string; only with ``key=``  what is counted in the place of the request ID
=============== =========================== ========================================================

With ``counts`` "failures" an attempt whose work fails prints one marker, after counting and
before its branch; one that goes well, times out or crashes prints none. With "starts" every
attempt prints one before its work, ``branch`` null, and one whose work fails a second, the same
but for its branch and time. The last marker of an attempt is the one that counts. The store "logs"
counts attempts that start whatever ``counts`` says, as Lambda writes what it counts.

``level`` and ``timestamp`` are for Lambda, which in JSON log format drops a printed line below
the function's application log level, and takes one without them for INFO.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def log_marker(
    context: Any,
    *,
    counter: int | None,
    branch: str | None,
    store: str,
    recorded: bool,
    counts: str = "failures",
    error: str | None = None,
    key: str | None = None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Print the marker of the attempt that ``context`` belongs to.

    ``branch_on_retry`` calls it, and so may a handler that counts by hand. ``clock`` gives epoch
    seconds.
    """
    import json  # here, since a function that never fails need not load it

    request_id = getattr(context, "aws_request_id", None)
    fields = {
        "retryctl": 1,
        "request_id": request_id if isinstance(request_id, str) else None,
        "counter": counter,
        "branch": branch,
        "store": store,
        "recorded": recorded,
        "counts": counts,
        "environment": _log_stream(context),
        "level": _level(),
        "timestamp": _timestamp(clock()),
    }
    if error is not None:
        # No key at all without a failure: alarms search for the word.
        fields["error"] = error[:300]
    if key is not None:
        fields["key"] = key
    # One write, so that lines of threads stay whole; flushed, as a crash may be next.
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _log_stream(context: Any) -> str | None:
    name = getattr(context, "log_stream_name", None)
    return name if isinstance(name, str) else os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")


def _level() -> str:
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    return level if level in ("WARN", "ERROR", "FATAL") else "INFO"


def _timestamp(now_s: float) -> str:
    seconds, millis = divmod(int(now_s * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{millis:03d}Z"
