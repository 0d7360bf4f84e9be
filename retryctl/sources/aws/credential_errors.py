"""Errors of the credential chain: which profile, file or command failed, and the next step."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from retryctl.core.value_classes import value_class
from retryctl.errors import LoginExpired, NoCredentials, RetryctlError, Unreachable, UsageError

LOG_IN = "Log in again: "  # a command follows
OR_SAVED = "or read a saved log with --from FILE"
_TOKEN_FILES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
_CONFIGURATION = frozenset(
    {"InvalidConfigError", "ConfigParseError", "ConfigNotFound", "UnknownCredentialError"}
)
_UNANSWERED = frozenset({"HTTPClientError", "ConnectionError", "MetadataRetrievalError"})
HOW_TO_SAVE = (
    "To get a file: CloudWatch console, the time of the request without a filter (lines without "
    "the ID matter), Actions, Download search results (CSV)."
)
_NO_LOGIN = f"Log in (aws configure, aws sso login) or name a --profile, {OR_SAVED}.\n{HOW_TO_SAVE}"


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

    def setting(self, name: str) -> str:
        """Return the words for a line of the configuration file."""
        return f"{name}{self.of_profile} in {_config_file()}"

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
    return _unknown(error, chain)


def sso_expired(chain: CredentialChain) -> LoginExpired:
    """Return the error for an SSO login that has expired."""
    return LoginExpired(
        f"the SSO login{chain.of_profile} has expired", f"{LOG_IN}{sso_command(chain)}"
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


def _sso(error: Exception, chain: CredentialChain) -> RetryctlError:
    return sso_expired(chain)


def _login(error: Exception, chain: CredentialChain) -> RetryctlError:
    return LoginExpired("the AWS login has expired", f"{LOG_IN}aws login{chain.option}")


def _no_profile(error: Exception, chain: CredentialChain) -> RetryctlError:
    return NoCredentials(
        sentence(error), f"The profiles that exist: aws configure list-profiles\n{HOW_TO_SAVE}"
    )


def _configuration(error: Exception, chain: CredentialChain) -> RetryctlError:
    return NoCredentials(
        f"the configuration{chain.of_profile} is wrong: {sentence(error)}",
        f"Correct {_config_file()} (aws configure list{chain.option}).",
    )


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


def _no_terminal(error: Exception, chain: CredentialChain) -> RetryctlError:
    return NoCredentials(
        f"the role{chain.of_profile} needs an MFA code, and no terminal can be used to type it",
        f"Run this in a terminal first: aws sts get-caller-identity{chain.option} "
        "(the credentials are then cached for both).",
    )


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
    return _unknown(error, chain)


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
        f"Test the command of {_config_file()}: {chain.process}",
    )


def _container(why: str) -> NoCredentials:
    name = next(name for name in _CONTAINER if os.environ.get(name))
    return NoCredentials(
        f"no AWS credentials from the container: {why}",
        f"Check {name}={os.environ[name]}, {OR_SAVED}.",
    )


def _unanswered(error: Exception, chain: CredentialChain) -> RetryctlError:
    return Unreachable(
        f"no answer while credentials{chain.of_profile} were fetched: {sentence(error)}",
        f"Check the network, the proxy and --endpoint-url, {OR_SAVED}.",
    )


def invalid_value(error: Exception, _: object) -> RetryctlError:
    """Return the error for a value that no call takes."""
    return UsageError(sentence(error), "Check the options; --debug shows the call.")


def _unknown(error: Exception, chain: CredentialChain) -> RetryctlError:
    return NoCredentials(
        f"no AWS credentials{chain.of_profile}: {type(error).__name__}: {sentence(error)}",
        f"Test them with: aws sts get-caller-identity{chain.option}",
    )


def _config_file() -> str:
    return os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config"


# By name, since older versions of botocore do not have them all. The first that matches counts.
_BY_KIND: tuple[tuple[frozenset[str], Callable[[Exception, CredentialChain], RetryctlError]], ...]
_OWN = (
    (frozenset({"SSOError", "TokenRetrievalError", "NoAuthTokenError"}), _sso),
    (frozenset({"LoginError"}), _login),
    (frozenset({"ProfileNotFound"}), _no_profile),
    (_CONFIGURATION, _configuration),
    (
        frozenset({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}),
        _retrieval,
    ),
)
OF_CREDENTIALS: frozenset[str] = frozenset().union(*(kinds for kinds, _ in _OWN))
"""The kinds of errors that are always about credentials."""
_BY_KIND = (
    *_OWN,
    (_UNANSWERED, _unanswered),
    (frozenset({"InvalidRegionError", "ParamValidationError"}), invalid_value),
    (frozenset({"EOFError"}), _no_terminal),
    (frozenset({"OSError"}), _file),
    (frozenset({"RuntimeError"}), _still_expired),
    (frozenset({"ValueError", "KeyError", "TypeError", "AttributeError"}), _value),
)
