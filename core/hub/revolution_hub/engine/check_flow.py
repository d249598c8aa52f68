"""check_flow: every step can be reached, and the inputs can be given. Pure."""

from collections.abc import Iterator

from revolution_hub.engine.check_names import has_default
from revolution_hub.errors import Problem
from revolution_hub.model.json_schema import faults_in
from revolution_hub.model.workflow import Step, StepKind, Steps, TriggerKind, Workflow

_GIVE_NO_INPUTS = (TriggerKind.EVENT, TriggerKind.WEBHOOK, TriggerKind.SCHEDULE)
_MOST_NAMED = 5


def check_reach(steps: Steps) -> Iterator[Problem]:
    """Yield the first step of every list that can never be reached, here and below."""
    ended_by: Step | None = None
    for step in steps:
        if ended_by is not None:
            message = f"this can never be reached: {ended_by.path} ends what comes before it"
            yield Problem(path=step.path, message=message, code="unreachable")
            break
        yield from _check_constant(step)
        for block in step.all_blocks():
            yield from check_reach(block.steps)
        if _ends(step):
            ended_by = step


def _check_constant(step: Step) -> Iterator[Problem]:
    if step.kind is not StepKind.BRANCH or isinstance(step.condition, str):
        return
    never = "else" if step.condition else "then"
    for block in step.blocks:
        if block.name == never and block.steps:
            message = f"this can never be reached: the condition is always {str(step.condition).lower()}"
            yield Problem(path=block.path, message=message, code="unreachable")


def _ends(step: Step) -> bool:
    """Tell whether nothing behind this step is ever done, whatever the data."""
    if step.kind is StepKind.FINISH:
        return step.condition is True
    if step.kind is StepKind.BRANCH:
        ways = {block.name: block.steps for block in step.blocks}
        taken = (
            ("then", "else") if isinstance(step.condition, str) else ("then" if step.condition else "else",)
        )
        return all(any(_ends(one) for one in ways.get(name, ())) for name in taken)
    if step.kind is StepKind.SWITCH and step.condition is True:
        has_default_case = any(block.name == "default" for block in step.blocks)
        return has_default_case and all(any(_ends(one) for one in block.steps) for block in step.blocks)
    return False


def input_faults(workflow: Workflow) -> list[Problem]:
    """Return what is wrong with the schema under `inputs`."""
    if workflow.inputs is None:
        return []
    faults = faults_in(workflow.inputs, "inputs")
    if not faults and workflow.inputs.get("type") != "object":
        message = "the inputs are an object: write type: object"
        return [Problem(path="inputs.type", message=message, code="schema_invalid")]
    return faults


def check_starts(workflow: Workflow) -> Iterator[Problem]:
    """Yield the triggers that start without inputs a workflow that needs some. The schema must be sound."""
    inputs = workflow.inputs or {}
    properties = inputs.get("properties", {})
    needed = [name for name in inputs.get("required", ()) if not has_default(properties.get(name))]
    if not needed:
        return
    named = ", ".join(repr(name[:80]) for name in needed[:_MOST_NAMED])
    for trigger in workflow.triggers:
        if trigger.kind in _GIVE_NO_INPUTS:
            message = f"this trigger gives no inputs, so they need a default: {named}"
            yield Problem(path=trigger.path, message=message, code="missing_input")
