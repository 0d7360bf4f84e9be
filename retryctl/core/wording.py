"""How a number reads in a sentence."""

from __future__ import annotations


def number_of(number: int, noun: str, several: str = "") -> str:
    """``1 attempt``, ``2 attempts``, ``1,000 attempts``; ``several`` where an s will not do."""
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"
