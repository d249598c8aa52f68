"""strict_json: the one way a JSON body becomes a value. What it lets through, both databases can store.

Plain `json.loads` also takes UTF-16, NaN, equal keys and lone surrogates; each of them is a way to mean
two things with one body, or to fail after the body was accepted.
"""

import json
import math
import re
from collections.abc import Iterator

from revolution_hub.errors import InputError, Problem
from revolution_sdk.types import Json, JsonObject

MAX_BYTES = 1_048_576
MAX_DEPTH = 64
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_LONGEST_INTEGER = 20

_BRACKET = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[{]|[\]}]', re.DOTALL)
"""A string, whole or cut off, or one bracket. Possessive, so it reads any text once."""

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


class _Refused(ValueError):
    """Carries a reason out of the parser's hooks."""


def strict_json(raw: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Json:
    """Read one JSON value from UTF-8 bytes.

    Refused: other encodings and a byte order mark, a body that is empty, larger than `max_bytes` or nested
    deeper than `max_depth`, text after the value, equal keys in one object, NaN and infinities (also as
    1e999), integers outside 64 bits, NUL and lone surrogates. Raises InputError `json_invalid` with one
    problem, whose message never quotes the body.
    """
    try:
        return _read(raw, max_bytes, max_depth)
    except _Refused as refusal:
        message = f"the body is not acceptable JSON: {refusal}"
        problem = Problem(path="", message=str(refusal), code="json_invalid")
    raise InputError(message, [problem], code="json_invalid")


def dump_json(value: Json) -> str:
    """Write a value as compact JSON text, keys in their order, no escapes beyond the needed.

    Raises ValueError for NaN, infinities and what nests too deeply, TypeError for what JSON has no form for.
    """
    return _dump(value, _COMPACT)


def canonical_json(value: Json) -> str:
    """Write a value so that equal bodies give equal text: compact, keys sorted. `1` and `1.0` differ.

    Raises like `dump_json`.
    """
    return _dump(value, _CANONICAL)


# Made once: for options of its own the library would make one for every call.
_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_CANONICAL = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def _dump(value: Json, encoder: json.JSONEncoder) -> str:
    try:
        return encoder.encode(value)
    except RecursionError:
        raise ValueError("the value is nested too deeply for JSON") from None


def _read(raw: bytes, max_bytes: int, max_depth: int) -> Json:
    text = _decoded(raw, max_bytes)
    _check_depth(text, max_depth)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _Refused(f"line {error.lineno}, column {error.colno} cannot be read") from None
    except RecursionError:
        raise _Refused("it is nested too deeply") from None
    _check_escapes(text)
    return value


def _decoded(raw: bytes, max_bytes: int) -> str:
    if len(raw) > max_bytes:
        raise _Refused(f"it is larger than {max_bytes} bytes")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise _Refused("it begins with a byte order mark")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Refused(f"byte {error.start} is not UTF-8") from None
    if not text.strip(" \t\r\n"):
        raise _Refused("it is empty")
    return text


def _check_depth(text: str, max_depth: int) -> None:
    # Counting first: the parser itself recurses, and most bodies have fewer brackets than the limit.
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for found in _BRACKET.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth > max_depth:
                raise _Refused(f"it is nested deeper than {max_depth} levels")
        elif found[0] in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused("an object has the same key twice")
    return made


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER or not _LOWEST <= int(digits) <= _HIGHEST:
        raise _Refused("an integer does not fit in 64 bits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _Refused("a number is not finite")
    return value


def _constant(name: str) -> Json:
    raise _Refused("a number is not finite")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


def _check_escapes(text: str) -> None:
    """Refuse escaped NULs and lone surrogates. The text is valid JSON, so every backslash is in a string."""
    if "\\u" not in text:
        return
    open_until = -1
    for code, start, end in _escaped_codes(text):
        low = 0xDC00 <= code <= 0xDFFF
        if (low and open_until != start) or (not low and open_until >= 0):
            raise _Refused("a string holds half of a surrogate pair")
        if code == 0:
            raise _Refused("a string holds the character NUL")
        open_until = end if 0xD800 <= code <= 0xDBFF else -1
    if open_until >= 0:
        raise _Refused("a string holds half of a surrogate pair")


def _escaped_codes(text: str) -> Iterator[tuple[int, int, int]]:
    for found in _ESCAPE.finditer(text):
        if found[1] is not None:
            yield int(found[1], 16), found.start(), found.end()
