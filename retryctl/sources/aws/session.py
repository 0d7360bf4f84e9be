"""The botocore session, and a credential cache that it shares with the AWS CLI."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retryctl.errors import NoCredentials, UsageError

CACHE_FOLDER = "~/.aws/cli/cache"
SSO_FOLDER = "~/.aws/sso/cache"
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_logger = logging.getLogger(__name__)


def new_session(*, profile: str | None, endpoint_url: str | None, config: Any) -> Any:
    """Return a botocore session whose nested clients (STS, SSO) use the endpoint and ``config``.

    Raises NoCredentials or UsageError where a variable has white space at an end.
    """
    from botocore.session import Session
    from botocore.utils import JSONFileCache

    class OneEndpointSession(Session):  # type: ignore[misc, unused-ignore]
        def create_client(self, *given: Any, **options: Any) -> Any:
            options["endpoint_url"] = options.get("endpoint_url") or endpoint_url
            own = options.get("config")
            options["config"] = config.merge(own) if own else config
            return super().create_client(*given, **options)

    refuse_white_space(profile)
    session = OneEndpointSession(profile=profile)
    resolver = session.get_component("credential_provider")
    provider = resolver.get_provider("assume-role")
    # One MFA code serves the AWS CLI and this program.
    provider.cache = RoleCache(_files(CACHE_FOLDER, JSONFileCache), CACHE_FOLDER)
    provider._prompter = mfa_code
    tokens = getattr(resolver.get_provider("sso"), "_token_provider", None)
    if loader := getattr(tokens, "_token_loader", None):
        loader._cache = CredentialCache(loader._cache, SSO_FOLDER)
    return session


def region_from_environment() -> str | None:
    """Return the region of AWS_REGION, which the AWS CLI reads and boto3 does not."""
    return os.environ.get("AWS_REGION") or None


def refuse_white_space(profile: str | None) -> None:
    """Refuse keys, tokens and regions from the environment that end in a newline, as secrets do."""
    names = _REGIONS if profile else (*_KEYS, *_REGIONS)
    for name in names:
        value = os.environ.get(name, "")
        if value == value.strip():
            continue
        what = f"{name} has white space or a newline at its start or end"
        next_step = f'Remove it: export {name}="$(printf %s "${name}" | tr -d \'[:space:]\')"'
        raise (NoCredentials if name in _KEYS else UsageError)(what, next_step)


def mfa_code(prompt: str) -> str:
    """Read an MFA code from the terminal. Raises EOFError where there is none."""
    import getpass

    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError as error:
        raise EOFError("no terminal for the MFA code") from error
    return getpass.getpass(prompt)


def _files(folder: str, kind: Callable[[str], Any]) -> Any:
    path = os.path.expanduser(folder)
    if path != folder:
        return kind(path)
    _logger.debug("HOME is not set: going on without %s", folder)
    return {}


class CredentialCache:
    """A cache of credentials, in files that may be missing, torn or not writable.

    Each such case counts as an empty cache, and is logged once for ``--debug``. What cannot be
    written stays in memory.
    """

    def __init__(self, files: Any, folder: str) -> None:
        self._files = files
        self._folder = folder
        self._unwritten: dict[str, Any] = {}
        self._noted = False

    def __contains__(self, key: str) -> bool:
        return self._read(key) is not None

    def __getitem__(self, key: str) -> Any:
        found = self._read(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: str, value: Any) -> None:
        try:
            self._files[key] = value
        except OSError as error:
            self._unwritten[key] = value
            self._note(f"{self._folder} cannot be written ({error.strerror})")

    def _read(self, key: str) -> Any:
        """Return the entry, or ``None`` where it is missing or cannot be used."""
        if key in self._unwritten:
            return self._unwritten[key]
        try:
            if key not in self._files:
                return None
            found = self._files[key]
            self._refuse_torn(found)
        except (OSError, KeyError, TypeError, ValueError):
            self._note(f"{self._folder}/{Path(key).name}.json cannot be used")
            return None
        return found

    def _refuse_torn(self, found: Any) -> None:
        """Raise a botocore error where the entry is not whole."""
        if not isinstance(found, dict):
            raise TypeError

    def _note(self, what: str) -> None:
        if not self._noted:
            _logger.debug("%s: going on without the cache", what)
            self._noted = True


class RoleCache(CredentialCache):
    """The cache of role credentials."""

    def _refuse_torn(self, found: Any) -> None:
        from botocore.utils import parse_timestamp

        parse_timestamp(found["Credentials"]["Expiration"])
