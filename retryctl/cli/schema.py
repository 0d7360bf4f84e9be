"""``retryctl schema``: the JSON Schema of what a command prints with ``-o json``."""

from __future__ import annotations

from typing import Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import completions

app = CommandApp()


@app.command()
def schema(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The document, such as trace. Without one, the list of all.",
            autocompletion=completions.some_of(completions.schemas),
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of what a command prints with -o json.

    retryctl schema trace > trace.schema.json
    """
    from retryctl.cli.options.choices import refuse_unknown
    from retryctl.cli.output.terminal import put
    from retryctl.views.json.encoding import document_text
    from retryctl.views.json.schemas import SCHEMAS

    if name is None:
        for each, make in SCHEMAS.items():
            print(f"{each:12} {make()['title']}")
        return
    refuse_unknown(name, list(SCHEMAS), "schema")
    put(document_text(SCHEMAS[name]()), document=True)
