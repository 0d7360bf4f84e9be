"""``retryctl summary`` of a large saved log, beside DuckDB, ``jq`` with ``sort``, and plain Python.

A log is made up (``generate_logs.py``), and every program in turn makes the table of attempts,
outcomes and branches of it, on two threads or processes where it knows how. Each answer is held
against the generator's own truth; seconds and peak memory, summed over a program's processes,
and the seconds of all processors together, which tell more on a busy machine, are measured
from outside::

    python benchmarks/summary_saved.py [EVENTS] [FOLDER] [PROGRAM...]

DuckDB is ``pip install duckdb``; what is not installed is left out, and said.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from generate_logs import Truth, generate

Table = dict[str, int]

DUCKDB = """
import duckdb, json, sys
connection = duckdb.connect()
connection.execute("set threads = 2")
connection.execute("set enable_progress_bar = false")
rows = connection.execute('''
  with events as (
    select logStreamName s, timestamp t, eventId id, message m
    from read_json(?, format = 'newline_delimited', columns = {
      logStreamName: 'VARCHAR', timestamp: 'BIGINT', message: 'VARCHAR', eventId: 'VARCHAR'})
  ), telling as (
    select * from events
    where m like 'START RequestId%' or m like 'REPORT RequestId%' or m like 'process _%'
       or m like '[ERROR] %' or m like '%Task timed out after%'
  ), bracketed as (
    select *,
      last_value(case when m like 'START%' then m[19:54] end ignore nulls) over stream request,
      count(*) filter (m like 'START%') over stream attempt
    from telling
    window stream as (partition by s order by t, id rows unbounded preceding)
  ), attempts as (
    select request, s, attempt, min(t) t,
      bool_or(m like '[ERROR] %') failed, bool_or(m like '%Task timed out%') timed_out,
      max(case when m like 'process _%' then m[9:9] end) branch
    from bracketed where request is not null group by all
  ), numbered as (
    select *, row_number() over (partition by request order by t) number from attempts
  )
  select number, case when timed_out then 'timeout' when failed then 'error' else 'ok' end,
    coalesce(branch, 'none'), count(*)
  from numbered group by all
''', [sys.argv[1]]).fetchall()
print(json.dumps({f"{number} {outcome} {branch}": n for number, outcome, branch, n in rows}))
"""

# jq picks what tells, sort puts each stream in order, awk cuts it, sort puts attempts in order.
JQ = r"""
jq -r 'select(.message | startswith("START ") or startswith("process ") or startswith("REPORT ")
    or startswith("[ERROR] ") or contains("Task timed out after"))
  | [.logStreamName, .eventId, .message[:53]] | @tsv' "$1" |
LC_ALL=C sort -S 64M --parallel=2 | tr '\t' ' ' |
awk '{ if ($3 == "START") { id = $5; at = $2; o = "ok"; b = "none" }
  else if ($3 == "process") { b = substr($4, 1, 1) }
  else if ($3 == "[ERROR]") { o = "error" }
  else if ($3 == "REPORT") { if (id) print id, at, o, b; id = "" }
  else { o = "timeout" } }' |
LC_ALL=C sort -S 64M --parallel=2 |
awk '{ n = ($1 == last) ? n + 1 : 1; last = $1; c[n " " $3 " " $4]++ }
  END { for (k in c) print k, c[k] }'
"""

PYTHON = """
import json, sys
from collections import Counter, defaultdict
open_, attempts = {}, defaultdict(list)
for line in open(sys.argv[1]):
    event = json.loads(line)
    message, stream = event["message"], event["logStreamName"]
    if message.startswith("START "):
        open_[stream] = [event["timestamp"], "ok", "none", message[17:53]]
    elif stream not in open_:
        continue
    elif message.startswith("process "):
        open_[stream][2] = message[8]
    elif message.startswith("[ERROR] "):
        open_[stream][1] = "error"
    elif "Task timed out after" in message:
        open_[stream][1] = "timeout"
    elif message.startswith("REPORT "):
        at, outcome, branch, request = open_.pop(stream)
        attempts[request].append((at, outcome, branch))
