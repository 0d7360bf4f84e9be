"""Trace one request and sum up a whole log, in each shape that people have of it.

A log is made up (``generate_logs.py``) and written in every shape. ``retryctl trace`` of one ID
and ``retryctl summary`` read each of them; beside them run ``grep`` and ``jq`` for the ID, and
DuckDB for the table of ``summary`` (JSON lines only). Each program runs in a process of its own.
The figures are processor seconds of all its processes and the peak memory of the largest::

    python benchmarks/saved_shapes.py [EVENTS[,EVENTS...] [FOLDER [SHAPE...]]]

Without arguments the logs have 1,000,000 and 10,000,000 events, and need 8 GB in a folder for
temporary files. ``zlib`` is the unpacking of gzip alone, which no reader in Python can avoid. The
ratio is that to JSON lines.

All shapes must give the same attempts and the counts that the generator knows, and all programs
the same figures: the lines with the ID, the attempts by number, outcome and branch. A row whose
figures differ has "another answer".

Measured with Python 3.11 on a virtual machine with two cores that had other work too (load 10),
1,000,178 events (0.32 GB), CPU seconds and MB; of retryctl the best of two or three runs, of the
others one run::

    shape           trace       summary     grep   jq     DuckDB
    JSON lines       0.46   28   1.48   40  0.07   3.27   0.79 219
    gzip             0.63   30   1.69   54
    JSON document    0.64   30   2.11   53  0.10
    aws logs tail    0.60   31   2.30   41  0.05
    console CSV      0.45   30   1.80   54  0.05
    Insights CSV     0.50   32   2.29   64  0.05

``summary`` of Insights CSV with 200,000 events in 21 files of 10,000 rows takes 2.4 s and 61 MB,
where 2 of 12 streams have one millisecond in two files; 6.7 s and 103 MB when each stream of
several files was read again as a whole, and 0.6 s and 40 MB in one file.

zlib alone takes 0.50 s to unpack the gzip file, zlib-ng 0.15 s. In an earlier run with 10,000,000
events (3.2 GB)::

    JSON lines       2.61   31  11.40   50  0.51  31.36   7.08 920
"""

from __future__ import annotations

import csv
import gzip
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from generate_logs import Truth, generate
from summary_saved import DUCKDB, check, check_summary

Event = dict[str, Any]
UNPACK = (
    "import sys, zlib; unpack = zlib.decompressobj(31).decompress;"
    "file = open(sys.argv[1], 'rb'); any(unpack(part) is None for part in iter(lambda: "
    "file.read(1 << 15), b''))"
)
RETRYCTL = (sys.executable, "-m", "retryctl")


def events(log: Path) -> Iterator[Event]:
    with log.open() as file:
        yield from map(json.loads, file)


def write_lines(log: Path, to: Path) -> None:
    shutil.copy(log, to)


def write_gzip(log: Path, to: Path) -> None:
    with log.open("rb") as source, gzip.open(to, "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target)


def write_document(log: Path, to: Path) -> None:
    """What ``aws logs filter-log-events`` prints."""
    with to.open("w") as file:
        for number, event in enumerate(events(log)):
            file.write('{\n    "events": [\n        ' if number == 0 else ",\n        ")
            file.write(json.dumps(event, indent=4).replace("\n", "\n        "))
        file.write('\n    ],\n    "searchedLogStreams": []\n}\n')


def write_tail(log: Path, to: Path) -> None:
    """What ``aws logs tail`` prints."""
    with to.open("w") as file:
        for event in events(log):
            time = _moment(event).isoformat(timespec="microseconds")
            file.write(f"{time} {event['logStreamName']} {event['message'].rstrip()}\n")


def write_console_csv(log: Path, to: Path) -> None:
    """What the console downloads: Actions, Download search results."""
    with to.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("timestamp", "message", "logStreamName"))
        for event in events(log):
            rows.writerow((event["timestamp"], event["message"], event["logStreamName"]))


def write_insights_csv(log: Path, to: Path) -> None:
    """What Logs Insights exports."""
    with to.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("@timestamp", "@message", "@logStream"))
        for event in events(log):
            time = f"{_moment(event):%Y-%m-%d %H:%M:%S}.{event['timestamp'] % 1000:03d}"
            rows.writerow((time, event["message"], event["logStreamName"]))


def _moment(event: Event) -> datetime:
    return datetime.fromtimestamp(event["timestamp"] / 1000, UTC)


SHAPES: dict[str, Callable[[Path, Path], None]] = {
    "JSON lines": write_lines,
    "gzip": write_gzip,
    "JSON document": write_document,
    "aws logs tail": write_tail,
    "console CSV": write_console_csv,
    "Insights CSV": write_insights_csv,
}


