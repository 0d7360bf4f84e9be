"""The requests of a saved log that belong to the same event under several request IDs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retryctl.app.options import SILENT, WHOLE, Feedback, SourceOptions, TimeWindow
from retryctl.app.trace import trace
from retryctl.config import ProjectConfig
from retryctl.core.model.coverage import Coverage
from retryctl.core.related.groups import RelatedRequests, related_requests
from retryctl.core.related.keys import KeyReader, known_keys
from retryctl.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedResult:
    """The groups that contain one of the requested IDs, or all groups; and what was read."""

    groups: Sequence[RelatedRequests]
    coverage: Coverage


def find_related(
    request_ids: Sequence[str],
    options: SourceOptions,
    window: TimeWindow = WHOLE,
    *,
    read_key: KeyReader = known_keys,
    config: ProjectConfig | None = None,
    feedback: Feedback = SILENT,
) -> RelatedResult:
    """Group the requests of a saved log by event.

    Raises ``UsageError`` for CloudWatch, where a search by ID cannot find the other IDs.
    """
    if options.source == "cloudwatch":
        raise UsageError(
            "related requests are found in a saved log only.",
            "Save the window: aws logs filter-log-events --log-group-name GROUP "
            "--start-time MS --output json > log.json\nThen: --from log.json",
        )
    found = trace((), options, window, config=config, feedback=feedback)
    wanted = frozenset(request_ids)
    groups = [
        group
        for group in related_requests(found.checked, read_key)
        if not wanted or any(one.request.request_id in wanted for one in group.requests)
    ]
    return RelatedResult(groups=groups, coverage=found.coverage)
