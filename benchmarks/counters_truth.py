"""The table of truth of the counters: for each store, plan and fault, is the verdict right?

A row has the counters that three attempts logged and the verdict. ``early`` faults happen before
the handler's first statement, so no counter in the function can record that attempt; only the
START records of ``LogsCounter`` have it. ``late`` faults happen after the handler's last one::

    PYTHONPATH=. python benchmarks/counters_truth.py [STORE...]
"""

import contextlib
import os
import sys
import tempfile
import warnings
from collections import Counter as Tally
from pathlib import Path

from retryctl.app.lab import LabOrder, LabRun, run_lab
from retryctl.lab import plan as plans
from retryctl.lab.options import FunctionOptions, make_function
from retryctl.lab.serve import LocalAws, local_aws

warnings.simplefilter("ignore")

HANDLER = """
import sys
sys.path.insert(0, {root!r})
from retryctl.counters import {name}, retries

def branch(name):
    return lambda event, context: print("process", name)

@retries({name}({argument}), a=branch("A"), b=branch("B"), c=branch("C"), count={count!r})
def handler(event, context):
    raise RuntimeError("fails on purpose")
"""
STORES = {
    "tmp": ("TmpCounter", ""),
    "dynamodb": ("DynamoDBCounter", "'retries'"),
    "s3": ("S3Counter", "'retries'"),
    "logs": ("LogsCounter", ""),
}
FAULTS = ("timeout", "kill", "exit", "oom")


def make_stores(aws: LocalAws) -> None:
    import boto3

    session = boto3.session.Session("lab", "lab", region_name="us-east-1")
    session.client("s3", endpoint_url=aws.url).create_bucket(Bucket="retries")
    session.client("dynamodb", endpoint_url=aws.url).create_table(
        TableName="retries",
        KeySchema=[{"AttributeName": "request_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "request_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def run(store: str, count: str, prefix: str, folder: Path, aws: LocalAws) -> LabRun:
    name, argument = STORES[store]
    root = str(Path(__file__).resolve().parents[1])
    source = HANDLER.format(root=root, name=name, argument=argument, count=count)
    (folder / "app.py").write_text(source, encoding="utf-8")
    options = FunctionOptions(
        handler="app.handler",
        env=aws.variables(),
        timeout=30,
        memory=512,
        python=sys.executable,
        name=f"{store}-{count}-{os.urandom(4).hex()}",
    )
    order = LabOrder(plans=plans.read(f"{prefix}all"), on_event=lambda one: aws.add(one.event))
    return run_lab(make_function(options, folder), order)


def main(stores: list[str]) -> int:
    prefixes = ["", *(f"first+{f}{m}," for f in FAULTS for m in ("", "=late"))]
    wrong = Tally[tuple[str, str, str]]()
    rows = Tally[tuple[str, str, str]]()
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder, local_aws() as aws:
        make_stores(aws)
        for store in stores:
            for count in ("failures", "starts"):
                for prefix in prefixes:
                    done = run(store, count, prefix, Path(folder), aws)
                    moment = "none" if not prefix else "late" if "=late" in prefix else "early"
                    for one in done.checked:
                        plan = done.plans[one.request.request_id].text
                        counters = [a.claim.counter for a in one.request.attempts]
                        rules = {f.rule for f in one.findings} - {"retries-exhausted"}
                        verdict = one.verdict.value
                        rows[store, count, moment] += 1
                        wrong[store, count, moment] += verdict != "agrees"
                        shown = " ".join("-" if c is None else str(c) for c in counters)
                        told = f"{verdict}: {', '.join(sorted(rules))}" if rules else verdict
                        print(f"{store:<9} {count:<9} {plan:<34} {shown:<8} {told}", flush=True)
    print("\nright in so many rows of each store, way to count and moment of the fault:")
    for key, total in rows.items():
        print(f"  {key[0]:<9} {key[1]:<9} {key[2]:<6} {total - wrong[key]:>3} of {total}")
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:] or list(STORES)))
