import re
import subprocess
import sys
import unicodedata
from dataclasses import fields, replace
from datetime import UTC, tzinfo
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict, verdict_of
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Claim
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.history.outcome import AttemptOutcome, ErrorInfo
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.function_config import StoreCount
from retryctl.core.model.request import RequestOutcome
from retryctl.views.blocks import Paragraph, Pieces
from retryctl.views.sentences import alike_as_one
from retryctl.views.signs import Screen
from retryctl.views.text.layout import svg_of, text_of
from retryctl.views.text.trace import trace_blocks
from retryctl.views.times import duration, span
from retryctl.views.trace_answer import TraceAnswer
from tests.support.checked_requests import (
    COVERAGE,
    FIRST,
    FIRST_ROW,
    GAP,
    ID,
    MENTIONED,
    OK_ALONE,
    OTHER_STREAM,
    PENDING,
    RECOVERED,
    RUNNING,
    SECOND,
    STREAM,
    SUCCEEDED,
    SWITCH,
    SWITCHED,
    THIRD,
    UNDETERMINED,
    attempt,
    check,
    checked,
    event,
    ms,
)

ALL = (SWITCHED, RECOVERED, PENDING, RUNNING, UNDETERMINED, MENTIONED, SUCCEEDED)
WIDTHS = (40, 60, 80, 100, 120, 200)
SGR = re.compile(r"\x1b\[[0-9;]*m")
SILENT = check(AttemptVerdict.SILENT, 0)


def shown(*requests: CheckedRequest, coverage: Coverage = COVERAGE, **options: Any) -> str:
    known = {field.name for field in fields(Screen)}
    screen = Screen(**{name: options.pop(name) for name in known & {*options}})
    not_found = options.pop("not_found", ())
    answer = TraceAnswer(checked=requests, coverage=coverage, not_found=not_found, **options)
    return text_of(trace_blocks(answer, screen.width), screen)


def cells(line: str) -> int:
    """The width of a line in a terminal, told without rich."""
    return sum(
        0
        if unicodedata.category(c) in ("Mn", "Me", "Cn") or "\U0001f3fb" <= c <= "\U0001f3ff"
        else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in line
    )


def one(made: Any, **options: Any) -> str:
    """A request whose only attempt is ``made``."""
    return shown(checked(RequestOutcome.PENDING, Verdict.NOT_COUNTED, (made, SILENT)), **options)


# --------------------------------------------------------------------------- whole answers

SWITCHED_80 = """\
request 5f0c1d2e-7a61-4b3c-9d84-2e6f80a1b7c3 · orders-worker ($LATEST)
✗ exhausted: 3 attempts in 3 m 10 s, none succeeded
✗ the counter disagrees on attempt 3: it ran A instead of C
  Other requests with a wrong counter:
    retryctl list -f orders-worker --verdict disagrees

 #  start UTC  wait      environment  outcome      counter  branch   verdict
 1  03:00:00   —         ● 1f3a cold  ✗ NameError  0        A        ✓ agrees
 2  03:01:02   1 m 03 s  ● 1f3a       ✗ NameError  1        B        ✓ agrees
 3  03:03:10   2 m 07 s  ◆ 77c2 cold  ✗ NameError  0 not 2  A not C  ✗ disagrees
 attempts 1 to 3: NameError: name 'total' is not defined, at app.py:11
 lambda_handler

 ● 1f3a  1╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌2
 ◆ 77c2                                                                        3
 23 Nov                        ╵03:01                ╵03:02           03:03╵

✗ environment-switch · error · attempt 3
  Attempt 3 ran in environment 77c2, whose /tmp holds no file of this request:
  attempts 1 and 2 left theirs in 1f3a.
  Do: Count where every environment can read it: retryctl counters, DynamoDB or
  S3.
  More: retryctl explain environment-switch

read /aws/lambda/orders-worker, 22 Nov 21:00 to 23 Nov 2026 03:05 UTC: 42 events
in 5 calls. The log is complete.
"""

