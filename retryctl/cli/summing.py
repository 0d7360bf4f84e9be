"""From the words of ``summary`` and ``list`` to the answer and its exit status."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from fnmatch import fnmatchcase
from heapq import nlargest
from itertools import islice
from pathlib import Path
from typing import Any

from retryctl.cli import telling
from retryctl.cli.options import Look, Show
from retryctl.cli.report_files import report_files, write
from retryctl.cli.screen import Screen, stdout_screen
from retryctl.cli.terminal import put, remark
from retryctl.cli.times import read_window, zone
from retryctl.cli.whole_log import Tallies, Whole, counted, requests_listed
from retryctl.cli.window import Window
from retryctl.core.checks import Check, Verdict
from retryctl.core.claims import Branches
from retryctl.core.comparing import Change, changes
from retryctl.core.coverage import Coverage
from retryctl.core.crosscheck import RULES
from retryctl.core.listing import Listed, Wanted
from retryctl.core.near import near
from retryctl.core.requests import RequestOutcome
from retryctl.core.summary import Tally
from retryctl.errors import ExitStatus, NothingFound, UsageError
from retryctl.settings import Settings, load_settings
from retryctl.views.figures import Tallies as FunctionTallies
from retryctl.views.json import coverage_object
from retryctl.views.sentences import coverage_sentence
from retryctl.views.summary_json import summary_document, summary_lines, summary_object

_LIST_FORMS = ("text", "json", "jsonl", "csv")
_SUMMARY_FORMS = (*_LIST_FORMS, "html")
_SHOWN_AS_TEXT = 50
_LINES_AT_ONCE = 100
_PATTERN = set("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that a summary tells: each function's figures, the worst first, and their sum."""

    total: Tally
    named: FunctionTallies
    coverage: Coverage
    branches: Branches
    changed: list[Change] | None


def summarise(
    functions: Sequence[str],
    look: Look,
    show: Show,
    *,
    form: str,
    compare: Path | None,
    reports: Sequence[str],
) -> ExitStatus:
    """Count the requests of ``functions`` in the window, and print and write the figures."""
    _known(form, _SUMMARY_FORMS, "--output")
    files = report_files(reports, _SUMMARY_FORMS, source=look.source)
    before = _earlier(compare) if compare else None
    now_ms = telling.now_ms()
    look, keep = _asked(functions, look)
    settings, window = _settings(look), _window(look, show, now_ms)
    whole, tallies = counted(look, settings, window, now_ms=now_ms, quiet=show.quiet)
    named = _worst_first({name: each for name, each in tallies.items() if keep(name)})
    total, branches = _total(named), settings.markers.branches
    figures = Figures(
        total=total,
        named=named or [(look.function, total)],
        coverage=whole.coverage,
        branches=branches,
        changed=changes(before, summary_object(None, total, branches)) if before else None,
    )
    _remark(whole, show)
    for file in files:
        write(file.path, _summary(figures, file.form, zone(show.tz), Screen()))
    if total.requests or form != "text":
        text = _summary(figures, form, zone(show.tz), stdout_screen(show.color))
        put(text, document=form != "text")
    if not total.requests:
        raise _nothing(whole.coverage, show)
    return ExitStatus.OK


def list_requests(
    functions: Sequence[str],
    look: Look,
    show: Show,
    wanted: Wanted,
    *,
    form: str,
    limit: int | None,
) -> ExitStatus:
    """List the requests of ``functions`` in the window that are wanted."""
    _known(form, _LIST_FORMS, "--output")
    now_ms = telling.now_ms()
    look, keep = _asked(functions, look)
    settings, window = _settings(look), _window(look, show, now_ms)
    whole, found = requests_listed(look, settings, window, wanted, now_ms=now_ms, quiet=show.quiet)
    listed = (each for each in found if keep(each.function))
    _remark(whole, show)
    count = (
        _put_lines(islice(listed, limit))
        if form == "jsonl"
        else _put_sorted(listed, whole.coverage, show, form, limit)
    )
    if not count:
        raise _nothing(whole.coverage, show)
    return ExitStatus.OK


# --------------------------------------------------------------------------- what was asked


def wanted(
    *,
    outcome: str | None,
    verdict: str | None,
    finding: str | None,
    error: str | None,
    least_attempts: int,
) -> Wanted:
    """The filter that the options of ``list`` mean. Raises UsageError for an unknown name."""
    return Wanted(
        outcomes=_names(outcome, [each.value for each in RequestOutcome], "--outcome"),
        verdicts=_names(verdict, [each.value for each in Verdict], "--verdict"),
        findings=_names(finding, [rule.id for rule in RULES], "--finding"),
        error=error,
        least_attempts=least_attempts,
    )