def measured(command: tuple[str, ...], stdout: Path) -> tuple[float, float]:
    """Processor seconds and peak MB of a command; its output goes to a file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # what is measured is the largest child so far, so each runs below a process of its own
    run = (
        "import resource,subprocess,sys;"
        "subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], 'wb'), stderr=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        (sys.executable, "-c", run, str(stdout), *command), stdout=subprocess.PIPE, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds - _LAUNCHER_S, int(done.stdout) * unit / 1e6


_LAUNCHER_S = 0.0
WRONG = "wrong"


def traced(output: Path) -> object:
    """What must be the same in every shape of a traced request."""
    (request,) = json.loads(output.read_text())["requests"]
    keys = ("number", "outcome", "started_at", "ended_at", "counter", "branch", "check")
    attempts = [[attempt[key] for key in keys] for attempt in request["attempts"]]
    return request["outcome"], request["verdict"], attempts


def summed_up(output: Path) -> object:
    """What must be the same in every shape of a summary."""
    found = json.loads(output.read_text())
    keys = (
        "requests",
        "attempts",
        "outcomes",
        "attempt_outcomes",
        "branches",
        "counter",
        "findings",
    )
    return {key: found[key] for key in keys}


def retried_request(log: Path) -> str:
    """The ID of a request in the middle of the log that has three attempts."""
    seen: dict[str, int] = {}
    half = log.stat().st_size // 2
    with log.open() as file:
        file.seek(half)
        file.readline()
        for line in file:
            if '"message":"START RequestId: ' in line:
                request_id = line.partition("START RequestId: ")[2][:36]
                seen[request_id] = seen.get(request_id, 0) + 1
                if seen[request_id] == 3:
                    return request_id
    raise SystemExit("the log has no request of three attempts: make it longer")


def show(*columns: object) -> None:
    print("{:<12}{:<16}{:<16}{:>9}{:>7}{:>7}  {}".format(*columns), flush=True)


def compare(folder: Path, count: int, shapes: list[str]) -> None:
    log, output = folder / "log.jsonl", folder / "output"
    truth = generate(log, count, 1)
    request_id = retried_request(log)
    answers: dict[str, object] = {}
    first: dict[str, float] = {}
    for shape in shapes:
        path = folder / shape.replace(" ", "-")
        SHAPES[shape](log, path)
        for program, command in programs(shape, request_id, path).items():
            seconds, mb = measured(command, output)
            answer = answer_of(program, output, truth)
            key = "lines with the ID" if program in ("grep", "jq") else program
            same = answer == answers.setdefault(key, answer) and answer != WRONG
            ratio = seconds / max(first.setdefault(program, seconds), 0.01)
            figures = f"{seconds:.2f}", f"{mb:.0f}", f"{ratio:.1f}"
            show(f"{count:,}", shape, program, *figures, "" if same else "another answer")
        path.unlink()


def answer_of(program: str, output: Path, truth: Truth) -> object:
    """What a program found; ``WRONG`` where it is not the truth."""
    text = output.read_text()
    if program == "trace":
        return traced(output)
    if program == "summary":
        return WRONG if check_summary(json.loads(text), truth) else summed_up(output)
    if program == "DuckDB (table)":
        return WRONG if check("duckdb", text, truth) else ""
    return int(text) if program == "grep" else len(text.splitlines())


def programs(shape: str, request_id: str, path: Path) -> dict[str, tuple[str, ...]]:
    """What reads the shape."""
    options = ("--from", str(path), "-o", "json", "-q")
    return {
        "trace": (*RETRYCTL, "trace", request_id, *options),
        "summary": (*RETRYCTL, "summary", *options),
        **others(shape, request_id, path),
    }


def others(shape: str, request_id: str, path: Path) -> dict[str, tuple[str, ...]]:
    """What else reads the shape, where it is installed."""
    commands: dict[str, tuple[str, ...]] = {}
    if shape == "gzip":
        return {"zlib": (sys.executable, "-c", UNPACK, str(path))}
    if shutil.which("grep"):
        commands["grep"] = ("grep", "-c", request_id, str(path))
    if shape == "JSON lines":
        if shutil.which("jq"):
            search = f'select(.message | contains("{request_id}")) | .message'
            commands["jq"] = ("jq", "-c", search, str(path))
        if find_spec("duckdb"):
            commands["DuckDB (table)"] = (sys.executable, "-c", DUCKDB, str(path))
    return commands


def main() -> None:
    global _LAUNCHER_S
    counts, *rest = sys.argv[1:] or ["1000000,10000000"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(rest[0] if rest else temporary)
        launches = (
            measured((shutil.which("true") or "true",), folder / "output")[0] for _ in "123"
        )
        _LAUNCHER_S = min(launches)
        show("events", "shape", "program", "CPU s", "MB", "ratio", "")
        for count in counts.split(","):
            compare(folder, int(count), rest[1:] or list(SHAPES))


if __name__ == "__main__":
    main()
