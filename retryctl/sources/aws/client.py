"""The one door to AWS: session, clients, pace, retries, and errors in our words.

Profile, region and endpoint hold for every call. Retries are botocore's ``adaptive`` ones, which
slow a shared client down to what the service answers: where ``standard`` ones lose half of the
calls of many threads, they lose none.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retryctl.errors import Unreachable, UsageError
from retryctl.sources.aws.errors import CallContext, translate_error
from retryctl.sources.aws.rate_limiter import AdaptiveRateLimiter

Answer = dict[str, Any]

_MAX_ATTEMPTS = 8
_MAX_CONNECTIONS = 16
# A host that three attempts do not reach is not waited for to the eighth, half a minute later.
_ATTEMPTS_TO_CONNECT = 3
_ATTEMPTS_AT_A_CUT_ANSWER = 5


class AwsClient:
    """Clients for one identity and one place. Safe to call from several threads.

    ``calls`` counts the requests that were sent, ``repeated`` those of them that were repeats.
    ``seconds`` and ``sleep`` are the clock of the pace.
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        user_agent: str = "retryctl",
        max_attempts: int = _MAX_ATTEMPTS,
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.profile = profile
        self.endpoint_url = endpoint_url
        self.calls = 0
        self.repeated = 0
        self._region = region
        self._user_agent = user_agent
        self._max_attempts = max_attempts
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()
        self._counting = threading.Lock()
        self._paces: dict[str, AdaptiveRateLimiter] = defaultdict(
            lambda: AdaptiveRateLimiter(seconds, sleep)
        )

    @property
    def region(self) -> str | None:
        """The region of the calls: as given, or as the session finds it."""
        if self._region is None and self._session is not None:
            return self._session.region_name  # type: ignore[no-any-return]
        return self._region

    def call(
        self,
        service: str,
        operation: str,
        request: dict[str, Any],
        *,
        expect: str | None = None,
        subject: str = "",
    ) -> Answer:
        """One call of ``operation`` (``FilterLogEvents``), retried as far as it helps.

        ``expect`` is a key that every whole answer has: botocore takes an answer that breaks off
        for an empty one, which would look like the end of the log. ``subject`` is what is read,
        for the words of an error. Raises the errors of ``retryctl.errors``.
        """
        for _ in range(_ATTEMPTS_AT_A_CUT_ANSWER):
            answer = self._once(service, operation, request, subject)
            if expect is None or expect in answer:
                return answer
        raise self._cut_off(service, operation)

    def _once(self, service: str, operation: str, request: dict[str, Any], subject: str) -> Answer:
        pace = self._pace(operation)
        pace.wait()
        try:
            client = self._client(service)
            method = getattr(client, _method(operation))
            answer: Answer = method(**request)
        except Exception as error:
            self._count(getattr(error, "response", {}), pace)
            told = translate_error(error, self._asked(service, operation, subject))
            if told is None:
                raise
            raise told from error
        self._count(answer, pace)
        return answer

    def _pace(self, operation: str) -> AdaptiveRateLimiter:
        with self._counting:
            return self._paces[operation]

    def _count(self, answer: Answer, pace: AdaptiveRateLimiter) -> None:
        again = answer.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        pace.answered(again)
        with self._counting:
            self.calls += 1 + again
            self.repeated += again

    def _asked(self, service: str, operation: str, subject: str) -> CallContext:
        return CallContext(
            action=f"{service}:{operation}",
            subject=subject,
            profile=self.profile or os.environ.get("AWS_PROFILE"),
            region=self.region,
            endpoint=self.endpoint_url,
        )

    def _cut_off(self, service: str, operation: str) -> Exception:
        return Unreachable(
            f"the answers to {service}:{operation} break off, {_ATTEMPTS_AT_A_CUT_ANSWER} in a row",
            "Check the network and the proxy.",
        )

    # ----------------------------------------------------------------------- session and clients

    def _client(self, service: str) -> Any:
        with self._making:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        from botocore.config import Config

        if self._session is None:
            self._session = self._new_session()
        config = Config(
            retries={"mode": "adaptive", "total_max_attempts": self._max_attempts},
            max_pool_connections=_MAX_CONNECTIONS,
            user_agent_extra=self._user_agent,
            connect_timeout=5,
            read_timeout=60,
        )
        try:
            client = self._session.client(
                service,
                region_name=self._region,
                endpoint_url=self.endpoint_url,
                config=config,
            )
        except ValueError as error:
            if self.endpoint_url is None:
                raise
            raise UsageError(f"--endpoint-url {self.endpoint_url}: {error}") from error
        client.meta.events.register_first("needs-retry", _give_up_on_a_silent_host)
        return client

    def _new_session(self) -> Any:
        import boto3
        from botocore.session import Session
        from botocore.utils import JSONFileCache

        session = Session(profile=self.profile)
        provider = session.get_component("credential_provider").get_provider("assume-role")
        # Where the AWS CLI keeps the credentials of roles: one MFA code serves both.
        provider.cache = JSONFileCache(str(Path("~/.aws/cli/cache").expanduser()))
        return boto3.Session(botocore_session=session)


def _give_up_on_a_silent_host(
    attempts: int, caught_exception: Exception | None, **_: object
) -> None:
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    cannot_connect = isinstance(caught_exception, (EndpointConnectionError, ConnectTimeoutError))
    if caught_exception is not None and cannot_connect and attempts >= _ATTEMPTS_TO_CONNECT:
        raise caught_exception


def _method(operation: str) -> str:
    """``FilterLogEvents`` -> ``filter_log_events``, as boto3 names it."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")
