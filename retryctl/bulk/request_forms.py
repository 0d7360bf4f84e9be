"""The form of a request whose attempts are packed: what its check depends on.

Retried requests are many, and few of them differ in more than IDs, times and figures. So the core
checks the first request of each form. A form has the templates of the attempts, which of them
ran in one environment, and their *time form*. It is known only where no gap can hide anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import NamedTuple

from retryctl.bulk.compact_attempts import like, template_key
from retryctl.bulk.stream_names import Stream, function_of
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.time_form import time_form
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import is_event_source_id
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.summary.silent_successes import CompactAttempt, id_of
from retryctl.core.value_classes import state_class

RequestForm = tuple[object, ...]
MOST_FORMS = 2_000
MOST_ATTEMPTS = 100  # of a request that has a form: those with more are seldom alike


class PackedAttempt(NamedTuple):
    """A packed attempt with its stream and the first attempt of its template."""

    packed: CompactAttempt
    stream: Stream
    template: Attempt

    def place(self) -> tuple[int, str]:
        """Return its place among the attempts of its request."""
        return self.packed[1], self.stream.log_stream or ""

    def unpacked(self, number: int, named: str | None) -> Attempt:
        """Return the attempt, as the one of this number of its request."""
        return like(self.template, self.stream, named, self.packed, number)


@state_class
class RequestForms:
    """The forms of requests, and the first ``checked`` request of each.

    Templates that are alike have one number, whichever scan found them. There are at most
    ``MOST_FORMS`` numbers; a request with a further template has no form.
    """

    checked: dict[RequestForm, CheckedRequest] = field(default_factory=dict)
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict)
    _templates: dict[int, tuple[Attempt, int | None]] = field(default_factory=dict)

    def keep(self, form: RequestForm, checked: CheckedRequest) -> None:
        """Keep the first request of a form."""
        if len(self.checked) < MOST_FORMS:
            self.checked[form] = checked

    def of(
        self,
        attempts: Sequence[PackedAttempt],
        coverage: Coverage,
        settings: FunctionConfig,
        named: str | None,
    ) -> RequestForm | None:
        """Return the form of a request's attempts, in order; ``None`` if it is not known."""
        if len(attempts) > MOST_ATTEMPTS:
            return None
        times = [(packed[1], packed[1] + packed[2]) for packed, _, _ in attempts]
        of_times = time_form(times, coverage, settings)
        if of_times is None:
            return None
        numbers = [self._number(template) for _, _, template in attempts]
        if None in numbers:
            return None
        names = [stream.log_stream for _, stream, _ in attempts]
        if len({start_ms // 1000 for start_ms, _ in times}) < len(times):  # some may be copies
            return None
        return (
            is_event_source_id(id_of(attempts[0].packed[0])),
            of_times,
            *(
                (
                    None if stream.log_stream is None else names.index(stream.log_stream),
                    *(function_of(stream, named), stream.log_group, stream.runtime_version),
                    number,
                )
                for (_, stream, _), number in zip(attempts, numbers, strict=True)
            ),
        )

    def _number(self, template: Attempt) -> int | None:
        known = self._templates.get(id(template))  # to hash an attempt takes longer
        if known is None:
            key = template_key(template)
            number = self._numbers.get(key)
            if number is None and len(self._numbers) < MOST_FORMS:
                number = self._numbers[key] = len(self._numbers)
            known = self._templates[id(template)] = (template, number)
        return known[1]
