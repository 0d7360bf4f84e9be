"""``retryctl counters``: the counters as a file or a layer, and what their stores need."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any, Literal

from retryctl.cli.command_app import CommandApp, argument, option, required_argument
from retryctl.cli.options.params import CounterStore, debug_option
from retryctl.core.value_classes import value_class
from retryctl.errors import ExitStatus

app = CommandApp(
    help="Get the code a function imports to count its retries, and what its store needs."
)

_option = partial(option, section="Options")


def _table(default: str) -> Any:
    return _option("dynamodb: the table.", default=default, metavar="NAME")


def _bucket() -> Any:
    return _option("s3: the bucket.", default="BUCKET", metavar="NAME")


def _prefix() -> Any:
    return _option("s3: the prefix.", default="retries/", metavar="KEY")


@value_class
class VendorArguments:
    """Which file to write, as it was typed."""

    directory: Path = required_argument("DIR", "The function's folder.", show_default=False)
    store: list[CounterStore] | None = _option(
        "Where to count (repeatable). Default: tmp.", show_default=False
    )
    debug: bool = debug_option()


@app.command()
def vendor(given: VendorArguments) -> int:
    """Write the one file that a function needs: no package, no layer.

    DIR/retryctl_counters.py has the counter of each store, retries and branch_on_retry.
    """
    from retryctl.cli.runs.counters import FILE_NAME, import_line, write_joined

    replaces = (given.directory / FILE_NAME).exists()
    stores = given.store or [CounterStore.TMP]
    print(write_joined(given.directory, stores))
    if replaces:
        print("retryctl: this replaced the file that was there.", file=sys.stderr)
    if not given.store:
        print(
            "retryctl: it counts in /tmp, the default, and misses attempts of other execution "
            "environments. To count these, too: --store dynamodb or --store s3",
            file=sys.stderr,
        )
    print(f"retryctl: to import it: {import_line(stores)}", file=sys.stderr)
    return ExitStatus.OK


@value_class
class PolicyArguments:
    """The store and its names in a policy, as it was typed."""

    store: CounterStore = required_argument("STORE", "tmp, s3, dynamodb or logs.")
    table: str = _table("TABLE")
    bucket: str = _bucket()
    prefix: str = _prefix()
    log_group: str = _option(
        "logs: the function's own log group.", default="/aws/lambda/FUNCTION", metavar="NAME"
    )
    by_hand: bool = _option(
        "Also allow count(), for a function that calls it itself.", default=False
    )
    partition: Literal["aws", "aws-cn", "aws-us-gov"] = _option(
        "The partition of AWS.", default="aws"
    )
    output: Literal["text", "json"] = _option(
        "json: print an empty policy where no permission is needed.",
        *("--output", "-o"),
        default="text",
    )
    debug: bool = debug_option()


@app.command()
def iam(given: PolicyArguments) -> int:
    """Print the IAM policy that the function's role needs: the least permissions.

    Replace the names in capitals.
    """
    statements = _statements(given)
    if statements or given.output == "json":
        print(json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2))
    else:
        print("A counter in /tmp needs no permission: there is no policy to attach.")
    return ExitStatus.OK


@value_class
class TemplateArguments:
    """The store and its names in a template, as it was typed."""

    store: Literal["dynamodb", "s3"] = required_argument("STORE", "dynamodb or s3.")
    form: Literal["sam", "terraform"] = _option("Template format.", default="sam")
    table: str = _table("retries")
    key: str = _option("dynamodb: the partition key.", default="request_id", metavar="NAME")
    sort_key: str | None = _option("dynamodb: the sort key.", metavar="NAME", show_default="none")
    bucket: str = _bucket()
    prefix: str = _prefix()
    debug: bool = debug_option()


@app.command()
def template(given: TemplateArguments) -> int:
    """Print a template of the table with its TTL, or of the bucket with its lifecycle rule."""
    from retryctl.cli.runs.counters import store_template

    print(store_template(given), end="")
    return ExitStatus.OK


@value_class
class LayerArguments:
    """The file of a layer, as it was typed."""

    file: Path = argument(
        "FILE", "The zip to write.", default=Path("retryctl-counters.zip"), show_default=True
    )
    debug: bool = debug_option()


@app.command()
def layer(given: LayerArguments) -> int:
    """Write a Lambda layer with retryctl.counters, for every Python runtime from 3.9."""
    from retryctl.cli.runs.counters import write_layer

    write_layer(given.file)
    print(given.file)
    return ExitStatus.OK


def _statements(given: PolicyArguments) -> list[dict[str, object]]:
    arn = f"arn:{given.partition}"
    if given.store is CounterStore.S3:
        under = f"{given.prefix.strip('/')}/*".lstrip("/")
        bucket = f"{arn}:s3:::{given.bucket}"
        condition = {"StringLike": {"s3:prefix": under}}
        return [
            _allow("s3:PutObject", f"{bucket}/{under}"),
            {**_allow("s3:ListBucket", bucket), "Condition": condition},
        ]
    if given.store is CounterStore.DYNAMODB:
        actions = ["dynamodb:GetItem"] * given.by_hand + ["dynamodb:UpdateItem"]
        return [_allow(actions, f"{arn}:dynamodb:*:*:table/{given.table}")]
    if given.store is CounterStore.LOGS:
        return [_allow("logs:FilterLogEvents", f"{arn}:logs:*:*:log-group:{given.log_group}:*")]
    return []


def _allow(action: str | list[str], resource: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}
