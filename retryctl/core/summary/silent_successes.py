"""Silent successes: requests that a reader of large logs keeps as a few numbers each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retryctl.core.crosscheck.attempt_check import AttemptCheck, AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.core.value_classes import value_class

CompactAttempt = tuple[bytes, int, int, int, int, int, int]
"""ID, start and duration in ms, billed ms, MB, and two numbers that belong to the reader."""


def id_of(packed: bytes) -> str:
    """Return a request ID of 16 bytes as it is written."""
    text = packed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@value_class
class SilentSuccesses:
    """Requests of one stream, each of one attempt that succeeded and logged no counter."""

    function: str | None
    log_group: str | None
    attempts: Sequence[CompactAttempt]

    def requests(self) -> Iterator[CheckedRequest]:
        """Yield the requests; of their attempts only the time is known."""
        for packed, start_ms, *_ in self.attempts:
            request_id = id_of(packed)
            attempt = Attempt(
                number=1,
                request_id=request_id,
                placed_ms=start_ms,
                log_group=self.log_group,
                log_stream=None,
                function=self.function,
                outcome=AttemptOutcome.OK,
            )
            request = Request(
                request_id=request_id,
                log_group=self.log_group,
                function=self.function,
                attempts=(attempt,),
                outcome=RequestOutcome.SUCCEEDED,
            )
            yield CheckedRequest(
                request=request, checks=(_SILENT,), verdict=Verdict.NOT_COUNTED, findings=()
            )


_SILENT = AttemptCheck(
    counter_expected=0,
    counter_in_environment=0,
    branch_expected=None,
    verdict=AttemptVerdict.SILENT,
)
