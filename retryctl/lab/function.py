"""The function that the lab runs: its handler, and its configuration on Lambda."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal

from retryctl.core.value_classes import value_class
from retryctl.lab.platform_log import SystemLevel

LogFormat = Literal["text", "json"]
Isolation = Literal["namespaces", "bubblewrap", "patched"]
ISOLATIONS: tuple[Isolation, ...] = ("namespaces", "bubblewrap", "patched")

REGION = "us-east-1"
ACCOUNT = "123456789012"
VERSION = "$LATEST"
HOME = "/home/sbx_user1051"
"""The home of Lambda's user, which does not exist there either."""

EPHEMERAL_MB = (512, 10_240)

RESERVED = frozenset(
    {
        *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV"),
        *("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME"),
        *("AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE"),
        *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API"),
        *("LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
    }
)
"""Environment variables that Lambda sets, and that a function's configuration must not.

Source: "Defined runtime environment variables" in Lambda's documentation. The credentials of the
function's role belong there too; in the lab they are the only way to give it a role.
"""


@value_class
class Function:
    """A handler with its configuration.

    ``handler`` is ``module.function`` as on Lambda, in ``task``, the folder of the function's
    code. ``application_level`` and ``system_level`` apply to the JSON format only. ``python`` is
    the function's interpreter, ``python_version`` (``3.13``) the version in INIT_START, by default
    the interpreter's. ``isolation`` are the ways to a private /tmp, in the order of trial.
    ``layers`` is a folder with the content of ``/opt``. With ``real_time`` the function's clock is
    the host's. ``stand_in`` runs it without awslambdaric.
    """

    handler: str
    task: Path
    name: str = "function"
    timeout_s: float = 3.0
    memory_mb: int = 128
    ephemeral_mb: int = EPHEMERAL_MB[0]
    log_format: LogFormat = "text"
    application_level: str | None = None
    system_level: SystemLevel = "INFO"
    environment: Mapping[str, str] = field(default_factory=dict)
    region: str = REGION
    layers: Path | None = None
    python: str = sys.executable
    python_version: str = ""
    isolation: tuple[Isolation, ...] = ISOLATIONS
    real_time: bool = False
    stand_in: bool = False

    @property
    def log_group(self) -> str:
        """The log group that Lambda creates for the function."""
        return f"/aws/lambda/{self.name}"

    @property
    def arn(self) -> str:
        """The function's ARN, in an example account."""
        return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{self.name}"

    def variables(self, log_stream: str, runtime_api: str) -> dict[str, str]:
        """Return the environment of the function's process: Lambda's, and nothing of the host's.

        Two variables are not Lambda's: HOME, so that no library reads the host's configuration
        there, and AWS_EC2_METADATA_DISABLED, as the host may have a metadata service.
        """
        variables = {
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{self.python_version}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": VERSION,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON" if self.log_format == "json" else "Text",
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_REGION": self.region,
            "HOME": HOME,
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            "TZ": ":UTC",
            "_HANDLER": self.handler,
        }
        if self.application_level is not None:
            variables["AWS_LAMBDA_LOG_LEVEL"] = self.application_level
        return {**variables, **self.environment}
