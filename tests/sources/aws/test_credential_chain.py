"""Each error of the credential chain, provoked by real configuration files and variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

import pytest
from botocore.utils import JSONFileCache

from retryctl.errors import LoginExpired, NoCredentials, RetryctlError, UsageError
from retryctl.sources.aws import credential_cache, session
from retryctl.sources.aws.client import AwsClient, profile_variables
from tests.endpoint.server import Endpoint

ROLE = "arn:aws:iam::123456789012:role/dev"
REQUEST = {"logGroupName": "/aws/lambda/orders-worker"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        running.group(REQUEST["logGroupName"])
        yield running


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, and nothing in the environment that gives credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def configured(tmp_path: Path, *lines: str, more: str = "") -> None:
    folder = tmp_path / ".aws"
    folder.mkdir(exist_ok=True)
    own = "\n".join(("[profile work]", "region = us-east-1", *lines))
    (folder / "config").write_text(f"{own}\n{more}\n")


def call(endpoint: Endpoint, profile: str | None = "work") -> None:
    aws = AwsClient(profile=profile, endpoint_url=endpoint.url)
    aws.call("logs", "FilterLogEvents", REQUEST, expect="events")


def failure(endpoint: Endpoint, profile: str | None = "work") -> RetryctlError:
    with pytest.raises(RetryctlError) as raised:
        call(endpoint, profile)
    return raised.value


def python(code: str) -> str:
    return f'{sys.executable} -c "{code}"'


# --------------------------------------------------------------------------- credential_process


def test_a_process_that_is_missing(endpoint: Endpoint, tmp_path: Path) -> None:
    configured(tmp_path, "credential_process = /opt/vault-login --role dev")
    error = failure(endpoint)
    assert isinstance(error, NoCredentials)
    assert "credential_process of profile work cannot be run: No such file" in error.what
    assert "/opt/vault-login --role dev" in error.next_step


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("print(1, 2)", "does not print the JSON that is expected"),
        ("print([])", "does not print the JSON that is expected"),
        ("print('{}')", "Unsupported version"),
        ("import sys; sys.exit('vault is sealed')", "failed: vault is sealed"),
        ("import sys; sys.exit(1)", "failed: it printed no error"),
    ],
)
def test_a_process_that_gives_nothing_of_use(
    endpoint: Endpoint, tmp_path: Path, code: str, what: str
) -> None:
    configured(tmp_path, f"credential_process = {python(code)}")
    error = failure(endpoint)
    assert isinstance(error, NoCredentials)
    assert "credential_process of profile work" in error.what
    assert what in error.what
    assert sys.executable in error.next_step


def test_a_process_that_prints_what_has_expired(endpoint: Endpoint, tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    answer.write_text(
        '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c",'
        ' "Expiration": "2020-01-01T00:00:00Z"}'
    )
    configured(tmp_path, f"credential_process = cat {answer}")
    error = failure(endpoint)
    assert isinstance(error, LoginExpired)
    assert error.what == "credential_process of profile work prints credentials that have expired"
    assert f"cat {answer}" in error.next_step


# --------------------------------------------------------------------------- token files


def test_a_web_identity_token_that_is_missing(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/token")
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    error = failure(endpoint, profile=None)
    assert "AWS_WEB_IDENTITY_TOKEN_FILE names /var/run/secrets/token: No such file" in error.what
    configured(tmp_path, f"role_arn = {ROLE}", "web_identity_token_file = /nowhere/token")
    monkeypatch.delenv("AWS_WEB_IDENTITY_TOKEN_FILE")
    error = failure(endpoint)
    named = "web_identity_token_file of profile work in ~/.aws/config names /nowhere/token"
    assert named in error.what


def test_a_container_token_that_is_missing_or_ends_in_a_newline(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(token))
    error = failure(endpoint, profile=None)
    assert f"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names {token}: No such file" in error.what
    token.write_text("secret\n")
    error = failure(endpoint, profile=None)
    assert f"the token in {token}" in error.what
    assert "ends in a newline" in error.what


# --------------------------------------------------------------------------- profiles and roles


def test_a_role_with_mfa_and_no_terminal(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_terminal(*_: object) -> int:
        raise OSError("no such device")

    monkeypatch.setattr(session.os, "open", no_terminal)  # type: ignore[attr-defined]
    keys = "[profile keys]\naws_access_key_id = a\naws_secret_access_key = b"
    device = "mfa_serial = arn:aws:iam::123456789012:mfa/me"
    configured(tmp_path, f"role_arn = {ROLE}", "source_profile = keys", device, more=keys)
    error = failure(endpoint)
    assert isinstance(error, NoCredentials)
    assert error.what.startswith("the role of profile work needs an MFA code")
    assert "aws sts get-caller-identity --profile work" in error.next_step


def test_profiles_that_name_each_other(endpoint: Endpoint, tmp_path: Path) -> None:
    other = f"[profile other]\nrole_arn = {ROLE}\nsource_profile = work"
    configured(tmp_path, f"role_arn = {ROLE}", "source_profile = other", more=other)
    error = failure(endpoint)
    assert isinstance(error, NoCredentials)
    assert "the configuration of profile work is wrong: Infinite loop" in error.what


def test_an_sso_session_that_is_not_there(endpoint: Endpoint, tmp_path: Path) -> None:
    lines = ("sso_session = corp", "sso_account_id = 123456789012", "sso_role_name = dev")
    configured(tmp_path, *lines)
    error = failure(endpoint)
    assert isinstance(error, NoCredentials)
    assert "corp" in error.what
    assert "profile work" in error.what


def test_a_role_is_taken_on_at_the_endpoint_that_was_given(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    keys = "[profile keys]\naws_access_key_id = a\naws_secret_access_key = b"
    configured(tmp_path, f"role_arn = {ROLE}", "source_profile = keys", more=keys)
    before = endpoint.calls["AssumeRole"]
    call(endpoint)
    assert endpoint.calls["AssumeRole"] == before + 1
    call(endpoint)  # from the cache that the AWS CLI shares
    assert endpoint.calls["AssumeRole"] == before + 1


@pytest.mark.parametrize("torn", ["", '{"Credentials": {', "{}", '{"Credentials": {}}'])
def test_a_torn_cache_and_a_home_that_cannot_be_written(
    endpoint: Endpoint, tmp_path: Path, torn: str
) -> None:
    keys = "[profile keys]\naws_access_key_id = a\naws_secret_access_key = b"
    configured(tmp_path, f"role_arn = {ROLE}", "source_profile = keys", more=keys)
    call(endpoint)
    (cached,) = (tmp_path / ".aws" / "cli" / "cache").iterdir()
    cached.write_text(torn)
    call(endpoint)
    cached.unlink()
    cached.parent.rmdir()
    cached.parent.write_text("a file where the folder should be")
    call(endpoint)


def test_without_a_home(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    call(endpoint, profile=None)


# --------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("AWS_ACCESS_KEY_ID", NoCredentials),
        ("AWS_SECRET_ACCESS_KEY", NoCredentials),
        ("AWS_SESSION_TOKEN", NoCredentials),
        ("AWS_REGION", UsageError),
        ("AWS_DEFAULT_REGION", UsageError),
    ],
)
def test_a_value_that_ends_in_a_newline_is_named(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, name: str, kind: type[RetryctlError]
) -> None:
    for each in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(each, "a")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv(name, "us-east-1\n")
    error = failure(endpoint, profile=None)
    assert isinstance(error, kind)
    assert error.what.startswith(f"{name} has white space or a newline")


def test_a_region_that_is_none_names_where_it_was_set(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us_east 1")
    error = failure(endpoint, profile=None)
    assert isinstance(error, UsageError)
    assert error.what == "AWS_DEFAULT_REGION is not a region: 'us_east 1'"
    aws = AwsClient(region="eu_west_1", endpoint_url=endpoint.url)
    with pytest.raises(UsageError, match="--region is not a region: 'eu_west_1'"):
        aws.call("logs", "FilterLogEvents", REQUEST)


def test_settings_of_a_profile_that_are_wrong_name_it_and_its_file(tmp_path: Path) -> None:
    keys = ("aws_access_key_id = a", "aws_secret_access_key = b")
    for line, what in (
        (
            "region = us-east-1\nendpoint_url = localhost:4566",
            "endpoint_url of profile work in ~/.aws",
        ),
        ("region = us_east_1", "region of profile work in ~/.aws/config is not a region"),
    ):
        configured(tmp_path, *keys)
        path = tmp_path / ".aws" / "config"
        path.write_text(path.read_text().replace("region = us-east-1", "") + line)
        with pytest.raises(UsageError, match=what):
            AwsClient(profile="work", region=None).call("logs", "FilterLogEvents", REQUEST)


def test_half_of_a_key_names_the_profile_and_the_file(endpoint: Endpoint, tmp_path: Path) -> None:
    configured(tmp_path)
    (tmp_path / ".aws" / "credentials").write_text("[work]\naws_access_key_id = a\n")
    error = failure(endpoint)
    assert "no AWS credentials of profile work" in error.what
    assert "found in ~/.aws/credentials, missing: aws_secret_access_key" in error.what


def test_a_profile_for_a_function_names_its_command(tmp_path: Path) -> None:
    configured(tmp_path, "credential_process = /opt/vault-login --role dev")
    with pytest.raises(NoCredentials, match="credential_process of profile work cannot be run"):
        profile_variables("work")
    with pytest.raises(NoCredentials, match="nobody"):
        profile_variables("nobody")
    configured(tmp_path, "aws_access_key_id = a", "aws_secret_access_key = b")
    assert profile_variables("work")["AWS_SECRET_ACCESS_KEY"] == "b"


def test_an_endpoint_in_the_environment_without_its_scheme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:4566")
    with pytest.raises(UsageError, match="AWS_ENDPOINT_URL=localhost:4566 is not a URL") as raised:
        AwsClient().call("logs", "FilterLogEvents", REQUEST)
    assert "http://" in raised.value.next_step


def test_a_login_that_expires_in_the_middle_is_not_called_again_and_again(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    now = [0.0]
    aws = AwsClient(endpoint_url=endpoint.url, seconds=lambda: now[0], sleep=lambda s: None)
    aws.call("logs", "FilterLogEvents", REQUEST)
    endpoint.faults.credentials = "expired"
    before = endpoint.calls["FilterLogEvents"]
    for _ in range(20):
        with pytest.raises(LoginExpired, match="have expired"):
            aws.call("logs", "FilterLogEvents", REQUEST)
    assert endpoint.calls["FilterLogEvents"] == before + 1
    endpoint.faults.credentials = None
    now[0] += 60  # whoever waits goes on after a new login
    aws.call("logs", "FilterLogEvents", REQUEST)


# --------------------------------------------------------------------------- without a cache


def sso_profile(tmp_path: Path, token: str) -> None:
    lines = ("sso_session = corp", "sso_account_id = 123456789012", "sso_role_name = dev")
    corp = "[sso-session corp]\nsso_start_url = https://corp.example\nsso_region = us-east-1"
    configured(tmp_path, *lines, more=corp)
    folder = tmp_path / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{sha1(b'corp').hexdigest()}.json").write_text(token)


@pytest.mark.parametrize("token", ["", '{"accessToken": "x', "[]", "{}"])
def test_a_torn_sso_token_is_a_login_that_is_to_be_renewed(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    folder = str(tmp_path / ".aws" / "sso" / "cache")
    monkeypatch.setattr("botocore.tokens.SSOTokenProvider._SSO_TOKEN_CACHE_DIR", folder)
    sso_profile(tmp_path, token)
    error = failure(endpoint)
    assert isinstance(error, LoginExpired)
    assert f"~/.aws/sso/cache/{sha1(b'corp').hexdigest()}.json" in error.what
    assert "aws sso login --profile work" in error.next_step


def test_what_cannot_be_written_is_kept_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", credential_cache.__name__)
    cache = credential_cache.CredentialCache(
        JSONFileCache("/proc/cannot/be/written"), "~/.aws/sso/cache"
    )
    for token in ("a", "b"):
        cache["key"] = {"accessToken": token}
    assert cache["key"] == {"accessToken": "b"}
    (record,) = caplog.records
    assert "~/.aws/sso/cache cannot be written" in record.getMessage()
    assert "going on without the cache" in record.getMessage()


def test_without_a_home_nothing_is_written_below_the_current_folder(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = "[profile keys]\naws_access_key_id = a\naws_secret_access_key = b"
    configured(tmp_path, f"role_arn = {ROLE}", "source_profile = keys", more=keys)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / ".aws" / "config"))
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # no HOME, an unknown user
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    call(endpoint)
    assert list(empty.iterdir()) == []


def test_a_machine_that_was_not_set_up_lacks_region_and_credentials() -> None:
    with pytest.raises(NoCredentials) as error:
        AwsClient().call("logs", "FilterLogEvents", REQUEST, expect="events")
    assert error.value.what == "no AWS region is set, and there are no AWS credentials"
    assert "name --region and --profile" in error.value.next_step
