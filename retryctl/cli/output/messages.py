"""Messages and errors that commands share: gaps, nothing found, the next step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from shlex import quote

from retryctl.app.options import Feedback
from retryctl.cli.options.ids import WholeIds
from retryctl.core.model.coverage import AFTER_LOGIN, Coverage
from retryctl.core.wording import capitalised
from retryctl.errors import CouldNotRead, NothingFound, RetryctlError, UnreadableInput
from retryctl.views.coverage import coverage_sentence
from retryctl.views.next_steps import place_options

_MOST_GAPS = 10
_MOST_GAPS_IN_ERROR = 3
_STEP_BESIDE_WEB_REQUESTS = "Retries need the log of a function that is invoked with events."


def warn_of_gaps(coverage: Coverage, feedback: Feedback, form: str) -> None:
    """Print the gaps on stderr, if the output in ``form`` does not show them."""
    if form not in ("text", "html"):
        for sentence in gap_sentences(coverage, _MOST_GAPS):
            feedback.warn(sentence)


# --------------------------------------------------------------------------- nothing found

_NO_RECORD = (
    "None of its lines is a START, END or REPORT of Lambda: save the log without a filter pattern, "
    "or name another file."
)
_NO_REQUEST_STEPS = {
    "cloudwatch": "Widen the window with --since or --until, or name another function.",
    "demo": "retryctl list --from demo lists the requests of the demo.",
    "": "Widen the window with --since or --until.",
}
_NO_REQUEST_AT_ALL = _NO_REQUEST_STEPS | {"": _NO_RECORD}
_BEGAN_BEFORE = "A request belongs to the window in which its first attempt started."


def no_request(coverage: Coverage, tz: tzinfo, which: str = "", *, bounded: bool) -> RetryctlError:
    """Build the error for a log without a request, or without one that ``which`` describes.

    ``bounded``: --since or --until is given.
    """
    place = "window" if bounded or coverage.source == "cloudwatch" else "log"
    step = _next_step(coverage, _NO_REQUEST_STEPS if place == "window" else _NO_REQUEST_AT_ALL)
    first_ms, last_ms = coverage.first_event_ms, coverage.last_event_ms
    if place == "window" and first_ms is not None and last_ms is not None:
        if coverage.until_ms is not None and coverage.until_ms < first_ms:
            step = "Give a later --until."
        elif coverage.since_ms is not None and first_ms < coverage.since_ms <= last_ms:
            step = f"{_BEGAN_BEFORE} {step}"
    if coverage.source == "cloudwatch" and coverage.events_read:
        step = f"{_BEGAN_BEFORE} {step}"
    if coverage.source != "cloudwatch" and (which or coverage.given_names):
        which = which or f" that{coverage.given_names} selects"
        step = f"retryctl list --from {quote(coverage.where or 'FILE')} lists all requests."
    what = f"the {place} contains no request{which}."
    return nothing_found(what, coverage, tz, step)


def nothing_found(what: str, coverage: Coverage, tz: tzinfo, step: str = "") -> RetryctlError:
    """Build the error that nothing was found: what was read, what was not, and the next step.

    ``step`` is the next step where the coverage does not suggest one. Where records of Lambda
    were not understood, the error is that the log cannot be read; where the credentials expired
    while it was read, that the rest could not be.
    """
    if coverage.web_function:
        what = f"the log is of a web function, whose requests are not retried: {what}"
    read = coverage_sentence(coverage, tz, complete="The whole window was read.")
    where = " ".join([capitalised(read), *gap_sentences(coverage, _MOST_GAPS_IN_ERROR)])
    if any(gap.kind == "not-understood" for gap in coverage.gaps):
        return UnreadableInput(f"{what.rstrip('.')} in the lines that were understood.", where)
    expired = any(gap.kind == "expired" and gap.hides_attempts for gap in coverage.gaps)
    settle = _settling_step(coverage)
    if expired and AFTER_LOGIN not in settle:  # a search before the login would fail again
        settle = "Log in again, and run the command once more."
    where = f"{where}\n{settle or step}".rstrip()
    if expired:
        return CouldNotRead(f"{what.rstrip('.')} before the AWS credentials expired.", where)
    return NothingFound(what, where)


def _next_step(coverage: Coverage, steps: Mapping[str, str]) -> str:
    """Return the step for the source of ``coverage``; ``""`` is the key for saved logs.

    The log of a web function is the right file, but none of its requests is retried.
    """
    if coverage.web_function:
        return _STEP_BESIDE_WEB_REQUESTS
    return steps.get(coverage.source, steps[""])


def not_found_step(coverage: Coverage, on_cloudwatch: str) -> str:
    """Return the step where a request was not found: in a saved log, list what it has."""
    listing = f"retryctl list {place_options(coverage) or '--from FILE'}"
    steps = {"cloudwatch": on_cloudwatch, "": f"{listing} shows the requests of this log."}
    return _next_step(coverage, steps)


def refuse_not_found(whole: WholeIds, tz: tzinfo) -> None:
    """Raise the error of shortened IDs that the log does not contain."""
    if whole.coverage and whole.not_found:
        what = " ".join(dict.fromkeys(whole.not_found.values()))
        raise nothing_found(what, whole.coverage, tz, not_found_step(whole.coverage, ""))


def gap_sentences(coverage: Coverage, most: int) -> list[str]:
    """Return a sentence for each gap, ``most`` of them, and how many more there are."""
    gaps = [f"{gap.message.rstrip('.')}." for gap in coverage.gaps]
    more = [f"And {len(gaps) - most:,} more."] if len(gaps) > most else []
    return [*gaps[:most], *more]


def _settling_step(coverage: Coverage) -> str:
    for gap in coverage.gaps:
        if gap.settle:
            return f"To close the gap: {gap.settle}"
    if coverage.left_out:
        return f"Give -f {coverage.left_out[0][1]}, or neither -f nor -g."
    if any(gap.kind == "truncated" for gap in coverage.gaps):
        return "Download or save the file again."
    return ""
