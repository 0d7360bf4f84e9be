"""A store that fails, or is slow, keeps no branch from running."""

import time
from pathlib import Path
from typing import Any

import pytest

from retryctl.counters import FallbackCounter, TmpCounter, branch_on_retry
from retryctl.counters.attempts import count_and_record
from tests.counters.handlers import EVENT, Handler, WorkFailed, fails, nothing
from tests.support.counters_world import BAD_IDS, Context, markers


class RefusingStore:
    """A caller's own store, which refuses what it is told to refuse."""

    store = "own"

    def __init__(self, *refused: Any) -> None:
        self.refused = refused
        self.attempts = 0

    def take(self, key: Any) -> Any:
        return count_and_record(self, key)

    def count(self, request_id: Any) -> Any:
        if "count" in self.refused:
            raise TimeoutError("no answer")
        return self.attempts

    def record(self, request_id: Any) -> None:
        if "record" in self.refused:
            raise PermissionError("not yours")
        self.attempts += 1


@pytest.mark.parametrize(
    ("on_unknown", "steps"),
    [("A", ["work", "A"]), ("B", ["work", "B"]), ("C", ["work", "C"]), (None, ["work"])],
)
def test_an_unknown_count_runs_the_branch_that_the_caller_chose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], on_unknown: Any, steps: Any
) -> None:
    handler = Handler(TmpCounter(str(tmp_path / "gone")), on_unknown=on_unknown)
    handler.failed_attempt()
    assert handler.steps == steps
    (said,) = markers(capsys.readouterr().out)
    assert (said["counter"], said["branch"], said["recorded"]) == (None, on_unknown, False)
    assert said["error"].startswith("FileNotFoundError: ")


def test_an_unknown_count_runs_a_unless_told_otherwise(tmp_path: Path) -> None:
    handler = Handler(TmpCounter(str(tmp_path / "gone")))
    handler.failed_attempt()
    assert handler.steps == ["work", "A"]


def test_a_store_that_fails_at_the_start_lets_the_work_begin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = Handler(TmpCounter(str(tmp_path / "gone")), count="starts")
    assert handler.attempt() == "done"
    (said,) = markers(capsys.readouterr().out)
    assert (said["counter"], said["branch"], said["recorded"]) == (None, None, False)


def test_a_count_that_is_known_serves_though_the_attempt_cannot_be_recorded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler = Handler(RefusingStore("record"))
    handler.failed_attempt()
    (said,) = markers(capsys.readouterr().out)
    assert (said["counter"], said["branch"], said["recorded"]) == (0, "A", False)
    assert said["error"] == "PermissionError: not yours"


def test_an_attempt_is_recorded_though_the_count_is_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = RefusingStore("count")
    Handler(store).failed_attempt()
    (said,) = markers(capsys.readouterr().out)
    assert (said["counter"], said["branch"], said["recorded"]) == (None, "A", True)
    assert store.attempts == 1


def test_the_first_refusal_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Handler(RefusingStore("count", "record")).failed_attempt()
    assert markers(capsys.readouterr().out)[0]["error"] == "TimeoutError: no answer"


@pytest.mark.parametrize("request_id", BAD_IDS)
def test_a_bad_request_id_breaks_nothing(
    handler: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], request_id: Any
) -> None:
    handler.failed_attempt(context=Context(aws_request_id=request_id))
    assert handler.steps == ["work", "A"]
    (said,) = markers(capsys.readouterr().out)
    assert said["counter"] is None
    assert said["request_id"] == (request_id if isinstance(request_id, str) else None)
    assert "not a request ID" in said["error"]
    assert list(tmp_path.iterdir()) == []


def test_a_context_that_names_no_request_breaks_nothing(
    handler: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.failed_attempt(context=object())
    assert markers(capsys.readouterr().out)[0]["request_id"] is None


class SlowStore:
    store = "slow"

    def take(self, key: Any) -> Any:
        time.sleep(30)
        return 0


class ContextWithTime(Context):
    def get_remaining_time_in_millis(self) -> Any:
        return 700


def test_a_slow_store_leaves_time_for_the_branch(capsys: pytest.CaptureFixture[str]) -> None:
    ran = []
    began = time.monotonic()
    with pytest.raises(WorkFailed):
        branch_on_retry(
            SlowStore(), EVENT, ContextWithTime(), fails,
            a=lambda event, context: ran.append("A"), b=nothing, c=nothing,
        )  # fmt: skip
    assert ran == ["A"]
    assert time.monotonic() - began < 10
    (line,) = markers(capsys.readouterr().out)
    assert (line["counter"], line["recorded"]) == (None, False)
    assert line["error"] == "TimeoutError: no answer from slow within 0.2 s"


class FailingStore:
    store = "durable"

    def __init__(self, *failing: Any) -> None:
        self.failing, self.calls = failing, 0

    def take(self, key: Any) -> Any:
        self.calls += 1
        if self.calls in self.failing:
            raise ConnectionError("unreachable")
        return self.calls - 1


def test_a_fallback_counts_where_the_first_store_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counter = FallbackCounter(FailingStore(2), TmpCounter(str(tmp_path)))
    for _ in range(3):
        with pytest.raises(WorkFailed):
            branch_on_retry(counter, EVENT, Context(), fails, a=nothing, b=nothing, c=nothing)
    lines = markers(capsys.readouterr().out)
    assert [(line["store"], line["counter"], line["branch"]) for line in lines] == [
        ("durable", 0, "A"),
        ("tmp", 1, "B"),
        ("durable", 2, "C"),
    ]
    assert [line.get("error") for line in lines] == [
        None,
        "durable: ConnectionError: unreachable",
        None,
    ]
