"""Templates inside nested JSON."""

from collections.abc import Callable
from datetime import date

import pytest

from revolution_hub.errors import DefinitionError, TemplateError, TemplateLimitError
from revolution_hub.template.document import compile_document
from revolution_hub.template.limits import Limits
from revolution_sdk.types import Json

SCOPE = {"contact": {"email": "eva@example.org", "score": 70}, "quote": '"},{"admin":true,"x":"', "n": None}


def test_templates_are_found_at_any_depth_and_keep_their_types() -> None:
    document = compile_document(
        {
            "to": ["{{ contact.email }}", "fixed@example.org"],
            "lead": "{{ contact }}",
            "minutes": 30,
            "ok": True,
            "none": None,
            "deep": {"list": [{"score": "{{ contact.score }}", "text": "Score {{ contact.score }}"}]},
        }
    )
    assert document.render(SCOPE) == {
        "to": ["eva@example.org", "fixed@example.org"],
        "lead": {"email": "eva@example.org", "score": 70},
        "minutes": 30,
        "ok": True,
        "none": None,
        "deep": {"list": [{"score": 70, "text": "Score 70"}]},
    }


@pytest.mark.parametrize("value", ["plain", "a }} b { c", 1, 1.5, True, None, [], {}, [[]], {"a": {}}])
def test_a_document_without_templates_is_returned_as_it_is(value: Json) -> None:
    document = compile_document(value)
    assert document.render({}) == value
    assert document.paths == ()


def test_keys_are_never_templates() -> None:
    assert compile_document({"{{ a }}": "{{ contact.score }}"}).render(SCOPE) == {"{{ a }}": 70}


def test_data_cannot_break_out_of_the_string_it_is_put_into() -> None:
    rendered = compile_document({"name": "Hallo {{ quote }}"}).render(SCOPE)
    assert rendered == {"name": 'Hallo "},{"admin":true,"x":"'}


def test_the_result_can_be_changed_without_changing_the_document_or_the_scope() -> None:
    scope = {"tags": ["a"]}
    document = compile_document({"fixed": {"list": [1]}, "tags": "{{ tags }}"})
    first = document.render(scope)
    first["fixed"]["list"].append(2)
    first["tags"].append("b")
    assert document.render(scope) == {"fixed": {"list": [1]}, "tags": ["a"]}


def test_paths_carry_their_place_in_the_document() -> None:
    document = compile_document(
        {"to": ["x", "{{ contact.email }}"], "odd key": {"": "a {{ b }} {{ c|1 }}"}}, at="steps[2].with"
    )
    assert [(where, use.parts, use.defaulted) for where, use in document.paths] == [
        ("steps[2].with.to[1]", ("contact", "email"), False),
        ('steps[2].with["odd key"][""]', ("b",), False),
        ('steps[2].with["odd key"][""]', ("c",), True),
    ]


def test_a_path_in_a_document_of_one_string_has_no_place() -> None:
    assert compile_document("{{ a }}").paths[0].where == ""
    assert compile_document({"a": "{{ a }}"}).paths[0].where == "a"
    assert compile_document(["{{ a }}"]).paths[0].where == "[0]"


def test_all_problems_are_reported_at_once_with_place_and_caret() -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_document(
            {"to": "{{ a b }}", "ok": "{{ a }}", "list": [{"x": "line\n{{ c | uper }}"}]}, at="with"
        )
    assert caught.value.message == "2 problems in templates"
    assert [(one.path, one.code, one.message) for one in caught.value.problems] == [
        (
            "with.to",
            "template_invalid",
            "expected an operator, | or }}, found b (line 1, column 6)\n  {{ a b }}\n       ^",
        ),
        (
            "with.list[0].x",
            "template_invalid",
            "there is no filter uper; did you mean upper? (line 2, column 8)\n  {{ c | uper }}\n         ^",
        ),
    ]


def test_what_yaml_reads_as_something_else_than_json_is_a_problem() -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_document({"day": date(2026, 1, 2), 5: "x", "list": [{True: 1}]})
    assert [(one.path, one.message) for one in caught.value.problems] == [
        ("", "the key 5 is not a text; write it in quotes"),
        ("day", "date is not JSON; write it as a text in quotes"),
        ("list[0]", "the key True is not a text; write it in quotes"),
    ]


def test_a_template_too_long_is_a_problem_with_its_own_code() -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_document({"a": "{{ a }}" + "x" * 100}, Limits(source_chars=50))
    assert [(one.path, one.code) for one in caught.value.problems] == [("a", "template_limit")]
    assert caught.value.message == "1 problem in templates"


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"k": value}], ids=["list", "object"])
def test_a_document_nested_too_deeply_is_a_problem_and_not_a_crash(wrap: Callable[[Json], Json]) -> None:
    value: Json = "{{ a }}"
    for _ in range(63):
        value = wrap(value)
    assert "{{" not in repr(compile_document(value).render({"a": 1}))
    for _ in range(50_000):
        value = wrap(value)
    with pytest.raises(DefinitionError) as caught:
        compile_document(value)
    (problem,) = caught.value.problems
    assert (problem.message, problem.code) == ("this is nested deeper than 64 levels", "template_limit")


def test_a_failing_template_is_named_with_its_place_in_the_document() -> None:
    document = compile_document({"ok": "{{ n }}", "list": ["x {{ contact.emali }}"]}, at="with")
    with pytest.raises(TemplateError, match=r"contact\.emali is not there; did you mean email") as caught:
        document.render(SCOPE)
    (problem,) = caught.value.problems
    assert (problem.path, problem.code) == ("with.list[0]", "template_invalid")
    assert problem.message == caught.value.pointed()
    assert caught.value.column == 14


def test_output_is_counted_over_the_whole_document() -> None:
    document = compile_document(["{{ a }}", "b {{ a }}", "{{ a }}"])
    assert document.render({"a": "xxxx"}, Limits(output_chars=14)) == ["xxxx", "b xxxx", "xxxx"]
    with pytest.raises(TemplateLimitError, match="more than 13 characters") as caught:
        document.render({"a": "xxxx"}, Limits(output_chars=13))
    assert [one.path for one in caught.value.problems] == ["[2]"]


def test_steps_are_counted_over_the_whole_document() -> None:
    document = compile_document({"a": "{{ a }}", "b": "{{ a == 1 }}"})
    assert document.render({"a": 1}, Limits(steps=4)) == {"a": 1, "b": True}
    with pytest.raises(TemplateLimitError, match="more than 3 steps"):
        document.render({"a": 1}, Limits(steps=3))
