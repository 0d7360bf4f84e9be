"""Checks of where the function runs, and of who may read about it."""

from __future__ import annotations

from retryctl.core.doctor.facts import FunctionFacts, known
from retryctl.core.doctor.result import Outcome, fails, passes


def concurrency_allows_attempts(facts: FunctionFacts) -> Outcome:
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


def environments_are_not_prepared(facts: FunctionFacts) -> Outcome:
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
        "Count where every environment can read it: retryctl counters (DynamoDB or S3).",
    )


def counts_can_be_checked(facts: FunctionFacts) -> Outcome:
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


def permissions_are_complete(facts: FunctionFacts) -> Outcome:
    """Require every action that was tried to be allowed."""
    if denied := facts.denied():
        return fails(
            f"Not allowed: {', '.join(denied)}.", "Allow these actions to who runs retryctl."
        )
    known(facts.read_log)
    return passes("Every action that was tried is allowed.")
