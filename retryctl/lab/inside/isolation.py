"""A /tmp of its own for the function's process: namespaces, bubblewrap, or patched file calls.

The ways are tried in the order of the settings. The reason of each refusal is kept for the lab.
"""

from __future__ import annotations

import json
import os
import sys

from retryctl.lab.inside import mounts, namespaces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BUBBLEWRAP_DONE = "bubblewrap_done"

_INSIDE = os.path.dirname(os.path.abspath(__file__))
_PACKAGE = os.path.dirname(os.path.dirname(_INSIDE))
_BOOTSTRAP = os.path.join(_INSIDE, "bootstrap.py")


class IsolationChoice:
    """The way that worked, where it put the code and the layers, and why others were ``refused``.

    ``redirect_to`` is the folder for patched file calls, ``keep`` what they leave in place.
    """

    def __init__(self, name: str, task: str, layers: str) -> None:
        self.name = name
        self.task = task
        self.layers = layers
        self.redirect_to: str | None = None
        self.keep: list[str] = []
        self.refused: dict[str, str] = {}


def isolate(settings: dict[str, Any]) -> IsolationChoice:
    """Give this process its /tmp by the first way that works.

    :raises SystemExit: none of the ways works; the lab shows the text.
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
    """Enter the environment's namespaces, or make them."""
    if settings.get("namespace_fds"):
        return _joined("namespaces", settings)
    wanted = mounts.plan(settings, _reachable(settings))
    if _has_choice(settings):
        _try_namespaces(wanted)
    namespaces.enter(wanted)
    return IsolationChoice("namespaces", mounts.TASK, mounts.LAYERS)


def _has_choice(settings: dict[str, Any]) -> bool:
    """Whether there is another way, so that this one is tried first where it can do no harm."""
    return len(settings["isolation"]) > 1


def _try_namespaces(wanted: list[mounts.Mount]) -> None:
    """Enter them in a child: there is no way back.

    A host may refuse the third step of five, and leave a process without its user and files.
    """
    answer, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            namespaces.enter(wanted)
        except BaseException as error:
            os.write(writer, str(error).encode())
            os._exit(1)
        os._exit(0)
    os.close(writer)
    refusal = os.read(answer, 4096).decode()
    os.close(answer)
    if os.waitpid(child, 0)[1]:
        raise OSError(refusal or "the test process ended at once")


def _joined(name: str, settings: dict[str, Any]) -> IsolationChoice:
    """Enter the environment's namespaces, which its first process made: /tmp is as it was left."""
    namespaces.join(settings["namespace_fds"])
    for fd in settings["namespace_fds"]:
        os.close(fd)
    return IsolationChoice(name, mounts.TASK, mounts.LAYERS)


def _bubblewrap(settings: dict[str, Any]) -> IsolationChoice:
    """Run this program once more, inside bubblewrap, where it finds everything done."""
    if settings.get("namespace_fds"):
        return _joined("bubblewrap", settings)
    if settings.get(BUBBLEWRAP_DONE):
        return IsolationChoice("bubblewrap", mounts.TASK, mounts.LAYERS)
    program = settings["bwrap"]
    if program is None:
        raise OSError("bwrap is not installed")
    wrap = [program, *_bubblewrap_options(settings)]
    if _has_choice(settings):
        _try_bubblewrap(wrap)
    again = json.dumps({**settings, BUBBLEWRAP_DONE: True, "isolation": ["bubblewrap"]})
    return os.execv(program, [*wrap, sys.executable, _BOOTSTRAP, again])


def _try_bubblewrap(wrap: list[str]) -> None:
    """Run /bin/true in it: once it replaces this process there is no way back."""
    import subprocess

    trial = subprocess.run([*wrap, "/bin/true"], capture_output=True, check=False, text=True)
    if trial.returncode:
        raise OSError(trial.stderr.strip() or f"bwrap ended with status {trial.returncode}")


def _bubblewrap_options(settings: dict[str, Any]) -> list[str]:
    options = ["--dev-bind", "/", "/"]
    for mount in mounts.plan(settings, _reachable(settings)):
        options += _option(mount)
    return options


def _option(mount: mounts.Mount) -> list[str]:
    if mount.kind == "tmpfs":
        size = str(mount.size_mb * 1024 * 1024)
        mode = "1777" if mount.target == "/tmp" else "755"
        return ["--perms", mode, "--size", size, "--tmpfs", mount.target]
    if mount.kind == "read-only":
        return ["--remount-ro", mount.target]
    option = {"bind": "--dev-bind", "bind-read-only": "--ro-bind", "symlink": "--symlink"}
    return [option[mount.kind], mount.source, mount.target]


def _patched(settings: dict[str, Any]) -> IsolationChoice:
    found = IsolationChoice("patched", settings["task"], settings.get("layers") or "")
    found.redirect_to = settings["tmp"]
    found.keep = [*_reachable(settings), settings["task"], *filter(None, [found.layers])]
    return found


def _reachable(settings: dict[str, Any]) -> list[str]:
    """Return the folders under /tmp that stay in view: of the interpreter and this package."""
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
