"""Waits that cost the tests no time: pauses between calls, before retries, between polls.

Only in the process of the tests; a program in a process of its own waits as for its user. A test
of a wait gives its own clock.
"""

from __future__ import annotations

import time
from dataclasses import fields
from types import SimpleNamespace

import botocore.endpoint
from botocore.retries.bucket import TokenBucket

from retryctl.app.probe.probe import probe
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.cloudwatch.search_options import QueryBudget


def no_wait(seconds: float) -> None:
    """Sleep for a moment, so that other threads run."""
    time.sleep(min(seconds, 0.001))


def install() -> None:
    """Replace the sleep that calls of AWS, Logs Insights and ``probe`` have by default.

    After a refused call, botocore's own limit allows 1,000 calls a second and not one in two.
    """
    for function in (AwsClient.__init__, probe):
        defaults = function.__kwdefaults__
        assert defaults is not None
        assert "sleep" in defaults
        defaults["sleep"] = no_wait
    (sleep,) = (each for each in fields(QueryBudget) if each.name == "sleep")
    sleep.default = no_wait  # before the first instance, with which the constructor is compiled
    vars(botocore.endpoint)["time"] = SimpleNamespace(sleep=no_wait)
    TokenBucket.__init__.__defaults__ = (1_000.0,)  # the least rate