RECOVERED_80 = """\
request 5f0c1d2e-7a61-4b3c-9d84-2e6f80a1b7c3 · orders-worker ($LATEST)
✓ recovered on attempt 2 in 1 m 03 s; attempt 1 failed
✓ the counter agrees on every attempt

 #  start (UTC)   wait      environment  outcome      counter  branch  verdict
 1  03:00:00.123  —         ● 1f3a cold  ✗ NameError  0        A       ✓ agrees
 2  03:01:02.871  1 m 03 s  ● 1f3a       ✓ ok         1        B       ✓ agrees
 attempt 1: NameError: name 'total' is not defined, at app.py:11 lambda_handler

 ● 1f3a  1╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌2
 23 Nov                   ╵03:00:15       ╵03:00:30        ╵03:00:45

read /aws/lambda/orders-worker, 22 Nov 21:00 to 23 Nov 2026 03:05 UTC: 42 events
in 5 calls. The log is complete.
"""

UNDETERMINED_80 = """\
request 5f0c1d2e-7a61-4b3c-9d84-2e6f80a1b7c3 · orders-worker ($LATEST)
✗ exhausted: 2 attempts, none succeeded
? undetermined: The START of attempt 1 lies outside what was read.

 # start UTC  wait     environment outcome     counter branch verdict
 1 not in log —        ● 1f3a      ✗ NameError 0       A      ? undetermined
 2 03:01:02   1 m 03 s ?           ✗ NameError 1       B      ? undetermined
 attempts 1 and 2: NameError: name 'total' is not defined, at app.py:11
 lambda_handler
 ?: environment not known, as no line names a log stream; each may be another

 ● 1f3a       1
 ? not known                                                                   2
 23 Nov                      ╵03:00:15       ╵03:00:30      ╵03:00:45

read /aws/lambda/orders-worker, 22 Nov 21:00 to 23 Nov 2026 03:05 UTC: 42 events
in 5 calls. Missing:
! Attempts may lie before 22 Nov 21:00: --since keeps them out.
  To close the gap:
    retryctl trace 5f0c1d2e-7a61-4b3c-9d84-2e6f80a1b7c3 \\
    --function orders-worker --since 2026-11-22T15:00:00Z
"""


def test_an_open_request_has_the_command_that_follows_it() -> None:
    text = shown(PENDING, width=100)
    assert f"  To follow it:\n    retryctl trace {ID} -f orders-worker --wait\n" in text
    assert "--wait" not in shown(PENDING, coverage=replace(COVERAGE, source="demo", where="demo"))


def test_a_wrong_counter_has_the_command_that_lists_others() -> None:
    saved = replace(COVERAGE, source="saved", where="the log.json")
    command = "retryctl list --from 'the log.json' --verdict disagrees"
    assert command in shown(SWITCHED, coverage=saved)
    stdin = replace(COVERAGE, source="saved", where="standard input")
    assert "retryctl list" not in shown(SWITCHED, coverage=stdin)


def test_a_store_that_agrees_is_named() -> None:
    stored = StoreCount(
        request_id=ID, store="dynamodb://t", evidence=SWITCHED.request.attempts[0].events[:2]
    )
    text = shown(replace(RECOVERED, agreeing_store=stored))
    assert f"✓ the store dynamodb://t agrees with the log: it has {stored.count} attempts\n" in text


def test_equal_findings_are_grouped() -> None:
    finding = SWITCHED.findings[0]
    again = replace(finding, attempt=2, message="The other message.")
    text = shown(replace(SWITCHED, findings=(finding, again)))
    assert text.count("environment-switch · error · attempts 2 and 3") == 1
    assert text.count("Do: ") == 1
    assert "The other message." in text


@pytest.mark.parametrize(
    ("request_", "gaps", "text"),
    [
        (SWITCHED, (), SWITCHED_80),
        (RECOVERED, (), RECOVERED_80),
        (UNDETERMINED, (GAP,), UNDETERMINED_80),
    ],
    ids=["switched", "recovered", "undetermined"],
)
def test_the_whole_answer_in_80_columns(
    request_: CheckedRequest, gaps: tuple[Gap, ...], text: str
) -> None:
    assert shown(request_, coverage=replace(COVERAGE, gaps=gaps)) == text


