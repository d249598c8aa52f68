"""parse against documents made to break it: it answers DefinitionError and nothing else, and soon."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.errors import DefinitionError, Problem
from revolution_hub.model.parse_workflow import MOST_PROBLEMS, parse
from revolution_hub.model.words import DEEPEST, MOST_STEPS, RETRY, STEP, TOP, WAITS
from revolution_hub.model.workflow import Workflow

WORK = {"uses": "acme.send_mail"}


def problems(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionError) as caught:
        parse(document)
    return [(one.path, one.message) for one in caught.value.problems]


def nested(depth: int) -> dict[str, Any]:
    step: dict[str, Any] = WORK
    for _ in range(depth - 1):
        step = {"if": True, "then": [step]}
    return {"name": "x", "steps": [step]}


@pytest.mark.parametrize("document", [None, True, 0, 1.5, "name: x", [], [{}], [[[]]]])
def test_a_document_that_is_no_object_is_refused(document: Any) -> None:
    assert problems(document)[0] == ("", "an object is needed here")


def test_2000_steps_are_fine_and_one_more_is_not() -> None:
    assert len(parse({"name": "x", "steps": [WORK] * MOST_STEPS}).walk()) == MOST_STEPS
    assert problems({"name": "x", "steps": [WORK] * (MOST_STEPS + 1)}) == [
        ("steps", f"a workflow has at most {MOST_STEPS:,} steps")
    ]


def test_ten_thousand_steps_are_refused_with_one_problem() -> None:
    assert problems({"name": "x", "steps": [{"bad": 1}] * 10_000}) == [
        ("steps", "a workflow has at most 2,000 steps")
    ]


def test_nested_steps_count_as_well() -> None:
    branch = {"if": True, "then": [WORK] * 400, "else": [WORK] * 400}
    found = problems({"name": "x", "steps": [branch] * 3})
    assert found[0] == ("steps[2].then", "a workflow has at most 2,000 steps")


def test_steps_nest_twelve_deep_and_no_deeper() -> None:
    assert len(parse(nested(DEEPEST)).walk()) == DEEPEST
    path = "steps[0]" + ".then[0]" * (DEEPEST - 1) + ".then"
    assert problems(nested(DEEPEST + 1)) == [(path, f"steps are nested at most {DEEPEST} deep")]


def test_very_deep_nesting_is_refused_where_it_begins_to_be_too_deep() -> None:
    assert len(problems(nested(5_000))) == 1


def test_only_the_first_problems_of_very_many_are_told() -> None:
    words = {f"word{index}": 1 for index in range(100_000)}
    assert len(problems(words)) == MOST_PROBLEMS
    assert len(problems({"name": "x", "steps": [{**WORK, **words}] * 3})) == MOST_PROBLEMS


def test_long_words_are_shortened_in_paths_and_messages() -> None:
    ((path, message),) = problems({"name": "x", "steps": [WORK], "w" * 100_000: 1})
    assert path == "w" * 80
    assert len(message) < 200


def test_a_body_is_kept_as_written_however_odd_its_keys() -> None:
    body = {"": 1, "__class__": 2, "a.b": 3, "ü": [None, {"x": {}}]}
    (step,) = parse({"name": "x", "steps": [{**WORK, "with": body}]}).steps
    assert step.body == body


WORDS = st.sampled_from(
    [*TOP, *STEP, *RETRY, *WAITS, "attempts", "webhook", "event", "schedule", "cron", "every", "a.b", "x"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)


@settings(max_examples=60)
@given(st.fixed_dictionaries({}, optional={**dict.fromkeys(TOP, JSON), "steps": st.lists(JSON)}))
def test_any_json_is_either_a_workflow_or_a_definition_error(document: dict[str, Any]) -> None:
    try:
        outcome: Workflow | list[Problem] = parse(document)
    except DefinitionError as error:
        outcome = error.problems
    assert isinstance(outcome, Workflow) or (outcome and all(one.message for one in outcome))
