"""Any schema gets a valid instance, the same for the same seed."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from revolution_ai.sandbox.instances import NoInstanceError, instance_of
from revolution_ai.sandbox.merging import merged
from revolution_ai.sandbox.patterns import NoText, text_for
from revolution_sdk import JsonObject

WORDS = st.text("abcdefghij", min_size=1, max_size=6)


def ranged(kind: str, low: str, high: str, numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[JsonObject]:
    """Schemas of a kind with none, one or both of its bounds."""
    pairs = st.tuples(numbers, numbers).map(sorted)
    both = pairs.map(lambda pair: {"type": kind, low: pair[0], high: pair[1]})
    return st.one_of(st.just({"type": kind}), both, both.map(lambda one: {"type": kind, low: one[low]}), both)


LEAVES = st.one_of(
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}, True, {"type": ["string", "null"]}]),
    ranged("integer", "minimum", "maximum", st.integers(-10_000, 10_000)),
    ranged("number", "minimum", "maximum", st.floats(-1e6, 1e6)),
    ranged("string", "minLength", "maxLength", st.integers(0, 40)),
    st.integers(1, 50).map(lambda step: {"type": "integer", "multipleOf": step, "minimum": -7}),
    st.integers(-5, 5).map(
        lambda low: {"type": "integer", "exclusiveMinimum": low, "exclusiveMaximum": low + 2}
    ),
    st.sampled_from(["date", "date-time", "email", "uuid", "uri", "ipv4", "ipv6", "time"]).map(
        lambda name: {"type": "string", "format": name}
    ),
    st.lists(st.one_of(WORDS, st.integers(), st.none()), min_size=1, max_size=4).map(
        lambda all_: {"enum": all_}
    ),
    st.one_of(WORDS, st.integers(), st.booleans(), st.none()).map(lambda one: {"const": one}),
    st.just({"$ref": "#/$defs/shared"}),
)


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects, lists and alternatives of smaller schemas."""

    def object_of(properties: dict[str, Any], closed: bool, optional: bool) -> JsonObject:
        required = list(properties)[1:] if optional else list(properties)
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": not closed,
        }

    lists = st.tuples(inner, st.integers(0, 3), st.integers(0, 3)).map(
        lambda parts: {"type": "array", "items": parts[0], "minItems": parts[1], "maxItems": sum(parts[1:])}
    )
    objects = st.builds(
        object_of, st.dictionaries(WORDS, inner, max_size=4), closed=st.booleans(), optional=st.booleans()
    )
    choices = st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches})
    return st.one_of(lists, objects, choices)


SCHEMAS = st.recursive(LEAVES, grown, max_leaves=12)


@given(schema=SCHEMAS, seed=st.text(max_size=5))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_every_schema_gets_a_valid_instance_that_depends_on_nothing_but_schema_and_seed(
    schema: Any, seed: str
) -> None:
    document = {
        "type": "object",
        "properties": {"value": schema},
        "required": ["value"],
        "$defs": {
            "shared": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/shared"}, {"type": "null"}]}}
        },
    }

    value = instance_of(document, seed)

    Draft202012Validator(document, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)
    assert instance_of(document, seed) == value


def test_another_seed_gets_another_instance() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}

    assert len({str(instance_of(schema, str(seed))) for seed in range(20)}) > 10


CORNERS: list[Any] = [
    {"type": "object", "properties": {"a": {"$ref": "#"}}},
    {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "integer", "minimum": 3, "maximum": 3}}},
    {"type": "array", "uniqueItems": True, "items": {"enum": [1, 2, 3]}, "minItems": 3},
    {"type": "array", "prefixItems": [{"const": 1}, {"const": "b"}], "items": False, "minItems": 2},
    {"type": "array", "contains": {"const": 7}, "items": {"type": "integer"}},
    {"allOf": [{"type": "object", "properties": {"a": {"minimum": 5}}}, {"required": ["a"]}]},
    {"allOf": [{"type": "number"}, {"type": "integer"}], "minimum": 0.5, "maximum": 1.5},
    {"anyOf": [{"minimum": 5}, {"minimum": 9}], "allOf": [{"anyOf": [{"maximum": 6}]}], "type": "integer"},
    {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "integer", "maximum": 10}]},
    {"enum": [1, "two", None], "type": "string"},
    {"type": "object", "minProperties": 3},
    {"required": ["anything"]},
    {"minItems": 1},
    {"multipleOf": 0.25, "minimum": 0.3, "maximum": 0.6},
    {"type": "integer", "multipleOf": 1.5},
    {"type": "string", "format": "of our own", "minLength": 60},
    {"type": ["null"]},
    {"type": "string", "maxLength": 0},
]


