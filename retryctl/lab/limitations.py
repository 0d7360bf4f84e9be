"""What of a lab was not as on Lambda, for whoever ran it to be told."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from retryctl.lab.lab import Lab


class NotAsOnLambda(UserWarning):
    """The handler ran in a way that covers less, as the host lacks what the best one needs."""


def remarks(lab: Lab) -> Iterator[str]:
    """Say which client and which way to a private /tmp stood in for the best, and why."""
    facts = lab.facts
    why = "; ".join(f"{name}: {reason}" for name, reason in facts["refused"].items())
    if facts["client"] == "stand-in":
        remedy = (
            "Install retryctl[lab], or name the function's own interpreter."
            if lab.function.python == sys.executable
            else f"Install awslambdaric for {lab.function.python}."
        )
        reason = facts["client_reason"]
        yield f"a small stand-in for awslambdaric ran the handler ({reason}). {remedy}"
    if facts["isolation"] == "patched":
        yield (
            "file calls were patched to make /tmp private"
            + (f" ({why})" if why else "")
            + ". That covers neither programs that the function starts nor C libraries that open "
            "files by themselves."
        )
    elif why:
        yield f"/tmp was made private by {facts['isolation']} ({why})."
