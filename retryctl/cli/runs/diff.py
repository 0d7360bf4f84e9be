"""Run ``retryctl diff``: read one or two requests, compare two attempts, and print."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from retryctl.app.trace import TraceResult, trace
from retryctl.cli.options.ids import whole_ids
from retryctl.cli.options.params import refuse_unknown
from retryctl.cli.options.source import reading_of
from retryctl.cli.output.messages import nothing_found, refuse_not_found
from retryctl.cli.output.terminal import put, stdout_screen
from retryctl.core.attempt_diff import diff_attempts
from retryctl.core.crosscheck.attempt_check import AttemptCheck
from retryctl.core.model.attempt import Attempt
from retryctl.errors import ExitStatus, NothingFound, UsageError
from retryctl.views.json.documents import diff_document

if TYPE_CHECKING:
    from retryctl.cli.diff import DiffArguments


def run_diff(given: DiffArguments) -> ExitStatus:
    """Compare two attempts of one request, or one of each of two requests."""
    refuse_unknown(given.output, ("text", "json"), "--output")
    numbers = _numbers(given.attempts)
    reading = reading_of(given.read, given.aws, given.screen)
    config, feedback = reading.config, reading.feedback
    if given.request_ids:
        _refuse_attempt_numbers(given.request_ids)
        named, whole = whole_ids(given.request_ids, reading)
        refuse_not_found(whole, reading.tz)
        ids = named.ids
    else:
        from retryctl.app.unnamed_requests import newest_retried

        newest = newest_retried(reading.source, reading.window, config=config, feedback=feedback)
        ids = (newest,)
    if len(ids) > 2:
        raise UsageError(f"{len(ids)} requests are named.", "diff compares one or two.")
    result = trace(ids, reading.source, reading.window, config=config, feedback=feedback)
    first = numbers[0] if numbers else 1 if len(ids) == 1 else None
    left, left_check = _attempt(result, ids[0], first, reading.tz)
    right, right_check = _attempt(result, ids[-1], numbers[1] if numbers else None, reading.tz)
    if left is right and numbers:
        raise UsageError(
            f"--attempts names attempt {left.number} of {left.request_id} twice.",
            "Name two attempts, as in 1,3.",
        )
    if left is right:
        raise NothingFound(
            f"attempt {left.number} is the only attempt of {left.request_id}.",
            "Name a second request to compare it with.",
        )
    found, checks = diff_attempts(left, right), (left_check, right_check)
    if given.output == "json":
        put(diff_document(found, checks, result.coverage), document=True)
        return ExitStatus.OK
    from retryctl.views.text.diff import diff_blocks
    from retryctl.views.text.layout import text_of

    blocks = diff_blocks(found, checks, result.coverage, reading.tz)
    put(text_of(blocks, stdout_screen(given.screen.color)))
    return ExitStatus.OK


def _refuse_attempt_numbers(arguments: Sequence[str]) -> None:
    """Raise ``UsageError`` for numbers of attempts among the request IDs."""
    numbers = [each for each in arguments if re.fullmatch(r"\d{1,3}", each)]
    if numbers:
        raise UsageError(
            f"{numbers[0]} is not a request ID.",
            f"Name attempts with an option: --attempts {','.join([*numbers, 'M'][:2])}",
        )


def _numbers(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"\s*([1-9]\d{0,5})\s*,\s*([1-9]\d{0,5})\s*", text)
    if match is None:
        raise UsageError(f"--attempts {text!r} is not two numbers.", "Write them as 1,3.")
    return int(match[1]), int(match[2])


def _attempt(
    result: TraceResult, request_id: str, number: int | None, tz: tzinfo
) -> tuple[Attempt, AttemptCheck]:
    """Return the attempt of that number, or the last, with its check. Raises ``NothingFound``."""
    found = [one for one in result.checked if one.request.request_id == request_id]
    if not found or not found[0].request.attempts:
        why = result.not_found.get(request_id, f"{request_id} has no attempt.")
        raise nothing_found(why, result.coverage, tz)
    attempts = found[0].request.attempts
    if number is not None and number > len(attempts):
        raise NothingFound(
            f"{request_id} has no attempt {number}.", f"It has attempts 1 to {len(attempts)}."
        )
    place = -1 if number is None else number - 1
    return attempts[place], found[0].checks[place]
