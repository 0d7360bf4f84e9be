"""AWS calls: session, clients, rate limits, retries, time limits, and errors in our own words.

Profile, region and endpoint apply to every call. Retries are botocore's ``adaptive`` ones, which
slow a shared client down to what the service answers; ``standard`` ones lose half of the calls of
many threads.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from retryctl.errors import (
    LoginExpired,
    NoCredentials,
    RetryctlError,
    Throttled,
    Unreachable,
    UsageError,
)
from retryctl.machine_limits import is_out_of_memory, machine_limit
from retryctl.sources.aws.call_watch import CallWatch
from retryctl.sources.aws.circuit_breaker import ANYWHERE, CallPlace, CircuitBreaker
from retryctl.sources.aws.credential_errors import (
    CredentialChain,
    no_region_nor_credentials,
    translate_credential_error,
)
from retryctl.sources.aws.errors import CallContext, translate_error
from retryctl.sources.aws.rate_limiter import AdaptiveRateLimiter
from retryctl.sources.aws.service_clock import ServiceClock
from retryctl.sources.aws.session import new_session, region_from_environment

AwsResponse = dict[str, Any]

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5, 30
LONGEST_WAIT_S = 2 * READ_TIMEOUT_S + 5
"""A call to a service that hangs ends after two attempts and the pause between them.

