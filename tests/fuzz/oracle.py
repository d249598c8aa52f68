"""What must hold of every template and every scope, however they came about.

Rendering gives JSON or a TemplateError and nothing else, twice the same, shares nothing with the scope, and
tells no data in an error.
"""

import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from revolution_hub.errors import DefinitionError, TemplateError
from revolution_hub.template.document import compile_document
from revolution_hub.template.limits import Limits
from revolution_hub.template.place import printable
from revolution_hub.template.render import compile_template, evaluate_condition
from revolution_sdk.types import Json, JsonObject

Render: TypeAlias = Callable[[str, JsonObject], Json]

CANARY = "tok-live-canary"
NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
LIMITS = Limits(output_chars=20_000, steps=2_000, source_chars=20_000, seconds=60)
"""Small, so that many renderings fit into a second; the time is left to whoever watches the process."""

REPRS = (
    "<class ", "<function ", "<built-in ", "<bound method ", "<generator ", "<module ", " object at 0x",
    "undefined(", "dict_keys(", "dict_values(", "frozenset(", "datetime.datetime(", "decimal(", "fraction(",
    "zoneinfo(", "namespace(", "traceback (most recent", "nonetype",
)  # fmt: skip


class Finding(AssertionError):
    """Raised when something that must hold does not."""


def rendered(source: str, scope: JsonObject) -> Json:
    """Render as the hub does: compiled from the cache, the limits and the moment passed in."""
    return compile_template(source, LIMITS).render(scope, LIMITS, NOW)


def decided(source: str, scope: JsonObject) -> Json:
    """Evaluate as a condition."""
    return evaluate_condition(compile_template(source, LIMITS), scope, LIMITS, NOW)


def filled(source: str, scope: JsonObject) -> Json:
    """Render as the strings of a document."""
    try:
        return compile_document({"a": source, "b": [source]}, LIMITS).render(scope, LIMITS, NOW)
    except DefinitionError as error:
        if isinstance(error, TemplateError):
            raise
        # The document gathers the problems of all its templates; each is one that was told with its place.
        raise TemplateError(error.problems[0].message) from error


def examine(source: str, scope: JsonObject, render: Render | None = None) -> None:
    """Raise Finding unless everything holds of a template in a scope; in every use, or in the given one."""
    for one in (rendered, decided, filled) if render is None else (render,):
        _examine_use(source, scope, one)


def _examine_use(source: str, scope: JsonObject, render: Render) -> None:
    before = _spelled(scope)
    outcomes = [_outcome(source, scope, render) for _ in range(2)]
    if _spelled(scope) != before:
        raise Finding("rendering changed the scope")
    if outcomes[0] != outcomes[1]:
        raise Finding("the second rendering gave something else than the first")


def _outcome(source: str, scope: JsonObject, render: Render) -> str:
    try:
        value = render(source, scope)
    except TemplateError as error:
        _examine_error(error, source, scope, has_place=render is not filled)
        return f"{type(error).__name__} {error.line}:{error.column} {error.message}"
    except Exception as error:
        raise Finding(f"{type(error).__name__} instead of a TemplateError: {error}") from error
    _examine_value(value, source, scope)
    return _spelled(value)


def _examine_value(value: Json, source: str, scope: JsonObject) -> None:
    for one in _members(value):
        _examine_kind(one)
    lent = {id(one) for one in _members(scope) if isinstance(one, list | dict)}
    if any(id(one) in lent for one in _members(value) if isinstance(one, list | dict)):
        raise Finding("the result shares a list or an object with the scope")
    if isinstance(value, str) and len(value) > LIMITS.output_chars:
        raise Finding("the text is longer than the limit")
    spelled = _spelled(value)
    _examine_text(spelled, source + _spelled(scope))


def _examine_kind(value: Json) -> None:
    if value is not None and type(value) not in (bool, int, float, str, list, dict):
        raise Finding(f"{type(value).__name__} is not JSON")
    if isinstance(value, float) and not math.isfinite(value):
        raise Finding("a number that is not finite")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Finding("a whole number of more than 64 bits")
    if isinstance(value, dict) and any(type(key) is not str for key in value):
        raise Finding("a key that is not a text")


def _examine_text(text: str, given: str) -> None:
    """Raise Finding for the signs of Python's own objects, unless they were given as text."""
    low, known = text.lower(), given.lower()
    for sign in REPRS:
        if sign in low and sign not in known:
            raise Finding(f"{sign!r}, which only Python writes")


def _examine_error(error: TemplateError, source: str, scope: JsonObject, *, has_place: bool) -> None:
    shown = error.pointed()
    try:
        shown.encode()
    except UnicodeEncodeError as problem:
        raise Finding("an error that cannot be shown") from problem
    told = "\n".join([shown, repr(error.details), *(one.message for one in error.problems)])
    if CANARY in told and CANARY not in source:
        raise Finding("an error that tells data")
    _examine_text(told, source)
    if has_place:
        _examine_place(error, source)


def _examine_place(error: TemplateError, source: str) -> None:
    lines = source.split("\n")
    if not 1 <= error.line <= len(lines):
        raise Finding(f"an error in line {error.line} of {len(lines)}")
    line = lines[error.line - 1]
    if not 1 <= error.column <= len(line) + 1:
        raise Finding(f"an error in column {error.column} of {len(line)}")
    if error.source_line != printable(line).rstrip():
        raise Finding("an error that shows another line than its own")


def _members(value: Json) -> Iterator[Json]:
    """Yield a value and whatever is inside it."""
    left = [value]
    while left:
        one = left.pop()
        yield one
        if isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)


def _spelled(value: Json) -> str:
    """Write a value so that 1, 1.0 and true differ, and the order of keys counts."""
    return json.dumps(value, ensure_ascii=False)
