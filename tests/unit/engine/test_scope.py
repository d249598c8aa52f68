"""scope: what a template sees."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from revolution_hub.engine.scope import ROOTS, build_scope
from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.status import ExecutionStatus, StepStatus

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
WORKFLOW = parse({"name": "x", "vars": {"a": 1, "b": 1}, "steps": [{"set": {}}]})
EXECUTION = Execution(
    id="exe_1",
    tenant_id="ten_1",
    workflow_id="wf_1",
    version=3,
    status=ExecutionStatus.RUNNING,
    trigger={"kind": "manual", "data": {"mail": "a@b.c"}},
    created_at=NOW,
)


def step(step_id: str, position: int, **more: Any) -> StepExecution:
    defaults = {"kind": "action", "status": StepStatus.SUCCEEDED, "output": {"from": step_id}}
    return StepExecution(
        execution_id="exe_1",
        tenant_id="ten_1",
        step_id=step_id,
        position=position,
        started_at=NOW,
        **{**defaults, **more},
    )


def test_the_scope_has_no_roots_but_the_known_ones() -> None:
    scope = build_scope(WORKFLOW, EXECUTION, [])
    assert set(ROOTS) - set(scope) == {"callbacks", "error"}
    assert set(scope) <= set(ROOTS)


def test_the_execution_tells_what_it_is_and_nothing_else() -> None:
    assert build_scope(WORKFLOW, EXECUTION, [])["execution"] == {
        "id": "exe_1",
        "workflow_id": "wf_1",
        "version": 3,
        "created_at": "2026-11-22T10:00:00.000000Z",
    }


def test_inputs_are_the_data_of_a_manual_start_only() -> None:
    assert build_scope(WORKFLOW, EXECUTION, [])["inputs"] == {"mail": "a@b.c"}
    event = replace(EXECUTION, trigger={"kind": "event", "data": {"mail": "x"}})
    scope = build_scope(WORKFLOW, event, [])
    assert scope["inputs"] == {}
    assert scope["trigger"]["data"] == {"mail": "x"}


def test_only_steps_that_succeeded_are_seen() -> None:
    steps = [step(str(status), 0, status=status) for status in StepStatus]
    assert build_scope(WORKFLOW, EXECUTION, steps)["steps"] == {"succeeded": {"from": "succeeded"}}


def test_later_set_steps_overwrite_earlier_ones_whatever_order_they_come_in() -> None:
    second = step("two", 2, kind="set", output={"b": 3, "c": 3})
    first = step("one", 1, kind="set", output={"b": 2})
    assert build_scope(WORKFLOW, EXECUTION, [second, first])["vars"] == {"a": 1, "b": 3, "c": 3}


def test_building_a_scope_changes_nothing_it_was_given() -> None:
    build_scope(WORKFLOW, EXECUTION, [step("one", 0, kind="set", output={"a": 9})])
    assert WORKFLOW.vars == {"a": 1, "b": 1}
