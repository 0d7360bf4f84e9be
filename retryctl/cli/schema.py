"""``retryctl schema``: the JSON Schema of what a command prints with ``-o json``."""

from __future__ import annotations

from retryctl.cli.command_app import CommandApp, argument
from retryctl.cli.options import completions
from retryctl.core.value_classes import value_class

app = CommandApp()


@value_class
class SchemaArguments:
    """The document, as it was typed."""

    name: str | None = argument(
        "NAME",
        "The document, such as trace. Without one, the list of all.",
        autocompletion=completions.some_of(completions.schemas),
    )


@app.command()
def schema(given: SchemaArguments) -> None:
    """Print the JSON Schema of what a command prints with -o json.

    retryctl schema trace > trace.schema.json
    """
    from retryctl.cli.options.params import refuse_unknown
    from retryctl.cli.output.terminal import put
    from retryctl.views.json.descriptions import described
    from retryctl.views.json.encoding import document_text
    from retryctl.views.json.schemas import SCHEMAS

    if given.name is None:
        for each, make in SCHEMAS.items():
            print(f"{each:12} {make()['title']}")
        return
    refuse_unknown(given.name, list(SCHEMAS), "schema")
    put(document_text(described(SCHEMAS[given.name]())), document=True)
