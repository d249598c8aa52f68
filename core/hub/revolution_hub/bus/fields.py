"""fields: what bodies and queries are made of, and what is said of a body that is not readable. Pure."""

from collections.abc import Iterable

from revolution_hub.errors import InputError, Problem
from revolution_sdk.types import Json, JsonObject


def fields_of(pairs: Iterable[tuple[str, Json]]) -> JsonObject:
    """Return fields by name; one that is there several times becomes a list, in the order they came in."""
    several: dict[str, list[Json]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in several.items()}


def invalid(message: str) -> InputError:
    """Return the error of a body that is not what it says it is."""
    problem = Problem(path="", message=message, code="body_invalid")
    return InputError(f"the body cannot be read: {message}", [problem], code="body_invalid")


def plain(text: str) -> str:
    """Return the text; raises InputError if it has in it what a database cannot keep."""
    if "\0" in text:
        raise invalid("it has NUL in it")
    return text
