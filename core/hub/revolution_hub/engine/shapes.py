"""shapes: what a template may find at a path, as far as JSON Schemas say. Pure.

A schema of True means that nothing is known, so that anything may be there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from revolution_sdk.types import Json, JsonObject

ANYTHING: Final = True

TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "integer"}

_FREE_WORDS = ("$ref", "allOf", "not", "if", "patternProperties", "prefixItems", "dependentSchemas")
"""A schema with one of these may allow more than its plain words say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """A part of a path that can never be there: its index, and the names that could stand instead."""

    index: int
    known: Sequence[str]


def impossible(schema: Json, parts: Sequence[str | int]) -> Impossible | None:
    """Return the first part that no value of this schema has, None if all of them may be there."""
    present = [schema]
    for index, part in enumerate(parts):
        found = [below for one in present for below in _below(one, part)]
        if not found:
            return Impossible(index=index, known=sorted({name for one in present for name in _names(one)}))
        present = found
    return None


def _names(schema: Json) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for one in schema.get("anyOf") or schema.get("oneOf") or ():
            yield from _names(one)


def _below(schema: Json, part: str | int) -> list[Json]:
    """Return the schemas of what may be found under this part; none if nothing ever is."""
    if not isinstance(schema, dict):
        return [] if schema is False else [ANYTHING]
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return [below for one in branches for below in _below(one, part)]
    if any(word in schema for word in _FREE_WORDS):
        return [ANYTHING]
    kinds = schema.get("type", ["object", "array"])
    if isinstance(part, int):
        return [schema.get("items", ANYTHING)] if "array" in kinds else []
    if "object" not in kinds:
        return []
    properties = schema.get("properties", {})
    if part in properties:
        return [properties[part]]
    others = schema.get("additionalProperties", ANYTHING)
    return [] if others is False else [others]


def closed(properties: Mapping[str, Json]) -> JsonObject:
    """Return the schema of an object that has these members and no others."""
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}
