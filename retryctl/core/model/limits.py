"""Lambda's limits and usual times, in one place.

Sources: AWS's documentation of Lambda and botocore's service model (a timeout of at most 1,800 s
since 1.44.7), and waits measured on AWS (62.7 s and 127.2 s from end to start).
"""

from __future__ import annotations

LONGEST_TIMEOUT_S = 1_800
LONGEST_MANAGED_TIMEOUT_S = 5_400
"""The longest timeout on Lambda Managed Instances."""

LONGEST_INIT_MS = 10_000
"""The longest init on demand; after it Lambda runs the init again, with the invocation."""

LATE_LOGS_MS = 60_000
"""CloudWatch shows END and REPORT some seconds late; after this they are missing."""

CLOCK_SLACK_MS = 1_000
"""By how much the times of two records, and the duration on a REPORT, may differ."""

LONGEST_ATTEMPT_MS = LONGEST_TIMEOUT_S * 1000 + LATE_LOGS_MS
"""The longest time from START to the last record of the same attempt."""

DEFAULT_RETRIES = 2
"""MaximumRetryAttempts where it is not set."""
LONGEST_EVENT_AGE_S = 21_600
"""MaximumEventAgeInSeconds where it is not set, and its maximum."""

USUAL_WAITS_MS = {1: 60_000, 2: 120_000}
"""The wait of the asynchronous queue after attempt 1 and after attempt 2."""
SHORTEST_RETRY_MS = 50_000
"""Two STARTs of one asynchronous request in one environment are at least this far apart."""

# A check compares waits with the limits of these tuples alone: equal ranges give equal checks.
AFTER_END_MS = (0, 30_000)
AFTER_USUAL_MS = (-10_000, 300_001)

QUICK_WAITS_MS = range(*AFTER_END_MS)
"""A retry that starts so soon after a failed attempt is not one of the asynchronous queue."""
INFERRED_WAITS_MS = range(*AFTER_USUAL_MS)
"""By how much a wait may differ from the usual one, to prove that an attempt failed."""
WAIT_TOLERANCE_MS = AFTER_USUAL_MS[-1] - 1
"""How much longer a retry may take before it is late, or no longer expected."""
