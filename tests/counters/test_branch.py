"""branch_on_retry and its marker: which branch runs, what is said of it, and what never breaks."""

import asyncio
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from retryctl.counters import (
    FallbackCounter,
    TmpCounter,
    branch_on_retry,
    log_marker,
    retries,
    settles,
)
from retryctl.counters.attempts import count_and_record
from tests.support.counters_world import BAD_IDS, ROOT, STREAM, Context, markers

EVENT = {"order": 7}


class WorkFailed(Exception):
    pass


class Handler:
    """A handler whose steps are listed as they happen; ``attempt`` runs it once."""

    def __init__(self, counter: Any, **options: Any) -> None:
        self.counter = counter
        self.options = options
        self.steps: list[str] = []

    def attempt(self, error: Any = None, context: Any = None, **branches: Any) -> Any:
        def work(event: Any, context: Any) -> Any:
            self.steps.append("work")
            assert event is EVENT
            if error:
                raise error
            return "done"

        def branch(name: str) -> Any:
            def run(event: Any, context: Any) -> None:
                assert event is EVENT
                self.steps.append(name)

            return run

        calls = {name: branch(name.upper()) for name in "abc"}
        return branch_on_retry(
            self.counter, EVENT, context or Context(), work, **{**calls, **branches}, **self.options
        )

    def failed_attempt(self, **kwargs: Any) -> None:
        with pytest.raises(WorkFailed):
            self.attempt(WorkFailed("no"), **kwargs)


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


@pytest.fixture
def handler(tmp_path: Path) -> Any:
    return Handler(TmpCounter(str(tmp_path)))


@pytest.fixture
def starts(tmp_path: Path) -> Any:
    return Handler(TmpCounter(str(tmp_path)), count="starts")


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


def test_the_marker_to_the_letter(handler: Any, capsys: pytest.CaptureFixture[str]) -> None:
    handler.failed_attempt()
    line = capsys.readouterr().out
    assert re.fullmatch(
        r'\{"retryctl": 1, "request_id": "8f507cfc-0d3f-4697-b07a-ac58fc914c95", "counter": 0, '
        r'"branch": "A", "store": "tmp", "recorded": true, "counts": "failures", '
        r'"environment": "2026/11/23/\[\$LATEST\]0123456789abcdef0123456789abcdef", '
        r'"level": "INFO", "timestamp": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}\n',
        line,
    )


def marker(capsys: pytest.CaptureFixture[str], **fields: Any) -> Any:
    values = {"counter": 0, "branch": "A", "store": "tmp", "recorded": True, **fields}
    log_marker(values.pop("context", Context()), **values)
    return json.loads(capsys.readouterr().out)


def test_the_markers_time_is_utc_with_milliseconds(capsys: pytest.CaptureFixture[str]) -> None:
    said = marker(capsys, clock=lambda: 1_795_435_200.0625)
    assert said["timestamp"] == "2026-11-23T12:00:00.062Z"


@pytest.mark.parametrize(
    ("function_level", "level"),
    [("TRACE", "INFO"), ("INFO", "INFO"), ("WARN", "WARN"), ("ERROR", "ERROR"), ("FATAL", "FATAL")],
)
def test_the_marker_passes_the_functions_own_log_level(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    function_level: Any,
    level: str | None,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", function_level)
    assert marker(capsys)["level"] == level


def test_an_error_stays_one_line_of_ascii_and_of_bounded_length(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_marker(
        Context(), counter=None, branch="A", store="tmp", recorded=False, error="näh\n\r" * 500
    )
    line = capsys.readouterr().out
    assert line.isascii()
    assert line.endswith("}\n")
    assert len(line.splitlines()) == 1
    assert len(json.loads(line)["error"]) == 300


def test_the_environment_is_also_found_without_the_contexts_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", STREAM)
    assert marker(capsys, context=object())["environment"] == STREAM
    monkeypatch.delenv("AWS_LAMBDA_LOG_STREAM_NAME")
    assert marker(capsys, context=object())["environment"] is None


def test_fifty_threads_print_whole_lines() -> None:
    script = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from retryctl.counters import log_marker\n"
        "def say(n):\n"
        "    log_marker(None, counter=n, branch='C', store='s3', recorded=True)\n"
        "with ThreadPoolExecutor(50) as threads: list(threads.map(say, range(500)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert sorted(json.loads(line)["counter"] for line in done.stdout.splitlines()) == [*range(500)]


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


def nothing(event: Any, context: Any) -> None:
    return None


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


def fails(event: Any, context: Any) -> None:
    raise WorkFailed


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
