"""What the stores in AWS share: a client that is made when it is first used."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AwsCounter:
    """A counter with one client of ``service`` for all threads, or the caller's own ``client``.

    ``config`` is a ``botocore.config.Config`` merged over the counter's own limits.
    """

    service = ""

    def __init__(self, client: Any = None, config: Any = None) -> None:
        self._client = client
        self._config = config
        self._lock = threading.Lock()

    @property
    def client(self) -> Any:
        """The client; making it loads boto3, and costs 100 ms and more once in an environment."""
        with self._lock:
            if self._client is None:
                self._client = _new_client(self.service, self._config)
            return self._client


def _new_client(service: str, config: Any) -> Any:
    """Return a client that ends a call within about 10 s: boto3's limits outlast most functions.

    An unreachable store (a VPC without an endpoint) must leave the handler time to branch.
    """
    import boto3
    from botocore.config import Config

    patience = Config(
        connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}
    )
    session: Any = boto3.session.Session()
    merged = patience if config is None else patience.merge(config)
    return session.client(service, config=merged)
