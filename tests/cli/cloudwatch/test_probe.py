"""``retryctl probe`` on the strict endpoint, moto and LocalStack: what each does otherwise."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retryctl.app.probe import assumptions as assumed
from retryctl.app.probe import probe as probe_app
from retryctl.app.probe.probe import probe
from retryctl.app.probe.probe_groups import PREFIX
from retryctl.cli.output.progress import progress_lines
from retryctl.core.probe_report import ProbeReport
from retryctl.sources.aws.client import AwsClient
from retryctl.views.json.documents import probe_document
from retryctl.views.screen import Screen
from retryctl.views.text.check import probe_blocks
from retryctl.views.text.layout import text_of
from tests.endpoint.server import Endpoint
from tests.support.aws_program import CREDENTIALS, GROUP, put_both
from tests.support.conversation import Person, converse
from tests.support.program import PROGRAM, environment, run


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with Endpoint() as running:
        running.insights.fresh_ms = 0
        yield running


def impatient(url: str) -> AwsClient:
    return AwsClient(endpoint_url=url, sleep=lambda seconds: None)


def run_probe(url: str, *, step: float = 5.0, **options: Any) -> ProbeReport:
    clock = itertools.count(step=step)  # as if each look took so long
    return probe(impatient(url), seconds=lambda: next(clock), sleep=lambda seconds: None, **options)


def results(report: ProbeReport) -> dict[bool | None, set[str]]:
    return {
        passed: {one.name for one in report.diagnoses if one.passed is passed}
        for passed in (True, False, None)
    }


def names_in(endpoint: Endpoint) -> list[str]:
    return [group.name for group in endpoint.store.groups()]


def test_the_strict_endpoint_meets_every_assumption(endpoint: Endpoint) -> None:
    put_both(endpoint, ago=60_000)
    report = run_probe(endpoint.url, function="orders-worker")
    found = results(report)
    assert found[False] | found[None] == set(), report.diagnoses
    assert len(found[True]) == len(assumed.ASSUMPTIONS) + 2
    assert report.passed is True
    assert 0 < report.usd < 0.01
    assert names_in(endpoint) == [GROUP]


def test_what_is_denied_is_not_tested(endpoint: Endpoint) -> None:
    endpoint.faults.denied = {"logs:StartQuery"}
    report = run_probe(
        endpoint.url,
        quota=False,
        assumptions=[
            assumed.filter_keeps_order,
            assumed.insights_gives_10000_rows,
        ],
    )
    assert report.passed is None
    assert results(report)[None] == {"insights-gives-10000-rows"}
    assert "1 of 2 assumptions are right, 0 wrong, 1 not tested." in text_of(probe_blocks(report))
    text = probe_document(report)
    assert "AccessDenied" in text  # which names the caller and the group, by ARN
    assert not re.search(r"\b\d{12}\b|arn:aws", text)


def test_a_service_that_differs_is_found_out(endpoint: Endpoint) -> None:
    endpoint.insights.fresh_ms = 10**9  # Insights finds nothing in time
    report = run_probe(
        endpoint.url,
        quota=False,
        assumptions=[
            assumed.insights_sees_new_events,
            assumed.insights_gives_all_of_a_millisecond,
        ],
    )
    assert report.passed is False
    assert "insights-sees-new-events" in results(report)[False]
    assert "insights-gives-all-of-a-millisecond" in results(report)[False]


def test_groups_that_cannot_be_deleted_are_named(endpoint: Endpoint) -> None:
    endpoint.faults.denied = {"logs:DeleteLogGroup"}
    report = run_probe(endpoint.url, quota=False, assumptions=[])
    assert len(report.kept_groups) == 2
    assert all(name.startswith(PREFIX) for name in report.kept_groups)
    assert report.kept_groups[0] in text_of(probe_blocks(report), Screen(width=200))
    endpoint.faults.denied = set()
    again = run_probe(endpoint.url, quota=False, assumptions=[])
    assert set(again.kept_groups) == set(report.kept_groups)


# Each makes moto's server write 12,000 rows, which takes it seconds.
_SLOW_ON_MOTO = {
    assumed.insights_reads_own_expression,
    assumed.insights_anchors_the_message,
    assumed.insights_names_its_bins,
    assumed.insights_gives_10000_groups,
    assumed.insights_gives_10000_rows,
}


_MOTO_DIFFERS = {
    *("filter-reads-own-expression", "filter-anchors-the-message"),
    *("filter-takes-end-anchor", "filter-takes-alternatives"),
    *("filter-refuses-infrequent-access", "groups-are-described", "get-excludes-its-end"),
    *("insights-sees-new-events", "insights-reads-infrequent-access"),
    *("insights-gives-all-of-a-millisecond", "insights-includes-both-seconds"),
    "insights-refuses-before-creation",
}
_SLOW_ON_MOTO_DIFFERS = {
    *("insights-reads-own-expression", "insights-anchors-the-message"),
    *("insights-names-its-bins", "insights-gives-10000-rows"),
}


@pytest.mark.usefixtures("credentials")
def test_moto_differs_in_these(moto_url: str) -> None:
    quick = [each for each in assumed.ASSUMPTIONS if each not in _SLOW_ON_MOTO]
    found = results(run_probe(moto_url, quota=False, step=100.0, assumptions=quick))
    assert found[None] == set()
    assert found[False] == _MOTO_DIFFERS


_LOCALSTACK = "RETRYCTL_LOCALSTACK"


@pytest.mark.outside
@pytest.mark.skipif(
    _LOCALSTACK not in os.environ, reason=f"{_LOCALSTACK} does not name a running LocalStack"
)
@pytest.mark.usefixtures("credentials")
def test_localstack_differs_in_these() -> None:
    """Its logs service is built on moto."""
    url = os.environ[_LOCALSTACK]
    found = results(run_probe(url, quota=False, step=100.0))
    assert found[None] == set()
    assert found[False] == _MOTO_DIFFERS | _SLOW_ON_MOTO_DIFFERS
    assert len(found[True]) == len(assumed.ASSUMPTIONS) - 16
    left = AwsClient(endpoint_url=url).call("logs", "DescribeLogGroups", {})["logGroups"]
    assert not [each for each in left if each["logGroupName"].startswith(PREFIX)]


def test_nothing_is_made_without_yes(endpoint: Endpoint) -> None:
    done = run("probe", "--endpoint-url", endpoint.url, env=CREDENTIALS)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert not endpoint.calls


def test_a_pipe_gets_lines_of_progress(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retryctl.cli.output.progress._LINE_EVERY_S", 0.01)
    where = ("--yes", "--skip-quota", "--endpoint-url", endpoint.url)
    printed = run("probe", *where, env=CREDENTIALS).stderr.splitlines()
    assert any(re.fullmatch(r"retryctl: \d+ s: \d+ of 30: .+\.", line) for line in printed)


def test_groups_that_were_never_made_are_not_named(endpoint: Endpoint) -> None:
    endpoint.faults.denied = {"logs:DeleteLogGroup"}
    endpoint.faults.script["CreateLogGroup"].append("denied")
    done = run("probe", "--yes", "--endpoint-url", endpoint.url, env=CREDENTIALS)
    assert done.returncode == 3
    assert "not allowed to change /retryctl/probe/" in done.stderr
    assert "Not deleted" not in done.stderr


def test_a_creation_whose_answer_is_lost_is_no_failure(endpoint: Endpoint) -> None:
    endpoint.faults.script["CreateLogGroup"].append("cut")
    run_probe(endpoint.url, quota=False, assumptions=[])
    assert names_in(endpoint) == []


def stopped(
    endpoint: Endpoint,
    number: signal.Signals,
    *options: str,
    at: str = "GetLogEvents",
    groups: int = 2,
) -> str:
    """What a probe prints that is stopped at a call, when its groups are there."""

    def act(person: Person) -> None:
        person.wait_until(lambda: endpoint.calls[at] > 0)
        assert len(names_in(endpoint)) == groups
        person.send(number)

    arguments = ("probe", "--yes", "--endpoint-url", endpoint.url, *options)
    done = converse(act, *arguments, env=CREDENTIALS)
    assert done.returncode == 128 + number
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_an_interrupt_removes_the_groups(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_app, "_AFTER_SIGNAL_S", 60)  # a busy machine may take long
    stopped(endpoint, signal.SIGINT)
    assert endpoint.calls["DeleteLogGroup"] == 2
    assert names_in(endpoint) == []


def test_the_process_removes_or_names_its_groups(endpoint: Endpoint) -> None:
    """In a process of its own, which waits as for its user: on a busy machine not long enough."""
    command = [*PROGRAM, "probe", "--yes", "--endpoint-url", endpoint.url]
    with subprocess.Popen(command, env=environment(CREDENTIALS), stderr=subprocess.PIPE) as running:
        while endpoint.calls["GetLogEvents"] == 0:
            assert running.poll() is None
            time.sleep(0.01)
        assert len(names_in(endpoint)) == 2
        running.send_signal(signal.SIGTERM)
        printed = " ".join(running.communicate(timeout=20)[1].decode().split())
    assert running.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in printed
    assert endpoint.calls["DeleteLogGroup"] == 2 or "Not deleted" in printed
    for operation in ("CreateLogGroup", "DeleteLogGroup"):
        while endpoint.calls[operation] > endpoint.answers[operation]:
            time.sleep(0.01)
    assert all(name in printed for name in names_in(endpoint))


def test_groups_whose_deletion_hangs_after_a_signal_are_named(endpoint: Endpoint) -> None:
    endpoint.faults.script["DeleteLogGroup"].extend(["hang", "hang"])
    printed = stopped(endpoint, signal.SIGINT)
    infrequent, standard = names_in(endpoint)
    assert f"Not deleted: {standard}, {infrequent}." in printed
    for name in (standard, infrequent):
        command = f"aws logs delete-log-group --region us-east-1 --log-group-name {name}"
        assert command in printed


def test_a_report_after_a_signal_has_what_was_tested(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.faults.script["DeleteLogGroup"].extend(["hang", "hang"])
    endpoint.faults.script["StartQuery"].append("hang")
    path = tmp_path / "report.json"
    printed = stopped(endpoint, signal.SIGINT, "-q", "--report", str(path), at="StartQuery")
    report = json.loads(path.read_text())
    assert sorted(report["kept_groups"]) == names_in(endpoint)
    assert "Not deleted" in printed
    assert report["passed"] is None
    found = {one["name"]: one for one in report["assumptions"]}
    assert found["filter-sees-new-events"]["passed"] is True
    assert found["insights-gives-10000-rows"]["passed"] is None
    assert found["insights-gives-10000-rows"]["evidence"].endswith("the probe was stopped.")
    assert list(tmp_path.iterdir()) == [path]


def test_a_group_that_appears_after_a_signal_is_deleted(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_app, "_AFTER_SIGNAL_S", 60)  # a busy machine may take long
    endpoint.faults.slow_s = 0.3
    endpoint.faults.script["CreateLogGroup"].append("slow")
    stopped(endpoint, signal.SIGINT, at="CreateLogGroup", groups=0)
    assert endpoint.calls["DeleteLogGroup"] >= 1
    assert names_in(endpoint) == []


def test_a_group_whose_creation_hangs_is_named(endpoint: Endpoint) -> None:
    endpoint.faults.script["CreateLogGroup"].append("hang")
    printed = stopped(endpoint, signal.SIGINT, at="CreateLogGroup", groups=0)
    assert re.search(r"Not deleted: /retryctl/probe/\w+/standard\.", printed)


@pytest.mark.parametrize("quiet", [True, False])
def test_quiet_prints_no_line_of_progress(
    quiet: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("retryctl.cli.output.progress._LINE_EVERY_S", 0.001)
    printed = threading.Event()

    def line(seconds: float) -> str:
        printed.set()
        return "a line"

    with progress_lines(quiet=quiet) as show:
        show(line)
        assert printed.wait(0.05 if quiet else 20) is not quiet
    assert ("a line" in capsys.readouterr().err) is not quiet
