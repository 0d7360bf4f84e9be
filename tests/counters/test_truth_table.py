"""The table of truth: ``count="starts"`` on DynamoDB in every row, a sample of all the others.

``benchmarks/counters_truth.py`` runs the whole table.
"""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from retryctl.lab.plan import FAULTS
from retryctl.lab.serve import LocalAws, local_aws
from tests.support.counters_world import ROOT
from tests.support.truth_table import (
    COUNTS,
    MOMENTS,
    STORES,
    expected,
    make_stores,
    markdown,
    plan_texts,
    rows_of,
)

ALL = [text for moment in ("none", "early", "late") for text in plan_texts(moment)]
OTHERS = [(s, c) for s in STORES for c in COUNTS if (s, c) != ("dynamodb", "starts")]


def sample() -> Iterator[tuple[str, str, str]]:
    """Each store, way to count and moment with one fault and one plan."""
    faults = cycle(range(len(FAULTS)))
    for store, count in OTHERS:
        for moment in MOMENTS[1:]:
            plans = plan_texts(moment, "fresh,env=1")
            yield store, count, plans[next(faults)]
    for text in plan_texts("before", "fresh,env=1"):
        yield "dynamodb", "starts", text


@pytest.fixture(scope="module")
def local() -> Iterator[LocalAws]:
    with local_aws() as running:
        make_stores(running.url)
        yield running


@pytest.mark.parametrize("text", ALL)
def test_starts_on_dynamodb_are_right_in_every_row(
    tmp_path: Path, local: LocalAws, text: str
) -> None:
    for row in rows_of("dynamodb", "starts", text, tmp_path, local):
        assert (row.counters, row.verdict) == ((0, 1, 2), "agrees"), row.plan.text


@pytest.mark.parametrize(("store", "count", "text"), list(sample()))
def test_a_row_is_as_the_store_sees_the_attempts(
    tmp_path: Path, local: LocalAws, store: str, count: str, text: str
) -> None:
    (row,) = rows_of(store, count, text, tmp_path, local)
    assert row == expected(store, count, row.plan)


def test_the_page_has_the_table() -> None:
    assert markdown() in (ROOT / "docs" / "counters.md").read_text(encoding="utf-8")
