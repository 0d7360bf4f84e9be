"""Queries of Logs Insights as the strict endpoint reads them."""

from __future__ import annotations

import pytest

from retryctl.sources.cloudwatch.insights_export import condition_for
from tests.endpoint.errors import Refusal
from tests.endpoint.insights_query import parse


def test_a_bin_is_no_longer_than_asked_for_where_the_service_takes_a_larger_number() -> None:
    stats = 'filter @message like "x"\n| stats count(*) as events by bin(300s)'
    assert parse(stats).bin_ms == 60_000


@pytest.mark.parametrize(
    "query",
    [
        'filter @message like "a"\n| stats count(*) by bin(1m)',
        'filter @message like "a" and @message like "b"\n| stats count(*) as events by bin(1m)',
        'filter @message like "a"b"\n| stats count(*) as events by bin(1m)',
        'filter @message like "a\\n"\n| stats count(*) as events by bin(1m)',
        "filter @message like /a/b/\n| stats count(*) as events by bin(1m)",
        "filter @message like /(?=a)/\n| stats count(*) as events by bin(1m)",
        "filter @message like /(/\n| stats count(*) as events by bin(1m)",
        'filter @message like "a"\n| stats count(*) as events by bin(0s)',
        "stats count(*) by bin(1m)",
    ],
)
def test_any_other_query_is_refused(query: str) -> None:
    with pytest.raises(Refusal):
        parse(query)


def test_the_end_of_a_text_is_not_before_its_newline() -> None:
    stats = "\n| stats count(*) as events by bin(1m)"
    query = parse(f"filter {condition_for('^0$')}{stats}")
    assert [query.wants(text, "s") for text in ("0", "0\n", "10")] == [True, False, False]
