"""Instances of JSON Schemas: any schema gets a value that is valid against it, the same for the same seed.

Knows 2020-12 as far as structured output and tools use it. A schema that has no instance, or whose
instance could not be found, raises NoInstanceError; a wrong value is never returned.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing.exceptions import Unresolvable

from revolution_ai.sandbox.merging import merged, merged_all_of, without
from revolution_ai.sandbox.patterns import NoText, text_for
from revolution_sdk import Json, JsonObject

Known: TypeAlias = Callable[[str, JsonObject], Json]
"""Given a property's name and schema, a plausible value, or None for "I do not know this one"."""

SIMPLE_FROM_DEPTH = 4
DEEPEST = 40
MOST_VALUES = 5_000
DEFAULT_SPAN = 100
LONGEST_TEXT = 100_000
_WORDS = ("plan", "offer", "team", "start", "process", "result", "question", "answer", "detail", "step")
_FORMATS = {
    "date": "2026-12-{:02d}",
    "time": "09:{:02d}:00Z",
    "date-time": "2026-12-{:02d}T09:00:00Z",
    "duration": "P{}D",
    "email": "person{}@example.com",
    "idn-email": "person{}@example.com",
    "hostname": "host{}.example.com",
    "idn-hostname": "host{}.example.com",
    "uri": "https://example.com/{}",
    "uri-reference": "/page/{}",
    "iri": "https://example.com/{}",
    "uuid": "00000000-0000-4000-8000-0000000000{:02d}",
    "ipv4": "192.0.2.{}",
    "ipv6": "2001:db8::{}",
    "json-pointer": "/member/{}",
    "regex": "[a-z]{}",
}


class NoInstanceError(ValueError):
    """Raised when no valid instance was found. The message says for which part."""


def instance_of(schema: Json, seed: str, known: Known | None = None) -> Json:
    """Return a valid instance of the schema; `known` is asked first for each property of an object."""
    try:
        Draft202012Validator.check_schema(schema)
        maker = _Maker(schema, seed, known or (lambda name, part: None))
        value = maker.make(schema, "$", 0)
        if not maker.fits(schema, value):
            raise NoInstanceError("the parts of the schema contradict each other or are not known here")
    except (SchemaError, Unresolvable, RecursionError) as error:
        raise NoInstanceError(f"the schema cannot be read: {type(error).__name__}") from error
    return value


