"""Handlers with real libraries in the lab and in AWS's emulator: the same lines and responses?

Needs the wheel of aws-sam-cli for this interpreter, and for each PYTHON the libraries of
``tests/support/lab/library_handlers.py`` and awslambdaric::

    PYTHONPATH=. python benchmarks/lab_against_emulator.py [--only NAME] PYTHON...
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from retryctl.lab.function import HOME
from retryctl.lab.plugin import HandlerLab
from tests.support.lab.lambda_emulator import emulating, find_emulator, function_lines, invoke
from tests.support.lab.library_handlers import HANDLERS, LibraryHandler, comparable

warnings.simplefilter("ignore")


def in_the_lab(one: LibraryHandler, task: Path, python: str) -> tuple[list[str], str, str]:
    lab = HandlerLab(
        one.name, task, python=python, env=one.env, memory=2048, timeout=60, log_format="text"
    )
    request = lab.run("first", one.event, retries=0)
    lines = [e.event.message.removesuffix("\n") for e in lab.events if e.source == "function"]
    body = lab.attempts[0].body or b""
    return lines, body.decode(), request.request_id


def in_the_emulator(
    one: LibraryHandler, task: Path, python: str, emulator: Path, request_id: str
) -> tuple[list[str], str]:
    output = task.parent / "emulator.log"
    env = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_LAMBDA_FUNCTION_NAME": "app",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
        "AWS_REGION": "us-east-1",
        "HOME": HOME,
        "LAMBDA_TASK_ROOT": str(task),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/bin:/bin",
        "TZ": ":UTC",
        **one.env,
    }
    with emulating(emulator, task, one.name, output, python=python, env=env) as port:
        body = invoke(port, request_id, one.event)
        return function_lines(output, 1), body.decode()


def same_response(ours: str, theirs: str) -> bool:
    try:
        left, right = json.loads(ours), json.loads(theirs)
    except ValueError:
        return not ours or ours == theirs
    for document in (left, right):
        if isinstance(document, dict):
            document.pop("stackTrace", None)
            document.pop("requestId", None)
    return comparable([json.dumps(left)], "-") == comparable([json.dumps(right)], "-")


def compare(one: LibraryHandler, python: str, emulator: Path) -> tuple[bool, str, int]:
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        task = Path(folder, "task")
        task.mkdir()
        (task / "app.py").write_text(one.source, encoding="utf-8")
        lines, body, request_id = in_the_lab(one, task, python)
        their_lines, their_body = in_the_emulator(one, task, python, emulator, request_id)
        ours, theirs = comparable(lines, str(task)), comparable(their_lines, str(task))
        if ours != theirs:
            changed = [a for a, b in zip(ours, theirs, strict=False) if a != b][:1]
            other = [b for a, b in zip(ours, theirs, strict=False) if a != b][:1]
            return False, f"lines: {len(ours)} and {len(theirs)}; {changed} {other}", len(ours)
        if not same_response(body, their_body):
            return False, f"response: {body[:200]!r} and {their_body[:200]!r}", len(ours)
        return True, "", len(ours)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+")
    parser.add_argument("--only")
    parser.add_argument("--emulator", type=Path)
    asked = parser.parse_args()
    emulator = asked.emulator or find_emulator()
    if isinstance(emulator, str):
        print(emulator, file=sys.stderr)
        return 3
    failed = 0
    for python in asked.pythons:
        version = subprocess.run([python, "-V"], capture_output=True, text=True).stdout.strip()
        print(f"{version}: the lab beside the emulator")
        for name, one in HANDLERS.items():
            if asked.only not in (None, name):
                continue
            try:
                same, why, lines = compare(one, python, emulator)
            except Exception as error:
                same, why, lines = False, f"{type(error).__name__}: {error}", 0
            failed += not same and not one.differs
            result = "same" if same else f"differs ({one.differs or why})"
            print(f"  {name:<28} {lines:>4} lines  {result}", flush=True)
    print(f"{failed} unexplained differences")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
