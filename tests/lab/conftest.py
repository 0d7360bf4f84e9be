"""Runs of one seed and one order, which are the same, are made once."""

from dataclasses import replace
from typing import Any

import pytest

from retryctl.app import lab
from retryctl.lab.function import Function

_RUNS: dict[str, lab.LabRun] = {}


@pytest.fixture
def same_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands of several tests show one run, each in its own form."""
    run_lab = lab.run_lab

    def run_once(function: Function, order: lab.LabOrder, **clock: Any) -> lab.LabRun:
        assert order.seed is not None
        key = repr((function, replace(order, on_event=None)))
        if key not in _RUNS:
            _RUNS[key] = run_lab(function, order, **clock)
        return _RUNS[key]

    monkeypatch.setattr(lab, "run_lab", run_once)
