"""Errors of calls and of credentials, each with its next step."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest

from retryctl.errors import (
    AccessDenied,
    CouldNotRead,
    LoginExpired,
    NoCredentials,
    Throttled,
    Unreachable,
    UsageError,
)
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.cloudwatch.request_source import RequestSource
from tests.endpoint.server import Endpoint
from tests.sources.cloudwatch.request.requests_in_group import (
    GROUP,
    NOW,
    assert_three,
    look,
    put_three,
    source,
)

pytestmark = pytest.mark.usefixtures("credentials")


def test_denied_names_the_action_and_the_role(endpoint: Endpoint) -> None:
    endpoint.faults.denied.add("logs:FilterLogEvents")
    with pytest.raises(AccessDenied) as error:
        look(source(endpoint.url))
    assert error.value.what == (
        f"not allowed to read {GROUP} (AccessDenied for logs:FilterLogEvents as role/ci)"
    )
    assert error.value.next_step == (
        f"Allow logs:FilterLogEvents and logs:GetLogEvents on {GROUP}, "
        "or read a saved log with --from FILE."
    )


def test_where_only_filtering_is_allowed_it_gives_the_lines_too(endpoint: Endpoint) -> None:
    put_three(endpoint)
    endpoint.faults.denied.add("logs:GetLogEvents")
    found, coverage = look(source(endpoint.url))
    assert_three(found)
    assert coverage.gaps == ()


def test_expired_credentials_name_the_login(endpoint: Endpoint) -> None:
    endpoint.faults.credentials = "expired"
    with pytest.raises(LoginExpired, match="the AWS credentials have expired") as error:
        look(source(endpoint.url))
    assert "aws sso login" in error.value.next_step


def test_unknown_credentials(endpoint: Endpoint) -> None:
    endpoint.faults.credentials = "invalid"
    with pytest.raises(NoCredentials, match="security token included in the request is invalid"):
        look(source(endpoint.url))


def test_throttled_to_the_end() -> None:
    with Endpoint(clock=lambda: NOW, quotas={"FilterLogEvents": 0}) as endpoint:
        endpoint.group(GROUP)
        with pytest.raises(Throttled, match="throttled on every retry"):
            look(source(endpoint.url, max_attempts=1))


def test_no_connection_is_tried_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=pauses.append))
    with pytest.raises(
        Unreachable, match=r"no answer from http://127\.0\.0\.1:1: Could not connect"
    ):
        look(source("http://127.0.0.1:1"))
    assert len(pauses) == 2
    assert sum(pauses) < 8


def test_no_credentials(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NoCredentials, match="no AWS credentials"):
        look(source(endpoint.url))


def test_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(CouldNotRead, match="no AWS region is set") as error:
        look(RequestSource(AwsClient(), groups=(GROUP,), clock=lambda: NOW))
    assert "--region" in error.value.next_step


def test_no_such_profile() -> None:
    aws = AwsClient(profile="nobody", endpoint_url="http://127.0.0.1:1")
    with pytest.raises(NoCredentials, match="nobody") as error:
        look(RequestSource(aws, groups=(GROUP,), clock=lambda: NOW))
    assert "aws configure list-profiles" in error.value.next_step


def test_an_endpoint_that_is_no_url() -> None:
    with pytest.raises(UsageError, match="--endpoint-url nonsense"):
        look(source("nonsense"))


def test_a_name_that_is_no_log_group(endpoint: Endpoint) -> None:
    with pytest.raises((UsageError, CouldNotRead), match=r"logs:FilterLogEvents|logGroupName"):
        look(source(endpoint.url, groups=("no group!",)))


def test_a_missing_sso_login_names_its_file_and_its_command(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile work]\nregion = us-east-1\nsso_session = corp\nsso_account_id = 123456789012\n"
        "sso_role_name = dev\n[sso-session corp]\nsso_region = us-east-1\n"
        "sso_start_url = https://example.awsapps.com/start\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    aws = AwsClient(profile="work", endpoint_url="http://127.0.0.1:1")
    with pytest.raises(LoginExpired, match="no SSO token of profile work in ") as error:
        look(RequestSource(aws, groups=(GROUP,), clock=lambda: NOW))
    assert f"~/.aws/sso/cache/{hashlib.sha1(b'corp').hexdigest()}.json" in error.value.what
    assert error.value.next_step == "Log in: aws sso login --profile work"


def test_a_role_that_the_aws_cli_took_on_with_mfa_is_used_without_asking(
    endpoint: Endpoint, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    put_three(endpoint)
    role, device = "arn:aws:iam::123456789012:role/dev", "arn:aws:iam::123456789012:mfa/me"
    config = tmp_path / "config"
    config.write_text(
        f"[profile keys]\naws_access_key_id = base\naws_secret_access_key = base\n"
        f"[profile mfa]\nregion = us-east-1\nrole_arn = {role}\nmfa_serial = {device}\n"
        "source_profile = keys\n"
    )
    asked = json.dumps({"RoleArn": role, "SerialNumber": device}, sort_keys=True)
    cache = tmp_path / ".aws" / "cli" / "cache"
    cache.mkdir(parents=True)
    (cache / f"{hashlib.sha1(asked.encode()).hexdigest()}.json").write_text(
        json.dumps(
            {
                "Credentials": {
                    "AccessKeyId": "cached",
                    "SecretAccessKey": "cached",
                    "SessionToken": "cached",
                    "Expiration": "2999-01-01T00:00:00Z",
                }
            }
        )
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    aws = AwsClient(profile="mfa", endpoint_url=endpoint.url)
    assert_three(look(RequestSource(aws, groups=(GROUP,), clock=lambda: NOW, timeout_ms=3000))[0])
