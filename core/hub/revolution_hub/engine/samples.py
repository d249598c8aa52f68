"""samples: a value that follows a JSON Schema, for trying out what nobody has called yet. Pure."""

from copy import deepcopy
from typing import Final

from revolution_sdk.types import Json, JsonObject

DEEPEST: Final = 6
_FORMATS = {
    "date-time": "2026-01-31T08:00:00Z",
    "date": "2026-01-31",
    "time": "08:00:00Z",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample_of(schema: Json, depth: int = 0) -> Json:
    """Return a value as the schema describes it: its default, an example, else one of its type.

    Patterns and bounds are not looked at, so the value may break some of them. Below six levels lists and
    objects are empty.
    """
    if not isinstance(schema, dict):
        return {}
    for word in ("default", "const"):
        if word in schema:
            return deepcopy(schema[word])
    for word in ("examples", "enum"):
        if isinstance(schema.get(word), list) and schema[word]:
            return deepcopy(schema[word][0])
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(word), list) and schema[word]:
            return sample_of(schema[word][0], depth)
    return _of_type(schema, depth)


def _of_type(schema: JsonObject, depth: int) -> Json:
    kinds = schema.get("type", "object")
    kind = next((one for one in kinds if one != "null"), "null") if isinstance(kinds, list) else kinds
    match kind:
        case "string":
            return _FORMATS.get(str(schema.get("format")), "text")
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "array":
            return [] if depth >= DEEPEST else [sample_of(schema.get("items", True), depth + 1)]
        case "object":
            properties = schema.get("properties", {}) if depth < DEEPEST else {}
            return {name: sample_of(one, depth + 1) for name, one in properties.items()}
        case _:
            return None
