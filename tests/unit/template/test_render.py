"""Values of expressions, their text, and the type of a lone one."""

from collections import ChainMap
from dataclasses import dataclass

import pytest

from revolution_hub.errors import TemplateError
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json, JsonObject

SCOPE: JsonObject = {
    "name": "Eva",
    "empty": "",
    "nothing": None,
    "yes": True,
    "no": False,
    "zero": 0,
    "count": 3,
    "rate": 1.5,
    "whole": 2.0,
    "phone": "+491701234567",
    "digits": "0049",
    "tags": ["vip", "new"],
    "matrix": [[1, 2], [3, 4]],
    "contact": {"email": "eva@example.org", "odd key": "odd", "": "blank", "0": "zero", "länge": 7},
    "none": [],
    "void": {},
}


@dataclass(frozen=True)
class Case:
    name: str
    given: str
    expect: Json


def exactly(value: Json) -> str:
    """Tell 1, 1.0 and true apart, which == does not."""
    return repr(value)


LONE = [
    Case("a text", "{{ name }}", "Eva"),
    Case("a phone number stays text", "{{ phone }}", "+491701234567"),
    Case("digits stay text", "{{ digits }}", "0049"),
    Case("a number", "{{ count }}", 3),
    Case("a decimal number", "{{ whole }}", 2.0),
    Case("true", "{{ yes }}", True),
    Case("null", "{{ nothing }}", None),
    Case("a list", "{{ tags }}", ["vip", "new"]),
    Case("an object", "{{ void }}", {}),
    Case("white space around is no text", " \n{{ count }}\r\n\t", 3),
    Case("a literal text", "{{ '5' }}", "5"),
    Case("a literal number", "{{ -2.50 }}", -2.5),
    Case("a literal null", "{{ null }}", None),
    Case("a literal brace", '{{ "{{" }}', "{{"),
]

PATHS = [
    Case("a key", "{{ contact.email }}", "eva@example.org"),
    Case("an odd key", '{{ contact["odd key"] }}', "odd"),
    Case("an empty key", "{{ contact[''] }}", "blank"),
    Case("a key of digits", "{{ contact['0'] }}", "zero"),
    Case("a key that is not ASCII", "{{ contact['länge'] }}", 7),
    Case("an index", "{{ tags[0] }}", "vip"),
    Case("the last one", "{{ tags[-1] }}", "new"),
    Case("an index in an index", "{{ matrix[1][-2] }}", 3),
]

DEFAULTS = [
    Case("an absent value", "{{ nobody | 'x' }}", "x"),
    Case("an absent key far down", "{{ nobody.at.all[0] | 'x' }}", "x"),
    Case("null", "{{ nothing | 'x' }}", "x"),
    Case("an empty text", "{{ empty | 'x' }}", "x"),
    Case("zero is a value", "{{ zero | 5 }}", 0),
    Case("false is a value", "{{ no | true }}", False),
    Case("an empty list is a value", "{{ none | 'x' }}", []),
    Case("a value", "{{ name | 'x' }}", "Eva"),
    Case("null as the default", "{{ nobody | null }}", None),
    Case("an empty text as the default", "Hallo {{ nobody | '' }}!", "Hallo !"),
    Case("another path", "{{ nobody | default:name }}", "Eva"),
    Case("one default behind another", "{{ nobody | default:nobody | default:nothing | 'x' }}", "x"),
    Case("a default of a choice", "{{ (nobody or nothing) | 'x' }}", "x"),
]

LOGIC = [
    Case("not of an absent value", "{{ not nobody }}", True),
    Case("not of a value", "{{ not name }}", False),
    Case("false values", "{{ zero or no or empty or none or void or nothing or 'x' }}", "x"),
    Case("and gives the last", "{{ name and count }}", 3),
    Case("and gives the first false one", "{{ name and zero and count }}", 0),
    Case("or gives the first true one", "{{ nobody or name or count }}", "Eva"),
    Case("or of nothing is null", "{{ nobody or nothing }}", None),
    Case("an absent value in and is null", "{{ nobody and name }}", None),
    Case("and stops at the first false one", "{{ no and (name < 1) }}", False),
    Case("or stops at the first true one", "{{ name or (name < 1) }}", "Eva"),
]

