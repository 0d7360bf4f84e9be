"""Branch by the number of retries, counted in /tmp.

The handler fails on purpose, so that Lambda retries it: attempt 1 runs A, attempt 2 B, and any
later one C. Send ``{"succeed": true}`` for an attempt that succeeds.

Needs no permission. A retry in another execution environment starts from A again.
"""

from retryctl.counters import TmpCounter, branch_on_retry

counter = TmpCounter()


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
