"""The sentence that closes a summary: what its figures ask for."""

from __future__ import annotations

from retryctl.core.checks import Check
from retryctl.core.requests import RequestOutcome
from retryctl.core.summary import Tally

_DO = {
    "environment-switch": "because it ran in another environment: /tmp is not enough here. "
    "Count where every environment can see it, in DynamoDB or S3: retryctl counters.",
    "uncounted-attempt": "because an earlier attempt left no mark. Record each attempt when it "
    "starts: retryctl counters.",
}


def reasons(tally: Tally) -> list[tuple[str, int]]:
    """Why counts of retries were wrong: rules, the most frequent first."""
    return sorted(tally.wrong_retries.items(), key=lambda item: (-item[1], item[0]))


def advice(tally: Tally) -> str:
    """One sentence or two that follow from the figures."""
    right, wrong = tally.retries_judged[Check.AGREES], tally.retries_judged[Check.DISAGREES]
    if wrong:
        return _of_wrong(tally, right, wrong)
    if right:
        said = "The counter was right on every retry that logged one."
    elif tally.retried:
        said = (
            "No retry logged a counter that could be judged: let the function log one "
            "(retryctl counters), or name its patterns in retryctl.toml."
        )
    else:
        return "Nothing was retried."
    return said + _of_exhausted(tally)


def _of_wrong(tally: Tally, right: int, wrong: int) -> str:
    said = f"{_share(wrong, right + wrong)} counted wrong"
    ordered = reasons(tally)
    if not ordered:
        return f"{said}. See retryctl list --verdict disagrees."
    rule, count = ordered[0]
    share = "" if count >= wrong else f", {_part(count, wrong)} of them"
    return f"{said}{share} {_DO.get(rule, f'({rule}). See retryctl explain {rule}.')}"


def _of_exhausted(tally: Tally) -> str:
    count = tally.outcomes[RequestOutcome.EXHAUSTED]
    if not count:
        return ""
    were = "request was" if count == 1 else "requests were"
    return (
        f" {count:,} {were} given up: an on-failure destination or a dead-letter queue keeps such "
        "events."
    )


def _share(part: int, whole: int) -> str:
    """``One retry in fourteen``, in figures; more than two in five as a share."""
    if part == whole:
        return "Every retry that logged a count"
    if part / whole > 0.4:
        return f"{_part(part, whole)} of the retries that logged a count"
    return f"One retry in {round(whole / part):,} of those that logged a count"


def _part(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"
