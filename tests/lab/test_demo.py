"""The recorded demo is what the lab records: only what is measured may differ."""

import json
import re
import subprocess
import sys

import pytest

from tests.support.lab.lab_handlers import REPOSITORY

pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")

MEASURED = re.compile(r"(Duration|Memory Used): [\d.]+ (ms|MB)")


def settled(recording: str) -> list[tuple[str, str, str]]:
    events = [json.loads(line) for line in recording.splitlines()]
    return [
        (event["logStreamName"], event["source"], MEASURED.sub(r"\1", event["message"]))
        for event in events
    ]


def test_the_demo_can_be_recorded_again() -> None:
    script = REPOSITORY / "docs" / "record_demo.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    kept = (REPOSITORY / "retryctl" / "demo.jsonl").read_text(encoding="utf-8")
    assert settled(done.stdout) == settled(kept)
    assert len(kept) < 60_000
