"""Count in Amazon S3: one empty object for each attempt, counted by listing.

Any environment sees every attempt at once, as listing is strongly consistent. An object's key is
``{prefix}{request_id}/{time and random digits}``. Keep the prefix out of what triggers the
function: an object that invokes the function again never ends.
"""

from __future__ import annotations

import time

from retryctl.counters.attempts import attempt_name, checked
from retryctl.counters.aws import AwsCounter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class S3Counter(AwsCounter):
    """Objects of one request in ``bucket``, under ``prefix``.

    ``clock`` gives epoch seconds. S3's refusals raise botocore's errors, a bad request ID
    ``ValueError``. Old objects are for a lifecycle rule of the bucket to remove.
    """

    service = store = "s3"
    atomic = False

    def __init__(
        self,
        bucket: str,
        prefix: str = "retries/",
        *,
        client: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(client)
        self.bucket = bucket
        self.prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._clock = clock

    def count(self, request_id: str) -> int:
        """How many attempts of this request left an object."""
        under = self._folder(request_id)
        total = 0
        token: dict[str, str] = {}
        while True:
            page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=under, **token)
            total += len(page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return total
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def record(self, request_id: str) -> None:
        """Leave an object for this attempt."""
        key = self._folder(request_id) + attempt_name(self._clock())
        self.client.put_object(Bucket=self.bucket, Key=key, Body=b"")

    def _folder(self, request_id: str) -> str:
        return f"{self.prefix}{checked(request_id)}/"
