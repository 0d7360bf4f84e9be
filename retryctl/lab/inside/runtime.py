"""The runtime client that serves the handler: awslambdaric, or a stand-in for it."""

from __future__ import annotations

import importlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

Serve = Callable[[str], None]


def choose(stand_in: bool, before_handler: Callable[[], None]) -> tuple[Serve, dict[str, str]]:
    """Return what serves a handler, given its name, and what to tell the lab about it.

    ``before_handler`` is called when an invocation has arrived, before the handler sees it.
    """
    reason = "it was asked for"
    if not stand_in:
        try:
            return _awslambdaric(before_handler)
        except ImportError as error:
            reason = str(error)
    from retryctl.lab.inside import stand_in as client

    facts = {"client": "stand-in", "client_reason": reason}
    return lambda handler: client.serve(handler, before_handler), facts


def _awslambdaric(before_handler: Callable[[], None]) -> tuple[Serve, dict[str, str]]:
    package = importlib.import_module("awslambdaric")
    program = importlib.import_module("awslambdaric.__main__")
    importlib.import_module("runtime_client")  # its compiled part: awslambdaric needs it
    client = importlib.import_module("awslambdaric.lambda_runtime_client").LambdaRuntimeClient
    wait_next_invocation = client.wait_next_invocation

    def wait(self: Any) -> Any:
        invocation = wait_next_invocation(self)
        before_handler()
        return invocation

    client.wait_next_invocation = wait
    facts = {"client": f"awslambdaric {package.__version__}"}
    return lambda handler: program.main(["bootstrap", handler]), facts


def meet(fate: str | None, tell: Callable[..., None]) -> None:
    """Tell the lab what the plan says, and suffer it in earnest: a hang, an exit or a signal."""
    if fate is None:
        return
    tell(met=fate)
    if fate == "timeout":
        while True:
            time.sleep(3600)
    elif fate == "exit":
        os._exit(1)
    else:  # an out-of-memory kill is a SIGKILL as well
        os.kill(os.getpid(), signal.SIGKILL)
