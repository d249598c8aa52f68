"""plan: which step comes next, from the definition and what is recorded. Pure."""

from collections.abc import Callable, Iterator

from revolution_hub.model.execution import StepExecution
from revolution_hub.model.status import StepStatus
from revolution_hub.model.workflow import Step, StepKind, Steps

THEN = "then"
ELSE = "else"
DEFAULT = "default"

Find = Callable[[Step], StepExecution | None]
"""Returns what is recorded of a step at this moment."""


def remaining(steps: Steps, find: Find) -> Iterator[Step]:
    """Yield the steps without a result, in written order, each until it has one.

    The records are looked at as the walk goes on. A branch that was taken is entered where it stands, and so
    are the steps of an `on_error` behind the step that failed; other branches are passed over.
    """
    for step in steps:
        seen = find(step)
        while seen is None or not seen.recorded:
            yield step
            seen = find(step)
        inner = entered(step, seen)
        if inner:
            yield from remaining(inner, find)


def entered(step: Step, record: StepExecution) -> Steps:
    """Return the steps to go on with inside a step that has its result."""
    if record.status is StepStatus.FAILED:
        return step.on_error.block.steps if step.on_error and step.on_error.block else ()
    if record.status is not StepStatus.SUCCEEDED:
        return ()
    if step.kind is StepKind.BRANCH:
        return step.block(str(record.output.get("branch")))
    if step.kind is StepKind.SWITCH:
        taken = record.output.get("case")
        return step.block(DEFAULT if taken is None else case_block(str(taken)))
    return ()


def case_block(case: str) -> str:
    """Return the name of the block of a switch's case."""
    return f"case:{case}"
