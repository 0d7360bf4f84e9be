"""The input of the check of one request."""

from __future__ import annotations

from retryctl.core.crosscheck.context import JudgingContext
from retryctl.core.crosscheck.earlier_marks import EarlierMarks
from retryctl.core.crosscheck.hidden_parts import HiddenParts
from retryctl.core.model.request import Request
from retryctl.core.value_classes import value_class


@value_class
class CrossCheckInput:
    """The input of a check of one request; ``uncountable`` explains why it has no count.

    ``contested_from`` is the number of the first attempt that may be several.
    """

    request: Request
    around: JudgingContext
    marks: EarlierMarks
    hidden: HiddenParts
    uncountable: tuple[str, ...]
    contested_from: int | None
