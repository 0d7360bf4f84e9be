"""Comparisons of what CloudWatch answers with what was put, which assumptions share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from retryctl.app.probe.probe_groups import LINES, TIES, ProbeSession
from retryctl.core.crosscheck.claims import Markers
from retryctl.sources.cloudwatch.attempt_line_pattern import attempt_line_pattern

Result = tuple[bool, str]
"""Whether an assumption is right, and the evidence."""


def visible(session: ProbeSession, is_true: Callable[[], bool], most_s: float) -> Result:
    """Wait until ``is_true()``, at most ``most_s`` seconds after the events were put."""
    waited_s = session.wait_until(is_true, most_s)
    if waited_s is None:
        return False, f"not visible {most_s:.0f} s after PutLogEvents"
    return True, f"visible {waited_s:.1f} s after PutLogEvents"


def compared(expression: str, messages: Iterable[str]) -> Result:
    """Compare the crafted lines that an expression should select with those among ``messages``."""
    wanted = {line for line in LINES if re.search(expression, line)}
    found = {*messages} & {*LINES}
    if found == wanted:
        return True, f"the same {len(wanted)} of {len(LINES)} lines"
    more, less = (
        ", ".join(str(LINES.index(line)) for line in sorted(lines, key=LINES.index)) or "none"
        for lines in (found - wanted, wanted - found)
    )
    return False, f"selected in addition: {more}; missing: {less} (numbers of the crafted lines)"


def ordered(given: list[str]) -> Result:
    """Compare the events of one millisecond with the order in which they were put."""
    kept = given == list(TIES)
    return kept, f"{len(given)} of {len(TIES)} events, {'in' if kept else 'not in'} that order"


def own_expression() -> str:
    """Return the expression by which ``retryctl`` selects the lines of attempts."""
    expression = attempt_line_pattern(Markers())
    assert expression is not None  # the default markers can be searched for
    return expression
