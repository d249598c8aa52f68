"""begin: the first stretch of an execution, before it is even stored.

Control words touch nothing outside, so nobody can notice whether they were done before or after the commit.
Somebody who waits for a result is served by one commit and no worker. Actions are never called here: a
plugin that hangs must not take the API with it.
"""

import time
from dataclasses import dataclass

from revolution_hub.engine.aftermath import with_aftermath
from revolution_hub.engine.control import visit
from revolution_hub.engine.run import Run
from revolution_hub.hub import Hub
from revolution_hub.model.change import Move
from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.values import changed
from revolution_hub.model.workflow import Workflow
from revolution_sdk.types import JsonObject

BUDGET_S = 0.05
"""What takes longer is a worker's work, so that one workflow does not hold up the others' deliveries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An execution that has not been stored yet, as far as it came, its steps, and what its end starts."""

    execution: Execution
    steps: tuple[StepExecution, ...]
    starts: tuple[Execution, ...] = ()


def begin(hub: Hub, execution: Execution, workflow: Workflow, *, budget_s: float = BUDGET_S) -> Begun:
    """Bring a new execution forward to its end, to its first action, or to the end of the budget.

    One that has not ended is queued: a worker goes on behind the steps returned.
    """
    if execution.status is not ExecutionStatus.QUEUED:
        # It waits for its turn, or has failed before it began.
        return Begun(execution=execution, steps=())
    run = Run(hub=hub, execution=execution, workflow=workflow, steps={}, attempts={})
    give_up_s = time.monotonic() + budget_s
    move = None
    most = hub.settings.execution_steps
    # A worker refuses what has too many steps.
    while move is None and time.monotonic() < give_up_s and len(run.steps) < most:
        step = run.next_step()
        if step is None:
            move = Move(status=ExecutionStatus.SUCCEEDED, at=run.now)
            break
        visited = visit(run, step)
        if visited.more:
            break
        move = visited.move
    return _begun(run, with_aftermath(run, move) if move is not None else None)


def _begun(run: Run, move: Move | None) -> Begun:
    noted = run.pending()
    # A first claim finds fence 1 and knows that nothing is recorded; here something is.
    fields: JsonObject = {"response": noted.response, "fence": 1 if noted.steps else 0}
    if move is not None:
        fields |= {
            "status": move.status,
            "started_at": run.execution.created_at,
            "finished_at": move.at,
            "output": move.output,
            "error": move.error,
            "reason": move.reason,
        }
    return Begun(execution=changed(run.execution, **fields), steps=noted.steps, starts=noted.starts)
