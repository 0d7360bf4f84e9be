"""Translate the errors of a call: what happened, why, and the next step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from retryctl.core.value_classes import value_class
from retryctl.errors import (
    AccessDenied,
    CouldNotRead,
    LoginExpired,
    NoCredentials,
    NoSuchLogGroup,
    RetryctlError,
    Throttled,
    Unreachable,
)
from retryctl.sources.aws.credential_errors import (
    HOW_TO_SAVE,
    INVALID_VALUE,
    OF_CREDENTIALS,
    OR_SAVED,
    CredentialChain,
    Translation,
    in_words,
    new_login,
    sso_expired,
    translate_credential_error,
)

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
NO_REGION = "no AWS region is set"
_UNMASK = "logs:Unmask"
_CHANGES = ("Create", "Put", "Delete")
_TOO_FAST = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "LimitExceededException"}
)
# "User: arn:aws:sts::123456789012:assumed-role/ci/session is not authorized to perform: …"
_CALLER = re.compile(r"User: arn:[\w-]+:(?:sts|iam)::\d*:(?:assumed-)?(\S+?) is not authorized")

_EXPLICIT_DENY = re.compile(
    r"with an explicit deny in an? [\w -]*policy|(?:by |with )?an explicit deny", re.IGNORECASE
)
# "… because no permissions boundary allows the logs:FilterLogEvents action"
_OTHER_POLICY = re.compile(
    r"because no ((?:service control|resource control|session|VPC endpoint) policy|"
    r"permissions boundary) allows",
    re.IGNORECASE,
)


# A group that FilterLogEvents or GetLogEvents cannot read, in the wordings that are known.
_LOG_CLASS = re.compile(
    r"log-group-class|log class|logs? class|only supported (?:on|for|in) (?:the )?standard|"
    r"infrequent.?access|delivery class|(?:of|the) class (?:delivery|essentials)",
    re.IGNORECASE,
)
_LOG_CLASS_CODES = frozenset(
    {"InvalidOperationException", "ValidationException", "InvalidParameterException"}
)


class Refused(CouldNotRead):
    """Any other refusal of ``action``: ``code`` and ``reason`` are the service's own words."""

    def __init__(
        self, what: str, next_step: str, *, code: str, reason: str, action: str = ""
    ) -> None:
        super().__init__(what, next_step)
        self.code = code
        self.reason = reason
        self.action = action

    @property
    def is_bad_token(self) -> bool:
        """Whether a page token is what was refused."""
        return self.code == "InvalidParameterException" and "nexttoken" in self.reason.lower()

    @property
    def is_bad_pattern(self) -> bool:
        """Whether another value than a page token was refused, such as a filter pattern."""
        return self.code == "InvalidParameterException" and not self.is_bad_token

    @property
    def is_before_group(self) -> bool:
        """Whether a query's window ends before the group was created, or beyond its retention."""
        reason = self.reason.lower()
        return self.code == "MalformedQueryException" and (
            "creation time" in reason or "retention" in reason
        )

    @property
    def is_log_class(self) -> bool:
        """Whether the group's class (Infrequent Access, Delivery, Essentials) refuses the call."""
        return self.code in _LOG_CLASS_CODES and bool(_LOG_CLASS.search(self.reason))


@value_class
class CallContext:
    """The call that failed, for the words of an error. ``action`` is ``logs:FilterLogEvents``."""

    action: str
    chain: CredentialChain
    subject: str = ""
    region: str | None = None
    endpoint: str | None = None

    @property
    def where(self) -> str:
        """The address, or the service, that was called."""
        return self.endpoint or self.action


