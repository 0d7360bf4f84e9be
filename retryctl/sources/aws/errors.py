"""From botocore's errors to ours: what happened, why, and the next step."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retryctl.errors import (
    AccessDenied,
    CouldNotLook,
    LoginExpired,
    NoCredentials,
    NoSuchLogGroup,
    RetryctlError,
    Throttled,
    Unreachable,
    UsageError,
)

OR_SAVED = "or read a saved log with --from FILE"

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_CALLER = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
    }
)
_TOO_FAST = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "LimitExceededException"}
)
# By name, since older versions of botocore do not have them all.
_NO_CREDENTIALS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}
)
_SSO_EXPIRED = frozenset({"SSOError", "TokenRetrievalError", "NoAuthTokenError"})
_LOGIN_EXPIRED = frozenset({"LoginError"})
_NO_ANSWER = frozenset({"HTTPClientError", "ConnectionError", "MetadataRetrievalError"})
_BAD_WORDS = frozenset(
    {"ParamValidationError", "InvalidRegionError", "ValidationError", "ConfigParseError"}
)
# "User: arn:aws:sts::123456789012:assumed-role/ci/session is not authorized to perform: …"
_CALLER = re.compile(r"User: arn:[\w-]+:(?:sts|iam)::\d*:(?:assumed-)?(\S+?) is not authorized")


class Refused(CouldNotLook):
    """Any other refusal: ``code`` and ``reason`` are the service's own words."""

    def __init__(self, what: str, next_step: str, *, code: str, reason: str) -> None:
        super().__init__(what, next_step)
        self.code = code
        self.reason = reason

    @property
    def is_bad_token(self) -> bool:
        """Whether a page token is what was refused."""
        return self.code == "InvalidParameterException" and "nexttoken" in self.reason.lower()

    @property
    def is_log_class(self) -> bool:
        """Whether the group's class (Infrequent Access) does not allow the call."""
        return self.code == "InvalidOperationException" and "log-group-class" in self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """What was asked, for the words of an error. ``action`` is ``logs:FilterLogEvents``."""

    action: str
    subject: str = ""
    profile: str | None = None
    region: str | None = None
    endpoint: str | None = None


def translate_error(error: Exception, asked: CallContext) -> RetryctlError | None:
    """The error of ours for one of botocore's; ``None`` for what is none of botocore's."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "ClientError" in kinds:
        return _refused(error, asked)
    if "BotoCoreError" not in kinds:
        return None
    return _not_sent(error, kinds, asked)


# --------------------------------------------------------------------------- the service refused


def _refused(error: Exception, asked: CallContext) -> RetryctlError:
    response = getattr(error, "response", {})
    code = str(response.get("Error", {}).get("Code", ""))
    reason = str(response.get("Error", {}).get("Message", "")).strip()
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    operation = str(getattr(error, "operation_name", ""))
    if operation == "GetRoleCredentials":
        return _sso(asked)
    if code in _DENIED:
        return _denied(reason, operation, asked)
    if code in _EXPIRED:
        return _expired(asked)
    if code in _UNKNOWN_CALLER:
        return _unknown_caller(reason, asked)
    if code in _TOO_FAST:
        return Throttled(
            f"throttled to the last retry ({code} for {asked.action})",
            "Try again later, with a shorter --since, or with fewer log groups.",
        )
    if status >= 500:
        return Unreachable(
            f"the service failed to the last retry ({status} {code} for {asked.action})",
            f"Try again later, {OR_SAVED}.",
        )
    if code == "ResourceNotFoundException" and "log group" in reason:
        where = f" in {asked.region}" if asked.region else ""
        return NoSuchLogGroup(
            f"there is no log group {asked.subject}{where}",
            "Check --region and --profile, or name the group with --log-group.",
        )
    return Refused(
        f"{asked.action} was refused for {asked.subject or 'this request'}: {reason or code}",
        "",
        code=code,
        reason=reason,
    )


def _denied(reason: str, operation: str, asked: CallContext) -> AccessDenied:
    caller = _CALLER.search(reason)
    as_whom = f" as {'/'.join(caller[1].split('/')[:2])}" if caller else ""
    if operation == "AssumeRole":
        profile = f" of profile {asked.profile}" if asked.profile else ""
        return AccessDenied(
            f"not allowed to take on the role{profile} (AccessDenied for sts:AssumeRole{as_whom})",
            "Check role_arn and mfa_serial in ~/.aws/config, and the role's trust policy.",
        )
    subject = f" {asked.subject}" if asked.subject else ""
    actions = asked.action
    if actions in ("logs:FilterLogEvents", "logs:GetLogEvents"):
        actions = "logs:FilterLogEvents and logs:GetLogEvents"
    return AccessDenied(
        f"not allowed to read{subject} (AccessDenied for {asked.action}{as_whom})",
        f"Allow {actions} on it, {OR_SAVED}.",
    )


def _expired(asked: CallContext) -> LoginExpired:
    whose = f" of profile {asked.profile}" if asked.profile else ""
    return LoginExpired(
        f"the AWS credentials{whose} have expired",
        f"{_sso_command(asked)} renews a login by SSO; otherwise fetch new keys.",
    )


def _unknown_caller(reason: str, asked: CallContext) -> NoCredentials:
    if "expired" in reason.lower() or "not yet current" in reason.lower():
        return NoCredentials(
            "AWS refused the signature for its time: this machine's clock is wrong",
            "Set the clock, then try again.",
        )
    whose = f" of profile {asked.profile}" if asked.profile else ""
    return NoCredentials(
        f"AWS does not know the credentials{whose}: {reason}",
        "Check them with: aws sts get-caller-identity",
    )


# --------------------------------------------------------------------------- nothing was answered


def _not_sent(error: Exception, kinds: set[str], asked: CallContext) -> RetryctlError:
    if kinds & _NO_CREDENTIALS:
        return NoCredentials(
            f"no AWS credentials: {_sentence(error)}",
            "Log in (aws configure, aws sso login), name a --profile, "
            "or read a saved log with --from FILE.",
        )
    if "ProfileNotFound" in kinds:
        return NoCredentials(
            _sentence(error), "The profiles that exist: aws configure list-profiles"
        )
    if kinds & _SSO_EXPIRED:
        return _sso(asked)
    if kinds & _LOGIN_EXPIRED:
        profile = f" --profile {asked.profile}" if asked.profile else ""
        return LoginExpired("the AWS login has expired", f"Log in again: aws login{profile}")
    if "NoRegionError" in kinds:
        return CouldNotLook(
            "no AWS region is set",
            "Give --region, set AWS_DEFAULT_REGION, or set region in the profile (aws configure).",
        )
    if kinds & _NO_ANSWER:
        return Unreachable(
            f"no answer from {asked.endpoint or asked.action}: {_sentence(error)}",
            f"Check the network, the proxy, --region and --endpoint-url, {OR_SAVED}.",
        )
    if kinds & _BAD_WORDS:
        return UsageError(_sentence(error))
    return CouldNotLook(f"{asked.action} failed: {_sentence(error)}", "--debug shows where.")


def _sso(asked: CallContext) -> LoginExpired:
    whose = f" of profile {asked.profile}" if asked.profile else ""
    return LoginExpired(f"the SSO login{whose} has expired", f"Log in again: {_sso_command(asked)}")


def _sso_command(asked: CallContext) -> str:
    return f"aws sso login --profile {asked.profile}" if asked.profile else "aws sso login"


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