COMPARISONS = [
    Case("1 equals 1.0", "{{ 1 == 1.0 }}", True),
    Case("true is not 1", "{{ true == 1 }}", False),
    Case("false is not 0", "{{ no == zero }}", False),
    Case("true is true", "{{ yes == true }}", True),
    Case("a text is not a number", "{{ '3' == count }}", False),
    Case("absent equals null", "{{ nobody == null }}", True),
    Case("absent equals absent", "{{ nobody == nobody.else }}", True),
    Case("absent differs from a text", "{{ nobody != 'x' }}", True),
    Case("equal lists", "{{ tags == tags }}", True),
    Case("lists of another length", "{{ tags == none }}", False),
    Case("a list is not an object", "{{ none == void }}", False),
    Case("null is not an empty list", "{{ nothing == none }}", False),
    Case("numbers in order", "{{ 2 < 10 }}", True),
    Case("texts in order of code points", "{{ 'Z' < 'a' }}", True),
    Case("texts of digits are texts", "{{ '2' < '10' }}", False),
    Case("less or equal", "{{ whole <= 2 }}", True),
    Case("greater", "{{ rate > 1 }}", True),
    Case("greater or equal", "{{ count >= 4 }}", False),
    Case("dates in ISO form", "{{ '2026-01-02' < '2026-01-10' }}", True),
    Case("in a list", "{{ 'vip' in tags }}", True),
    Case("true is not in a list of 1", "{{ true in matrix[0] }}", False),
    Case("a list in a list", "{{ matrix[0] in matrix }}", True),
    Case("not in a list", "{{ 'old' not in tags }}", True),
    Case("a key in an object", "{{ 'email' in contact }}", True),
    Case("a part of a text", "{{ 'example' in contact.email }}", True),
    Case("in an absent list", "{{ 'vip' in nobody.tags }}", False),
    Case("in null", "{{ 'vip' in nothing }}", False),
    Case("null in a text", "{{ nothing in name }}", False),
    Case("absent in a list without null", "{{ nobody in tags }}", False),
]

TEXT = [
    Case("no expression", "plain", "plain"),
    Case("nothing", "", ""),
    Case("only white space", " \n ", " \n "),
    Case("a text in text", "Hallo {{ name }}!", "Hallo Eva!"),
    Case("two side by side", "{{ name }}{{ count }}", "Eva3"),
    Case("true and false", "{{ yes }}/{{ no }}", "true/false"),
    Case("a decimal number", "{{ rate }} %", "1.5 %"),
    Case("a whole decimal number", "{{ whole }} %", "2 %"),
    Case("a large decimal number", "x{{ 1e22 }}", "x1e+22"),
    Case("minus zero", "x{{ -0.0 }}", "x0"),
    Case("the shortest form", "x{{ 0.1 }}", "x0.1"),
    Case("a list", "x{{ tags }}", 'x["vip","new"]'),
    Case("an object with umlauts", "x{{ contact['länge'] }}", "x7"),
    Case("an object", "{{ void }}{{ void }}", "{}{}"),
    Case("stray braces", "{ {{ name }}}} }", "{ Eva}} }"),
    Case("a byte order mark is text", "\ufeff{{ count }}", "\ufeff3"),
    Case("umlauts and bidi characters stay", "Grüße \u202e{{ name }}", "Grüße \u202eEva"),
]


@pytest.mark.parametrize(
    "case", [*LONE, *PATHS, *DEFAULTS, *LOGIC, *COMPARISONS, *TEXT], ids=lambda case: case.name
)
def test_a_template_renders(case: Case) -> None:
    assert exactly(compile_template(case.given).render(SCOPE)) == exactly(case.expect)


