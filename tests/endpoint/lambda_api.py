"""The calls of Lambda that tell a function's settings: REST with JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.endpoint.errors import Refusal
from tests.endpoint.store import OWN_ACCOUNT, REGION

_NAME = re.compile(
    r"(?:arn:aws:lambda:[\w-]+:)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[\w-]+)(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)
_ROUTES = (
    (re.compile(r"/2015-03-31/functions/?"), "ListFunctions"),
    (re.compile(r"/2015-03-31/functions/([^/]+)/configuration"), "GetFunctionConfiguration"),
    (
        re.compile(r"/2019-09-25/functions/([^/]+)/event-invoke-config"),
        "GetFunctionEventInvokeConfig",
    ),
    (
        re.compile(r"/2019-09-25/functions/([^/]+)/event-invoke-config/list"),
        "ListFunctionEventInvokeConfigs",
    ),
    (re.compile(r"/2019-09-30/functions/([^/]+)/concurrency"), "GetFunctionConcurrency"),
    (re.compile(r"/2015-03-31/functions/([^/]+)/aliases/([^/]+)"), "GetAlias"),
    (re.compile(r"/2015-03-31/event-source-mappings/?"), "ListEventSourceMappings"),
)


def operation_of(path: str) -> tuple[str, str]:
    """The operation and the function that a GET asks for."""
    for route, operation in _ROUTES:
        if match := route.fullmatch(urlsplit(path).path):
            return operation, unquote(match[1]) if route.groups else ""
    raise Refusal("UnknownOperationException", f"no such route: {path}", 404)


class LambdaApi:
    """``functions``: name -> configuration; ``invoke_configs``: (name, qualifier) -> settings.

    ``routing``: (name, alias) -> the versions with their weights, the first of them the alias's
    own. ``sources``: name -> the ARNs of its event sources.
    """

    def __init__(self) -> None:
        self.functions: dict[str, dict[str, Any]] = {}
        self.invoke_configs: dict[tuple[str, str], dict[str, Any]] = {}
        self.concurrency: dict[str, int] = {}
        self.aliases: dict[str, set[str]] = {}
        self.routing: dict[tuple[str, str], dict[str, float]] = {}
        self.sources: dict[str, list[str]] = {}

    def call(self, operation: str, function: str, path: str) -> dict[str, Any]:
        query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        if operation == "ListFunctions":
            return self._list_functions(query)
        if operation == "ListEventSourceMappings":
            return {"EventSourceMappings": self._mappings(query.get("FunctionName"))}
        match = _NAME.fullmatch(function)
        if match is None:
            raise Refusal("ValidationException", f"invalid function name: {function}", 400)
        qualifier = query.get("Qualifier") or match["qualifier"] or "$LATEST"
        if match["name"] not in self.functions:
            raise _missing(f"Function not found: {arn(match['name'])}")
        if operation == "GetAlias":
            return self._alias(match["name"], urlsplit(path).path.rpartition("/")[2])
        configured = {of for name, of in self.invoke_configs if name == match["name"]}
        known = {"$LATEST", *configured, *self.aliases.get(match["name"], ())}
        if not qualifier.isdecimal() and qualifier not in known:
            raise _missing(f"Function not found: {arn(match['name'])}:{qualifier}")
        answers: dict[str, Callable[[str, str], dict[str, Any]]] = {
            "GetFunctionConfiguration": self._configuration,
            "GetFunctionEventInvokeConfig": self._invoke_config,
            "ListFunctionEventInvokeConfigs": self._invoke_configs,
            "GetFunctionConcurrency": self._concurrency,
        }
        return answers[operation](match["name"], qualifier)

    def _configuration(self, name: str, qualifier: str) -> dict[str, Any]:
        return {
            "FunctionName": name,
            "FunctionArn": arn(name),
            "Version": qualifier,
            **self.functions[name],
        }

    def _invoke_config(self, name: str, qualifier: str) -> dict[str, Any]:
        config = self.invoke_configs.get((name, qualifier))
        if config is None:
            raise _missing(
                f"The function {arn(name)}:{qualifier} doesn't have an EventInvokeConfig"
            )
        return {"FunctionArn": f"{arn(name)}:{qualifier}", **config}

    def _invoke_configs(self, name: str, qualifier: str) -> dict[str, Any]:
        known = [of for (of_name, of) in self.invoke_configs if of_name == name]
        return {"FunctionEventInvokeConfigs": [self._invoke_config(name, of) for of in known]}

    def _alias(self, name: str, alias: str) -> dict[str, Any]:
        if (name, alias) not in self.routing:
            raise _missing(f"Cannot find alias arn: {arn(name)}:{alias}")
        (version, _), *others = self.routing[name, alias].items()
        more = {"RoutingConfig": {"AdditionalVersionWeights": dict(others)}} if others else {}
        return {"Name": alias, "FunctionVersion": version, **more}

    def _concurrency(self, name: str, qualifier: str) -> dict[str, Any]:
        reserved = self.concurrency.get(name)
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    def _mappings(self, function: str | None) -> list[dict[str, str]]:
        names = list(self.sources) if function is None else [function.split(":")[-1]]
        return [
            {"EventSourceArn": source, "FunctionArn": arn(name)}
            for name in names
            for source in self.sources.get(name, ())
        ]

    def _list_functions(self, query: dict[str, str]) -> dict[str, Any]:
        names = sorted(self.functions)
        first, most = int(query.get("Marker", 0)), min(50, int(query.get("MaxItems", 50)))
        page = [self._configuration(name, "$LATEST") for name in names[first : first + most]]
        more = {"NextMarker": str(first + most)} if first + most < len(names) else {}
        return {"Functions": page, **more}


def arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{OWN_ACCOUNT}:function:{name}"


def _missing(message: str) -> Refusal:
    return Refusal("ResourceNotFoundException", message, 404)
