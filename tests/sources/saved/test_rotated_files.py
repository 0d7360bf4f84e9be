"""Parts of one log in whole seconds: the older one is read first, whatever they are called."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.lambda_log import ID
from tests.support.program import run

LINES = [
    f"2026-11-23T03:00:00 START RequestId: {ID} Version: 7",
    "2026-11-23T03:00:01 0",
    "2026-11-23T03:00:01 process A",
    "2026-11-23T03:00:01 [ERROR] KeyError: 'sku'\nTraceback (most recent call last):",
    f"2026-11-23T03:00:01 END RequestId: {ID}",
    f"2026-11-23T03:00:01 REPORT RequestId: {ID}\tDuration: 900.00 ms\tBilled Duration: 901 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 40 MB\t",
    f"2026-11-23T03:01:02 START RequestId: {ID} Version: 7",
    "2026-11-23T03:01:02 1",
    "2026-11-23T03:01:02 process B",
    f"2026-11-23T03:01:02 END RequestId: {ID}",
    f"2026-11-23T03:01:02 REPORT RequestId: {ID}\tDuration: 90.00 ms\tBilled Duration: 91 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 40 MB\t",
]


def requests(source: Path) -> Any:
    done = run("trace", ID, "--from", str(source), "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["requests"]


@pytest.mark.parametrize("cut", range(2, len(LINES)))
@pytest.mark.parametrize("packed", [False, True])
def test_the_names_of_the_parts_do_not_matter(tmp_path: Path, cut: int, packed: bool) -> None:
    whole = tmp_path / "whole.log"
    whole.write_text("\n".join(LINES) + "\n")
    expected = requests(whole)
    assert [each["outcome"] for each in expected[0]["attempts"]] == ["error", "ok"]
    parts = LINES[:cut], LINES[cut:]
    for number, names in enumerate((("a", "b"), ("b", "a"))):
        folder = tmp_path / f"parts{number}"
        folder.mkdir()
        for name, part in zip(names, parts, strict=True):
            content = ("\n".join(part) + "\n").encode()
            is_packed = packed and part is parts[0]
            (folder / f"{name}.log").write_bytes(gzip.compress(content) if is_packed else content)
        assert requests(folder) == expected


def test_a_part_that_cannot_be_read_keeps_the_order_of_the_names(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("\n".join(LINES) + "\n")
    (tmp_path / "b.log").write_bytes(gzip.compress(b"2026-11-23T02:00:00 x")[:12])
    done = run("trace", ID, "--from", str(tmp_path), "-o", "json")
    assert "b.log" in json.loads(done.stdout)["coverage"]["gaps"][0]["message"]
