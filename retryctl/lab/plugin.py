"""The pytest plugin: a fixture that runs a handler through its retries.

::

    from shop.orders import handler

    def test_third_attempt_runs_c(lambda_lab):
        request = lambda_lab(handler).run(plan="same,fresh")
        assert [a.claim.branch for a in request.attempts] == ["A", "B", "C"]
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # a plugin is loaded at the start of every test run: nothing more than it needs
    from retryctl.app.lab_setup import LabSetup
    from retryctl.core.crosscheck.checked_request import CheckedRequest
    from retryctl.core.crosscheck.claims import Markers
    from retryctl.core.model.request import Request
    from retryctl.errors import RetryctlError
    from retryctl.lab.delivery import EventSource
    from retryctl.lab.environment import LabAttempt
    from retryctl.lab.lab import LabEvent


class HandlerLab:
    """One handler with its options; each run is in a new lab.

    ``events`` are the log events of the last run, ``attempts`` what came of each attempt: its
    response or error. ``requests`` are the checked requests of the last run: several where an
    event source delivers with new IDs. ``aws`` is the local AWS, if there is one: its ``url`` is
    the endpoint for the test's own clients. ``close`` ends it.
    """

    def __init__(self, setup: LabSetup, markers: Markers, resources: ExitStack) -> None:
        self._setup, self._markers, self._resources = setup, markers, resources
        self.aws = setup.local
        self.requests: Sequence[CheckedRequest] = ()
        self.events: Sequence[LabEvent] = ()
        self.attempts: Sequence[LabAttempt] = ()

    @classmethod
    def open(
        cls,
        handler: str | Callable[..., Any] | None,
        folder: Path,
        *,
        markers: Markers | None = None,
        **options: Any,
    ) -> HandlerLab:
        """Make the lab, with the layers and the local AWS of the options.

        :raises retryctl.errors.UsageError: an option is unknown or has a wrong value.
        """
        from retryctl.app.lab_setup import open_setup
        from retryctl.config import load_settings
        from retryctl.core.crosscheck.claims import Markers
        from retryctl.errors import UsageError

        if not isinstance(markers, Markers | None):
            raise UsageError(
                f"markers={markers!r} is not of the class Markers",
                "Import it: from retryctl.core.crosscheck.claims import Markers",
            )
        named = _known_names(options)
        named.setdefault("python", sys.executable)
        resources = ExitStack()
        setup = resources.enter_context(open_setup({"handler": handler, **named}, folder))
        _warn(setup.remarks, UserWarning)
        return cls(setup, markers or load_settings(folder).markers, resources)

    def close(self) -> None:
        """Remove the layers, and end the local AWS. The results stay."""
        self._resources.close()

    def run(self, plan: str = "", event: Any = None, **options: Any) -> Request:
        """Run one request by ``plan``; return its history. ``options`` are those of ``check``.

        :raises retryctl.errors.UsageError: the plan cannot be read, or is several plans.
        """
        __tracebackhide__ = True
        return self.check(plan, event, **options).request

    def check(
        self,
        plan: str = "",
        event: Any = None,
        *,
        retries: int | None = None,
        source: EventSource = "async",
        seed: int | None = None,
        between: Callable[[int], object] | None = None,
    ) -> CheckedRequest:
        """Run one request by ``plan``; return its history with the verdict and the findings.

        Retries without an item in the plan are ``same``. Each run has a new request ID, unless a
        ``seed`` is given. ``between`` is called before each retry with the attempt's number,
        from 2.

        :raises retryctl.errors.UsageError: the plan cannot be read, or is several plans.
        :raises retryctl.errors.NothingFound: a log level drops every record of the request.
        """
        from retryctl.app.lab import LabOrder, run_lab
        from retryctl.errors import NothingFound, RetryctlError, UsageError
        from retryctl.lab import plan as plans
        from retryctl.lab.limitations import NotAsOnLambda

        __tracebackhide__ = True
        try:
            allowed = self._setup.retries_of(source, retries)
            read = plans.read(plan, allowed)
            if len(read) > 1:
                raise UsageError(f"{plan!r} expands to {len(read)} plans", "Run them one by one.")
            order = LabOrder(
                plans=read,
                event=event if event is not None else {},
                retries=allowed,
                source=source,
                seed=seed,
                markers=self._markers,
                between=between,
                on_event=self._setup.on_event,
            )
            done = run_lab(self._setup.function, order)
            self.events, self.requests = done.events, done.checked
            self.attempts = [attempt for of_one in done.attempts.values() for attempt in of_one]
            _warn(done.warnings, NotAsOnLambda)
            if not done.checked:
                raise NothingFound(
                    "no attempt has a platform record at this system log level",
                    "Use system_log_level='INFO'.",
                )
            return done.checked[0]
        except RetryctlError as error:
            raise _without_frames(error) from None

    @property
    def responses(self) -> list[Any]:
        """What each attempt of the last run returned; its error's document where it raised one."""
        bodies = [attempt.body for attempt in self.attempts]
        return [json.loads(body) if body is not None else None for body in bodies]

    def report(self) -> str:
        """Return the last run as text: its attempts, its findings and the function's log."""
        return "\n".join(self._report_lines())

    def _report_lines(self) -> Iterator[str]:
        for checked in self.requests:
            yield f"request {checked.request.request_id}: {checked.verdict.value}"
            for attempt in checked.request.attempts:
                claim = f"counter {attempt.claim.counter}, branch {attempt.claim.branch}"
                error = f", {attempt.error.type}: {attempt.error.message}" if attempt.error else ""
                where = f"attempt {attempt.number} in …{(attempt.log_stream or '')[-8:]}"
                yield f"  {where}: {attempt.outcome.value}, {claim}{error}"
            for finding in checked.findings:
                yield f"  {finding.rule}: {finding.message} {finding.remedy}"
        yield "log of the function:"
        for logged in self.events:
            if logged.source == "function":
                yield from ("  " + line for line in logged.event.message.splitlines())


