"""What a durable counter knows: the attempts that a function recorded in DynamoDB or S3.

The stores are those of ``retryctl.counters``: an item with the set ``attempts`` for each request,
or an empty object for each attempt. The name of an attempt begins with the time when it was
recorded, twenty digits of UTC, so that each is evidence with a time of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from retryctl.core.model.events import LogEvent
from retryctl.core.model.store_count import StoreCount
from retryctl.errors import AccessDenied, CouldNotRead, UsageError
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.errors import Refused

_FORMS = (
    "Give dynamodb://TABLE or s3://BUCKET/PREFIX. Options of a table: ?key=NAME, "
    "&partition=retry#{}, &sort_key=NAME, &sort_value=TEXT."
)
# BatchGetItem takes no more.
_KEYS_A_CALL = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_count(url: str, request_ids: Iterable[str], aws: AwsClient) -> dict[str, StoreCount]:
    """Return what the store at ``url`` has of each request, by request ID.

    Reads are consistent: every attempt that was recorded before is counted. Needs
    ``dynamodb:BatchGetItem`` or ``s3:ListBucket``. Raises ``UsageError`` for another URL,
    ``AccessDenied``, and ``CouldNotRead`` for a table or bucket that is not there or not one of a
    counter.
    """
    place = urlsplit(url, allow_fragments=False)  # "#" may be in the partition
    readers = {"dynamodb": _dynamodb, "s3": _s3}
    if place.scheme not in readers or not place.netloc:
        raise UsageError(f"{url!r} is not a store.", _FORMS)
    found: dict[str, list[str]] = {request_id: [] for request_id in request_ids}
    try:
        for request_id, attempt in readers[place.scheme](place, list(found), aws):
            found[request_id].append(attempt)
    except Refused as refused:
        raise CouldNotRead(refused.what, "Check the store's name, its key and --region.") from None
    except AccessDenied as denied:
        # The API's name for it is not IAM's.
        words = (denied.what, denied.next_step)
        raise AccessDenied(
            *(w.replace("s3:ListObjectsV2", "s3:ListBucket") for w in words)
        ) from None
    return {
        request_id: StoreCount(
            request_id=request_id,
            store=url,
            evidence=tuple(_evidence(url, request_id, name) for name in sorted(names)),
        )
        for request_id, names in found.items()
    }


def _dynamodb(
    place: SplitResult, request_ids: list[str], aws: AwsClient
) -> Iterator[tuple[str, str]]:
    """Each recorded attempt, as request ID and name."""
    table = place.netloc
    given = {name: values[0] for name, values in parse_qs(place.query).items()}
    key, form = given.get("key", "request_id"), given.get("partition", "{}")
    sort_key, sort_value = given.get("sort_key"), {"S": given.get("sort_value", "retryctl")}
    sort = {sort_key: sort_value} if sort_key else {}
    if form.count("{}") != 1:
        raise UsageError(
            f"partition={form!r} must contain {{}}, the place of the request ID", _FORMS
        )
    ids = {form.replace("{}", request_id): request_id for request_id in request_ids}
    for first in range(0, len(request_ids), _KEYS_A_CALL):
        some = list(ids)[first : first + _KEYS_A_CALL]
        wanted: dict[str, Any] = {
            table: {
                "Keys": [{key: {"S": value}, **sort} for value in some],
                "ConsistentRead": True,
                "ProjectionExpression": "#key, #attempts",
                "ExpressionAttributeNames": {"#key": key, "#attempts": "attempts"},
            }
        }
        while wanted:
            request = {"RequestItems": wanted}
            answer = aws.call("dynamodb", "BatchGetItem", request, subject=f"table {table}")
            for item in answer["Responses"].get(table, ()):
                for attempt in item.get("attempts", {}).get("SS", ()):
                    yield ids[item[key]["S"]], attempt
            wanted = answer.get("UnprocessedKeys") or {}


def _s3(place: SplitResult, request_ids: list[str], aws: AwsClient) -> Iterator[tuple[str, str]]:
    """Each recorded attempt, as request ID and name."""
    bucket, prefix = place.netloc, place.path.strip("/")
    for request_id in request_ids:
        under = f"{prefix}/{request_id}/".lstrip("/")
        query = {"Bucket": bucket, "Prefix": under}
        for page in aws.pages("s3", "ListObjectsV2", query, subject=f"bucket {bucket}"):
            for entry in page.get("Contents", ()):
                yield request_id, entry["Key"][len(under) :]


def _evidence(url: str, request_id: str, name: str) -> LogEvent:
    return LogEvent(timestamp_ms=_recorded_ms(name), message=f"{url} {request_id} {name}")


def _recorded_ms(name: str) -> int:
    """When the attempt of this name was recorded, in epoch milliseconds."""
    try:
        moment = datetime.strptime(name[:20], "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        raise CouldNotRead(
            f"the store has {name!r}, which a counter of retryctl did not record.",
            "Point --store at the counter's own table, or bucket and prefix.",
        ) from None
    return (moment - _EPOCH) // timedelta(milliseconds=1)
