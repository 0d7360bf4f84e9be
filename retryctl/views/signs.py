"""The signs of all text views, with their colours and their replacements in ASCII."""

from __future__ import annotations

from retryctl.core.crosscheck.findings import Severity
from retryctl.core.model.attempt import AttemptOutcome
from retryctl.views.blocks import Paragraph, paragraph

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

HEIGHTS = "▁▂▃▄▅▆▇█"
"""Levels of figures over time, the lowest first."""

EIGHTHS = "▏▎▍▌▋▊▉█"
"""Parts of a cell of a bar, from one eighth to the whole."""

ASCII = str.maketrans("✓✗…—·●◆■▲★▼╌━╵×→\xa0", "+x~--o#%^*v.='x> ") | str.maketrans(
    HEIGHTS + EIGHTHS, "_.:-=+*#" + "#" * len(EIGHTHS)
)
"""Each sign is replaced by one character, so that columns stay aligned.

Python indents tracebacks with the no-break space.
"""


def signed(sign: str, words: str) -> Paragraph:
    """Return a sign and its words; without a sign, the words alone."""
    return paragraph(words, lead=f"{sign} ", lead_style=STYLES[sign]) if sign else paragraph(words)


def outcome_sign(outcome: AttemptOutcome) -> str:
    """Return the sign of an attempt's outcome."""
    if outcome is AttemptOutcome.OK:
        return GOOD
    if outcome is AttemptOutcome.RUNNING:
        return GOING
    return BAD if outcome.failed else UNSURE
