"""What ``retryctl lab`` does: from options to a function and its requests, and the answer."""

from __future__ import annotations

import contextlib
import json
import random
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from retryctl.app.lab import judge
from retryctl.app.trace import TraceResult
from retryctl.cli.params import Output, OutputOptions
from retryctl.cli.terminal import put, remark
from retryctl.cli.trace_output import show_trace
from retryctl.config import load_settings
from retryctl.core.crosscheck.verdict import CheckedRequest
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.errors import CouldNotLook, ExitStatus, UsageError
from retryctl.lab import handlers, plan, serve
from retryctl.lab.function import ISOLATIONS, REGION, Function, Isolation, LogFormat
from retryctl.lab.lab import SEEDED_START_S, Lab, json_lines, most_skipped_s
from retryctl.lab.limitations import remarks
from retryctl.lab.platform_log import Level
from retryctl.sources.saved.events import SavedLog
from retryctl.views.inert import inert

_BETWEEN_REQUESTS_S = 10.0
# All is over so long before now, and a client finds it all. No longer: three attempts begin four
# minutes ago, and a request to AWS that is signed five minutes from now is refused.
_OVER_BEFORE_S = 45.0
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SELF_EVIDENT = ("retries-exhausted",)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRunOptions:
    """What was asked of ``lab run``, as its options say it."""

    handler: str
    plan: str
    event: str
    requests: int
    retries: int
    seed: int | None
    name: str | None
    timeout_s: float
    memory_mb: int
    log_format: LogFormat
    log_level: str | None
    system_log_level: Level
    env: Sequence[str]
    python: str | None
    isolation: Isolation | None
    save: Path | None


def run(wanted: LabRunOptions, show: OutputOptions) -> ExitStatus:
    """Run the handler, and show what came of it as ``trace`` does; of many plans, the table."""
    plans = plan.read(wanted.plan, wanted.retries)
    event = _event(wanted.event)
    seed = random.getrandbits(32) if wanted.seed is None else wanted.seed
    each = (one for one in plans for _ in range(wanted.requests))
    due = [(number * _BETWEEN_REQUESTS_S, one) for number, one in enumerate(each)]
    ago_s = most_skipped_s(due, wanted.timeout_s) + _OVER_BEFORE_S
    start_s = time.time() - ago_s if wanted.seed is None else SEEDED_START_S
    alone = len(plans) > 1
    with ended_by_signals(), Lab(_function(wanted), seed=seed, start_s=start_s) as lab:
        submitted = {lab.submit(event, one, after_s=at, alone=alone): one for at, one in due}
        lab.run()
    if wanted.save is not None:
        _save(wanted.save, json_lines(lab.events))
    for said in remarks(lab):
        remark(f"retryctl: {said}", quiet=show.quiet)
    if wanted.seed is None:
        remark(f"retryctl: the same IDs and waits once more: --seed {seed}", quiet=show.quiet)
    markers = load_settings(Path.cwd()).markers
    checked, coverage = judge(lab.events, lab.function, retries=wanted.retries, markers=markers)
    if len(plans) > 1 and show.output is Output.TEXT:
        put(_table(checked, submitted))
        return ExitStatus.OK
    story = TraceResult(checked=checked, coverage=coverage, branches=markers.branches)
    return show_trace(story, show)


def serve_saved(source: str, port: int) -> NoReturn:
    """Serve a saved log, and print the line that points a client at it, until interrupted."""
    events = [_placed(event) for event in SavedLog(source).read(LogQuery())]
    with ended_by_signals(), serve.serving(events, port) as url:
        put(
            # The SDKs name the endpoint after the service's ID, and look for a region in either.
            # Lambda is asked for a function's settings: not AWS's, which would refuse these keys.
            f"export AWS_ENDPOINT_URL_LOGS={url} AWS_ENDPOINT_URL_CLOUDWATCH_LOGS={url} "
            f"AWS_ENDPOINT_URL_LAMBDA={url} AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION} "
            "AWS_ACCESS_KEY_ID=lab AWS_SECRET_ACCESS_KEY=lab\n"
        )
        remark(f"retryctl: {len(events)} events served at {url}; interrupt to end.")
        while True:  # in short steps: a signal just before a sleep does not cut it short
            time.sleep(0.2)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the program, so that the lab leaves nothing behind."""

    def end(number: int, frame: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --------------------------------------------------------------------------- what was asked


def _function(wanted: LabRunOptions) -> Function:
    task, handler = handlers.locate(wanted.handler, Path.cwd())
    if wanted.log_level is not None and wanted.log_format == "text":
        raise UsageError(
            "a log level holds for the JSON format only, as on Lambda", "Add --log-format json."
        )
    name = wanted.name or re.sub(r"[^A-Za-z0-9_-]", "-", handler.rpartition(".")[0])[:64]
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a function", "Use letters, digits, - and _, at most 64."
        )
    return Function(
        handler=handler,
        task=task,
        name=name,
        timeout_s=wanted.timeout_s,
        memory_mb=wanted.memory_mb,
        log_format=wanted.log_format,
        application_level=wanted.log_level,
        system_level=wanted.system_log_level,
        environment=dict(_variable(text) for text in wanted.env),
        python=wanted.python or sys.executable,
        isolation=ISOLATIONS if wanted.isolation is None else (wanted.isolation,),
    )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"{text!r} is no environment variable", "Write --env NAME=VALUE.")
    return name, value


def _event(text: str) -> Any:
    """Read the event from JSON, or from the file of that name."""
    with contextlib.suppress(ValueError):
        return json.loads(text)
    try:
        return json.loads(Path(text).read_bytes())
    except OSError as error:
        raise UsageError(
            f"the event {text!r} is neither JSON nor a file that can be read ({error.strerror})"
        ) from error
    except ValueError as error:
        raise UsageError(f"the event in {text} is not JSON: {error}") from error


# --------------------------------------------------------------------------- what came of it


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CouldNotLook(f"the log cannot be saved to {path}: {error.strerror}") from error


def _table(checked: Sequence[CheckedRequest], submitted: dict[str, plan.Plan]) -> str:
    """Return a line for each request: its plan, what each attempt counted and ran, the verdict."""
    rows = [["plan", *_numbers(checked), "verdict"]]
    for one in checked:
        cells = [_cell(attempt) for attempt in one.request.attempts]
        cells += [""] * (len(rows[0]) - 2 - len(cells))
        rows.append([submitted[one.request.request_id].text, *cells, _verdict(one)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
    return "".join(inert(line) + "\n" for line in lines)


def _numbers(checked: Sequence[CheckedRequest]) -> list[str]:
    most = max(len(one.request.attempts) for one in checked)
    return [f"attempt {number}" for number in range(1, most + 1)]


def _cell(attempt: Attempt) -> str:
    claim = attempt.claim
    said = [str(part) for part in (claim.counter, claim.branch) if part is not None]
    return " ".join(said) or attempt.outcome.value


def _verdict(one: CheckedRequest) -> str:
    rules = dict.fromkeys(f.rule for f in one.findings if f.rule not in _SELF_EVIDENT)
    return f"{one.verdict.value}: {', '.join(rules)}" if rules else one.verdict.value


def _placed(event: LogEvent) -> LogEvent:
    """Return the event with a group and a stream, which a saved log may not name."""
    return replace(
        event,
        log_group=event.log_group or "/aws/lambda/saved",
        log_stream=event.log_stream or "saved",
    )