def test_one_attempt_and_all_well_is_five_lines_and_no_more() -> None:
    assert shown(SUCCEEDED) == (
        f"request {ID} · orders-worker ($LATEST)\n"
        "✓ succeeded on attempt 1\n"
        "  23 Nov 2026 03:00:00.123 UTC · ● 1f3a cold · 54.6 ms · 36 of 128 MB\n"
        "read /aws/lambda/orders-worker, 22 Nov 21:00 to 23 Nov 2026 03:05 UTC: 42 events\n"
        "in 5 calls. The log is complete.\n"
    )


def test_a_counter_that_agrees_takes_no_line_more() -> None:
    row = (replace(OK_ALONE, claim=Claim(counter=0)), check(AttemptVerdict.AGREES, 0))
    text = shown(checked(RequestOutcome.SUCCEEDED, Verdict.AGREES, row))
    assert "✓ succeeded on attempt 1; its counter agrees (0)\n" in text
    assert text.count("\n") == 5


def test_two_requests_are_told_apart_and_what_was_looked_at_is_said_once() -> None:
    text = shown(SUCCEEDED, SUCCEEDED)
    assert text.count("\n\n") == 2
    assert text.count("read ") == 1


# --------------------------------------------------------------------------- in words


@pytest.mark.parametrize(
    ("request_", "as_of", "said"),
    [
        (
            PENDING,
            "03:02:15",
            "… pending: attempts 1 and 2 failed; next attempt due about 03:03:02, in 48 s "
            "(as of 03:02:15 UTC)",
        ),
        (PENDING, "03:04:02.928", "next attempt was due about 03:03:02, 1 m 00 s ago"),
        (RUNNING, "03:01:15", "… running: attempt 2 has run for 12 s (as of 03:01:15 UTC)"),
        (MENTIONED, "03:05", "? unknown: the log has no attempt, only lines that mention"),
        (MENTIONED, "03:05", "? undetermined: The system log level drops START and REPORT;"),
        (SWITCHED, "03:05", "✗ the counter disagrees on attempt 3: it ran A instead of C"),
        (RECOVERED, "03:05", "✓ the counter agrees on every attempt"),
        (RUNNING, "03:05", "✓ the counter agrees on attempt 1"),
    ],
)
def test_outcome_and_verdict_are_sentences(request_: CheckedRequest, as_of: str, said: str) -> None:
    coverage = replace(COVERAGE, horizon_ms=ms(as_of))
    assert said in shown(request_, coverage=coverage, width=200)


@pytest.mark.parametrize(
    ("request_", "end", "said"),
    [
        (PENDING, "03:02:15", "next attempt due about 03:03:02; the log ends at 03:02:15 UTC\n"),
        (PENDING, "03:04:02", "attempt was due about 03:03:02; the log ends at 03:04:02 UTC\n"),
        (RUNNING, "03:01:03", "attempt 2 has not ended; the log ends 129 ms after its start\n"),
    ],
)
def test_nothing_is_said_of_the_time_after_the_end_of_a_log(
    request_: CheckedRequest, end: str, said: str
) -> None:
    coverage = replace(COVERAGE, source="saved", horizon_ms=ms(end), last_event_ms=ms(end))
    assert said in shown(request_, coverage=coverage, width=200)