Where no service has answered, each further call ends after one attempt.
"""
_MAX_ATTEMPTS = 8
_MAX_CONNECTIONS = 16
# Calls to a host that does not answer end long before the eighth attempt: an unreachable one after
# a quarter of a minute, a hung one after a minute. Throttling has all eight.
_ATTEMPTS: Mapping[str, int] = {
    "SSLError": 1,
    "ReadTimeoutError": 2,
    "ConnectTimeoutError": 3,
    "EndpointConnectionError": 3,
    "ProxyConnectionError": 3,
    "HTTPClientError": 5,
}
_ATTEMPTS_AT_A_CUT_ANSWER = 5
# After one of these, no operation of the service is called for a while.
_SILENCE = frozenset({"ReadTimeoutError", "ConnectTimeoutError", "EndpointConnectionError"})
# The next page, as an answer names it and as a request does.
_PAGE_TOKENS = {
    "nextToken": "nextToken",
    "NextMarker": "Marker",
    "NextContinuationToken": "ContinuationToken",
}
# arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/orders-worker
_ARN = re.compile(r"arn:[\w-]+:[\w-]+:(?P<region>[a-z0-9-]+):")
_NAMES_RESOURCE = ("logGroupIdentifier", "FunctionName", "ResourceArn")


class AwsClient:
    """Clients for one identity, in one region or several. Safe to call from several threads.

    A call that names a resource by its ARN goes to the ARN's region. With ``unmask``, log events
    are read without the masks of data protection. ``region_source`` names where ``region`` was
    set, for an error about it. ``calls`` counts the requests
    that were sent, ``repeated`` the repeats among them. ``seconds`` and ``sleep`` are the clock of
    the rate limiter, ``clock`` gives the epoch milliseconds of this machine. ``on_wait`` is called
    with an action and the seconds for which its answer is awaited: each second from the third on,
    from another thread.
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        region: str | None = None,
        region_source: str = "--region",
        endpoint_url: str | None = None,
        user_agent: str = "retryctl",
        unmask: bool = False,
        max_attempts: int | None = None,
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        on_wait: Callable[[str, float], None] | None = None,
    ) -> None:
        self.profile = profile
        self.endpoint_url = endpoint_url
        self.unmask = unmask
        self.calls = 0
        self.repeated = 0
        self._region = region
        self._region_source = region_source
        self._user_agent = user_agent
        self._max_attempts = max_attempts or _MAX_ATTEMPTS
        self._seconds = seconds
        self._watch = CallWatch(seconds, on_wait)
        self._botocore: Any = None
        self._clock = ServiceClock(clock)
        self._clients: dict[tuple[str | None, str], Any] = {}
        self._making = threading.Lock()
        self._counting = threading.Lock()
        self._limiters: dict[CallPlace, AdaptiveRateLimiter] = defaultdict(
            lambda: AdaptiveRateLimiter(seconds, sleep)
        )
        self._breaker = CircuitBreaker(seconds, one_host=endpoint_url is not None)

    @property
    def skew_ms(self) -> int:
        """How far the service's clock is ahead of this machine's; 0 where under 2 s or unknown."""
        return self._clock.skew_ms

    @property
    def region(self) -> str | None:
        """The region of the calls: as given, or as the session finds it."""
        region = self._region or region_from_environment()
        if region is None and self._botocore is not None:
            return self._botocore.get_config_variable("region")  # type: ignore[no-any-return]
        return region

    def call(
        self,
        service: str,
        operation: str,
        request: dict[str, Any],
        *,
        expect: str | None = None,
        subject: str = "",
        region: str | None = None,
    ) -> AwsResponse:
        """Call ``operation`` (``FilterLogEvents``), with retries while they help.

        ``expect`` is a key that every whole answer has: botocore takes an answer that breaks off
        for an empty one, which would end the log. ``subject`` is what is read,
        for the words of an error. ``region`` is where, if neither an ARN in ``request`` nor the
        client's own region. Raises the errors of ``retryctl.errors``.
        """
        place = CallPlace(region or _region_named(request), service, operation)
        self._breaker.refuse(place)
        try:
            for _ in range(_ATTEMPTS_AT_A_CUT_ANSWER):
                answer = self._once(place, request, subject)
                if expect is None or expect in answer:
                    self._breaker.note_success(place)
                    return answer
            raise _cut_off(service, operation)
        except (Unreachable, Throttled, LoginExpired, NoCredentials) as error:
            self._breaker.note_failure(place, error)
            raise

    def pages(
        self, service: str, operation: str, request: dict[str, Any], **options: Any
    ) -> Iterator[AwsResponse]:
        """Yield every page of the answer of ``operation``, with ``options`` as of ``call``."""
        while True:
            page = self.call(service, operation, request, **options)
            yield page
            more = {sent: page[got] for got, sent in _PAGE_TOKENS.items() if page.get(got)}
            if not more:
                return
            request = request | more

    def items(
        self, service: str, operation: str, request: dict[str, Any], key: str, **options: Any
    ) -> Iterator[AwsResponse]:
        """Yield the items of all pages under ``key``, which every whole answer has."""
        for page in self.pages(service, operation, request, expect=key, **options):
            yield from page[key]

    def _once(self, place: CallPlace, request: dict[str, Any], subject: str) -> AwsResponse:
        region, service, operation = place
        with self._counting:
            limiter = self._limiters[place]
        limiter.wait()
        client = self._client(service, region)
        sent_ms, sent_s = self._clock.now_ms(), self._seconds()
        try:
            answer: AwsResponse = getattr(client, _method(operation))(**request)
        except Exception as error:  # whatever botocore and the libraries below it raise
            _raise_machine_limit(error)
            self._count(getattr(error, "response", None) or {}, limiter, sent_ms, place)
            context = self._context(service, operation, subject, region)
            translated = translate_error(error, context)
            if _is_silence(error):
                self._breaker.note_silence(place, sent_s, translated)
            raise translated from error
        self._count(answer, limiter, sent_ms, place)
        return answer

    def _count(
        self,
        answer: Mapping[str, Any],
        limiter: AdaptiveRateLimiter,
        sent_ms: int,
        place: CallPlace,
    ) -> None:
        metadata = answer.get("ResponseMetadata", {})
        again = metadata.get("RetryAttempts", 0)
        limiter.answered(again)
        if "HTTPStatusCode" in metadata:
            self._breaker.note_answer(place)
        with self._counting:
            self.calls += 1 + again
            self.repeated += again
            self._clock.note(metadata.get("HTTPHeaders", {}).get("date"), sent_ms=sent_ms)

    def _context(
        self, service: str, operation: str, subject: str, region: str | None = None
    ) -> CallContext:
        return CallContext(
            action=f"{service}:{operation}",
            chain=self._chain(),
            subject=subject,
            region=region or self.region,
            endpoint=self.endpoint_url,
        )

    # ----------------------------------------------------------------------- session and clients

    def credentials(self) -> Any:
        """Return the keys and the token that are good now; ``None`` where there are none.

        They are renewed where they expire soon. Raises the errors of ``retryctl.errors``.
        """
        with self._translated():
            found = self._session().get_credentials()
            return found and found.get_frozen_credentials()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise our errors for those of the session, of a client and of its credentials."""
        try:
            yield
        except RetryctlError:
            raise
        except Exception as error:  # a process, a file, a service: each has its own
            _raise_machine_limit(error)
            translated = translate_credential_error(error, self._chain()) or translate_error(
                error, self._context("sts", "AssumeRole", "")
            )
            if _is_silence(error):
                self._breaker.note_silence(ANYWHERE, self._seconds(), translated)
            raise translated from error

    def _session(self) -> Any:
        if self._botocore is None:
            from botocore.config import Config

            config = Config(
                retries={"mode": "adaptive", "total_max_attempts": self._max_attempts},
                max_pool_connections=_MAX_CONNECTIONS,
                user_agent_extra=self._user_agent,
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
            )
            self._botocore = new_session(
                profile=self.profile, endpoint_url=self.endpoint_url, config=config
            )
            events = self._botocore.get_component("event_emitter")  # also of calls for credentials
            events.register_first("needs-retry", self._give_up_early)
            self._watch.observe(events)
        return self._botocore

    def _client(self, service: str, region: str | None) -> Any:
        """Return the client, with credentials that are good now."""
        with self._making, self._translated():
            keys = self.credentials()
            if keys is None and not (region or self.region):
                raise no_region_nor_credentials(self._chain())
            if (region, service) not in self._clients:
                self._clients[region, service] = self._new_client(service, region)
            return self._clients[region, service]

    def _new_client(self, service: str, region: str | None) -> Any:
        from botocore.exceptions import InvalidRegionError, NoRegionError

        name = region or self.region
        try:
            if name == "":  # an empty variable: botocore makes a host without a region of it
                raise NoRegionError
            client = self._session().create_client(service, region_name=name)
        except (InvalidRegionError, NoRegionError) as error:
            raise self._bad_region(error) from error
        except ValueError as error:
            if "Invalid endpoint" not in str(error):
                raise
            raise self._bad_endpoint(service, str(error)) from error
        return client

    def _give_up_early(
        self, attempts: int, caught_exception: Exception | None, **_: object
    ) -> None:
        if caught_exception is None:
            return
        if machine_limit(caught_exception):
            raise caught_exception
        limits = [_ATTEMPTS[kind] for kind in _kinds(caught_exception) if kind in _ATTEMPTS]
        if limits and attempts >= (1 if self._breaker.is_silent else limits[0]):
            raise caught_exception

    def _bad_region(self, error: Exception) -> RetryctlError:
        if not self.region:
            return translate_error(error, self._context("logs", "FilterLogEvents", ""))
        sources = (
            *((name, os.environ.get(name)) for name in ("AWS_REGION", "AWS_DEFAULT_REGION")),
            (self._region_source, self._region),
        )
        source = next((name for name, value in sources if value == self.region), None)
        of = source or self._chain().setting("region")
        return UsageError(f"{of} is not a region: {self.region!r}", "Give one such as eu-west-1.")

    def _bad_endpoint(self, service: str, error: str) -> UsageError:
        if self.endpoint_url is not None:
            return UsageError(
                f"--endpoint-url {self.endpoint_url}: {error}", "Give http:// or https:// with it."
            )
        names = (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS")
        named = [n for n in (*names, "AWS_ENDPOINT_URL") if os.environ.get(n)]
        of = (
            f"{named[0]}={os.environ[named[0]]}" if named else self._chain().setting("endpoint_url")
        )
        return UsageError(f"{of} is not a URL: {error}", "Give http:// or https:// with it.")

    def _chain(self) -> CredentialChain:
        try:
            settings = self._botocore.get_scoped_config() if self._botocore else {}
        except Exception:  # no such profile, or a file that cannot be read: reported elsewhere
            settings = {}
        return CredentialChain(
            profile=self.profile or os.environ.get("AWS_PROFILE"), settings=settings
        )


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


def _region_named(request: Mapping[str, Any]) -> str | None:
    """Return the region of the ARN by which a request names its resource."""
    names = [request.get(key) for key in _NAMES_RESOURCE] + request.get("logGroupIdentifiers", [])
    arns = (_ARN.match(name) for name in names if name)
    return next((arn["region"] for arn in arns if arn), None)


def _cut_off(service: str, operation: str) -> Unreachable:
    return Unreachable(
        f"{_ATTEMPTS_AT_A_CUT_ANSWER} answers in a row to {service}:{operation} were cut off",
        "Check the network, the proxy and --endpoint-url.",
    )


def _kinds(error: Exception) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__]


def _raise_machine_limit(error: Exception) -> None:
    """Raise the limit of this machine that caused ``error``, if one did."""
    if is_out_of_memory(error):
        raise MemoryError from error
    if limit := machine_limit(error):
        raise limit from error


def _is_silence(error: Exception) -> bool:
    return not _SILENCE.isdisjoint(_kinds(error))


def _method(operation: str) -> str:
    """``FilterLogEvents`` -> ``filter_log_events``, as boto3 names it."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")
