"""What every view of a summary is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.coverage import Coverage
from retryctl.core.summary.changes import Change
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.value_classes import value_class

Tallies = Sequence[tuple["str | None", SummaryTally]]
"""Functions by name (``None``: not in the log), in the order in which they are shown."""


@value_class
class SummaryAnswer:
    """The figures of each function, in the order in which they are shown, and their sum.

    ``branches`` are those of the handler: they decide which branch each attempt should run.
    ``changes`` are the differences from an earlier summary. ``since_ms`` is the start of the
    window that was counted, where the log was read further back.
    """

    total: SummaryTally
    tallies: Tallies
    coverage: Coverage
    branches: Branches
    tz: tzinfo
    changes: Sequence[Change] | None = None
    since_ms: int | None = None

    @property
    def only(self) -> str | None:
        """The name of the function, where it is one and known."""
        return self.tallies[0][0] if len(self.tallies) == 1 else None
