"""check: what can never be reached, which inputs are missing, and workflows that start each other."""

import time
from typing import Any

import pytest

from revolution_hub.catalog import Catalog
from revolution_hub.engine.check import check
from revolution_hub.errors import Problem
from revolution_hub.model.parse_workflow import MOST_PROBLEMS, parse
from revolution_hub.model.workflow import Workflow

DO = {"set": {"a": 1}}
END = {"finish": {}}
CATALOG = Catalog()


def checked(document: dict[str, Any], *others: dict[str, Any]) -> list[Problem]:
    """Check a document beside published ones."""
    published = {one["name"]: parse(one) for one in others}
    return check(parse(document), CATALOG, lambda *_: True, published.get)


def of(*steps: Any, **more: Any) -> list[tuple[str, str]]:
    return [(one.path, one.code) for one in checked({"name": "x", "steps": list(steps), **more})]


def lost(path: str) -> list[tuple[str, str]]:
    return [(path, "unreachable")]


REACHED = [
    [DO, END],
    [{"if": "{{ vars.a? }}", **END}, DO],
    [{"if": False, **END}, DO],
    [{"if": "{{ 1 }}", "then": [END]}, DO],
    [{"if": "{{ 1 }}", "then": [END], "else": [DO]}, DO],
    [{"if": True, "then": [DO]}, DO],
    [{"if": True, "then": [DO], "else": []}, DO],
    [{"if": False, "else": [DO]}, DO],
    [{"switch": "{{ 1 }}", "cases": {"1": [END]}}, DO],
    [{"switch": "{{ 1 }}", "cases": {"1": [DO]}, "default": [END]}, DO],
    [{"if": "{{ 1 }}", "switch": "{{ 1 }}", "cases": {"1": [END]}, "default": [END]}, DO],
    [{"parallel": {"a": [END], "b": [END]}}, DO],
    [{"for_each": [1], "steps": [END]}, DO],
    [{**DO, "on_error": {"steps": [END]}}, DO],
]


@pytest.mark.parametrize("steps", REACHED)
def test_what_may_be_reached_is_fine(steps: list[Any]) -> None:
    assert of(*steps) == []


LOST = [
    ([END, DO, DO], "steps[1]"),
    ([{"if": True, **END}, DO], "steps[1]"),
    ([{"if": "{{ 1 }}", "then": [END], "else": [END]}, DO], "steps[1]"),
    ([{"if": True, "then": [END]}, DO], "steps[1]"),
    ([{"if": True, "then": [DO], "else": [DO]}], "steps[0].else"),
    ([{"if": False, "then": [DO]}], "steps[0].then"),
    ([{"switch": "{{ 1 }}", "cases": {"1": [END], "2": [DO, END]}, "default": [END]}, DO], "steps[1]"),
    ([{"if": "{{ 1 }}", "then": [END, DO]}], "steps[0].then[1]"),
    ([{"switch": "{{ 1 }}", "cases": {"a": [END, DO]}}], "steps[0].cases.a[1]"),
    ([{"parallel": {"a": [END, DO]}}], "steps[0].parallel.a[1]"),
    ([{"for_each": [1], "steps": [END, DO]}], "steps[0].steps[1]"),
    ([{**DO, "on_error": {"steps": [END, DO]}}], "steps[0].on_error.steps[1]"),
]


@pytest.mark.parametrize(("steps", "path"), LOST, ids=[path for _, path in LOST])
def test_what_can_never_be_reached_is_told(steps: list[Any], path: str) -> None:
    assert of(*steps) == lost(path)


def test_what_follows_a_failure_is_looked_at_too() -> None:
    assert of(DO, on_failure={"steps": [END, DO]}) == lost("on_failure.steps[1]")


def test_the_message_names_what_ends_it() -> None:
    (ended,) = checked({"name": "x", "steps": [DO, END, DO]})
    assert ended.message == "this can never be reached: steps[1] ends what comes before it"
    (never,) = checked({"name": "x", "steps": [{"if": False, "then": [DO]}]})
    assert never.message == "this can never be reached: the condition is always false"


SCHEMAS = [
    ({"type": "objec"}, "inputs.type"),
    ({"type": "array"}, "inputs.type"),
    ({}, "inputs.type"),
    ({"type": "object", "properties": {"a": {"type": "text"}}}, "inputs.properties.a.type"),
    ({"type": "object", "properties": {"a": {"minimum": "1"}}}, "inputs.properties.a.minimum"),
    ({"type": "object", "required": "a"}, "inputs.required"),
]


@pytest.mark.parametrize(("schema", "path"), SCHEMAS)
def test_inputs_are_a_json_schema_of_an_object(schema: Any, path: str) -> None:
    assert {one for one, _ in of({"set": {"a": "{{ inputs.a }}"}}, inputs=schema)} == {path}


