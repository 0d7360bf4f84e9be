"""Lines that look like a counter and that no marker matches, with the setting that reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.late_regex import late_regex
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.records import AppLine

# retry count: 0 · retries=1 · attempt #2
_COUNT = late_regex(
    r"\b(?:re-?tr(?:y|ies)|attempts?|tr(?:y|ies))\b[ _-]?(?:counter|count|number|no\.)?[ :=#]{1,3}"
    r"(\d{1,2})\b(?! ?(?:m?s|sec|%|/|\.\d))",
    re.IGNORECASE | re.ASCII,
)
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
_MOST_LINES = 500


def unread_count(attempts: Iterable[Attempt]) -> tuple[str, str] | None:
    """Return what looks like a counter, and the line of ``[markers]`` that reads it.

    ``None`` where an attempt has a counter, or where no line looks like one.
    """
    attempts = list(attempts)
    if any(attempt.claim.counter is not None or attempt.claim.store for attempt in attempts):
        return None
    for text in islice(_texts(attempts), _MOST_LINES):
        if found := _COUNT.search(text):
            words = found[0][: found.start(1) - found.start()]
            pattern = _SPECIAL.sub(r"\\\g<0>", words)
            return found[0], f"counter = '{pattern}(?P<count>\\d+)'"
    return None


def _texts(attempts: Iterable[Attempt]) -> Iterator[str]:
    for attempt in attempts:
        for event in attempt.events:
            record = parse_record(event)
            if isinstance(record, AppLine) and record.fields is None:
                yield record.text
