"""Parts of the text of a request: the table, the environments, the timeline."""

import re
from dataclasses import replace
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pytest

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.attempt import AttemptOutcome, ErrorInfo
from retryctl.core.model.request import RequestOutcome
from retryctl.views.times import span
from tests.support.checked_requests import (
    COVERAGE,
    FIRST,
    FIRST_ROW,
    OTHER_STREAM,
    PENDING,
    RECOVERED,
    RUNNING,
    SECOND,
    SWITCHED,
    THIRD,
    attempt,
    check,
    checked,
    ms,
)
from tests.views.text_answers import SILENT, WIDTHS, one, shown


def headings(text: str) -> list[str]:
    return next(line for line in text.splitlines() if "start (" in line).split("  ")


def test_wider_terminals_get_more_columns_and_lose_nothing_else() -> None:
    narrow, wide, widest = (shown(SWITCHED, width=width) for width in (80, 110, 170))
    assert "duration" not in narrow
    assert "memory" in wide
    assert "54.6 ms" in wide
    assert "attempts 1 to 3: NameError" in wide
    assert "attempts 1 to 3: NameError" not in widest
    assert widest.count("name 'total' is not defined, at app.py:11 lambda_handler") == 3


def test_a_long_type_is_cut_in_the_table_and_whole_below_it() -> None:
    error = ErrorInfo(type="botocore.errorfactory.ProvisionedThroughputExceededException")
    row = (replace(FIRST, error=error), FIRST_ROW[1])
    text = shown(
        replace(SWITCHED, request=replace(SWITCHED.request, attempts=(row[0], SECOND, THIRD)))
    )
    assert "✗ botocore.erro" in text
    assert f" attempt 1: {error.type}\n" in text
    assert " attempts 2 and 3: NameError: name 'total' is not defined" in text


def test_a_type_with_which_the_message_begins_is_not_said_twice() -> None:
    unable = "Runtime.ImportModuleError: Unable to import module 'app'"
    for message, told in ((unable, unable), ("KeyError: 1", "Runtime.Unknown: KeyError: 1")):
        error = ErrorInfo(type=told.partition(":")[0], message=message)
        failed = replace(FIRST, outcome=AttemptOutcome.INIT_ERROR, error=error)
        assert f": init-error: {told}" in " ".join(one(failed).split())


def test_a_crash_is_named_by_its_outcome_and_its_type_follows() -> None:
    crashed = replace(
        FIRST, outcome=AttemptOutcome.CRASH, error=ErrorInfo(type="Runtime.ExitError")
    )
    text = one(crashed)
    assert "✗ crash " in text
    assert "Runtime.ExitError" in text


def test_an_error_that_was_inferred_says_so() -> None:
    assert "✗ error, inferred" in one(replace(FIRST, outcome_inferred=True, error=None))


def test_versions_are_told_for_each_attempt_where_they_differ() -> None:
    attempts = (
        replace(FIRST, version="7"),
        replace(SECOND, version="8"),
        replace(THIRD, version="8"),
    )
    mixed = replace(SWITCHED, request=replace(SWITCHED.request, attempts=attempts))
    assert "· orders-worker (7, 8)\n" in shown(mixed)
    assert " attempt 1: version 7\n attempts 2 and 3: version 8\n" in shown(mixed)
    assert "version" in headings(shown(mixed, width=120))


def test_an_attempt_without_stream_start_or_end() -> None:
    bare = replace(
        FIRST, started_ms=None, ended_ms=None, log_stream=None, cold_start=None,
        version=None, duration_ms=None, max_memory_used_mb=None, outcome=AttemptOutcome.UNKNOWN,
        error=None, events=(),
    )  # fmt: skip
    row = (bare, check(AttemptVerdict.UNDETERMINED))
    text = shown(checked(RequestOutcome.UNKNOWN, Verdict.UNDETERMINED, row), lines=True)
    assert "the log does not show how attempt 1 ended" in text
    assert "undetermined: the log does not allow a verdict" in text
    assert " 1  not in log   ?            ? unknown" in text
    assert "no log lines were read" in text


