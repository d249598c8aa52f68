"""YAML that is written reads as the same values again, and looks as a person would have written it."""

import math
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from revolution_hub.errors import Problem
from revolution_hub.model.yaml_document import read_yaml
from revolution_hub.model.yaml_places import placed, places_of
from revolution_hub.model.yaml_text import MOST_LINES, write_yaml, yaml_difference

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ODD = st.sampled_from(
    ["", "on", "no", "~", "null", "1e5", "10:30", "017", "2026-01-01", "<<", "=", "a\nb\n", " a\n b", "# x\n"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS | ODD
SCALARS |= st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS | ODD, below, max_size=4),
    max_leaves=20,
)
DOCUMENT = {
    "steps": [
        {
            "with": {"text": "Hello\n  {{ name }},\n\nbye", "at": "10:30"},
            "uses": "mail.send",
            "on_error": {"steps": [{"set": {"n": 1}, "id": "again"}]},
            "id": "send",
        },
        {"cases": {"a": [{"set": {}, "id": "one"}]}, "switch": "{{ vars.x }}"},
    ],
    "name": "Greeting",
    "on": [{"webhook": {"auth": "none"}}, {"connection": "main", "event": "crm.contact.created"}],
}
WRITTEN = """\
name: Greeting
on:
  - webhook:
      auth: none
  - event: crm.contact.created
    connection: main
steps:
  - id: send
    uses: mail.send
    with:
      text: |-
        Hello
          {{ name }},

        bye
      at: '10:30'
    on_error:
      steps:
        - id: again
          set:
            n: 1
  - switch: '{{ vars.x }}'
    cases:
      a:
        - id: one
          set: {}
"""


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, types and order of keys included, whole floats as such."""
    if isinstance(one, float) and isinstance(other, float):
        return math.copysign(1, one) == math.copysign(1, other) and one == other
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@given(VALUES)
@example({"text": "a\u2028b\nc"})
@example({"text": "\n a"})
@example({"text": "a\r\nb"})
@example({"text": "a \nb"})
@example({"text": "a\n\n\n"})
@example({"text": "a\ufeffb\nc"})
@example({"text": "\x85\nb"})
@example({"k" * 200: 1})
def test_what_is_written_reads_as_the_same_values(value: Any) -> None:
    assert same(read_yaml(write_yaml(value)), value)


@given(VALUES)
def test_other_programs_read_the_same_texts(value: Any) -> None:
    text = write_yaml({"value": value})
    if "on" not in str(value):
        assert str(yaml.safe_load(text)) == str({"value": value})


def test_a_workflow_is_written_in_the_order_of_the_language() -> None:
    assert write_yaml(DOCUMENT) == WRITTEN
    assert read_yaml(WRITTEN) == DOCUMENT


def test_writing_twice_gives_the_same_text() -> None:
    assert write_yaml(read_yaml(WRITTEN)) == WRITTEN


def test_a_difference_is_shown_line_by_line() -> None:
    changed = {**DOCUMENT, "name": "Farewell"}
    text = yaml_difference(DOCUMENT, changed, "2", "draft")
    assert text.splitlines()[:5] == [
        "--- 2",
        "+++ draft",
        "@@ -1,4 +1,4 @@",
        "-name: Greeting",
        "+name: Farewell",
    ]
    assert yaml_difference(DOCUMENT, dict(reversed(DOCUMENT.items())), "2", "draft") == ""


def test_a_very_long_document_is_not_compared_line_by_line() -> None:
    assert yaml_difference({"vars": {"x": [1] * MOST_LINES}}, {}, "1", "2") == ""


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ("", 1, 1),
        ("name", 1, 1),
        ("on[1].connection", 6, 5),
        ("steps[0].with.text", 11, 7),
        ("steps[0].with.nowhere", 10, 5),
        ("steps[0].on_error.steps[0].set", 20, 11),
        ('steps[1].cases["a"][0]', 25, 11),
        ("steps[9]", 7, 1),
    ],
)
def test_a_problem_is_told_with_its_place(path: str, line: int, column: int) -> None:
    found = placed(Problem(path=path, message="wrong"), places_of(WRITTEN), WRITTEN.splitlines())
    assert (found.line, found.column, found.source_line) == (line, column, WRITTEN.splitlines()[line - 1])


def test_a_problem_of_a_text_that_cannot_be_read_stays_as_it_is() -> None:
    problem = Problem(path="name", message="wrong")
    assert placed(problem, places_of("a: [1"), []) == problem
