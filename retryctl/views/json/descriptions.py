"""Descriptions of the keys of a JSON Schema: the sentences that ``explain`` prints."""

from __future__ import annotations

from collections.abc import Mapping

from retryctl.views.json.schemas import Schema
from retryctl.views.rule_texts import RuleText, key_texts, term_texts


def described(schema: Schema) -> Schema:
    """Return the schema with a description of each key that has none."""
    return _described(schema, {**term_texts(), **key_texts()})


def _described(schema: Schema, texts: Mapping[str, RuleText]) -> Schema:
    made = {
        name: _described(value, texts) if isinstance(value, dict) else value
        for name, value in schema.items()
    }
    if "anyOf" in schema:
        made["anyOf"] = [_described(each, texts) for each in schema["anyOf"]]
    if "properties" in schema:
        made["properties"] = {
            key: {"description": texts[key].summary, **value} if key in texts else value
            for key, value in made["properties"].items()
        }
    return made
