"""Run a probe: make the log groups, test every assumption, remove the groups."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from retryctl.app.options import SILENT, Clock, Feedback, ShowProgress, wall_clock_ms
from retryctl.app.probe.assumptions import (
    ASSUMPTIONS,
    Assumption,
    function_records_are_understood,
    quota_is_five_or_more,
)
from retryctl.app.probe.probe_groups import PREFIX, ProbeSession, Sample, anonymous
from retryctl.core.doctor.result import Diagnosis
from retryctl.core.probe_report import ProbeReport
from retryctl.errors import CouldNotRead
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.daemon_pool import PoolTask, wait_for
from retryctl.sources.aws.log_groups import described_groups

_AFTER_SIGNAL_S = 0.8


def probe(
    aws: AwsClient,
    *,
    assumptions: Sequence[Assumption] = ASSUMPTIONS,
    function: str | None = None,
    quota: bool = True,
    clock: Clock = wall_clock_ms,
    seconds: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    feedback: Feedback = SILENT,
    show: ShowProgress = lambda _: None,
    keep: Callable[[ProbeReport], None] = lambda _: None,
) -> ProbeReport:
    """Test what ``retryctl`` assumes of CloudWatch Logs, with two log groups made for it.

    ``assumptions`` are tested in their order. The newest records of ``function`` are read too, and
    nothing of it is changed. ``quota`` sends a burst of 60 calls. Raises the errors of
    ``retryctl.errors`` where the groups cannot be made. They are deleted whatever happens. Where a
    signal ends the probe, ``keep`` gets the report of what was tested until then.
    """
    chosen = (
        *assumptions,
        *([function_records_are_understood] if function else []),
        *([quota_is_five_or_more] if quota else []),
    )
    began = seconds()
    earlier = tuple(name for name, _ in described_groups(aws, PREFIX))
    now_ms = clock()
    session = ProbeSession(
        aws=aws,
        sample=Sample(base_ms=(now_ms // 1000 + 1) * 1000),
        seconds=seconds,
        sleep=sleep,
        created_ms=now_ms,
        function=function,
    )
    diagnoses: list[Diagnosis] = []

    def outcome(kept: Sequence[str]) -> ProbeReport:
        return ProbeReport(
            region=aws.region or "",
            diagnoses=(*diagnoses, *map(_not_reached, chosen[len(diagnoses) :])),
            seconds=seconds() - began,
            calls=aws.calls,
            bytes_written=session.bytes_written,
            bytes_scanned=session.bytes_scanned,
            usd=session.usd,
            kept_groups=(*earlier, *kept),
        )

    stopped = True
    try:
        show(lambda seconds: "creating two log groups, and putting events into them")
        session.fill()
        diagnoses.extend(_tested(session, chosen, show))
        stopped = False
    except Exception as error:
        stopped = False
        if isinstance(error, MemoryError):  # its frames keep the events that were to be put
            error.with_traceback(None)
        raise
    finally:
        kept = _remove(session, feedback, 0.0 if stopped else None)
        if stopped:
            keep(outcome(kept))
    return outcome(kept)


def _remove(session: ProbeSession, feedback: Feedback, patience_s: float | None) -> tuple[str, ...]:
    """Delete the groups, and name those whose deletion is not known after ``patience_s``.

    A signal cuts the patience short: it ends the program within two seconds.
    """
    deletions: dict[str, PoolTask[bool]] = {}
    try:
        deletions = session.delete_groups()
        wait_for(deletions.values(), patience_s)
    finally:
        with suppress(MemoryError):
            wait_for(deletions.values(), _AFTER_SIGNAL_S)
        kept = tuple(name for name in session.groups if not _is_gone(deletions.get(name)))
        if kept:
            place = f" --region {session.aws.region}" if session.aws.region else ""
            command = f"aws logs delete-log-group{place} --log-group-name"
            steps = "".join(f"\n{command} {name}" for name in kept)
            feedback.warn(f"Not deleted: {', '.join(kept)}. To delete:{steps}")
    return kept


def _is_gone(deletion: PoolTask[bool] | None) -> bool:
    return deletion is not None and deletion.is_done and not deletion.result()


def _tested(
    session: ProbeSession, assumptions: Sequence[Assumption], show: ShowProgress
) -> Iterator[Diagnosis]:
    for number, assumption in enumerate(assumptions, start=1):
        of = f"{number} of {len(assumptions)}: {_statement(assumption)}"
        show(lambda seconds, of=of: of)  # type: ignore[misc]
        yield _diagnosis(session, assumption)


def _diagnosis(session: ProbeSession, assumption: Assumption) -> Diagnosis:
    passed: bool | None
    try:
        passed, evidence = assumption(session)
    except CouldNotRead as error:
        passed, evidence = None, error.what
    except (LookupError, TypeError, ValueError) as error:
        passed, evidence = False, f"an answer of another form ({type(error).__name__}: {error})"
    return Diagnosis(
        name=_name(assumption),
        passed=passed,
        evidence=anonymous(f"{_statement(assumption)} Observed: {evidence.rstrip('.')}."),
    )


def _not_reached(assumption: Assumption) -> Diagnosis:
    evidence = anonymous(f"{_statement(assumption)} Not tested: the probe was stopped.")
    return Diagnosis(name=_name(assumption), passed=None, evidence=evidence)


def _name(assumption: Assumption) -> str:
    return assumption.__name__.replace("_", "-")


def _statement(assumption: Assumption) -> str:
    return (assumption.__doc__ or "").partition("\n")[0]