class _Maker:
    """One attempt at one schema. `path` tells equal parts at different places apart."""

    def __init__(self, root: Json, seed: str, known: Known) -> None:
        self.seed = seed
        self.known = known
        self.validator = Draft202012Validator(root)
        self.root = root
        self.made = 0

    def fits(self, schema: Json, value: Json) -> bool:
        return bool(self.validator.evolve(schema=schema).is_valid(value))

    def make(self, schema: Json, path: str, depth: int) -> Json:
        self.made += 1
        if schema is False or depth > DEEPEST or self.made > MOST_VALUES:
            raise NoInstanceError(f"{path}: nothing fits here, or only something endless")
        if schema is True:
            return self._words(path, 2)
        if "$ref" in schema:
            return self.make(merged(self._resolve(schema["$ref"]), without(schema, "$ref")), path, depth + 1)
        if "allOf" in schema:
            return self.make(merged_all_of(schema), path, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._first_fitting(schema, self._rotated(schema["enum"], path), path)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._branch(schema, word, path, depth)
        return self._of_type(schema, path, depth)

    def _of_type(self, schema: JsonObject, path: str, depth: int) -> Json:
        kinds = schema.get("type") or _implied_type(schema)
        kind = kinds if isinstance(kinds, str) else self._pick_type(list(kinds), path, depth)
        if kind == "object":
            return self._object(schema, path, depth)
        if kind == "array":
            return self._array(schema, path, depth)
        if kind in ("integer", "number"):
            return self._number(schema, path, whole=kind == "integer")
        if kind == "boolean":
            return self._draw(path, 2) == 1
        return None if kind == "null" else self._string(schema, path)

    def _pick_type(self, kinds: list[str], path: str, depth: int) -> str:
        if "null" in kinds and (depth > SIMPLE_FROM_DEPTH or len(kinds) == 1):
            return "null"
        solid = [kind for kind in kinds if kind != "null"]
        return solid[self._draw(path, len(solid))]

    def _branch(self, schema: JsonObject, word: str, path: str, depth: int) -> Json:
        branches = self._rotated(schema[word], path)
        if depth > SIMPLE_FROM_DEPTH:
            branches = sorted(branches, key=lambda branch: len(str(branch)) + 1_000 * ("$ref" in str(branch)))
        made = self._attempts(branches, without(schema, word), path, depth)
        return self._first_fitting(schema, made, path)

    def _attempts(self, branches: list[Json], rest: JsonObject, path: str, depth: int) -> Iterator[Json]:
        for branch in branches:
            try:
                yield self.make(merged(branch, rest), path, depth + 1)
            except NoInstanceError:
                continue

    def _first_fitting(self, schema: JsonObject, values: Iterator[Json] | list[Json], path: str) -> Json:
        for value in values:
            if self.fits(schema, value):
                return value
        raise NoInstanceError(f"{path}: no alternative fits")

    def _object(self, schema: JsonObject, path: str, depth: int) -> JsonObject:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        others = schema.get("additionalProperties", True)
        result: JsonObject = {}
        for name in dict.fromkeys([*properties, *required]):
            try:
                if name in required or depth < SIMPLE_FROM_DEPTH:
                    result[name] = self._property(name, properties.get(name, others), f"{path}.{name}", depth)
            except NoInstanceError:
                if name in required:
                    raise
        for number in range(schema.get("minProperties", 0)):
            if len(result) < schema["minProperties"]:
                name = f"member_{number}"
                result.setdefault(name, self.make(others, f"{path}.{name}", depth + 1))
        return result

    def _property(self, name: str, schema: Json, path: str, depth: int) -> Json:
        if isinstance(schema, dict):
            value = _cut(self.known(name, schema), schema)
            if value is not None and self.fits(schema, value):
                return value
        return self.make(schema, path, depth + 1)

    def _array(self, schema: JsonObject, path: str, depth: int) -> list[Json]:
        fixed = schema.get("prefixItems", [])
        least = max(schema.get("minItems", 0), schema.get("minContains", 1 if "contains" in schema else 0))
        wanted = least if depth > SIMPLE_FROM_DEPTH else max(least, len(fixed), 1 + self._draw(path, 3))
        result: list[Json] = []
        for index in range(4 * min(wanted, schema.get("maxItems", wanted)) + 4):
            if len(result) >= min(wanted, schema.get("maxItems", wanted)):
                break
            member = fixed[len(result)] if len(result) < len(fixed) else schema.get("items", True)
            if "contains" in schema and len(result) < least:
                member = merged(schema["contains"], member)
            try:
                value = self.make(member, f"{path}[{index}]", depth + 1)
            except NoInstanceError:
                if len(result) < least:
                    raise
                break
            if not schema.get("uniqueItems") or value not in result:
                result.append(value)
        return result

    def _number(self, schema: JsonObject, path: str, *, whole: bool) -> Json:
        low, high = _bounds(schema)
        step = schema.get("multipleOf", 1 if whole else None)
        if step is None:
            return _real(schema, low, high, self._draw(path, 99) + 1)
        if whole and float(step) != int(step):
            step = 1 if float(1 / step).is_integer() else step * 10
        first = math.ceil(low / step)
        last = math.floor(high / step)
        if first * step in (schema.get("exclusiveMinimum"),):
            first += 1
        if last * step in (schema.get("exclusiveMaximum"),):
            last -= 1
        if first > last:
            raise NoInstanceError(f"{path}: no number fits")
        value = (first + self._draw(path, last - first + 1)) * step
        return int(value) if whole else value

    def _string(self, schema: JsonObject, path: str) -> str:
        shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
        if "pattern" in schema:
            try:
                return text_for(schema["pattern"], shortest=shortest, longest=longest)
            except NoText as error:
                raise NoInstanceError(f"{path}: {error}") from error
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]].format(1 + self._draw(path, 28))
        if shortest > LONGEST_TEXT:
            raise NoInstanceError(f"{path}: the text would be too long")
        return self._words(path, 3)[:longest].rstrip().ljust(shortest, "x")

    def _words(self, path: str, count: int) -> str:
        return " ".join(_WORDS[self._draw(f"{path}#{index}", len(_WORDS))] for index in range(count))

    def _rotated(self, values: list[Json], path: str) -> list[Json]:
        start = self._draw(path, len(values)) if values else 0
        return [*values[start:], *values[:start]]

    def _draw(self, path: str, sides: int) -> int:
        digest = hashlib.sha256(f"{self.seed}\n{path}".encode("utf-8", "replace")).digest()
        return int.from_bytes(digest[:8], "big") % sides

    def _resolve(self, reference: str) -> Json:
        if not reference.startswith("#"):
            raise NoInstanceError(f"{reference}: only references within the schema are followed")
        target = self.root
        for part in reference[1:].split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            try:
                target = target[int(key)] if isinstance(target, list) else target[key]
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise NoInstanceError(f"{reference}: there is nothing under this reference") from error
        return target


def _bounds(schema: JsonObject) -> tuple[float, float]:
    lows = [schema[word] for word in ("minimum", "exclusiveMinimum") if word in schema]
    highs = [schema[word] for word in ("maximum", "exclusiveMaximum") if word in schema]
    low = max(lows) if lows else (min(highs) - DEFAULT_SPAN if highs and min(highs) < 0 else 0)
    high = min(highs) if highs else low + max(DEFAULT_SPAN, 2 * schema.get("multipleOf", 0))
    return low, high


def _real(schema: JsonObject, low: float, high: float, hundredths: int) -> float:
    value = low + (high - low) * hundredths / 100
    short = round(value, 2)
    return short if low < short < high else value


def _implied_type(schema: JsonObject) -> str:
    if {"properties", "required", "additionalProperties", "minProperties"} & set(schema):
        return "object"
    if {"items", "prefixItems", "minItems", "maxItems", "contains"} & set(schema):
        return "array"
    if {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} & set(schema):
        return "number"
    return "string"


def _cut(value: Json, schema: JsonObject) -> Json:
    if isinstance(value, str) and "maxLength" in schema:
        return value[: schema["maxLength"]]
    if isinstance(value, list) and "maxItems" in schema:
        return value[: schema["maxItems"]]
    return value
