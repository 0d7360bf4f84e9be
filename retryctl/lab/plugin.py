"""The pytest plugin: a fixture that runs a handler through its retries.

::

    from shop.orders import handler

    def test_third_attempt_runs_c(lambda_lab):
        request = lambda_lab(handler).run(plan="same,fresh")
        assert [a.claim.branch for a in request.attempts] == ["A", "B", "C"]
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # a plugin is loaded at the start of every test run: nothing more than it needs
    from retryctl.core.crosscheck.claims import Markers
    from retryctl.core.crosscheck.verdict import CheckedRequest
    from retryctl.core.model.request import Request
    from retryctl.lab.lab import LabEvent

SEED = 20261123


class HandlerLab:
    """One handler with its settings; each run is in a new lab.

    ``events`` are the log events of the last run.
    """

    def __init__(
        self,
        handler: str | Callable[..., Any],
        folder: Path,
        *,
        markers: Markers | None = None,
        **settings: Any,
    ) -> None:
        from retryctl.lab import handlers
        from retryctl.lab.function import Function

        task, name = (
            handlers.locate(handler, folder)
            if isinstance(handler, str)
            else handlers.locate_function(handler)
        )
        self._function = Function(handler=name, task=task, **settings)
        self._markers = markers
        self.events: list[LabEvent] = []

    def run(
        self, plan: str = "", event: Any = None, *, retries: int = 2, seed: int = SEED
    ) -> Request:
        """Run one request by ``plan``; return its history. Retries not named are ``same``.

        :raises retryctl.errors.UsageError: the plan cannot be read, or names several.
        """
        return self.check(plan, event, retries=retries, seed=seed).request

    def check(
        self, plan: str = "", event: Any = None, *, retries: int = 2, seed: int = SEED
    ) -> CheckedRequest:
        """Run one request by ``plan``; return its history with the verdict and the findings.

        :raises retryctl.errors.UsageError: the plan cannot be read, or names several.
        :raises retryctl.errors.NothingFound: a log level keeps back every record of it.
        """
        from retryctl.app.lab import judge
        from retryctl.errors import NothingFound, UsageError
        from retryctl.lab import plan as plans
        from retryctl.lab.lab import SEEDED_START_S, Lab
        from retryctl.lab.limitations import NotAsOnLambda, remarks

        read = plans.read(plan, retries)
        if len(read) > 1:
            raise UsageError(f"{plan!r} is {len(read)} plans", "Run them one by one.")
        with Lab(self._function, seed=seed, start_s=SEEDED_START_S) as lab:
            lab.submit(event if event is not None else {}, read[0])
            lab.run()
            self.events = lab.events
            for said in remarks(lab):
                warnings.warn(said, NotAsOnLambda, stacklevel=2)
        checked, _ = judge(self.events, self._function, retries=retries, markers=self._markers)
        if not checked:
            raise NothingFound("no attempt left a record of Lambda's at this system log level")
        return checked[0]


@pytest.fixture
def lambda_lab(request: pytest.FixtureRequest) -> Callable[..., HandlerLab]:
    """Return what runs a handler as Lambda would, given the function or ``file.py:function``.

    Keywords are those of ``retryctl.lab.function.Function``: ``timeout_s``, ``memory_mb``,
    ``log_format``, ``environment``, ``python`` and so on; ``markers`` (``core.claims.Markers``)
    tell how the handler logs its counter, where it has a way of its own. Paths are looked for
    from the folder of the test.
    """
    folder = request.path.parent

    def lab(handler: str | Callable[..., Any], **settings: Any) -> HandlerLab:
        return HandlerLab(handler, folder, **settings)

    return lab
