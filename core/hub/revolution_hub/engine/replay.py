"""replay: what an execution that repeats another one takes over from it. Pure.

The steps are walked as a drive would walk them, with the old records as the results. What is done before the
step to begin at must be done in the same way in the definition that is to be run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from revolution_hub.engine.plan import entered
from revolution_hub.errors import Problem
from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.status import StepStatus
from revolution_hub.model.workflow import BRANCHING, SPREADING, Step, StepKind, Steps, Workflow
from revolution_hub.template.near import did_you_mean

AT = "from_step"


@dataclass(slots=True)
class Walked:
    """How far a walk came: the records it met, what is wrong with them, and the step it was to find."""

    records: list[StepExecution] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    step: Step | None = None


def walk_to(workflow: Workflow, body: Steps, records: Iterable[StepExecution], step_id: str) -> Walked:
    """Walk to the step of this id; with problems if it cannot be begun at."""
    walked = Walked()
    known = {one.step_id: one for one in records}
    if not _walk(body, known, step_id, walked):
        walked.problems = [_unreached(workflow, body, step_id)]
    return walked


def taken_over(walked: Walked, execution: Execution) -> tuple[StepExecution, ...]:
    """Return the records as those of a new execution: with their results, and without attempts of its own."""
    return tuple(
        replace(
            one,
            execution_id=execution.id,
            tenant_id=execution.tenant_id,
            position=position,
            attempts=0,
            checks=0,
            forgiven=0,
            wake_at=None,
        )
        for position, one in enumerate(walked.records)
    )


def _walk(steps: Steps, known: Mapping[str, StepExecution], step_id: str, walked: Walked) -> bool:
    for step in steps:
        if step.id == step_id:
            walked.step = step
            return True
        record = known.get(step.id)
        problem = _unfit(step, record)
        if problem is not None:
            walked.problems.append(Problem(path=AT, message=problem, code="step_not_done"))
        if record is None or problem is not None:
            # Which way it would go from here is not known; the step may be in any of its blocks.
            if step.kind in BRANCHING and _within(step, step_id):
                return True
            continue
        walked.records.append(record)
        if _walk(entered(step, record), known, step_id, walked):
            return True
    return False


def _unfit(step: Step, record: StepExecution | None) -> str | None:
    """Return why a record does not stand for this step, None if it does."""
    if record is None or not record.recorded:
        return f"the step {step.id!r} before it has no result"
    if record.kind != str(step.kind) or record.uses != step.uses:
        return f"the step {step.id!r} before it did something else than it does in this version"
    if record.status is StepStatus.FAILED and step.on_error is None:
        return f"the step {step.id!r} before it has failed"
    if step.kind is StepKind.FINISH and record.status is StepStatus.SUCCEEDED:
        return f"the execution ended at the step {step.id!r} before it"
    return None


def _within(step: Step, step_id: str) -> bool:
    return any(_among(block.steps, step_id) for block in step.all_blocks())


def _among(steps: Steps, step_id: str) -> bool:
    return any(one.id == step_id or _within(one, step_id) for one in steps)


def _unreached(workflow: Workflow, body: Steps, step_id: str) -> Problem:
    if step_id not in workflow.by_id:
        near = did_you_mean(step_id, list(workflow.by_id))
        return Problem(path=AT, message=f"the workflow has no such step{near}", code="unknown_step")
    around = _around(body, step_id)
    if not around:
        return Problem(path=AT, message="the step belongs to another execution", code="not_at_this_level")
    for step in around:
        if step.kind in SPREADING and any(_among(block.steps, step_id) for block in step.blocks):
            message = f"the step is within {step.id!r}; replay from there"
            return Problem(path=AT, message=message, code="not_at_this_level")
    message = f"the step is in a part of {around[-1].id!r} that was not entered"
    return Problem(path=AT, message=message, code="branch_not_taken")


def _around(steps: Steps, step_id: str) -> list[Step]:
    """Return the steps in whose blocks a step stands, the outermost first."""
    for step in steps:
        for block in step.all_blocks():
            if _among(block.steps, step_id):
                return [step, *_around(block.steps, step_id)]
    return []
