"""What ``read_count`` reads is what the counters recorded."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from retryctl.counters import DynamoDBCounter, S3Counter
from retryctl.errors import AccessDenied, CouldNotRead, UsageError
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.counter_stores import read_count
from tests.support.counters_world import REQUEST_ID, Aws, make_table

OTHER_ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c96"
NOON_MS = 1_795_435_200_123

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture
def aws(aws: Aws) -> Any:
    for key in ("request_id", "pk"):
        make_table(aws, f"by_{key}", key)
    make_table(aws, "shared", "pk", "sk")
    return aws


SHARED = "dynamodb://shared?key=pk&partition=retry#{}&sort_key=sk"


def door(aws: Aws) -> Any:
    return AwsClient(region="us-east-1", endpoint_url=aws.url)


def counters(aws: Aws) -> Any:
    """Each store with its URL; the clocks go on by a minute an attempt."""
    ticks = iter(range(1000))

    def clock() -> Any:
        return (NOON_MS + next(ticks) * 60_000) / 1000

    dynamodb, s3 = aws.client("dynamodb"), aws.client("s3")
    return {
        "dynamodb://by_request_id": DynamoDBCounter("by_request_id", client=dynamodb, clock=clock),
        "dynamodb://by_pk?key=pk": DynamoDBCounter("by_pk", "pk", client=dynamodb, clock=clock),
        SHARED: DynamoDBCounter(
            "shared", "pk", partition="retry#{}", sort_key="sk", client=dynamodb, clock=clock
        ),
        "s3://retries/retries/": S3Counter("retries", client=s3, clock=clock),
        "s3://retries/a/b": S3Counter("retries", "a/b/", client=s3, clock=clock),
        "s3://retries": S3Counter("retries", "", client=s3, clock=clock),
    }


@pytest.mark.parametrize(
    "url",
    [
        "dynamodb://by_request_id",
        "dynamodb://by_pk?key=pk",
        SHARED,
        "s3://retries/retries/",
        "s3://retries/a/b",
        "s3://retries",
    ],
)
def test_every_recorded_attempt_is_read_with_its_time(aws: Aws, url: str) -> None:
    counter = counters(aws)[url]
    for _ in range(3):
        counter.record(REQUEST_ID)
    found = read_count(url, [REQUEST_ID, OTHER_ID, REQUEST_ID], door(aws))
    assert list(found) == [REQUEST_ID, OTHER_ID]
    assert (found[REQUEST_ID].count, found[OTHER_ID].count) == (3, 0)
    assert [event.timestamp_ms for event in found[REQUEST_ID].evidence] == [
        NOON_MS,
        NOON_MS + 60_000,
        NOON_MS + 120_000,
    ]
    assert found[REQUEST_ID].evidence[0].message.startswith(f"{url} {REQUEST_ID} 20261123120000123")


def test_more_requests_than_one_call_takes(aws: Aws) -> None:
    counter = counters(aws)["dynamodb://by_request_id"]
    ids = [f"8f507cfc-0d3f-4697-b07a-{number:012x}" for number in range(150)]
    for request_id in ids[::10]:
        counter.record(request_id)
    found = read_count("dynamodb://by_request_id", ids, door(aws))
    assert [found[request_id].count for request_id in ids] == ([1] + [0] * 9) * 15


def test_no_request_is_no_call(aws: Aws) -> None:
    assert read_count("s3://retries/x", [], door(aws)) == {}
    assert read_count("dynamodb://by_pk?key=pk", [], door(aws)) == {}


@pytest.mark.parametrize(
    "url", ["", "retries", "redis://x", "s3:", "s3:///x", "dynamodb:table", "https://x/y"]
)
def test_another_url_is_refused(aws: Aws, url: str) -> None:
    with pytest.raises(UsageError, match="is not a store"):
        read_count(url, [REQUEST_ID], door(aws))


def test_a_partition_without_the_place_of_the_id_is_refused(aws: Aws) -> None:
    with pytest.raises(UsageError, match=r"must contain \{\}"):
        read_count("dynamodb://shared?key=pk&partition=retry", [REQUEST_ID], door(aws))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://gone/retries", "bucket gone: The specified bucket does not exist"),
        ("dynamodb://gone", "table gone: Requested resource not found"),
        ("dynamodb://by_pk", "refused for table by_pk"),
    ],
)
def test_a_store_that_cannot_be_read(aws: Aws, url: str, said: str) -> None:
    with pytest.raises(CouldNotRead, match=said):
        read_count(url, [REQUEST_ID], door(aws))


def test_a_bucket_of_something_else(aws: Aws) -> None:
    aws.client("s3").put_object(Bucket="retries", Key=f"x/{REQUEST_ID}/photo.jpg")
    with pytest.raises(CouldNotRead, match="which a counter of retryctl did not record"):
        read_count("s3://retries/x", [REQUEST_ID], door(aws))


class Refusing(BaseHTTPRequestHandler):
    """Says no as DynamoDB and as S3 do; the server above says it to both in one way."""

    def do_POST(self) -> None:
        self.answer(400, b'{"__type": "com.amazon.coral.service#AccessDeniedException"}')

    def do_GET(self) -> None:
        self.answer(
            403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        )

    def answer(self, status: Any, body: Any) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def refusing() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Aws(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


@pytest.mark.parametrize(
    ("url", "permission"),
    [
        ("s3://retries/x", "s3:ListBucket"),
        ("dynamodb://retries", "dynamodb:BatchGetItem"),
    ],
)
def test_a_store_that_may_not_be_read_names_the_permission(
    refusing: Aws, url: str, permission: str
) -> None:
    with pytest.raises(AccessDenied, match=f"AccessDenied for {permission}") as denied:
        read_count(url, [REQUEST_ID], door(refusing))
    assert re.match(f"Allow {permission} on (bucket|table) retries, ", denied.value.next_step)
