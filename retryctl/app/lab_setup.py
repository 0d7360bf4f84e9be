"""Make the function of a lab from options, for the command and the fixture."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from retryctl.core.value_classes import value_class
from retryctl.errors import UsageError
from retryctl.lab.delivery import MOST_RETRIES, EventSource
from retryctl.lab.function import REGION, Function
from retryctl.lab.function_options import (
    make_function,
    merged_layers,
    parse_variables,
    read_variables,
)
from retryctl.lab.lab import LabEvent
from retryctl.lab.local_aws import LocalAws, local_aws
from retryctl.lab.template import TemplateFunction, read_function

SETUP_OPTIONS = ("handler", "template", "env", "env_file", "layer", "aws", "profile_through")
"""The options that are read here; all others are those of ``make_function``."""


class VariableSource(StrEnum):
    """Where environment variables come from, as a remark names it."""

    FILE = "the environment file"
    OPTION = "--env"
    PROFILE = "the profile"


_DECLARED = ("name", "timeout", "memory", "ephemeral_storage")
_DECLARED_LOGGING = ("log_format", "log_level", "system_log_level")


@value_class
class LabSetup:
    """A function that is ready to run.

    ``retries`` is the template's MaximumRetryAttempts. ``variables`` are those of the local AWS
    and of a profile's credentials. ``remarks`` are sentences for the user.
    """

    function: Function
    variables: Mapping[str, str]
    local: LocalAws | None = None
    retries: int | None = None
    remarks: tuple[str, ...] = ()

    def retries_of(self, source: EventSource, wanted: int | None) -> int:
        """Return the number of retries: ``wanted``, else the template's, else 2.

        :raises UsageError: Lambda does not retry as often.
        """
        retries = next((n for n in (wanted, self.retries) if n is not None), 2)
        most = MOST_RETRIES[source]
        if 0 <= retries <= most:
            return retries
        raise UsageError(
            f"{retries} retries are out of range: Lambda allows 0 to {most} for source {source}",
            "An asynchronous event has at most 2; the sources sqs and stream have more.",
        )

    def on_event(self, logged: LabEvent) -> None:
        """Put a log event where clients of the local AWS read it."""
        if self.local is not None:
            self.local.add(logged.event)


@contextlib.contextmanager
def open_setup(options: Mapping[str, Any], folder: Path) -> Iterator[LabSetup]:
    """Make the function of some options, with its layers and its local AWS until the block ends.

    ``options`` are those of the command by name, None where not given; paths are relative to
    ``folder``. ``env`` is a mapping, or texts ``NAME=VALUE``. Options win over the template.

    :raises UsageError: an option has a value that Lambda or the lab does not accept.
    """
    given = {name: value for name, value in options.items() if value is not None}
    own = {name: given.pop(name, None) for name in SETUP_OPTIONS}
    declared = _declared(own, folder)
    if own["aws"] not in (None, "moto"):
        raise UsageError(f"aws={own['aws']!r} is not 'moto'", "Use 'moto', or drop it.")
    with contextlib.ExitStack() as stack:
        local = None
        if own["aws"]:
            local = stack.enter_context(local_aws(region=given.get("region", REGION)))
        sources = _variables(own, folder)
        extra = {**(local.variables() if local else {}), **sources.get(VariableSource.PROFILE, {})}
        env = dict(declared.env) if declared else {}
        for variables in (*sources.values(), extra):
            env |= variables
        layers = own["layer"] or (declared.layers if declared else ())
        named = {
            "handler": declared.handler if declared else own["handler"],
            "env": env,
            "layers": stack.enter_context(merged_layers([folder / one for one in layers])),
            **(_settings(declared) if declared else {}),
            **given,
        }
        yield LabSetup(
            function=make_function(named, declared.folder if declared else folder),
            variables=extra,
            local=local,
            retries=declared.retries if declared else None,
            remarks=(*_credentials(sources, own), *_unresolved(declared, own, env)),
        )


def _declared(own: Mapping[str, Any], folder: Path) -> TemplateFunction | None:
    if own["template"] is not None:
        return read_function(folder / own["template"], own["handler"])
    if own["handler"] is None:
        raise UsageError(
            "no HANDLER is given", "Name it, for example app.py:handler, or give --template."
        )
    return None


def _settings(declared: TemplateFunction) -> dict[str, Any]:
    """Return what a template declares, as options of ``make_function``."""
    found = {name: getattr(declared, name) for name in (*_DECLARED, *_DECLARED_LOGGING)}
    version = (declared.runtime or "").removeprefix("python")
    if declared.runtime and version != declared.runtime:
        found["python_version"] = version
    return {name: value for name, value in found.items() if value is not None}


def _variables(own: Mapping[str, Any], folder: Path) -> dict[VariableSource, dict[str, str]]:
    """Return the variables of each source; a later one wins."""
    found: dict[VariableSource, dict[str, str]] = {}
    if own["env_file"] is not None:
        found[VariableSource.FILE] = read_variables(folder / own["env_file"])
    if own["env"]:
        env = own["env"]
        found[VariableSource.OPTION] = (
            dict(env) if isinstance(env, Mapping) else parse_variables(env)
        )
    if own["profile_through"] is not None:
        from retryctl.sources.aws.client import profile_variables

        found[VariableSource.PROFILE] = profile_variables(own["profile_through"])
    return found


def _credentials(
    sources: Mapping[VariableSource, Mapping[str, str]], own: Mapping[str, Any]
) -> Iterator[str]:
    """Report each source of AWS credentials, but for the mapping that a test gives."""
    names = {VariableSource.FILE: own["env_file"], VariableSource.PROFILE: own["profile_through"]}
    for source, variables in sources.items():
        is_a_tests = source is VariableSource.OPTION and isinstance(own["env"], Mapping)
        if "AWS_SECRET_ACCESS_KEY" in variables and not is_a_tests:
            name = f" {names[source]}" if source in names else ""
            yield f"the function gets the AWS credentials of {source}{name}."


def _unresolved(
    declared: TemplateFunction | None, own: Mapping[str, Any], env: Mapping[str, str]
) -> Iterator[str]:
    """Name the values that only a deployment has, unless an option gives them."""
    for name in declared.unresolved if declared else ():
        is_given = bool(own["layer"]) if name.startswith("layer ") else name in env
        if not is_given:
            yield f"the template gives no value for {name}; set it with --env or --layer."