SAVED = Coverage(
    source="saved",
    where="export/log.jsonl",
    log_groups=("/aws/lambda/orders-worker",),
    since_ms=ms("03:00"),
    until_ms=ms("03:05"),
    horizon_ms=ms("03:05"),
    first_event_ms=ms("03:00"),
    last_event_ms=ms("03:05"),
    events_read=85,
)
FILE = "read export/log.jsonl (/aws/lambda/orders-worker), 23 Nov 2026 03:00 to 03:05 UTC"


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("03:00", "03:05", f"{FILE}: 85 events. The log is complete."),
        ("03:00", "03:02", f"{FILE} (requested: up to 23 Nov 2026 03:02 UTC): 85 events. The log"),
        ("03:01", "03:02", f"{FILE} (requested: 23 Nov 2026 03:01 to 03:02 UTC): 85 events."),
        (
            "04:00",
            "04:00",
            f"{FILE}: 85 events. The log ends at 23 Nov 2026 03:05 UTC, before --since.",
        ),
        (
            "02:00",
            "02:00",
            f"{FILE}: 85 events. The log begins at 23 Nov 2026 03:00 UTC, after --until.",
        ),
    ],
)
def test_a_saved_log_is_named_with_all_that_was_read_of_it(
    since: str, until: str, said: str
) -> None:
    coverage = replace(SAVED, since_ms=ms(since), until_ms=ms(until))
    assert said in shown(SWITCHED, coverage=coverage, width=200)


def undetermined(**changes: Any) -> CheckedRequest:
    cut = replace(FIRST, start_event=None, started_ms=None)
    made = checked(RequestOutcome.UNKNOWN, Verdict.UNDETERMINED, (cut, SILENT))
    return replace(made, **changes)


def test_what_would_settle_a_verdict_is_a_command_to_copy() -> None:
    text = shown(undetermined(), coverage=SAVED.with_lacking(True), width=200)
    command = f"retryctl trace {FIRST.request_id} -f orders-worker --since 2026-11-22T21:00Z"
    assert f"CloudWatch may settle it:\n    {command}\n" in text
    assert "85 events. All of it was read." in text
    nameless = replace(undetermined().request, function=None, log_group="/my group")
    text = shown(undetermined(request=nameless), coverage=SAVED, width=200)
    assert "-g '/my group' --since" in text
    for settled in (
        shown(SWITCHED, coverage=SAVED),
        shown(undetermined()),
        shown(undetermined(request=replace(nameless, log_group=None)), coverage=SAVED),
    ):
        assert "CloudWatch may" not in settled


def test_a_gap_is_named_once_at_the_end() -> None:
    gap = replace(GAP, settle=None, message="log.gz: its gzip data breaks off at byte 9")
    finding = replace(SWITCH, rule="logs-incomplete", attempt=None, message=gap.message)
    unsure = replace(
        UNDETERMINED, findings=(finding,), undetermined_because=(gap.message, "Its START is cut.")
    )
    told = shown(unsure, coverage=replace(SAVED, gaps=(gap,)), width=200)
    assert told.count(gap.message) == 1
    assert f"Missing:\n! {gap.message}" in told
    assert "? undetermined: part of the log is missing, see the end\n? Its START is cut." in told
    assert "  Part of the log is missing, see the end.\n" in told


def test_the_command_that_explains_a_rule_is_never_broken_but_where_a_shell_reads_on() -> None:
    for width in range(40, 81):
        text = shown(SWITCHED, width=width)
        assert "retryctl explain environment-switch" in re.sub(r" \\\n *", " ", text)


def test_a_counter_without_a_branch_is_named_by_its_numbers() -> None:
    row = (
        replace(THIRD, claim=Claim(counter=0)),
        replace(check(AttemptVerdict.DISAGREES, 2), counter_agrees=False),
    )
    wrong = replace(SWITCHED, request=replace(SWITCHED.request, attempts=(FIRST, SECOND, row[0])))
    wrong = replace(wrong, checks=(*SWITCHED.checks[:2], row[1]))
    assert "it counted 0 instead of 2" in shown(wrong)


def test_a_counter_past_the_last_branch_is_not_shown_as_wrong() -> None:
    fourth = attempt(4, ms("03:05:20"), counter=2, branch="A")
    rows = zip(SWITCHED.request.attempts[:2], SWITCHED.checks[:2], strict=True)
    finding = replace(SWITCH, rule="branch-contradicts-counter", attempt=3)
    text = shown(
        checked(
            RequestOutcome.EXHAUSTED,
            Verdict.DISAGREES,
            *rows,
            (replace(fourth, number=3), check(AttemptVerdict.DISAGREES, 3, "C")),
            findings=(finding,),
        )
    )
    assert "the branch disagrees on attempt 3: it ran A instead of C" in text
    assert "2 not 3" not in text


