"""scope: the JSON a template sees, built from an execution and its recorded steps. Pure."""

from collections.abc import Iterable

from revolution_hub.engine.inputs import default_inputs
from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.status import StepStatus
from revolution_hub.model.time import rfc3339
from revolution_hub.model.workflow import StepKind, Workflow
from revolution_sdk.types import Json, JsonObject

ROOTS = ("trigger", "inputs", "vars", "steps", "execution", "callbacks", "error")
GIVES_INPUTS = ("manual", "call")
"""The kinds of trigger whose data are the workflow's inputs."""


PLAIN_REQUEST: JsonObject = {
    "method": "POST",
    "query": {},
    "headers": {},
    "content_type": "application/json",
}
"""How a request looks that says nothing but its body; it is not written down for each one."""


def shown_trigger(trigger: JsonObject) -> JsonObject:
    """Return what templates read as `trigger`."""
    if trigger.get("kind") != "webhook" or "request" in trigger:
        return trigger
    return {**trigger, "request": PLAIN_REQUEST}


def build_scope(workflow: Workflow, execution: Execution, steps: Iterable[StepExecution]) -> JsonObject:
    """Return `trigger`, `inputs`, `vars`, `steps` and `execution` as templates read them.

    `steps.<id>` is the step's output; steps without one are not there. Later `set` steps overwrite
    earlier ones in `vars`.
    """
    scope = begin_scope(workflow, execution)
    for one in sorted(steps, key=lambda one: one.position):
        add_record(scope, workflow, one)
    return scope


def begin_scope(workflow: Workflow, execution: Execution) -> JsonObject:
    """Return the scope of an execution in which nothing has been done yet."""
    gives_inputs = execution.trigger.get("kind") in GIVES_INPUTS
    return {
        "trigger": shown_trigger(execution.trigger),
        "inputs": execution.trigger.get("data", {}) if gives_inputs else default_inputs(workflow),
        "vars": dict(workflow.vars),
        "steps": {},
        "execution": about(execution),
    }


def about(execution: Execution) -> JsonObject:
    """Return what templates read as `execution`."""
    return {
        "id": execution.id,
        "workflow_id": execution.workflow_id,
        "version": execution.version,
        "created_at": rfc3339(execution.created_at),
    }


def inherit_scope(scope: JsonObject, execution: Execution, more: JsonObject) -> JsonObject:
    """Return the scope a child begins with: what its parent sees, and what is the child's own."""
    return {
        **scope,
        "vars": dict(scope["vars"]),
        "steps": dict(scope["steps"]),
        "execution": about(execution),
        **more,
    }


def add_record(scope: JsonObject, workflow: Workflow, record: StepExecution) -> None:
    """Add what was recorded of a step to the scope, if templates may see it."""
    # What an action has recorded itself is its own.
    if "/" in record.step_id:
        return
    step_id = record.step_id.partition("#")[0]
    if record.status is StepStatus.SUCCEEDED:
        if record.kind == ITEM:
            return
        scope["steps"][step_id] = record.output
        if record.kind == StepKind.SET:
            scope["vars"] |= record.output or {}
    elif record.status is StepStatus.FAILED:
        step = workflow.by_id.get(step_id)
        if step is None or step.on_error is None:
            return
        scope["error"] = shown_error(record.error)
        if step.on_error.block is None:
            scope["steps"][step_id] = record.output


def shown_error(error: JsonObject | None) -> Json:
    """Return of an error what templates read as `error`."""
    error = error or {}
    return {"code": error.get("code"), "message": error.get("message")}


ITEM = "item"
"""The kind of the record that an item of a `for_each` leaves: it belongs to no step of its own."""
