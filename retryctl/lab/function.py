"""The function that the lab runs: its handler, and the settings that Lambda would hold for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from retryctl.lab.platform_log import Level

LogFormat = Literal["text", "json"]
Isolation = Literal["namespaces", "bubblewrap", "patched"]
ISOLATIONS: tuple[Isolation, ...] = ("namespaces", "bubblewrap", "patched")

REGION = "us-east-1"
ACCOUNT = "123456789012"
VERSION = "$LATEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A handler with its settings.

    ``handler`` is ``module.function`` as Lambda takes it, looked for in ``task``, the folder
    of the function's code. ``application_level`` and ``system_level`` hold for the JSON
    format only. ``python`` is the function's interpreter, ``python_version`` (``3.13``) what
    INIT_START says of it: empty for what it is. ``isolation`` are the ways to a private
    /tmp, in the order in which they are tried.
    """

    handler: str
    task: Path
    name: str = "function"
    timeout_s: float = 3.0
    memory_mb: int = 128
    log_format: LogFormat = "text"
    application_level: str | None = None
    system_level: Level = "INFO"
    environment: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable
    python_version: str = ""
    isolation: tuple[Isolation, ...] = ISOLATIONS
    stand_in: bool = False

    @property
    def log_group(self) -> str:
        """The group that Lambda makes for the function."""
        return f"/aws/lambda/{self.name}"

    @property
    def arn(self) -> str:
        """An ARN of the function, in an account that is nobody's."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    def variables(self, log_stream: str, runtime_api: str) -> dict[str, str]:
        """Return the environment of the function's process: Lambda's, and nothing of the host's."""
        variables = {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{self.python_version}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": VERSION,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON" if self.log_format == "json" else "Text",
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_REGION": REGION,
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            "TZ": ":UTC",
            "_HANDLER": self.handler,
        }
        if self.application_level is not None:
            variables["AWS_LAMBDA_LOG_LEVEL"] = self.application_level
        return {**variables, **self.environment}
