"""Machines that lack something: each runs one command of the machine campaign."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.campaigns.machine_campaign import End, Machine, campaign, machines
from tests.support.campaigns.signal_campaign import Subject, subjects

COMMANDS = {
    "files 16": "summary saved",
    "memory 40 MB": "summary saved",
    "processes 1": "trace answering",
    "unknown user without HOME": "lab run",
    "closed HOME": "trace answering",
    "nothing writable": "trace stdin",
    "nothing writable, unknown user": "list answering",
    "closed /dev/shm": "summary saved",
    "disk of 8 KB": "list answering",
}
WHOLES: dict[str, End | None] = {}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike those of pytest."""
    with TemporaryDirectory() as made:
        os.chmod(made, 0o755)
        yield Path(made)


@pytest.fixture(scope="module")
def every(folder: Path) -> Iterator[Mapping[str, Subject]]:
    with subjects(folder, log_bytes=10_000_000) as found:
        yield {subject.name: subject for subject in found}


@pytest.fixture(scope="module")
def made(folder: Path) -> Mapping[str, Machine]:
    return {machine.name: machine for machine in machines(folder)}


@pytest.mark.parametrize("name", COMMANDS)
def test_it_works_with_less_or_names_what_it_needs(
    name: str, made: Mapping[str, Machine], every: Mapping[str, Subject]
) -> None:
    if not made[name].is_possible:
        pytest.skip("needs root on Linux, and a Python that every user can run")
    assert list(campaign(made[name], [every[COMMANDS[name]]], WHOLES)) == []
