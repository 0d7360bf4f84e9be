"""How to find requests on CloudWatch: the engine, and what its queries may cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from typing import Literal

from retryctl.core.crosscheck.claims import Markers
from retryctl.core.value_classes import value_class
from retryctl.sources.aws.log_groups import Description, LogGroup

EngineName = Literal["auto", "filter", "insights"]


@value_class
class QueryBudget:
    """What the queries on a group may cost (US dollars, ``None`` for any).

    ``warn`` reports what they cost. ``confirm`` puts a question to the user: whether to pay.
    """

    max_cost_usd: float | None = None
    warn: Callable[[str], None] = lambda sentence: None
    confirm: Callable[[str], bool] = lambda question: False
    sleep: Callable[[float], None] = time.sleep


@value_class
class SearchOptions:
    """How to find requests: the engine, its terms, and when ``auto`` takes Insights.

    That is where about more than ``most_pages`` remain to be searched for requests.
    """

    engine: EngineName
    terms: QueryBudget
    most_pages: int = 0
    describe: Callable[[LogGroup], Description]
    markers: Markers = field(default_factory=Markers)
