"""What stands behind `if:`."""

import pytest

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.limits import Limits
from revolution_hub.template.render import compile_condition, compile_template, evaluate_condition
from revolution_sdk.types import Json

SCOPE = {
    "score": 70,
    "email": "",
    "tags": [],
    "lead": {"name": "Eva"},
    "nothing": None,
    "text": "false",
}

CONDITIONS: list[tuple[Json, bool]] = [
    (True, True),
    (False, False),
    ("{{ score < 60 }}", False),
    ("  {{ score >= 60 }}\n", True),
    ("{{ not email }}", True),
    ("{{ email }}", False),
    ("{{ tags }}", False),
    ("{{ lead }}", True),
    ("{{ nothing }}", False),
    ("{{ score }}", True),
    ("{{ text }}", True),
    ("{{ not lead.email }}", True),
    ("{{ lead.email and lead.name }}", False),
    ("{{ lead.email | false }}", False),
]


@pytest.mark.parametrize(("source", "expect"), CONDITIONS, ids=[repr(source) for source, _ in CONDITIONS])
def test_a_condition_holds_by_the_truth_of_its_value(source: Json, expect: bool) -> None:
    assert evaluate_condition(compile_condition(source), SCOPE) is expect


@pytest.mark.parametrize(
    "source", ["true", "score < 60", "", "x {{ score }}", "{{ score }}{{ score }}", 1, 0, None, [], {"a": 1}]
)
def test_what_is_not_one_expression_is_refused(source: Json) -> None:
    with pytest.raises(TemplateError, match="a condition is true, false or one "):
        compile_condition(source)


def test_an_unreadable_condition_is_refused_with_its_place() -> None:
    with pytest.raises(TemplateError, match="expected a value") as caught:
        compile_condition("{{ score < }}")
    assert caught.value.column == 12


def test_a_mistyped_path_is_no_silent_false() -> None:
    with pytest.raises(TemplateError, match=r"lead\.nmae is not there; did you mean name"):
        evaluate_condition(compile_condition("{{ lead.nmae }}"), SCOPE)


def test_a_template_that_is_text_is_no_condition() -> None:
    with pytest.raises(TemplateError, match="a condition is one "):
        evaluate_condition(compile_template("x {{ score }}"), SCOPE)


def test_a_condition_keeps_to_the_limits() -> None:
    with pytest.raises(TemplateLimitError, match="more than 2 steps"):
        evaluate_condition(compile_condition("{{ score < 60 }}"), SCOPE, Limits(steps=2))
