"""Read a large document of `aws logs filter-log-events`: seconds and peak memory.

Beside it a plain ``json.load`` of the same file, in the same run, each in a process of its own::

    python benchmarks/saved_memory.py [EVENTS]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from random import Random

LOAD = """
import json, sys
count = len(json.load(open(sys.argv[1]))["events"])
"""
READ = """
import sys
from retryctl.core.model.coverage import LogQuery
from retryctl.sources.saved.events import SavedLog
count = sum(1 for _ in SavedLog(sys.argv[1]).read(LogQuery(request_ids=tuple(sys.argv[2:]))))
"""
MEASURE = """
import resource, sys, time
began = time.perf_counter()
exec(sys.stdin.read())
seconds = time.perf_counter() - began
unit = 1 if sys.platform == "darwin" else 1024
peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
print(f"{count:,} events in {seconds:.1f} s, {peak_mb:.0f} MB at most")
"""


def write_document(path: Path, events: int) -> str:
    """A day of attempts of six events each, over 80 streams; returns a request ID in its middle."""
    random = Random(7)
    streams = [f"2026/11/23/[$LATEST]{random.getrandbits(128):032x}" for _ in range(80)]
    wanted = ""
    with path.open("w") as file:
        for number in range(events):
            if number % 6 == 0:
                request_id = str(uuid.UUID(int=random.getrandbits(128), version=4))
                stream = random.choice(streams)
            if number == events // 12 * 6:
                wanted = request_id
            event = {
                "logStreamName": stream,
                "timestamp": 1_795_402_800_000 + number * 86_400_000 // events,
                "message": message(number % 6, request_id, random),
                "ingestionTime": 1_795_402_800_900 + number * 86_400_000 // events,
                "eventId": f"{number:056d}",
            }
            file.write('{\n    "events": [\n        ' if number == 0 else ",\n        ")
            file.write(json.dumps(event, indent=4).replace("\n", "\n        "))
        file.write('\n    ],\n    "searchedLogStreams": []\n}\n')
    return wanted


def message(part: int, request_id: str, random: Random) -> str:
    return (
        f"START RequestId: {request_id} Version: $LATEST\n",
        f"[INFO]\t2026-11-23T03:00:00.123Z\t{request_id}\torder {random.randrange(10**6)}\n",
        f"working on item {random.randrange(10**6)} {'x' * random.randrange(120)}\n",
        f"done with item {random.randrange(10**6)}\n",
        f"END RequestId: {request_id}\n",
        f"REPORT RequestId: {request_id}\tDuration: {random.randrange(99)}.18 ms\t"
        "Billed Duration: 100 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t\n",
    )[part]


def measure(title: str, program: str, *arguments: str) -> None:
    command = [sys.executable, "-c", MEASURE, *arguments]
    result = subprocess.run(command, input=program, text=True, capture_output=True, check=True)
    print(f"{title:<28} {result.stdout.strip()}")


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.json"
        wanted = write_document(path, events)
        print(f"{events:,} events, {path.stat().st_size / 1e6:.0f} MB")
        measure("json.load", LOAD, str(path))
        measure("retryctl, every event", READ, str(path))
        measure("retryctl, one request ID", READ, str(path), wanted)


if __name__ == "__main__":
    main()
