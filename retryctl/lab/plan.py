"""Plans: what befalls each attempt of a request, and which environment it gets.

::

    plan  = "all" | items          items = [first ","] item {"," item}, one item for each retry
    first = "first" {"+" mishap}   what befalls attempt 1
    item  = where {"+" mishap}     where = "same" | "fresh" | "env=N"

``same`` is the environment of the attempt before, ``fresh`` a new one, ``env=N`` the Nth
that the request came to, from 1. Retries that the plan does not name are ``same``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from retryctl.errors import UsageError

FATES = ("timeout", "kill", "exit", "oom")
"""At most one of these ends an attempt."""

_MISHAPS = (*FATES, "throttle", "duplicate")
_WHERE = re.compile(r"same|fresh|env=([1-9][0-9]?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One attempt: the environment it gets (from 1), and what befalls it.

    ``throttled``: its first deliveries are refused. ``duplicated``: it is delivered twice.
    """

    environment: int
    fate: str | None = None
    throttled: bool = False
    duplicated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What befalls a request: a step for each attempt. ``text`` is the plan as it was written."""

    text: str
    steps: tuple[Step, ...]


def read(text: str, retries: int = 2) -> tuple[Plan, ...]:
    """Read a plan; ``all`` gives one for every sequence of environments.

    :raises UsageError: it cannot be read, or has more items than there are retries.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    first = words.pop(0) if words and words[0].partition("+")[0] == "first" else "first"
    if words == ["all"]:
        return tuple(_plan(first, list(items), retries) for items in _every(retries))
    if len(words) > retries:
        raise UsageError(
            f"the plan {text!r} has {len(words)} retries, and the function is allowed {retries}",
            "Shorten the plan, or allow more with --retries (Lambda's most is 2).",
        )
    return (_plan(first, words + ["same"] * (retries - len(words)), retries),)


def _plan(first: str, items: list[str], retries: int) -> Plan:
    steps = [_step(1, first.split("+")[1:], first)]
    made = 1
    for item in items:
        where, *mishaps = item.split("+")
        match = _WHERE.fullmatch(where)
        if match is None:
            raise _unreadable(item)
        if where == "fresh":
            made += 1
        number = made if where == "fresh" else int(match[1] or steps[-1].environment)
        if number > made:
            have = "environment has" if made == 1 else "environments have"
            raise UsageError(
                f"{where} in the plan: only {made} {have} been made by then",
                "Write fresh for a new one.",
            )
        steps.append(_step(number, mishaps, item))
    written = items if first == "first" else [first, *items]
    return Plan(text=",".join(written) or first, steps=tuple(steps))


def _step(environment: int, mishaps: list[str], item: str) -> Step:
    fates = [m for m in mishaps if m in FATES]
    if len(fates) > 1 or not set(mishaps) <= set(_MISHAPS):
        raise _unreadable(item)
    return Step(
        environment=environment,
        fate=fates[0] if fates else None,
        throttled="throttle" in mishaps,
        duplicated="duplicate" in mishaps,
    )


def _unreadable(item: str) -> UsageError:
    return UsageError(
        f"{item!r} in the plan cannot be read",
        "Write same, fresh or env=N for each retry, each with +timeout, +kill, +exit or +oom, "
        "+throttle or +duplicate where wanted, after first+… for the first attempt. Or all, which "
        "takes no item beside it.",
    )


def _every(retries: int) -> list[tuple[str, ...]]:
    """Return every sequence of environments, each told in the words of a plan."""
    sequences: list[tuple[int, ...]] = [(1,)]
    for _ in range(retries):
        sequences = [(*s, n) for s in sequences for n in range(1, max(s) + 2)]
    return [tuple(_word(s, i) for i in range(1, len(s))) for s in sequences]


def _word(sequence: tuple[int, ...], at: int) -> str:
    if sequence[at] == sequence[at - 1]:
        return "same"
    return "fresh" if sequence[at] > max(sequence[:at]) else f"env={sequence[at]}"
