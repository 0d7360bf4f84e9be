"""A private /tmp and a read-only /var/task by Linux mount namespaces, from the standard library.

Works as root, and as an ordinary user where the host allows user namespaces. The process
keeps its user and group. Sources: unshare(2), mount(2), user_namespaces(7).
"""

from __future__ import annotations

import ctypes
import errno
import os

TASK = "/var/task"

_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_BIND, _REC, _PRIVATE, _REMOUNT = 0x1000, 0x4000, 0x40000, 0x20
_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8


def enter(tmp: str, task: str, keep: list[str]) -> None:
    """Make ``tmp`` this process's /tmp, and ``task`` its /var/task, which it may only read.

    ``keep`` are folders under /tmp that stay in view.

    :raises OSError: the host refuses. The process is then fit for nothing else.
    :raises AttributeError: not Linux.
    """
    _unshare()
    _mount("none", "/", _REC | _PRIVATE)
    # Opened after unshare (a bind from another mount namespace is EINVAL), before anything
    # is mounted over them.
    binds = [(_open(path), path) for path in keep]
    var = [(path, _open(path)) for path in children_of_var() if not os.path.islink(path)]
    links = [(path, os.readlink(path)) for path in children_of_var() if os.path.islink(path)]
    task_fd, tmp_fd = _open(task), _open(tmp)

    # /var/task cannot be made in the host's /var, so /var is built again, with all that was there.
    _mount("tmpfs", "/var", 0, "tmpfs", "mode=755,size=1m")
    for path, target in links:
        os.symlink(target, path)
    for path, fd in var:
        os.mkdir(path)
        _bind(fd, path)
    if not os.path.isdir(TASK):
        os.mkdir(TASK)
    _bind(task_fd, TASK)
    _mount(None, TASK, _BIND | _REMOUNT | _RDONLY | _flags(TASK))
    _bind(tmp_fd, "/tmp")
    for fd, path in binds:
        os.makedirs(path, exist_ok=True)
        _bind(fd, path)


def children_of_var() -> list[str]:
    """The folders and links in /var, but for the function's own."""
    paths = (os.path.join("/var", name) for name in sorted(os.listdir("/var")))
    return [p for p in paths if p != TASK and (os.path.isdir(p) or os.path.islink(p))]


def _unshare() -> None:
    """A mount namespace: as root without a user namespace where that is allowed."""
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


def _open(path: str) -> int:
    return os.open(path, os.O_PATH)


def _bind(fd: int, path: str) -> None:
    _mount(f"/proc/self/fd/{fd}", path, _BIND | _REC)
    os.close(fd)


def _flags(path: str) -> int:
    """The restrictions a mount has already, which a user namespace must not lift."""
    return os.statvfs(path).f_flag & (_NOSUID | _NODEV | _NOEXEC)


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
