"""What a function sees of the host's files, as a list of mounts.

Namespaces and bubblewrap carry out the same list. Mounts come in order: a later one hides an
earlier one at the same place.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TASK = "/var/task"
LAYERS = "/opt"
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")


class Mount:
    """One step. ``kind``: ``tmpfs`` (``size_mb``), ``bind``, ``bind-read-only``, ``symlink``, or
    ``read-only``, which closes a tmpfs. ``source`` is a path of the host, or a link's text."""

    def __init__(self, kind: str, target: str, source: str = "", size_mb: int = 1) -> None:
        self.kind = kind
        self.target = target
        self.source = source
        self.size_mb = size_mb


def plan(settings: dict[str, Any], keep: list[str]) -> list[Mount]:
    """Return the mounts for a function; ``keep`` are folders under /tmp that stay in view.

    ``/var/task`` and ``/opt`` cannot be made in the host's folders, so these are built again with
    all that was there. So is ``/home``, without a place for the function's own home, and ``/dev``,
    without shared memory. ``settings["hidden"]`` is the host's AWS configuration.
    """
    task = settings["task"]
    mounts = [*_rebuilt("/var", without=TASK), Mount("bind-read-only", TASK, task)]
    if settings.get("layers"):
        mounts += [*_rebuilt(LAYERS), *_children("bind-read-only", settings["layers"], LAYERS)]
    mounts += [*_devices(), *_rebuilt("/home"), Mount("read-only", "/home")]
    mounts.append(Mount("tmpfs", "/tmp", size_mb=settings["ephemeral_mb"]))
    mounts += [Mount("bind", path, path) for path in keep]
    for path in _outermost(settings["hidden"]):
        inside_task = path.startswith(task + os.sep)
        mounts += _hidden(path, TASK + path[len(task) :]) if inside_task else []
        if _in_view(path, keep):
            mounts += _hidden(path, path)
    return mounts


def _rebuilt(folder: str, without: str = "") -> list[Mount]:
    if os.path.islink(folder) or not os.path.isdir(folder):
        return []
    return [Mount("tmpfs", folder), *_children("bind", folder, folder, without)]


def _children(kind: str, source: str, target: str, without: str = "") -> list[Mount]:
    """Return a mount for each folder and link in ``source``."""
    mounts = []
    for name in sorted(os.listdir(source)):
        path, place = os.path.join(source, name), os.path.join(target, name)
        if os.path.islink(path):
            mounts.append(Mount("symlink", place, os.readlink(path)))
        elif os.path.isdir(path) and place != without:
            mounts.append(Mount(kind, place, path))
    return mounts


def _devices() -> list[Mount]:
    """Return the devices that Lambda has: no ``/dev/shm`` among them."""
    paths = [os.path.join("/dev", name) for name in _DEVICES]
    mounts = [Mount("tmpfs", "/dev"), *(Mount("bind", p, p) for p in paths if os.path.exists(p))]
    links = {"fd": "/proc/self/fd"} | {
        name: f"/proc/self/fd/{fd}" for fd, name in enumerate(("stdin", "stdout", "stderr"))
    }
    return [*mounts, *(Mount("symlink", f"/dev/{name}", text) for name, text in links.items())]


def _outermost(paths: list[str]) -> list[str]:
    """Return the paths that do not lie in another of them."""
    return [p for p in paths if not any(p.startswith(other + os.sep) for other in paths)]


def _hidden(path: str, target: str) -> list[Mount]:
    """Return the mounts that put an empty folder or file there."""
    if os.path.isdir(path):
        return [Mount("tmpfs", target), Mount("read-only", target)]
    return [Mount("bind", target, "/dev/null")] if os.path.exists(path) else []


def _in_view(path: str, keep: list[str]) -> bool:
    """Whether the function would see a path of the host: of /tmp it sees only what is kept."""
    return not path.startswith("/tmp/") or any(path.startswith(k + os.sep) for k in keep)
