"""Failure records from a queue, and the function that records are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from retryctl.app.options import SILENT, Feedback, SourceOptions
from retryctl.core.failure_records.documents import FailureRecord, failure_records
from retryctl.errors import NothingFound, UsageError

# https://sqs.eu-west-1.amazonaws.com/123456789012/failed-orders
_QUEUE_URL = re.compile(r"https?://[^/]+/.+")
_REGION = re.compile(r"https?://(?:sqs\.([a-z0-9-]+)\.|([a-z]{2}-[a-z-]+-\d)\.queue\.)")


def records_in_queue(
    url: str, options: SourceOptions, *, feedback: Feedback = SILENT
) -> list[FailureRecord]:
    """Return the failure records in an SQS queue, whose messages stay in it.

    Raises ``UsageError`` where ``url`` is not a queue's, ``NothingFound`` without a record.
    """
    from retryctl.app.aws_clients import aws_for
    from retryctl.sources.aws.failure_queue import read_messages

    if not _QUEUE_URL.fullmatch(url):
        raise UsageError(
            f"--from-queue {url!r} is not a queue's URL.",
            "aws sqs get-queue-url --queue-name NAME prints it.",
        )
    match = _REGION.match(url)
    region = options.region or (match and (match[1] or match[2])) or None
    with feedback.progress() as show:
        aws = aws_for(replace(options, region=region), show=show)
        messages = read_messages(aws, url, feedback.warn)
    records = failure_records(json.dumps(messages))
    if not records:
        what = (
            f"none of its {len(messages):,} messages is a failure record" if messages else "empty"
        )
        raise NothingFound(
            f"{url} contains no failure record: {what}.",
            "A message that another client has received is hidden for a while: try again later.",
        )
    return records


def with_function_of(options: SourceOptions, records: Iterable[FailureRecord]) -> SourceOptions:
    """Return the options with the function of the records, if they all name the same one.

    What the options name themselves stays. A version or alias is dropped: one log has them all.
    Of a saved log, which does not name its region, the records give that.
    """
    arns = {record.function_arn for record in records}
    names = {tuple(arn.split(":")[:7]) for arn in arns if arn}
    if None in arns or len(names) != 1:
        return options
    (name,) = names
    if options.source != "cloudwatch":
        return replace(options, default_region=name[3])
    if options.function or options.functions or options.log_groups:
        return options
    return replace(options, function=":".join(name))
