"""What a function imports to know which attempt it runs.

Standard library only, Python 3.9 to 3.14, and nothing of the rest of retryctl::

    from retryctl.counters import TmpCounter, retries

    @retries(TmpCounter(), a=do_a, b=do_b, c=do_c)
    def lambda_handler(event, context):
        ...

A name is imported when it is first used, so that a function pays for its own store alone
at its cold start. boto3, which Lambda has, is imported when a store is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from retryctl.counters.branch import branch_on_retry as branch_on_retry
    from retryctl.counters.branch import retries as retries
    from retryctl.counters.branch import settles as settles
    from retryctl.counters.dynamodb import DynamoDBCounter as DynamoDBCounter
    from retryctl.counters.fallback import FallbackCounter as FallbackCounter
    from retryctl.counters.logs import LogsCounter as LogsCounter
    from retryctl.counters.marker import log_marker as log_marker
    from retryctl.counters.protocol import Counter as Counter
    from retryctl.counters.s3 import S3Counter as S3Counter
    from retryctl.counters.tmp import TmpCounter as TmpCounter

_HOME = {
    "Counter": "protocol",
    "FallbackCounter": "fallback",
    "DynamoDBCounter": "dynamodb",
    "LogsCounter": "logs",
    "S3Counter": "s3",
    "TmpCounter": "tmp",
    "branch_on_retry": "branch",
    "log_marker": "marker",
    "retries": "branch",
    "settles": "branch",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Not importlib, which takes as long to load as all that is needed here.
    value = getattr(__import__(f"{__name__}.{_HOME[name]}", fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
