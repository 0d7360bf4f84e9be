"""The Python interpreter of a function: where it is, its version, and Lambda's name for it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys

from retryctl.errors import CouldNotRead
from retryctl.lab.function import REGION

_NEXT_STEP = "Name another with --python."
_OLDEST = (3, 9)


def default_python() -> str:
    """Return the interpreter of ``$VIRTUAL_ENV``, else retryctl's own."""
    environment = os.environ.get("VIRTUAL_ENV", "")
    path = os.path.join(environment, "bin", "python")
    return path if environment and os.access(path, os.X_OK) else sys.executable


def find_interpreter(name: str) -> str:
    """Return the path of an interpreter, links unresolved: they are what makes a venv.

    :raises CouldNotRead: the program does not exist.
    """
    path = shutil.which(name)
    if path is None:
        raise CouldNotRead(f"the interpreter {name} was not found", _NEXT_STEP)
    return os.path.abspath(path)


def interpreter_version(path: str) -> str:
    """Return the interpreter's version, as ``3.13``.

    :raises CouldNotRead: it is not an interpreter, or too old for the lab.
    """
    if path == sys.executable:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False)
    found = re.fullmatch(r"(\d+)\.(\d+)\n", answer.stdout)
    if answer.returncode or found is None:
        raise CouldNotRead(f"{path} does not run as a Python interpreter", _NEXT_STEP)
    if (int(found[1]), int(found[2])) < _OLDEST:
        raise CouldNotRead(
            f"{path} is Python {found[0].strip()}, and the lab runs 3.9 and later", _NEXT_STEP
        )
    return found[0].strip()


def made_runtime(version: str) -> tuple[str, str]:
    """Return the runtime's version and ARN, in the form of Lambda's; the build is a made one."""
    name = f"python:{version}.v74"
    build = hashlib.sha256(name.encode()).hexdigest()
    return name, f"arn:aws:lambda:{REGION}::runtime:{build}"
