"""``retryctl counters``: the counters as a file or a layer, and what their stores need."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from retryctl.cli.command_app import CommandApp, argument, option, required_argument
from retryctl.cli.options.params import CounterStore, debug_option
from retryctl.core.value_classes import value_class
from retryctl.core.wording import in_a_row
from retryctl.errors import ExitStatus, UsageError

app = CommandApp(
    help="Get the code a function imports to count its retries, and what its store needs."
)

_WITH_TEMPLATE = (CounterStore.DYNAMODB, CounterStore.S3)

_option = partial(option, section="Options")


def _table(default: str) -> Any:
    return _option("dynamodb: the table.", default=default, metavar="NAME")


def _bucket() -> Any:
    return _option("s3: the bucket.", default="BUCKET", metavar="NAME")


def _prefix() -> Any:
    return _option("s3: the prefix.", default="retries/", metavar="KEY")


def _store(*known: CounterStore) -> Any:
    return argument("STORE", f"{in_a_row(known, 'or')}. Or --store.")


def _store_option() -> Any:
    return _option("The same as STORE.", "--store", metavar="STORE", show_default=False)


@value_class
class VendorArguments:
    """Which file to write, as it was typed."""

    directory: Path = required_argument("DIR", "The function's folder.", show_default=False)
    stores: list[CounterStore] | None = argument(
        "[STORE...]", "Where to count: tmp, s3, dynamodb or logs. Or --store. Default: tmp."
    )
    store: list[CounterStore] | None = _option(
        "The same as STORE (repeatable).", metavar="STORE", show_default=False
    )
    debug: bool = debug_option()


@app.command()
def vendor(given: VendorArguments) -> int:
    """Write the one file that a function needs: no package, no layer.

    DIR/retryctl_counters.py has the counter of each store, retries and branch_on_retry.
    """
    from retryctl.cli.runs.counters import FILE_NAME, import_line, write_joined

    replaces = (given.directory / FILE_NAME).exists()
    named = [*(given.stores or ()), *(given.store or ())]
    stores = named or [CounterStore.TMP]
    print(write_joined(given.directory, stores))
    if replaces:
        print("retryctl: this replaced the file that was there.", file=sys.stderr)
    if not named:
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

    store: CounterStore | None = _store(*CounterStore)
    store_option: CounterStore | None = _store_option()
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
    from retryctl.cli.runs.store_resources import policy_statements

    store = _one_store(given.store, given.store_option, list(CounterStore), "iam")
    statements = policy_statements(given, store)
    if statements or given.output == "json":
        print(json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2))
    else:
        print("A counter in /tmp needs no permission: there is no policy to attach.")
    return ExitStatus.OK


@value_class
class TemplateArguments:
    """The store and its names in a template, as it was typed."""

    store: CounterStore | None = _store(*_WITH_TEMPLATE)
    store_option: CounterStore | None = _store_option()
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
    from retryctl.cli.runs.store_resources import store_template

    store = _one_store(given.store, given.store_option, _WITH_TEMPLATE, "template")
    print(store_template(given, store), end="")
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


def _one_store(
    argument: CounterStore | None,
    option: CounterStore | None,
    known: Sequence[CounterStore],
    command: str,
) -> CounterStore:
    """Return the store that is named, once or twice. Raises ``UsageError`` for another."""
    named = argument or option
    choice = f"Choose from: {', '.join(known)}."
    if named is None:
        raise UsageError("no store is given.", f"{choice} See retryctl counters {command} --help.")
    if option and option is not named:
        raise UsageError(f"both {named} and {option} are named as the store.", "Drop one of them.")
    if named not in known:
        raise UsageError(f"{named} has nothing to create.", choice)
    return named
