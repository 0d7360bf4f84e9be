"""Branch by the number of retries, counted in S3.

The handler fails on purpose, so that Lambda retries it: attempt 1 runs A, attempt 2 B, and any
later one C. Send ``{"succeed": true}`` for an attempt that succeeds.

Needs the bucket of the environment variable RETRIES_BUCKET, and the permissions that
``retryctl counters iam s3`` prints. The objects must not trigger this function.
"""

import os

from retryctl.counters import S3Counter, branch_on_retry

counter = S3Counter(os.environ["RETRIES_BUCKET"])


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
