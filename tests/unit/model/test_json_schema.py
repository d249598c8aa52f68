"""Schemas that strangers wrote: every fault with its path, linear patterns, nothing fetched, bounded time."""

import time
from contextlib import suppress
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from revolution_hub.errors import LimitError
from revolution_hub.model.json_schema import SECONDS, faults_in, judge, path_of

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "tags": {"type": "array"}},
    "required": ["name"],
    "additionalProperties": False,
}
BOMB = {
    "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)} | {"d40": True},
    "$ref": "#/$defs/d0",
}


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ({"name": "Ada"}, []),
        ({}, ["data"]),
        ({"name": "ada"}, ["data.name"]),
        ({"name": 5, "tags": 1}, ["data.name", "data.tags"]),
        ({"name": "Ada", "more": 1}, ["data.more"]),
        ([], ["data"]),
    ],
)
def test_every_problem_has_the_path_of_its_value(value: Any, paths: list[str]) -> None:
    assert [one.path for one in judge(PERSON, value, "data")] == paths


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (schema, value)
        for schema in (
            {"uniqueItems": True},
            {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
            {"properties": {"a": False}, "additionalProperties": False},
            {"pattern": "b+$"},
            {"oneOf": [{"type": "integer"}, {"minimum": 3}]},
            {"$defs": {"a": {"type": "string"}}, "items": {"$ref": "#/$defs/a"}},
            {"format": "date-time"},
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
        )
        for value in (
            *([1, 1.0], [1, True], [{"a": 1}, {"a": 1}], ["x", 1], {"a": 1}, {"ab": "x", "b": 2}),
            *("abb", "abc", 2, 5, None, "2026-11-23T07:00:00Z", "yesterday"),
        )
    ],
)
def test_it_agrees_with_the_standard(schema: Any, value: Any) -> None:
    standard = Draft202012Validator(schema, format_checker=FormatChecker())
    assert (judge(schema, value, "data") == []) == standard.is_valid(value)


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        (PERSON, []),
        ({"type": "objekt"}, ["inputs.type"]),
        ({"properties": {"a": {"minimum": "x"}}}, ["inputs.properties.a.minimum"]),
        ({"properties": {"a": {"pattern": "(?=x)"}}}, ["inputs.properties.a.pattern"]),
        ({"patternProperties": {"(a)\\1": True}}, ["inputs.patternProperties"]),
        ({"pattern": "a" * 501}, ["inputs.pattern"]),
        ({"$ref": "https://example.com/schema"}, ["inputs.$ref"]),
        ({"anyOf": [True, {"unevaluatedProperties": False}]}, ["inputs.anyOf[1].unevaluatedProperties"]),
        ({"properties": {"pattern": {"type": "string"}, "$id": {"type": "string"}}}, []),
        ({"default": {"pattern": "(?=x)", "$ref": "http://"}}, []),
        ([], ["inputs"]),
    ],
)
def test_every_fault_of_a_schema_has_its_path(schema: Any, paths: list[str]) -> None:
    assert [one.path for one in faults_in(schema, "inputs")] == paths


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": "(a+)+$"}, "a" * 50_000 + "b"),
        ({"patternProperties": {"(a+)+$": True}, "additionalProperties": False}, {"a" * 5_000 + "b": 1}),
        ({"uniqueItems": True}, [{"n": n} for n in range(20_000)]),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "(a+)+$"}, "a" * 40 + "b"),
        (
            {"items": {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "(a+)+$"}},
            ["a" * 40 + "b"],
        ),
        (BOMB, 1),
        ({"$ref": "#"}, 1),
        ({"items": {"anyOf": [{"minimum": 10 + n} for n in range(2_000)]}}, [1] * 20_000),
    ],
)
def test_no_schema_holds_the_process_up(schema: Any, value: Any) -> None:
    begun_s = time.monotonic()
    with suppress(LimitError):
        judge(schema, value, "data")
    assert time.monotonic() - begun_s < SECONDS + 2


@pytest.mark.parametrize("schema", [BOMB, {"$ref": "#"}])
def test_a_schema_without_an_end_is_given_up(schema: Any) -> None:
    with pytest.raises(LimitError) as caught:
        judge(schema, 1, "data")
    assert caught.value.code == "schema_limit"


def test_a_reference_out_of_the_schema_is_a_problem_and_no_request() -> None:
    found = judge({"$ref": "http://127.0.0.1:9/schema"}, {}, "data")
    assert [(one.path, one.code) for one in found] == [("data", "$ref")]


def test_a_path_is_written_as_people_write_it() -> None:
    assert path_of(["items", 2, "name"], "data") == "data.items[2].name"
    assert path_of(["a", 0]) == "a[0]"
