"""Exports of Logs Insights, read in parts of any size: each gives the same answers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from retryctl.app.options import SourceOptions
from retryctl.bulk import line_scanner
from retryctl.sources.saved import raw_blocks
from tests.support.insights_exports import (
    EXPORTS,
    differing_attempts,
    printing_attempts,
    read,
    rows_of,
    told_of,
    with_ties,
)
from tests.support.lambda_log import ID, OTHER_ID, Environment
from tests.support.log_answers import Answers, answers, contradictions, differences
from tests.support.random_cases import seeds
from tests.support.saved_logs import GROUP, Event
from tests.support.saved_shapes import SHAPES

SIZES = [(1, 1), (1, 1_500), (500, 2), (500, 9), (1 << 17, 1), (1 << 17, 5), (1 << 17, 1_500)]
"""Bytes of a block, and lines that are dealt out at once."""


@pytest.fixture
def read_in_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[Answers]]:
    """Read an export in parts of each size."""

    def read_each(text: str) -> list[Answers]:
        (tmp_path / "export").write_text(text)
        found = []
        for block_bytes, lines in SIZES:
            monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", block_bytes)
            monkeypatch.setattr(line_scanner, "LINES_AT_ONCE", lines)
            source = SourceOptions(source=str(tmp_path / "export"), log_groups=(GROUP,))
            found.append(answers(source))
        return found

    return read_each


@pytest.mark.parametrize("shape", EXPORTS)
def test_an_integer_before_the_start_is_no_counter(
    shape: str, read_in_parts: Callable[[str], list[Answers]]
) -> None:
    """The last line of the attempt before would make that of this one a doubt."""
    here = Environment().at(1).runs(OTHER_ID).prints("3")
    here.at(1.999).runs(ID, "0", "process A", "order 17")
    rows: list[Event] = [(ms // 2 * 2, stream, text) for ms, stream, text in rows_of(here.events)]
    for found in read_in_parts(EXPORTS[shape](rows)):
        (attempt,) = found.requests[ID].request.attempts
        assert (attempt.claim.counter, attempt.claim.branch) == (0, "A")
        assert found.requests[ID].verdict.value == "agrees"
        assert not [*contradictions(found), *found.gaps["check"]]


@pytest.mark.parametrize("shape", EXPORTS)
def test_an_integer_beside_what_is_no_branch_may_be_the_counter_of_the_next_one(
    shape: str, read_in_parts: Callable[[str], list[Answers]]
) -> None:
    here = Environment().at(1).runs(ID, "order", "process 9", "0", "process A", "17")
    rows = [(ms // 2 * 2, stream, text) for ms, stream, text in rows_of(here.events)]
    place = {text.rstrip(): number for number, (_, _, text) in enumerate(rows)}
    for one, other in (("process 9", "0"), ("process A", "17")):
        at_ms = rows[place[one]][0]
        rows[place[one]], rows[place[other]] = (
            (at_ms, *rows[place[other]][1:]),
            (at_ms, *rows[place[one]][1:]),
        )
    for found in read_in_parts(EXPORTS[shape](rows)):
        assert found.requests[ID].verdict.value == "undetermined"
        assert not contradictions(found)


@pytest.mark.parametrize("seed", seeds(20, 600))
def test_attempts_are_those_of_the_log_in_its_order(
    seed: int, read_in_parts: Callable[[str], list[Answers]], tmp_path: Path
) -> None:
    random = Random(seed)
    rows = rows_of(printing_attempts(random), within_ms=random.choice((1, 2, 3, 5, 8, 20)))
    known = read(tmp_path / "known", SHAPES["document"][0](rows))
    mixed = with_ties(rows, random.shuffle)
    if random.random() < 0.3:
        mixed.reverse()
    found = read_in_parts(random.choice([*EXPORTS.values()])(mixed))
    for each in found:
        assert not differences(known, each)
        assert not differing_attempts(known, each)
        assert not contradictions(each)
        assert _told(each) == _told(found[0])


def _told(found: Answers) -> tuple[object, ...]:
    """What is answered for certain: a claim in doubt is as the file has it."""
    told = {request_id: told_of(one) for request_id, one in found.requests.items()}
    certain = {
        request_id: [each if each[-1] != "undetermined" else each[0] for each in attempts]
        for request_id, attempts in told.items()
    }
    return certain, found.gaps["trace"], found.total.outcomes


@pytest.mark.parametrize("seed", seeds(40, 2_000))
def test_an_export_in_several_files_is_that_in_one(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    rows = rows_of(printing_attempts(random), within_ms=random.choice((1, 2, 3, 5, 8, 20)))
    known = read(tmp_path / "known", SHAPES["document"][0](rows))
    mixed, write = with_ties(rows, random.shuffle), random.choice([*EXPORTS.values()])
    whole = read(tmp_path / "export", write(mixed))
    cuts = sorted(random.sample(range(1, len(mixed)), min(random.randrange(1, 5), len(mixed) - 1)))
    (tmp_path / "parts").mkdir()
    for start, stop in pairwise([0, *cuts, len(mixed)]):
        (tmp_path / "parts" / f"{start:03d}").write_text(write(mixed[start:stop]))
    found = answers(SourceOptions(source=str(tmp_path / "parts"), log_groups=(GROUP,)))
    assert not differences(known, found)
    assert not differing_attempts(known, found)
    assert not contradictions(found)
    assert _told(found) == _told(whole)
