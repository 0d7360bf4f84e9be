"""``python -m tests.endpoint --port 5010``: the endpoint by hand, with AWS's quotas."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from tests.endpoint.quotas import AWS_QUOTAS
from tests.endpoint.server import Endpoint


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.endpoint", description=__doc__)
    parser.add_argument("--port", type=int, default=5010)
    parser.add_argument("--unlimited", action="store_true", help="no quotas")
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls that go wrong")
    parser.add_argument("--group", default="/aws/lambda/orders-worker")
    parser.add_argument("--load", type=Path, help="JSON lines: logStreamName, timestamp, message")
    given = parser.parse_args()
    endpoint = Endpoint(port=given.port, quotas={} if given.unlimited else AWS_QUOTAS)
    endpoint.faults.mix(given.faults)
    endpoint.group(given.group)
    if given.load:
        endpoint.load(given.group, _events(given.load))
    print(endpoint.url, flush=True)
    endpoint.serve()


def _events(path: Path) -> Iterator[tuple[str, int, str]]:
    with path.open() as lines:
        for line in lines:
            event = json.loads(line)
            yield event["logStreamName"], event["timestamp"], event["message"]


if __name__ == "__main__":
    main()
