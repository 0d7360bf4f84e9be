"""Checks of asynchronous retries: how many, for how long, and where exhausted events go."""

from __future__ import annotations

from collections.abc import Sequence

from retryctl.core.doctor.facts import FunctionFacts, NotRead, RetryPolicy, known, name_in
from retryctl.core.doctor.result import CheckAnswer, fails, passes
from retryctl.core.model.limits import DEFAULT_RETRIES
from retryctl.core.wording import number_of

_WAITS_S = (60, 120)
_RETRIES_OF_LAST_BRANCH = 2


def same_for_every_qualifier(facts: FunctionFacts) -> CheckAnswer:
    """Require equal settings: an alias does not inherit those of $LATEST."""
    policies = facts.retry_policies()
    evidence = "; ".join(map(_sentence, policies)) + _seen(facts, policies)
    if len({(policy.retries, policy.event_age_s) for policy in policies}) == 1:
        return passes(evidence)
    return fails(
        evidence,
        "Set each qualifier: aws lambda put-function-event-invoke-config --function-name "
        f"{facts.function} --qualifier NAME --maximum-retry-attempts N",
    )


def last_branch_can_run(facts: FunctionFacts) -> CheckAnswer:
    """Require two retries: branch C runs on the second."""
    policies = facts.retry_policies()
    short = [policy for policy in policies if policy.retries < _RETRIES_OF_LAST_BRANCH]
    if not short:
        return passes("Lambda retries twice, so branches A, B and C can run.")
    evidence = "; ".join(
        f"{policy.qualifier} allows {number_of(policy.retries, 'retry', 'retries')}"
        for policy in short
    )
    nor_b = ", nor does B" if any(policy.retries == 0 for policy in short) else ""
    return fails(
        f"{evidence}: branch C never runs{nor_b}.",
        "Set --maximum-retry-attempts 2, or remove the branches that cannot run.",
    )


def event_age_covers_the_waits(facts: FunctionFacts) -> CheckAnswer:
    """Require an event age beyond the last wait: Lambda drops an event that would be older."""
    policies = facts.retry_policies()
    short = [policy for policy in policies if policy.event_age_s < _needed_s(policy, facts)]
    if not short:
        return passes("Every retry is due before the event reaches its maximum age.")
    evidence = "; ".join(
        f"{policy.qualifier}: maximum age {policy.event_age_s} s, but the attempts and waits "
        f"before the last retry can take {_needed_s(policy, facts)} s"
        for policy in short
    )
    longest = max(_needed_s(policy, facts) for policy in short)
    return fails(f"{evidence}.", f"Set --maximum-event-age-in-seconds to at least {longest}.")


def failed_events_are_kept(facts: FunctionFacts) -> CheckAnswer:
    """Require a destination: without one Lambda discards an event after its last attempt."""
    if queue := facts.dead_letter_target:
        return passes(f"Dead-letter target: {name_in(queue)}.")
    policies = facts.retry_policies()
    without = [policy.qualifier for policy in policies if not policy.on_failure]
    if not without:
        targets = dict.fromkeys(name_in(policy.on_failure or "") for policy in policies)
        return passes(f"On-failure destination: {', '.join(targets)}.")
    return fails(
        f"No on-failure destination and no dead-letter queue for {', '.join(without)}: "
        "exhausted events are lost.",
        "Set an on-failure destination (SQS, SNS, S3, EventBridge or Lambda).",
    )


def failed_events_can_be_delivered(facts: FunctionFacts) -> CheckAnswer:
    """Require an existing target that is not FIFO, which Lambda refuses here."""
    arns = [facts.dead_letter_target, *(policy.on_failure for policy in facts.retry_policies())]
    named = tuple(dict.fromkeys(arn for arn in arns if arn))
    if not named:
        return passes("No destination is set, so none can be out of reach.")
    for arn in named:
        if arn.endswith(".fifo"):
            return fails(
                f"{name_in(arn)} is FIFO: Lambda cannot send failed events there.",
                "Use a standard queue or topic.",
            )
        if known(facts.targets.get(arn)) is None:
            return fails(f"{arn} does not exist.", "Create it, or name another target.")
    return passes(f"{', '.join(map(name_in, named))} can be reached.")


def _seen(facts: FunctionFacts, policies: Sequence[RetryPolicy]) -> str:
    """Return which settings can apply to the requests that were retried in the last 24 hours.

    The log has the version that ran; the caller may have named an alias of it.
    """
    if isinstance(facts.retry_places, NotRead):
        return ""
    aliases = known(facts.aliases)
    sentences = []
    for version, count in sorted(facts.retry_places.retried.items()):
        names = {version, *(name for name, of in aliases.items() if of == version)}
        settings = " or ".join(
            f"{policy.retries} (as {policy.qualifier})"
            for policy in policies
            if policy.qualifier in names
        )
        requests = number_of(count, "request")
        settings = settings or f"{DEFAULT_RETRIES} (as {version}, Lambda's default)"
        sentences.append(
            f". Retried in the last 24 h: {requests} of {version}; allowed: {settings}"
        )
    return "".join(sentences)


def _sentence(policy: RetryPolicy) -> str:
    default = " (Lambda's default)" if policy.is_default else ""
    retries = number_of(policy.retries, "retry", "retries")
    return f"{policy.qualifier}: {retries} within {policy.event_age_s:,} s{default}"


def _needed_s(policy: RetryPolicy, facts: FunctionFacts) -> int:
    """Return the longest time from the event to the start of its last retry, in seconds."""
    return sum(wait + facts.timeout_s for wait in _WAITS_S[: policy.retries])
