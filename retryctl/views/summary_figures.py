"""Figures as the text and the page of a summary both show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.group_names import short_name
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.changes import Change
from retryctl.core.summary.histogram import Histogram, failed_over_time
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.wording import number_of
from retryctl.views.next_steps import list_wrong
from retryctl.views.sentences import may_lack_lines
from retryctl.views.signs import NOTHING
from retryctl.views.times import duration, offset_ms

_MOST_COMMANDS = 3
Tallies = Sequence[tuple["str | None", SummaryTally]]
"""Functions by name (``None``: not in the log), in the order in which they are shown."""


def percent(part: float, whole: float) -> str:
    """``3.7 %``; a share is shown as 0 or 100 only if it is exactly that."""
    if not whole:
        return NOTHING
    share = 100 * part / whole
    if 0 < share < 0.05:
        return "under 0.1 %"
    if 99.95 <= share < 100:
        return "over 99.9 %"
    return f"{share:.1f} %"


def before_and_after(change: Change) -> tuple[str, str]:
    """Return the figure of the earlier summary and of this one."""
    return _shown(change, change.before), _shown(change, change.after)


def _shown(change: Change, value: float | None) -> str:
    if value is None:
        return NOTHING
    return percent(value, 1) if change.is_share else f"{value:,.12g}"


def _agreeing(tally: SummaryTally) -> str:
    judged = tally.retries_judged
    whole = judged[AttemptVerdict.AGREES] + judged[AttemptVerdict.DISAGREES]
    return _of(percent(judged[AttemptVerdict.AGREES], whole), whole)


def _of(share: str, whole: int) -> str:
    """``3.7 % of 12,408``."""
    return f"{share} of {whole:,}" if whole else NOTHING


def extent(tally: SummaryTally) -> str:
    """``13,011 attempts; 458 requests were retried (3.7 % of the requests)``."""
    were = "was" if tally.retried == 1 else "were"
    share = f" ({percent(tally.retried, tally.requests)} of the requests)" if tally.requests else ""
    return (
        f"{number_of(tally.attempts, 'attempt')}; "
        f"{number_of(tally.retried, 'request')} {were} retried{share}"
    )


def cells_of_function(name: str | None, tally: SummaryTally) -> dict[str, str]:
    """Return the row of one of several functions, by the heads of its columns."""
    return {
        "function": short_name(name or "unknown"),
        "requests": f"{tally.requests:,}",
        "retried": _of(percent(tally.retried, tally.requests), tally.requests),
        "exhausted": f"{tally.outcomes[RequestOutcome.EXHAUSTED]:,}",
        "counter agrees": _agreeing(tally),
        "disagrees because": next((rule for rule, _ in reasons(tally)), ""),
    }


def lists_of_wrong(tallies: Tallies, coverage: Coverage) -> list[str]:
    """Return the commands that list the wrong counters of the worst functions."""
    wrong = [name for name, tally in tallies if tally.retries_judged[AttemptVerdict.DISAGREES]]
    commands = dict.fromkeys(list_wrong(coverage, name) for name in wrong[:_MOST_COMMANDS])
    return [command for command in commands if command]


def failures_over_time(tally: SummaryTally, tz: tzinfo) -> Histogram | None:
    """Count the failed attempts over time by the clock of ``tz``; ``None`` where none failed."""
    offset = 0 if tally.first_ms is None else offset_ms(tally.first_ms, tz)
    over = failed_over_time(tally, offset)
    return over if over and any(over.counts) else None


def bucket_name(over: Histogram) -> str:
    """``1 m``, ``3 h``, ``7 d``."""
    return (
        duration(over.bucket_ms).removesuffix(" 00 s").removesuffix(" 00 m").removesuffix(" 00 h")
    )


_DO = {
    "environment-switch": "because earlier attempts ran in another environment: /tmp is not enough "
    "here. Count where every environment can read it, in DynamoDB or S3: "
    "retryctl counters vendor DIR --store dynamodb",
    "uncounted-attempt": "because an earlier attempt did not record itself. Record each attempt "
    "when it starts: retryctl counters vendor DIR --store dynamodb",
}


def reasons(tally: SummaryTally) -> list[tuple[str, int]]:
    """Return the findings on wrong counts of retries, the most frequent first."""
    return sorted(tally.wrong_retries.items(), key=lambda item: (-item[1], item[0]))


def advice(tally: SummaryTally, coverage: Coverage) -> str:
    """Return one or two sentences of advice."""
    right, wrong = (
        tally.retries_judged[AttemptVerdict.AGREES],
        tally.retries_judged[AttemptVerdict.DISAGREES],
    )
    if wrong:
        return _of_wrong(tally, right, wrong)
    if right:
        words = "The counter agrees on every retry that logged one."
    elif tally.retried:
        words = _nothing_compared(tally, coverage)
    else:
        return nothing_retried(coverage)
    return words + _of_exhausted(tally)


def _nothing_compared(tally: SummaryTally, coverage: Coverage) -> str:
    """Return why no retry has a verdict, and what to do."""
    if may_lack_lines(coverage):
        return (
            "No counter of a retry was compared: part of the log is missing, and a counter may be "
            "in it. Save the whole log."
        )
    if tally.checks[AttemptVerdict.UNDETERMINED]:
        return (
            "No counter of a retry was compared: each is undetermined. retryctl trace ID shows why."
        )
    return (
        "No retry logged a counter: let the function log one (retryctl counters --help), or match "
        "its lines with [markers] in retryctl.toml."
    )


def nothing_retried(coverage: Coverage) -> str:
    """Return the sentence that no request was retried, which a gap makes uncertain."""
    if may_lack_lines(coverage):
        return "No retry was read, and the missing part of the log may have some."
    return "Nothing was retried."


def _of_wrong(tally: SummaryTally, right: int, wrong: int) -> str:
    total, in_wrong_branch = right + wrong, tally.right_counts_in_wrong_branch
    rule = "branch-contradicts-counter"
    branch = f"ran another branch than that of its count ({rule})."
    if wrong == in_wrong_branch:
        return f"{_share(wrong, total)} {branch}"
    words = f"{_share(wrong - in_wrong_branch, total)} counted wrong"
    also = f" {_share(in_wrong_branch, total)} {branch}" if in_wrong_branch else ""
    counts = dict(reasons(tally))
    counts[rule] = counts.get(rule, 0) - in_wrong_branch
    rule, count = max(counts.items(), key=lambda item: item[1])
    if count <= 0:
        return f"{words}. See retryctl list --verdict disagrees.{also}"
    share = "" if count >= wrong - in_wrong_branch else f", {count:,} of them"
    return f"{words}{share} {_DO.get(rule, f'({rule}). See retryctl explain {rule}.')}{also}"


def _of_exhausted(tally: SummaryTally) -> str:
    count = tally.outcomes[RequestOutcome.EXHAUSTED]
    if not count:
        return ""
    were = "request" if count == 1 else "requests"
    return (
        f" Lambda gave up on {count:,} {were}: an on-failure destination or a dead-letter queue "
        "keeps such events."
    )


def _share(part: int, whole: int) -> str:
    """``2 of the 5 retries that logged a count``."""
    if part == whole:
        return "Every retry that logged a count"
    return f"{part:,} of the {whole:,} retries that logged a count"
