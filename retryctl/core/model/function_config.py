"""The settings of a function that concern retries and logs."""

from __future__ import annotations

from retryctl.core.model.limits import (
    DEFAULT_RETRIES,
    LONGEST_EVENT_AGE_S,
    LONGEST_MANAGED_TIMEOUT_S,
    LONGEST_TIMEOUT_S,
)
from retryctl.core.value_classes import value_class


@value_class
class FunctionConfig:
    """The part of a function's configuration about retries and logs; ``None`` if not known.

    These are today's settings, not those of the day of an attempt. ``stream_source``: an event
    source mapping of a stream (DynamoDB, Kinesis) invokes the function.
    """

    maximum_retry_attempts: int | None = None
    maximum_event_age_s: int | None = None
    timeout_s: int | None = None
    runtime: str | None = None
    log_format: str | None = None
    application_log_level: str | None = None
    system_log_level: str | None = None
    durable: bool = False
    managed_instances: bool = False
    reserved_concurrency: int | None = None
    stream_source: bool = False

    @property
    def retries_allowed(self) -> int:
        """MaximumRetryAttempts, or Lambda's default."""
        known = self.maximum_retry_attempts
        return DEFAULT_RETRIES if known is None else known

    @property
    def event_age_ms(self) -> int:
        """MaximumEventAgeInSeconds, or Lambda's default of six hours, in milliseconds."""
        known = self.maximum_event_age_s
        return (LONGEST_EVENT_AGE_S if known is None else known) * 1000

    @property
    def timeout_ms(self) -> int:
        """The function's timeout in milliseconds, or the longest that Lambda allows."""
        if self.timeout_s is not None:
            return self.timeout_s * 1000
        longest_s = LONGEST_MANAGED_TIMEOUT_S if self.managed_instances else LONGEST_TIMEOUT_S
        return longest_s * 1000
