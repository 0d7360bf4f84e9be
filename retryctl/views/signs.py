"""The signs that every text view uses, their colours, and what stands for them in plain ASCII."""

from __future__ import annotations

from retryctl.core.findings import Severity
from retryctl.core.outcomes import Outcome

GOOD, BAD, UNSURE, WARNING, NOTE, GOING, NOTHING = "✓", "✗", "?", "!", "i", "…", "—"
STYLES = {
    GOOD: "green",
    BAD: "bold red",
    UNSURE: "bold yellow",
    WARNING: "yellow",
    NOTE: "cyan",
    GOING: "cyan",
    NOTHING: "dim",
}
"""Each sign stands beside words that say the same: colour alone says nothing."""

SEVERITY_SIGNS = {Severity.ERROR: BAD, Severity.WARNING: WARNING, Severity.INFO: NOTE}

ASCII = str.maketrans("✓✗…—·●◆■▲★▼╌━╵\xa0", "+x~--o#%^*v.=' ")
"""One character for one, so that nothing moves where a terminal knows no others.

The last is the no-break space, with which Python's tracebacks are indented.
"""


def outcome_sign(outcome: Outcome) -> str:
    """The sign of an attempt's outcome."""
    if outcome is Outcome.OK:
        return GOOD
    if outcome is Outcome.RUNNING:
        return GOING
    return BAD if outcome.failed else UNSURE
