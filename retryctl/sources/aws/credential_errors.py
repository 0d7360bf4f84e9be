"""Errors of the credential chain: which profile, file or command failed, and the next step."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from hashlib import sha1
from typing import Any

from retryctl.core.value_classes import value_class
from retryctl.errors import LoginExpired, NoCredentials, RetryctlError, Unreachable, UsageError
from retryctl.sources.aws.credential_cache import SSO_FOLDER

LOG_IN = "Log in again: "  # a command follows
OR_SAVED = "or read a saved log with --from FILE"
_TOKEN_FILES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
HOW_TO_SAVE = (
    "To get a file: CloudWatch console, the time of the request without a filter (lines without "
    "the ID matter), Actions, Download search results (CSV)."
)
_NO_LOGIN = f"Log in (aws configure, aws sso login) or name a --profile, {OR_SAVED}.\n{HOW_TO_SAVE}"


Translation = Callable[[Exception, Any], RetryctlError]
"""Makes our error of one of botocore, in a context: a ``CredentialChain`` or a ``CallContext``."""


@value_class
class CredentialChain:
    """Where credentials come from: the profile and its lines of the configuration file."""

    profile: str | None
    settings: Mapping[str, object]

    @property
    def of_profile(self) -> str:
        """`` of profile NAME``, or nothing for the default profile."""
        return f" of profile {self.profile}" if self.profile else ""

    @property
    def process(self) -> str | None:
        """The command of ``credential_process``."""
        command = self.settings.get("credential_process")
        return str(command) if command else None

    @property
    def file(self) -> str:
        """The configuration file."""
        return os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config"

    def setting(self, name: str) -> str:
        """Return the words for a line of the configuration file."""
        return f"{name}{self.of_profile} in {self.file}"

    @property
    def sso_token(self) -> str:
        """The file of the SSO token, which is named by a hash of the session or the start URL.

        Where the profile has neither, as with a source profile, it is the folder.
        """
        named = self.settings.get("sso_session") or self.settings.get("sso_start_url")
        if not named:
            return SSO_FOLDER
        return f"{SSO_FOLDER}/{sha1(str(named).encode(), usedforsecurity=False).hexdigest()}.json"

    @property
    def option(self) -> str:
        """The option that names the profile to the AWS CLI."""
        return f" --profile {self.profile}" if self.profile else ""


def translate_credential_error(error: Exception, chain: CredentialChain) -> RetryctlError | None:
    """Return our error for one that was raised while credentials were read or renewed.

    Returns ``None`` for an answer of the service itself (a ClientError).
    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "ClientError" in kinds:
        return None
    for wanted, translate in _BY_KIND:
        if kinds & wanted:
            return translate(error, chain)
    return _UNKNOWN(error, chain)


def no_region_nor_credentials(chain: CredentialChain) -> NoCredentials:
    """Return the error for a machine that was not set up: neither is found in any place."""
    return NoCredentials(
        f"no AWS region is set, and there are no AWS credentials{chain.of_profile}",
        "Set up both (aws configure, aws configure sso), or name --region and --profile, "
        f"{OR_SAVED}.\n{HOW_TO_SAVE}",
    )


def sso_expired(chain: CredentialChain) -> LoginExpired:
    """Return the error for an SSO login that has expired."""
    return LoginExpired(
        f"the SSO login{chain.of_profile} has expired (token: {chain.sso_token})",
        f"{LOG_IN}{sso_command(chain)}",
    )


def sso_command(chain: CredentialChain) -> str:
    """Return the command that renews the SSO login."""
    return f"aws sso login{chain.option}"


def new_login(chain: CredentialChain) -> str:
    """Return the sentence that names how credentials of this chain are renewed."""
    if chain.process:
        return f"Log in again, then test it: {chain.process}"
    if {"sso_session", "sso_start_url"} & chain.settings.keys():
        return f"{LOG_IN}{sso_command(chain)}"
    if "login_session" in chain.settings:
        return f"{LOG_IN}aws login{chain.option}"
    return f"Fetch new keys, or renew a login by SSO: {sso_command(chain)}"


def sentence(error: BaseException) -> str:
    """Return the text of an error on one line, without the final full stop."""
    return " ".join(str(error).split()).rstrip(".")


def in_words(
    kind_of_ours: Callable[[str, str], RetryctlError], what: str, next_step: str
) -> Translation:
    """Return a translation into an error of such words.

    ``{why}`` in them is the text of the error, ``{kind}`` its class, ``{of}`` the context.
    """

    def translate(error: Exception, context: Any) -> RetryctlError:
        named = {"why": sentence(error), "kind": type(error).__name__, "of": context}
        return kind_of_ours(what.format(**named), next_step.format(**named))

    return translate


def _retrieval(error: Exception, chain: CredentialChain) -> RetryctlError:
    """Return a provider that gave no credentials: a process, a container, a metadata service."""
    text = re.sub(r"^Error when retrieving credentials from \S+:\s*", "", sentence(error))
    if chain.process and "custom-process" in str(error):
        return _process(f"failed: {text or 'it printed no error'}", chain)
    if any(map(os.environ.get, _CONTAINER)):
        return _container(text)
    file = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    why = sentence(error).replace("shared-credentials-file", file)
    return NoCredentials(f"no AWS credentials{chain.of_profile}: {why}", _NO_LOGIN)


