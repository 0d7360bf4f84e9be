"""A /tmp of its own for the function's process: namespaces, bubblewrap, or patched file calls.

The ways are tried in the order of the settings. The reason of each refusal is kept for the lab.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import sys

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


def mount_plan(settings: dict[str, Any], keep: list[str]) -> list[Mount]:
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


# --------------------------------------------------------------------------- namespaces


_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_BIND, _REC, _PRIVATE, _REMOUNT = 0x1000, 0x4000, 0x40000, 0x20
_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8


def enter_namespaces(mounts: list[Mount]) -> None:
    """Make ``mounts`` in a mount namespace of this process.

    :raises OSError: the host refuses. The process can then be used for nothing else.
    :raises AttributeError: not Linux.
    """
    _unshare()
    _mount("none", "/", _REC | _PRIVATE)
    # Opened after unshare (a bind from another mount namespace is EINVAL), before anything
    # is mounted over them.
    binds = [m for m in mounts if m.kind in ("bind", "bind-read-only")]
    sources = {m.source: os.open(m.source, os.O_PATH) for m in binds}
    for mount in mounts:
        _make(mount, sources.get(mount.source))
    for fd in sources.values():
        os.close(fd)


def join_namespaces(fds: list[int]) -> None:
    """Enter the namespaces of an earlier process, by descriptors of ``/proc/PID/ns``."""
    libc = ctypes.CDLL(None, use_errno=True)
    for fd in fds:
        if libc.setns(fd, 0):
            raise _error("setns")


def _make(mount: Mount, source_fd: int | None) -> None:
    target = mount.target
    if mount.kind == "tmpfs":
        os.makedirs(target, exist_ok=True)
        mode = 1777 if target == "/tmp" else 755
        _mount("tmpfs", target, 0, "tmpfs", f"mode={mode},size={mount.size_mb}m")
    elif mount.kind == "symlink":
        if not os.path.lexists(target):
            os.symlink(mount.source, target)
    elif mount.kind == "read-only":
        _close(target)
    else:
        source = f"/proc/self/fd/{source_fd}"
        _make_place(target, is_folder=os.path.isdir(source))
        _mount(source, target, _BIND | _REC)
        if mount.kind == "bind-read-only":
            _close(target)


def _make_place(target: str, *, is_folder: bool) -> None:
    if os.path.exists(target):
        return
    if is_folder:
        os.makedirs(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))


def _close(target: str) -> None:
    """Make a mount read-only, with the restrictions that a user namespace must not lift."""
    flags = os.statvfs(target).f_flag & (_NOSUID | _NODEV | _NOEXEC)
    _mount(None, target, _BIND | _REMOUNT | _RDONLY | flags)


def _unshare() -> None:
    """Unshare the mount namespace: as root without a user namespace where that is allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if uid == 0 and libc.unshare(_NEWNS) == 0:
        return
    if libc.unshare(_NEWNS | _NEWUSER):
        if ctypes.get_errno() == errno.ENOSPC:  # user.max_user_namespaces
            raise OSError("the host allows no user namespace")
        raise _error("unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _mount(
    source: str | None, target: str, flags: int, kind: str | None = None, data: str | None = None
) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    texts = [None if t is None else os.fsencode(t) for t in (source, target, kind, data)]
    if libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]):
        raise _error(f"mount {target}")


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), what)


# --------------------------------------------------------------------------- the ways


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
    wanted = mount_plan(settings, _reachable(settings))
    if _has_choice(settings):
        _try_namespaces(wanted)
    enter_namespaces(wanted)
    return IsolationChoice("namespaces", TASK, LAYERS)


def _has_choice(settings: dict[str, Any]) -> bool:
    """Whether there is another way, so that this one is tried first where it can do no harm."""
    return len(settings["isolation"]) > 1


def _try_namespaces(wanted: list[Mount]) -> None:
    """Enter them in a child: there is no way back.

    A host may refuse the third step of five, and leave a process without its user and files.
    """
    answer, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            enter_namespaces(wanted)
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
    join_namespaces(settings["namespace_fds"])
    for fd in settings["namespace_fds"]:
        os.close(fd)
    return IsolationChoice(name, TASK, LAYERS)


def _bubblewrap(settings: dict[str, Any]) -> IsolationChoice:
    """Run this program once more, inside bubblewrap, where it finds everything done."""
    if settings.get("namespace_fds"):
        return _joined("bubblewrap", settings)
    if settings.get(BUBBLEWRAP_DONE):
        return IsolationChoice("bubblewrap", TASK, LAYERS)
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
    for mount in mount_plan(settings, _reachable(settings)):
        options += _option(mount)
    return options


def _option(mount: Mount) -> list[str]:
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
