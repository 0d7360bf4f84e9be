"""Redirect this process's file calls under /tmp to a private folder, where namespaces are refused.

Covers ``open``, ``os`` and all that is built on them: ``pathlib``, ``glob``, ``shutil``,
``tempfile``. An audit hook refuses other Python calls that would reach the real /tmp, such as
``sqlite3.connect``. The host's AWS configuration does not exist for these calls. Neither covers
other programs that the function starts, nor C libraries that open files by themselves. Must run
before ``pathlib`` is imported, which in 3.9 keeps the functions of ``os`` that it found.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Callable
from typing import Any

ROOTS = ("/tmp", "/private/tmp")
_NOWHERE = "/nonexistent/retryctl-lab"

_ONE_PATH = (
    *("access", "chdir", "chflags", "chmod", "chown", "getxattr", "lchown", "link", "listdir"),
    *("listxattr", "lstat", "mkdir", "mkfifo", "mknod", "open", "pathconf", "readlink", "remove"),
    *("removexattr", "rmdir", "scandir", "setxattr", "stat", "statvfs", "truncate", "unlink"),
    "utime",
)
_TWO_PATHS = ("link", "rename", "replace", "symlink")
_AUDITED = {
    *("open", "sqlite3.connect", "os.chdir", "os.chmod", "os.chown", "os.link", "os.listdir"),
    *("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir", "os.symlink"),
    *("os.truncate", "os.utime"),
}


class Redirect:
    """Maps paths under /tmp to ``private``, and ``hidden`` paths to nowhere, but for ``keep``."""

    def __init__(self, private: str, keep: list[str], hidden: list[str]) -> None:
        self._private = os.path.realpath(private)
        self._keep = [self._private, *map(os.path.realpath, keep)]
        self._hidden = hidden

    def __call__(self, path: Any) -> Any:
        """Return the path to use instead of ``path``; file descriptors and the like unchanged."""
        root = self._root_of(path)
        if root is None:
            return path
        text = os.fspath(path)
        place = self._private if root in ROOTS else _NOWHERE
        moved = place + _normal(text)[len(root) :]
        return os.fsencode(moved) if isinstance(text, bytes) else moved

    def refuse(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse, as an audit hook, what would reach the real /tmp or a hidden file."""
        if event not in _AUDITED:
            return
        for path in arguments[:2]:
            root = self._root_of(path)
            if root in ROOTS:
                raise PermissionError(
                    f"{event} of {path!r} would reach the host's /tmp: the lab has no private /tmp "
                    "for it here (no namespaces, no bubblewrap)"
                )
            if root is not None:
                raise FileNotFoundError(f"{path!r} is hidden by the lab")

    def _root_of(self, path: Any) -> str | None:
        """Return the root that ``path`` lies under; ``None`` where it stays."""
        if not (isinstance(path, (str, bytes)) or hasattr(path, "__fspath__")):
            return None
        text = _normal(path)
        for root in self._hidden:
            if text == root or text.startswith(root + "/"):
                return root
        for root in ROOTS:
            if text == root or text.startswith(root + "/"):
                kept = any(text == k or text.startswith(k + "/") for k in self._keep)
                return None if kept else root
        return None


def _normal(path: Any) -> str:
    """Return the path as normal text: ``/tmp/../etc`` is not under /tmp, and ``//tmp`` is."""
    text = os.path.normpath(os.fsdecode(path))
    return text[1:] if text.startswith("//") else text


class _Redirected:
    """A file call with redirected paths.

    An object, not a function: ``pathlib`` of 3.9 keeps such calls as class attributes, where
    a function would bind.
    """

    def __init__(self, call: Callable[..., Any], redirect: Redirect, paths: int) -> None:
        self._call = call
        self._redirect = redirect
        self._paths = paths
        self.__name__ = call.__name__

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        moved = [self._redirect(path) for path in arguments[: self._paths]]
        for name in ("path", "src", "dst", "file", "target"):
            if name in options:
                options[name] = self._redirect(options[name])
        try:
            return self._call(*moved, *arguments[self._paths :], **options)
        except OSError as error:
            for number, place in enumerate(moved):
                if place is not arguments[number] and error.filename == place:
                    error.filename = arguments[number]  # as the function knows it
            raise


def redirect_calls(private: str, keep: list[str], hidden: list[str]) -> None:
    """Redirect the file calls of this process: see ``Redirect``."""
    redirect = Redirect(private, keep, hidden)
    for name in {*_ONE_PATH, *_TWO_PATHS}:
        real = getattr(os, name, None)
        if real is None:
            continue
        moved = _Redirected(real, redirect, 2 if name in _TWO_PATHS else 1)
        setattr(os, name, moved)
        for capable in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks):
            if real in capable:
                capable.add(moved)
    builtins.open = io.open = _Redirected(builtins.open, redirect, 1)
    os.environ["TMPDIR"] = "/tmp"
    sys.addaudithook(redirect.refuse)
