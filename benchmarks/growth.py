"""Time and memory of ``retryctl`` by the size of what it reads: they should grow in line.

Each log is made up at three sizes, each four times the one before: one request with many attempts,
a log of many streams, a folder of many files, and requests that all have findings. Seconds are
those of all processes together; memory is that of the largest process. The columns ``x`` compare
with the size before: 4 is in line, less is a fixed part, 16 would be quadratic::

    python benchmarks/growth.py [SHARE] [KIND...]

``SHARE`` (default 1) scales the full sizes.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

START_MS = 1_795_402_800_000
GROUP = "/aws/lambda/orders-worker"
PARTS = (1 / 16, 1 / 4, 1)
FULL = {"attempts": 100_000, "streams": 100_000, "files": 50_000, "findings": 200_000}
Line = tuple[str, int, str]
_ODD = 0x9E3779B97F4A7C15F39CC0605CEDC835


def request_id(number: int) -> str:
    """The ID of a request: spread over all IDs, as Lambda's are."""
    return str(UUID(int=number * _ODD % (1 << 128), version=4))


def stream(number: int) -> str:
    """The name of an environment's log stream."""
    return f"2026/11/23/[$LATEST]{number:032x}"


def attempt(of: int, environment: int, at_ms: int, counter: int) -> Iterator[Line]:
    """The lines of an attempt that fails and logs ``counter``."""
    own = f"RequestId: {request_id(of)}"
    texts = (
        f"START {own} Version: $LATEST\n",
        f"{counter}\n",
        f"process {'ABC'[min(counter, 2)]}\n",
        "[ERROR] NameError: name 'x' is not defined\nTraceback (most recent call last):\n",
        f"END {own}\n",
        f"REPORT {own}\tDuration: 5.00 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\t\n",
    )
    for number, text in enumerate(texts):
        yield stream(environment), at_ms + number, text


def attempts(size: int) -> Iterator[Line]:
    """One request of a stream source, retried again and again."""
    for number in range(size):
        yield from attempt(1, 1, START_MS + number * 100, min(number, 2))


def streams(size: int) -> Iterator[Line]:
    """As many environments as attempts, three for each request."""
    for number in range(size):
        wait_ms = (0, 63_000, 190_000)[number % 3]
        yield from attempt(number // 3, number, START_MS + number * 10 + wait_ms, number % 3)


def findings(size: int) -> Iterator[Line]:
    """Requests with three attempts, of which each has findings: the counter never grows."""
    for number in range(size // 3):
        for retry in range(3):
            at_ms = START_MS + number * 500_000 + (0, 63_000, 190_000)[retry]
            yield from attempt(number, number * 3 + retry, at_ms, 0)


def write(kind: str, size: int, folder: Path) -> Path:
    """Write the log of a kind; return the path to read."""
    if kind == "files":
        for number in range(size):
            lines = attempt(number // 3, number, START_MS + number * 1000, number % 3)
            (folder / f"{number:06d}.jsonl").write_text("".join(map(as_json, lines)))
        return folder
    made = {"attempts": attempts, "streams": streams, "findings": findings}[kind](size)
    path = folder / "log.jsonl"
    with path.open("w") as file:
        file.writelines(map(as_json, made))
    return path


def as_json(line: Line) -> str:
    """The line as FilterLogEvents gives it."""
    name, at_ms, message = line
    return (
        json.dumps(
            {
                "logGroupName": GROUP,
                "logStreamName": name,
                "timestamp": at_ms,
                "message": message,
                "eventId": f"{at_ms}{zlib.crc32(f'{name}{message}'.encode()):020d}",
            }
        )
        + "\n"
    )


COMMANDS = (("trace", request_id(1)), ("summary",), ("list",), ("check",))


def measure(arguments: tuple[str, ...], source: Path) -> tuple[float, float, int]:
    """Return the seconds of all processors, the peak of memory in MB, and the bytes printed."""
    program = (
        *(sys.executable, "-m", "retryctl", *arguments),
        *("--from", str(source), "-o", "json", "-q"),
    )
    with tempfile.TemporaryFile() as answer:
        process = subprocess.Popen(program, stdout=answer)
        _, status, used = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) not in (0, 1, 5):
            raise SystemExit(f"{program} ended with {os.waitstatus_to_exitcode(status)}")
        return used.ru_utime + used.ru_stime, _most_mb(used), answer.seek(0, os.SEEK_END)


def _most_mb(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))


def main(share: float, kinds: list[str]) -> None:
    """Print the table."""
    print(
        f"{'log':<20}{'command':<10}{'CPU s':>8}{'x':>6}{'us each':>9}"
        f"{'MB':>7}{'x':>6}{'output MB':>11}"
    )
    before: dict[tuple[str, str], tuple[float, float]] = {}
    for kind in kinds or FULL:
        for part in PARTS:
            size = int(FULL[kind] * share * part)
            with tempfile.TemporaryDirectory() as folder:
                source = write(kind, size, Path(folder))
                for arguments in COMMANDS:
                    seconds, megabytes, printed = measure(arguments, source)
                    last = before.get((kind, arguments[0]))
                    before[kind, arguments[0]] = seconds, megabytes
                    print(
                        f"{size:>9,} {kind:<10}{arguments[0]:<10}"
                        f"{seconds:>8.1f}{_ratio(seconds, last and last[0])}"
                        f"{seconds / size * 1e6:>9.0f}"
                        f"{megabytes:>7.0f}{_ratio(megabytes, last and last[1])}"
                        f"{printed / 1e6:>11.2f}",
                        flush=True,
                    )


def _ratio(now: float, before: float | None) -> str:
    return f"{now / before:>6.1f}" if before else f"{'':>6}"


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 1.0, sys.argv[2:])
