"""The signs that every text view uses, their colours, and what stands for them in plain ASCII."""

from __future__ import annotations

from retryctl.core.crosscheck.findings import Severity
from retryctl.core.history.outcome import AttemptOutcome

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
"""Each sign is beside words of the same meaning: colour alone has no meaning."""

SEVERITY_SIGNS = {Severity.ERROR: BAD, Severity.WARNING: WARNING, Severity.INFO: NOTE}

LEVELS = "▁▂▃▄▅▆▇█"
"""From nothing to the most, for figures over time."""

EIGHTHS = "▏▎▍▌▋▊▉█"
"""A cell of a bar, from one eighth of it to the whole."""

ASCII = str.maketrans("✓✗…—·●◆■▲★▼╌━╵×→\xa0", "+x~--o#%^*v.='x> ") | str.maketrans(
    LEVELS + EIGHTHS, "_.:-=+*#" + "#" * len(EIGHTHS)
)
"""One character for one, so that nothing moves where a terminal knows no others.

The no-break space is that with which Python's tracebacks are indented.
"""


def outcome_sign(outcome: AttemptOutcome) -> str:
    """Return the sign of an attempt's outcome."""
    if outcome is AttemptOutcome.OK:
        return GOOD
    if outcome is AttemptOutcome.RUNNING:
        return GOING
    return BAD if outcome.failed else UNSURE
