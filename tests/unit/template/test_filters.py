"""The registered filters: what each gives, what it refuses, and that none takes a format."""

from dataclasses import dataclass

import pytest

from revolution_hub.errors import TemplateError
from revolution_hub.template.filters.filter import EXAMPLES_AT
from revolution_hub.template.filters.register import FILTERS, GROUPS
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json, JsonObject


@dataclass(frozen=True)
class Case:
    name: str
    given: tuple[str, Json]
    expect: Json


CASES = [
    Case("default replaces null", ("default:'x'", None), "x"),
    Case("default keeps a value", ("default:'x'", 0), 0),
    Case("json of a text", ("json", 'a"ä'), '"a\\"ä"'),
    Case("json of null", ("json", None), "null"),
    Case("json of an object keeps the order", ("json", {"b": 1.0, "a": [True]}), '{"b":1.0,"a":[true]}'),
    Case("length of a text counts characters", ("length", "äß😀"), 3),
    Case("length of a list", ("length", [1, 2]), 2),
    Case("length of an object", ("length", {"a": 1}), 1),
    Case("lower", ("lower", "ÄB c"), "äb c"),
    Case("upper", ("upper", "äb ß"), "ÄB SS"),
    Case("trim", ("trim", " \u00a0 a b\n"), "a b"),
    Case("chained", ("trim | upper | length", " ab "), 2),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_filter_gives(case: Case) -> None:
    pipe, value = case.given
    assert compile_template("{{ v | " + pipe + " }}").render({"v": value}) == case.expect


REFUSED = [
    Case("length of null", ("length", None), "length needs a text, a list or an object, not null"),
    Case("length of a number", ("length", 12), "length needs a text, a list or an object, not a number"),
    Case("length of true", ("length", True), "not true or false"),
    Case("lower of a number", ("lower", 1), "lower needs a text, not a number"),
    Case("upper of a list", ("upper", []), "upper needs a text, not a list"),
    Case("trim of an object", ("trim", {}), "trim needs a text, not an object"),
    Case("json of a number without an end", ("json", float("inf")), "this value is not JSON"),
    Case("json of a number too long to write", ("json", 10**5000), "too many digits"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_filter_refuses_what_it_does_not_fit(case: Case) -> None:
    pipe, value = case.given
    with pytest.raises(TemplateError) as caught:
        compile_template("{{ v | " + pipe + " }}").render({"v": value})
    assert str(case.expect) in caught.value.message


EXAMPLES = [(one.name, *example) for one in FILTERS.values() for example in one.examples]


@pytest.mark.parametrize(("name", "template", "data", "gives"), EXAMPLES)
def test_every_documented_example_gives_what_it_says(
    name: str, template: str, data: JsonObject, gives: Json
) -> None:
    rendered = compile_template(template).render(data, now=EXAMPLES_AT)
    assert (type(rendered), rendered) == (type(gives), gives)
    assert "|" in template


def test_the_register_documents_every_filter() -> None:
    for name, one in FILTERS.items():
        assert name == one.name
        assert one.purpose.endswith(".")
        assert one.examples
    assert len(FILTERS) == sum(map(len, GROUPS.values()))


FORMATS = [
    "{0.__class__}",
    "{v.__init__.__globals__}",
    "%(v)s %s %d",
    "{v!r:>999999999}",
    "%999999999d",
    "$v ${v}",
]


@pytest.mark.parametrize("payload", FORMATS)
def test_a_format_in_a_value_or_an_argument_stays_text(payload: str) -> None:
    for name in ["lower", "upper", "trim"]:
        rendered = compile_template("{{ v | " + name + " }}").render({"v": payload})
        assert rendered.lower() == payload.lower()
    assert compile_template("{{ v | json }}").render({"v": payload}) == f'"{payload}"'
    assert compile_template("{{ v | default:p }}").render({"v": None, "p": payload}) == payload
