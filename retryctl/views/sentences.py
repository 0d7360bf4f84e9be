"""Sentences about a request: its outcome, its verdict, and its lines that may be Lambda's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo
from itertools import count, groupby
from typing import NamedTuple

from retryctl.core.crosscheck.attempt_check import AttemptCheck, AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.unread_counts import unread_count
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.core.request_wording import why_unknown
from retryctl.core.wording import capitalised, in_a_row, number_of
from retryctl.views.signs import BAD, GOING, GOOD, NOTHING, UNSURE
from retryctl.views.times import duration, stamp, time_in_zone

_MOST_NAMED = 3
SET_MARKERS = (
    "If the function logs them in other words or by a logger, [markers] in retryctl.toml must "
    "match its lines."
)


class Sentence(NamedTuple):
    """A sign and the words beside it."""

    sign: str
    words: str


def may_lack_lines(coverage: Coverage) -> bool:
    """Whether lines of attempts, with a counter or a branch in them, may be missing."""
    gaps = coverage.gaps
    return coverage.lacks_lines or any(gap.hides_lines or gap.hides_attempts for gap in gaps)


def numbered(numbers: Sequence[int]) -> str:
    """``attempt 3``, ``attempts 1 and 2``, ``attempts 1 to 3 and 5``."""
    runs: list[str] = []
    for _, run in groupby(zip(sorted(numbers), count(), strict=False), key=lambda n: n[0] - n[1]):
        first, *rest = (number for number, _ in run)
        runs += [f"{first} to {rest[-1]}"] if len(rest) > 1 else map(str, (first, *rest))
    return f"attempt{'s' if len(numbers) > 1 else ''} {in_a_row(runs)}"


def unlisted_findings(checked: CheckedRequest, numbers: Collection[int | None]) -> str:
    """Count the findings of these attempts that are not listed, by rule; empty for none."""
    counts = Counter(each.rule for each in checked.unlisted if each.attempt in numbers)
    counted = ", ".join(f"{rule} {count:,}" for rule, count in counts.items())
    return f"counted, not listed: {counted}" if counted else ""


# --------------------------------------------------------------------------- outcome


def outcome_sentence(request: Request, coverage: Coverage, tz: tzinfo) -> Sentence:
    """Return the outcome of the request, with the figures that matter for it."""
    attempts = request.attempts
    failed = [attempt.number for attempt in attempts if attempt.outcome.failed]
    ok = [attempt.number for attempt in attempts if attempt.outcome is AttemptOutcome.OK]
    took = _took(attempts) if attempts else ""
    if request.outcome is RequestOutcome.SUCCEEDED:
        more = len(attempts) - 1
        again = f"; {number_of(more, 'later attempt')} followed" if more else ""
        return Sentence(GOOD, f"succeeded on attempt 1{again}")
    if request.outcome is RequestOutcome.RECOVERED:
        return Sentence(GOOD, f"recovered on attempt {ok[0]}{took}; {numbered(failed)} failed")
    if request.outcome is RequestOutcome.EXHAUSTED:
        if len(attempts) == 1:
            return Sentence(BAD, "exhausted: 1 attempt, which failed, and no retry is allowed")
        none = "the last one failed" if ok else "none succeeded"
        return Sentence(BAD, f"exhausted: {len(attempts)} attempts{took}, {none}")
    if request.outcome is RequestOutcome.PENDING:
        due = _due(request.next_attempt_due_ms, coverage, tz)
        return Sentence(GOING, f"pending: {numbered(failed)} failed; next attempt {due}")
    if request.outcome is RequestOutcome.NOT_RETRIED:
        return Sentence(BAD, f"not retried: {numbered(failed)} failed, and no retry is due")
    if request.outcome is RequestOutcome.RUNNING:
        return Sentence(GOING, f"running: {_running(attempts[-1], coverage, tz)}")
    return Sentence(UNSURE, f"unknown: {why_unknown(request)}")


def _took(attempts: Sequence[Attempt]) -> str:
    start, end = attempts[0].started_ms, attempts[-1].ended_ms
    return "" if start is None or end is None else f" in {duration(end - start)}"


def _due(due_ms: int | None, coverage: Coverage, tz: tzinfo) -> str:
    horizon_ms = coverage.horizon_ms
    if due_ms is None:
        return "still due"
    if horizon_ms is None:
        return f"due about {time_in_zone(due_ms, tz)}"
    when = f"due about {stamp(due_ms, tz, 'seconds', dated=False)}"
    when = when if due_ms > horizon_ms else f"was {when}"
    now = time_in_zone(horizon_ms, tz)
    if _ends_the_log(horizon_ms, coverage):
        return f"{when}; the log ends at {now}"
    seconds = duration(abs(round(due_ms - horizon_ms, -3)))
    away = f"in {seconds}" if due_ms > horizon_ms else f"{seconds} ago"
    return f"{when}, {away} (as of {now})"


def _running(attempt: Attempt, coverage: Coverage, tz: tzinfo) -> str:
    horizon_ms = coverage.horizon_ms
    if attempt.started_ms is None or horizon_ms is None:
        return f"attempt {attempt.number} has not ended"
    if _ends_the_log(horizon_ms, coverage):
        later = duration(horizon_ms - attempt.started_ms)
        return f"attempt {attempt.number} has not ended; the log ends {later} after its start"
    for_long = duration(round(horizon_ms - attempt.started_ms, -3))
    now = time_in_zone(horizon_ms, tz)
    return f"attempt {attempt.number} has run for {for_long} (as of {now})"


def _ends_the_log(moment_ms: int, coverage: Coverage) -> bool:
    return moment_ms == coverage.last_event_ms


# --------------------------------------------------------------------------- verdict


_ATTEMPT = re.compile(r"[Aa]ttempt (\d+)\b")


def alike_as_one(sentences: Iterable[str]) -> list[str]:
    """Return the sentences; of those that differ in the number of the attempt only the first.

    It is followed by the numbers of the other attempts.
    """
    numbers: dict[str, list[int]] = {}
    firsts: dict[str, str] = {}
    for sentence in sentences:
        found = _ATTEMPT.findall(sentence)
        form = _ATTEMPT.sub("attempt", sentence) if len(found) == 1 else sentence
        firsts.setdefault(form, sentence)
        numbers.setdefault(form, []).extend(map(int, found if len(found) == 1 else []))
    return [
        f"{first.rstrip('.')}. The same for {numbered(numbers[form][1:])}."
        if len(numbers[form]) > 1
        else first
        for form, first in firsts.items()
    ]


def verdict_sentences(checked: CheckedRequest) -> list[Sentence]:
    """Return the verdict, with each attempt that is wrong, or why there is none."""
    reasons = alike_as_one(checked.undetermined_because)
    store = _agreeing_store(checked)
    if checked.verdict is not Verdict.UNDETERMINED:
        return [
            _verdict(checked),
            *_unread(checked),
            *store,
            *(Sentence(UNSURE, reason) for reason in reasons),
        ]
    first, *rest = reasons or ("the log does not allow a verdict",)
    return [
        Sentence(UNSURE, f"undetermined: {first}"),
        *store,
        *(Sentence(UNSURE, reason) for reason in rest),
    ]


def _unread(checked: CheckedRequest) -> list[Sentence]:
    """Return that no counter was recognised, where a line looks like one, and how to read it."""
    found = unread_count(checked.request.attempts)
    if found is None:
        return []
    line, setting = found
    words = (
        f'no counter was recognised, but "{line}" looks like one. To read it, write in '
        f"retryctl.toml, below [markers]: {setting}"
    )
    return [Sentence(UNSURE, words)]


def _agreeing_store(checked: CheckedRequest) -> list[Sentence]:
    stored = checked.agreeing_store
    if stored is None:
        return []
    recorded = number_of(stored.count, "attempt")
    return [Sentence(GOOD, f"the store {stored.store} agrees with the log: it has {recorded}")]


def _verdict(checked: CheckedRequest) -> Sentence:
    if checked.verdict is Verdict.DISAGREES:
        return Sentence(BAD, _disagreement(checked))
    counted = [a.number for a in checked.request.attempts if a.claim.counter is not None]
    if checked.verdict is Verdict.NOT_COUNTED:
        if any(a.claim.store and not a.claim.store_error for a in checked.request.attempts):
            by_key = "not compared: the function counts by a key of its own, not by request ID"
            return Sentence(NOTHING, by_key)
        nothing = "not counted: retryctl recognised no counter and no branch in the log"
        return Sentence(NOTHING, f"{nothing}. {SET_MARKERS}")
    if not counted:
        return Sentence(GOOD, "every branch that was logged agrees")
    if len(counted) == len(checked.request.attempts) > 1:
        return Sentence(GOOD, "the counter agrees on every attempt")
    return Sentence(GOOD, f"the counter agrees on {numbered(counted)}")


def _disagreement(checked: CheckedRequest) -> str:
    wrong = [
        (attempt, check)
        for attempt, check in zip(checked.request.attempts, checked.checks, strict=True)
        if check.verdict is AttemptVerdict.DISAGREES
    ]
    by_counter = any(check.counter_agrees is False for _, check in wrong)
    what = "counter" if by_counter else "branch"
    details = [
        (f"attempt {attempt.number}" if len(wrong) > 1 else "it", detail)
        for attempt, check in wrong[:_MOST_NAMED]
        if (detail := _detail(attempt, check))
    ]
    listed = ", ".join(f"{who} {detail}" for who, detail in details)
    return f"the {what} disagrees on {numbered([a.number for a, _ in wrong])}" + (
        f": {listed}" if listed else ""
    )


def _detail(attempt: Attempt, check: AttemptCheck) -> str:
    earlier = number_of(attempt.retries, "earlier attempt")
    if check.branch_agrees is False:
        if check.at_least:
            return f"ran {attempt.claim.branch} after at least {earlier}"
        return f"ran {attempt.claim.branch} instead of {check.branch_for_retries}"
    if check.counter_agrees is False:
        if check.at_least:
            return f"counted {attempt.claim.counter} after at least {earlier}"
        return f"counted {attempt.claim.counter} instead of {check.counter_expected}"
    return ""


# --------------------------------------------------------------------------- coverage


def gaps_named_once(checked: CheckedRequest, coverage: Coverage, place: str) -> CheckedRequest:
    """Return the request, in which ``place`` replaces the text of each gap.

    Each gap concerns many requests, so a view names it once, in its own part.
    """
    gaps = {gap.message for gap in coverage.gaps}
    mark = f"part of the log is missing, see {place}"
    reasons = dict.fromkeys(mark if each in gaps else each for each in checked.undetermined_because)
    return replace(
        checked,
        undetermined_because=tuple(reasons),
        findings=tuple(
            replace(each, message=f"{capitalised(mark)}.") if each.message in gaps else each
            for each in checked.findings
        ),
    )


def ambiguity_sentences(attempts: Sequence[Attempt]) -> Iterator[Sentence]:
    """Yield a sentence about lines that look like Lambda's and were read as the function's."""
    unsure = [attempt for attempt in attempts if attempt.ambiguous]
    if unsure:
        numbers = numbered([attempt.number for attempt in unsure])
        unknown = any(
            attempt.outcome is AttemptOutcome.UNKNOWN or attempt.may_be_several
            for attempt in unsure
        )
        of = (
            "the function printed them, or the START of an attempt was lost"
            if unknown
            else ("they are treated as the function's own text")
        )
        yield Sentence(
            UNSURE,
            f"{numbers} logged lines that look like a START, END or REPORT of Lambda's; {of}",
        )
