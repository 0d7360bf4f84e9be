"""The AWS configuration of the host, which a function must not see."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from pathlib import Path

from retryctl.lab.function import HOME

_FILE_VARIABLES = (
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "BOTO_CONFIG",
)
_IN_HOME = (".aws", ".boto")


def hidden_paths() -> list[str]:
    """Return the files and folders of the host's AWS configuration, and Lambda's own home."""
    homes = {os.path.expanduser("~")}
    with suppress(KeyError):  # a user without an entry, as in many containers
        homes.add(pwd.getpwuid(os.getuid()).pw_dir)
    paths = {Path(home, name) for home in homes for name in _IN_HOME}
    paths |= {Path(os.environ[name]) for name in _FILE_VARIABLES if os.environ.get(name)}
    found = {str(path.absolute()) for path in paths} | {os.path.realpath(path) for path in paths}
    return sorted({*found, "/etc/boto.cfg", HOME})