def test_an_attempt_that_succeeded_in_a_log_that_may_lack_others() -> None:
    row = (replace(FIRST, outcome=AttemptOutcome.OK, error=None), check(AttemptVerdict.SILENT))
    text = shown(checked(RequestOutcome.UNKNOWN, Verdict.UNDETERMINED, row))
    assert "attempt 1 succeeded, but other attempts may be missing from the log" in text
    assert "does not show how" not in text


def test_attempts_that_overlap_have_no_wait() -> None:
    late = replace(FIRST, ended_ms=SECOND.placed_ms + 5000)
    text = shown(replace(PENDING, request=replace(PENDING.request, attempts=(late, SECOND))))
    assert "overlaps" in text


@pytest.mark.parametrize(
    ("tz", "day", "time"),
    [
        (UTC, "start (UTC)", "23:00:00.123"),
        (ZoneInfo("Asia/Tokyo"), "start (JST)", "08:00:00.123"),
        (ZoneInfo("Europe/Berlin"), "start (CET)", "00:00:00.123"),
    ],
)
def test_times_are_told_in_the_zone_that_the_heading_names(tz: tzinfo, day: str, time: str) -> None:
    text = one(attempt(1, ms("23:00:00.123", "2026-11-22")), tz=tz)
    assert day in text
    assert f" {time} " in text


def test_each_time_of_the_hour_that_comes_twice_names_its_zone() -> None:
    starts = [ms(f"0{hour}:30", "2026-10-25") for hour in (0, 1)]  # both 02:30 in Berlin
    rows = [(attempt(n, start), SILENT) for n, start in enumerate(starts, 1)]
    both = checked(RequestOutcome.EXHAUSTED, Verdict.NOT_COUNTED, *rows)
    text = shown(both, tz=ZoneInfo("Europe/Berlin"))
    assert " 02:30:00.000 CEST " in text
    assert " 02:30:00.000 CET " in text
    assert re.search(r"╵02:\d\d CEST .*╵02:\d\d CET", text)
    assert (
        span(starts[0], starts[1], ZoneInfo("Europe/Berlin"))
        == "25 Oct 2026 02:30 CEST to 02:30 CET"
    )
    assert "02:30:00.000 CE" not in shown(both, tz=ZoneInfo("Europe/London"))


def test_attempts_of_more_than_one_day_show_their_dates() -> None:
    rows = [(attempt(n, ms("23:59", f"2026-11-{day}")), SILENT) for n, day in ((1, 22), (2, 23))]
    text = shown(checked(RequestOutcome.EXHAUSTED, Verdict.NOT_COUNTED, *rows))
    assert "22 Nov 23:59:00.000  —" in text
    assert "23 Nov 23:59:00.000  23 h" not in text
    assert "23 Nov 23:59:00.000  1 d 00 h" in text


@pytest.mark.parametrize("width", [40, 80])
def test_filters_leave_attempts_out_and_say_so(width: int) -> None:
    failed = shown(RECOVERED, failed_only=True, width=width)
    assert "shown: attempt 1 of 2\n" in failed
    assert "✓ ok" not in failed
    third = shown(SWITCHED, attempt=3, width=width)
    assert "◆ 77c2 cold" in third
    assert "environment-switch" in third
    assert "environment-switch" not in shown(SWITCHED, attempt=1, width=width)
    assert "shown: none of 3\n" in shown(SWITCHED, attempt=9, width=width)


def test_environments_have_as_many_letters_as_tell_them_apart() -> None:
    streams = [f"2026/11/23/[7]abcdef{n}{'0' * 25}" for n in (1, 2)]
    rows = [(attempt(n, ms("03:00") + n, log_stream=s), SILENT) for n, s in enumerate(streams, 1)]
    text = shown(checked(RequestOutcome.EXHAUSTED, Verdict.NOT_COUNTED, *rows))
    assert "● abcdef1" in text
    assert "◆ abcdef2" in text


