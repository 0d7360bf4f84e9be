"""Plans: the environment of each attempt of a request, and the mishaps that it has.

::

    plan   = "all" | items         items = [first ","] item {"," item}, one item for each retry
    first  = "first" {"+" mishap}  the mishaps of attempt 1
    item   = where {"+" mishap}    where = "same" | "fresh" | "env=N"
    mishap = fault [moment] | "throttle" | "duplicate" | "twin"
    moment = "=early" | "=late" | "@" duration

``same`` is the environment of the attempt before, ``fresh`` a new one, ``env=N`` the Nth
of the request, from 1. Retries without an item are ``same``. A fault comes before the
handler's first statement; ``=early`` after the first line that the handler logs; ``=late`` after
its last statement, before the runtime reports the end; ``@250ms`` so long after the invocation.
``twin`` delivers the event twice at the same moment, the second time to an environment of its own.
"""

from __future__ import annotations

import re

from retryctl.core.value_classes import value_class
from retryctl.errors import UsageError
from retryctl.lab.inside.virtual_time import FAULTS

"""At most one of these ends an attempt."""

_WHERE = re.compile(r"same|fresh|env=([1-9][0-9]?)")
_FAULT = re.compile(rf"({'|'.join(FAULTS)})(=early|=late|@(\d{{1,6}}(?:\.\d{{1,3}})?)(ms|s))?")


@value_class
class PlannedFault:
    """How an attempt ends by plan: ``timeout``, ``kill``, ``exit`` or ``oom``.

    Before the handler; ``early``: after its first line of log; ``late``: after its last statement,
    before the runtime reports the end; or ``after_s`` seconds from the invocation.
    """

    kind: str
    early: bool = False
    late: bool = False
    after_s: float | None = None

    @property
    def by_the_lab(self) -> bool:
        """Whether the lab injects it from outside of the process, at a moment that may not come."""
        return self.early or self.after_s is not None


@value_class
class Step:
    """One attempt: its environment (from 1), and its mishaps.

    ``throttled``: its first deliveries are refused. ``duplicated``: it is delivered once more when
    it has ended. ``twin``: it is delivered twice at once, the second time to a new environment.
    """

    environment: int
    fault: PlannedFault | None = None
    throttled: bool = False
    duplicated: bool = False
    twin: bool = False


@value_class
class Plan:
    """A step for each attempt of a request. ``text`` is the plan as it was written."""

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
            f"the plan {text!r} has {len(words)} retries, but the function may have {retries}",
            "Shorten the plan, or allow more with --retries (Lambda's maximum is 2).",
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
            have = "environment exists" if made == 1 else "environments exist"
            raise UsageError(
                f"{where} in the plan: only {made} {have} before that retry",
                "Use fresh for a new one.",
            )
        steps.append(_step(number, mishaps, item))
    written = items if first == "first" else [first, *items]
    return Plan(text=",".join(written) or first, steps=tuple(steps))


def _step(environment: int, mishaps: list[str], item: str) -> Step:
    faults = [_fault(match) for m in mishaps if (match := _FAULT.fullmatch(m))]
    known = len(faults) + sum(m in ("throttle", "duplicate", "twin") for m in mishaps)
    if len(faults) > 1 or known < len(mishaps) or (faults and "twin" in mishaps):
        raise _unreadable(item)
    return Step(
        environment=environment,
        fault=faults[0] if faults else None,
        throttled="throttle" in mishaps,
        duplicated="duplicate" in mishaps,
        twin="twin" in mishaps,
    )


def _fault(match: re.Match[str]) -> PlannedFault:
    kind, moment, number, unit = match.groups()
    after_s = float(number) / (1000 if unit == "ms" else 1) if number else None
    return PlannedFault(
        kind=kind, early=moment == "=early", late=moment == "=late", after_s=after_s
    )


def _unreadable(item: str) -> UsageError:
    return UsageError(
        f"{item!r} in the plan cannot be read",
        "Write same, fresh or env=N for each retry, each with +timeout, +kill, +exit or +oom "
        "(later with +kill=early, +kill=late or +kill@250ms), +throttle, +duplicate or +twin, "
        "after first+… for the first attempt. Or all, without other items.",
    )


def _every(retries: int) -> list[tuple[str, ...]]:
    """Return every sequence of environments, as items of a plan."""
    sequences: list[tuple[int, ...]] = [(1,)]
    for _ in range(retries):
        sequences = [(*s, n) for s in sequences for n in range(1, max(s) + 2)]
    return [tuple(_word(s, i) for i in range(1, len(s))) for s in sequences]


def _word(sequence: tuple[int, ...], at: int) -> str:
    if sequence[at] == sequence[at - 1]:
        return "same"
    return "fresh" if sequence[at] > max(sequence[:at]) else f"env={sequence[at]}"
