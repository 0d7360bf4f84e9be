"""The result of a check, before it is written in one of the formats that CI systems read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from operator import attrgetter
from typing import Literal

from retryctl.core.check.check_evaluator import REQUEST, CheckOutcome
from retryctl.core.check.expectations import COVERAGE, CROSS_CHECK, CheckResult
from retryctl.core.check.request_results import Checks, FindingEffect, JudgedFinding
from retryctl.core.doctor.result import DoctorReport
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import LogEvent, is_timed
from retryctl.core.timestamps import iso_text
from retryctl.core.value_classes import value_class
from retryctl.core.wording import as_sentences, in_a_row, number_of
from retryctl.errors import ExitStatus
from retryctl.views.coverage import coverage_sentence
from retryctl.views.inert_text import cut, lines_of
from retryctl.views.next_steps import list_command, place_options, until_option
from retryctl.views.sentences import SET_MARKERS, may_lack_lines
from retryctl.views.times import stamp

_MOST_EVIDENCE, _MOST_OF_A_LINE, _MOST_IDS = 6, 160, 10
_LISTS = {
    "expect-branches": "--retried",
    "expect-outcome": "--failed",
    "max-exhausted": "--outcome exhausted",
    "max-wrong-branch": "--verdict disagrees",
    "min-accuracy": "--verdict disagrees",
    "min-requests": "",
    "min-retried": "--retried",
}
"""Options of ``list`` that show the requests an expectation is about."""


@value_class
class CheckReport:
    """The result of a check, and what was read.

    ``version`` is retryctl's own, ``tz`` the time zone of times in text, ``reports`` the files
    that are written beside the output. ``command`` is ``check``, or ``doctor``, which reads no
    request.
    """

    judgement: CheckOutcome
    coverage: Coverage
    version: str
    tz: tzinfo = UTC
    reports: tuple[str, ...] = ()
    command: Literal["check", "doctor"] = "check"

    @property
    def status(self) -> ExitStatus:
        """The exit status: a failure outranks what is undetermined."""
        passed = self.judgement.passed
        if passed is not False and self.judgement.empty:
            return ExitStatus.NOTHING_FOUND
        return ExitStatus.of(passed)

    @property
    def subject(self) -> str:
        """The function, or the number of functions."""
        names = self.judgement.functions
        return f"{len(names):,} functions" if len(names) > 1 else "".join(names)

    @property
    def coverage_sentence(self) -> str:
        """What was read, and whether anything is missing from it."""
        return coverage_sentence(self.coverage, self.tz)

    @property
    def place(self) -> str:
        """A path that stays the same from run to run, for tools that need a file."""
        return (self.coverage.log_groups or (self.subject or "log",))[0].lstrip("/")

    @property
    def failed_checks(self) -> list[tuple[CheckResult, tuple[Problem, ...]]]:
        """Return the checks that did not pass with their problems, failures before undetermined."""
        failed: dict[tuple[str, str | None], list[JudgedFinding]] = defaultdict(list)
        for judged in self.judgement.findings:
            if judged.failed:
                failed[judged.request_id, judged.function].append(judged)
        found = [
            (
                check,
                tuple(_problems(check, failed.get((check.request_id or "", check.function), []))),
            )
            for check in self.judgement.checks.unpassed
        ]
        return sorted(found, key=lambda item: item[0].passed is None)

    @property
    def alike_checks(self) -> list[tuple[list[CheckResult], tuple[Problem, ...]]]:
        """Return the checks that did not pass; requests that one gap makes undetermined together.

        The text of a gap is left to the part of the report that names the gaps.
        """
        gaps = [gap.message for gap in self.coverage.gaps]
        groups: dict[object, tuple[list[CheckResult], tuple[Problem, ...]]] = {}
        for check, some in self.failed_checks:
            message = check.message
            if message in (*gaps, as_sentences(gaps)) or check.name == COVERAGE:
                message = "part of the log is missing, see the end"
                some = tuple(replace(problem, message=message) for problem in some)
            undetermined = check.passed is None and check.request_id is not None
            key = message if undetermined else id(check)
            groups.setdefault(key, ([], some))[0].append(check)
        return list(groups.values())

    @property
    def problems(self) -> list[Problem]:
        """Return what did not pass, failures before what is undetermined."""
        return [problem for _, some in self.failed_checks for problem in some]

    def next_command(self, check: CheckResult) -> str:
        """Return the command that shows more of a check that did not pass; ``""`` for none."""
        coverage = self.coverage
        source = place_options(coverage)
        if check.request_id and source:
            # trace alone searches 24 hours
            since_ms = None if coverage.where else coverage.since_ms
            since = "" if since_ms is None else f" --since {iso_text(since_ms)}"
            command = f"retryctl trace {check.request_id} {source}{since}{until_option(coverage)}"
            command += coverage.aws_options
        elif not check.request_id and check.name in _LISTS:
            undetermined = check.passed is None  # then no request need match the option
            command = list_command(coverage, "" if undetermined else _LISTS[check.name])
        else:
            return ""
        return command if command.isprintable() else ""

    @property
    def harmless_findings(self) -> list[str]:
        """Return sentences that count the findings that do not fail, by kind and by rule."""
        kinds: Mapping[str, FindingEffect] = {
            "known, in the baseline": "known",
            "allowed": "allowed",
            "also found, does not fail": "harmless",
        }
        numbers = {kind: _numbers(self.judgement, effect) for kind, effect in kinds.items()}
        sentences = [f"{kind}: {counted}" for kind, counted in numbers.items() if counted]
        if more := sum(self.judgement.counts.values()) - len(self.judgement.findings):
            sentences.append(f"counted, not listed: {number_of(more, 'further finding')}")
        return sentences

    @property
    def headline(self) -> str:
        """How much was checked: ``57 requests, 9 retried · orders-worker``."""
        judgement = self.judgement
        about = f" · {self.subject}" if self.subject else ""
        return f"{number_of(judgement.requests, 'request')}, {judgement.retried:,} retried{about}"

    @property
    def unchecked(self) -> str:
        """Name the requests that were not found and not checked; empty where there are none."""
        missing = self.judgement.unchecked
        more = f" and {len(missing) - _MOST_IDS:,} more" if len(missing) > _MOST_IDS else ""
        return f"not found, not checked: {', '.join(missing[:_MOST_IDS])}{more}" if missing else ""

    @property
    def uncompared(self) -> str:
        """Return that nothing was cross-checked, and why; empty where something was."""
        judgement = self.judgement
        unmatched = any(check.name == CROSS_CHECK for check in judgement.checks.others)
        if not judgement.requests or judgement.cross_checked or unmatched:
            return ""
        why = "no attempt logged a counter or a branch."
        if may_lack_lines(self.coverage):
            why = (
                "lines are missing from the log, and a counter may be in them. Save the whole log."
            )
        return f"nothing was cross-checked: {why} {SET_MARKERS}"

    @property
    def notes(self) -> list[str]:
        """What the checks do not show: missing requests, nothing compared, known findings."""
        unshown = (self.unchecked, self.uncompared)
        return [*filter(None, unshown), *self.harmless_findings]

    @property
    def result_sentence(self) -> str:
        """Return the result as a sentence that ends in the exit status."""
        checks = self.judgement.checks
        unpassed = checks.unpassed
        failed = sum(check.passed is False for check in unpassed)
        unsure = len(unpassed) - failed
        requests = _requests(checks)
        made_of = self.subject if self.command == "doctor" else _made_of(checks)
        status = f"(exit {self.status.value})"
        lacking = len(self.judgement.unchecked)
        found = (
            f"{lacking:,} of {number_of(lacking + requests, 'request')} not found; "
            if lacking
            else ""
        )
        if self.status is ExitStatus.NOTHING_FOUND:
            return f"there was nothing to check {status}"
        if not (failed or unsure):
            every = "all " if len(checks) > 1 and not lacking else ""
            return f"{found}{every}{number_of(len(checks), 'check')} passed: {made_of} {status}"
        parts = [f"{failed:,} failed"] if failed else []
        parts += [f"{unsure:,} undetermined"] if unsure else []
        failing = _numbers(self.judgement, "failed")
        why = f" ({failing})" if failing else ""
        of = number_of(len(checks), "check")
        return f"{found}{' and '.join(parts)} of {of}{why}: {made_of} {status}"


@value_class
class Problem:
    """One thing that did not pass: the findings of one kind in a request, or an expectation.

    ``rule`` names the finding or the expectation. ``passed`` is ``False``, or ``None`` where the
    result is undetermined. ``findings`` is empty where no finding explains the problem.
    """

    rule: str
    passed: bool | None
    message: str
    request_id: str | None
    function: str | None
    findings: tuple[JudgedFinding, ...] = ()
    is_option: bool = False

    @property
    def name(self) -> str:
        """``uncounted-attempt (2 findings)``, ``--max-exhausted``; empty for the request."""
        number = number_of_findings(self.findings)
        alike = f" ({number:,} findings)" if number > 1 else ""
        sign = "--" if self.is_option else ""
        return "" if self.rule == REQUEST else f"{sign}{self.rule}{alike}"

    @property
    def sentence(self) -> str:
        """The name and the message."""
        return f"{self.name}: {self.message}" if self.name else self.message

    def evidence(self, tz: tzinfo) -> list[str]:
        """Return the log lines that prove the findings, each with its time, the earliest first."""
        events = dict.fromkeys(
            event for judged in self.findings for event in judged.finding.evidence
        )
        lines = [
            line
            for event in sorted(events, key=attrgetter("timestamp_ms"))
            for line in _lines(event, tz)
        ]
        more = len(lines) - _MOST_EVIDENCE
        return [*lines[:_MOST_EVIDENCE], *([f"and {more:,} more lines"] if more > 0 else [])]


def same_kind(findings: Iterable[JudgedFinding]) -> list[tuple[JudgedFinding, ...]]:
    """Group the findings of one request and one rule that count alike, in order."""
    groups: dict[tuple[object, ...], list[JudgedFinding]] = {}
    for judged in findings:
        counts = (judged.failed, judged.known, judged.allowed)
        key = (judged.request_id, judged.function, judged.finding.rule, *counts)
        groups.setdefault(key, []).append(judged)
    return [tuple(group) for group in groups.values()]


def number_of_findings(group: Sequence[JudgedFinding]) -> int:
    """Return how many findings a group stands for, with those that are not listed."""
    return len(group) + sum(judged.unlisted for judged in group)


def findings_message(group: Sequence[JudgedFinding]) -> str:
    """``attempt 3 ran A, expected C. `` and the message of the first finding."""
    ran = "; ".join(
        f"attempt {judged.finding.attempt} ran {judged.branch}, expected {judged.branch_expected}"
        for judged in group
        if judged.branch_expected is not None
    )
    message = group[0].finding.message
    return f"{ran}. {message}" if ran else message


def _requests(checks: Checks) -> int:
    """Return the number of checks that are of a request."""
    return checks.silent_count + sum(check.name == REQUEST for check in checks.kept)


def _made_of(checks: Checks) -> str:
    """``2 requests, 3 expectations and the coverage``."""
    options = sum(check.is_option for check in checks.kept)
    expectations = [number_of(options, "expectation")] if options else []
    others = [
        f"the {each.name}" for each in checks.others if not each.is_option and each.name != REQUEST
    ]
    return in_a_row([number_of(_requests(checks), "request"), *expectations, *others])


def _problems(check: CheckResult, failed: list[JudgedFinding]) -> Iterator[Problem]:
    if check.name == REQUEST and check.passed is False and failed:
        for group in same_kind(failed):
            yield _problem(check, group[0].finding.rule, findings_message(group), group)
    else:
        message = f"{check.message} → {check.remedy}" if check.remedy else check.message
        yield _problem(check, check.name, message)


def _problem(
    check: CheckResult, rule: str, message: str, findings: tuple[JudgedFinding, ...] = ()
) -> Problem:
    return Problem(
        rule=rule,
        passed=check.passed,
        message=message,
        request_id=check.request_id,
        function=check.function,
        findings=findings,
        is_option=check.is_option,
    )


def _lines(event: LogEvent, tz: tzinfo) -> list[str]:
    when = f"{stamp(event.timestamp_ms, tz, dated=False)}  " if is_timed(event.timestamp_ms) else ""
    return [f"{when}{cut(line.rstrip(), _MOST_OF_A_LINE)}" for line in lines_of(event.message)]


def _numbers(judgement: CheckOutcome, effect: FindingEffect) -> str:
    numbers = {rule: number for (of, rule), number in judgement.counts.items() if of == effect}
    return ", ".join(f"{rule} {number:,}" for rule, number in sorted(numbers.items()))


def configuration_report(report: DoctorReport, *, version: str, tz: tzinfo) -> CheckReport:
    """Return each diagnosis as a check with its remedy; no request was read."""
    checks = tuple(
        CheckResult(
            name=each.name,
            passed=each.passed,
            message=each.evidence,
            function=report.function,
            remedy=each.remedy,
            is_option=False,
        )
        for each in report.diagnoses
    )
    judgement = CheckOutcome(
        checks=Checks(others=checks),
        findings=(),
        counts={},
        requests=0,
        retried=0,
        functions=(report.function,),
        not_found=(),
        empty=False,
    )
    coverage = Coverage(source="cloudwatch")
    return CheckReport(
        judgement=judgement, coverage=coverage, version=version, tz=tz, command="doctor"
    )
