"""The JSON Schemas of the program, strict: a key that a schema does not name is refused.

And those of the formats of others, which check-jsonschema has.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from retryctl.views.json.schemas import SCHEMAS

_LONGEST = 300_000


def strict(schema: Any) -> Any:
    """Return the schema with no other keys allowed than those it names."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if "required" in made and isinstance(made.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    return made


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the validator of the document of that name."""
    return Draft202012Validator(strict(SCHEMAS[name]()))


def refuse_undocumented(output: str) -> None:
    """Raise where the output is a document of the program that its schema does not describe.

    Documents of several hundred kilobytes are not checked, for the time that it takes.
    """
    if not output.startswith("{") or len(output) > _LONGEST:
        return
    try:
        document = json.loads(output)
    except ValueError:
        return  # JSON lines
    name = str(document.get("schema", "")).removeprefix("retryctl/").removesuffix("/1")
    if name in SCHEMAS:
        validator(name).validate(document)


def assert_follows(schema: str, *files: Path, transform: str | None = None) -> None:
    """Fail unless the files follow this schema of check-jsonschema; skip where it has none."""
    from check_jsonschema import main
    from click.testing import CliRunner

    options = ["--builtin-schema", f"vendor.{schema}"]
    options += ["--data-transform", transform] if transform else []
    done = CliRunner().invoke(main, [*options, *map(str, files)])
    if f"'vendor.{schema}'" in done.output and "invalid choice" in done.output.lower():
        pytest.skip(f"this check-jsonschema has no schema {schema}")
    assert done.exit_code == 0, done.output
