"""HTTP on loopback: CloudWatch Logs (JSON 1.1) and the settings calls of Lambda (REST JSON)."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, TracebackType
from typing import Any, ClassVar
from urllib.parse import parse_qs

from tests.endpoint import lambda_api
from tests.endpoint.errors import Refusal
from tests.endpoint.faults import HUNG_HEADER, WIRE_KINDS, Faults
from tests.endpoint.insights import InsightsApi
from tests.endpoint.logs_api import LogsApi
from tests.endpoint.quotas import Quotas
from tests.endpoint.store import OWN_ACCOUNT, LogGroup, Store

_ROLE = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId>
<Arn>arn:aws:sts::123456789012:assumed-role/dev/s</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>role</AccessKeyId><SecretAccessKey>role</SecretAccessKey>
<SessionToken>role</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""
# AWS4-HMAC-SHA256 Credential=id/20261123/us-east-1/logs/aws4_request, …
_REGION = re.compile(r"Credential=[^/]+/[0-9]+/([^/]+)/")
_CALLER = f"arn:aws:sts::{OWN_ACCOUNT}:assumed-role/ci/session"


class Endpoint:
    """A server in a thread. ``with Endpoint() as endpoint:`` starts and stops it.

    ``calls`` counts the requests by operation, refused ones included; ``bytes_sent`` counts the
    bodies of its answers; ``regions`` are those for which each was signed. ``clock`` gives epoch
    milliseconds: what was ingested later than that is not visible yet. ``quotas`` are calls a
    second for each operation; none without it. ``date_ahead_s`` is how far the ``Date`` of the
    answers is ahead of this machine's clock; with ``dates_by_clock`` it is the time of ``clock``.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        quotas: Mapping[str, float] | None = None,
        seed: int = 0,
        scan_events: int = 200_000,
    ) -> None:
        self.clock = clock
        self.calls: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.bytes_sent: Counter[str] = Counter()
        self.regions: dict[str, set[str]] = {}
        self.faults = Faults(seed=seed)
        self.hang = threading.Event()
        self.date_ahead_s = 0.0
        self.dates_by_clock = False
        self.store = Store()
        self.lambdas = lambda_api.LambdaApi()
        self.quotas = Quotas(quotas or {})
        self._lock = threading.Lock()
        logs = LogsApi(self.store, self._now, scan_events=scan_events)
        insights = InsightsApi(logs, self._now)
        self._paged = {
            "FilterLogEvents": logs.filter_log_events,
            "GetLogEvents": logs.get_log_events,
        }
        self._operations = {
            "DescribeLogStreams": logs.describe_log_streams,
            "DescribeLogGroups": logs.describe_log_groups,
            "CreateLogGroup": logs.create_log_group,
            "DeleteLogGroup": logs.delete_log_group,
            "PutRetentionPolicy": logs.put_retention_policy,
            "CreateLogStream": logs.create_log_stream,
            "PutLogEvents": logs.put_log_events,
            "StartQuery": insights.start_query,
            "GetQueryResults": insights.get_query_results,
            "StopQuery": insights.stop_query,
            "DescribeFieldIndexes": logs.describe_field_indexes,
            "GetTransformer": logs.get_transformer,
            "DescribeAccountPolicies": logs.describe_account_policies,
        }
        self.events, self.insights = logs, insights
        self._http = _Server(("127.0.0.1", port), _Handler)
        self._http.endpoint = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Endpoint:
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.hang.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.end_connections()

    def serve(self) -> None:
        """Answer until ``shutdown``."""
        self._http.serve_forever(poll_interval=0.02)

    # ----------------------------------------------------------------------- filling it

    def group(self, name: str, *, created_ms: int = 0, **properties: Any) -> LogGroup:
        """The group of that name, made if it is not there (see ``LogGroup`` for properties)."""
        account = properties.get("account", OWN_ACCOUNT)
        self.store.region = properties.get("region")
        found = self.store.find(name, account)
        return found or self.store.add(LogGroup(name, created_ms=created_ms, **properties))

    def put(
        self, group: str | LogGroup, stream: str, events: Iterable[tuple[int, str]], lag_ms: int = 0
    ) -> None:
        """Events of one stream, visible ``lag_ms`` after their own time."""
        self.load(group, ((stream, at, message) for at, message in events), lag_ms)

    def load(
        self, group: str | LogGroup, events: Iterable[tuple[str, int, str]], lag_ms: int = 0
    ) -> None:
        """Events as (stream, timestamp_ms, message)."""
        with self._lock:
            into = self.group(group) if isinstance(group, str) else group
            for stream, at, message in events:
                into.append(into.stream(stream, at), at, message, at + lag_ms)

    def function(
        self, name: str, *, event_invoke: Mapping[str, Any] | None = None, **configuration: Any
    ) -> None:
        """A function with its configuration (``Timeout=3, …``) and, if any, its invoke settings."""
        self.lambdas.functions[name] = configuration
        if event_invoke is not None:
            self.lambdas.invoke_configs[name, "$LATEST"] = dict(event_invoke)

    # ----------------------------------------------------------------------- answering

    def fault(
        self,
        operation: str,
        *,
        has_token: bool,
        signed: str = "",
        request: Mapping[str, Any] = MappingProxyType({}),
    ) -> str | None:
        """Count the call, and draw what goes wrong with it."""
        with self._lock:
            self.calls[operation] += 1
            if region := _REGION.search(signed):
                self.regions.setdefault(operation, set()).add(region[1])
            return self.faults.next(operation, has_token=has_token, request=request)

    def logs(
        self, operation: str, request: dict[str, Any], fault: str | None, signed: str = ""
    ) -> dict[str, Any]:
        with self._lock:
            region = _REGION.search(signed)
            self.store.region = region and region[1]
            self.store.settle()
            self._refuse_caller(f"logs:{operation}", request)
            if request.get("unmask") or "unmask(" in request.get("queryString", ""):
                self._refuse_caller("logs:Unmask", request)
            self.quotas.take(operation)
            if paged := self._paged.get(operation):
                return paged(self.faults.bent(request), fault)
            if plain := self._operations.get(operation):
                return plain(request)
            raise Refusal("UnknownOperationException", operation)

    def count_answer(self, operation: str) -> None:
        with self._lock:
            self.answers[operation] += 1

    def lambda_settings(self, operation: str, function: str, path: str) -> dict[str, Any]:
        with self._lock:
            self._refuse_credentials(403)
            if f"lambda:{operation}" in self.faults.denied:
                raise _denied(f"lambda:{operation}", lambda_api.arn(function), 403)
            return self.lambdas.call(operation, function, path)

    def _now(self) -> int:
        return self.clock()

    def _refuse_caller(self, action: str, request: dict[str, Any]) -> None:
        self._refuse_credentials(400)
        named = request.get("logGroupName") or request.get("logGroupIdentifier") or ""
        streams = {request.get("logStreamName"), *request.get("logStreamNames", ())}
        if (
            action in self.faults.denied
            or named in self.faults.denied_groups
            or streams & self.faults.denied_streams
        ):
            known = self.store.find(named)
            resource = f"{known.arn}:log-stream:" if known else named or "*"
            raise _denied(action, resource, 400)

    def _refuse_credentials(self, status: int) -> None:
        if self.faults.credentials == "expired":
            raise Refusal(
                "ExpiredTokenException",
                "The security token included in the request is expired",
                status,
            )
        if self.faults.credentials == "invalid":
            raise Refusal(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
                status,
            )


