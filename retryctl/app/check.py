"""From the words of ``check`` to its result, its reports and its exit status.

Whatever can be wrong with the words, the settings, the baseline or the files to be written is
told before anything is looked at.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from retryctl import __version__
from retryctl.app.trace import settings_for
from retryctl.app.window import Window, requests_judged
from retryctl.cli import telling
from retryctl.cli.check_options import CheckOptions, Expected, read_expected
from retryctl.cli.params import OutputOptions, SourceOptions
from retryctl.cli.report_files import (
    ReportFile,
    annotate,
    known_form,
    read_known,
    report_files,
    update_known,
    write,
)
from retryctl.cli.terminal import put, remark, stdout_screen
from retryctl.cli.times import read_window, zone
from retryctl.config import ProjectConfig
from retryctl.core.check.baseline import Identity
from retryctl.core.check.evaluate import CheckEvaluator, CheckOutcome
from retryctl.core.crosscheck.verdict import CheckedRequest
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import request_id_in
from retryctl.errors import ExitStatus, NothingFound, UsageError
from retryctl.views.ci.report import ELSEWHERE, REPORTS, CheckReport, report

_LOOK_AGAIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """A check, as far as it is settled before anything is looked at."""

    request_ids: tuple[str, ...]
    look: SourceOptions
    settings: ProjectConfig
    window: Window
    expected: Expected
    files: tuple[ReportFile, ...]
    known: frozenset[Identity]
    update: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReading:
    """What one look gave. ``not_found`` has a sentence for each ID of which nothing was seen.

    ``judges`` gives of the other requests, where there are more than are held, judges of the
    kind of a given one that have judged them. ``told`` gives the coverage once they have.
    """

    checked: Iterable[CheckedRequest] = ()
    judges: Callable[[CheckEvaluator], Iterable[CheckEvaluator]] = lambda _: ()
    told: Callable[[], Coverage]
    not_found: Mapping[str, str] = field(default_factory=dict)


def check(
    arguments: Sequence[str],
    look: SourceOptions,
    show: OutputOptions,
    asked: CheckOptions,
    *,
    form: str,
    update: bool,
) -> ExitStatus:
    """Check what ``arguments`` name: request IDs, or a function."""
    now_ms = telling.now_ms()
    plan = make_plan(arguments, look, show, asked, update=update, now_ms=now_ms)
    known_form(form, REPORTS, ELSEWHERE)
    judgement, reading = judge_when_settled(
        plan,
        lambda quiet: _read(plan, replace(show, quiet=show.quiet or quiet)),
        deadline_ms=now_ms + plan.expected.wait_ms,
        clock=telling.now_ms,
        sleep=time.sleep,
        say=lambda text: remark(text, quiet=show.quiet),
    )
    told = CheckReport(
        judgement=judgement,
        coverage=reading.told(),
        version=__version__,
        tz=zone(show.tz),
        reports=tuple(str(file.path) for file in plan.files),
    )
    _tell(told, plan, form, show)
    for why in reading.not_found.values():
        remark(f"retryctl: {why}")
    if told.status is ExitStatus.NOTHING_FOUND:
        raise _nothing_found(told, reading, plan.window)
    return told.status


def make_plan(
    arguments: Sequence[str],
    look: SourceOptions,
    show: OutputOptions,
    asked: CheckOptions,
    *,
    update: bool,
    now_ms: int,
) -> CheckPlan:
    """What was asked, understood. Raises ``UsageError``; looks at nothing but local files."""
    request_ids, look = _targets(arguments, look)
    settings = settings_for(look)
    since_ms, until_ms = read_window(look.since, look.until, now_ms=now_ms, tz=zone(show.tz))
    expected = read_expected(asked, settings, request_ids)
    if expected.wait_ms and look.source in ("-", "demo"):
        raise UsageError(
            f"--wait has nothing to wait for with --from {look.source}: it does not change.",
            "Leave --wait out.",
        )
    return CheckPlan(
        request_ids=request_ids,
        look=look,
        settings=settings,
        window=Window(since_ms=since_ms, until_ms=until_ms),
        expected=expected,
        files=report_files(
            expected.reports,
            REPORTS,
            ELSEWHERE,
            source=look.source,
            baseline=expected.baseline,
        ),
        known=read_known(expected.baseline, update=update),
        update=update,
    )


def _targets(
    arguments: Sequence[str], look: SourceOptions
) -> tuple[tuple[str, ...], SourceOptions]:
    """What has an ID's shape is one, in any case; anything else names the function."""
    ids: dict[str, None] = {}
    for argument in arguments:
        if request_id := request_id_in(argument):
            ids[request_id] = None
        elif look.function in (None, argument):
            look = replace(look, function=argument)
        else:
            raise UsageError(
                f"both {look.function} and {argument} are named as the function.",
                "Name one function; a request ID has 36 characters.",
            )
    return tuple(ids), look


