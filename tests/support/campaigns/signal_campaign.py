"""Send a signal at random moments of each command, and list what did not end as it must.

``python -m tests.support.campaigns.signal_campaign 200`` runs 200 moments of each command; the
suite runs a few, and gives them more time. The program must end within two seconds with 128 + the
signal's number, without a traceback, and leave no temporary file and no process. The moments begin
at the program's first line: Python's own start is Python's.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from retryctl.app.probe.probe_groups import PREFIX
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS, GROUP, RIGHT, WRONG, make_busy, put_both
from tests.support.lambda_log import ID, Environment
from tests.support.made_up_logs import line_of
from tests.support.program import PYTHON, environment

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LONGEST_END_S = 2.0
_SHARE_OF_LAST_STEPS = 0.25
_LOG_BYTES = 70_000_000  # enough for several workers
_PR_SET_CHILD_SUBREAPER = 36
# Runs the program as the console script does, and reports that its first line was run.
_PROGRAM = "import os, sys, retryctl.__main__ as p; os.close(int(sys.argv.pop(1))); p.main()"
_HANDLER = (
    "import time\ndef handler(event, context):\n    time.sleep(0.2)\n    return 1 / event['n']\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One command line. ``hangs``: it does not end by itself.

    ``left`` returns what a run left elsewhere than on this machine, and removes it. The program
    may leave what it names.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    stdin: Path | None = None
    left: Callable[[], Sequence[str]] = tuple


@contextmanager
def subjects(folder: Path, log_bytes: int = _LOG_BYTES) -> Iterator[list[Subject]]:
    """Yield each command: without a log, on saved logs, and on endpoints that answer and hang."""
    with ExitStack() as stack:
        answering, hanging = (stack.enter_context(Endpoint(scan_events=400)) for _ in range(2))
        for endpoint in (answering, hanging):
            make_busy(endpoint)
            put_both(endpoint)
            endpoint.function("orders-worker", Timeout=3)
        hanging.faults.rates = {"hang": 1.0}
        answering.insights.fresh_ms = 0  # the probe need not wait for it
        yield [
            *_without_log(folder),
            *_local(folder, log_bytes),
            *_on_cloudwatch("answering", answering, hangs=False),
            *_on_cloudwatch("hanging", hanging, hangs=True),
        ]


def _without_log(folder: Path) -> Iterator[Subject]:
    handler = folder / "app.py"
    handler.write_text(_HANDLER, encoding="utf-8")
    event = ("--event", '{"n": 0}')
    yield Subject(name="lab run", arguments=("lab", "run", f"{handler}:handler", *event))
    yield Subject(name="lab serve", arguments=("lab", "serve", "demo"), hangs=True)
    yield Subject(name="demo", arguments=("demo",))
    yield Subject(name="explain", arguments=("explain",))
    yield Subject(name="schema", arguments=("schema", "trace"))
    for command in ("vendor", "layer"):
        made = folder / command
        arguments = ("counters", command, str(made))
        yield Subject(name=f"counters {command}", arguments=arguments, left=partial(_remove, made))


def _remove(folder: Path) -> Sequence[str]:
    """Remove what a run made, so that the next one can make it again."""
    shutil.rmtree(folder, ignore_errors=True)
    return ()


def _local(folder: Path, log_bytes: int) -> Iterator[Subject]:
    log = folder / "log.jsonl"
    environment = Environment("a").runs(ID, ends="error").at(70).runs(ID)
    events = environment.prints("x" * 40_000).events
    request, noise = "".join(map(line_of, events[:-1])), line_of(events[-1])
    log.write_text(request + noise * (log_bytes // len(noise)), encoding="utf-8")
    saved = ("--from", str(log), "-q")
    for command in ("trace", "diff"):
        yield Subject(name=f"{command} saved", arguments=(command, ID, *saved))
    yield Subject(name="trace stdin", arguments=("trace", ID, "--from", "-"), stdin=log)
    for command in ("summary", "list", "check"):
        yield Subject(name=f"{command} saved", arguments=(command, *saved))


def _on_cloudwatch(kind: str, endpoint: Endpoint, *, hangs: bool) -> Iterator[Subject]:
    at = ("--endpoint-url", endpoint.url)
    window = ("orders-worker", "--since", "24h", *at)
    lines = {
        "trace": ("trace", WRONG, RIGHT, "-g", GROUP, *at),
        "trace --wait": ("trace", WRONG, "-g", GROUP, "--wait", *at),
        "diff": ("diff", WRONG, "-g", GROUP, *at),
        "doctor": ("doctor", "orders-worker", *at),
        "probe": ("probe", "--yes", *at),
        "summary": ("summary", *window),
        "list": ("list", *window),
        "check": ("check", *window, "--allow-empty"),
    }
    for command, arguments in lines.items():
        name = f"{command} {kind}"
        yield Subject(
            name=name,
            arguments=arguments,
            environment=CREDENTIALS,
            hangs=hangs,
            left=lambda: _remove_groups(endpoint),
        )


def _remove_groups(endpoint: Endpoint) -> list[str]:
    """Remove the log groups that a probe left, and return their names."""
    left = [group for group in endpoint.store.groups() if group.name.startswith(PREFIX)]
    for group in left:
        endpoint.store.remove(group)
    return [group.name for group in left]


def campaign(
    subject: Subject,
    moments: int,
    seed: int,
    length_s: float | None = None,
    *,
    longest_s: float = LONGEST_END_S,
) -> Iterator[str]:
    """Yield a sentence for each run that did not end as it must, within ``longest_s``.

    A command that has its answer may still end by itself, at once. The moments lie within
    ``length_s``; by default within the time that the command takes.
    """
    _adopt_orphans()
    chance = random.Random(f"{seed}/{subject.name}")
    if length_s is None:
        length_s = 2.0 if subject.hangs else _run(subject, None, None).seconds
    for _ in range(moments):
        number = chance.choice(SIGNALS)
        moment_s = chance.uniform(0.0, length_s)
        end = _run(subject, number, moment_s, longest_s)
        for wrong in end.wrong(number, longest_s):
            yield f"{subject.name}: {number.name} after {moment_s:.3f} s: {wrong}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    seconds: float
    status: int
    errors: str
    files: Sequence[str]
    processes: Sequence[str]

    def wrong(self, number: signal.Signals, longest_s: float) -> Iterator[str]:
        """Yield what is wrong with the end."""
        if self.seconds > longest_s:
            yield f"ended after {self.seconds:.1f} s"
        # The signal may come when the exit status is known already.
        by_itself = self.status in (0, 1) and self.seconds < longest_s * _SHARE_OF_LAST_STEPS
        # A negative status is the signal's default action, which a shell shows as 128 + number.
        if self.status not in (128 + number, -number) and not by_itself:
            yield f"status {self.status}"
        if "Traceback" in self.errors or "Exception" in self.errors:
            yield f"stderr: {self.errors[-600:]}"
        if self.files:
            yield f"left {self.files}"
        if self.processes:
            yield f"processes left: {self.processes}"


def _run(
    subject: Subject,
    number: signal.Signals | None,
    moment_s: float | None,
    longest_s: float = LONGEST_END_S,
) -> _End:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        given = stack.enter_context(subject.stdin.open("rb")) if subject.stdin else None
        errors = stack.enter_context(tempfile.TemporaryFile())
        started, ready = os.pipe()
        others = _children()
        with subprocess.Popen(
            [PYTHON, "-c", _PROGRAM, str(ready), *subject.arguments],
            pass_fds=(ready,),
            env=environment({**subject.environment, "TMPDIR": str(folder)}),
            stdin=given or subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        ) as process:
            os.close(ready)
            os.read(started, 1)
            os.close(started)
            began = time.monotonic()
            if number:
                process.send_signal(0 if _has_ended(process, moment_s) else number)
                began = time.monotonic()
            if not _has_ended(process, 30 * longest_s):
                process.kill()
            seconds = time.monotonic() - began
        left = _orphans(others, longest_s * _SHARE_OF_LAST_STEPS)
        errors.seek(0)
        printed = errors.read().decode(errors="replace")
        unnamed = [name for name in subject.left() if name not in printed]
        return _End(
            seconds=seconds,
            status=process.returncode,
            errors=printed,
            files=sorted(os.listdir(folder)) + unnamed,
            processes=left,
        )


def _has_ended(process: subprocess.Popen[bytes], wait_s: float | None) -> bool:
    try:
        process.wait(wait_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _adopt_orphans() -> None:
    """Make this process the parent of every process that its children leave behind."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _orphans(others: Collection[int], wait_s: float) -> list[str]:
    """The children beside ``others`` that still run after ``wait_s``, which are then killed."""
    ends = time.monotonic() + wait_s
    while (left := _running(set(_children()) - set(others))) and time.monotonic() < ends:
        time.sleep(0.01)
    commands = []
    for pid in left:
        commands.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return commands


def _children() -> list[int]:
    """The children of this process; other tests of it have some, such as a browser."""
    pids: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # the thread has ended
            pids += map(int, (task / "children").read_text().split())
    return pids


def _running(pids: Iterable[int]) -> list[int]:
    """Those that run; those that have ended are reaped."""
    return [pid for pid in pids if os.waitpid(pid, os.WNOHANG) == (0, 0)]


def main(arguments: Sequence[str]) -> int:
    """Run the whole campaign: the number of moments, then names of commands (default: all)."""
    moments, wanted = int(arguments[0]), arguments[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also under ``nohup … &``
    failures = Counter[str]()
    with tempfile.TemporaryDirectory() as folder, subjects(Path(folder)) as every:
        for subject in every:
            if wanted and subject.name not in wanted:
                continue
            for failure in campaign(subject, moments, seed=1):
                failures[subject.name] += 1
                print(failure, flush=True)
            print(f"{subject.name}: {failures[subject.name]} of {moments} wrong", flush=True)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
