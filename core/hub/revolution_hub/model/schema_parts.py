"""The parts the workflow's JSON Schema is made of: texts, numbers, templates, lists of steps."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from revolution_hub.model.durations import LONGEST_S
from revolution_hub.model.words import ID, LONGEST_NAME
from revolution_sdk.types import Json, JsonObject

STEPS: Final[JsonObject] = {"$ref": "#/$defs/steps"}
TEMPLATE: Final[JsonObject] = {"$ref": "#/$defs/template"}


def described(schema: JsonObject, description: str, **more: Any) -> JsonObject:
    """Return the schema with a description, and other words such as examples."""
    return {**schema, "description": description, **more}


def text(description: str, *, longest: int = LONGEST_NAME, **more: Any) -> JsonObject:
    """Return the schema of a text that is not blank."""
    return {
        "type": "string",
        "pattern": r"\S",
        "maxLength": longest,
        "description": description,
        **more,
    }


def name(description: str, *, never: Sequence[str] = (), **more: Any) -> JsonObject:
    """Return the schema of a name that templates read, none of those in `never`."""
    schema: JsonObject = {"type": "string", "pattern": f"^{ID}$", "description": description, **more}
    return schema | ({"not": {"enum": list(never)}} if never else {})


def one_of(description: str, allowed: Sequence[str]) -> JsonObject:
    """Return the schema of one of these texts; the first is the default."""
    return {"enum": list(allowed), "default": allowed[0], "description": description}


def whole(description: str, low: int, high: int, *, default: int) -> JsonObject:
    """Return the schema of a whole number."""
    return described({"type": "integer", "minimum": low, "maximum": high}, description, default=default)


def number(description: str, low: float, high: float, **more: Any) -> JsonObject:
    """Return the schema of a number."""
    return described({"type": "number", "minimum": low, "maximum": high}, description, **more)


def duration(low: float = 0, high: float = LONGEST_S) -> JsonObject:
    """Return the schema of a number of seconds within these bounds, or a text such as `15m`."""
    seconds: JsonObject = {"type": "number", "minimum": low, "maximum": high}
    return either(seconds, {"$ref": "#/$defs/duration"})


def block(description: str, *, needed: bool = True) -> JsonObject:
    """Return the schema of a list of steps; with `needed` there is at least one."""
    return described(STEPS, description) | ({"minItems": 1} if needed else {})


def object_of(
    properties: Mapping[str, Json], *, required: Sequence[str] = (), describe: str = ""
) -> JsonObject:
    """Return the schema of an object with these members and no others."""
    schema: JsonObject = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return described(schema, describe) if describe else schema


def either(*schemas: JsonObject) -> JsonObject:
    """Return the schema of what follows one of these."""
    return {"anyOf": list(schemas)}
