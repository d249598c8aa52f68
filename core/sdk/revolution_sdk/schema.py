"""Small typed helpers that write JSON Schema 2020-12, the one schema language at the edge.

Every helper returns a plain dict; nothing here validates. `object_` is closed and requires every
property unless told otherwise, because that is also what strict structured output of AI models wants.
"""

from collections.abc import Sequence

from revolution_sdk.types import Json, JsonObject


def object_(
    *, optional: Sequence[str] = (), open_: bool = False, describe: str = "", **properties: JsonObject
) -> JsonObject:
    """Describe an object with exactly these properties.

    `optional` names the properties that may be left out; `open_` allows unnamed ones.
    """
    unknown = set(optional) - set(properties)
    if unknown:
        raise ValueError(f"optional names properties that are not there: {', '.join(sorted(unknown))}")
    schema: JsonObject = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": open_,
    }
    return _described(schema, describe)


def string(
    *,
    format: str | None = None,
    pattern: str | None = None,
    enum: Sequence[str] | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    default: str | None = None,
    describe: str = "",
) -> JsonObject:
    """Describe a text. Lengths count characters; `pattern` must be a linear-time expression."""
    schema: JsonObject = {"type": "string"}
    _put(schema, format=format, pattern=pattern, minLength=min_length, maxLength=max_length, default=default)
    if enum is not None:
        schema["enum"] = list(enum)
    return _described(schema, describe)


def integer(
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    default: int | None = None,
    describe: str = "",
) -> JsonObject:
    """Describe a whole number; both bounds are inclusive."""
    schema: JsonObject = {"type": "integer"}
    _put(schema, minimum=minimum, maximum=maximum, default=default)
    return _described(schema, describe)


def number(
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    default: float | None = None,
    describe: str = "",
) -> JsonObject:
    """Describe a number; both bounds are inclusive."""
    schema: JsonObject = {"type": "number"}
    _put(schema, minimum=minimum, maximum=maximum, default=default)
    return _described(schema, describe)


def boolean(*, default: bool | None = None, describe: str = "") -> JsonObject:
    """Describe true or false."""
    schema: JsonObject = {"type": "boolean"}
    _put(schema, default=default)
    return _described(schema, describe)


def array(
    items: JsonObject, *, min_items: int | None = None, max_items: int | None = None, describe: str = ""
) -> JsonObject:
    """Describe a list whose members all look like `items`."""
    schema: JsonObject = {"type": "array", "items": items}
    _put(schema, minItems=min_items, maxItems=max_items)
    return _described(schema, describe)


def nullable(schema: JsonObject) -> JsonObject:
    """Allow null beside what `schema` describes."""
    kind = schema.get("type")
    if not isinstance(kind, str):
        return {"anyOf": [schema, {"type": "null"}]}
    widened = {**schema, "type": [kind, "null"]}
    if "enum" in widened:
        widened["enum"] = [*widened["enum"], None]
    return widened


def anything(*, describe: str = "") -> JsonObject:
    """Describe any JSON value at all. Use it only where the provider itself promises nothing."""
    return _described({}, describe)


def _put(schema: JsonObject, **values: Json) -> None:
    schema.update({key: value for key, value in values.items() if value is not None})


def _described(schema: JsonObject, text: str) -> JsonObject:
    return {**schema, "description": text} if text else schema
