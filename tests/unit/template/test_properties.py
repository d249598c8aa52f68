"""Laws that hold for every template and every value."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.errors import TemplateError
from revolution_hub.template.document import compile_document
from revolution_hub.template.limits import Limits
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json

# The same drawings on every run, and no clock: a busy machine is no failure.
LAW = settings(derandomize=True, deadline=None)

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)

# Words and signs of the language and of its neighbors, so that many drawings are nearly valid.
VOCABULARY = """
a b steps contact email __class__ not and or in true false null default upper json length trim
== != < <= > >= | : , . [ ] ( ) - 0 1 -1 2.5 1e999 'x' "y" '' '\\u00e4' '\\q' {{ }} { } # / ! ? ??
+ * % = & @ ~ \\ ' "
"""
WORDS = st.sampled_from([*VOCABULARY.split(), "\n", "\t", " ", "ä", "\u200b", "\x00", "\ud800", "9" * 120])
GARBAGE = st.lists(WORDS, max_size=25).map(" ".join) | st.lists(WORDS, max_size=25).map("".join) | st.text()
SCOPE = {"a": 1, "b": [1, "x", None], "steps": {"contact": {"email": "eva@example.org", "in": True}}}


@LAW
@given(st.text(alphabet=st.characters(exclude_characters="{", exclude_categories=[])))
def test_text_without_opening_braces_renders_to_itself(text: str) -> None:
    assert compile_template(text).render({}) == text
    assert compile_document({"k": [text]}).render({}) == {"k": [text]}


@LAW
@given(JSON)
def test_any_value_comes_back_identical_from_a_lone_expression(value: Json) -> None:
    rendered = compile_template("{{ v }}").render({"v": value})
    assert type(rendered) is type(value)
    assert json.dumps(rendered) == json.dumps(value)


@LAW
@given(st.lists(JSON, max_size=3) | st.dictionaries(st.text(), JSON, max_size=3))
def test_a_container_in_text_reads_back_as_the_same_json(value: Json) -> None:
    text = compile_template("<{{ v }}>").render({"v": value})
    assert json.dumps(json.loads(text[1:-1])) == json.dumps(value)


@LAW
@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_in_text_reads_back_as_the_same_number(value: float) -> None:
    assert float(compile_template("<{{ v }}>").render({"v": value})[1:-1]) == float(value)


@LAW
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_written_as_a_literal(text: str) -> None:
    assert compile_template("{{ " + json.dumps(text) + " }}").render({}) == text


@LAW
@given(GARBAGE)
def test_garbage_raises_template_errors_and_nothing_else(garbage: str) -> None:
    try:
        rendered = compile_template("{{" + garbage + "}}").render(SCOPE)
    except TemplateError as error:
        error.pointed().encode()
    else:
        assert_json(rendered)


@LAW
@given(GARBAGE, JSON, st.integers(1, 12), st.integers(1, 12))
def test_garbage_stays_within_tight_limits(garbage: str, value: Json, steps: int, chars: int) -> None:
    limits = Limits(steps=steps, output_chars=chars, depth=3)
    try:
        rendered = compile_template("x{{" + garbage + "}}", limits).render({"a": value, "b": value}, limits)
    except TemplateError:
        return
    assert len(rendered) <= chars


@LAW
@given(
    st.text(),
    st.sampled_from(["{{ secret }}", "{{ v }}", "{{", "}}", "{{{", "{{#if secret}}", "{% secret %}"]),
)
def test_what_was_rendered_is_never_read_again(around: str, payload: str) -> None:
    scope = {"v": around + payload + around, "secret": "canary"}
    assert compile_template("{{ v }}").render(scope) == scope["v"]
    assert compile_template("<{{ v }}>").render(scope) == f"<{scope['v']}>"
    assert compile_template("{{ nobody | default:v }}").render(scope) == (scope["v"])
    assert compile_document({"k": ["{{ v }}", "{{ w }}"]}).render({**scope, "w": {"x": scope["v"]}}) == {
        "k": [scope["v"], {"x": scope["v"]}]
    }


@LAW
@given(JSON, JSON)
def test_equality_is_that_of_json(one: Json, other: Json) -> None:
    expect = canonical(one) == canonical(other)
    assert compile_template("{{ a == b }}").render({"a": one, "b": other}) is expect
    assert compile_template("{{ a != b }}").render({"a": one, "b": other}) is not expect
    assert compile_template("{{ a == a }}").render({"a": one}) is True


@LAW
@given(st.integers() | st.floats(allow_nan=False), st.integers() | st.floats(allow_nan=False))
def test_the_four_orders_agree_with_each_other(one: float, other: float) -> None:
    scope = {"a": one, "b": other}
    less, more, at_most, at_least = (
        compile_template("{{ a " + sign + " b }}").render(scope) for sign in ["<", ">", "<=", ">="]
    )
    assert (less, more, at_most, at_least) == (one < other, one > other, one <= other, one >= other)


@pytest.mark.parametrize("value", [(1,), {1, 2}, b"x", object(), 1j, float("nan"), [object()], {"a": [b"x"]}])
@pytest.mark.parametrize("source", ["{{ v }}", "x{{ v }}"])
def test_what_is_not_json_never_comes_out(source: str, value: object) -> None:
    with pytest.raises(TemplateError):
        compile_template(source).render({"v": value})


def test_what_is_not_json_is_named_so_in_a_comparison() -> None:
    with pytest.raises(TemplateError, match="not a JSON value and a number have no order"):
        compile_template("{{ v < 1 }}").render({"v": b"x"})


def canonical(value: Json) -> object:
    """Give values that are equal in JSON, and only those, equal Python values."""
    if isinstance(value, dict):
        return ("object", {key: canonical(one) for key, one in value.items()})
    if isinstance(value, list):
        return ("list", [canonical(one) for one in value])
    return ("bool", value) if isinstance(value, bool) else ("scalar", value)


def assert_json(value: Json) -> None:
    assert value is None or type(value) in (bool, int, float, str, list, dict)
    if isinstance(value, dict):
        assert all(type(key) is str for key in value)
        for one in value.values():
            assert_json(one)
    if isinstance(value, list):
        for one in value:
            assert_json(one)