@pytest.mark.parametrize("schema", CORNERS, ids=str)
def test_corner_cases_get_valid_instances(schema: Any) -> None:
    for seed in "abcdef":
        Draft202012Validator(schema).validate(instance_of(schema, seed))


HOPELESS: list[Any] = [
    False,
    {"type": "integer", "minimum": 5, "maximum": 4},
    {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1},
    {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    {"$ref": "#"},
    {"$ref": "#/$defs/missing"},
    {"$ref": "https://example.com/schema"},
    {"enum": [1], "type": "string"},
    {"type": "string", "pattern": "(?<=a)b"},
    {"type": "string", "pattern": "^a{3}$", "maxLength": 2},
    {"type": "string", "minLength": 10**9},
    {"type": "array", "minItems": 10**9},
    {"type": "unknown"},
    {"not": {}},
    {"type": "string", "minLength": 5, "maxLength": 4},
]


@pytest.mark.parametrize("schema", HOPELESS, ids=str)
def test_what_has_no_instance_is_said_and_never_answered_wrongly(schema: Any) -> None:
    with pytest.raises(NoInstanceError):
        instance_of(schema, "seed")


def test_formats_are_what_they_say() -> None:
    schema = {
        "type": "object",
        "properties": {name: {"format": name} for name in ("date", "date-time", "uuid")},
    }

    for seed in range(30):
        value = instance_of(schema, str(seed))
        date.fromisoformat(value["date"])
        assert datetime.fromisoformat(value["date-time"]).tzinfo is not None
        UUID(value["uuid"])


def test_a_known_value_is_taken_where_it_fits_and_left_where_it_does_not() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "maxLength": 3}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    }

    value = instance_of(schema, "seed", lambda name, part: "known text")

    assert value["a"] == "kno"
    assert isinstance(value["b"], int)


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Z]{3}-[0-9]{4}$",
        r"^\+?\d{2,4}( \d+)*$",
        "^(red|green|blue)$",
        r"^[^aeiou0-9]+\.$",
        "^(?:ab)*c?d+$",
        r"^\w+@\w+\.\w{2,}$",
        "^[a-z0-9-]{36}$",
        "a.c",
        r"^\S\D\W$",
        "^.*$",
        "",
        r"^[\d.,]+ €$",
    ],
)
def test_patterns_get_a_matching_text(pattern: str) -> None:
    schema = {"type": "string", "pattern": pattern}

    Draft202012Validator(schema).validate(instance_of(schema, "seed"))


def test_a_pattern_is_stretched_to_the_shortest_length() -> None:
    assert len(text_for("^[a-z]+$", shortest=50, longest=60)) == 50


@pytest.mark.parametrize(
    "pattern", ["(", ")", "[a", "a{3", r"\b", "((a{9999}){9999}){9999}", r"(a)\1", r"[^\d\D]"]
)
def test_unknown_or_endless_patterns_are_refused_or_matched_and_never_hang(pattern: str) -> None:
    try:
        found = text_for(pattern)
    except NoText:
        return
    Draft202012Validator({"pattern": pattern}).validate(found)


@pytest.mark.parametrize(
    ("one", "two", "together"),
    [
        ({"minimum": 1}, {"minimum": 2}, {"minimum": 2}),
        ({"maxLength": 1}, {"maxLength": 2}, {"maxLength": 1}),
        ({"required": ["a"]}, {"required": ["b", "a"]}, {"required": ["a", "b"]}),
        ({"type": ["string", "null"]}, {"type": "string"}, {"type": "string"}),
        ({"enum": [1, 2]}, {"enum": [2, 3]}, {"enum": [2]}),
        ({"items": {"minimum": 1}}, {"items": {"maximum": 2}}, {"items": {"minimum": 1, "maximum": 2}}),
        (True, {"type": "null"}, {"type": "null"}),
        ({"type": "null"}, False, False),
    ],
)
def test_two_schemas_are_said_in_one(one: Any, two: Any, together: Any) -> None:
    assert merged(one, two) == together
