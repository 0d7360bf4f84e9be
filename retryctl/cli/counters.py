"""``retryctl counters``: the counters as a file, a policy or a layer."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from retryctl.cli import params as options
from retryctl.cli.help import CommandApp
from retryctl.cli.vendoring import Store, write_joined, write_layer
from retryctl.errors import ExitStatus

app = CommandApp(
    help="What a function imports to count its retries, as a file, a layer and a policy.",
)


@app.command()
def vendor(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="The function's folder.", show_default=False)
    ],
    store: Annotated[Store, typer.Option("--store", help="Where to count.")] = Store.TMP,
    debug: options.Debug = False,
) -> int:
    """Write the one file that a function needs: no package, no layer.

    DIR/retryctl_counters.py has the counter of the store and branch_on_retry.
    """
    print(write_joined(directory, store))
    return ExitStatus.OK


@app.command()
def iam(
    store: Annotated[Store, typer.Argument(metavar="STORE", help="tmp, s3, dynamodb or logs.")],
    table: Annotated[str, typer.Option(metavar="NAME", help="dynamodb: the table.")] = "TABLE",
    bucket: Annotated[str, typer.Option(metavar="NAME", help="s3: the bucket.")] = "BUCKET",
    prefix: Annotated[str, typer.Option(metavar="KEY", help="s3: the prefix.")] = "retries/",
    log_group: Annotated[
        str, typer.Option(metavar="NAME", help="logs: the function's own log group.")
    ] = "/aws/lambda/FUNCTION",
    by_hand: Annotated[
        bool,
        typer.Option("--by-hand", help="Allow also what count() needs where record() counts."),
    ] = False,
    debug: options.Debug = False,
) -> int:
    """Print the least permissions that the function's role needs, as a policy.

    Names that are not given stand in capitals, for you to replace.
    """
    statements = {
        Store.TMP: [],
        Store.S3: _s3(bucket, prefix),
        Store.DYNAMODB: _dynamodb(table, by_hand),
        Store.LOGS: _logs(log_group),
    }[store]
    print(json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2))
    if not statements:
        print("retryctl: tmp needs no permission, so there is nothing to attach.", file=sys.stderr)
    return ExitStatus.OK


@app.command()
def layer(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The zip to write.", show_default=False)
    ] = Path("retryctl-counters.zip"),
    debug: options.Debug = False,
) -> int:
    """Write a Lambda layer with retryctl.counters, for every Python runtime from 3.9."""
    write_layer(file)
    print(file)
    return ExitStatus.OK


def _s3(bucket: str, prefix: str) -> list[dict[str, object]]:
    under = f"{prefix.strip('/')}/*".lstrip("/")
    arn = f"arn:aws:s3:::{bucket}"
    return [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{arn}/{under}"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": arn,
            "Condition": {"StringLike": {"s3:prefix": under}},
        },
    ]


def _dynamodb(table: str, by_hand: bool) -> list[dict[str, object]]:
    actions = ["dynamodb:GetItem"] * by_hand + ["dynamodb:UpdateItem"]
    return [
        {
            "Effect": "Allow",
            "Action": actions,
            "Resource": f"arn:aws:dynamodb:*:*:table/{table}",
        }
    ]


def _logs(log_group: str) -> list[dict[str, object]]:
    return [
        {
            "Effect": "Allow",
            "Action": "logs:FilterLogEvents",
            "Resource": f"arn:aws:logs:*:*:log-group:{log_group}:*",
        }
    ]
