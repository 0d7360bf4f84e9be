"""Count in Amazon DynamoDB: one item for each request, one atomic update for each attempt.

The item has the set ``attempts`` (a name for each, so that an update which the AWS client sends
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
    """Items of ``table``, whose partition key is the string ``key``.

    In a table shared with other items ``partition`` is the form of the partition key's value,
    such as ``retry#{}``, with the request ID in the place of ``{}``. A table with a sort key has
    its name in ``sort_key``, and its value in ``sort_value``.

    ``ttl_s``: how long after its last attempt an item may be removed; all attempts of a request
    start within 6 h of each other. ``clock`` gives epoch seconds. Errors of DynamoDB are
    botocore's, a bad key raises ``ValueError``.
    """

    service = store = "dynamodb"

    def __init__(
        self,
        table: str,
        key: str = "request_id",
        *,
        partition: str = "{}",
        sort_key: str | None = None,
        sort_value: str = "retryctl",
        ttl_attribute: str = "expires_at",
        ttl_s: int = 86_400,
        client: Any = None,
        config: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(client, config)
        if partition.count("{}") != 1:
            raise ValueError(f"partition must contain {{}} once, not {partition!r}")
        self.table = table
        self.key = key
        self._partition = partition
        self._sort_key = sort_key
        self._sort_value = sort_value
        self._ttl_attribute = ttl_attribute
        self._ttl_s = ttl_s
        self._clock = clock

    def take(self, key: str) -> int:
        """Record this attempt, and return how many came before it: no two get the same number."""
        now_s = self._clock()
        answer = self.client.update_item(
            TableName=self.table,
            Key=self._item(key),
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

    def record(self, key: str) -> int:
        """Do the same as ``take``."""
        return self.take(key)

    def count(self, key: str) -> int:
        """Return how many attempts of ``key`` were recorded, by a consistent read."""
        answer = self.client.get_item(
            TableName=self.table,
            Key=self._item(key),
            ConsistentRead=True,
            ProjectionExpression="#attempts",
            ExpressionAttributeNames={"#attempts": "attempts"},
        )
        return len(answer.get("Item", {}).get("attempts", {}).get("SS", ()))

    def _item(self, key: str) -> dict[str, Any]:
        item = {self.key: {"S": self._partition.replace("{}", checked(key))}}
        if self._sort_key is not None:
            item[self._sort_key] = {"S": self._sort_value}
        return item
