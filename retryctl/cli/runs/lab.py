"""What ``retryctl lab`` does: from options to a function and its requests, then to the answer."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from retryctl.app import lab as lab_app
from retryctl.app.lab_setup import LabSetup, open_setup
from retryctl.app.trace import TraceResult
from retryctl.cli.options.params import Output, OutputOptions
from retryctl.cli.output.report_files import ReportFile, trace_reports
from retryctl.cli.output.terminal import put, remark, stdout_screen
from retryctl.cli.output.trace_output import show_trace, verdict_status, write_trace_reports
from retryctl.config import load_settings
from retryctl.core.check.expectations import CheckTally, Expectations, of_request
from retryctl.core.crosscheck.checked_request import cross_checked
from retryctl.core.model.attempt import AttemptOutcome
from retryctl.core.model.events import LogEvent
from retryctl.core.model.group_names import group_name
from retryctl.core.timestamps import iso_text
from retryctl.core.wording import number_of
from retryctl.errors import CouldNotRead, ExitStatus, UsageError
from retryctl.lab import local_aws, plan
from retryctl.lab.failure_records import dead_letter, destination_record
from retryctl.lab.function import REGION, Function
from retryctl.lab.function_options import require_posix
from retryctl.lab.lab import LabEvent, json_lines
from retryctl.lab.sample_events import sample_events
from retryctl.views.inert_text import inert
from retryctl.views.text.layout import text_of
from retryctl.views.text.plan_table import plan_blocks

if TYPE_CHECKING:
    from retryctl.cli.lab import LabArguments, LabShowOptions

_MOST_GROUPS = 3


def run_handler(given: LabArguments) -> ExitStatus:
    """Run the handler, and show the result as ``trace`` does; of many plans, a table."""
    require_posix()
    request, show, quiet = given.request, given.show, given.screen.quiet
    files = trace_reports(given.report)
    event = read_event(request.event)
    with open_setup({"handler": given.handler, **asdict(given.function)}, Path()) as setup:
        for sentence in setup.remarks:
            remark(f"retryctl: {sentence}", quiet=quiet)
        retries = setup.retries_of(request.source, request.retries)
        order = lab_app.LabOrder(
            plans=plan.read(request.plan, retries),
            event=event,
            requests=request.requests,
            retries=retries,
            source=request.source,
            seed=request.seed,
            markers=load_settings(Path.cwd()).markers,
            between=_between(request.between, setup.variables),
            on_event=_on_event(setup, show.follow),
        )
        run_of = lab_app.run_lab(setup.function, order)
    if show.save is not None:
        _write(show.save, json_lines(run_of.events))
    for warning in run_of.warnings:
        remark(f"retryctl: {warning}", quiet=quiet)
    if request.seed is None:
        remark(f"retryctl: repeat this run with --seed {run_of.seed}", quiet=quiet)
    unretried = _unretried(run_of) if request.plan and retries else ""
    screen = OutputOptions(
        output=given.output, lines=show.lines, exit_code=show.exit_code, **asdict(given.screen)
    )
    status = _show(run_of, screen, files, unretried)
    _write_records(run_of, setup.function, event, show)
    unexpected = _unexpected_branches(run_of, show.expect_branches)
    return max(status, unexpected, key=(ExitStatus.OK, ExitStatus.UNDETERMINED, 1).index)


def _show(
    run_of: lab_app.LabRun, show: OutputOptions, files: Sequence[ReportFile], unretried: str
) -> ExitStatus:
    """Print the result, and return the status of ``--exit-code``.

    ``unretried`` explains that no retry of the plan ran; empty where one did.
    """
    several = len(set(run_of.plans.values())) > 1
    advises = several or show.output in (Output.JSON, Output.JSONL)
    unmatched = _unmatched(run_of, advises=advises) or unretried
    responses = {i: [attempt.body for attempt in of_one] for i, of_one in run_of.attempts.items()}
    result = TraceResult(
        checked=run_of.checked,
        coverage=run_of.coverage,
        branches=run_of.branches,
        responses=responses,
        unmatched=unmatched,
    )
    if not (several and show.output is Output.TEXT and run_of.checked):
        return show_trace(result, show, files)
    write_trace_reports(result, show, files)
    plans = {request_id: plan.text for request_id, plan in run_of.plans.items()}
    blocks = plan_blocks(run_of.checked, plans, responses if show.lines else {})
    put(text_of(blocks, stdout_screen(show.color)))
    if unmatched:
        # -q keeps the reason of an exit status
        remark(f"retryctl: {unmatched}.", quiet=show.quiet and not show.exit_code)
    return verdict_status(run_of.checked, unmatched) if show.exit_code else ExitStatus.OK


def _unretried(run_of: lab_app.LabRun) -> str:
    """Explain that the handler failed in no request, so that none was retried; else ``""``."""
    of_requests = [one.request.attempts for one in run_of.checked]
    if any(len(each) > 1 or each[0].outcome is not AttemptOutcome.OK for each in of_requests):
        return ""
    return (
        "no attempt failed, so nothing was retried and the plan was not tested. Give an event on "
        "which the handler fails (--event), or a fault (--plan first+kill,same)"
    )


def _unmatched(run_of: lab_app.LabRun, *, advises: bool) -> str:
    """Explain that attempts failed and none logged a counter or a branch; ``""`` otherwise.

    ``advises``: with the next step, which the text of a request has already.
    """
    failed = sum(a.outcome.failed for one in run_of.checked for a in one.request.attempts)
    if not failed or cross_checked(run_of.checked):
        return ""
    what = (
        f"nothing was cross-checked: {number_of(failed, 'attempt')} failed, and none logged a "
        "counter or a branch"
    )
    step = "Set [markers] in retryctl.toml where the function words them differently"
    return f"{what}. {step}" if advises else what


def _unexpected_branches(run_of: lab_app.LabRun, wanted: str | None) -> ExitStatus:
    """Compare the branches of each request with ``--expect-branches``."""
    if wanted is None:
        return ExitStatus.OK
    branches = tuple(word.strip() for word in wanted.split(","))
    if unknown := [name for name in branches if name not in run_of.branches.numbers]:
        raise UsageError(
            f"--expect-branches: {unknown[0]!r} is not a branch.",
            f"Known: {', '.join(run_of.branches.numbers)}.",
        )
    expected = Expectations(
        fail_on=frozenset(),
        branches=branches,
        given=frozenset(one.request.request_id for one in run_of.checked),
    )
    results = [r for one in run_of.checked for r in of_request(one, expected, CheckTally())]
    several = len(set(run_of.plans.values())) > 1
    for result in results:
        if not result.passed:
            plan = run_of.plans.get(result.request_id or "")
            name = plan.text if several and plan else result.request_id
            remark(f"retryctl: --expect-branches: {name} {result.message}")
    passed = {result.passed for result in results}
    if False in passed:
        return ExitStatus.CHECK_FAILED
    return ExitStatus.UNDETERMINED if None in passed else ExitStatus.OK


def serve_saved(source: str, port: int) -> NoReturn:
    """Serve a saved log, and print the line that points a client at it, until interrupted."""
    from retryctl.sources.saved.log_file import saved_events

    events = list(map(_placed, saved_events(source), count()))
    with local_aws.local_aws(port) as aws:
        for event in events:
            aws.add(event)
        url = aws.url
        put(
            # The SDKs name the endpoint after the service's ID, and need a region in either.
            # Settings of the function come from the same server: AWS would refuse these keys.
            f"export AWS_ENDPOINT_URL_LOGS={url} AWS_ENDPOINT_URL_CLOUDWATCH_LOGS={url} "
            f"AWS_ENDPOINT_URL_LAMBDA={url} AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION} "
            "AWS_ACCESS_KEY_ID=lab AWS_SECRET_ACCESS_KEY=lab\n"
        )
        remark(f"retryctl: {len(events)} events served at {url}; press Ctrl-C to stop.")
        for event in _first_of_groups(events)[:_MOST_GROUPS]:
            since = iso_text(event.timestamp_ms)
            remark(f"  retryctl list -g {shlex.quote(str(event.log_group))} --since {since}")
        while True:  # in short steps: a signal just before a sleep does not end the sleep
            time.sleep(0.2)


def _first_of_groups(events: Iterable[LogEvent]) -> list[LogEvent]:
    """Return the first event of each log group."""
    newest_first = sorted(events, key=lambda event: event.timestamp_ms, reverse=True)
    return list({event.log_group: event for event in newest_first}.values())


# --------------------------------------------------------------------------- the options


def read_event(text: str) -> Any:
    """Read the event: JSON, a sample's name, ``-`` for stdin, or a file.

    :raises UsageError: it is none of these, or not JSON.
    """
    samples = sample_events()
    if text in samples:
        return samples[text]
    with contextlib.suppress(ValueError):
        return json.loads(text)
    where = "stdin" if text == "-" else text
    try:
        return json.loads(sys.stdin.buffer.read() if text == "-" else Path(text).read_bytes())
    except OSError as error:
        raise UsageError(
            f"the event {text!r} is neither JSON nor a file that can be read ({error.strerror})",
            f"Samples: {', '.join(samples)}.",
        ) from error
    except ValueError as error:
        raise UsageError(
            f"the event in {where} is not JSON: {error}",
            "Correct it, or name a sample: " + ", ".join(samples) + ".",
        ) from error


def _between(command: str | None, variables: Mapping[str, str]) -> Callable[[int], None] | None:
    if command is None:
        return None

    def run_command(attempt: int) -> None:
        env = {**os.environ, **variables, "RETRYCTL_ATTEMPT": str(attempt)}
        done = subprocess.run(command, shell=True, env=env, stdout=sys.stderr, check=False)
        if done.returncode:
            raise CouldNotRead(
                f"the command of --between ended with status {done.returncode} before attempt "
                f"{attempt}: {command}"
            )

    return run_command


def _on_event(setup: LabSetup, follow: bool) -> Callable[[LabEvent], None]:
    def on_event(logged: LabEvent) -> None:
        setup.on_event(logged)
        if follow:
            for line in logged.event.message.splitlines():
                print(inert(line), file=sys.stderr, flush=True)

    return on_event


# --------------------------------------------------------------------------- the files


def _write(path: Path | str, text: str) -> None:
    if str(path) == "-":
        put(text)
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CouldNotRead(f"{path} cannot be written: {error.strerror}") from error


def _write_records(
    run_of: lab_app.LabRun, function: Function, event: Any, show: LabShowOptions
) -> None:
    """Write the failure records that Lambda would send, one JSON document a line."""
    records, letters = [], []
    for checked in run_of.checked:
        attempts = run_of.attempts[checked.request.request_id]
        ended_ms = checked.request.attempts[-1].ended_ms or run_of.coverage.horizon_ms or 0
        records.append(destination_record(function, event, attempts, ended_ms))
        letters.append(dead_letter(event, attempts))
    for path, documents in ((show.destination, records), (show.dead_letter, letters)):
        if path is not None:
            _write(path, "".join(json.dumps(one) + "\n" for one in documents if one is not None))


def _placed(event: LogEvent, position: int) -> LogEvent:
    """Return the event with a log group and a log stream, also if the saved log names none."""
    return replace(
        event,
        log_group=group_name(event.log_group or "/aws/lambda/saved"),
        log_stream=event.log_stream or "saved",
        position=position,
    )
