"""How many random cases a test tries: some in the suite, more in the long campaign.

``RETRYCTL_LONG_TESTS=1`` runs the long campaign. The seeds of the suite are its first ones.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

LONG = bool(os.environ.get("RETRYCTL_LONG_TESTS"))

PROFILE = "project"
settings.register_profile(
    PROFILE,
    max_examples=1_000 if LONG else 50,
    deadline=None,  # nothing is timed
    suppress_health_check=[HealthCheck.too_slow],
)


def seeds(in_suite: int, in_campaign: int) -> range:
    """Return the seeds to try."""
    return range(in_campaign if LONG else in_suite)
