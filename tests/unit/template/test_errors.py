"""What an author reads when a template is wrong: the place, the line, a caret, and never any data."""

import pytest

from revolution_hub.errors import TemplateError
from revolution_hub.template.near import did_you_mean
from revolution_hub.template.render import compile_template
from revolution_sdk.types import JsonObject


def pointed(source: str, scope: JsonObject | None = None) -> str:
    with pytest.raises(TemplateError) as caught:
        compile_template(source).render(scope or {})
    return caught.value.pointed()


def test_a_mistyped_key_is_shown_with_a_caret_and_the_near_name() -> None:
    scope = {"steps": {"contact": {"email": "eva@example.org", "name": "Eva"}}}
    assert pointed("{{ steps.contact.emali }}", scope) == (
        "steps.contact.emali is not there; did you mean email? (line 1, column 18)\n"
        "  {{ steps.contact.emali }}\n"
        "                   ^"
    )


def test_the_failing_part_of_a_path_is_pointed_at_and_not_its_end() -> None:
    scope = {"steps": {"qualify": {"score": 70}}}
    assert pointed("{{ steps.qualifyy.score }}", scope) == (
        "steps.qualifyy is not there; did you mean qualify? (line 1, column 10)\n"
        "  {{ steps.qualifyy.score }}\n"
        "           ^"
    )


def test_the_first_name_is_compared_with_the_scope() -> None:
    assert pointed("{{ stepz.a }}", {"steps": {}, "trigger": {}}).startswith(
        "stepz is not there; did you mean steps?"
    )


def test_an_error_on_a_later_line_shows_that_line_alone() -> None:
    assert pointed("Guten Tag,\n\n  {{ a\n  b }}\nGruß") == (
        "expected an operator, | or }}, found b (line 4, column 3)\n    b }}\n    ^"
    )


def test_an_index_is_pointed_at() -> None:
    assert pointed('{{ a["odd key"][3] }}', {"a": {"odd key": [1]}}) == (
        'a["odd key"][3] is not there; the list is shorter (line 1, column 17)\n'
        '  {{ a["odd key"][3] }}\n'
        "                  ^"
    )


def test_a_comparison_is_pointed_at_by_its_sign() -> None:
    assert "column 8)" in pointed("{{ 'a' < 1 }}")


def test_a_filter_is_pointed_at_by_its_name() -> None:
    assert pointed("{{ a | trim | upper }}", {"a": [1]}) == (
        "trim needs a text, not a list (line 1, column 8)\n  {{ a | trim | upper }}\n         ^"
    )


def test_an_unclosed_expression_is_pointed_at_where_it_opens() -> None:
    assert pointed("Hallo {{ name\nund Tschüss") == (
        "this {{ has no }} (line 1, column 7)\n  Hallo {{ name\n        ^"
    )


def test_tabs_and_control_characters_do_not_move_the_caret() -> None:
    message = pointed("\t\x1b[31m\u202e{{ a b }}")
    assert message.splitlines()[1:] == ["    [31m {{ a b }}", "              ^"]


def test_a_carriage_return_is_not_part_of_the_line() -> None:
    assert pointed("{{ a b }}\r\nx").splitlines()[1] == "  {{ a b }}"


def test_a_very_long_key_is_cut_in_the_message() -> None:
    message = pointed("{{ a['" + "k" * 1_000 + "'] }}", {"a": {}})
    assert message.startswith('a["' + "k" * 60 + '…"] is not there')


CANARY = "tok_live_51Canary"

LEAKS: list[tuple[str, JsonObject]] = [
    ("{{ a.b }}", {"a": CANARY}),
    ("{{ a[0] }}", {"a": CANARY}),
    ("{{ a.tok_live_51Canar }}", {"a": {"x": CANARY}}),
    ("{{ a.x.y }}", {"a": {"x": CANARY}}),
    ("{{ a[3] }}", {"a": [CANARY]}),
    ("{{ a < 1 }}", {"a": CANARY}),
    ("{{ a in b }}", {"a": 1, "b": CANARY}),
    ("{{ a in b }}", {"a": [CANARY], "b": {CANARY: 1}}),
    ("{{ a | length }}", {"a": 5151}),
    ("{{ a | upper }}", {"a": [CANARY]}),
    ("x{{ a }}", {"a": None, "b": CANARY}),
    ("{{ a['tok-live-51'] }}", {"a": {"tok-live-51-" + CANARY: 1}}),
    ("{{ a.eva }}", {"a": {"eva@example.org": CANARY}}),
]


@pytest.mark.parametrize(("source", "scope"), LEAKS, ids=[source for source, _ in LEAKS])
def test_an_error_never_quotes_data(source: str, scope: JsonObject) -> None:
    message = pointed(source, scope)
    assert CANARY not in message
    assert "5151" not in message
    assert "eva@" not in message


def test_only_plain_short_keys_are_suggested() -> None:
    assert did_you_mean("emali", ["email"]) == "; did you mean email?"
    assert did_you_mean("emali", ["e-mail", "ema il", "émail", "email@x"]) == ""
    assert did_you_mean("a" * 64, ["a" * 65]) == ""
    assert did_you_mean("a" * 65, ["a" * 64]) == ""
    assert did_you_mean("zzz", ["email"]) == ""


def test_only_the_first_two_hundred_keys_are_compared() -> None:
    assert did_you_mean("email", [*(f"k{at}" for at in range(200)), "emails"]) == ""
    assert did_you_mean("email", [*(f"k{at}" for at in range(199)), "emails"]) == "; did you mean emails?"
