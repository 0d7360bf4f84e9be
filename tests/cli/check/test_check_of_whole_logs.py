"""A check of a whole log, which holds little of it, says what one that holds all of it says."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from retryctl.app.options import SILENT, SourceOptions, TimeWindow
from retryctl.app.window import evaluate_requests, open_window
from retryctl.bulk.reader import BulkReader
from retryctl.bulk.reduction import PartitionContext, reduce_partition
from retryctl.cli.check import CheckOptions
from retryctl.cli.options.expectations import read_expected
from retryctl.config import ProjectConfig
from retryctl.core.check.check_evaluator import CheckEvaluator
from retryctl.core.crosscheck.checked_request import CheckedRequest, check_request
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.history.history_builder import build_history
from retryctl.core.history.lost_lines import with_lost_lines
from retryctl.core.model.coverage import Coverage, EndsBefore, LogQuery, gaps_of_window
from retryctl.core.model.function_config import FunctionConfig
from retryctl.errors import UnreadableInput
from retryctl.views.ci.formats import CHECK_FORMATS
from retryctl.views.ci.report import CheckReport
from tests.support import check_logs
from tests.support.check_logs import right, switched
from tests.support.lambda_log import Environment
from tests.support.made_up_logs import line_of, made_up, save
from tests.support.peak import MEASURED, needs_proc, peak_kb
from tests.support.program import run
from tests.support.random_cases import seeds
from tests.support.reference_reader import SavedLog

ALL = TimeWindow(since_ms=None, until_ms=None)
BROKEN = '{"logStreamName": "2026/11/23/[$LATEST]00", "timestamp": 17954'


def judge() -> CheckEvaluator:
    asked = CheckOptions(
        fail_on="warning",
        expect_branches="A,B",
        expect_outcome="recovered",
        max_wrong_branch="1%",
        min_accuracy="99%",
    )
    return CheckEvaluator(read_expected(asked, ProjectConfig(), ()).expectations)


def reports(judged: CheckEvaluator, coverage: Coverage) -> dict[str, str]:
    told = CheckReport(judgement=judged.judgement(), coverage=coverage, version="1")
    return {form: "".join(report(told)) for form, report in CHECK_FORMATS.items()}


def at_once(source: Path, window: TimeWindow) -> dict[str, str]:
    """The reports where all events are held."""
    log = SavedLog(str(source))
    until_ms = window.until_ms or sys.maxsize
    early = log.read_in_order(LogQuery(until_ms=window.until_ms))
    coverage = log.coverage()
    history = build_history(early, horizon_ms=coverage.horizon_ms or 0)
    unrecognised = coverage.events_unrecognised + history.unrecognised
    coverage = with_lost_lines(coverage, history.torn)
    gaps = gaps_of_window(coverage.gaps, window.since_ms)
    coverage = replace(
        coverage,
        events_unrecognised=unrecognised,
        gaps=gaps,
        given_since_ms=window.since_ms,
        as_of_ms=window.until_ms,
    )
    judged = judge()
    lacks_lines, ends_before = False, frozenset[EndsBefore]()
    for request in history.requests:
        if (window.since_ms or 0) <= request.placed_ms < until_ms:
            checked = check_request(request, coverage)
            lacks_lines |= checked.lacks_lines
            ends_before |= checked.ends_after
            judged.add(checked)
    return reports(judged, coverage.with_lacking(lacks_lines, ends_before))


def in_parts(source: Path, window: TimeWindow) -> dict[str, str]:
    look = SourceOptions(source=str(source))
    judged = judge()
    with open_window(look, ProjectConfig(), window, now_ms=0, feedback=SILENT) as reader:
        evaluate_requests(reader, judged)
        gaps = tuple(replace(gap, settle=None) for gap in reader.coverage.gaps)
        return reports(judged, replace(reader.coverage, gaps=gaps, wrong_requests=None))


@pytest.mark.parametrize("seed", seeds(8, 100))
def test_every_report_is_the_same(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    streams = made_up(random, hostile=seed % 2 == 0)
    save(random, streams, tmp_path)
    if seed % 5 == 0:
        (tmp_path / "broken.jsonl").write_text(BROKEN)
    moments = sorted(event.timestamp_ms for events in streams for event in events)
    since_ms, until_ms = sorted(random.choices(moments or [0], k=2))
    windows = [
        ALL,
        TimeWindow(since_ms=since_ms, until_ms=None),
        TimeWindow(since_ms=None, until_ms=until_ms),
        TimeWindow(since_ms=since_ms, until_ms=until_ms),
    ]
    files = list(tmp_path.iterdir())
    source = files[0] if len(files) == 1 else tmp_path
    for window in windows:
        assert in_parts(source, window) == at_once(source, window)


@pytest.mark.parametrize("seed", seeds(8, 100))
def test_what_is_read_again_in_stretches_proves_the_same(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    save(random, made_up(random, hostile=seed % 2 == 0), tmp_path)
    log = SavedLog(str(tmp_path))
    events = log.read_in_order(LogQuery())
    coverage = log.coverage()
    history = build_history(events, horizon_ms=coverage.horizon_ms or 0)
    coverage = with_lost_lines(coverage, history.torn)
    checked = [check_request(request, coverage) for request in history.requests]
    ids = {one.request.request_id for one in checked if one.findings}
    some = tuple(random.sample(sorted(ids), (len(ids) + 1) // 2))
    again, expected = judge(), judge()
    for each in checked:
        if each.request.request_id in some:
            expected.add(each)
    reader = BulkReader(str(tmp_path), chunk_bytes=random.choice((700, 5_000)))
    first = reader.read(LogQuery(), Markers(), FunctionConfig())
    streams = expected.with_findings()[1] if random.random() < 0.7 else ()
    query = LogQuery(request_ids=some)
    found = reader.read_again(query, Markers(), FunctionConfig(), first, streams)
    around = PartitionContext(coverage=coverage, settings=FunctionConfig(), markers=Markers())
    for part in range(found.parts if some else 0):
        for one in reduce_partition(found.part(part), found.readings, around):
            assert isinstance(one, CheckedRequest)
            again.add(one)
    assert reports(again, coverage) == reports(expected, coverage)


def test_standard_input_is_checked_as_a_file_is(tmp_path: Path) -> None:
    random = Random(3)
    streams = made_up(random, hostile=True)
    text = "".join(line_of(event) for events in streams for event in events)
    (tmp_path / "log.jsonl").write_text(text, encoding="utf-8")
    arguments = ("check", "--fail-on", "warning", "-o", "json", "--from")
    told = run(*arguments, "-", stdin=text, cwd=tmp_path)
    expected = run(*arguments, "log.jsonl", cwd=tmp_path)
    assert json.loads(told.stdout)["findings"]
    assert told.returncode == expected.returncode == 1
    for key in ("checks", "findings"):
        assert json.loads(told.stdout)[key] == json.loads(expected.stdout)[key]


@pytest.mark.parametrize("first", ["timestamp", "message", "eventId", "logStreamName"])
def test_what_is_read_again_may_have_any_key_first(first: str, tmp_path: Path) -> None:
    log = check_logs.save(tmp_path / "log.jsonl", *switched())
    expected = run("check", "--from", str(log), "-o", "json")
    lines = map(json.loads, log.read_text().splitlines())
    log.write_text("".join(json.dumps({first: one[first], **one}) + "\n" for one in lines))
    found = run("check", "--from", str(log), "-o", "json")
    assert json.loads(found.stdout)["findings"]
    assert json.loads(found.stdout) == json.loads(expected.stdout)


def test_a_log_that_is_another_when_it_is_read_again_is_refused(tmp_path: Path) -> None:
    log = check_logs.save(tmp_path / "log.jsonl", right(), *switched())
    look = SourceOptions(source=str(log))
    with open_window(look, ProjectConfig(), ALL, now_ms=0, feedback=SILENT) as reader:
        check_logs.save(log, right())
        with pytest.raises(UnreadableInput, match="changed while it was read"):
            evaluate_requests(reader, judge())


# --------------------------------------------------------------------------- memory


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """3,000 requests in 21 MB; of every tenth the second attempt ran somewhere else."""
    environments = [Environment(letter) for letter in "abcdef"]
    text = "an order " * 600
    for number in range(3_000):
        request_id = f"{number:08x}-1a2b-4c3d-8e4f-{number:012x}"
        here, there = environments[number % 6], environments[(number + 1) % 6]
        here.at(number // 6 * 5).runs(request_id, text, "0", "process A", ends="error")
        if number % 10 == 0:
            there.at(number // 6 * 5 + 62).runs(request_id, "0", "process A", ends="error")
    events = sorted((e for each in environments for e in each.events), key=lambda e: e.timestamp_ms)
    path = tmp_path / "log.jsonl"
    with path.open("w") as file:
        file.writelines(map(line_of, events))
    return path


@needs_proc
def test_a_large_log_takes_little_memory(large: Path) -> None:
    """From standard input, which is saved to a file and then read as every file."""
    words = ("check", "--from", "-", "-q", "-o", "json", "--report", "json=all.json")
    done = run(*words, cwd=large.parent, program=MEASURED, stdin=large.read_text())
    told = json.loads(done.stdout)
    assert (done.returncode, told["requests"]) == (1, 3_000), done.stderr
    assert len(told["findings"]) == 300
    assert json.loads((large.parent / "all.json").read_text()) == told
    assert peak_kb(large.parent) < 60_000
