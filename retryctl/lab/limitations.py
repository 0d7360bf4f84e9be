"""Warnings about what was not as on Lambda in a lab."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from retryctl.errors import install_step
from retryctl.lab.lab import Lab


class NotAsOnLambda(UserWarning):
    """The handler ran with less fidelity, as the host lacks what the best way needs."""


def remarks(lab: Lab) -> Iterator[str]:
    """Yield a sentence for each substitute of the best way, and for each fault that came late."""
    facts = lab.facts
    why = "; ".join(f"{name}: {reason}" for name, reason in facts["refused"].items())
    if facts.get("client") == "stand-in":
        remedy = (
            f"{install_step('awslambdaric', 'lab')}, or name the function's Python with --python."
            if lab.function.python == sys.executable
            else f"Install awslambdaric for {lab.function.python}."
        )
        reason = facts["client_reason"]
        yield f"a small stand-in for awslambdaric ran the handler ({reason}). {remedy}"
    if facts["isolation"] == "patched":
        yield (
            "file calls were patched to make /tmp private"
            + (f" ({why})" if why else "")
            + ". Programs that the function starts, and C libraries that open files "
            "by themselves, still use the host's /tmp."
        )
    elif why:
        yield f"/tmp was made private by {facts['isolation']} ({why})."
    if facts.get("clock") == "time only":
        yield (
            "datetime uses the host's clock, because this interpreter does not allow changes to "
            "its types; time uses the virtual clock. With --real-time both use the host's clock."
        )
    for attempt in lab.attempts:
        if attempt.fault_missed:
            yield "an attempt ended before the moment of its planned fault. Plan it earlier."
