"""What a counter adds to an attempt: milliseconds of each store against moto's server on loopback.

Only the relation between the stores means something: moto is a server in Python on this machine,
not AWS across a network. Each attempt counts and records, as ``branch_on_retry`` does. Run it with
the extra ``test`` installed::

    python benchmarks/counters.py
"""

import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from retryctl.counters import DynamoDBCounter, LogsCounter, S3Counter, TmpCounter

ROOT = Path(__file__).parents[1]
ATTEMPTS = 300
GROUP = "/aws/lambda/benchmark"
STORES = {
    "tmp": "TmpCounter",
    "dynamodb": "DynamoDBCounter",
    "s3": "S3Counter",
    "logs": "LogsCounter",
}

IMPORT = """
import time
begun = time.perf_counter()
from retryctl.counters import {name}, branch_on_retry
print((time.perf_counter() - begun) * 1000)
"""


def point_at(server) -> None:
    host, port = server.get_host_and_port()
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://{host}:{port}",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="us-east-1",
    )


def make_resources() -> None:
    import boto3

    boto3.client("s3").create_bucket(Bucket="retries")
    boto3.client("dynamodb").create_table(
        TableName="retries",
        KeySchema=[{"AttributeName": "request_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "request_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    boto3.client("logs").create_log_group(logGroupName=GROUP)


def import_ms(name: str) -> float:
    """The best of ten fresh processes, without bytecode, as most functions are deployed."""
    with tempfile.TemporaryDirectory() as folder:
        no_bytecode = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "retryctl", f"{folder}/retryctl", ignore=no_bytecode)
        environ = {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-S", "-c", IMPORT.format(name=name)]
        runs = [
            subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
            for _ in range(10)
        ]
    return min(float(run.stdout) for run in runs)


def attempt_ms(store: str, directory: str) -> tuple[float, float]:
    """The first attempt, which loads boto3 and makes the client, and the median of the others."""
    counter = {
        "tmp": lambda: TmpCounter(directory),
        "dynamodb": lambda: DynamoDBCounter("retries"),
        "s3": lambda: S3Counter("retries"),
        "logs": lambda: LogsCounter(GROUP, "stream"),
    }[store]()
    times = []
    for _ in range(ATTEMPTS + 1):
        request_id = str(uuid.uuid4())
        begun = time.perf_counter()
        if not counter.atomic:
            counter.count(request_id)
        counter.record(request_id)
        times.append((time.perf_counter() - begun) * 1000)
    return times[0], statistics.median(times[1:])


def in_a_fresh_process(store: str) -> tuple[float, float]:
    with (
        tempfile.TemporaryDirectory() as directory,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process,
    ):
        return process.submit(attempt_ms, store, directory).result()


def main() -> None:
    from moto.server import ThreadedMotoServer  # not in the processes that are measured

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each call
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    point_at(server)
    make_resources()
    print("| store | import, ms | first attempt, ms | later ones, ms | to tmp |")
    print("| --- | --- | --- | --- | --- |")
    base = None
    for store, name in STORES.items():
        first, later = in_a_fresh_process(store)
        base = base or later
        print(
            f"| {store} | {import_ms(name):.1f} | {first:.1f} | {later:.2f} | {later / base:.0f} |"
        )
    server.stop()


if __name__ == "__main__":
    main()
