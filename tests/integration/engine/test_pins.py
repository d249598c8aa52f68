"""Tests of drafts: pinned results stand for calls, and each says what it is."""

from typing import Any

import pytest
from rig.asking import Asker

STEPS = (
    {"id": "page", "uses": "lab.read_page", "with": {"q": "{{ inputs.q }}"}},
    {
        "id": "both",
        "parallel": {"left": [{"id": "sum", "uses": "lab.compute_sum"}], "right": [{"set": {"n": 1}}]},
    },
    {"id": "letter", "uses": "lab.send_letter", "with": {"text": "{{ steps.page.did }}"}},
)
INPUTS = {
    "type": "object",
    "properties": {"q": {"type": "string"}, "n": {"type": "integer", "default": 3}},
    "required": ["q"],
}
DOCUMENT = {"name": "w", "inputs": INPUTS, "steps": list(STEPS)}


@pytest.fixture
def path(owner: Asker) -> str:
    """A published workflow."""
    return f"/api/workflows/{owner.publish(DOCUMENT)}"


def start(owner: Asker, path: str, **body: Any) -> str:
    return str(owner.ask("POST", f"{path}/execute", {"data": {"q": "x"}, **body})["execution_id"])


def paths(owner: Asker, path: str, **body: Any) -> list[str]:
    answer = owner.call("POST", f"{path}/execute", {"data": {"q": "x"}, **body})
    assert answer.status_code == 422, answer.text
    return [one["path"] for one in answer.json()["problems"]]


def test_the_input_is_checked_and_defaults_fill_in(owner: Asker, path: str, bench: Any) -> None:
    assert paths(owner, path, data={"q": 5, "n": "x"}) == ["data.q", "data.n"]
    assert paths(owner, path, data={}) == ["data"]
    assert bench.look(start(owner, path)).execution.trigger["data"] == {"q": "x", "n": 3}


def test_pinned_steps_call_nothing_and_the_others_read_them(owner: Asker, path: str, bench: Any) -> None:
    execution_id = start(owner, path, pins={"page": {"did": "pinned"}, "sum": {"n": 9}})
    bench.work()
    assert bench.script.names() == ["send_letter"]
    assert bench.script.calls[0][1] == {"text": "pinned"}
    shown = owner.ask("GET", f"/api/workflow-executions/{execution_id}")
    assert (shown["status"], shown["test"], shown["pins"]) == ("succeeded", True, ["page", "sum"])


def test_a_draft_is_run_as_it_stands(owner: Asker, path: str, bench: Any) -> None:
    draft = {**DOCUMENT, "steps": [{"id": "new", "set": {"q": "{{ inputs.q }}"}}]}
    revision = owner.ask("GET", path)["revision"]
    owner.ask("PUT", path, {"document": draft}, if_match=f'"{revision}"')
    execution_id = start(owner, path, draft=True)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.order, seen.execution.version) == ("succeeded", ["new"], 0)
    shown = owner.ask("GET", "/api/workflow-executions")["items"][0]
    assert (shown["test"], shown["pins"], shown["workflow_id"]) == (True, [], path.rpartition("/")[2])


def test_a_start_without_pins_is_no_test(owner: Asker, path: str) -> None:
    execution_id = start(owner, path)
    shown = owner.ask("GET", f"/api/workflow-executions/{execution_id}")
    assert (shown["test"], shown["pins"]) == (False, [])


@pytest.mark.parametrize(
    ("body", "pins", "called"),
    [
        ({}, ["letter", "page", "sum"], []),
        ({"pin_steps": ["page"]}, ["page"], ["compute_sum", "send_letter"]),
        ({"pins": {"page": {"did": "by hand"}}}, ["letter", "page", "sum"], []),
    ],
)
def test_results_of_a_past_execution_are_pinned(
    owner: Asker, path: str, bench: Any, body: Any, pins: list[str], called: list[str]
) -> None:
    past = start(owner, path)
    bench.work()
    bench.script.calls.clear()
    again = start(owner, path, pins_from=past, **body)
    bench.work()
    assert sorted(bench.script.names()) == called
    seen = bench.look(again)
    assert (seen.status, sorted(seen.execution.pins)) == ("succeeded", pins)
    assert seen.steps["page"].output == body.get("pins", {}).get("page", {"did": "read_page"})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"pins": {"pagee": {}}}, ["pins.pagee"]),
        ({"pins": {"both": {}}}, ["pins.both"]),
        ({"pins": {"page": {"n": "x"}, "letter": 5}}, ["pins.page.n", "pins.letter"]),
        ({"pins": {"page": {}}, "pin_steps": ["page", "nothing"]}, ["pin_steps[1]"]),
    ],
)
def test_pins_that_do_not_fit_are_refused_with_their_paths(
    owner: Asker, path: str, body: Any, told: list[str]
) -> None:
    assert paths(owner, path, **body) == told


def test_results_come_from_executions_of_the_same_workflow_alone(owner: Asker, path: str) -> None:
    other = f"/api/workflows/{owner.publish({**DOCUMENT, 'name': 'other'})}"
    assert paths(owner, path, pins_from=start(owner, other)) == ["pins_from"]
    refusal = owner.refused("POST", f"{path}/execute", {"data": {"q": "x"}, "pins_from": "exe_gone"})
    assert refusal == (404, "not_found")


def test_results_are_pinned_in_a_draft_too_as_far_as_it_has_such_steps(
    owner: Asker, path: str, bench: Any
) -> None:
    past = start(owner, path)
    bench.work()
    revision = owner.ask("GET", path)["revision"]
    steps = [{**STEPS[0], "uses": "club.invite_member", "with": {}}, *STEPS[1:2]]
    owner.ask("PUT", path, {"document": {**DOCUMENT, "steps": steps}}, if_match=f'"{revision}"')
    bench.script.calls.clear()
    execution_id = start(owner, path, draft=True, pins_from=past)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, sorted(seen.execution.pins)) == ("succeeded", ["page", "sum"])
    assert seen.steps["both"].output["left"] == {"sum": {"did": "compute_sum"}}
    assert bench.script.calls == []