def test_an_unfinished_gap_has_its_command_on_lines_that_a_shell_joins() -> None:
    text = shown(MENTIONED, coverage=replace(COVERAGE, gaps=(GAP,)), width=50)
    (command,) = re.findall(r"To close the gap:\n(.*)\Z", text, re.DOTALL)
    said = subprocess.run(
        ["sh", "-c", f"printf '%s ' {command}"], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == GAP.settle


def test_many_gaps_are_counted_and_not_all_told() -> None:
    gaps = tuple(replace(GAP, message=f"{GAP.message} {number}") for number in range(300))
    coverage = replace(COVERAGE, gaps=gaps)
    assert "! and 290 more: see --output json\n" in shown(SUCCEEDED, coverage=coverage)
    alike = shown(SUCCEEDED, coverage=replace(COVERAGE, gaps=(GAP,) * 300))
    assert alike.count(f"! {GAP.message[:20]}") == 1
    assert "more: see" not in alike


def test_what_was_not_found_is_named() -> None:
    assert shown(SUCCEEDED, not_found=("2c1f", "3d20")).startswith("? not found: 2c1f, 3d20\n")


@pytest.mark.parametrize(
    ("severity", "title"),
    [
        (Severity.ERROR, "✗ late-retry · error · attempt 3\n"),
        (Severity.WARNING, "! late-retry · warning · attempt 3\n"),
        (Severity.INFO, "i late-retry · info · attempt 3\n"),
    ],
)
def test_a_finding_says_what_it_is_what_to_do_and_where_to_read_more(
    severity: Severity, title: str
) -> None:
    finding = replace(SWITCH, rule="late-retry", severity=severity)
    text = shown(replace(SWITCHED, findings=(finding,)))
    assert title in text
    assert "  Do: Count where every environment can read it" in text
    assert "  More: retryctl explain late-retry\n" in text


@pytest.mark.parametrize(
    ("ms_", "said"),
    [
        (0, "0 ms"),
        (54.6, "54.6 ms"),
        (999.97, "1 s"),
        (3000, "3 s"),
        (12_340, "12.34 s"),
        (59_996, "1 m 00 s"),
        (62_691, "1 m 03 s"),
        (3_599_900, "1 h 00 m"),
        (7_500_000, "2 h 05 m"),
        (86_390_000, "1 d 00 h"),
        (-500, "-500 ms"),
        (float("inf"), "?"),
    ],
)
def test_durations(ms_: float, said: str) -> None:
    assert duration(ms_) == said


# --------------------------------------------------------------------------- the table


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


# --------------------------------------------------------------------------- environments


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


# --------------------------------------------------------------------------- the timeline


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


# --------------------------------------------------------------------------- the log lines


def test_log_lines_are_whole_under_their_attempt() -> None:
    traceback = '[ERROR] E: m\rTraceback (most recent call last):\r\u00a0\u00a0File "a.py"\n'
    told = replace(
        FIRST, events=(event(FIRST.placed_ms, "START\n"), event(ms("03:00:01"), traceback))
    )
    assert (
        f"attempt 1 · ● 1f3a cold · {STREAM}\n"
        "  03:00:00.123  START\n"
        "  03:00:01.000  [ERROR] E: m\n"
        "                Traceback (most recent call last):\n"
        '                \u00a0\u00a0File "a.py"\n'
    ) in one(told, lines=True)


def test_a_long_line_is_broken_without_losing_a_character() -> None:
    message = "".join(chr(0x3041 + n % 80) for n in range(300)) + " " * 5 + "end"
    assert "".join("".join(log_lines(message)).split()) == message.replace(" ", "")


def test_a_long_line_is_broken_between_its_words() -> None:
    report = f"REPORT RequestId: {FIRST.request_id}\tDuration: 2.12 ms\tMax Memory Used: 16 MB\t\n"
    for width in range(60, 100):
        assert " ".join(log_lines(report, width)).split() == report.split()
    indented = "    return " + "ship(order) and " * 9
    assert log_lines(indented)[0].startswith("    return ship")


def log_lines(message: str, width: int = 80) -> list[str]:
    """The lines below the time of the only log event."""
    text = one(replace(FIRST, events=(event(0, message),)), lines=True, width=width)
    body = text.split("00:00:00.000  ")[1].split("\n\n")[0].split("\n")
    assert "" not in body
    return [body[0], *(line[16:] for line in body[1:])]


def test_a_line_of_a_megabyte_is_cut_and_says_so() -> None:
    text = one(replace(FIRST, events=(event(0, "x" * 1_048_576),)), lines=True)
    assert len(text) < 8000
    assert "(1,044,576 more characters)" in text.replace("\n" + " " * 16, "")


def test_a_long_traceback_is_not_cut() -> None:
    message = "\n".join(f"  frame {n}" for n in range(2000))
    text = one(replace(FIRST, events=(event(0, message),)), lines=True)
    assert all(f"frame {n}\n" in text for n in range(2000))


# --------------------------------------------------------------------------- for any terminal


@pytest.mark.parametrize("request_", ALL)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_too_wide_nor_ends_in_spaces(request_: CheckedRequest, width: int) -> None:
    coverage = replace(COVERAGE, gaps=(GAP,))
    for line in shown(request_, coverage=coverage, width=width, lines=True).split("\n"):
        assert cells(line) <= width
        assert line == line.rstrip()


@pytest.mark.parametrize("request_", ALL)
def test_colour_adds_nothing_but_colour(request_: CheckedRequest) -> None:
    coloured = shown(request_, colour=True)
    assert SGR.sub("", coloured) == shown(request_)
    assert "\x1b[" in coloured


@pytest.mark.parametrize("request_", ALL)
def test_ascii_only_is_ascii_and_moves_nothing(request_: CheckedRequest) -> None:
    plain = shown(request_, ascii_only=True)
    assert plain.isascii()
    assert [len(line) for line in plain.split("\n")] == [
        len(line) for line in shown(request_).split("\n")
    ]


def test_ascii_only_shows_what_it_cannot_write() -> None:
    error = ErrorInfo(type="E", message="注文 ✓")
    assert r"E: \u6ce8\u6587 +" in one(replace(FIRST, error=error), ascii_only=True)


def test_no_sign_stands_without_words() -> None:
    text = shown(SWITCHED, coverage=replace(COVERAGE, gaps=(GAP,)))
    assert all(re.match(r" ?[\w(]", text[m.end() :]) for m in re.finditer("[✓✗●◆?!]", text))


ANY_TEXT = st.text(st.characters(), max_size=90) | st.sampled_from(
    [
        "\x1b[31m[bold red]:smile:",
        "注文🎉" * 30,
        "\u202eevil",
        "a\nb\r\nc",
        "x" * 5000,
        "🧑🏽‍🚀⚠️" * 20,
    ]
)


@st.composite
def hostile(draw: Any) -> CheckedRequest:
    """A request with any text in every field that a log fills."""

    def text() -> str:
        return str(draw(ANY_TEXT))

    made = [
        replace(
            attempt(number, draw(st.integers(-(10**15), 10**15)), log_stream=text()),
            version=text(),
            outcome=draw(st.sampled_from([one for one in AttemptOutcome if one.failed])),
            error=ErrorInfo(type=text(), message=text(), frame=text()),
            duration_ms=draw(st.floats()),
            claim=Claim(counter=draw(st.integers(0, 10**9)), branch=text()),
            events=(event(draw(st.integers()), text()),),
        )
        for number in (1, 2)
    ]
    checks = [check(draw(st.sampled_from(AttemptVerdict)), 7, text()) for _ in made]
    request = checked(
        draw(
            st.sampled_from(["exhausted", "pending", "not-retried", "unknown"]).map(RequestOutcome)
        ),
        verdict_of(checks, ()),
        *zip(made, checks, strict=True),
        findings=(replace(SWITCH, attempt=1, message=text(), remedy=text()),),
        because=(text(),),
        due_ms=draw(st.none() | st.integers()),
    )
    return replace(request, request=replace(request.request, function=text()))


@given(hostile(), st.integers(40, 160), st.booleans(), ANY_TEXT)
def test_whatever_a_log_holds_is_inert_and_fits(
    request_: CheckedRequest, width: int, ascii_only: bool, odd: str
) -> None:
    gap = Gap(kind="skipped", message=odd, settle=odd)
    text = shown(
        request_,
        coverage=replace(COVERAGE, source=odd, log_groups=(odd,), gaps=(gap,)),
        not_found=[odd],
        width=width,
        colour=True,
        ascii_only=ascii_only,
        lines=True,
    )
    text.encode("ascii" if ascii_only else "utf-8")
    for line in SGR.sub("", text).split("\n"):
        assert cells(line) <= width
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in line)


