"""Values of an option that are one of a few."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from retryctl.core.wording import suggestions
from retryctl.errors import UsageError


def refuse_unknown(
    name: str, known: Collection[str], option: str, elsewhere: Mapping[str, str] | None = None
) -> None:
    """Raise ``UsageError``, with the nearest of ``known``, where ``name`` is not one of them.

    ``elsewhere`` has the hint for a value of another command.
    """
    if name not in known:
        hint = (elsewhere or {}).get(name) or suggestions(name, known)
        known_values = f"Known: {', '.join(known)}."
        raise UsageError(f"{name!r} is not a value of {option}.", hint or known_values)
