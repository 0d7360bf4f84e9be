"""Read the messages of an SQS queue without removing any: received, and made visible again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from retryctl.errors import AccessDenied, CouldNotRead, UsageError
from retryctl.sources.aws.client import AwsClient

Message = Mapping[str, Any]

MOST_MESSAGES = 10_000
_HIDDEN_S = 120
"""How long the queue hides a received message that is not made visible again."""
_A_CALL = 10


def read_messages(aws: AwsClient, url: str, warn: Callable[[str], None]) -> list[Message]:
    """Return the visible messages of the queue, at most ``MOST_MESSAGES``, with all attributes.

    Needs ``sqs:ReceiveMessage``, ``sqs:ChangeMessageVisibility`` and ``sqs:GetQueueAttributes``.
    Raises ``UsageError`` for a queue with a redrive policy, which counts each receive and moves
    the message away after some of them.
    """
    _refuse_redrive(aws, url, warn)
    received: dict[str, Message] = {}
    try:
        for message in _receive(aws, url):
            received[message["MessageId"]] = message
            if len(received) >= MOST_MESSAGES:
                warn(f"only the first {MOST_MESSAGES:,} messages of the queue were read.")
                break
    finally:
        _release(aws, url, [str(each["ReceiptHandle"]) for each in received.values()], warn)
    return list(received.values())


def _receive(aws: AwsClient, url: str) -> Iterator[Message]:
    """Yield messages until a call that waits for one gets none."""
    request = {
        "QueueUrl": url,
        "MaxNumberOfMessages": _A_CALL,
        "VisibilityTimeout": _HIDDEN_S,
        "WaitTimeSeconds": 1,
        "MessageAttributeNames": ["All"],
    }
    while messages := aws.call("sqs", "ReceiveMessage", request, subject=url).get("Messages"):
        yield from messages


def _release(aws: AwsClient, url: str, handles: Sequence[str], warn: Callable[[str], None]) -> None:
    hidden, rest = 0, iter(handles)
    while some := list(islice(rest, _A_CALL)):
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
            for number, handle in enumerate(some)
        ]
        request = {"QueueUrl": url, "Entries": entries}
        try:
            answer = aws.call("sqs", "ChangeMessageVisibilityBatch", request, subject=url)
            hidden += len(answer.get("Failed") or ())
        except CouldNotRead as error:
            warn(" ".join(error.what.split()))
            hidden += len(some)
    if hidden:
        warn(f"{hidden:,} messages of the queue stay hidden for up to {_HIDDEN_S} s.")


def _refuse_redrive(aws: AwsClient, url: str, warn: Callable[[str], None]) -> None:
    request = {"QueueUrl": url, "AttributeNames": ["RedrivePolicy"]}
    try:
        attributes = aws.call("sqs", "GetQueueAttributes", request, subject=url)
    except AccessDenied:
        warn("the redrive policy of the queue could not be read: allow sqs:GetQueueAttributes.")
        return
    if attributes.get("Attributes", {}).get("RedrivePolicy"):
        raise UsageError(
            f"{url} has a redrive policy: each read counts as a receive, and after maxReceiveCount "
            "of them the message moves to another queue.",
            "Name the queue that Lambda sends failed events to; it needs no redrive policy.",
        )
