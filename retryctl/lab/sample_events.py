"""Sample events: what AWS services send to a function, with made-up values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retryctl.lab.function import ACCOUNT, REGION

_TIME = "2026-11-23T03:00:00.000Z"


def _s3_put() -> dict[str, Any]:
    bucket = {
        "name": "orders",
        "ownerIdentity": {"principalId": "EXAMPLE"},
        "arn": "arn:aws:s3:::orders",
    }
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": _TIME,
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "EXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "EXAMPLE", "x-amz-id-2": "EXAMPLE"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "orders-created",
            "bucket": bucket,
            "object": {"key": "order-1.json", "size": 1024, "eTag": "0" * 32, "sequencer": "0A"},
        },
    }
    return {"Records": [record]}


def _sqs() -> dict[str, Any]:
    record = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "EXAMPLE",
        "body": '{"order": 1}',
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1795402800000",
            "SenderId": "EXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1795402800001",
        },
        "messageAttributes": {},
        "md5OfBody": "45be8a5461b9cff1ff2a42fb4b9f6c4a",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders",
        "awsRegion": REGION,
    }
    return {"Records": [record]}


def _sns() -> dict[str, Any]:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:orders"
    message: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        "TopicArn": topic,
        "Subject": None,
        "Message": '{"order": 1}',
        "Timestamp": _TIME,
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertUrl": "https://example.com/certificate.pem",
        "UnsubscribeUrl": "https://example.com/unsubscribe",
        "MessageAttributes": {},
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": f"{topic}:21be56ed-a058-49f5-8c98-aedd2564c486",
        "Sns": message,
    }
    return {"Records": [record]}


def _eventbridge() -> dict[str, Any]:
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Order Created",
        "source": "shop.orders",
        "account": ACCOUNT,
        "time": "2026-11-23T03:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": {"order": 1},
    }


def _dynamodb_stream() -> dict[str, Any]:
    record = {
        "eventID": "c4ca4238a0b923820dcc509a6f75849b",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "Keys": {"order": {"N": "1"}},
            "NewImage": {"order": {"N": "1"}, "state": {"S": "new"}},
            "ApproximateCreationDateTime": 1795402800,
            "SequenceNumber": "111",
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders/stream/{_TIME[:-1]}",
    }
    return {"Records": [record]}


SAMPLES: dict[str, Callable[[], dict[str, Any]]] = {
    "s3-put": _s3_put,
    "sqs": _sqs,
    "sns": _sns,
    "eventbridge": _eventbridge,
    "dynamodb-stream": _dynamodb_stream,
}
