"""Branch by the number of retries, counted in DynamoDB.

The handler fails on purpose, so that Lambda retries it: attempt 1 runs A, attempt 2 B, and any
later one C. Send ``{"succeed": true}`` for an attempt that succeeds.

Needs the table of the environment variable RETRIES_TABLE, with the string ``request_id`` as its
partition key and TTL on ``expires_at``, and what ``retryctl counters iam dynamodb`` prints.
"""

import os

from retryctl.counters import DynamoDBCounter, branch_on_retry

counter = DynamoDBCounter(os.environ["RETRIES_TABLE"])


def lambda_handler(event, context):
    return branch_on_retry(counter, event, context, work, a=process_a, b=process_b, c=process_c)


def work(event, context):
    if not event.get("succeed"):
        raise RuntimeError("this handler fails on purpose")
    return {"statusCode": 200}


def process_a(event, context):
    print("process A")


def process_b(event, context):
    print("process B")


def process_c(event, context):
    print("process C")
