"""drive: bring a claimed execution forward, step after step, until it ends or must wait."""

import logging
from collections.abc import Callable
from dataclasses import replace

from revolution_hub.crashpoint import reach
from revolution_hub.engine import control, settle
from revolution_hub.engine.admit import Admission, admit
from revolution_hub.engine.aftermath import with_aftermath
from revolution_hub.engine.claim import load
from revolution_hub.engine.emit import emit
from revolution_hub.engine.execute import execute
from revolution_hub.engine.items import begin_items, conclude, give_back, take_more
from revolution_hub.engine.limits import require_steps
from revolution_hub.engine.mend import fail_step
from revolution_hub.engine.parts import IN_THE_DARK, ask
from revolution_hub.engine.refuse import refuse
from revolution_hub.engine.run import FencedError, Run
from revolution_hub.engine.spread import spread
from revolution_hub.engine.waits import wait
from revolution_hub.engine.watch import Watch
from revolution_hub.errors import HubError, TemplateError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Move, Take
from revolution_hub.model.execution import Execution, error_json
from revolution_hub.model.status import CRASHES_BEFORE_FAILURE, AttemptStatus, ExecutionStatus
from revolution_hub.model.workflow import SPREADING, Step, StepKind
from revolution_hub.store.errors import StoreError
from revolution_sdk.connector import Effect

_log = logging.getLogger("revolution.engine")


End = Callable[[Run, Move, Take | None], None]


def drive(hub: Hub, watch: Watch, execution: Execution, *, later: bool = False) -> None:
    """Drive one claimed execution. Returns when it has ended, waits, or belongs to somebody else.

    Never raises because of the execution: a definition that cannot be run fails it with the reason. With
    `later` the last commit is not waited for: the watch keeps the lease until it is done.
    """
    with watch.holding(execution.id):
        run: Run | None = None
        try:
            run = load(hub, execution)
            if execution.crashes >= CRASHES_BEFORE_FAILURE:
                _end_crashed(run)
                return
            _drive(run, watch, watch.settle if later else _flush)
        except StoreError:
            # The database is away, which is nobody's fault here: the lease brings the execution back.
            raise
        except FencedError:
            _log.info("execution %s belongs to somebody else now", execution.id)
        except HubError as error:
            _log.warning("execution %s cannot be run: %s", execution.id, error.message)
            refuse(hub, execution, error, run)


def _drive(run: Run, watch: Watch, end: End) -> None:
    move = begin_items(run)
    while True:
        if move is None:
            if watch.stopping:
                end(run, Move(status=ExecutionStatus.QUEUED, at=run.now), None)
                return
            move = _one_step(run, watch)
            if move is not None:
                move = conclude(run, move)
            if move is None:
                reach("worker.after_next_enqueued")
        elif _over(run, move, end):
            return
        else:
            move = None


def _one_step(run: Run, watch: Watch) -> Move | None:
    """Bring the next step forward; returns the move that ends or suspends the stretch, None if it goes on."""
    step = run.next_step()
    if step is None:
        return Move(status=ExecutionStatus.SUCCEEDED, at=run.now)
    run.connection_id = None
    if run.record_of(step) is None:
        require_steps(run.hub.settings, len(run.steps) + 1)
    visited = control.visit(run, step)
    if not visited.more:
        return visited.move
    if step.kind is StepKind.ACTION:
        return _execute(run, watch, step)
    try:
        if step.approval is not None:
            return _admitted(run, step, admit(run, step))
        if step.kind is StepKind.EMIT:
            return emit(run, step)
        return wait(run, step) if step.kind is StepKind.WAIT else spread(run, step)
    except TemplateError as error:
        return control.fail(run, step, error)


def _admitted(run: Run, step: Step, admission: Admission) -> Move | None:
    """Do what people have agreed to, if they have."""
    begun = admission.begun
    if not admission.admitted:
        return admission.move
    if step.kind is StepKind.BRANCH and begun is not None:
        control.branch(run, step, begun.input["holds"], begun)
        return None
    if step.kind is StepKind.EMIT:
        return emit(run, step)
    if step.kind is StepKind.WAIT:
        return wait(run, step)
    if step.kind in SPREADING:
        return spread(run, step, admission.called)
    return control.perform(run, step, begun)


def _over(run: Run, move: Move, end: End) -> bool:
    """Make the move; False if the execution goes on after all, with further items."""
    if run.lane is not None and move.status is ExecutionStatus.SUCCEEDED:
        return not take_more(run, run.lane, move)
    end(run, with_aftermath(run, move), give_back(run, move))
    return True


def _execute(run: Run, watch: Watch, step: Step) -> Move | None:
    if run.owes_answer:
        # Somebody outside waits for this answer, so it is committed before anything that takes long.
        run.flush()
    watch.before_action()
    try:
        return execute(run, watch, step)
    except TemplateError as error:
        return control.fail(run, step, error)


def _flush(run: Run, move: Move, take: Take | None) -> None:
    run.flush(move, take)


def _end_crashed(run: Run) -> None:
    again = Move(status=ExecutionStatus.QUEUED, at=run.now)
    move = begin_items(run)
    if move is not None:
        # A lane between two hand-outs: no step is to blame.
        if run.lane is not None and take_more(run, run.lane, move):
            run.flush(again)
        return
    move = _crashed(run)
    ended = conclude(run, move) if move is not None else None
    # What the workflow provides for a failed step, and a lane's other items, are for the next claim: with the
    # record the count of crashes begins anew.
    run.flush(with_aftermath(run, ended or again))


def _crashed(run: Run) -> Move | None:
    error = error_json("crashed", f"workers vanished {run.execution.crashes} times while driving this step")
    step = run.next_step()
    if step is None:
        return Move(status=ExecutionStatus.SUCCEEDED, at=run.now)
    begun = run.record_of(step) or run.fresh(step)
    last = run.last_attempt(begun.step_id)
    action = run.hub.catalog.find_action(step.uses or "")
    if last is not None and last.status in IN_THE_DARK and action and action.effect is Effect.ONCE:
        settled = settle.uncertain(begun, replace(last, status=AttemptStatus.UNKNOWN), error, run.now)
        run.record(settled.step, settled.attempt)
        return settled.move or Move(status=ExecutionStatus.WAITING, at=run.now)
    asked = ask(run, settle.Settled(step=begun, attempt=last)) if last is not None else None
    return asked or fail_step(run, step, begun, error)
