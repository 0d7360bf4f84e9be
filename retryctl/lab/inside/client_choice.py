"""The choice of the runtime client that serves the handler: awslambdaric, or a stand-in for it."""

from __future__ import annotations

import importlib
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SIGKILL = 9  # on every POSIX system; the module signal costs time in every process


class RuntimeClient:
    """``serve`` runs a handler, given its name; ``facts`` name the client, and why it runs."""

    def __init__(self, serve: Callable[[str], None], **facts: str) -> None:
        self.serve = serve
        self.facts = facts


def choose(stand_in: bool, inject_fault: Callable[..., None]) -> RuntimeClient:
    """Return awslambdaric, or the stand-in where it is missing or not wanted.

    ``inject_fault(late=False)`` is called before each invocation of the handler, and with
    ``late=True`` after it, before the client logs or reports its end.
    """
    reason = "it was requested"
    if not stand_in:
        try:
            return _awslambdaric(inject_fault)
        except ImportError as error:
            reason = str(error)
    from retryctl.lab.inside import stand_in_client as client

    return RuntimeClient(
        lambda handler: client.serve_invocations(handler, inject_fault),
        client="stand-in",
        client_reason=reason,
    )


def _awslambdaric(inject_fault: Callable[..., None]) -> RuntimeClient:
    package = importlib.import_module("awslambdaric")
    program = importlib.import_module("awslambdaric.__main__")
    importlib.import_module("runtime_client")  # its compiled part: awslambdaric needs it
    client = importlib.import_module("awslambdaric.lambda_runtime_client").LambdaRuntimeClient
    bootstrap = importlib.import_module("awslambdaric.bootstrap")
    _call_around(client, "wait_next_invocation", after=lambda: inject_fault(late=False))
    _call_around(client, "post_invocation_result", before=lambda: inject_fault(late=True))
    _call_around(bootstrap, "log_error", before=lambda: inject_fault(late=True))
    return RuntimeClient(
        lambda handler: program.main(["bootstrap", handler]),
        client=f"awslambdaric {package.__version__}",
    )


def _call_around(
    owner: Any,
    name: str,
    *,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> None:
    """Replace a function of ``owner`` by one that also calls ``before`` and ``after``."""
    original = getattr(owner, name)

    def with_calls(*arguments: Any, **options: Any) -> Any:
        before()
        answer = original(*arguments, **options)
        after()
        return answer

    setattr(owner, name, with_calls)


def inject_fault(fault: str | None, send_fact: Callable[..., None]) -> None:
    """State the planned fault to the lab, and carry it out: a hang, an exit or a signal."""
    if fault is None:
        return
    send_fact(fault=fault)
    if fault == "timeout":
        while True:
            time.sleep(3600)
    elif fault == "exit":
        os._exit(1)
    else:  # an out-of-memory kill is a SIGKILL as well
        os.kill(os.getpid(), SIGKILL)
