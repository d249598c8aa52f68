"""Pins: results that stand instead of calls in a test run, given by hand or taken from a past execution."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from revolution_hub.catalog import Catalog
from revolution_hub.errors import InputError, Problem
from revolution_hub.model.execution import Execution
from revolution_hub.model.json_schema import path_of
from revolution_hub.model.status import StepStatus
from revolution_hub.model.workflow import Step, StepKind, Workflow
from revolution_hub.store import executions
from revolution_hub.store.family import list_children
from revolution_hub.store.tx import Tx
from revolution_hub.template.near import did_you_mean
from revolution_sdk.types import Json, JsonObject

PINNABLE = (StepKind.ACTION, StepKind.CALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be pinned: results by step id, and those of an execution, of all its steps or of some."""

    pins: JsonObject | None = None
    execution_id: str | None = None
    step_ids: Collection[str] | None = None


def find_pins(catalog: Catalog, tx: Tx, workflow: Workflow, workflow_id: str, wanted: Wanted) -> JsonObject:
    """Return the pins by step id; raises InputError for those no step of the workflow can have.

    Of an execution those results count that came from calls; what is given by hand replaces them.
    """
    problems = list(_misplaced(workflow, wanted))
    past = _of_execution(tx, workflow, workflow_id, wanted) if wanted.execution_id else {}
    for index, step_id in enumerate(wanted.step_ids or ()):
        if step_id not in past and step_id not in (wanted.pins or {}):
            message = "that execution has no result of such a step"
            problems.append(Problem(path=f"pin_steps[{index}]", message=message, code="unknown_step"))
    given = wanted.pins or {}
    for at, pins in (("pins", given), ("pins_from", {key: past[key] for key in past if key not in given})):
        for step_id, output in pins.items():
            problems += _unfit(catalog, workflow.by_id.get(step_id), output, path_of([step_id], at))
    if problems:
        raise InputError("the pins do not fit the workflow", problems)
    return {**past, **given}


def _misplaced(workflow: Workflow, wanted: Wanted) -> Iterator[Problem]:
    pinnable = [one.id for one in workflow.walk() if one.kind in PINNABLE]
    for step_id in wanted.pins or {}:
        path, step = path_of([step_id], "pins"), workflow.by_id.get(step_id)
        if step is None:
            near = did_you_mean(step_id, pinnable)
            yield Problem(path=path, message=f"the workflow has no such step{near}", code="unknown_step")
        elif step.kind not in PINNABLE:
            message = f"the step is {step.kind}, and only what calls something can be pinned"
            yield Problem(path=path, message=message, code="not_pinnable")


def _of_execution(tx: Tx, workflow: Workflow, workflow_id: str, wanted: Wanted) -> JsonObject:
    execution_id = str(wanted.execution_id)
    if executions.get(tx, execution_id).workflow_id != workflow_id:
        problem = Problem(
            path="pins_from", message="is an execution of another workflow", code="other_workflow"
        )
        raise InputError("the request is not valid", [problem])
    return {
        step_id: output
        for step_id, output in past_results(tx, execution_id, workflow).items()
        if wanted.step_ids is None or step_id in wanted.step_ids
    }


def past_results(tx: Tx, execution_id: str, workflow: Workflow) -> Mapping[str, Json]:
    """Return what calls gave in an execution and in the branches it spread into, by step id.

    Items of a `for_each` are left out: one step has many results there.
    """
    found: dict[str, Json] = {}
    waiting = [execution_id]
    while waiting:
        one = waiting.pop()
        for record in executions.list_steps(tx, one):
            step = workflow.by_id.get(record.step_id)
            if step is not None and step.kind in PINNABLE and record.status is StepStatus.SUCCEEDED:
                found[record.step_id] = record.output
        waiting += [child.id for child in list_children(tx, one) if _is_branch(child, workflow)]
    return found


def _is_branch(child: Execution, workflow: Workflow) -> bool:
    step = workflow.by_id.get(str(child.block).partition("/")[0]) if child.block else None
    return step is not None and step.kind is StepKind.PARALLEL


def _unfit(catalog: Catalog, step: Step | None, output: Json, path: str) -> list[Problem]:
    if step is None or step.kind is not StepKind.ACTION:
        return []
    uses = str(step.uses)
    if catalog.find_action(uses) is None:
        return [Problem(path=path, message=f"no installed plugin offers {uses}", code="unknown_action")]
    return [
        Problem(path=path + (one.path and f".{one.path}"), message=one.message, code=one.code)
        for one in catalog.check_output(uses, output)
    ]
