"""What ``summary`` and ``list`` were both asked: which functions, in which window.

With it what both say of the answer: the remarks on it, and that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from retryctl.app.window import Window, WindowInfo
from retryctl.cli.params import OutputOptions, SourceOptions
from retryctl.cli.telling import not_seen, where_looked
from retryctl.cli.terminal import remark
from retryctl.cli.times import read_window, zone
from retryctl.core.model.coverage import Coverage
from retryctl.core.wording import suggestions
from retryctl.errors import NothingFound, UsageError
from retryctl.sources.aws.function_config import parse_function_name
from retryctl.sources.aws.log_groups import is_pattern

_MOST_GAPS = 10


def functions_asked(
    functions: Sequence[str], look: SourceOptions
) -> tuple[SourceOptions, Callable[[str | None], bool]]:
    """Where to look, and whether a function that was found there is asked for.

    Raises ``UsageError`` for what can be no function's name.
    """
    names = tuple(dict.fromkeys([*functions, *([look.function] if look.function else [])]))
    if len(names) == 1 and not is_pattern(names[0]):
        return replace(look, function=names[0]), lambda _: True
    if look.source == "cloudwatch" and not look.log_groups:
        return replace(look, functions=names), lambda _: True
    patterns = [each if is_pattern(each) else parse_function_name(each).name for each in names]
    return (
        look,
        lambda name: not patterns or any(fnmatchcase(name or "", each) for each in patterns),
    )


def window_asked(look: SourceOptions, show: OutputOptions, now_ms: int) -> Window:
    """The window of ``--since`` and ``--until``, whose times without a zone are in ``--tz``."""
    since_ms, until_ms = read_window(look.since, look.until, now_ms=now_ms, tz=zone(show.tz))
    return Window(since_ms=since_ms, until_ms=until_ms)


def refuse_unknown(name: str, known: Sequence[str], option: str) -> None:
    """Raise ``UsageError``, with the nearest of ``known``, where ``name`` is none of them."""
    if name not in known:
        hint = suggestions(name, known) or f"Known: {', '.join(known)}."
        raise UsageError(f"{option} does not know {name!r}.", hint)


# --------------------------------------------------------------------------- the answer


def tell_remarks(whole: WindowInfo, show: OutputOptions) -> None:
    """Say on stderr what should be said of how it was looked."""
    for text in whole.remarks:
        remark(f"retryctl: {text}", quiet=show.quiet)


def tell_not_seen(coverage: Coverage, show: OutputOptions, form: str) -> None:
    """Say on stderr what was not seen, where an answer in ``form`` does not say it to a person."""
    if form not in ("text", "html"):
        for sentence in not_seen(coverage, _MOST_GAPS):
            remark(f"retryctl: {sentence}", quiet=show.quiet)


def nothing_found(coverage: Coverage, show: OutputOptions) -> NothingFound:
    """That there is no such request, where it was looked for, and the next step from there."""
    step = {
        "cloudwatch": "Widen the window with --since, or name another function.",
        "demo": "The demo has no such request.",
    }.get(coverage.source, "Is it the right file, and the right window?")
    return NothingFound(
        "there is no such request in the window.",
        f"{where_looked(coverage, zone(show.tz))}\n{step}",
    )