def _warn(sentences: Iterable[str], kind: type[Warning]) -> None:
    for sentence in sentences:
        warnings.warn(sentence, kind, stacklevel=4)


def _without_frames(error: RetryctlError) -> RetryctlError:
    """Return the error for a test's report: with its next step, without the package's frames."""
    if error.next_step:
        error.add_note(error.next_step)
    return error.with_traceback(None)


def _known_names(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options by the names of the command; those of the fields are accepted beside.

    :raises retryctl.errors.UsageError: one is unknown.
    """
    from retryctl.app.lab_setup import SETUP_OPTIONS
    from retryctl.core.wording import suggestions
    from retryctl.errors import UsageError
    from retryctl.lab.function_options import FIELD_OF_OPTION, option_names

    other_names = {field: option for option, field in FIELD_OF_OPTION.items()}
    known = sorted({*SETUP_OPTIONS, *option_names()} - {"handler", "layers"})
    for name in options:
        if name not in known and name not in other_names:
            hint = suggestions(name, known) or f"Known: {', '.join(known)}, markers."
            raise UsageError(f"lambda_lab has no option {name!r}", hint)
    return {other_names.get(name, name): value for name, value in options.items()}


_LABS = pytest.StashKey["list[HandlerLab]"]()


@pytest.fixture
def lambda_lab(request: pytest.FixtureRequest) -> Iterator[Callable[..., HandlerLab]]:
    """Return what runs a handler as Lambda would, given the function or ``file.py:function``.

    Keywords are the options of ``retryctl lab run`` with underscores: ``timeout``, ``memory``,
    ``log_format``, ``log_level``, ``env``, ``template``, ``aws``, ``python`` and so on.
    ``markers`` (``core.crosscheck.claims.Markers``) describe how the handler logs its counter; by
    default the project's settings file does. Paths are relative to the folder of the test.
    """
    folder = request.path.parent
    labs: list[HandlerLab] = request.node.stash.setdefault(_LABS, [])

    def lab(handler: str | Callable[..., Any] | None = None, **options: Any) -> HandlerLab:
        from retryctl.errors import RetryctlError

        __tracebackhide__ = True
        try:
            labs.append(HandlerLab.open(handler, folder, **options))
        except RetryctlError as error:
            raise _without_frames(error) from None
        return labs[-1]

    yield lab
    for one in labs:
        one.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add the attempts and the log to the report of a test that failed."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for lab in (lab for lab in item.stash.get(_LABS, []) if lab.events):
            report.sections.append(("retryctl lab", lab.report()))