def translate_error(error: Exception, context: CallContext) -> RetryctlError:
    """Return our error for one that botocore, or a library below it, raised in a call."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "ClientError" in kinds:
        return _refused(error, context)
    for wanted, translate in _BY_KIND:
        if kinds & wanted:
            return translate(error, context)
    if "BotoCoreError" in kinds and kinds & OF_CREDENTIALS:
        return translate_credential_error(error, context.chain) or _FAILED(error, context)
    return (_FAILED if "BotoCoreError" in kinds else _GARBLED)(error, context)


# --------------------------------------------------------------------------- the service refused


def _refused(error: Exception, context: CallContext) -> RetryctlError:
    response = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", ""))
    reason = str(response.get("Error", {}).get("Message", "")).strip()
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    operation = str(getattr(error, "operation_name", ""))
    if operation == "GetRoleCredentials":
        return sso_expired(context.chain)
    if code in _DENIED:
        return _denied(reason, operation, context)
    if code in _EXPIRED:
        what = f"the AWS credentials{context.chain.of_profile} have expired"
        return LoginExpired(what, new_login(context.chain))
    if code in _UNKNOWN_CALLER:
        return _unknown_caller(reason, context)
    if code in _TOO_FAST:
        return Throttled(
            f"throttled on every retry ({code} for {context.action})",
            "Try again later, with a shorter --since, or with fewer log groups.",
        )
    if 300 <= status < 400:
        return _redirected(response, context)
    if status >= 500:
        answer = code if code == str(status) else f"{status} {code}"
        return Unreachable(
            f"the service failed on every retry ({answer} for {context.action})",
            f"Try again later, {OR_SAVED}.",
        )
    if code == "ResourceNotFoundException" and "log group" in reason.lower():
        where = f" in {context.region}" if context.region else ""
        return NoSuchLogGroup(
            f"the log group {context.subject} does not exist{where}",
            "Check --region and --profile, or name the group with --log-group.",
        )
    return Refused(
        f"{context.action} was refused for {context.subject or 'this request'}: {reason or code}",
        "--debug shows the call and its answer.",
        code=code,
        reason=reason,
        action=context.action,
    )


def _redirected(response: Mapping[str, Any], context: CallContext) -> RetryctlError:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    to = f" to {headers['location']}" if headers.get("location") else ""
    return Unreachable(
        f"{context.where} redirects {context.action}{to}: this is not an endpoint of AWS",
        "Check --endpoint-url, --region and the proxy.",
    )


def _denied(reason: str, operation: str, context: CallContext) -> AccessDenied:
    caller = _CALLER.search(reason)
    as_whom = f" as {'/'.join(caller[1].split('/')[:2])}" if caller else ""
    if operation == "AssumeRole":
        profile = context.chain.of_profile
        return AccessDenied(
            f"not allowed to assume the role{profile} (AccessDenied for sts:AssumeRole{as_whom})",
            "Check role_arn and mfa_serial in ~/.aws/config, and the role's trust policy.",
        )
    subject, on = (f" {context.subject}", context.subject) if context.subject else ("", "it")
    if _UNMASK in reason:
        return AccessDenied(
            f"not allowed to read{subject} unmasked (AccessDenied for {_UNMASK}{as_whom})",
            f"Allow {_UNMASK} on {on}, or drop --unmask.",
        )
    actions = context.action
    if actions in ("logs:FilterLogEvents", "logs:GetLogEvents"):
        actions = "logs:FilterLogEvents and logs:GetLogEvents"
    why, remedy = _denial(reason)
    doing = "change" if operation.startswith(_CHANGES) else "read"
    return AccessDenied(
        f"not allowed to {doing}{subject} (AccessDenied for {context.action}{as_whom}{why})",
        remedy or f"Allow {actions} on {on}, {OR_SAVED}.",
    )


def _denial(reason: str) -> tuple[str, str]:
    """Return what denies it, if not simply the lack of a permission, and the remedy."""
    if deny := _EXPLICIT_DENY.search(reason):
        return f", {deny[0]}", f"Change the policy that denies it, {OR_SAVED}."
    if other := _OTHER_POLICY.search(reason):
        return f", since no {other[1]} allows it", f"Allow it in the {other[1]} too, {OR_SAVED}."
    if "kms" in reason.lower():
        return ", by the KMS key", f"Allow kms:Decrypt on the key of the log group, {OR_SAVED}."
    return "", ""


def _unknown_caller(reason: str, context: CallContext) -> NoCredentials:
    if "expired" in reason.lower() or "not yet current" in reason.lower():
        return NoCredentials(
            "AWS refused the signature because of its time: this machine's clock is wrong",
            "Set the clock, then try again.",
        )
    whose = context.chain.of_profile
    return NoCredentials(
        f"AWS does not know the credentials{whose}: {reason}",
        "Check them with: aws sts get-caller-identity",
    )


# --------------------------------------------------------------------------- no whole answer


_NO_ANSWER = in_words(
    Unreachable,
    "no answer from {of.where}: {why}",
    f"Check the network, the proxy, --region and --endpoint-url, {OR_SAVED}.",
)
# an answer of a proxy, a captive portal or a wrong address
_GARBLED = in_words(
    Unreachable,
    "the answer to {of.action} cannot be read: {kind}: {why}",
    "Check --endpoint-url and the proxy; --debug shows the answer.",
)
_FAILED = in_words(CouldNotRead, "{of.action} failed: {kind}: {why}", "--debug shows where.")
# By name, since older versions of botocore do not have them all. The first that matches counts.
_BY_KIND: tuple[tuple[set[str], Translation], ...] = (
    ({"ReadTimeoutError"}, in_words(
        Unreachable, "{of.where} did not answer {of.action} in time: {why}",
        f"Try again later, check --endpoint-url and the proxy, {OR_SAVED}.")),
    ({"SSLError"}, in_words(
        Unreachable, "no secure connection to {of.where}: {why}",
        "Check the proxy, AWS_CA_BUNDLE, and the scheme of --endpoint-url.")),
    ({"HTTPClientError", "ConnectionError", "MetadataRetrievalError"}, _NO_ANSWER),
    ({"IncompleteReadError"}, _GARBLED),
    ({"OSError"}, _NO_ANSWER),
    ({"NoRegionError"}, in_words(
        CouldNotRead, NO_REGION, "Give --region, set AWS_REGION, or set region in the profile "
        f"(aws configure), {OR_SAVED}.\n{HOW_TO_SAVE}")),
    ({"ParamValidationError", "InvalidRegionError", "ValidationError"}, INVALID_VALUE),
)  # fmt: skip
