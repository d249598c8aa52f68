"""scope: the JSON a template sees, built from an execution and its recorded steps. Pure."""

from collections.abc import Iterable

from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.status import StepStatus
from revolution_hub.model.time import rfc3339
from revolution_hub.model.workflow import StepKind, Workflow
from revolution_sdk.types import JsonObject

ROOTS = ("trigger", "inputs", "vars", "steps", "execution")


def build_scope(workflow: Workflow, execution: Execution, steps: Iterable[StepExecution]) -> JsonObject:
    """Return `trigger`, `inputs`, `vars`, `steps` and `execution` as templates read them.

    `steps.<id>` is the step's output; steps without one are not there. Later `set` steps overwrite
    earlier ones in `vars`.
    """
    done = sorted((one for one in steps if one.status is StepStatus.SUCCEEDED), key=lambda one: one.position)
    variables = dict(workflow.vars)
    for one in done:
        if one.kind == StepKind.SET:
            variables |= one.output or {}
    manual = execution.trigger.get("kind") == "manual"
    return {
        "trigger": execution.trigger,
        "inputs": execution.trigger.get("data", {}) if manual else {},
        "vars": variables,
        "steps": {one.step_id: one.output for one in done},
        "execution": {
            "id": execution.id,
            "workflow_id": execution.workflow_id,
            "version": execution.version,
            "created_at": rfc3339(execution.created_at),
        },
    }
