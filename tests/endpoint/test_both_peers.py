"""The strict endpoint and moto agree where moto does as the service."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.clients import code, texts


def test_both_find_a_phrase_in_every_stream(either: tuple[Any, int]) -> None:
    logs, now = either
    page = logs.filter_log_events(logGroupName=f"/aws/lambda/both-{now}", filterPattern='"x"')
    assert sorted(texts(page)) == ["one x", "three x"]
    assert "nextToken" not in page


def test_both_take_the_end_of_a_filter_as_inclusive(either: tuple[Any, int]) -> None:
    logs, now = either
    group = f"/aws/lambda/both-{now}"
    for end, expected in ((now - 1000, ["one x"]), (now - 999, ["one x", "two"])):
        page = logs.filter_log_events(logGroupName=group, logStreamNames=["a"], endTime=end)
        assert texts(page) == expected


def test_both_give_the_same_token_back_at_the_end_of_a_stream(either: tuple[Any, int]) -> None:
    logs, now = either
    asked = {"logGroupName": f"/aws/lambda/both-{now}", "logStreamName": "a", "startFromHead": True}
    first = logs.get_log_events(**asked)
    assert texts(first) == ["one x", "two"]
    second = logs.get_log_events(**asked, nextToken=first["nextForwardToken"])
    assert texts(second) == []
    assert second["nextForwardToken"] == first["nextForwardToken"]


@pytest.mark.parametrize("operation", ["filter_log_events", "get_log_events"])
def test_both_name_a_missing_group(either: tuple[Any, int], operation: str) -> None:
    stream = {"logStreamName": "a"} if operation == "get_log_events" else {}
    with pytest.raises(ClientError) as error:
        getattr(either[0], operation)(logGroupName="/aws/lambda/nowhere", **stream)
    assert code(error) == "ResourceNotFoundException"