@pytest.mark.parametrize(
    ("streams", "names"),
    [
        (["2026-11-23-[$LATEST]0a1b2c3d", OTHER_STREAM], ["0a1b", "77c2"]),
        (["2026/11/23/f[7][9f00aa11-2222-4333-8444-555566667777]"], ["9f00"]),
        (["a" * 40 + "1", "a" * 40 + "2"], ["env1", "env2"]),
        (["", "\x1b[2J日本"], ["env1", "env2"]),
    ],
)
def test_names_of_streams_in_other_shapes(streams: list[str], names: list[str]) -> None:
    rows = [(attempt(n, ms("03:00") + n, log_stream=s), SILENT) for n, s in enumerate(streams, 1)]
    text = shown(checked(RequestOutcome.EXHAUSTED, Verdict.NOT_COUNTED, *rows))
    assert all(f"● {name}" in text or f"◆ {name}" in text for name in names)


def lanes(text: str) -> list[str]:
    """The lines of the timeline: those of the signs, then the axis."""
    lines = text.splitlines()
    end = next(n for n, line in enumerate(lines) if line.startswith(" 23 Nov  "))
    start = max(n for n in range(end) if not lines[n])
    return lines[start + 1 : end + 1]


def at_seconds(*seconds: float, took_ms: int = 50) -> CheckedRequest:
    rows = [
        (attempt(n, start, ended_ms=start + took_ms), SILENT)
        for n, start in enumerate((ms("03:00") + round(s * 1000) for s in seconds), 1)
    ]
    return checked(RequestOutcome.EXHAUSTED, Verdict.NOT_COUNTED, *rows)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_timeline_is_to_scale(width: int) -> None:
    lane, axis = lanes(shown(at_seconds(0, 60, 240, took_ms=0), width=width))
    first, second, third = (lane.index(number, 9) for number in "123")
    assert (first, third) == (9, width - 1)
    assert second - first == pytest.approx((third - first) / 4, abs=0.5)
    for mark in re.finditer(r"╵03:0(\d)(?!:)", axis):
        assert mark.start() - first == pytest.approx((third - first) * int(mark[1]) / 4, abs=0.5)


def test_a_run_that_takes_its_time_is_a_bar() -> None:
    lane, _ = lanes(shown(at_seconds(0, 100, took_ms=50_000)))
    assert lane.count("━") == pytest.approx(2 * 71 / 3, abs=2)


def test_a_running_attempt_is_drawn_up_to_the_end_of_what_was_looked_at() -> None:
    lane, _ = lanes(shown(RUNNING, coverage=replace(COVERAGE, horizon_ms=ms("03:02:05"))))
    assert lane.endswith("━")
    assert lane.count("━") == pytest.approx(71 / 2, abs=2)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_hundred_attempts_in_a_hundred_environments_do_not_explode_it(width: int) -> None:
    rows = [
        (attempt(n, ms("03:00") + n * 60_000, log_stream=f"[7]{n * 7919:032x}"[:-1]), SILENT)
        for n in range(1, 121)
    ]
    request = checked(RequestOutcome.EXHAUSTED, Verdict.NOT_COUNTED, *rows)
    drawn = lanes(shown(request, width=width))
    assert len(drawn) <= 10
    assert any("more environments, not drawn" in line for line in drawn)


def test_numbers_without_room_are_marked_and_never_run_together() -> None:
    (lane, _) = lanes(shown(at_seconds(*range(0, 600, 5))))
    numbers = [int(number) for number in re.findall(r"\d+", lane[9:])]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] <= 120
    assert "+" in lane


def test_one_attempt_or_one_moment_has_no_timeline() -> None:
    assert "╵" not in one(FIRST)
    assert "╵" not in shown(at_seconds(0, 0, took_ms=0))