ERRORS = [
    Case("an absent value", "{{ nobody }}", "nobody is not there"),
    Case("an absent value in text", "Hallo {{ nobody }}", "nobody is not there"),
    Case("null in text", "Hallo {{ nothing }}", "nothing is null, which has no text"),
    Case("a null result in text", "Hallo {{ nobody or nothing }}", "this is null, which has no text"),
    Case("an absent default", "{{ nobody | default:contact.phone }}", "contact.phone is not there"),
    Case("a filter on an absent value", "{{ nobody | upper }}", "nobody is not there"),
    Case("a default too late", "{{ nobody | upper | 'x' }}", "nobody is not there"),
    Case("order with null", "{{ nothing < 1 }}", "null and a number have no order"),
    Case("order with an absent value", "{{ 1 > contact.age }}", "contact.age is not there"),
    Case("order of mixed types", "{{ name < 1 }}", "a text and a number have no order"),
    Case("order of truths", "{{ yes < 2 }}", "true or false and a number have no order"),
    Case("order of lists", "{{ tags <= tags }}", "a list and a list have no order"),
    Case("order of objects", "{{ void >= 1 }}", "have no order"),
    Case(
        "in a number", "{{ 1 in count }}", "in needs a list, an object or a text on its right, not a number"
    ),
    Case("a number in a text", "{{ 1 in name }}", "a number cannot be in a text; only a text can"),
    Case("a list in an object", "{{ tags in contact }}", "a list cannot be in an object; only a text can"),
    Case("a character of a text", "{{ name[0] }}", "name[0] is not there; name is a text"),
    Case("a key of a number", "{{ count.real }}", "count.real is not there; count is a number"),
    Case("a key of true", "{{ yes.x }}", "yes.x is not there; yes is true or false"),
    Case("a key of null", "{{ nothing.x.y }}", "nothing.x is not there; nothing is null"),
    Case("a key of a list", "{{ tags.first }}", "tags.first is not there; tags is a list, its first member"),
    Case("an index of an object", "{{ contact[0] }}", "contact[0] is not there; contact is an object"),
    Case("an index too far", "{{ tags[2] }}", "tags[2] is not there; the list is shorter"),
    Case("a negative index too far", "{{ tags[-3] }}", "tags[-3] is not there; the list is shorter"),
]


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case.name)
def test_what_has_no_value_is_an_error_and_never_silent(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(case.given).render(SCOPE)
    assert case.expect in caught.value.message


def test_equality_looks_into_lists_and_objects() -> None:
    scope = {"a": {"x": [1, {"y": True}]}, "b": {"x": [1.0, {"y": True}]}, "c": {"x": [1, {"y": 1}]}}
    assert compile_template("{{ a == b }}").render(scope) is True
    assert compile_template("{{ a == c }}").render(scope) is False
    assert compile_template("{{ a == b.x }}").render(scope) is False
    assert compile_template("{{ a.x[1] == a }}").render(scope) is False


def test_a_rendered_value_can_be_changed_without_changing_the_scope() -> None:
    scope = {"lead": {"tags": ["a"]}}
    rendered = compile_template("{{ lead }}").render(scope)
    rendered["tags"].append("b")
    assert scope == {"lead": {"tags": ["a"]}}


def test_any_mapping_serves_as_scope() -> None:
    scope = ChainMap({"a": 1}, {"b": {"c": 2}})
    assert compile_template("{{ a }}{{ b.c }}").render(scope) == "12"


def test_braces_in_data_stay_what_they_are() -> None:
    scope = {"name": "{{ secrets.key }}", "secrets": {"key": "canary"}}
    assert compile_template("{{ name }}").render(scope) == "{{ secrets.key }}"
    assert compile_template("Hallo {{ name }}, {{ name|upper }}").render(scope) == (
        "Hallo {{ secrets.key }}, {{ SECRETS.KEY }}"
    )


def test_paths_lists_every_path_in_order_with_place_and_default() -> None:
    template = compile_template(
        "Hi {{ a.b|'x' }},\n  {{ not c[0] and d == e|default:f | 'y' }} {{ (g or h)|'z' }} {{ i|upper|'z' }}"
    )
    assert [(use.parts, use.line, use.column, use.defaulted) for use in template.paths] == [
        (("a", "b"), 1, 7, True),
        (("c", 0), 2, 10, False),
        (("d",), 2, 19, False),
        (("e",), 2, 24, True),
        (("f",), 2, 34, False),
        (("g",), 2, 49, False),
        (("h",), 2, 54, False),
        (("i",), 2, 67, False),
    ]


def test_a_template_is_compiled_once_and_a_long_one_not_kept() -> None:
    long = "x" * 5_000 + "{{ a }}"
    assert compile_template("once {{ a }}") is compile_template("once {{ a }}")
    assert compile_template(long) is not compile_template(long)
