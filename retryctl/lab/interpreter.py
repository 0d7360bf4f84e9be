"""The function's Python interpreter: where it is, and what Lambda would call it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys

from retryctl.errors import CouldNotLook
from retryctl.lab.function import REGION

_NEXT_STEP = "Name another with --python."


def find(name: str) -> str:
    """Return the path of an interpreter, links unresolved: they are what makes a venv.

    :raises CouldNotLook: there is no such program.
    """
    path = shutil.which(name)
    if path is None:
        raise CouldNotLook(f"there is no interpreter {name}", _NEXT_STEP)
    return os.path.abspath(path)


def version(path: str) -> str:
    """Return the interpreter's version, as ``3.13``.

    :raises CouldNotLook: it is no interpreter.
    """
    if path == sys.executable:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False)
    if answer.returncode:
        raise CouldNotLook(f"{path} does not run as a Python interpreter", _NEXT_STEP)
    return answer.stdout.strip()


def runtime_version(version: str) -> tuple[str, str]:
    """Return the runtime's version and ARN, in the form of Lambda's; the build is a made one."""
    name = f"python:{version}.v74"
    build = hashlib.sha256(name.encode()).hexdigest()
    return name, f"arn:aws:lambda:{REGION}::runtime:{build}"
