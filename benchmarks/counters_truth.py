"""The table of truth of the counters, each row run in the lab and compared with the truth.

A row is a store, a way to count and a plan: three attempts, of which the first may have a fault
before its handler, early or late. About 780 rows::

    PYTHONPATH=. python benchmarks/counters_truth.py [STORE...]
"""

import contextlib
import sys
import tempfile
import warnings
from pathlib import Path

from retryctl.lab.serve import local_aws
from tests.support.truth_table import (
    COUNTS,
    MOMENTS,
    STORES,
    expected,
    make_stores,
    markdown,
    plan_texts,
    rows_of,
)

warnings.simplefilter("ignore")


def main(stores: list[str]) -> int:
    differ = total = 0
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder, local_aws() as aws:
        make_stores(aws.url)
        for store in stores:
            for count in COUNTS:
                for text in (text for moment in MOMENTS for text in plan_texts(moment)):
                    for row in rows_of(store, count, text, Path(folder), aws):
                        same = row == expected(store, count, row.plan)
                        total, differ = total + 1, differ + (not same)
                        shown = " ".join("-" if one is None else str(one) for one in row.counters)
                        told = row.verdict if same else f"{row.verdict}: NOT AS EXPECTED"
                        print(f"{store:<18} {count:<8} {row.plan.text:<32} {shown:<6} {told}")
    print(f"\n{total} rows, {differ} not as expected. Right:\n\n{markdown()}")
    return 1 if differ else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:] or list(STORES)))
