"""``retryctl counters``: the counters as a file or a layer, and what their stores need."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import params as options
from retryctl.cli.options.params import CounterStore
from retryctl.errors import ExitStatus

app = CommandApp(
    help="Get the code a function imports to count its retries, and what its store needs.",
)


Table = Annotated[str, typer.Option(metavar="NAME", help="dynamodb: the table.")]
Bucket = Annotated[str, typer.Option(metavar="NAME", help="s3: the bucket.")]
Prefix = Annotated[str, typer.Option(metavar="KEY", help="s3: the prefix.")]


@app.command()
def vendor(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="The function's folder.", show_default=False)
    ],
    store: Annotated[
        list[CounterStore] | None,
        typer.Option(
            "--store", help="Where to count (repeatable). Default: tmp.", show_default=False
        ),
    ] = None,
    debug: options.Debug = False,
) -> int:
    """Write the one file that a function needs: no package, no layer.

    DIR/retryctl_counters.py has the counter of each store, retries and branch_on_retry.
    """
    from retryctl.cli.runs.vendoring import FILE_NAME, import_line, write_joined

    replaces = (directory / FILE_NAME).exists()
    stores = store or [CounterStore.TMP]
    print(write_joined(directory, stores))
    if replaces:
        print("retryctl: this replaced the file that was there.", file=sys.stderr)
    if not store:
        print(
            "retryctl: it counts in /tmp, the default, and misses attempts of other execution "
            "environments. To count these, too: --store dynamodb or --store s3",
            file=sys.stderr,
        )
    print(f"retryctl: to import it: {import_line(stores)}", file=sys.stderr)
    return ExitStatus.OK


@app.command()
def iam(
    store: Annotated[
        CounterStore, typer.Argument(metavar="STORE", help="tmp, s3, dynamodb or logs.")
    ],
    table: Table = "TABLE",
    bucket: Bucket = "BUCKET",
    prefix: Prefix = "retries/",
    log_group: Annotated[
        str, typer.Option(metavar="NAME", help="logs: the function's own log group.")
    ] = "/aws/lambda/FUNCTION",
    by_hand: Annotated[
        bool,
        typer.Option("--by-hand", help="Also allow count(), for a function that calls it itself."),
    ] = False,
    partition: Annotated[
        Literal["aws", "aws-cn", "aws-us-gov"], typer.Option(help="The partition of AWS.")
    ] = "aws",
    output: Annotated[
        Literal["text", "json"],
        typer.Option(
            "--output", "-o", help="json: print an empty policy where no permission is needed."
        ),
    ] = "text",
    debug: options.Debug = False,
) -> int:
    """Print the IAM policy that the function's role needs: the least permissions.

    Replace the names in capitals.
    """
    arn = f"arn:{partition}"
    statements = {
        CounterStore.TMP: [],
        CounterStore.S3: _s3(arn, bucket, prefix),
        CounterStore.DYNAMODB: _dynamodb(arn, table, by_hand),
        CounterStore.LOGS: _logs(arn, log_group),
    }[store]
    if statements or output == "json":
        print(json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2))
    else:
        print("A counter in /tmp needs no permission: there is no policy to attach.")
    return ExitStatus.OK


@app.command()
def template(
    store: Annotated[
        Literal["dynamodb", "s3"], typer.Argument(metavar="STORE", help="dynamodb or s3.")
    ],
    form: Annotated[Literal["sam", "terraform"], typer.Option(help="Template format.")] = "sam",
    table: Table = "retries",
    key: Annotated[
        str, typer.Option(metavar="NAME", help="dynamodb: the partition key.")
    ] = "request_id",
    sort_key: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="dynamodb: the sort key.", show_default="none"),
    ] = None,
    bucket: Bucket = "BUCKET",
    prefix: Prefix = "retries/",
    debug: options.Debug = False,
) -> int:
    """Print a template of the table with its TTL, or of the bucket with its lifecycle rule."""
    from retryctl.cli.runs.store_templates import sam_template, terraform_template

    print_of = sam_template if form == "sam" else terraform_template
    print(
        print_of(
            CounterStore(store),
            table=table,
            key=key,
            sort_key=sort_key,
            bucket=bucket,
            prefix=prefix,
        ),
        end="",
    )
    return ExitStatus.OK


@app.command()
def layer(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The zip to write.")] = Path(
        "retryctl-counters.zip"
    ),
    debug: options.Debug = False,
) -> int:
    """Write a Lambda layer with retryctl.counters, for every Python runtime from 3.9."""
    from retryctl.cli.runs.vendoring import write_layer

    write_layer(file)
    print(file)
    return ExitStatus.OK


def _s3(arn: str, bucket: str, prefix: str) -> list[dict[str, object]]:
    under = f"{prefix.strip('/')}/*".lstrip("/")
    of_bucket = f"{arn}:s3:::{bucket}"
    return [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{of_bucket}/{under}"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": of_bucket,
            "Condition": {"StringLike": {"s3:prefix": under}},
        },
    ]


def _dynamodb(arn: str, table: str, by_hand: bool) -> list[dict[str, object]]:
    actions = ["dynamodb:GetItem"] * by_hand + ["dynamodb:UpdateItem"]
    return [{"Effect": "Allow", "Action": actions, "Resource": f"{arn}:dynamodb:*:*:table/{table}"}]


def _logs(arn: str, log_group: str) -> list[dict[str, object]]:
    return [
        {
            "Effect": "Allow",
            "Action": "logs:FilterLogEvents",
            "Resource": f"{arn}:logs:*:*:log-group:{log_group}:*",
        }
    ]
