"""JSON Schemas, and ``explain`` for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema
import pytest

from retryctl import errors
from retryctl.cli.options.completions import explained
from retryctl.core.model.coverage import GapKind
from retryctl.core.rules import ALL_RULES
from retryctl.views.json.schemas import SCHEMAS
from tests.support.json_schemas import strict, validator
from tests.support.program import run

ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_valid_and_refuses_what_is_missing(name: str) -> None:
    printed = json.loads(run("schema", name).stdout)
    jsonschema.Draft202012Validator.check_schema(printed)
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for required in printed["required"]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator({**printed, "required": [required]}).validate({})


def test_the_list_of_schemas() -> None:
    listed = [line.split()[0] for line in run("schema").stdout.splitlines()]
    assert listed == list(SCHEMAS)
    unknown = run("schema", "trase")
    assert unknown.returncode == 2
    assert "Did you mean trace?" in unknown.stderr


COMMANDS = {
    "trace": ("trace", "--from", "demo", "--last", "9", "--lines", "-o", "json"),
    "list": ("list", "--from", "demo", "-o", "json"),
    "summary": ("summary", "--from", "demo", "-o", "json"),
    "check": ("check", "--from", "demo", "-o", "json"),
    "diff": ("diff", "3d96cb31-1c8a-4e54-94b1-abd03834c185", "--from", "demo", "-o", "json"),
    "explain": ("explain", "-o", "json"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_document_of_each_command_has_the_keys_of_its_schema_and_no_others(name: str) -> None:
    """The other documents are validated wherever the tests run the program."""
    document = json.loads(run(*COMMANDS[name]).stdout)
    validator(name).validate(document)
    with pytest.raises(jsonschema.ValidationError):
        validator(name).validate({**document, "undocumented": 1})


@pytest.mark.parametrize(("name", "command"), [("trace-line", "trace"), ("list-line", "list")])
def test_a_line_of_json_lines(name: str, command: str) -> None:
    arguments = [*COMMANDS[command][:-1], "jsonl"]
    lines = run(*arguments).stdout.splitlines()
    assert lines
    for line in lines:
        validator(name).validate(json.loads(line))


def test_an_error_document() -> None:
    done = run("trace", ID, "--from", "demo", "-o", "json")
    validator("error").validate(json.loads(done.stderr.splitlines()[-1]))


def test_other_keys_are_allowed_by_what_is_printed_and_refused_by_the_tests() -> None:
    schema = SCHEMAS["doctor"]()
    document: dict[str, object] = {
        "schema": "retryctl/doctor/1",
        "function": "f",
        "passed": None,
        "checks": [],
    }
    jsonschema.validate({**document, "later": 1}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "later": 1}, strict(schema))


# --------------------------------------------------------------------------- explain


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for part in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(part, (dict, list)):
            yield from _parts(part)


def test_explain_knows_every_word_that_the_documents_enumerate() -> None:
    topics = json.loads(run("explain", "-o", "json").stdout)["topics"]
    kinds = {topic["name"]: topic["kind"] for topic in topics}
    parts = [part for name in SCHEMAS if name != "explain" for part in _parts(SCHEMAS[name]())]
    words = {word for part in parts for word in part.get("enum", ()) if isinstance(word, str)}
    assert len(words) > 50
    assert words <= kinds.keys()
    assert [name for name, kind in kinds.items() if kind == "finding"] == [r.id for r in ALL_RULES]
    assert {name for name, kind in kinds.items() if kind == "gap"} == set(get_args(GapKind))
    keys = {key for part in parts for key in part.get("properties", ())}
    assert {name for name, kind in kinds.items() if kind == "key"} <= keys
    assert all(topic["summary"] and "What to do" in topic["sections"] for topic in topics)


def test_explain_knows_every_kind_of_error() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    kinds = {errors.kind_of(kind) for kind in classes if issubclass(kind, errors.RetryctlError)}
    assert {"could-not-look", "no-credentials"} < kinds
    assert kinds - {"retryctl-error"} <= set(explained())


@pytest.mark.parametrize(
    "name",
    ["pending", "exhausted", "undetermined", "client-retry", "event-source", "ambiguous_lines"],
)
def test_explain_one_of_them(name: str) -> None:
    text = run("explain", name)
    assert (text.returncode, text.stdout.splitlines()[0]) == (0, name)
    (topic,) = json.loads(run("explain", name, "-o", "json").stdout)["topics"]
    assert topic["name"] == name
    assert topic["sections"]["What it means"] in text.stdout.replace("**", "")


def test_explain_refuses_other_names_and_outputs() -> None:
    assert "Did you mean exhausted" in run("explain", "exhaustd").stderr
    assert run("explain", "pending", "-o", "svg").returncode == 2


def _keys(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
    for each in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(each, (dict, list)):
            yield from _keys(each)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_key_has_a_description_and_explain_knows_it(name: str) -> None:
    printed = json.loads(run("schema", name).stdout)
    for key, schema in _keys(printed):
        assert schema.get("description"), key
        done = run("explain", key)
        assert (done.returncode, done.stderr) == (0, ""), key


def test_explain_prints_the_description_of_a_key() -> None:
    page = run("explain", "requests[].attempts[].billed_duration_ms").stdout
    assert page.startswith("billed_duration_ms\n")
    assert "key · Billed Duration of REPORT, in ms.\n" in page
    assert max(map(len, run("explain", "retry_environment").stdout.splitlines())) <= 80
