"""The credentials of an AWS profile, for a function that runs on this machine."""

from __future__ import annotations

from retryctl.errors import NoCredentials
from retryctl.sources.aws.client import AwsClient


def profile_variables(profile: str) -> dict[str, str]:
    """Return the credentials of a profile as environment variables.

    :raises NoCredentials: the profile is unknown, or has no credentials.
    """
    frozen = AwsClient(profile=profile).credentials()
    if frozen is None or not frozen.access_key or not frozen.secret_key:
        raise NoCredentials(f"the profile {profile} has no credentials")
    variables = {
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
    }
    return variables | ({"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {})
