"""Branch by the number of retries, counted by hand in /tmp.

A retry has the request ID of the attempt before it. Each failed attempt leaves an empty file
in /tmp that is named after the ID; their number is the number of earlier attempts. That
is right only while all of them run in one execution environment: see
``retryctl explain environment-switch``.
"""

from datetime import datetime
from pathlib import Path


def handler(event, context):
    """Ship an order; on failure run process A, B or C, and fail again so that Lambda retries."""
    try:
        return ship(event["order"])
    except Exception:
        retries = count_marks(context.aws_request_id)
        print(retries)
        if retries == 0:
            print("process A")
            leave_mark(context.aws_request_id)
        elif retries == 1:
            print("process B")
            leave_mark(context.aws_request_id)
        else:
            print("process C")
        raise


def ship(order):
    """Return the order's shipment; an order without an address cannot be shipped."""
    print(f"order {order['number']}: {order['items']} items")
    if not order.get("address"):
        raise ValueError(f"order {order['number']} has no address")
    return {"order": order["number"], "to": order["address"]}


def count_marks(request_id):
    """Return how many attempts of this request have failed in this environment."""
    return len(list(Path("/tmp").glob(f"{request_id}_*")))


def leave_mark(request_id):
    """Leave a file for this attempt."""
    Path(f"/tmp/{request_id}_{datetime.now():%Y%m%d%H%M%S%f}").touch()
