"""The credentials of an AWS profile, for a function that runs on this machine."""

from __future__ import annotations

from retryctl.errors import CouldNotLook


def profile_variables(profile: str) -> dict[str, str]:
    """Return the credentials of a profile as environment variables.

    :raises CouldNotLook: the profile is unknown, or has no credentials.
    """
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        credentials = boto3.session.Session(profile_name=profile).get_credentials()
        frozen = credentials.get_frozen_credentials() if credentials else None
    except BotoCoreError as error:
        raise CouldNotLook(f"the profile {profile} cannot be used: {error}") from error
    if frozen is None or not frozen.access_key or not frozen.secret_key:
        raise CouldNotLook(f"the profile {profile} has no credentials")
    variables = {
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
    }
    return variables | ({"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {})
