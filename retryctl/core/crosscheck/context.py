"""What a request is checked with: coverage, function configuration, branches, and its marks."""

from __future__ import annotations

from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.function_config import FunctionConfig, StoreCount
from retryctl.core.value_classes import value_class


@value_class
class JudgingContext:
    """The surroundings of a request: what was read, the settings, the branches.

    ``reads_branches``: the settings let a branch be found. ``stored`` is what a durable store
    recorded of the request, where one was read.
    """

    coverage: Coverage
    settings: FunctionConfig
    branches: Branches
    reads_branches: bool = True
    stored: StoreCount | None = None
