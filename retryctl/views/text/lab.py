"""The lab's own text: the table of plans, and what each attempt returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from retryctl.core.crosscheck.verdict import CheckedRequest
from retryctl.core.history.outcome import ErrorInfo, Outcome
from retryctl.core.model.attempt import Attempt
from retryctl.views.inert import inert

_SELF_EVIDENT = ("retries-exhausted",)
_LONGEST = 500


class Answered(Protocol):
    """One attempt of the lab."""

    @property
    def body(self) -> bytes | None:
        """The document that the function returned, or that describes its error."""


def plan_table(checked: Sequence[CheckedRequest], plans: Mapping[str, str]) -> str:
    """Return a line for each request: its plan, each attempt's counter and branch, the verdict.

    ``plans`` are texts by request ID. Errors of an init follow, each once.
    """
    rows = [["plan", *_numbers(checked), "verdict"]]
    for one in checked:
        cells = [_cell(attempt) for attempt in one.request.attempts]
        cells += [""] * (len(rows[0]) - 2 - len(cells))
        rows.append([plans[one.request.request_id], *cells, _verdict(one)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
    return "".join(inert(line) + "\n" for line in (*lines, *_init_errors(checked)))


def responses_text(attempts: Mapping[str, Sequence[Answered]]) -> str:
    """Return a line for each attempt that returned something or raised an error."""
    lines = []
    for of_request in attempts.values():
        for number, attempt in enumerate(of_request, 1):
            if attempt.body is not None:
                text = attempt.body.decode("utf-8", "replace")
                cut = f"{text[:_LONGEST]}… ({len(text):,} characters)"
                shown = text if len(text) <= _LONGEST else cut
                lines.append(f"response of attempt {number}: {inert(shown)}\n")
    return "".join(lines)


def _init_errors(checked: Sequence[CheckedRequest]) -> list[str]:
    errors = {
        f"init-error: {_error_text(attempt.error)}": None
        for one in checked
        for attempt in one.request.attempts
        if attempt.outcome is Outcome.INIT_ERROR and attempt.error
    }
    return list(errors)


def _error_text(error: ErrorInfo) -> str:
    message = error.message or ""
    return message if message.startswith(error.type or "") else f"{error.type}: {message}"


def _numbers(checked: Sequence[CheckedRequest]) -> list[str]:
    most = max(len(one.request.attempts) for one in checked)
    return [f"attempt {number}" for number in range(1, most + 1)]


def _cell(attempt: Attempt) -> str:
    claim = attempt.claim
    parts = [str(part) for part in (claim.counter, claim.branch) if part is not None]
    return " ".join(parts) or attempt.outcome.value


def _verdict(one: CheckedRequest) -> str:
    rules = dict.fromkeys(f.rule for f in one.findings if f.rule not in _SELF_EVIDENT)
    return f"{one.verdict.value}: {', '.join(rules)}" if rules else one.verdict.value
