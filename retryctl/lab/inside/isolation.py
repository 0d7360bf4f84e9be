"""A /tmp of its own for the function's process: namespaces, bubblewrap, or patched file calls.

Each way is tried in the order asked for; why one was refused is kept, so that the lab can say it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from retryctl.lab.inside import namespaces

BUBBLEWRAP_DONE = "bubblewrap_done"

_INSIDE = os.path.dirname(os.path.abspath(__file__))
_PACKAGE = os.path.dirname(os.path.dirname(_INSIDE))
_BOOTSTRAP = os.path.join(_INSIDE, "bootstrap.py")


class IsolationChoice:
    """The way that worked, where it put the function's code, and why others were ``refused``."""

    def __init__(self, name: str, task: str) -> None:
        self.name = name
        self.task = task
        self.redirect_to: str | None = None
        self.keep: list[str] = []
        self.refused: dict[str, str] = {}


def isolate(settings: dict[str, Any]) -> IsolationChoice:
    """Give this process its /tmp by the first way that works.

    :raises SystemExit: none of the ways asked for works; the lab shows the text.
    """
    refused: dict[str, str] = settings.setdefault("refused", {})
    for name in settings["isolation"]:
        try:
            found = WAYS[name](settings)
        except (OSError, AttributeError) as error:  # noqa: PERF203 - at most three turns
            refused[name] = str(error)
        else:
            found.refused = refused
            return found
    raise SystemExit(f"no private /tmp: {refused}")


def _namespaces(settings: dict[str, Any]) -> IsolationChoice:
    """Enter namespaces, once a child has shown that it can be done: there is no way back.

    A host may refuse the third step of five, and leave a process that is nobody, nowhere.
    """
    where = (settings["tmp"], settings["task"], _reachable(settings))
    answer, said = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            namespaces.enter(*where)
        except BaseException as error:
            os.write(said, str(error).encode())
            os._exit(1)
        os._exit(0)
    os.close(said)
    refusal = os.read(answer, 4096).decode()
    os.close(answer)
    if os.waitpid(child, 0)[1]:
        raise OSError(refusal or "the trial ended at once")
    namespaces.enter(*where)
    return IsolationChoice("namespaces", namespaces.TASK)


def _bubblewrap(settings: dict[str, Any]) -> IsolationChoice:
    """Run this program once more, inside bubblewrap, where it finds everything done."""
    if settings.get(BUBBLEWRAP_DONE):
        return IsolationChoice("bubblewrap", namespaces.TASK)
    program = settings["bwrap"]
    if program is None:
        raise OSError("bwrap is not installed")
    wrap = [program, *_bubblewrap_options(settings)]
    # Once it replaces this process there is no way back, so it is tried on a trifle before.
    trial = subprocess.run([*wrap, "/bin/true"], capture_output=True, check=False, text=True)
    if trial.returncode:
        raise OSError(trial.stderr.strip() or f"bwrap ended with status {trial.returncode}")
    again = json.dumps({**settings, BUBBLEWRAP_DONE: True, "isolation": ["bubblewrap"]})
    return os.execv(program, [*wrap, sys.executable, _BOOTSTRAP, again])


def _bubblewrap_options(settings: dict[str, Any]) -> list[str]:
    options = ["--dev-bind", "/", "/", "--tmpfs", "/var"]
    for path in namespaces.children_of_var():
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        else:
            options += ["--dev-bind", path, path]
    options += ["--bind", settings["tmp"], "/tmp", "--ro-bind", settings["task"], namespaces.TASK]
    for path in _reachable(settings):
        options += ["--dev-bind", path, path]
    return options


def _patched(settings: dict[str, Any]) -> IsolationChoice:
    found = IsolationChoice("patched", settings["task"])
    found.redirect_to = settings["tmp"]
    found.keep = [*_reachable(settings), settings["task"]]
    return found


def _reachable(settings: dict[str, Any]) -> list[str]:
    """Folders under /tmp that the interpreter and this package live in: they stay in view."""
    wanted = {
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        os.path.dirname(sys.executable),
        _PACKAGE,
    }
    wanted.update(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    inside = [os.path.realpath(path) for path in wanted]
    return sorted({p for p in inside if p.startswith("/tmp/") and os.path.isdir(p)})


WAYS = {"namespaces": _namespaces, "bubblewrap": _bubblewrap, "patched": _patched}
