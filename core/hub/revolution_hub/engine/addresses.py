"""addresses: where the callback of a waiting step is sent. Known before the step is reached."""

from revolution_hub.hub import Hub
from revolution_hub.model.execution import Execution
from revolution_hub.model.workflow import BRANCHING, StepKind, Steps

PURPOSE = "callback"
PATH = "/hooks/callbacks"


def callback_address(hub: Hub, execution: Execution, key: str) -> str:
    """Return the address for what is recorded under this key of this execution.

    Nobody can guess it, and it needs no row: the hub knows its own mark again.
    """
    mark = hub.vault.stamp(execution.tenant_id, PURPOSE, stamped(execution.id, key))
    return f"{hub.settings.public()}{PATH}/{execution.id}/{key.replace('#', '~')}/{mark}"


def stamped(execution_id: str, key: str) -> str:
    """Return the text a callback's mark is made for."""
    return f"{execution_id}/{key}"


def callbacks_in(steps: Steps) -> tuple[str, ...]:
    """Return the ids of the steps that wait for a callback in the execution these steps are done in."""
    found: list[str] = []
    for step in steps:
        if step.kind is StepKind.WAIT and "callback" in step.body:
            found.append(step.id)
        blocks = step.all_blocks() if step.kind in BRANCHING else step.all_blocks()[len(step.blocks) :]
        for block in blocks:
            found += callbacks_in(block.steps)
    return tuple(found)
