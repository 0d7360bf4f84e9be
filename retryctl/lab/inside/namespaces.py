"""A function's own view of the files by Linux mount namespaces, from the standard library.

Works as root, and as an ordinary user where the host allows user namespaces. The process
keeps its user and group. Sources: unshare(2), setns(2), mount(2), user_namespaces(7).
"""

from __future__ import annotations

import ctypes
import errno
import os

from retryctl.lab.inside.mounts import Mount

_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_BIND, _REC, _PRIVATE, _REMOUNT = 0x1000, 0x4000, 0x40000, 0x20
_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8


def enter(mounts: list[Mount]) -> None:
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


def join(fds: list[int]) -> None:
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
