"""Progress of a search on CloudWatch, as a sentence."""

from __future__ import annotations

from contextlib import suppress

from retryctl.app.options import ShowProgress
from retryctl.errors import CouldNotLook
from retryctl.sources.aws.client import LONGEST_WAIT_S
from retryctl.sources.cloudwatch.stats import SearchProgress


def show_calls(show: ShowProgress, at: SearchProgress) -> None:
    """Show how far the search is."""
    where = at.log_group if at.groups == 1 else f"{at.groups:,} log groups, {at.groups_done:,} done"
    done = f"{at.pages:,} pages, {at.api_calls:,} calls, {at.found:,} lines found"
    show(lambda _: f"searching {where}: {done}")


def show_wait(show: ShowProgress, action: str, seconds: float) -> None:
    """Show which answer is awaited, and for how long.

    A limit of time that ``show`` enforces is for the thread that makes the calls.
    """
    line = f"waiting for {action}: {seconds:.0f} s, given up after about {LONGEST_WAIT_S} s"
    with suppress(CouldNotLook):
        show(lambda _: line)