def test_markup_and_emoji_codes_of_a_log_are_text() -> None:
    error = ErrorInfo(type="E", message="[red]x[/red] :smile: [link=http://x]y[/link]")
    assert str(error.message) in one(replace(FIRST, error=error), colour=True)


# --------------------------------------------------------------------------- the picture


def picture(**parts: Any) -> str:
    answer = TraceAnswer(checked=[SWITCHED], coverage=COVERAGE, **parts)
    return svg_of(trace_blocks(answer, 80), title="retryctl trace", width=80)


def test_the_picture_is_xml_that_asks_for_nothing_from_outside() -> None:
    svg = picture()
    ElementTree.fromstring(svg)
    assert set(re.findall(r"https?://[^\"]+", svg)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"url\((?!#)|@import|@font-face|href", svg)
    assert "environment-switch" in svg
    assert svg == picture()
    third = picture(attempt=3, lines=True)
    words = re.findall(r"<text[^>]*>([^<]*)</text>", third)
    start = words.index("shown:")
    assert words[start : start + 5] == ["shown:", "attempt", "3", "of", "3"]


# --------------------------------------------------------------------------- the start


def test_the_json_view_does_not_wait_for_rich() -> None:
    code = "import sys, retryctl.views.json.trace; sys.exit('rich' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_lines_that_could_be_lambda_s_are_named() -> None:
    forged = replace(FIRST, ambiguous=(FIRST.events[0],))
    told = replace(SWITCHED, request=replace(SWITCHED.request, attempts=(forged, SECOND, THIRD)))
    assert "attempt 1 logged lines that look like a START, END or REPORT" in " ".join(
        shown(told).split()
    )
    assert "look like a START" not in " ".join(shown(SWITCHED).split())


def test_a_request_that_was_not_counted_leads_to_the_setting() -> None:
    text = shown(checked(RequestOutcome.PENDING, Verdict.NOT_COUNTED, (attempt(1, 0), SILENT)))
    assert "[markers] in retryctl.toml must match its lines" in " ".join(text.split())


@pytest.mark.parametrize("took", ["54.6 ms", "12.4 s", "1 m 04 s", "2 h 05 m", "1 d 02 h"])
def test_no_line_ends_within_a_duration(took: str) -> None:
    for width in range(20, 50):
        words: Pieces = [
            ("the longest wait was ", ""),
            (took, "bold"),
            (" of all that was read", ""),
        ]
        lines = text_of([Paragraph(words=words)], Screen(width=width))
        assert sum(took in line for line in lines.splitlines()) == 1, lines


def test_sentences_that_differ_in_the_attempt_alone_are_one() -> None:
    sentences = [*(f"Attempt {n} broke off." for n in (1, 2, 3)), "All is lost."]
    assert alike_as_one(sentences) == [
        "Attempt 1 broke off. The same for attempts 2 and 3.",
        "All is lost.",
    ]
    assert alike_as_one(["Attempt 2 ran after attempt 1."]) == ["Attempt 2 ran after attempt 1."]
