"""Count in Amazon DynamoDB: one item for each request, one atomic update for each attempt.

The item holds the set ``attempts`` (a name for each, so that an update which the AWS client sends
twice counts once) and the time ``expires_at``, epoch seconds, for the table's TTL to remove it.
"""

from __future__ import annotations

import time

from retryctl.counters.attempts import attempt_name, checked
from retryctl.counters.aws import AwsCounter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class DynamoDBCounter(AwsCounter):
    """Items of ``table``, whose partition key is the string ``key``; it has no sort key.

    ``ttl_s``: how long after its last attempt an item may be removed; all attempts of a request
    start within 6 h of each other. ``clock`` gives epoch seconds. DynamoDB's refusals raise
    botocore's errors, a bad request ID ``ValueError``.
    """

    service = store = "dynamodb"
    atomic = True

    def __init__(
        self,
        table: str,
        key: str = "request_id",
        *,
        ttl_attribute: str = "expires_at",
        ttl_s: int = 86_400,
        client: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(client)
        self.table = table
        self.key = key
        self._ttl_attribute = ttl_attribute
        self._ttl_s = ttl_s
        self._clock = clock

    def count(self, request_id: str) -> int:
        """How many attempts of this request were recorded, by a consistent read."""
        answer = self.client.get_item(
            TableName=self.table,
            Key=self._item(request_id),
            ConsistentRead=True,
            ProjectionExpression="#attempts",
            ExpressionAttributeNames={"#attempts": "attempts"},
        )
        return len(answer.get("Item", {}).get("attempts", {}).get("SS", ()))

    def record(self, request_id: str) -> int:
        """Record this attempt, and return how many came before it: no two are told the same."""
        now_s = self._clock()
        answer = self.client.update_item(
            TableName=self.table,
            Key=self._item(request_id),
            UpdateExpression="ADD #attempts :attempt SET #ttl = :ttl",
            ExpressionAttributeNames={"#attempts": "attempts", "#ttl": self._ttl_attribute},
            ExpressionAttributeValues={
                ":attempt": {"SS": [attempt_name(now_s)]},
                ":ttl": {"N": str(int(now_s) + self._ttl_s)},
            },
            # Not UPDATED_NEW: an update sent twice changes nothing the second time.
            ReturnValues="ALL_NEW",
        )
        return len(answer["Attributes"]["attempts"]["SS"]) - 1

    def _item(self, request_id: str) -> dict[str, Any]:
        return {self.key: {"S": checked(request_id)}}
