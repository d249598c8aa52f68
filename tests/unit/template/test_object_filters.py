"""The filters for objects: what each gives, what it refuses, what it costs."""

from dataclasses import dataclass

import pytest

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.limits import DEFAULT, Limits
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json

CANARY = "tok_live_canary"
OTHER: Json = {"b": {"y": 2}, "c": 3}


def render(pipe: str, value: Json, limits: Limits = DEFAULT) -> Json:
    return compile_template("{{ v | " + pipe + " }}").render({"v": value, "other": OTHER}, limits)


@dataclass(frozen=True)
class Case:
    name: str
    pipe: str
    value: Json
    expect: Json


GIVES = [
    Case("keys in their order", "keys", {"b": 1, "a": 2}, ["b", "a"]),
    Case("keys of nothing", "keys", {}, []),
    Case("values in their order", "values", {"b": 1, "a": None}, [1, None]),
    Case("entries", "entries", {"b": [1], "": 2}, [{"key": "b", "value": [1]}, {"key": "", "value": 2}]),
    Case("merge one level", "merge:other", {"a": 1, "b": {"x": 1}}, {"a": 1, "b": {"y": 2}, "c": 3}),
    Case("pick in the order named", "pick:'c','a'", {"a": 1, "b": 2, "c": None}, {"c": None, "a": 1}),
    Case("pick leaves out what is absent", "pick:'x'", {"a": 1}, {}),
    Case("pick takes dots as they are", "pick:'a.b'", {"a.b": 1, "a": {"b": 2}}, {"a.b": 1}),
    Case("pick eight", "pick:'a','b','c','d','e','f','g','h'", {"h": 1, "i": 2}, {"h": 1}),
    Case("omit", "omit:'a','x'", {"a": 1, "b": 2}, {"b": 2}),
    Case("special names are only keys", "pick:'__class__'", {"__class__": "x"}, {"__class__": "x"}),
]


@pytest.mark.parametrize("case", GIVES, ids=lambda case: case.name)
def test_an_object_filter_gives(case: Case) -> None:
    rendered = render(case.pipe, case.value)
    assert rendered == case.expect
    assert list(rendered) == list(case.expect)


REFUSES = [
    Case("keys of a list", "keys", [CANARY], "keys needs an object, not a list"),
    Case("values of a text", "values", CANARY, "values needs an object, not a text"),
    Case("entries of null", "entries", None, "entries needs an object, not null"),
    Case("merge into a list", "merge:other", [], "merge needs an object, not a list"),
    Case("merge of a text", "merge:'x'", {}, "merge needs an object as the other object, not a text"),
    Case("pick of a number", "pick:'a'", 1, "pick needs an object, not a number"),
    Case("pick by a number", "pick:1", {"a": CANARY}, "pick needs a text as a key, not a number"),
    Case("omit of true", "omit:'a'", True, "omit needs an object, not true or false"),
    Case("omit by null", "omit:'a', null", {"a": CANARY}, "omit needs a text as a key, not null"),
    Case("pick of nine", "pick:" + ",".join(["'a'"] * 9), {}, "pick takes 1 to 8 arguments, not 9"),
]


@pytest.mark.parametrize("case", REFUSES, ids=lambda case: case.name)
def test_an_object_filter_refuses_and_tells_no_data(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        render(case.pipe, case.value)
    assert str(case.expect) in caught.value.message
    assert CANARY not in caught.value.pointed()


@pytest.mark.parametrize("pipe", ["keys", "values", "entries", "merge:v", "omit:'a'"])
def test_an_object_of_a_hundred_members_is_charged(pipe: str) -> None:
    with pytest.raises(TemplateLimitError, match="handles more data than 700 characters"):
        render(pipe + " | length", {str(at): at for at in range(100)}, Limits(output_chars=700))


def test_picking_costs_what_is_named_and_not_what_is_there() -> None:
    value = {str(at): at for at in range(10_000)}
    assert render("pick:'7'", value, Limits(output_chars=50)) == {"7": 7}
    with pytest.raises(TemplateLimitError):
        compile_template("{{ v | pick:k }}").render({"v": {}, "k": "x" * 100}, Limits(output_chars=50))


def test_what_is_given_is_never_changed() -> None:
    value: Json = {"a": 1, "b": {"x": 1}}
    for pipe in ["keys", "values", "entries", "merge:other", "pick:'a'", "omit:'a'"]:
        render(pipe, value)
    assert value == {"a": 1, "b": {"x": 1}}
    assert OTHER == {"b": {"y": 2}, "c": 3}
