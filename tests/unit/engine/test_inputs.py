"""Inputs: defaults fill in, every problem has its path, and the caller's own value stays as it was."""

from typing import Any

import pytest

from revolution_hub.engine.inputs import checked_inputs, default_inputs
from revolution_hub.errors import InputError
from revolution_hub.model.workflow import Workflow

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "tags": {"type": "array", "default": ["new"]},
        "deep": {"type": "object", "properties": {"n": {"default": 1}}},
    },
    "required": ["name"],
}


def workflow(inputs: Any) -> Workflow:
    return Workflow(name="w", triggers=(), steps=(), inputs=inputs)


@pytest.mark.parametrize("data", [None, [], 5, "text", {"a": {"b": 1}}])
def test_without_a_schema_everything_is_taken_as_it_is(data: Any) -> None:
    assert checked_inputs(workflow(None), data) == data


def test_defaults_of_the_top_level_fill_in_and_nothing_given_is_replaced() -> None:
    assert checked_inputs(workflow(SCHEMA), {"name": "Ada", "deep": {}}) == {
        "name": "Ada",
        "tags": ["new"],
        "deep": {},
    }
    assert checked_inputs(workflow(SCHEMA), {"name": "Ada", "tags": []})["tags"] == []


def test_what_was_filled_in_belongs_to_the_caller_alone() -> None:
    checked_inputs(workflow(SCHEMA), {"name": "Ada"})["tags"].append("changed")
    assert default_inputs(workflow(SCHEMA)) == {"tags": ["new"]}


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        ({}, ["data"]),
        ({"name": 5, "tags": "x"}, ["data.name", "data.tags"]),
        (None, ["data"]),
        ([{"name": "Ada"}], ["data"]),
    ],
)
def test_what_breaks_the_schema_is_refused_with_every_path(data: Any, paths: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        checked_inputs(workflow(SCHEMA), data)
    assert sorted(one.path for one in caught.value.problems) == paths


def test_the_path_begins_where_the_caller_says() -> None:
    with pytest.raises(InputError) as caught:
        checked_inputs(workflow(SCHEMA), {"name": 5}, at="steps[1].with")
    assert [one.path for one in caught.value.problems] == ["steps[1].with.name"]