table = Counter(
    f"{number} {outcome} {branch}"
    for each in attempts.values()
    for number, (_, outcome, branch) in enumerate(sorted(each), 1)
)
print(json.dumps(table))
"""


def commands(path: Path) -> dict[str, list[str]]:
    python = sys.executable
    return {
        "retryctl": [python, "-m", "retryctl", "summary", "--from", str(path), "--output", "json"],
        "duckdb": [python, "-c", DUCKDB, str(path)],
        "python": [python, "-c", PYTHON, str(path)],
        "jq": ["bash", "-c", JQ, "bash", str(path)],
    }


def missing(program: str) -> bool:
    if program == "jq":
        return shutil.which("jq") is None
    return program == "duckdb" and find_spec("duckdb") is None


# --------------------------------------------------------------------------- measuring


def measure(command: list[str]) -> tuple[str, float, float, float]:
    """What a command prints, its seconds, those of all processors, and its most memory in MB."""
    began, before = time.perf_counter(), _processor_s()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = [0.0]
    watch = threading.Thread(target=_watch, args=(process, peak), daemon=True)
    watch.start()
    printed, _ = process.communicate()
    seconds = time.perf_counter() - began
    watch.join()
    if process.returncode:
        raise SystemExit(f"{command[:3]} ended with {process.returncode}")
    return printed, seconds, _processor_s() - before, peak[0]


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: subprocess.Popen[str], peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(map(_memory_mb, _family(process.pid))))
        time.sleep(0.05)


def _family(pid: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [int(c) for t in tasks for c in (t / "children").read_text().split()]
    except OSError:
        return [pid]
    return [pid, *(member for child in children for member in _family(child))]


def _memory_mb(pid: int) -> float:
    """Its proportional share, so that what processes share counts once; else all it has."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


# --------------------------------------------------------------------------- the answers


def check(program: str, printed: str, truth: Truth) -> str:
    """What is wrong with an answer; empty where it is the truth."""
    if program == "retryctl":
        return check_summary(json.loads(printed), truth)
    if program == "jq":
        rows = [line.rsplit(" ", 1) for line in printed.splitlines()]
        table = {key: int(count) for key, count in rows}
    else:
        table = json.loads(printed)
    branches: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for key, count in table.items():
        number, outcome, branch = key.split(" ")
        branches[f"{number} {branch}"] += count
        outcomes[outcome] += count
    wrong = [
        name
        for name, found, expected in (
            ("branches", branches, truth.branches),
            ("outcomes", outcomes, truth.attempt_outcomes),
        )
        if +found != +expected
    ]
    return ", ".join(wrong)


def check_summary(found: dict[str, object], truth: Truth) -> str:
    """The figures of a summary that are not the truth."""
    rows: Counter[str] = Counter()
    for row in found["branches"]:  # type: ignore[attr-defined]
        rows.update({f"{row['attempt']} {name}": n for name, n in row.items() if name != "attempt"})
    cost, counter = found["cost"], found["counter"]
    environment = found["retry_environment"]
    errors = {f"{e['type']} {e['frame']}": e["count"] for e in found["errors"]}  # type: ignore[attr-defined]
    judged = truth.right_on_retries + truth.wrong_on_retries
    expected = {
        "requests": (found["requests"], truth.requests),
        "attempts": (found["attempts"], truth.attempts),
        "by_attempts": (found["by_attempts"], dict(truth.by_attempts)),
        "outcomes": (+Counter(found["outcomes"]), +truth.outcomes),  # type: ignore[call-overload]
        "attempt_outcomes": (+Counter(found["attempt_outcomes"]), +truth.attempt_outcomes),  # type: ignore[call-overload]
        "branches": (+rows, +truth.branches),
        "findings": (+Counter(found["findings"]), +truth.findings),  # type: ignore[call-overload]
        "errors": (errors, dict(truth.errors)),
        "counter": (
            {name: counter[name] for name in truth.counter},  # type: ignore[index]
            dict(truth.counter),
        ),
        "accuracy": (
            counter["accuracy_on_retries"],  # type: ignore[index]
            truth.right_on_retries / judged if judged else None,
        ),
        "environment": (
            environment,
            {"same": truth.same_environment, "other": truth.other_environment},
        ),
        "billed": (cost["billed_ms"], truth.billed_ms),  # type: ignore[index]
        "billed on retries": (cost["billed_ms_on_retries"], truth.billed_ms_on_retries),  # type: ignore[index]
    }
    return ", ".join(
        f"{name} {mine!r} for {true!r}" for name, (mine, true) in expected.items() if mine != true
    )


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    parent = sys.argv[2] if len(sys.argv) > 2 else None
    asked = sys.argv[3:] or ["retryctl", "duckdb", "python", "jq"]
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        path = Path(folder) / "log.jsonl"
        truth = generate(path, events)
        size = path.stat().st_size
        print(
            f"{events:,} events, {size / 1e9:.2f} GB, {truth.attempts:,} attempts, "
            f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
        )
        for program in asked:
            if missing(program):
                print(f"{program:<10} is not installed")
                continue
            printed, seconds, processor_s, peak_mb = measure(commands(path)[program])
            wrong = check(program, printed, truth)
            print(
                f"{program:<10} {seconds:7.1f} s  {processor_s:7.1f} s of processors  "
                f"{peak_mb:7.0f} MB  "
                f"{(wrong and f'WRONG: {wrong}') or 'the truth'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
