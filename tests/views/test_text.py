"""The whole text of a request, and each fact in words."""

import re
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Claim
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.request import RequestOutcome
from retryctl.core.model.store_count import StoreCount
from retryctl.views.times import duration
from tests.support.checked_requests import (
    COVERAGE,
    FIRST,
    GAP,
    ID,
    MENTIONED,
    OK_ALONE,
    PENDING,
    RECOVERED,
    RUNNING,
    SECOND,
    SUCCEEDED,
    SWITCH,
    SWITCHED,
    THIRD,
    UNDETERMINED,
    attempt,
    check,
    checked,
    ms,
)
from tests.views.text_answers import SILENT, shown

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
