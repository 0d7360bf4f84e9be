"""Every rule by name: of the cross-check, of failure records, and of related requests."""

from __future__ import annotations

from typing import Any

from retryctl.core.crosscheck.checked_request import RULES
from retryctl.core.crosscheck.findings import Rule
from retryctl.core.failure_records.comparison import RECORD_RULES
from retryctl.core.related.client_retry import CLIENT_RETRY

ALL_RULES: tuple[Rule[Any], ...] = (*RULES, *RECORD_RULES, CLIENT_RETRY)
"""In the order of ``rules.md``."""
