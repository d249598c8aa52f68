"""Strict schemas: what is sent, what is refused, and the answer held against the full schema."""

import pytest
from jsonschema import Draft202012Validator

from revolution_ai.structured import read_answer, strict_schema
from revolution_sdk import JsonObject, RetryableError
from revolution_sdk.schema import array, integer, nullable, number, object_, string


def test_bounds_are_left_out_and_everything_else_is_kept() -> None:
    schema = object_(
        kind=string(enum=["a", "b"], describe="The kind"),
        count=nullable(integer(minimum=1, maximum=9, describe="How many")),
        tags=array(string(pattern="^x", max_length=5), min_items=1, max_items=3),
    )

    assert strict_schema(schema) == {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["a", "b"], "description": "The kind"},
            "count": {"type": ["integer", "null"], "description": "How many"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["kind", "count", "tags"],
        "additionalProperties": False,
    }


def test_definitions_and_alternatives_are_made_strict_too() -> None:
    node = object_(value={"anyOf": [integer(minimum=1), {"$ref": "#/$defs/node"}]})

    found = strict_schema({**object_(root={"$ref": "#/$defs/node"}), "$defs": {"node": node}})

    Draft202012Validator.check_schema(found)
    assert found["$defs"]["node"]["properties"]["value"] == {
        "anyOf": [{"type": "integer"}, {"$ref": "#/$defs/node"}]
    }


def test_an_object_that_does_not_say_whether_it_is_closed_is_closed() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]}

    assert strict_schema(schema)["additionalProperties"] is False


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (string(), r"\$: strict output must be an object"),
        ({"anyOf": [object_(a=string())]}, r"\$: strict output must be an object"),
        (object_(a=object_(open_=True)), r"\$\.a: strict output cannot hold an open object"),
        (object_(a=string(), b=string(), optional=["b"]), r"\$: make b required and nullable"),
        (object_(a={"allOf": [string()]}), r"\$\.a: strict output does not know 'allOf'"),
        (object_(a={"type": "array"}), r"\$\.a: say what the list holds"),
        (object_(a=array(object_(open_=True))), r"\$\.a\[\]: strict output cannot hold"),
        (
            {**object_(a=string()), "$defs": {"b": object_(open_=True)}},
            r"\$\.\$defs\.b: strict output cannot",
        ),
        (object_(a={"anyOf": [object_(open_=True)]}), r"\$\.a\|0: strict output cannot hold"),
    ],
)
def test_what_strict_output_cannot_say_is_refused_with_the_place(schema: JsonObject, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        strict_schema(schema)


def test_bounds_left_out_of_the_sent_schema_are_checked_on_receipt() -> None:
    schema = object_(count=integer(minimum=1, maximum=9))

    assert read_answer('{"count": 9}', schema) == {"count": 9}
    with pytest.raises(RetryableError, match=r"\$\.count breaks the rule 'maximum'"):
        read_answer('{"count": 10}', schema)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_json_does_not_know_is_unreadable_even_where_a_number_is_expected(constant: str) -> None:
    with pytest.raises(RetryableError, match="it is not JSON"):
        read_answer(f'{{"share": {constant}}}', object_(share=number()))


def test_the_error_for_an_answer_does_not_quote_it() -> None:
    with pytest.raises(RetryableError) as caught:
        read_answer('{"count": "canary"}', object_(count=integer()))

    assert "canary" not in f"{caught.value} {caught.value.details}"