def _file(error: Exception, chain: CredentialChain) -> RetryctlError:
    """Return a program or a token file that is missing, or may not be read."""
    assert isinstance(error, OSError)
    why, path = error.strerror or sentence(error), str(error.filename or "")
    for name, value in _named_files(chain):
        if path and path == value:
            return NoCredentials(
                f"{name} names {path}: {why}", f"Check the file and {name}, {OR_SAVED}."
            )
    if chain.process and (not path or path in chain.process):
        return _process(f"cannot be run: {why}", chain)
    return NoCredentials(f"no AWS credentials{chain.of_profile}: {path}: {why}", _NO_LOGIN)


def _named_files(chain: CredentialChain) -> list[tuple[str, str]]:
    own = chain.settings.get("web_identity_token_file")
    named = [(chain.setting("web_identity_token_file"), str(own))] if own else []
    return named + [(name, os.environ.get(name, "")) for name in _TOKEN_FILES]


def _value(error: Exception, chain: CredentialChain) -> RetryctlError:
    """Return an answer that is not JSON, or a token with a newline."""
    if "Auth token value" in str(error):
        path = os.environ.get(_TOKEN_FILES[1])
        where = f"the token in {path} ({_TOKEN_FILES[1]})" if path else _TOKEN
        return NoCredentials(f"{where} ends in a newline", "Write the token without a newline.")
    if chain.process and not any(map(os.environ.get, _CONTAINER)):
        return _process(f"does not print the JSON that is expected ({sentence(error)})", chain)
    if any(map(os.environ.get, _CONTAINER)):
        return _container(sentence(error))
    return _UNKNOWN(error, chain)


def _still_expired(error: Exception, chain: CredentialChain) -> RetryctlError:
    if chain.process:
        return LoginExpired(
            f"credential_process{chain.of_profile} prints credentials that have expired",
            new_login(chain),
        )
    return LoginExpired(
        f"the AWS credentials{chain.of_profile} have expired, and so have the renewed ones",
        new_login(chain),
    )


def _process(what: str, chain: CredentialChain) -> NoCredentials:
    return NoCredentials(
        f"credential_process{chain.of_profile} {what}",
        f"Test the command of {chain.file}: {chain.process}",
    )


def _container(why: str) -> NoCredentials:
    name = next(name for name in _CONTAINER if os.environ.get(name))
    return NoCredentials(
        f"no AWS credentials from the container: {why}",
        f"Check {name}={os.environ[name]}, {OR_SAVED}.",
    )


INVALID_VALUE = in_words(UsageError, "{why}", "Check the options; --debug shows the call.")
_UNKNOWN = in_words(
    NoCredentials,
    "no AWS credentials{of.of_profile}: {kind}: {why}",
    "Test them with: aws sts get-caller-identity{of.option}",
)
# By name, since older versions of botocore do not have them all. The first that matches counts.
_OWN: tuple[tuple[set[str], Translation], ...] = (
    ({"SSOTokenLoadError"}, in_words(
        LoginExpired, "there is no SSO token{of.of_profile} in {of.sso_token}",
        "Log in: aws sso login{of.option}")),
    ({"SSOError", "TokenRetrievalError", "NoAuthTokenError"}, lambda _, chain: sso_expired(chain)),
    ({"LoginError"}, in_words(
        LoginExpired, "the AWS login has expired", LOG_IN + "aws login{of.option}")),
    ({"ProfileNotFound"}, in_words(
        NoCredentials, "{why}",
        f"The profiles that exist: aws configure list-profiles\n{HOW_TO_SAVE}")),
    ({"InvalidConfigError", "ConfigParseError", "ConfigNotFound", "UnknownCredentialError"},
     in_words(
        NoCredentials, "the configuration{of.of_profile} is wrong: {why}",
        "Correct {of.file} (aws configure list{of.option}).")),
    ({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}, _retrieval),
)  # fmt: skip
OF_CREDENTIALS: frozenset[str] = frozenset().union(*(kinds for kinds, _ in _OWN))
"""The kinds of errors that are always about credentials."""
_BY_KIND: tuple[tuple[set[str], Translation], ...] = (
    *_OWN,
    ({"HTTPClientError", "ConnectionError", "MetadataRetrievalError"}, in_words(
        Unreachable, "no answer while credentials{of.of_profile} were fetched: {why}",
        f"Check the network, the proxy and --endpoint-url, {OR_SAVED}.")),
    ({"InvalidRegionError", "ParamValidationError"}, INVALID_VALUE),
    ({"EOFError"}, in_words(
        NoCredentials,
        "the role{of.of_profile} needs an MFA code, and stdin is not a terminal",
        "Run this in a terminal first: aws sts get-caller-identity{of.option} "
        "(the credentials are then cached for both).")),
    ({"OSError"}, _file),
    ({"RuntimeError"}, _still_expired),
    ({"ValueError", "KeyError", "TypeError", "AttributeError"}, _value),
)  # fmt: skip
