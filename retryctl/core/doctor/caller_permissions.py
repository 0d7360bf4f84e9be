"""The IAM actions of each command, and the check of those that the caller lacks."""

from __future__ import annotations

from collections import defaultdict

from retryctl.core.doctor.facts import FunctionFacts, known
from retryctl.core.doctor.result import CheckAnswer, fails, passes
from retryctl.core.wording import in_a_row

_SETTINGS = (
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:ListFunctionEventInvokeConfigs",
    "lambda:GetFunctionConcurrency",
    "lambda:ListEventSourceMappings",
    "lambda:GetAlias",
)
_LOG = (
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:StartQuery",
    "logs:GetQueryResults",
    "logs:StopQuery",
    "logs:DescribeLogGroups",
    "logs:DescribeFieldIndexes",
    "logs:GetTransformer",
    "logs:DescribeAccountPolicies",
)
_READING = (*_LOG, *_SETTINGS, "lambda:ListFunctions")
COMMAND_ACTIONS = {
    **dict.fromkeys(("trace", "diff", "list", "summary", "check"), _READING),
    "--unmask": ("logs:Unmask",),
}
"""What reads a function's log, and the actions it needs. Those of ``doctor`` are its facts."""

_NOT_TRIED = "probe, --from-queue and --store are not tried: they write, receive, or name resources"


def permissions_are_complete(facts: FunctionFacts) -> CheckAnswer:
    """Require the actions of every command that reads the log or the configuration."""
    denied = {action for action, trial in facts.trials.items() if trial and trial.denied}
    own = facts.denied()
    refused = denied.union(own)
    lacks: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for command, actions in COMMAND_ACTIONS.items():
        lacks[tuple(sorted(refused.intersection(actions)))].append(command)
    lacks[own].append("doctor")
    lacks.pop((), None)
    if lacks:
        evidence = "; ".join(
            f"{in_a_row(commands)} {'lacks' if len(commands) == 1 else 'lack'} {', '.join(actions)}"
            for actions, commands in lacks.items()
        )
        return fails(
            f"{evidence}. {_NOT_TRIED}.",
            "Allow these actions to the caller; docs/cloudwatch.md has a policy.",
        )
    for trial in facts.trials.values():
        known(trial)
    return passes(f"{in_a_row([*COMMAND_ACTIONS, 'doctor'])} have their actions. {_NOT_TRIED}.")