def _read(plan: CheckPlan, show: OutputOptions) -> CheckReading:
    now_ms = telling.now_ms()
    if plan.request_ids:
        story = telling.read_story(plan.request_ids, plan.look, show, now_ms=now_ms)
        return CheckReading(
            checked=story.checked, told=lambda: story.coverage, not_found=story.not_found
        )
    whole, judges = requests_judged(
        plan.look, plan.settings, plan.window, now_ms=now_ms, quiet=show.quiet
    )
    for sentence in whole.remarks:
        remark(f"retryctl: {sentence}", quiet=show.quiet)
    return CheckReading(judges=judges, told=lambda: whole.coverage)


def judge_when_settled(
    plan: CheckPlan,
    read: Callable[[bool], CheckReading],
    *,
    deadline_ms: int,
    clock: Callable[[], int],
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> tuple[CheckOutcome, CheckReading]:
    """Look, and look again until nothing more is awaited or ``deadline_ms`` is over.

    ``read`` is told whether it has looked before. Without request IDs those requests are
    awaited that were there when the least number expected was: newer ones are not waited for,
    or a busy function would never be done.
    """
    expectations, again = plan.expected.expectations, False
    while True:
        reading = read(again)
        judge = CheckEvaluator(expectations, plan.known, learns=plan.update)
        for checked in reading.checked:
            judge.add(checked)
        for other in reading.judges(judge):
            judge.merge(other)
        judgement = judge.judgement(tuple(reading.not_found))
        left_ms = deadline_ms - clock()
        if left_ms <= 0 or not (judgement.awaits or judgement.empty):
            return judgement, reading
        short = any(check.passed is False and check.awaits for check in judgement.checks)
        if expectations.awaited is None and judgement.requests and not short:
            expectations = replace(expectations, awaited=judgement.request_ids)
        if not again:
            say(f"retryctl: waiting: {'; '.join(judgement.awaits[:3]) or 'no request yet'}")
        again = True
        sleep(min(_LOOK_AGAIN_S, left_ms / 1000))


# --------------------------------------------------------------------------- telling it


def _tell(told: CheckReport, plan: CheckPlan, form: str, show: OutputOptions) -> None:
    """Write the reports and the baseline, print the answer, and annotate where GitHub runs it."""
    for file in plan.files:
        write(file.path, report(file.form, told))
    if plan.update and plan.expected.baseline:
        found = {judged.identity for judged in told.judgement.findings if judged.known}
        update_known(plan.expected.baseline, plan.known | found)
    if form != "text":
        put(report(form, told), document=True)
    elif told.status is not ExitStatus.NOTHING_FOUND:
        put(_text(told, show))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        annotate("" if form == "github" else report("github", told), report("markdown", told))


def _text(told: CheckReport, show: OutputOptions) -> str:
    from retryctl.views.text import check as check_text

    screen = stdout_screen(show.color)
    return check_text.report(
        told, width=screen.width, colour=screen.colour, ascii_only=screen.ascii_only
    )


def _nothing_found(told: CheckReport, reading: CheckReading, window: Window) -> NothingFound:
    looked = telling.where_looked(told.coverage, told.tz)
    if reading.not_found:
        return NothingFound(
            "none of these requests was found.",
            f"{looked}\n--wait 5m waits for logs that are late.",
        )
    bounded = told.coverage.source == "cloudwatch" or not window.is_open
    first = "Widen the window with --since." if bounded else "Is it the right file?"
    return NothingFound(
        "there is no request to check.",
        f"{looked}\n{first} --allow-empty lets a check of nothing pass.",
    )
