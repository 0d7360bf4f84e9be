"""Branch by the number of retries, counted in the function's own log.

The handler fails on purpose, so that Lambda retries it: attempt 1 runs A, attempt 2 B, and any
later one C. Send ``{"succeed": true}`` for an attempt that succeeds.

Needs no resource, and the permission that ``retryctl counters iam logs`` prints. Every attempt
counts, also one that timed out: Lambda itself writes what is counted.
"""

from retryctl.counters import LogsCounter, branch_on_retry

counter = LogsCounter()


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
