"""plan: which step comes next, from the definition and what is recorded. Pure."""

from collections.abc import Mapping

from revolution_hub.model.execution import StepExecution
from revolution_hub.model.status import StepStatus
from revolution_hub.model.workflow import Step, StepKind, Steps

THEN = "then"
ELSE = "else"


def next_step(steps: Steps, recorded: Mapping[str, StepExecution]) -> Step | None:
    """Return the first step without a result, in written order, or None when all have one.

    A branch that was taken is entered where it stands; the other one is passed over.
    """
    for step in steps:
        seen = recorded.get(step.id)
        if seen is None or not seen.recorded:
            return step
        if step.kind is StepKind.BRANCH and seen.status is StepStatus.SUCCEEDED:
            inner = next_step(taken(step, seen), recorded)
            if inner is not None:
                return inner
    return None


def taken(step: Step, record: StepExecution) -> Steps:
    """Return the steps of the branch that was taken."""
    return step.block(str(record.output.get("branch")))
