"""The botocore session: its endpoint, its credential caches, and the environment that it reads."""

from __future__ import annotations

import os
from typing import Any

from retryctl.errors import NoCredentials, UsageError
from retryctl.sources.aws.credential_cache import (
    CACHE_FOLDER,
    SSO_FOLDER,
    CredentialCache,
    RoleCache,
    cache_files,
)

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


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
    provider.cache = RoleCache(cache_files(CACHE_FOLDER, JSONFileCache), CACHE_FOLDER)
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
