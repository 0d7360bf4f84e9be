"""Record retryctl/demo.jsonl: the example handler under the real runtime client.

Run it from the repository's folder, on Linux, with the extra ``lab`` installed::

    python docs/record_demo.py > retryctl/demo.jsonl

IDs, stream names, the start and the waits come from the seed; durations are measured anew.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from retryctl.lab import plan
from retryctl.lab.function import Function
from retryctl.lab.lab import Lab, json_lines

START = datetime(2026, 11, 23, 3, 0, 0, 123_000, UTC)
FUNCTION = Function(
    handler="tmp_counter_by_hand.handler",
    task=Path(__file__).resolve().parent.parent / "examples",
    name="orders-worker",
    python_version="3.13",
)
ORDERS = [
    # seconds after the start, items, the plan where the order has no address to ship to
    (0.0, 3, None),
    (4.2, 1, "same,same"),  # A, B, C in one environment
    (31.0, 2, None),
    (75.5, 5, "same,fresh"),  # the third attempt lands in another environment
    (98.0, 1, None),
    (140.8, 2, "first+timeout,same,same"),  # the first attempt leaves no mark
    (171.3, 4, None),
    (222.9, 1, None),
    (310.4, 2, None),
]


def main() -> None:
    """Run the orders, and print what was logged."""
    with Lab(FUNCTION, seed=20261123, start_s=START.timestamp()) as lab:
        for number, (after_s, items, written) in enumerate(ORDERS, 1001):
            order = {"number": number, "items": items}
            if written is None:
                order["address"] = "Kiso 3, Nagano"
            (steps,) = plan.read(written or "first")
            lab.submit({"order": order}, steps, after_s=after_s)
        lab.run()
    sys.stdout.write(json_lines(lab.events))


if __name__ == "__main__":
    main()
