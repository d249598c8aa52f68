"""drive: bring a claimed execution forward, step after step, until it ends or must wait."""

import logging
from collections.abc import Callable
from dataclasses import replace

from revolution_hub.crashpoint import reach
from revolution_hub.engine import control, settle
from revolution_hub.engine.claim import load
from revolution_hub.engine.execute import IN_THE_DARK, execute
from revolution_hub.engine.plan import next_step
from revolution_hub.engine.run import FencedError, Run
from revolution_hub.engine.watch import Watch
from revolution_hub.errors import HubError, TemplateError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Move, Progress
from revolution_hub.model.execution import Execution, error_json
from revolution_hub.model.status import CRASHES_BEFORE_FAILURE, AttemptStatus, ExecutionStatus, StepStatus
from revolution_hub.model.workflow import Step
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import StoreError
from revolution_sdk.connector import Effect

_log = logging.getLogger("revolution.engine")


End = Callable[[Run, Move], None]


def drive(hub: Hub, watch: Watch, execution: Execution, *, later: bool = False) -> None:
    """Drive one claimed execution. Returns when it has ended, waits, or belongs to somebody else.

    Never raises because of the execution: a definition that cannot be run fails it with the reason. With
    `later` the last commit is not waited for: the watch keeps the lease until it is done.
    """
    with watch.holding(execution.id):
        try:
            run = load(hub, execution)
            if execution.crashes >= CRASHES_BEFORE_FAILURE:
                run.flush(_crashed(run))
                return
            _drive(run, watch, watch.settle if later else Run.flush)
        except StoreError:
            # The database is away, which is nobody's fault here: the lease brings the execution back.
            raise
        except FencedError:
            _log.info("execution %s belongs to somebody else now", execution.id)
        except HubError as error:
            _log.warning("execution %s cannot be run: %s", execution.id, error.message)
            _fail(hub, execution, error)


def _drive(run: Run, watch: Watch, end: End) -> None:
    while True:
        if watch.stopping:
            end(run, Move(status=ExecutionStatus.QUEUED, at=run.now))
            return
        step = next_step(run.workflow.steps, run.steps)
        if step is None:
            end(run, Move(status=ExecutionStatus.SUCCEEDED, at=run.now))
            return
        run.connection_id = None
        visited = control.visit(run, step)
        move = _execute(run, watch, step) if visited.calls else visited.move
        if move is not None:
            end(run, move)
            return
        reach("worker.after_next_enqueued")


def _execute(run: Run, watch: Watch, step: Step) -> Move | None:
    if run.owes_answer:
        # Somebody outside waits for this answer, so it is committed before anything that takes long.
        run.flush()
    watch.before_action()
    try:
        return execute(run, watch, step)
    except TemplateError as error:
        return control.fail(run, step, error)


def _crashed(run: Run) -> Move:
    error = error_json("crashed", f"workers vanished {run.execution.crashes} times while driving this step")
    step = next_step(run.workflow.steps, run.steps)
    if step is None:
        return Move(status=ExecutionStatus.SUCCEEDED, at=run.now)
    begun = run.steps.get(step.id) or run.fresh(step)
    last = run.last_attempt(step.id)
    action = run.hub.catalog.find_action(step.uses or "")
    if last is not None and last.status in IN_THE_DARK and action and action.effect is Effect.ONCE:
        settled = settle.uncertain(begun, replace(last, status=AttemptStatus.UNKNOWN), error, run.now)
        run.record(settled.step, settled.attempt)
        return settled.move or Move(status=ExecutionStatus.WAITING, at=run.now)
    run.record(replace(begun, status=StepStatus.FAILED, error=error, finished_at=run.now))
    return Move(status=ExecutionStatus.FAILED, at=run.now, error=settle.at_step(begun, error))


def _fail(hub: Hub, execution: Execution, error: HubError) -> None:
    move = Move(
        status=ExecutionStatus.FAILED,
        at=hub.now(),
        error=error_json(error.code, error.message, error.details),
    )
    submit(
        hub.store,
        Progress(tenant_id=execution.tenant_id, execution_id=execution.id, fence=execution.fence, move=move),
    )
