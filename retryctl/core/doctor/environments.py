"""Checks of where the function runs, and of the counter in its code."""

from __future__ import annotations

from retryctl.core.doctor.facts import FunctionFacts, NotRead, known
from retryctl.core.doctor.result import CheckAnswer, fails, passes
from retryctl.core.wording import number_of

_COUNT_IN_A_STORE = (
    "Count where every environment can read it, in DynamoDB or S3: "
    "retryctl counters vendor DIR --store dynamodb"
)


def concurrency_allows_attempts(facts: FunctionFacts) -> CheckAnswer:
    """Require a reserved concurrency above 0: 0 drops asynchronous events without an attempt."""
    reserved = known(facts.reserved_concurrency)
    if reserved == 0:
        return fails(
            "Reserved concurrency 0: every event is dropped without an attempt "
            "(ZeroReservedConcurrency).",
            f"aws lambda delete-function-concurrency --function-name {facts.function}",
        )
    return passes(
        "No reserved concurrency." if reserved is None else f"Reserved concurrency {reserved}."
    )


def environments_are_not_prepared(facts: FunctionFacts) -> CheckAnswer:
    """Require that no environments are prepared: a retry then seldom meets its own /tmp."""
    provisioned = known(facts.provisioned)
    configuration = known(facts.configuration)
    snap_start = (configuration.get("SnapStart") or {}).get("ApplyOn", "None")
    kinds = [f"provisioned concurrency of {', '.join(provisioned)}"] * bool(provisioned)
    kinds += ["SnapStart"] * (snap_start != "None")
    if not kinds:
        return passes("No provisioned concurrency and no SnapStart.")
    return fails(
        f"{' and '.join(kinds)}: a retry often runs in another environment, where a counter in "
        "/tmp finds no file.",
        _COUNT_IN_A_STORE,
    )


def counts_can_be_checked(facts: FunctionFacts) -> CheckAnswer:
    """Require an ordinary function: durable ones replay, Managed Instances mix requests."""
    kinds = {
        "a durable function replays, which is not a retry": "DurableConfig",
        "Managed Instances run several requests in one environment": "CapacityProviderConfig",
    }
    found = [why for why, key in kinds.items() if known(facts.configuration).get(key)]
    if found:
        return fails(
            f"The verdict is always undetermined: {'; '.join(found)}.",
            "Read the attempts with retryctl trace, and do not rely on a counter.",
        )
    return passes("An environment runs one request at a time.")


def retries_meet_their_own_tmp(facts: FunctionFacts) -> CheckAnswer:
    """Require that retries of the last 24 hours ran where the attempt before ran."""
    places = known(facts.retry_places)
    retries = places.same + places.other
    if places.other:
        return fails(
            f"In the last 24 h, {places.other:,} of {number_of(retries, 'retry', 'retries')} ran "
            "in another environment than the attempt before: there a counter in /tmp finds no "
            f"file. Odds of a right count in /tmp: {places.same / retries:.1%}.",
            _COUNT_IN_A_STORE,
        )
    if places.unread:
        known(NotRead(action="", reason=f"Part of the last 24 h was not read: {places.unread}"))
    if not retries and places.web:
        return passes(
            "No retry in the last 24 h: the log is of a web function, whose requests are not "
            "events and are never retried."
        )
    if not retries:
        return passes("No retry in the last 24 h.")
    return passes(
        f"In the last 24 h, {number_of(retries, 'retry', 'retries')} ran in the environment of "
        "the attempt before."
    )


def counter_copies_are_current(facts: FunctionFacts) -> CheckAnswer:
    """Require that copies of the counters in the code have the version of this retryctl."""
    copies = known(facts.counter_copies)
    old = [copy for copy in copies if copy.version != facts.version]
    if old:
        found = ", ".join(f"{copy.path} has version {copy.version}" for copy in old)
        return fails(
            f"{found}; this retryctl has version {facts.version}.",
            "Run retryctl counters vendor or retryctl counters layer again, and deploy.",
        )
    named = ", ".join(copy.path for copy in copies)
    return passes(
        f"{named}: version {facts.version}." if named else "No copy of the counters in the code."
    )
