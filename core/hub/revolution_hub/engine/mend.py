"""mend: what a step's `on_error` makes of its failure."""

from dataclasses import replace

from revolution_hub.engine.compiled import value_of
from revolution_hub.engine.run import Run
from revolution_hub.engine.scope import shown_error
from revolution_hub.engine.settle import describe
from revolution_hub.errors import HubError, InputError
from revolution_hub.model.change import Move
from revolution_hub.model.execution import StepExecution, error_json
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.model.workflow import Step
from revolution_hub.store.errors import StoreError
from revolution_sdk.types import JsonObject


def mend(run: Run, step: Step, record: StepExecution, move: Move | None) -> tuple[StepExecution, Move | None]:
    """Return record and move as they are to be noted: a failure that is provided for ends nothing.

    The record stays failed; with a value, that is its output from now on.
    """
    if move is None or move.status is not ExecutionStatus.FAILED or step.on_error is None:
        return record, move
    if step.on_error.block is not None:
        return record, None
    try:
        scope = {**run.scope(), "error": shown_error(record.error)}
        return replace(record, output=value_of(step.on_error).render(scope, now=run.now)), None
    except StoreError:
        raise
    except HubError as error:
        described = error_json(error.code, f"on_error could not be computed: {error.message}")
        return replace(record, error=described), replace(move, error={**described, "step": step.id})


def fail_step(run: Run, step: Step, record: StepExecution, error: JsonObject) -> Move | None:
    """Note that a step has failed for good; returns the move, None if the workflow provides for it."""
    failed = replace(record, status=StepStatus.FAILED, error=error, wake_at=None, finished_at=run.now)
    move = Move(status=ExecutionStatus.FAILED, at=run.now, error={**error, "step": step.id})
    mended, left = mend(run, step, failed, move)
    run.record(mended)
    return left


def fail_by(run: Run, step: Step, record: StepExecution, error: HubError) -> Move | None:
    """Note that a step has failed for good because of this error, with what is wrong with its input."""
    described = describe(error)
    if isinstance(error, InputError):
        described["details"]["problems"] = [one.as_json() for one in error.problems[:20]]
    return fail_step(run, step, record, described)
