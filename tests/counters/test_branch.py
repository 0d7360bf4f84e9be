"""Which branch runs on which attempt, and what may be chosen."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from retryctl.counters import TmpCounter, branch_on_retry, retries, settles
from tests.counters.handlers import EVENT, Handler, WorkFailed, fails, nothing
from tests.support.counters_world import Context, markers


def test_failed_attempts_run_a_b_c_and_then_c_again(
    handler: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(4):
        handler.failed_attempt()
    assert handler.steps == ["work", "A", "work", "B", "work", "C", "work", "C"]
    said = [(line["counter"], line["branch"]) for line in markers(capsys.readouterr().out)]
    assert said == [(0, "A"), (1, "B"), (2, "C"), (3, "C")]


def test_work_that_goes_well_is_returned_and_leaves_the_store_alone(
    handler: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handler.attempt() == "done"
    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []


def test_counting_failures_misses_an_attempt_that_never_came_back(
    handler: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # SystemExit ends the runtime, as a timeout or a kill would: nobody gets to count.
    with pytest.raises(SystemExit):
        handler.attempt(SystemExit(1))
    handler.failed_attempt()
    assert handler.steps == ["work", "work", "A"]


def test_counting_starts_sees_an_attempt_that_never_came_back(
    starts: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        starts.attempt(SystemExit(1))
    starts.failed_attempt()
    assert starts.steps == ["work", "work", "B"]
    said = markers(capsys.readouterr().out)
    assert [(line["counter"], line["branch"]) for line in said] == [(0, None), (1, None), (1, "B")]
    assert all(line["recorded"] and line["counts"] == "starts" for line in said)


def test_counting_starts_takes_a_second_delivery_for_a_retry(starts: Any) -> None:
    starts.attempt()
    starts.failed_attempt()
    assert starts.steps == ["work", "work", "B"]


def test_the_marker_stands_before_the_branch_and_the_record_before_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = Handler(TmpCounter(str(tmp_path)))

    def dies(event: Any, context: Any) -> None:
        assert len(list(tmp_path.iterdir())) == 1
        assert markers(capsys.readouterr().out)[0]["branch"] == "A"
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        handler.attempt(WorkFailed("no"), a=dies)


def test_an_error_of_the_branch_is_raised_with_the_first_as_its_context(handler: Any) -> None:
    def broken(event: Any, context: Any) -> None:
        raise KeyError("branch")

    with pytest.raises(KeyError) as caught:
        handler.attempt(WorkFailed("no"), a=broken)
    assert isinstance(caught.value.__context__, WorkFailed)
    handler.failed_attempt()
    assert handler.steps == ["work", "work", "B"]


@pytest.mark.parametrize("options", [{"count": "tries"}, {"on_unknown": "D"}, {"on_unknown": "a"}])
def test_options_that_cannot_be_meant_are_refused_before_the_work(
    tmp_path: Path, options: Any
) -> None:
    handler = Handler(TmpCounter(str(tmp_path)), **options)
    with pytest.raises(ValueError, match="must be"):
        handler.attempt()
    assert handler.steps == []


def test_the_decorator_makes_a_handler(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = []

    def branch(name: str) -> Any:
        return lambda event, context: ran.append(name)

    @retries(TmpCounter(str(tmp_path)), a=branch("a"), b=branch("b"), c=branch("c"))
    def lambda_handler(event: Any, context: Any) -> Any:
        """The handler."""
        if event:
            raise WorkFailed
        return "done"

    assert (lambda_handler.__name__, lambda_handler.__doc__) == ("lambda_handler", "The handler.")
    assert lambda_handler({}, Context()) == "done"
    for _ in range(3):
        with pytest.raises(WorkFailed):
            lambda_handler(EVENT, Context())
    assert ran == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"a": nothing}, "pass a, b and c"),
        ({"branches": {}}, "branches must map"),
        ({"branches": {"x": nothing}, "a": nothing}, "branches must map"),
        ({"branches": {"x": nothing}, "count": "all"}, 'count must be "failures" or "starts"'),
        ({"branches": {"x": nothing}, "on_unknown": "y"}, 'on_unknown must be "x" or None'),
        ({"branches": {"x": 7}}, "the branch x must be callable"),
        ({"branches": {"x": nothing}, "key": "id"}, "key must be callable, not 'id'"),
        ({"branches": {"x": nothing}, "reserve_s": "1"}, "reserve_s must be a number of seconds"),
    ],
)
def test_a_wrong_choice_is_refused_when_it_is_made(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        retries(TmpCounter(), **options)


def test_branches_of_any_names_and_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []
    branches = {
        name: lambda event, context, name=name: ran.append(name) for name in ("soon", "last")
    }
    for _ in range(3):
        with pytest.raises(WorkFailed):
            branch_on_retry(TmpCounter(str(tmp_path)), EVENT, Context(), fails, branches=branches)
    assert ran == ["soon", "last", "last"]
    assert [line["branch"] for line in markers(capsys.readouterr().out)] == ran


def test_a_branch_that_settles_returns_instead_of_raising(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def give_up(event: Any, context: Any) -> Any:
        return "given up"

    answers = []
    for _ in range(3):
        try:
            answer = branch_on_retry(
                TmpCounter(str(tmp_path)), EVENT, Context(), fails, a=nothing, b=nothing,
                c=settles(give_up),
            )  # fmt: skip
        except WorkFailed:
            answer = "raised"
        answers.append(answer)
    assert answers == ["raised", "raised", "given up"]


def test_a_key_counts_over_new_request_ids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def branch(name: str) -> Any:
        return lambda event, context: ran.append(name)

    for number in range(3):
        context = Context(aws_request_id=f"0000000{number}-0d3f-4697-b07a-ac58fc914c95")
        with pytest.raises(WorkFailed):
            branch_on_retry(
                TmpCounter(str(tmp_path)), {"message": "m-1"}, context, fails,
                a=branch("A"), b=branch("B"), c=branch("C"), key=lambda event, _: event["message"],
            )  # fmt: skip
    assert ran == ["A", "B", "C"]
    assert {line["key"] for line in markers(capsys.readouterr().out)} == {"m-1"}


def test_async_work_and_branches_run_to_their_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    async def work(event: dict[str, int], context: Context) -> str:
        await asyncio.sleep(0)
        if event:
            raise WorkFailed
        return "done"

    async def branch(event: Any, context: Any) -> None:
        await asyncio.sleep(0)
        ran.append("A")

    handler = retries(TmpCounter(str(tmp_path)), a=branch, b=branch, c=branch)(work)
    assert handler({}, Context()) == "done"
    with pytest.raises(WorkFailed):
        handler(EVENT, Context())
    assert ran == ["A"]
