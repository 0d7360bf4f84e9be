"""Requests as the text that the program prints for them."""

from dataclasses import fields
from typing import Any

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.request import RequestOutcome
from retryctl.views.screen import Screen
from retryctl.views.text.layout import text_of
from retryctl.views.text.trace import trace_blocks
from retryctl.views.trace_answer import TraceAnswer
from tests.support.checked_requests import (
    COVERAGE,
    check,
    checked,
)

WIDTHS = (40, 60, 80, 100, 120, 200)
SILENT = check(AttemptVerdict.SILENT, 0)


def shown(*requests: CheckedRequest, coverage: Coverage = COVERAGE, **options: Any) -> str:
    known = {field.name for field in fields(Screen)}
    screen = Screen(**{name: options.pop(name) for name in known & {*options}})
    not_found = options.pop("not_found", ())
    answer = TraceAnswer(checked=requests, coverage=coverage, not_found=not_found, **options)
    return text_of(trace_blocks(answer, screen.width), screen)


def one(made: Any, **options: Any) -> str:
    """A request whose only attempt is ``made``."""
    return shown(checked(RequestOutcome.PENDING, Verdict.NOT_COUNTED, (made, SILENT)), **options)
