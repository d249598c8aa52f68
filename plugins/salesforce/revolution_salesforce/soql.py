"""Queries with bound values: a text without any literal texts in it, and the values beside it.

A text in a query would be where values get pasted, so there is none: quotation marks are refused, and every
value stands as `:name`. Bound texts are escaped as SOQL wants it.

Source: SOQL and SOSL Reference, "Quoted String Escape Sequences" and "Reserved Characters".
"""

import math
import re
from datetime import UTC, date, datetime

from revolution_sdk import Json, JsonObject

LONGEST_SOQL = 8000
MOST_LISTED = 500

_PLACE = re.compile(r":([A-Za-z][A-Za-z0-9_]*)")
_SELECT = re.compile(r"select\s", re.IGNORECASE)
_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
_WRAPPED = ("contains", "starts_with", "date", "datetime")


class SoqlError(ValueError):
    """Raised for a query that cannot be bound; `at` says where: the query itself, or a parameter."""

    def __init__(self, message: str, at: str = "soql") -> None:
        super().__init__(message)
        self.message = message
        self.at = at


def bind(soql: str, params: JsonObject) -> str:
    """Return the query with each `:name` replaced by its value; raises SoqlError."""
    text = " ".join(soql.split())
    if not _SELECT.match(text):
        raise SoqlError("a query begins with SELECT")
    if any(one in text for one in "'\"\\"):
        raise SoqlError("there are no texts in a query: write :name and give the value in params")
    named = dict.fromkeys(_PLACE.findall(text))
    for name in params:
        if name not in named:
            raise SoqlError("the query has no such place", f"params.{name}")
    for name in named:
        if name not in params:
            raise SoqlError(f"the query wants a value for :{name}", f"params.{name}")
    values = {name: literal(value, f"params.{name}") for name, value in params.items()}
    return _PLACE.sub(lambda found: values[found.group(1)], text)


def literal(value: Json, at: str = "params") -> str:
    """Return a value as SOQL writes it; raises SoqlError for what it cannot hold."""
    if isinstance(value, list):
        if not 0 < len(value) <= MOST_LISTED:
            raise SoqlError(f"a list has 1 to {MOST_LISTED} values", at)
        return f"({', '.join(_single(one, at) for one in value)})"
    return _single(value, at)


def quoted(text: str, at: str = "params") -> str:
    """Return a text between quotation marks; raises SoqlError for characters SOQL has no way to write."""
    escaped = "".join(_ESCAPES.get(letter, letter) for letter in text)
    if any(ord(letter) < 32 or 0xD800 <= ord(letter) <= 0xDFFF or ord(letter) == 127 for letter in escaped):
        raise SoqlError("the text holds control characters, which a query cannot", at)
    return f"'{escaped}'"


def _single(value: Json, at: str) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise SoqlError("a number is finite", at)
        return format(value, "f") if abs(value) < 1e15 else format(value, ".0f")
    if isinstance(value, str):
        return quoted(value, at)
    return _wrapped(value, at)


def _wrapped(value: Json, at: str) -> str:
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in _WRAPPED:
        told = "a value is a text, a number, true, false, null, a list of them, or one of "
        raise SoqlError(told + ", ".join(f'{{"{name}": …}}' for name in _WRAPPED), at)
    ((kind, text),) = value.items()
    if not isinstance(text, str):
        raise SoqlError(f"{kind} is a text", at)
    if kind == "date":
        return _date(text, at)
    if kind == "datetime":
        return _datetime(text, at)
    # In a pattern % and _ stand for anything, so those of the text itself are escaped once more.
    inner = quoted(text, at)[1:-1].replace("%", "\\%").replace("_", "\\_")
    return f"'%{inner}%'" if kind == "contains" else f"'{inner}%'"


def _date(text: str, at: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise SoqlError("a date is written 2026-11-23", at) from error


def _datetime(text: str, at: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SoqlError("a moment is written 2026-11-23T09:00:00Z", at) from error
    if moment.utcoffset() is None:
        raise SoqlError("a moment needs an offset, such as 2026-11-23T09:00:00Z", at)
    return instant(moment)


def instant(moment: datetime) -> str:
    """Return an aware moment as SOQL writes it, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
