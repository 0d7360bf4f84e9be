"""The functions of a SAM or CloudFormation template, or of a serverless.yml."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from importlib import import_module
from pathlib import Path
from typing import Any

from retryctl.core.value_classes import value_class
from retryctl.core.wording import suggestions
from retryctl.errors import UsageError, install_step

_TEMPLATES = "Name a SAM or CloudFormation template, or a serverless.yml."
_SAM = "AWS::Serverless::Function"
_CLOUDFORMATION = "AWS::Lambda::Function"
_INVOKE_CONFIG = "AWS::Lambda::EventInvokeConfig"
_LAYERS = ("AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion")


@value_class
class TemplateFunction:
    """A function as its template declares it; ``None`` where it does not.

    ``folder`` has the code, ``handler`` is ``module.function``. ``unresolved`` are the names of
    environment variables and layers whose values only a deployment knows.
    """

    name: str
    folder: Path
    handler: str
    runtime: str | None = None
    timeout: float | None = None
    memory: int | None = None
    ephemeral_storage: int | None = None
    log_format: str | None = None
    log_level: str | None = None
    system_log_level: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[Path, ...] = ()
    retries: int | None = None
    unresolved: tuple[str, ...] = ()


def read_function(path: Path, name: str | None) -> TemplateFunction:
    """Return the function ``name`` of a template, or its only one.

    :raises UsageError: the template cannot be read, or does not have the function.
    """
    document = _load(path)
    functions = dict(_functions(document, path.parent))
    if name is None and len(functions) == 1:
        (name,) = functions
    if name not in functions:
        known = ", ".join(functions) or "none with code in a folder"
        asked = f"no function {name}" if name else "several functions or none, and no name is given"
        hint = suggestions(name or "", functions) or f"Functions: {known}."
        raise UsageError(f"{path} has {asked}", hint)
    return functions[name]


def _load(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the template {path} cannot be read: {error}", _TEMPLATES) from error
    try:
        document = json.loads(text) if path.suffix == ".json" else _load_yaml(text)
    except ValueError as error:
        raise UsageError(f"the template {path} cannot be read: {error}", _TEMPLATES) from error
    if not isinstance(document, dict):
        raise UsageError(f"the template {path} is not a mapping", _TEMPLATES)
    return document


def _load_yaml(text: str) -> Any:
    """Read YAML; a tag such as ``!Ref`` becomes a mapping, like its long form."""
    try:
        yaml: Any = import_module("yaml")
    except ImportError as error:
        raise UsageError(
            "a template in YAML needs PyYAML", install_step("PyYAML", "lab")
        ) from error

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # untyped where PyYAML has no stubs
        pass

    def tagged(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return {suffix: loader.construct_scalar(node)}
        if isinstance(node, yaml.SequenceNode):
            return {suffix: loader.construct_sequence(node, deep=True)}
        return {suffix: loader.construct_mapping(node, deep=True)}

    Loader.add_multi_constructor("!", tagged)
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _functions(document: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, TemplateFunction]]:
    for name, function in _mapping(document, "functions").items():  # serverless.yml
        yield name, _of_serverless(name, function, _mapping(document, "provider"), folder)
    resources = _mapping(document, "Resources")
    shared = _mapping(_mapping(document, "Globals"), "Function")
    for name, resource in resources.items():
        own = _mapping(resource, "Properties")
        if resource.get("Type") == _SAM:
            yield name, _of_resource(name, _merged(shared, own), resources, folder)
        elif resource.get("Type") == _CLOUDFORMATION and isinstance(own.get("Code"), str):
            yield name, _of_resource(name, {**own, "CodeUri": own["Code"]}, resources, folder)


def _of_resource(
    name: str, properties: Mapping[str, Any], resources: Mapping[str, Any], folder: Path
) -> TemplateFunction:
    variables = _mapping(_mapping(properties, "Environment"), "Variables")
    env, unresolved = _resolved(variables)
    layers, unknown = _layers(properties.get("Layers") or (), resources, folder)
    logging = _mapping(properties, "LoggingConfig")
    log_format = _text(logging.get("LogFormat"))
    code = properties.get("CodeUri")
    return TemplateFunction(
        name=_text(properties.get("FunctionName")) or name,
        folder=folder / (code if isinstance(code, str) else "."),
        handler=_text(properties.get("Handler")) or "",
        runtime=_text(properties.get("Runtime")),
        timeout=_number(properties.get("Timeout")),
        memory=_number(properties.get("MemorySize")),
        ephemeral_storage=_number(_mapping(properties, "EphemeralStorage").get("Size")),
        log_format=log_format and log_format.lower(),
        log_level=_text(logging.get("ApplicationLogLevel")),
        system_log_level=_text(logging.get("SystemLogLevel")),
        env=env,
        layers=layers,
        retries=_retries(name, properties, resources),
        unresolved=(*unresolved, *unknown),
    )


def _of_serverless(
    name: str, function: Mapping[str, Any], provider: Mapping[str, Any], folder: Path
) -> TemplateFunction:
    both = _merged(provider, function)
    env, unresolved = _resolved(_mapping(both, "environment"))
    return TemplateFunction(
        name=_text(function.get("name")) or name,
        folder=folder,
        handler=_text(function.get("handler")) or "",
        runtime=_text(both.get("runtime")),
        timeout=_number(both.get("timeout")) or 6,  # the framework's own default
        memory=_number(both.get("memorySize")) or 1024,
        ephemeral_storage=_number(function.get("ephemeralStorageSize")),
        env=env,
        retries=_number(function.get("maximumRetryAttempts")),
        unresolved=unresolved,
    )


def _retries(name: str, properties: Mapping[str, Any], resources: Mapping[str, Any]) -> int | None:
    own = _number(_mapping(properties, "EventInvokeConfig").get("MaximumRetryAttempts"))
    if own is not None:
        return own
    for resource in resources.values():
        config = _mapping(resource, "Properties")
        named = config.get("FunctionName")
        if resource.get("Type") == _INVOKE_CONFIG and named in (name, {"Ref": name}):
            return _number(config.get("MaximumRetryAttempts"))
    return None


def _layers(
    wanted: Any, resources: Mapping[str, Any], folder: Path
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Return the folders of the layers in the template, and the names of the others."""
    found, unknown = [], []
    for layer in wanted:
        name = layer.get("Ref") if isinstance(layer, dict) else None
        resource = resources.get(name, {}) if isinstance(name, str) else {}
        content = _mapping(resource, "Properties").get("ContentUri")
        if resource.get("Type") in _LAYERS and isinstance(content, str):
            found.append(folder / content)
        else:
            unknown.append(f"layer {name or layer}")
    return tuple(found), tuple(unknown)


def _resolved(variables: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the variables with a value in the template, and the names of the others."""
    known: dict[str, str] = {}
    unknown: list[str] = []
    for name, value in variables.items():
        if isinstance(value, (dict, list)) or value is None or "${" in str(value):
            unknown.append(name)
        else:
            known[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return known, tuple(unknown)


def _merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``own`` over ``shared``, mappings merged, as SAM merges its globals."""
    result = dict(shared)
    for key, value in own.items():
        before = result.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        result[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return result


def _mapping(document: Any, key: str) -> Mapping[str, Any]:
    value = document.get(key) if isinstance(document, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