def _denied(action: str, resource: str, status: int) -> Refusal:
    return Refusal(
        "AccessDeniedException",
        f"User: {_CALLER} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action",
        status,
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    endpoint: Endpoint

    def __init__(self, *address_and_handler: Any) -> None:
        super().__init__(*address_and_handler)
        self._connections: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """End the thread of each connection that a client keeps open."""
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):  # closed by now
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    # Without write buffering and TCP_NODELAY each answer waits 40 ms for a delayed ACK.
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: _Server
    _operation = ""
    _statuses: ClassVar[dict[str, Refusal]] = {
        "throttle": Refusal("ThrottlingException", "Rate exceeded"),
        "error": Refusal("ServiceUnavailableException", "The service is unavailable.", 503),
        "denied": Refusal("AccessDeniedException", "Access is denied by an explicit deny."),
    }

    def do_POST(self) -> None:
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not operation:
            self._assume_role(body.decode())
            return
        request = json.loads(body or b"{}")
        signed = self.headers.get("Authorization", "")
        fault = self.server.endpoint.fault(
            operation, has_token="nextToken" in request, signed=signed, request=request
        )
        self._operation = operation
        self._answer(fault, lambda: self.server.endpoint.logs(operation, request, fault, signed))

    def _assume_role(self, form: str) -> None:
        """Answer STS, whose protocol is a form and XML."""
        fault = self.server.endpoint.fault(parse_qs(form)["Action"][0], has_token=False)
        if fault in WIRE_KINDS:
            self._misbehave(fault)
            return
        body = _ROLE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self) -> None:
        try:
            operation, function = lambda_api.operation_of(self.path)
        except Refusal as refusal:
            self._send(refusal.status, {"Message": refusal.message}, refusal.code)
            return
        fault = self.server.endpoint.fault(
            operation, has_token=False, signed=self.headers.get("Authorization", "")
        )
        self._answer(
            fault,
            lambda: self.server.endpoint.lambda_settings(operation, function, self.path),
        )

    def _answer(self, fault: str | None, compute: Callable[[], dict[str, Any]]) -> None:
        if fault == "slow":
            time.sleep(self.server.endpoint.faults.slow_s)
        if fault == "reset":
            self._reset()
            return
        if fault in WIRE_KINDS:
            self._misbehave(fault)
            return
        try:
            if fault in self._statuses:
                raise self._statuses[fault]
            status, answer, error = 200, compute(), None
        except Refusal as refusal:
            status, error = refusal.status, refusal.code
            answer = {"__type": error, "message": refusal.message}
        self._send(status, answer, error, cut=fault == "cut")

    def _send(
        self, status: int, answer: dict[str, Any], error: str | None, *, cut: bool = False
    ) -> None:
        body = json.dumps(answer).encode()
        self.server.endpoint.bytes_sent[self._operation] += len(body)
        self.server.endpoint.count_answer(self._operation)
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        if error:
            self.send_header("x-amzn-ErrorType", error)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.wfile.flush()
        if cut:
            self.close_connection = True

    def _misbehave(self, fault: str) -> None:
        """Answer as no service of AWS does, or not at all."""
        self.close_connection = True
        hang_s = self.server.endpoint.faults.hang_s
        if fault == "hang" and not self.server.endpoint.hang.wait(hang_s):
            self.send_response(200)
            self.send_header(HUNG_HEADER, "")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "hang":
            pass
        elif fault == "bad-header":
            self.wfile.write(b"\x00\xff nonsense\r\n\r\n")
        elif fault == "redirect":
            self.send_response(302)
            self.send_header("Location", "https://login.example.com/")
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
        elif fault != "close":
            body = {"garbage": b"\xff{\x00", "html": b"<html>Log in</html>", "json-list": b"[1]"}
            self.send_response(200)
            self.send_header("Content-Length", str(len(body[fault])))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body[fault])

    def _reset(self) -> None:
        """Close with RST: a lingering time of zero."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def finish(self) -> None:
        """The connection may be gone already."""
        with contextlib.suppress(OSError):
            super().finish()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The ``Date`` of an answer."""
        endpoint = self.server.endpoint
        if endpoint.dates_by_clock:
            return super().date_time_string(endpoint.clock() / 1000)
        return super().date_time_string((timestamp or time.time()) + endpoint.date_ahead_s)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""
