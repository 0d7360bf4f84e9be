"""``retryctl summary`` from outside, on saved logs whose truth is known."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.summary.tally import SummaryTally
from retryctl.views.summary_figures import advice
from tests.support.lambda_log import ID, OTHER_ID, Environment, events_of
from tests.support.made_up_logs import line_of
from tests.support.program import run

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import generate_logs
from generate_logs import Truth, generate
from summary_saved import check_summary


def save(path: Path, *environments: Environment) -> Path:
    path.write_text("".join(line_of(event) for event in events_of(*environments)))
    return path


def retried_in_another() -> tuple[Environment, Environment]:
    """A request that counts 0 twice, as its retry ran in another environment, and a good one."""
    one, two = Environment("a"), Environment("b")
    one.at(0).runs(ID, "0", "process A", ends="error")
    two.at(62).runs(ID, "0", "process A", ends="error")
    one.at(200).runs(ID, "1", "process B", ends="error")
    one.at(900).runs(OTHER_ID, "fine")
    return one, two


def summary(source: Path | str, *arguments: str) -> dict[str, Any]:
    told = run("summary", "--from", str(source), "-o", "json", *arguments)
    assert told.returncode == 0, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    path = tmp_path_factory.mktemp("large") / "log.jsonl"
    return path, generate(path, 40_000)


# --------------------------------------------------------------------------- the figures


@pytest.mark.parametrize(("argument", "status"), [("--help", 0), ("many", 2)])
def test_the_log_generator_tells_its_usage(
    argument: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["generate_logs.py", argument])
    with pytest.raises(SystemExit) as end:
        generate_logs.main()
    assert end.value.code == status
    assert "EVENTS FILE [SEED]" in "".join(capsys.readouterr())


def test_the_figures_are_the_truth(large: tuple[Path, Truth]) -> None:
    path, truth = large
    assert check_summary(summary(path), truth) == ""


def test_every_key_is_there_and_the_counter_adds_up(tmp_path: Path) -> None:
    found = summary(save(tmp_path / "log.jsonl", *retried_in_another()))
    assert found["schema"] == "retryctl/summary/1"
    assert (found["function"], found["requests"], found["attempts"]) == ("orders-worker", 2, 4)
    assert found["by_attempts"] == {"1": 1, "3": 1}
    assert found["outcomes"] == {
        **dict.fromkeys(("recovered", "pending", "not-retried", "running", "unknown"), 0),
        "succeeded": 1,
        "exhausted": 1,
    }
    assert set(found["attempt_outcomes"]) == {
        *("ok", "error", "timeout", "out-of-memory", "crash", "init-error", "running", "unknown")
    }
    assert found["branches"] == [
        {"attempt": 1, "A": 1, "B": 0, "C": 0, "none": 1},
        {"attempt": 2, "A": 1, "B": 0, "C": 0, "none": 0},
        {"attempt": 3, "A": 0, "B": 1, "C": 0, "none": 0},
    ]
    counter = dict(found["counter"])
    assert counter.pop("accuracy_on_retries") == 0.0
    assert counter == {"agrees": 1, "disagrees": 2, "silent": 1, "undetermined": 0}
    assert found["findings"] == {"environment-switch": 2, "retries-exhausted": 1}
    assert found["retry_environment"] == {"same": 0, "other": 2}
    assert [(waits["retry"], waits["count"]) for waits in found["waits_s"]] == [(1, 1), (2, 1)]
    (error,) = found["errors"]
    assert error == {
        "type": "NameError",
        "count": 3,
        "frame": "app.py:11 handler",
        "example": ID,
    }
    assert found["coverage"]["complete"] is True


def test_accuracy_is_null_where_no_retry_was_judged(tmp_path: Path) -> None:
    one = Environment("a")
    one.runs(ID, "fine")
    found = summary(save(tmp_path / "log.jsonl", one))
    assert found["counter"]["accuracy_on_retries"] is None


# --------------------------------------------------------------------------- the window


def test_a_request_belongs_to_the_window_of_its_first_attempt(tmp_path: Path) -> None:
    path = save(tmp_path / "log.jsonl", *retried_in_another())
    later = summary(path, "--since", "2026-11-23T00:00:30Z")
    assert (later["requests"], later["attempts"]) == (1, 1)
    earlier = summary(path, "--until", "2026-11-23T00:00:30Z")
    assert earlier["outcomes"]["pending"] == 1
    assert earlier["attempts"] == 1
    during = summary(path, "--until", "2026-11-23T00:01:02.002Z")
    assert during["outcomes"]["running"] == 1


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv"])
def test_an_empty_window_ends_with_4_in_every_form(form: str, tmp_path: Path) -> None:
    path = save(tmp_path / "log.jsonl", *retried_in_another())
    told = run("summary", "--from", str(path), "-o", form, "--until", "2025-01-01")
    assert told.returncode == 4
    assert "the window contains no request." in told.stderr
    if form == "json":
        assert json.loads(told.stdout)["requests"] == 0


# --------------------------------------------------------------------------- the screen


def test_the_screen_fits_80_columns_and_ends_with_advice() -> None:
    told = run("summary", "--from", "demo")
    assert told.returncode == 0
    assert max(map(len, told.stdout.splitlines())) <= 80
    assert "disagrees: uncounted-attempt 2, environment-switch 1" in told.stdout
    assert "retryctl counters" in " ".join(told.stdout.split())
    shown = {error["example"] for error in summary("demo")["errors"]}
    assert all(example in told.stdout for example in shown)


def test_the_advice_says_of_which_retries_it_tells() -> None:
    def advised(right: int, wrong: int) -> str:
        return advice(
            SummaryTally(
                retries_judged=Counter(
                    {AttemptVerdict.AGREES: right, AttemptVerdict.DISAGREES: wrong}
                )
            ),
            Coverage(source="saved"),
        )

    assert advised(18, 82).startswith("82 of the 100 retries that logged a count counted wrong")
    assert advised(13, 1).startswith("1 of the 14 retries that logged a count counted wrong")
    assert advised(0, 3).startswith("Every retry that logged a count counted wrong")


def test_nothing_retried_is_not_stated_beside_a_gap() -> None:
    gap = Gap(kind="more-pages", message="a page", hides_attempts=True)
    assert advice(SummaryTally(), Coverage(source="saved")) == "Nothing was retried."
    assert "may have some" in advice(SummaryTally(), Coverage(source="saved", gaps=(gap,)))


def test_branches_of_another_function_are_counted_under_their_own_names(tmp_path: Path) -> None:
    one = Environment("a").starts().prints("running first").raises(ID).reports()
    path = save(tmp_path / "log.jsonl", one)
    (tmp_path / "retryctl.toml").write_text("[markers]\nbranch = 'running (?P<branch>\\w+)'\n")
    told = run("summary", "--from", str(path), cwd=tmp_path).stdout
    assert re.search(r"branch run +first +none\n +attempt 1 +1 +0\n", told)


def test_several_functions_have_a_row_each_the_worst_first(tmp_path: Path) -> None:
    bad = retried_in_another()
    good = Environment("c", group="/aws/lambda/mails")
    good.runs("7a52c6f9-e0b3-4d17-b8c4-2f9e6d31a085", "sent")
    path = save(tmp_path / "log.jsonl", good, *bad)
    found = summary(path)
    assert [each["function"] for each in found["functions"]] == ["orders-worker", "mails"]
    assert (found["function"], found["requests"]) == (None, 3)
    shown = run("summary", "--from", str(path)).stdout
    assert shown.index("orders-worker") < shown.index("mails")
    lines = run("summary", "--from", str(path), "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["function"] for line in lines] == ["orders-worker", "mails"]
    assert summary(path, "mai*")["requests"] == 1
    assert summary(path, "-f", "mails")["function"] == "mails"


def test_hostile_names_are_inert_in_every_form(tmp_path: Path) -> None:
    one = Environment("a", group="/aws/lambda/=cmd|calc")
    one.starts().raises(ID, "Evil\x1b[31m", "=1+1").reports()
    path = save(tmp_path / "log.jsonl", one)
    for form in ("text", "json", "jsonl", "csv"):
        told = run("summary", "--from", str(path), "-o", form)
        assert "\x1b" not in told.stdout
    rows = list(csv.reader(io.StringIO(run("summary", "--from", str(path), "-o", "csv").stdout)))
    assert rows[1][0] == "'=cmd|calc"


def test_the_heading_of_csv_does_not_follow_the_data(tmp_path: Path) -> None:
    quiet = save(tmp_path / "quiet.jsonl", Environment("a").runs(ID, "fine"))
    busy = Environment("a")
    for start in range(5):
        busy.at(start * 100).runs(ID, "0", "process Z", ends="error")
    much = save(tmp_path / "busy.jsonl", busy)
    tables = [
        list(csv.DictReader(io.StringIO(run("summary", "--from", where, "-o", "csv").stdout)))
        for where in (str(quiet), str(much), "demo")
    ]
    first, second, third = (list(rows[0]) for rows in tables)
    assert first == second == third
    assert tables[0][0]["findings.environment-switch"] == "0"
    assert tables[1][0]["by_attempts.more"] == "1"
    assert tables[2][0]["coverage.since"] == "2026-11-23T03:00:00.124Z"
    assert tables[2][0]["coverage.complete"] == "true"
    assert (tables[2][0]["by_attempts.3"], tables[2][0]["findings.uncounted-attempt"]) == ("3", "2")


def test_a_quiet_function_has_a_row() -> None:
    for names in (("orders-worker", "mails"), ("-f", "orders-worker", "-f", "mails")):
        shown = run("summary", "--from", "demo", *names).stdout
        assert re.search(r"^ mails +0 +— +0 +—$", shown, re.M), shown
    rows = csv.DictReader(
        io.StringIO(run("summary", "--from", "demo", "orders-worker", "mails", "-o", "csv").stdout)
    )
    assert [(row["function"], row["requests"]) for row in rows] == [
        ("orders-worker", "9"),
        ("mails", "0"),
    ]


@pytest.mark.parametrize("command", ["summary", "list", "trace", "check"])
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_line_fits_the_width(command: str, width: int) -> None:
    shown = run(command, "--from", "demo", env={"COLUMNS": str(width)}).stdout
    assert max(map(len, shown.splitlines())) <= width


def test_shares_have_bases_and_a_wrong_counter_its_next_command() -> None:
    shown = " ".join(run("summary", "--from", "demo").stdout.split())
    for words in (
        "3 requests were retried (33.3 % of the requests)",
        "66.7 % of requests",
        "(5 of 6 retries)",
        "3.4 % of all 3.35 s",
        "retryctl list --from demo --verdict disagrees",
    ):
        assert words in shown
    abroad = run("summary", "--from", "demo", "--tz", "Asia/Tokyo").stdout
    assert "retryctl list --from demo --verdict disagrees --tz Asia/Tokyo" in abroad


# --------------------------------------------------------------------------- bad input


def test_damage_is_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    good, other = retried_in_another()
    save(log / "good.jsonl", good)
    whole = gzip.compress("".join(map(line_of, other.events)).encode())
    (log / "corrupt.gz").write_bytes(whole[:20] + b"\0\0\0\0" + whole[24:])
    text = "".join(map(line_of, other.events))
    (log / "cut.jsonl").write_text(text[:-30])
    (log / "notes.txt").write_text("nothing of Lambda's\n")
    found = summary(log)
    gaps = " ".join(gap["message"] for gap in found["coverage"]["gaps"])
    assert all(name in gaps for name in ("corrupt.gz", "cut.jsonl", "notes.txt"))
    assert found["coverage"]["complete"] is False
    assert found["requests"] == 2


def test_what_cannot_be_read_at_all_ends_with_3(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing of Lambda's\n")
    told = run("summary", "--from", str(path))
    assert told.returncode == 3
    assert "is not a saved log" in told.stderr


# --------------------------------------------------------------------------- the tally


def test_tallies_of_parts_add_up_in_any_order(large: tuple[Path, Truth]) -> None:
    from retryctl.core.crosscheck.checked_request import check_request
    from retryctl.core.history.history_builder import build_history
    from retryctl.core.model.coverage import LogQuery
    from tests.support.reference_reader import SavedLog

    log = SavedLog(str(large[0]))
    told = build_history(log.read(LogQuery()), horizon_ms=2**50)
    checked = [check_request(one, log.coverage()) for one in told.requests]
    whole = SummaryTally()
    parts = [SummaryTally() for _ in range(5)]
    for number, one in enumerate(checked):
        whole.add(one)
        parts[number % 5].add(one)
    for order in ((0, 1, 2, 3, 4), (4, 2, 0, 1, 3)):
        merged = SummaryTally()
        for number in order:
            merged.merge(parts[number])
        assert merged == whole


def test_percentiles_are_the_nearest_rank() -> None:
    tally = SummaryTally(waits={1: Counter(range(1, 101)), 2: Counter({7: 1})})
    first, second = tally.wait_figures()
    assert (first.p50_ms, first.p95_ms, first.max_ms) == (50, 95, 100)
    assert (second.p50_ms, second.p95_ms, second.max_ms) == (7, 7, 7)


@pytest.mark.parametrize("width", [30, 40, 60, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    shown = run("summary", "--from", "demo", env={"COLUMNS": str(width)}).stdout
    lines = shown.splitlines()
    assert max(map(len, lines)) <= width
    (last,) = (line.split() for line in lines if line.strip().startswith("attempt 3"))
    assert last == ["attempt", "3", "✗1", "✗1", "1", "0"]
