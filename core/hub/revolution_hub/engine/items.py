"""items: what the end of a stretch means for its execution: an item of a lane, a branch, or the whole."""

from dataclasses import replace

from revolution_hub.engine.compiled import part_of
from revolution_hub.engine.lane import Lane
from revolution_hub.engine.run import Run
from revolution_hub.engine.scope import ITEM
from revolution_hub.errors import TemplateError
from revolution_hub.model.change import Move, Take
from revolution_hub.model.execution import StepExecution, error_json
from revolution_hub.model.status import ENDED, ExecutionStatus, StepStatus
from revolution_hub.model.workflow import StepKind
from revolution_sdk.types import Json, JsonObject

_NO_RESULT = frozenset({StepKind.BRANCH, StepKind.SWITCH, StepKind.FINISH})


def begin_items(run: Run) -> Move | None:
    """Go on with a lane's first item; returns the lane's end if it has none left."""
    if run.lane is None or run.lane.index >= 0:
        return None
    return _next_item(run, run.lane)


def conclude(run: Run, move: Move) -> Move | None:
    """Return what a move means for the execution: the end of an item is not that of a lane with others."""
    if move.status not in ENDED:
        return move
    if run.lane is not None:
        return _end_item(run, run.lane, move)
    if run.execution.parent_id is not None and run.execution.block is not None:
        return replace(move, output=_outputs(run)) if move.status is ExecutionStatus.SUCCEEDED else move
    return move


def take_more(run: Run, lane: Lane, move: Move) -> bool:
    """Commit what is noted and take further items, else make the lane's last move; tells which it was."""
    take = Take(round=lane.round, most=lane.wanted())
    lane.take(run.flush(move, take).allotted)
    if not lane.todo:
        return False
    _next_item(run, lane)
    return True


def give_back(run: Run, move: Move) -> Take | None:
    """Return what a lane that has to wait gives back, so that others do it; None if there is nothing."""
    lane = run.lane
    if lane is None or move.status is not ExecutionStatus.WAITING:
        return None
    _collect(run, lane)
    if not lane.todo:
        return None
    return Take(round=lane.round, kept=(lane.index,), given_back=tuple(lane.todo))


def _ask_ahead(run: Run, lane: Lane) -> None:
    """Ask for further items without waiting for them, before the lane has nothing left."""
    if not run.asked and lane.runs_low():
        run.ask(Take(round=lane.round, most=lane.wanted(), kept=tuple(lane.todo)))


def _collect(run: Run, lane: Lane) -> None:
    """Add what was asked for ahead, once it is there."""
    if run.asked:
        lane.take(run.answer().allotted)


def _next_item(run: Run, lane: Lane) -> Move | None:
    if not lane.todo:
        _collect(run, lane)
    if not lane.todo:
        return Move(status=ExecutionStatus.SUCCEEDED, at=run.now)
    run.enter(lane.todo.popleft())
    return None


def _end_item(run: Run, lane: Lane, move: Move) -> Move | None:
    ended = item_record(run, lane, move)
    run.record(ended)
    lane.done += 1
    if ended.status is StepStatus.FAILED and lane.step.loop.stop:
        return Move(status=ExecutionStatus.FAILED, at=run.now, error=ended.error)
    _ask_ahead(run, lane)
    return _next_item(run, lane)


def end_for(run: Run, move: Move) -> tuple[tuple[StepExecution, ...], Move]:
    """Return what else is to be recorded, and the move, when somebody ends the item of a drive that hangs.

    A lane that is to go on with its other items is queued for that.
    """
    if run.lane is None or move.status is not ExecutionStatus.FAILED:
        return (), move
    ended = item_record(run, run.lane, move)
    if run.lane.step.loop.stop:
        return (ended,), replace(move, error=ended.error)
    return (ended,), Move(status=ExecutionStatus.QUEUED, at=move.at)


def item_record(run: Run, lane: Lane, move: Move) -> StepExecution:
    """Return the record of an item that has ended with this move."""
    result, error = None, move.error
    if move.status is ExecutionStatus.SUCCEEDED:
        try:
            result = _result(run, lane, move)
        except TemplateError as unreadable:
            error = error_json(unreadable.code, unreadable.pointed())
    return StepExecution(
        execution_id=run.execution.id,
        tenant_id=run.execution.tenant_id,
        step_id=f"{lane.step.id}#{lane.index}",
        position=run.position,
        kind=ITEM,
        status=StepStatus.SUCCEEDED if error is None else StepStatus.FAILED,
        output=result,
        error=error,
        started_at=run.now,
        finished_at=run.now,
    )


def _result(run: Run, lane: Lane, move: Move) -> Json:
    if move.output is not None:
        return move.output
    if "result" in lane.step.body:
        return part_of(lane.step, "result").render(run.scope(), now=run.now)
    done = [
        one
        for one in run.steps.values()
        if one.status is StepStatus.SUCCEEDED and one.kind not in _NO_RESULT and "/" not in one.step_id
    ]
    return max(done, key=lambda one: one.position).output if done else None


def _outputs(run: Run) -> JsonObject:
    """Return the results of a branch's steps, which the steps behind it read."""
    seen = run.scope()["steps"]
    own = (one.step_id.partition("#")[0] for one in run.steps.values())
    return {step_id: seen[step_id] for step_id in own if step_id in seen}
