"""The table of truth: ``count="starts"`` on DynamoDB in every row, a sample of all the others.

With ``RETRYCTL_LONG_TESTS=1`` it is the whole table.
"""

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import pytest

from retryctl.lab.inside.virtual_time import FAULTS
from retryctl.lab.local_aws import LocalAws, local_aws
from retryctl.lab.plan import read
from tests.support.counters_world import ROOT
from tests.support.random_cases import LONG
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

PLANS = [plan.text for plan in read("all")]


def rows(store: str, count: str, moments: Sequence[str]) -> list[tuple[str, str, str]]:
    """The plans of these moments: each plan and each fault together, or each once in the suite."""
    texts = [text for moment in moments for text in plan_texts(moment)]
    if not LONG:
        plans = cycle(PLANS)
        texts = [text.removesuffix("all") + next(plans) for text in texts]
    return [(store, count, text) for text in texts]


def other_rows() -> Iterator[tuple[str, str, str]]:
    moments, faults = cycle(MOMENTS[1:]), cycle(range(len(FAULTS)))
    for store, count in OTHERS:
        if LONG:
            yield from rows(store, count, MOMENTS)
        else:
            yield rows(store, count, [next(moments)])[next(faults)]


OTHERS = [(s, c) for s in STORES for c in COUNTS if (s, c) != ("dynamodb", "starts")]
STARTS = [text for *_, text in rows("dynamodb", "starts", ("early", "late"))]
NEVER_COUNTED = rows("dynamodb", "starts", ("before",))


@pytest.fixture(scope="module")
def local() -> Iterator[LocalAws]:
    with local_aws() as running:
        make_stores(running.url)
        yield running


@pytest.mark.parametrize("text", STARTS)
def test_starts_on_dynamodb_are_right_in_every_row(
    tmp_path: Path, local: LocalAws, text: str
) -> None:
    for row in rows_of("dynamodb", "starts", text, tmp_path, local):
        assert (row.counters, row.verdict) == ((0, 1, 2), "agrees"), row.plan.text


@pytest.mark.parametrize(
    ("store", "count", "text"), [*other_rows(), *NEVER_COUNTED[: None if LONG else 1]]
)
def test_a_row_is_as_the_store_sees_the_attempts(
    tmp_path: Path, local: LocalAws, store: str, count: str, text: str
) -> None:
    for row in rows_of(store, count, text, tmp_path, local):
        assert row == expected(store, count, row.plan), row.plan.text


def test_the_page_has_the_table() -> None:
    assert markdown() in (ROOT / "docs" / "counters.md").read_text(encoding="utf-8")