def test_who_starts_without_a_person_needs_a_default_for_every_required_input() -> None:
    properties = {"a": {"type": "string"}, "b": {"type": "string", "default": "x"}}
    inputs = {"type": "object", "properties": properties, "required": ["a", "b"]}
    assert of(DO, inputs=inputs, on=["manual"]) == []
    on = ["manual", "webhook", {"schedule": {"every": "1h"}}]
    assert of(DO, inputs=inputs, on=on) == [("on[1]", "missing_input"), ("on[2]", "missing_input")]
    assert of(DO, inputs={**inputs, "required": ["b"]}, on=on) == []


def calling(name: str, *called: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "steps": [{"call": one} for one in called] or [DO], **more}


def problems(*documents: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one.path, one.code, one.message) for one in checked(*documents)]


def test_a_workflow_that_is_called_must_be_published() -> None:
    assert problems(calling("a", "b"), calling("b")) == []
    assert problems(calling("a", "b")) == [
        ("steps[0].call", "unknown_workflow", "there is no published workflow 'b'")
    ]
    assert problems(calling("a", on_failure={"workflow": "b"})) == [
        ("on_failure.workflow", "unknown_workflow", "there is no published workflow 'b'")
    ]


def test_what_is_handed_over_fits_the_inputs_of_the_other() -> None:
    inputs = {
        "type": "object",
        "properties": {"to": {"type": "string"}, "cc": {"type": "string"}, "n": {"default": 1}},
        "required": ["to", "n"],
        "additionalProperties": False,
    }
    other = calling("mail", inputs=inputs)

    def call(**given: Any) -> list[tuple[str, str]]:
        steps = [{"call": "mail", "with": given}]
        return [(path, code) for path, code, _ in problems({"name": "x", "steps": steps}, other)]

    assert call(to="a", cc="b") == []
    assert call(cc="b") == [("steps[0].with", "missing_input")]
    assert call(to="a", bcc="b") == [("steps[0].with.bcc", "unknown_input")]
    assert problems(calling("x", "mail"), calling("mail")) == []


CYCLES: list[tuple[list[dict[str, Any]], str, str]] = [
    ([calling("a", "a")], "steps[0].call", "'a' → 'a'"),
    ([calling("a", on_failure={"workflow": "a"})], "on_failure.workflow", "'a' → 'a'"),
    ([calling("a", "b"), calling("b", "a")], "steps[0].call", "'a' → 'b' → 'a'"),
    (
        [calling("a", "c", "b"), calling("b", "c", "d"), calling("c"), calling("d", "a")],
        "steps[1].call",
        "'a' → 'b' → 'd' → 'a'",
    ),
    (
        [calling("a", "b"), calling("b", on_failure={"workflow": "a"})],
        "steps[0].call",
        "'a' → 'b' → 'a'",
    ),
]


@pytest.mark.parametrize(("documents", "path", "chain"), CYCLES, ids=[chain for _, _, chain in CYCLES])
def test_a_workflow_that_would_start_itself_is_refused(documents: Any, path: str, chain: str) -> None:
    message = f"the workflow would start itself again and again: {chain}"
    assert problems(*documents) == [(path, "call_cycle", message)]


def test_calls_deep_in_a_document_are_found() -> None:
    deep = {"for_each": [1], "steps": [{"parallel": {"p": [{**DO, "on_error": {"steps": [{"call": "a"}]}}]}}]}
    path = "steps[0].steps[0].parallel.p[0].on_error.steps[0].call"
    assert [one[:2] for one in problems({"name": "a", "steps": [deep]})] == [(path, "call_cycle")]


def test_each_workflow_is_looked_up_once_however_often_it_is_called() -> None:
    asked: list[str] = []
    others = {f"w{n}": parse(calling(f"w{n}", *(f"w{m}" for m in range(n + 1, 30)))) for n in range(30)}

    def find(name: str) -> Workflow | None:
        asked.append(name)
        return others.get(name)

    caller = parse(calling("x", *["w0"] * 50))
    assert check(caller, CATALOG, lambda *_: True, find) == []
    assert sorted(asked) == sorted(others)


def test_a_large_document_is_checked_soon() -> None:
    branch = {"if": "{{ vars.a }}", "then": [{"set": {"a": "{{ steps.at_steps_0.a }}"}}] * 3}
    document = {"name": "x", "steps": [DO, *[branch] * 499]}
    begun = time.perf_counter()
    assert checked(document) == []
    wrong = {"name": "x", "steps": [DO, *[{"set": {"a": "{{ steps.at_stepps_0 }}"}}] * 1_999]}
    assert len(checked(wrong)) == MOST_PROBLEMS
    assert time.perf_counter() - begun < 10
