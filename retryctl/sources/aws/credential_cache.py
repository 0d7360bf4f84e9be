"""Caches of credentials that are shared with the AWS CLI."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

CACHE_FOLDER = "~/.aws/cli/cache"
SSO_FOLDER = "~/.aws/sso/cache"
_logger = logging.getLogger(__name__)


def cache_files(folder: str, kind: Callable[[str], Any]) -> Any:
    """Return the files of a folder by ``kind``; an empty mapping without a home."""
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
