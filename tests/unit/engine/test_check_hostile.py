"""check looks at whatever could be read of a document, however wrong it is, and always answers."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.catalog import Catalog
from revolution_hub.engine.check import check
from revolution_hub.errors import Problem
from revolution_hub.model.parse_workflow import MOST_PROBLEMS, read
from revolution_hub.model.words import BESIDE, RETRY, STEP, TOP, WAITS, WORK
from revolution_hub.model.workflow import StepKind, Workflow

WORDS = st.sampled_from([*TOP, *STEP, *RETRY, *WAITS, "type", "properties", "required", "default", "x"])
TEXT = st.sampled_from(
    [
        "{{ x }}",
        "{{ steps.a.b[0] }}",
        "{{ item }}",
        "{{ callbacks.a }}",
        "{{ error }}",
        "{{",
        "object",
        "x",
        "",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def of_kind(work: str, inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    beside = BESIDE[WORK.get(work, StepKind.BRANCH)]
    steps = st.lists(inner, max_size=3)
    value = JSON | TEXT | steps | st.dictionaries(st.sampled_from(["a", "b", "steps"]), steps, max_size=2)
    optional = {**dict.fromkeys(("if", "approval", *beside), value), "id": st.sampled_from(["a", "b", 5])}
    optional.pop(work, None)
    return st.fixed_dictionaries({work: value}, optional=optional)


STEP_LIKE = st.recursive(
    JSON, lambda inner: st.one_of([of_kind(work, inner) for work in (*WORK, "if")]), max_leaves=8
)
DOCUMENT = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(TOP, JSON),
        "steps": st.lists(STEP_LIKE, max_size=4) | JSON,
        "on_failure": st.fixed_dictionaries({"steps": JSON}) | JSON,
    },
)


def answer(document: Any, workflow: Workflow | None = None) -> list[Problem]:
    read_, problems = read(document)
    found = check(read_, Catalog(), lambda *_: False, lambda name: workflow)
    return [*problems, *found]


@settings(max_examples=300)
@given(DOCUMENT)
def test_any_document_is_looked_at_to_its_end(document: Any) -> None:
    problems = answer(document)
    assert len(problems) <= 2 * MOST_PROBLEMS
    assert all(one.message and isinstance(one.path, str) for one in problems)


@settings(max_examples=100)
@given(DOCUMENT)
def test_a_document_that_calls_what_it_is_itself_is_looked_at_as_well(document: Any) -> None:
    workflow, _ = read(document)
    assert isinstance(answer(document, workflow), list)


def test_inputs_of_every_odd_shape_are_refused_and_read_as_anything() -> None:
    for odd in (
        {"type": 5},
        {"type": "object", "properties": 5},
        {"type": "object", "required": [5]},
        {"$ref": 5},
    ):
        document = {"name": "x", "inputs": odd, "steps": [{"set": {"a": "{{ inputs.b.c }}"}}]}
        problems = answer(document)
        assert problems
        assert all(one.path.startswith("inputs") for one in problems), odd
