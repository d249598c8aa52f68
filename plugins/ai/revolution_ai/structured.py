"""Strict structured output: the schema a model is given, and its answer held against the full one. Pure."""

import json
from typing import NoReturn

from jsonschema import Draft202012Validator

from revolution_sdk import Json, JsonObject, RetryableError

_KEPT = frozenset({"type", "description", "title", "enum", "const", "$ref"})
_CHECKED_ON_RECEIPT = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minItems",
        "maxItems",
        "uniqueItems",
        "default",
    }
)


def strict_schema(schema: JsonObject) -> JsonObject:
    """Return the schema as strict structured output takes it; raise ValueError where it cannot be said so.

    Every object is closed and requires all its properties: a value that may be missing is declared required
    and nullable. Bounds, patterns and formats are left out, because several models and compatible servers
    refuse them with 400; `read_answer` holds the answer against them.
    Source: OpenAI "Structured outputs", excerpts read 2026-11-22; sherifkozman/the-llm-council#55 (2026-07).
    """
    if schema.get("type") != "object":
        raise ValueError("$: strict output must be an object")
    return _strict(schema, "$")


def read_answer(text: str, schema: JsonObject) -> JsonObject:
    """Parse a model's answer and hold it against the full schema, bounds included.

    Raises RetryableError `answer_unreadable`: asked again, a model draws another answer. The error names
    the place and the rule broken and never quotes the answer.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise unreadable("it is not JSON") from error
    return checked(value, schema)


def checked(value: Json, schema: JsonObject) -> JsonObject:
    """Return the value if it is an object that fits the schema, else raise as `read_answer` does."""
    for error in Draft202012Validator(schema).iter_errors(value):
        raise unreadable(f"{error.json_path} breaks the rule {error.validator!r}")
    if not isinstance(value, dict):
        raise unreadable("it is not an object")
    return value


def unreadable(reason: str) -> RetryableError:
    """Make the error for an answer that cannot be used although the model gave one."""
    return RetryableError(
        f"the model's answer cannot be used: {reason}; if this stays so, the model or the server "
        "may not support structured output",
        code="answer_unreadable",
        details={"reason": reason},
    )


def _strict(schema: JsonObject, place: str) -> JsonObject:
    result: JsonObject = {}
    for keyword, value in schema.items():
        if keyword in _KEPT:
            result[keyword] = value
        elif keyword == "properties":
            result["properties"] = {name: _strict(one, f"{place}.{name}") for name, one in value.items()}
        elif keyword == "$defs":
            result["$defs"] = {name: _strict(one, f"{place}.$defs.{name}") for name, one in value.items()}
        elif keyword == "items":
            result["items"] = _strict(value, f"{place}[]")
        elif keyword == "anyOf":
            result["anyOf"] = [_strict(one, f"{place}|{index}") for index, one in enumerate(value)]
        elif keyword not in _CHECKED_ON_RECEIPT | {"required", "additionalProperties"}:
            raise ValueError(f"{place}: strict output does not know {keyword!r}")
    if "object" in _types(schema):
        result |= _closed(schema, place)
    if "array" in _types(schema) and "items" not in schema:
        raise ValueError(f"{place}: say what the list holds")
    return result


def _closed(schema: JsonObject, place: str) -> JsonObject:
    properties = schema.get("properties", {})
    if not properties or schema.get("additionalProperties", False) is not False:
        raise ValueError(f"{place}: strict output cannot hold an open object; name its properties")
    optional = sorted(set(properties) - set(schema.get("required", [])))
    if optional:
        raise ValueError(f"{place}: make {', '.join(optional)} required and nullable instead of optional")
    return {"required": list(properties), "additionalProperties": False}


def _types(schema: JsonObject) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
