"""Whatever botocore, urllib3 or http.client raises becomes an error with a next step."""

from __future__ import annotations

import http.client
import inspect
import ssl
from collections.abc import Iterator
from types import ModuleType

import botocore.exceptions
import pytest
import urllib3.exceptions

from retryctl.errors import RetryctlError
from retryctl.sources.aws.credential_errors import CredentialChain, translate_credential_error
from retryctl.sources.aws.errors import CallContext, translate_error

CHAIN = CredentialChain(profile="work", settings={})
CONTEXT = CallContext(action="logs:FilterLogEvents", chain=CHAIN, region="us-east-1")
OTHERS = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)


def kinds(module: ModuleType) -> Iterator[type[Exception]]:
    for kind in vars(module).values():
        if inspect.isclass(kind) and issubclass(kind, Exception):
            yield kind


MODULES = (botocore.exceptions, urllib3.exceptions, http.client, ssl)
EVERY = {kind.__name__: kind for module in MODULES for kind in kinds(module)}


def made(kind: type[Exception]) -> Exception:
    """An error of this kind, whatever arguments its own constructor wants."""
    names = {"__init__": lambda *_: None, "__str__": lambda _: "some text"}
    error = type(kind.__name__, (kind,), names)()
    assert isinstance(error, kind)
    return error


def test_the_libraries_have_their_exceptions() -> None:
    assert len(EVERY) > 100
    assert {"ReadTimeoutError", "ProtocolError", "IncompleteRead", "SSLError"} <= EVERY.keys()


@pytest.mark.parametrize("kind", [*EVERY.values(), *OTHERS], ids=lambda kind: kind.__name__)
def test_every_exception_is_an_error_with_its_next_step(kind: type[Exception]) -> None:
    error = made(kind)
    for ours in (translate_error(error, CONTEXT), translate_credential_error(error, CHAIN)):
        if ours is None:  # an answer of the service, which is no error of credentials
            assert issubclass(kind, botocore.exceptions.ClientError)
            continue
        assert isinstance(ours, RetryctlError)
        assert ours.what
        assert ours.next_step


DENIED = "User: arn:aws:sts::1:assumed-role/ci/s is not authorized to perform: "


@pytest.mark.parametrize(
    ("reason", "what", "next_step"),
    [
        (
            f"{DENIED}logs:FilterLogEvents because no identity-based policy allows the action",
            "FilterLogEvents as role/ci)",
            "Allow logs:FilterLogEvents and logs:GetLogEvents on ",
        ),
        (
            f"{DENIED}logs:FilterLogEvents with an explicit deny in a service control policy",
            "role/ci, with an explicit deny in a service control policy)",
            "Change the policy that denies it",
        ),
        (
            f"{DENIED}logs:FilterLogEvents because no permissions boundary allows the action",
            "role/ci, since no permissions boundary allows it)",
            "Allow it in the permissions boundary too",
        ),
        (
            f"{DENIED}kms:Decrypt because no identity-based policy allows the kms:Decrypt action",
            "role/ci, by the KMS key)",
            "Allow kms:Decrypt on the key of the log group",
        ),
    ],
)
def test_a_refusal_names_what_denies_it(reason: str, what: str, next_step: str) -> None:
    error = botocore.exceptions.ClientError(
        {"Error": {"Code": "AccessDeniedException", "Message": reason}}, "FilterLogEvents"
    )
    ours = translate_error(error, CONTEXT)
    assert ours.what.endswith(what)
    assert ours.next_step.startswith(next_step)
