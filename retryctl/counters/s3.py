"""Count in Amazon S3: one empty object for each attempt, counted by listing.

Any environment sees every attempt at once, as listing is strongly consistent. An object's key is
``{prefix}{request_id}/{time and random digits}``. Keep the prefix out of what triggers the
function: an object that invokes the function again never ends.
"""

from __future__ import annotations

import time

from retryctl.counters.attempts import attempt_name, checked, count_and_record
from retryctl.counters.aws import AwsCounter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class S3Counter(AwsCounter):
    """Objects of one request in ``bucket``, under ``prefix``.

    ``clock`` gives epoch seconds. Errors of S3 are botocore's, a bad key raises ``ValueError``.
    A lifecycle rule of the bucket removes old objects (``retryctl counters template s3``).
    """

    service = store = "s3"

    def __init__(
        self,
        bucket: str,
        prefix: str = "retries/",
        *,
        client: Any = None,
        config: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(client, config)
        self.bucket = bucket
        self.prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._clock = clock

    def take(self, key: str) -> int:
        """Leave an object for this attempt; return how many earlier ones did."""
        return count_and_record(self, key)

    def count(self, key: str) -> int:
        """Return how many attempts of ``key`` left an object."""
        under = self._folder(key)
        total = 0
        token: dict[str, str] = {}
        while True:
            page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=under, **token)
            total += len(page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return total
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def record(self, key: str) -> None:
        """Leave an object for this attempt."""
        name = self._folder(key) + attempt_name(self._clock())
        self.client.put_object(Bucket=self.bucket, Key=name, Body=b"")

    def _folder(self, key: str) -> str:
        return f"{self.prefix}{checked(key)}/"
