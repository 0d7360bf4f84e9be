"""What a shell offers as the value of an option. Nothing here calls AWS."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from glob import escape, glob
from importlib.util import find_spec
from pathlib import Path

Names = Callable[[], Iterable[str]]
Completion = Callable[[str], list[str]]

SUMMARY_FORMS = ("text", "json", "jsonl", "csv", "html", "svg", "markdown")
LIST_FORMS = ("text", "json", "jsonl", "csv", "html", "markdown")


def one_of(*names: str) -> Completion:
    """Complete one of some names."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


times = one_of("15m", "1h", "24h", "7d", "today", "yesterday")
waits = one_of("1m", "5m", "15m", "1h")
stores = one_of("dynamodb://", "s3://")
plans = one_of("all", *(f"{one},{two}" for one in ("same", "fresh") for two in ("same", "fresh")))


def some_of(names: Names) -> Completion:
    """Complete the last name of a list with commas."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        given = before.split(",")
        return [
            f"{before}{comma}{name}"
            for name in names()
            if name.startswith(last) and name not in given
        ]

    return complete


def report_of(*forms: str) -> Completion:
    """Complete ``FORM=``, and the file after it."""

    def complete(incomplete: str) -> list[str]:
        form, equals, path = incomplete.partition("=")
        if equals:
            return [f"{form}={name}" for name in files(path)]
        return [f"{name}=" for name in forms if name.startswith(form)]

    return complete


def outcomes() -> list[str]:
    """Return the outcomes of requests."""
    from retryctl.core.model.request import RequestOutcome

    return [outcome.value for outcome in RequestOutcome]


def verdicts() -> list[str]:
    """Return the verdicts."""
    from retryctl.core.crosscheck.attempt_check import Verdict

    return [verdict.value for verdict in Verdict]


def findings() -> list[str]:
    """Return the names of the findings."""
    from retryctl.core.rules import ALL_RULES

    return [rule.id for rule in ALL_RULES]


def explained() -> list[str]:
    """Return the names that ``retryctl explain`` explains."""
    from retryctl.views.rule_texts import rule_texts, term_texts

    return [*rule_texts(), *term_texts()]


def schemas() -> list[str]:
    """Return the names of the JSON Schemas."""
    from retryctl.views.json.schemas import SCHEMAS

    return list(SCHEMAS)


def failing() -> list[str]:
    """Return the values of ``--fail-on``: severities and findings."""
    return ["error", "warning", "info", *findings()]


def sources(incomplete: str) -> list[str]:
    """Return the values of ``--from``: names, and files."""
    return [*one_of("cloudwatch", "demo")(incomplete), *files(incomplete)]


def events(incomplete: str) -> list[str]:
    """Return the values of ``--event``: names of samples, and files."""
    from retryctl.lab.sample_events import sample_events

    return [*one_of(*sample_events())(incomplete), *files(incomplete)]


def files(incomplete: str) -> list[str]:
    """Files and folders; a folder ends in a slash."""
    found = sorted(glob(f"{escape(incomplete)}*"))
    return [f"{path}/" if os.path.isdir(path) else path for path in found]


def zones(incomplete: str) -> list[str]:
    """UTC, local and the names of time zones."""
    from zoneinfo import available_timezones

    return [
        *one_of("UTC", "local")(incomplete),
        *one_of(*sorted(available_timezones()))(incomplete),
    ]


def profiles(incomplete: str) -> list[str]:
    """Return the profiles of the AWS configuration files."""
    from configparser import ConfigParser, Error

    names: dict[str, None] = {}
    for variable, default in (
        ("AWS_CONFIG_FILE", "~/.aws/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ):
        parser = ConfigParser(interpolation=None, strict=False)
        try:
            parser.read(Path(os.environ.get(variable) or default).expanduser(), encoding="utf-8")
        except (Error, OSError, RuntimeError, UnicodeDecodeError):  # no HOME, too
            continue
        for section in parser.sections():
            kind, _, name = section.partition(" ")
            if not name or kind == "profile":
                names[name.strip() or section] = None
    return one_of(*names)(incomplete)


def regions(incomplete: str) -> list[str]:
    """Return the regions that the installed AWS library knows, from its data file."""
    spec = find_spec("botocore")
    for folder in (spec and spec.submodule_search_locations) or ():
        try:
            text = Path(folder, "data", "partitions.json").read_text("utf-8")
            partitions = json.loads(text)["partitions"]
        except (OSError, ValueError, KeyError):
            continue
        names = {name for partition in partitions for name in partition["regions"]}
        return one_of(*sorted(name for name in names if "global" not in name))(incomplete)
    return []
