"""A request in which every text that a log can give tries to become part of a page."""

from __future__ import annotations

from dataclasses import replace

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.attempt import ErrorInfo
from tests.support import checked_requests as world

HOSTILE = (
    "<script>window.broken = 1</script>",
    "</title></style><script>window.broken = 2</script>",
    "--><svg onload='window.broken = 3'><animate onbegin='window.broken = 4'/></svg>",
    '"><img src=x onerror="window.broken = 5"> \' onfocus=window.broken=6 autofocus=\'',
    "<a href='javascript:window.broken=7'>javascript:window.broken=8</a>",
    "</code></pre></details><details open ontoggle='window.broken = 9'>",
    "]]><math><mtext><style><img src=x onerror=window.broken=10></style></mtext></math>",
    "&lt;script&gt; &#60;script&#62; \\u003cscript\\u003e {title} %s",
)
_UNSEEN = "\x1b[31m\u202ereversed\u2066\u200b\ud800"
_LONG = "x" * 3000


def hostile_request() -> CheckedRequest:
    """The request with the environment switch, all of its texts replaced."""
    stream, other = f"2026/11/23/{HOSTILE[3]}", f"{HOSTILE[1]}]{HOSTILE[2]}"
    attempts = tuple(
        replace(
            attempt,
            log_stream=stream if attempt.number < 3 else other,
            function=HOSTILE[0],
            version=HOSTILE[3],
            xray_trace_id=HOSTILE[5],
            error=ErrorInfo(type=HOSTILE[2], message=HOSTILE[6] + _LONG, frame=HOSTILE[4]),
            claim=replace(attempt.claim, branch=HOSTILE[0]),
            events=tuple(
                world.event(attempt.placed_ms, f"{text}\n{_UNSEEN}\n", stream)
                for text in (*HOSTILE, _LONG)
            ),
        )
        for attempt in world.SWITCHED.request.attempts
    )
    finding = replace(
        world.SWITCH,
        rule=HOSTILE[3],
        message=HOSTILE[7],
        remedy=HOSTILE[4],
        evidence=attempts[2].events,
    )
    return replace(
        world.SWITCHED,
        request=replace(
            world.SWITCHED.request,
            function=HOSTILE[1],
            log_group=HOSTILE[3],
            attempts=attempts,
        ),
        findings=(finding,),
        undetermined_because=(HOSTILE[2],),
    )
