"""Handlers whose work fails, with a branch for each retry."""

from typing import Any

import pytest

from retryctl.counters import branch_on_retry
from tests.support.counters_world import Context

EVENT = {"order": 7}


class WorkFailed(Exception):
    pass


class Handler:
    """A handler whose steps are listed as they happen; ``attempt`` runs it once."""

    def __init__(self, counter: Any, **options: Any) -> None:
        self.counter = counter
        self.options = options
        self.steps: list[str] = []

    def attempt(self, error: Any = None, context: Any = None, **branches: Any) -> Any:
        def work(event: Any, context: Any) -> Any:
            self.steps.append("work")
            assert event is EVENT
            if error:
                raise error
            return "done"

        def branch(name: str) -> Any:
            def run(event: Any, context: Any) -> None:
                assert event is EVENT
                self.steps.append(name)

            return run

        calls = {name: branch(name.upper()) for name in "abc"}
        return branch_on_retry(
            self.counter, EVENT, context or Context(), work, **{**calls, **branches}, **self.options
        )

    def failed_attempt(self, **kwargs: Any) -> None:
        with pytest.raises(WorkFailed):
            self.attempt(WorkFailed("no"), **kwargs)


def nothing(event: Any, context: Any) -> None:
    return None


def fails(event: Any, context: Any) -> None:
    raise WorkFailed
