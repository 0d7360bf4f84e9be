"""A machine with too little memory even for the report of an error."""

from __future__ import annotations

import pytest

from retryctl.app.options import Silent
from retryctl.app.probe import probe_groups
from retryctl.app.probe.probe import probe
from retryctl.cli import main
from retryctl.errors import ExitStatus
from retryctl.sources.aws.client import AwsClient
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS


def _fail(*_: object, **__: object) -> None:
    raise MemoryError


@pytest.mark.parametrize("reports", [True, False])
def test_the_error_is_in_words(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], reports: bool
) -> None:
    monkeypatch.setattr(main, "_invoke", _fail)
    if not reports:
        monkeypatch.setattr(main, "_print_error", _fail)
    assert main.run(["list"]) == ExitStatus.COULD_NOT_READ
    printed = capfd.readouterr().err
    assert (
        "this machine has too little memory for this command (MemoryError).\nRaise the limit"
        in printed
    )
    assert "Traceback" not in printed


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return Endpoint()


class _Noted(Silent):
    """Feedback that keeps the warnings."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def warn(self, sentence: str) -> None:
        self.sentences.append(sentence)


def test_groups_that_cannot_be_deleted_are_named(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_groups.ProbeSession, "_put", _fail)
    monkeypatch.setattr(probe_groups.ProbeSession, "delete_groups", _fail)
    feedback = _Noted()
    with endpoint, pytest.raises(MemoryError):
        probe(AwsClient(endpoint_url=endpoint.url), feedback=feedback)
    left = [group.name for group in endpoint.store.groups()]
    assert left
    assert all(name in feedback.sentences[0] for name in left)
