"""moto's server behind the IAM policies that it holds, with the answers that moto lacks.

moto refuses signed GET requests of Lambda for their signature, and refuses in the form of the
query protocol. Here its own policies decide, and a refusal has the form that AWS documents.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.support.counters_world import Aws, one_at_a_time

ACCOUNT = "123456789012"
_ADMINISTRATOR = "test"


@dataclass(slots=True)
class GuardedAws:
    """A WSGI application in front of moto's.

    ``answers`` maps an operation to the whole answer, ``merged`` to fields that are added to
    moto's, ``missing`` has operations whose resource does not exist. ``files`` maps a path to
    what is downloaded there.
    """

    app: Any
    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    merged: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if (path := environ["PATH_INFO"]) in self.files:
            return _send(start_response, "200 OK", self.files[path])
        key, _, _, service, *_ = _credential(environ)
        operation = _operation(environ, service)
        if key not in ("", _ADMINISTRATOR) and not _is_permitted(key, f"{service}:{operation}"):
            return _refuse(start_response, service, f"{service}:{operation}")
        if operation in self.missing:
            return _error(start_response, "400 Bad Request", "ResourceNotFoundException", "None.")
        if operation in self.answers:
            return _send(start_response, "200 OK", json.dumps(self.answers[operation]).encode())
        if operation in self.merged:
            return self._add(environ, start_response, self.merged[operation])
        found: Iterable[bytes] = self.app(environ, start_response)
        return found

    def _add(
        self, environ: dict[str, Any], start_response: Any, more: Mapping[str, Any]
    ) -> Iterable[bytes]:
        answer = b"".join(self.app(environ, lambda status, headers, exc_info=None: None))
        return _send(start_response, "200 OK", json.dumps({**json.loads(answer), **more}).encode())


def _credential(environ: Mapping[str, Any]) -> list[str]:
    """Key, day, region, service and the end of ``Credential=…/…/…/…/aws4_request``."""
    signed = str(environ.get("HTTP_AUTHORIZATION", ""))
    return signed.partition("Credential=")[2].partition(",")[0].split("/") + [""] * 4


def _operation(environ: dict[str, Any], service: str) -> str:
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return str(target).rpartition(".")[2]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    if service == "lambda":
        from moto.core.routing import get_service_router
        from werkzeug.exceptions import NotFound
        from werkzeug.wrappers import Request

        request: Any = Request({**environ, "wsgi.input": io.BytesIO(body)})
        request.raw_path = environ["PATH_INFO"]  # as moto's own servers set it
        try:
            return str(get_service_router("lambda").match(request)[0].name)
        except NotFound:
            return ""
    named: str = parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
    return named


def _is_permitted(key: str, action: str) -> bool:
    from moto.iam.access_control import IAMPolicy, IAMUserAccessKey, PermissionResult

    owner = IAMUserAccessKey(account_id=ACCOUNT, partition="aws", access_key_id=key, headers={})
    results = {IAMPolicy(policy).is_action_permitted(action) for policy in owner.collect_policies()}
    return PermissionResult.PERMITTED in results and PermissionResult.DENIED not in results


def _refuse(start_response: Any, service: str, action: str) -> Iterable[bytes]:
    code = "AccessDenied" if service == "sqs" else "AccessDeniedException"
    message = f"User: arn:aws:iam::{ACCOUNT}:user/reader is not authorized to perform: {action}"
    return _error(start_response, "403 Forbidden", code, message)


def _error(start_response: Any, status: str, code: str, message: str) -> Iterable[bytes]:
    body = json.dumps({"__type": code, "message": message}).encode()
    return _send(start_response, status, body, [("x-amzn-ErrorType", code)])


def _send(
    start_response: Any, status: str, body: bytes, more: Iterable[tuple[str, str]] = ()
) -> Iterable[bytes]:
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))]
    start_response(status, [*headers, *more])
    return [body]


@contextmanager
def guarded_server() -> Iterator[tuple[Aws, GuardedAws]]:
    """A guarded moto on a free port of loopback, empty."""
    from moto.server import (  # type: ignore[attr-defined]
        DomainDispatcherApplication,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    guard = GuardedAws(one_at_a_time(DomainDispatcherApplication(create_backend_app)))
    server = make_server("127.0.0.1", 0, guard, threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    aws = Aws(f"http://127.0.0.1:{server.server_port}")
    try:
        aws.reset()
        yield aws, guard
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def reader_with(aws: Aws, *statements: Mapping[str, Any]) -> dict[str, str]:
    """The credentials of a new user whose policy has these statements."""
    iam = aws.client("iam")
    iam.create_user(UserName="reader")
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Resource": "*", **statement} for statement in statements],
    }
    iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
