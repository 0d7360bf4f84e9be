"""Many plans of the lab as one table of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.attempt import Attempt, AttemptOutcome, ErrorInfo
from retryctl.core.wording import number_of
from retryctl.views.attempts_table import outcome_word, response_lines
from retryctl.views.blocks import Block, Paragraph, Table, paragraph, text_column
from retryctl.views.signs import NOTHING, SEVERITY_SIGNS, signed

_SELF_EVIDENT = ("retries-exhausted",)


def plan_blocks(
    checked: Sequence[CheckedRequest],
    plans: Mapping[str, str],
    responses: Mapping[str, Sequence[bytes | None]],
) -> list[Block]:
    """Return a row for each request: plan, counter and branch of each attempt, errors, verdict.

    ``plans`` are texts and ``responses`` documents by request ID. The documents follow, and the
    errors of an init, each once.
    """
    responses_of_plans = (
        f"{plans[request_id]}, {line}"
        for request_id, bodies in responses.items()
        for line in response_lines(bodies)
    )
    lines = [*_init_errors(checked), *responses_of_plans]
    return [_plans(checked, plans), *_reasons(checked, plans), *map(paragraph, lines)]


def _reasons(checked: Sequence[CheckedRequest], plans: Mapping[str, str]) -> Iterator[Block]:
    """Yield the first message of each finding, with its plan and the number of plans."""
    counts = Counter(rule for one in checked for rule in _findings(one))
    first = {
        each.rule: (plans.get(one.request.request_id, NOTHING), each)
        for one in reversed(checked)
        for each in reversed(one.findings)
    }
    for rule, count in counts.most_common():
        plan, finding = first[rule]
        words = f"{rule} · {number_of(count, 'plan')}. {plan}: {finding.message}"
        yield signed(SEVERITY_SIGNS[finding.severity], words)
        yield paragraph(f"More: retryctl explain {rule}", lead="  ")


def _plans(checked: Sequence[CheckedRequest], plans: Mapping[str, str]) -> Table:
    most = max(len(one.request.attempts) for one in checked)
    rows = [[*map(_cell, one.request.attempts), *[""] * most][:most] for one in checked]
    attempts = {
        f"attempt {number}": text_column(f"attempt {number}", column)
        for number, column in enumerate(zip(*rows, strict=True), start=1)
    }
    verdicts = text_column("verdict", map(_verdict, checked))
    shorter = text_column("verdict", (one.verdict.value for one in checked))
    errors = [", ".join(_errors(one)) for one in checked]
    # a log can have the START of a request that the lab did not make: the function printed it
    named = [plans.get(one.request.request_id, NOTHING) for one in checked]
    instead: dict[tuple[str, ...], list[Paragraph]] = {("error",): _grouped_errors(errors, named)}
    return Table(
        columns={
            "plan": text_column("plan", named),
            **attempts,
            **({"error": text_column("error", errors)} if any(errors) else {}),
            "verdict": replace(verdicts, shorter=shorter),
        },
        gives_way=("error", "verdict"),
        clipped="verdict",
        instead=instead,
    )


def _errors(one: CheckedRequest) -> list[str]:
    """Return the kind of each error of the request, once."""
    failed = (attempt for attempt in one.request.attempts if attempt.outcome.failed)
    return list(dict.fromkeys(map(outcome_word, failed)))


def _grouped_errors(errors: Sequence[str], plans: Sequence[str]) -> list[Paragraph]:
    """Return what replaces the column of errors: each text once, with its plans."""
    of_errors: dict[str, list[str]] = {}
    for error, plan in zip(errors, plans, strict=True):
        of_errors.setdefault(error, []).append(plan)
    if len(of_errors) == 1:
        return [paragraph(f"error of every plan: {error}") for error in of_errors if error]
    return [
        paragraph(f"error of {' · '.join(dict.fromkeys(named))}: {error}")
        for error, named in of_errors.items()
        if error
    ]


def _init_errors(checked: Sequence[CheckedRequest]) -> list[str]:
    errors = {
        f"init-error: {_error_text(attempt.error)}": None
        for one in checked
        for attempt in one.request.attempts
        if attempt.outcome is AttemptOutcome.INIT_ERROR and attempt.error
    }
    return list(errors)


def _error_text(error: ErrorInfo) -> str:
    message = error.message or ""
    return message if message.startswith(error.type or "") else f"{error.type}: {message}"


def _cell(attempt: Attempt) -> str:
    claim = attempt.claim
    parts = [str(part) for part in (claim.counter, claim.branch) if part is not None]
    return " ".join(parts) or attempt.outcome.value


def _findings(one: CheckedRequest) -> list[str]:
    return list(dict.fromkeys(f.rule for f in one.findings if f.rule not in _SELF_EVIDENT))


def _verdict(one: CheckedRequest) -> str:
    found = ", ".join(_findings(one))
    return f"{one.verdict.value}: {found}" if found else one.verdict.value