def _names(text: str | None, known: Sequence[str], option: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    for name in names:
        _known(name, known, option)
    return names


def _known(name: str, known: Sequence[str], option: str) -> None:
    if name not in known:
        hint = near(name, known) or f"Known: {', '.join(known)}."
        raise UsageError(f"{option} does not know {name!r}.", hint)


def _asked(functions: Sequence[str], look: Look) -> tuple[Look, Callable[[str | None], bool]]:
    """Where to look, and whether a function that was found there is asked for."""
    names = [*functions, *([look.function] if look.function else [])]
    if len(names) == 1 and not _PATTERN & set(names[0]):
        return replace(look, function=names[0]), lambda _: True
    if look.source == "cloudwatch" and names:
        raise UsageError(
            "on CloudWatch one function can be counted at a time.",
            "Name one function, or give the log groups of several with -g.",
        )
    return look, lambda name: not names or any(fnmatchcase(name or "", each) for each in names)


def _settings(look: Look) -> Settings:
    return Settings() if look.source == "demo" else load_settings(Path.cwd())


def _window(look: Look, show: Show, now_ms: int) -> Window:
    since_ms, until_ms = read_window(look.since, look.until, now_ms=now_ms, tz=zone(show.tz))
    return Window(since_ms=since_ms, until_ms=until_ms)


def _earlier(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
        changes(document, document)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{path} is no summary.", "Save one with retryctl summary --output json > FILE."
        ) from None
    return dict(document)


# --------------------------------------------------------------------------- showing it


def _summary(figures: Figures, form: str, tz: tzinfo, screen: Screen) -> str:
    total, named, coverage = figures.total, figures.named, figures.coverage
    branches, changed = figures.branches, figures.changed
    if form == "json":
        return summary_document(total, named, coverage, branches, changed)
    if form == "jsonl":
        return summary_lines(named, coverage, branches)
    if form == "csv":
        from retryctl.views.summary_csv import summary_csv

        return summary_csv(named, branches)
    if form == "html":
        from retryctl.views.page_summary import summary_page

        several = named if len(named) > 1 else ()
        return summary_page(
            total,
            coverage,
            function=named[0][0],
            tz=tz,
            branches=branches,
            several=several,
            changes=changed or (),
        )
    from retryctl.views.summary_text import summary_text

    return summary_text(
        total,
        named,
        coverage,
        branches,
        changed,
        tz=tz,
        console_width=screen.width,
        colour=screen.colour,
        ascii_only=screen.ascii_only,
    )


def _put_lines(listed: Iterator[Listed]) -> int:
    """Print each request as it is found; returns how many there were."""
    from retryctl.views.listing import listed_line

    count = 0
    lines = map(listed_line, listed)
    while some := list(islice(lines, _LINES_AT_ONCE)):
        put("".join(some))
        count += len(some)
    return count


def _put_sorted(
    listed: Iterator[Listed], coverage: Coverage, show: Show, form: str, limit: int | None
) -> int:
    """Print the requests, the newest first; returns how many there were."""
    from retryctl.views import listing

    at_most = limit or (_SHOWN_AS_TEXT if form == "text" else None)
    newest, count = _newest(listed, at_most)
    if form == "json":
        put(listing.listed_document(newest, coverage_object(coverage)))
    elif form == "csv":
        from retryctl.views.summary_csv import list_csv

        put(list_csv(newest))
    elif newest:
        shown = f"{len(newest):,} of {count:,} requests, the newest first"
        remarks = [
            f"{shown}; --limit shows more." if len(newest) < count else f"{shown}.",
            coverage_sentence(coverage, zone(show.tz)),
            *(gap.message for gap in coverage.gaps),
        ]
        screen = stdout_screen(show.color)
        put(
            listing.list_text(
                newest,
                remarks,
                tz=zone(show.tz),
                console_width=screen.width,
                colour=screen.colour,
                ascii_only=screen.ascii_only,
            )
        )
    return count


def _newest(listed: Iterator[Listed], at_most: int | None) -> tuple[list[Listed], int]:
    """The newest of them, and how many there are in all; no more than those are held."""
    count = 0

    def counted_on() -> Iterator[Listed]:
        nonlocal count
        for each in listed:
            count += 1
            yield each

    def by_age(each: Listed) -> tuple[int, str]:
        return (each.placed_ms, each.request_id)

    if at_most is None:
        newest = sorted(counted_on(), key=by_age, reverse=True)
    else:
        newest = nlargest(at_most, counted_on(), key=by_age)
    return newest, count


def _remark(whole: Whole, show: Show) -> None:
    for text in whole.remarks:
        remark(f"retryctl: {text}", quiet=show.quiet)


# --------------------------------------------------------------------------- figures


def _worst_first(tallies: Tallies) -> FunctionTallies:
    """By wrong counts on retries, then by failed attempts."""

    def badness(item: tuple[str | None, Tally]) -> tuple[int, int, str]:
        name, tally = item
        failed = sum(count for each, count in tally.attempt_outcomes.items() if each.failed)
        return (-tally.retries_judged[Check.DISAGREES], -failed, name or "")

    return sorted(tallies.items(), key=badness)


def _total(named: FunctionTallies) -> Tally:
    total = Tally()
    for _, tally in named:
        total.merge(tally)
    return total


def _nothing(coverage: Coverage, show: Show) -> NothingFound:
    looked = coverage_sentence(coverage, zone(show.tz))
    step = {
        "cloudwatch": "Widen the window with --since, or name another function.",
        "demo": "The demo has no such request.",
    }.get(coverage.source, "Is it the right file, and the right window?")
    return NothingFound(
        "there is no such request in the window.", f"{looked[:1].upper()}{looked[1:]}\n{step}"
    )
