"""The AWS client that the options and ARNs describe, and the options that next commands repeat."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from retryctl.app.options import Clock, Feedback, ShowProgress, SourceOptions, wall_clock_ms
from retryctl.core.model.coverage import Coverage
from retryctl.errors import CouldNotRead, UsageError
from retryctl.sources.aws.client import LONGEST_WAIT_S, AwsClient

# arn:aws:lambda:eu-west-1:123456789012:function:orders-worker
_PLACE_OF_ARN = re.compile(r"arn:[^:]*:(?:lambda|logs):(?P<region>[^:]+):(?P<account>[0-9]+):")
_DEFAULT_REGION = "region in retryctl.toml or pyproject.toml"


def aws_for(
    options: SourceOptions, *names: str | None, show: ShowProgress, clock: Clock = wall_clock_ms
) -> AwsClient:
    """Return the client of all calls; an ARN among ``names`` gives the region where no option does.

    ``show`` shows which answer is awaited. Raises ``UsageError`` where an option and an ARN
    contradict each other.
    """
    from retryctl import __version__

    _refuse_contradictions(options, (*options.log_groups, *names))
    places = [_PLACE_OF_ARN.match(name or "") for name in names]
    regions = [place and place["region"] for place in places]
    named = next(filter(None, regions), None)
    if options.functions and None in regions:  # the region of an ARN does not apply to a plain name
        named = options.default_region
    return AwsClient(
        profile=options.profile,
        region=options.region or named or options.default_region,
        region_source="--region" if options.region else _DEFAULT_REGION if not named else "the ARN",
        endpoint_url=options.endpoint_url,
        user_agent=f"retryctl/{__version__}",
        unmask=options.unmask,
        clock=clock,
        on_wait=partial(_show_wait, show),
    )


def _show_wait(show: ShowProgress, action: str, seconds: float) -> None:
    """Show which answer is awaited, and for how long.

    A limit of time that ``show`` enforces is for the thread that makes the calls.
    """
    line = f"waiting for {action}: {seconds:.0f} s, given up after about {LONGEST_WAIT_S} s"
    with suppress(CouldNotRead):
        show(lambda _: line)


def _refuse_contradictions(options: SourceOptions, names: Sequence[str | None]) -> None:
    """Raise ``UsageError`` where ``--region`` or ``-f`` and an ARN name different places."""
    arns = [(place, name) for name in names if name and (place := _PLACE_OF_ARN.match(name))]
    for place, arn in arns:
        if options.region not in (None, place["region"]):
            raise UsageError(
                f"--region {options.region} contradicts the region of {arn}.",
                f"Drop --region, or give --region {place['region']}.",
            )
    own = _PLACE_OF_ARN.match(options.function or "")
    for place, arn in arns:
        if own and own.groups() != place.groups():
            raise UsageError(
                f"{arn} is in another account or region than {options.function}.",
                "A function logs in its own account and region: drop one of them.",
            )


def with_place(coverage: Coverage, options: SourceOptions, *names: str | None) -> Coverage:
    """Give the commands to copy the profile, region, endpoint and --unmask of this one.

    ARNs of one region among ``names`` give the region where no option does.
    """
    arns = {arn["region"] for name in names if name and (arn := _PLACE_OF_ARN.match(name))}
    region = options.region or (arns.pop() if len(arns) == 1 else None)
    place = replace(options, region=region).aws_options
    return replace(
        coverage,
        aws_options=place,
        given_names=options.names,
        gaps=tuple(
            replace(gap, settle=gap.settle + place)
            if gap.settle and "retryctl " in gap.settle
            else gap
            for gap in coverage.gaps
        ),
    )


def warn_of_skew(skew_ms: int, feedback: Feedback) -> None:
    """Report that this machine's clock is wrong, and which clock is used."""
    if skew_ms:
        side = "behind" if skew_ms > 0 else "ahead of"
        feedback.warn(
            f"This machine's clock is {abs(skew_ms) / 1000:,.0f} s {side} the service's clock, "
            "which is used instead."
        )
