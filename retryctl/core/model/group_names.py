"""Log groups and functions with their account and region, and without; names that show them.

A saved log names a group by its name, with the account before it (``@log`` of Logs Insights, a
record of a subscription), or by its ARN. Where several groups of a log have one name, they are
named with their place, and so are their functions; elsewhere by their name alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable

from retryctl.core.late_regex import late_regex

# arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders, 111122223333:/aws/lambda/orders
_GROUP = re.compile(
    r"(?:(?:arn:(?P<partition>[^:]*):logs:(?P<region>[^:]*):(?P<account>\d*):log-group:)"
    r"|(?P<owner>\d{12}):)(?P<name>[^:]+)(?::\*)?"
)
# arn:aws:lambda:eu-west-1:111122223333:function:orders:7, 111122223333:function:orders
_FUNCTION = re.compile(
    r"(?P<place>(?:arn:[^:]*:lambda:[^:]*:)?\d{12}:function:)(?P<name>[\w.-]+)(?::[^:]*)?"
)


def group_name(group: str) -> str:
    """Return the name of a log group, without account and region."""
    found = _GROUP.fullmatch(group)
    return found["name"] if found else group


def group_arn(group: str, function: str) -> str:
    """Return the ARN of a group in the place of a function's ARN."""
    place, _, _ = function.replace(":lambda:", ":logs:", 1).partition(":function:")
    return f"{place}:log-group:{group_name(group)}"


def function_place(group: str | None) -> str:
    """Return what stands before a function's name in its ARN: the place of its log group."""
    found = _GROUP.fullmatch(group or "")
    if not found:
        return ""
    if found["owner"]:
        return f"{found['owner']}:function:"
    return f"arn:{found['partition']}:lambda:{found['region']}:{found['account']}:function:"


def unqualified(arn: str | None) -> str | None:
    """Return a function's ARN without version or alias; ``None`` for anything else."""
    found = _FUNCTION.fullmatch(arn or "")
    return found["place"] + found["name"] if found else None


def function_name(function: str) -> str:
    """Return the name of a function, without account and region."""
    found = _FUNCTION.fullmatch(function)
    return found["name"] if found else function


def short_name(function: str) -> str:
    """``orders (eu-west-1, 111122223333)`` for an ARN: the name comes first in a narrow column."""
    found = _FUNCTION.fullmatch(function)
    if not found:
        return function
    parts = found["place"].split(":")
    return f"{found['name']} ({', '.join(p for p in (*parts[3:4], parts[-3]) if p)})"


def has_place(name: str | None) -> bool:
    """Whether the account of a log group or of a function stands in its name."""
    return bool(name and (_GROUP.fullmatch(name) or _FUNCTION.fullmatch(name)))


def account_and_region(group: str) -> tuple[str | None, str | None]:
    """Return the account and the region that stand in the name of a group."""
    found = _GROUP.fullmatch(group)
    return (found["account"] or found["owner"], found["region"]) if found else (None, None)


def may_be_in(group: str, place: tuple[str | None, str | None]) -> bool:
    """Whether a group can be in an account and a region: its name does not show another."""
    pairs = zip(account_and_region(group), place, strict=True)
    return all(None in pair or pair[0] == pair[1] for pair in pairs)


def ambiguous_names(names: Iterable[str]) -> Collection[str]:
    """Return the names, without account and region, that stand for several of ``names``."""
    places: dict[str, set[str]] = defaultdict(set)
    for name in names:
        if has_place(name):
            places[function_name(group_name(name))].add(name)
    return {name for name, several in places.items() if len(several) > 1}


# 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef, in a custom group 2026/11/23/name[7]…
_STREAM_OF_FUNCTION = late_regex(r"\d{4}/\d\d/\d\d/([\w-]*)\[(\$LATEST(?:\.PUBLISHED)?|\d+)\]")
_GROUP_OF_FUNCTION = re.compile(r"(?:.*:)?/aws/lambda/([^/:]+)(?::\*)?\Z")


def function_from_names(log_group: str | None, log_stream: str | None) -> str | None:
    """Return the function that logs there, by the name of its group, or of its stream.

    Where the group is named with its account and region, so is the function.
    """
    m = _GROUP_OF_FUNCTION.match(log_group) if log_group else None
    m = m or _STREAM_OF_FUNCTION.match(log_stream or "")
    return function_place(log_group) + m[1] if m and m[1] else None


def version_from_stream(log_stream: str | None) -> str | None:
    """Return the version that the name of a log stream has."""
    m = _STREAM_OF_FUNCTION.match(log_stream or "")
    return m[2] if m else None
