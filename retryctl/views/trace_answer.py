"""The answer of ``trace`` before it is written in a format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, tzinfo

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.failure_records.documents import FailureRecord
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.core.value_classes import value_class


@value_class
class TraceAnswer:
    """Requests, what was read, and which parts are shown.

    With ``lines`` the log events of each attempt are shown, with ``attempt`` only that one, and
    with ``failed_only`` those that failed (not in JSON). ``dated`` puts its day before the start
    of each attempt. ``region`` adds the link to each attempt's place in the console. ``branches``
    are those of the handler: they decide which attempts left a file in /tmp. ``responses`` has
    the response of each attempt of a lab, by request ID; ``records`` are the failure records
    that the requests were compared with. Of the requests that are not selected, ``others_wrong``
    have a wrong counter, and ``others_exhausted`` are exhausted.
    """

    checked: Sequence[CheckedRequest]
    coverage: Coverage
    not_found: Sequence[str] = ()
    tz: tzinfo = UTC
    lines: bool = False
    attempt: int | None = None
    failed_only: bool = False
    dated: bool = False
    region: str | None = None
    branches: Branches = field(default_factory=Branches)
    responses: Mapping[str, Sequence[bytes | None]] | None = None
    records: Sequence[FailureRecord] = ()
    others_wrong: int = 0
    others_exhausted: int = 0

    def wants(self, attempt: Attempt) -> bool:
        """Whether the attempt is shown."""
        return self.attempt in (None, attempt.number) and (
            not self.failed_only or attempt.outcome.failed
        )

    def responses_of(self, checked: CheckedRequest) -> Sequence[bytes | None]:
        """Return the response of each attempt of a request, if they are known."""
        return (self.responses or {}).get(checked.request.request_id, ())
