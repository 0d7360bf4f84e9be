"""The number of earlier attempts that an attempt claims, compared with the log."""

from __future__ import annotations

from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.attempt import Attempt


def claimed(attempt: Attempt, branches: Branches) -> int | None:
    """Return the number of earlier attempts by its counter, else by its branch.

    A branch stands for every number up to that of the next.
    """
    if attempt.claim.counter is not None:
        return attempt.claim.counter
    if attempt.claim.branch is None:
        return None
    if attempt.claim.branch == branches.due(attempt.retries):
        return attempt.retries
    return branches.numbers.get(attempt.claim.branch)


def is_behind(attempt: Attempt, branches: Branches) -> bool:
    """Whether it claims fewer earlier attempts than the log has."""
    number = claimed(attempt, branches)
    return (
        number is not None
        and number < attempt.retries
        and not branches.same_branch(number, attempt.retries)
    )


def is_ahead(attempt: Attempt, branches: Branches) -> bool:
    """Whether it claims more earlier attempts than the log has."""
    number = claimed(attempt, branches)
    return (
        number is not None
        and number > attempt.retries
        and not branches.same_branch(number, attempt.retries)
    )
