"""What can go wrong, and the exit status of each.

::

    RetryctlError
    ├── UsageError             2    an option, a time, an ID or a settings file that cannot be read
    ├── CouldNotRead           3    nothing could be read
    │   ├── NoCredentials           AWS does not know the caller
    │   ├── LoginExpired            a login (SSO, MFA, role session) has run out
    │   ├── AccessDenied            AWS knows the caller, and refuses
    │   ├── NoSuchLogGroup          the log group is not there
    │   ├── Throttled               refused for its rate until the last retry
    │   ├── Unreachable             no answer from the service
    │   └── UnreadableInput         a saved log that cannot be opened or understood
    └── NothingFound           4    read, and there was nothing to report on

Every error has what happened and why (``what``) and the next step (``next_step``).
"""

from __future__ import annotations

import shlex
import sys
from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit status of every command, with every output format."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    COULD_NOT_READ = 3
    NOTHING_FOUND = 4
    UNDETERMINED = 5
    INTERRUPTED = 130

    @classmethod
    def of(cls, passed: bool | None) -> ExitStatus:
        """Return the status of a result that is ``None`` where it is undetermined."""
        if passed is None:
            return cls.UNDETERMINED
        return cls.OK if passed else cls.CHECK_FAILED


def install_step(package: str, extra: str) -> str:
    """Return the command that installs a package which an extra of retryctl has.

    It depends on the tool that installed retryctl, which leaves a file of its own.
    """
    from pathlib import Path  # slow to import, and most commands need no package

    environment, package = Path(sys.prefix), shlex.quote(package)
    if (environment / "pipx_metadata.json").exists():
        return f"Run: pipx inject retryctl {package}"
    if (environment / "uv-receipt.toml").exists():
        return f"Run in a checkout: uv tool install --force '.[{extra}]'"
    return f"Run: {shlex.quote(sys.executable)} -m pip install {package}"


class RetryctlError(Exception):
    """The root of the tree. ``what`` is one sentence; ``next_step`` another, or empty."""

    status = ExitStatus.COULD_NOT_READ

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step


class UsageError(RetryctlError):
    """The command line or the settings cannot be understood."""

    status = ExitStatus.USAGE


class CouldNotRead(RetryctlError):
    """Nothing could be read."""


class NoCredentials(CouldNotRead):
    """No AWS credentials were found."""


class LoginExpired(CouldNotRead):
    """The credentials were good once."""


class AccessDenied(CouldNotRead):
    """An IAM action is not allowed."""


class NoSuchLogGroup(CouldNotRead):
    """The log group does not exist in this account and region."""


class Throttled(CouldNotRead):
    """The service refused for its rate, to the last retry."""


class Unreachable(CouldNotRead):
    """The service did not answer."""


def kind_of(error: type[RetryctlError]) -> str:
    """Return the kind that JSON documents name, which is stable: ``no-credentials``."""
    if error is CouldNotRead:
        return "could-not-look"
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in error.__name__).lstrip("-")


def reworded(error: RetryctlError, what: str) -> CouldNotRead:
    """Return an error with other words that also shows whether reading again can help."""
    kinds = (Throttled, Unreachable)
    kind = next((kind for kind in kinds if isinstance(error, kind)), CouldNotRead)
    return kind(what, error.next_step)


class UnreadableInput(CouldNotRead):
    """A saved log could not be opened, or is none of the shapes that are known.

    With ``hides_attempts`` it is a log all the same: damaged, packed, or of an unknown layout.
    """

    def __init__(self, what: str, next_step: str = "", *, hides_attempts: bool = False) -> None:
        super().__init__(what, next_step)
        self.hides_attempts = hides_attempts


class NothingFound(RetryctlError):
    """The log was read, and what was wanted is not there."""

    status = ExitStatus.NOTHING_FOUND
