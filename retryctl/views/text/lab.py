"""The lab's own text: the table of plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.history.outcome import ErrorInfo, Outcome
from retryctl.core.model.attempt import Attempt
from retryctl.views.attempts_table import response
from retryctl.views.inert import inert

_SELF_EVIDENT = ("retries-exhausted",)


def plan_table(
    checked: Sequence[CheckedRequest],
    plans: Mapping[str, str],
    responses: Mapping[str, Sequence[bytes | None]],
) -> str:
    """Return a line for each request: its plan, each attempt's counter and branch, the verdict.

    ``plans`` are texts and ``responses`` documents by request ID. The documents follow, and the
    errors of an init, each once.
    """
    rows = [["plan", *_numbers(checked), "verdict"]]
    for one in checked:
        cells = [_cell(attempt) for attempt in one.request.attempts]
        cells += [""] * (len(rows[0]) - 2 - len(cells))
        rows.append([plans[one.request.request_id], *cells, _verdict(one)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
    return "".join(
        inert(line) + "\n"
        for line in (*lines, *_init_errors(checked), *_responses(plans, responses))
    )


def _responses(
    plans: Mapping[str, str], responses: Mapping[str, Sequence[bytes | None]]
) -> Iterator[str]:
    for request_id, bodies in responses.items():
        for number, body in enumerate(bodies, 1):
            if body is not None:
                yield f"{plans[request_id]}, response of attempt {number}: {response(body)}"


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
