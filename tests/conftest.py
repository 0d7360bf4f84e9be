"""The servers that several test modules speak to."""

from collections.abc import Iterator

import pytest

from tests.counters_world import Aws, aws_server, make_table


@pytest.fixture(scope="module")
def moto() -> Iterator[Aws]:
    """moto over HTTP, which a module's tests share."""
    with aws_server() as server:
        yield server


@pytest.fixture(scope="module")
def moto_url(moto: Aws) -> str:
    return moto.url


@pytest.fixture
def aws(moto: Aws) -> Aws:
    """The same server, with nothing but what a counter counts in: bucket and table ``retries``."""
    moto.reset()
    moto.client("s3").create_bucket(Bucket="retries")
    make_table(moto, "retries")
    return moto
