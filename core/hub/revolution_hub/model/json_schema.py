"""JSON Schema 2020-12: what is wrong with a value, and with a schema somebody else wrote.

The schemas of connectors come with the installation and are trusted. Those in workflows are not: looking at
a value may take only so long, patterns are matched in linear time, and nothing is fetched.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import re2
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from revolution_hub.errors import LimitError, Problem
from revolution_hub.model.strict_json import canonical_json
from revolution_sdk.types import Json, JsonObject

MOST_PROBLEMS = 50
SECONDS = 1.0
"""What looking at one value by a schema of a workflow may take."""

_VALUES = ("const", "enum", "default", "examples")
"""Below these words stand plain values, which are no schemas whatever they look like."""
_NAMED = ("properties", "patternProperties", "$defs", "dependentSchemas")
"""Below these stand schemas under names of their own."""
_REFUSED = (
    "unevaluatedProperties",
    "unevaluatedItems",
    "$dynamicRef",
    "$dynamicAnchor",
    "$id",
    "$vocabulary",
)
_LONGEST_PATTERN = 500
_RE2 = re2.Options()
_RE2.log_errors = False
_RE2.max_mem = 1 << 20


def validator_of(schema: JsonObject) -> Draft202012Validator:
    """Return what checks values by a schema that is trusted; raises SchemaError if it is none."""
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def problems_of(validator: Any, value: Json, at: str = "") -> list[Problem]:
    """Return what is wrong with a value, at most 50 problems. `at` is the path of the value."""
    found = []
    for error in validator.iter_errors(value):
        path = path_of(error.absolute_path, at)
        found.append(Problem(path=path, message=_say(error), code=str(error.validator)))
        if len(found) >= MOST_PROBLEMS:
            break
    return found


def faults_in(schema: Json, at: str) -> list[Problem]:
    """Return what is wrong with a schema somebody wrote, each fault with its path."""
    try:
        problems = problems_of(Draft202012Validator(Draft202012Validator.META_SCHEMA), schema, at)
        # The standard's own schema is made of several, which all say the same of what is no schema at all.
        problems = list(dict.fromkeys(problems))
        return problems or list(_own_faults(schema, at))[:MOST_PROBLEMS]
    except RecursionError:
        return [Problem(path=at, message="is nested too deeply for a JSON Schema", code="schema_invalid")]


def judge(schema: JsonObject, value: Json, at: str) -> list[Problem]:
    """Return what is wrong with a value by a schema somebody wrote; `at` is the path of the value.

    Raises LimitError `schema_limit` if finding out takes too long.
    """
    clock = _Clock()
    validator = _Careful(_alone(schema), format_checker=clock, registry=Registry())
    try:
        return problems_of(validator, value, at)
    except Unresolvable as error:
        return [Problem(path=at, message=f"the schema refers to {error.ref!r}, which it lacks", code="$ref")]
    except RecursionError:
        raise _too_much() from None


def path_of(parts: Iterable[str | int], at: str = "") -> str:
    """Write a path of keys and indexes behind another one: `data.items[2].name`."""
    text = at
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class _Clock(FormatChecker):
    """Checks formats, and carries through a whole check when it must be done."""

    def __init__(self) -> None:
        super().__init__()
        self.give_up_s = time.monotonic() + SECONDS


def _too_much() -> LimitError:
    return LimitError(f"checking the value by its schema takes more than {SECONDS:g} s", code="schema_limit")


def _timed(rule: Callable[..., Any]) -> Callable[..., Any]:
    def within(validator: Any, wanted: Any, value: Json, schema: Json) -> Any:
        if time.monotonic() > validator.format_checker.give_up_s:
            raise _too_much()
        return rule(validator, wanted, value, schema)

    return within


def _pattern(validator: Any, pattern: str, value: Json, schema: Json) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _matches(pattern, value):
        yield ValidationError("does not match")


def _pattern_properties(
    validator: Any, patterns: JsonObject, value: Json, schema: Json
) -> Iterator[ValidationError]:
    for pattern, below in patterns.items() if isinstance(value, dict) else ():
        for name, member in value.items():
            if _matches(pattern, name):
                yield from validator.descend(member, below, path=name, schema_path=pattern)


def _additional(validator: Any, below: Json, value: Json, schema: JsonObject) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    known, patterns = schema.get("properties", {}), list(schema.get("patternProperties", {}))
    for name, member in value.items():
        if name in known or any(_matches(one, name) for one in patterns):
            continue
        if below is False:
            yield ValidationError(f"{name[:80]!r} is not known", path=[name])
        else:
            yield from validator.descend(member, below, path=name)


def _unique(validator: Any, wanted: bool, value: Json, schema: Json) -> Iterator[ValidationError]:
    # JSON Schema calls 1 and 1.0 equal, and so does a value read from JSON once it is a number here.
    if wanted and isinstance(value, list) and len({_same(one) for one in value}) < len(value):
        yield ValidationError("has members twice")


def _same(value: Json) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return canonical_json(int(value) if whole else value)


def _matches(pattern: str, text: str) -> bool:
    # A pattern that cannot be read was refused when the schema was kept; it matches nothing.
    compiled = _compiled(pattern)
    return compiled is not None and compiled.search(text) is not None


def _compiled(pattern: str) -> Any:
    if len(pattern) > _LONGEST_PATTERN:
        return None
    try:
        return re2.compile(pattern, _RE2)
    except re2.error:
        return None


_RULES = {
    **Draft202012Validator.VALIDATORS,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "uniqueItems": _unique,
}
_extend: Any = extend
_Careful = _extend(Draft202012Validator, {name: _timed(rule) for name, rule in _RULES.items()})


def _alone(schema: Json) -> Json:
    """Return the schema without `$schema`: another dialect would come with rules that know no end."""
    if isinstance(schema, list):
        return [_alone(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: one if name in _VALUES else _alone(one)
        for name, one in schema.items()
        if not (name == "$schema" and isinstance(one, str))
    }


def _own_faults(schema: Json, at: str) -> Iterator[Problem]:
    """Yield what the standard allows and a hub does not."""
    for path, one in _schemas(schema, at):
        for word in _REFUSED:
            if word in one:
                yield Problem(path=f"{path}.{word}", message="is not known to a hub", code="unknown_key")
        if not str(one.get("$ref", "#")).startswith("#"):
            message = "must begin with #: nothing is fetched"
            yield Problem(path=f"{path}.$ref", message=message, code="$ref")
        patterns = {f"{path}.pattern": one["pattern"]} if "pattern" in one else {}
        patterns |= {f"{path}.patternProperties": name for name in one.get("patternProperties", ())}
        for place, text in patterns.items():
            if _compiled(text) is None:
                message = f"must be a pattern RE2 can read, of at most {_LONGEST_PATTERN} characters"
                yield Problem(path=place, message=message, code="pattern")


def _schemas(schema: Json, at: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield the schema and every one within it, with its path."""
    if isinstance(schema, list):
        for index, one in enumerate(schema):
            yield from _schemas(one, f"{at}[{index}]")
    elif isinstance(schema, dict):
        yield at, schema
        for word, below in schema.items():
            named = below if word in _NAMED and isinstance(below, dict) else {}
            for name, one in named.items():
                yield from _schemas(one, f"{at}.{word}.{name}")
            if word not in _VALUES and word not in _NAMED:
                yield from _schemas(below, f"{at}.{word}")


_SAY: dict[str, Callable[[Any], str]] = {
    "required": lambda error: error.message,
    "additionalProperties": lambda error: error.message,
    "type": lambda error: f"must be {_either(error.validator_value)}",
    "enum": lambda error: f"must be one of {', '.join(map(str, error.validator_value))}"[:300],
    "format": lambda error: f"must be a valid {error.validator_value}",
    "pattern": lambda error: f"must match {error.validator_value}",
}


def _say(error: Any) -> str:
    # The library's own messages quote the value, which may be a customer's data; ours name only the rule.
    say = _SAY.get(error.validator)
    return say(error) if say else f"breaks the rule {error.validator} = {str(error.validator_value)[:80]}"


def _either(kinds: str | list[str]) -> str:
    return kinds if isinstance(kinds, str) else " or ".join(kinds)
