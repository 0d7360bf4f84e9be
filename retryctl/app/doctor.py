"""Check a function's configuration: retries, invokers, log, environments, permissions."""

from __future__ import annotations

from retryctl.core.doctor.checks import examine
from retryctl.core.doctor.result import DoctorReport
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.function_facts import read_function_facts


def examine_function(aws: AwsClient, function: str, *, now_ms: int) -> DoctorReport:
    """Read the configuration of ``function`` (name or ARN) and run every check.

    Raises ``CouldNotLook`` if the function does not exist, or if AWS does not answer.
    """
    return examine(read_function_facts(aws, function, now_ms=now_ms))
