"""The context of a cross-check: coverage, function configuration, and branches."""

from __future__ import annotations

from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.store_count import StoreCount
from retryctl.core.value_classes import value_class


@value_class
class JudgingContext:
    """The coverage, the settings and the branches that a request is checked with.

    ``reads_branches``: the settings let a branch be found. ``stored`` is the count of a
    durable store for the request, where one was read.
    """

    coverage: Coverage
    settings: FunctionConfig
    branches: Branches
    reads_branches: bool = True
    stored: StoreCount | None = None
