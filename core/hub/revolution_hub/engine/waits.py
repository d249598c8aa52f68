"""waits: a step that waits for a moment or for a callback is a row, never a sleeping thread."""

from dataclasses import replace
from datetime import datetime, timedelta

from revolution_hub.engine.compiled import body_of
from revolution_hub.engine.mend import fail_step
from revolution_hub.engine.run import Run
from revolution_hub.errors import InputError
from revolution_hub.model.change import Move
from revolution_hub.model.durations import duration_s
from revolution_hub.model.execution import StepExecution, error_json
from revolution_hub.model.status import ExecutionStatus, StepStatus, WaitReason
from revolution_hub.model.time import parse_moment, rfc3339
from revolution_hub.model.workflow import Step
from revolution_hub.store import callbacks
from revolution_hub.store.payloads import whole
from revolution_sdk.types import Json, JsonObject

CALLBACK = "callback"


def wait(run: Run, step: Step) -> Move | None:
    """Begin to wait, or see whether it is over; returns the move that waits or ends the execution."""
    record = run.record_of(step)
    if CALLBACK in step.body:
        return _for_callback(run, step, record)
    if record is None or record.status is StepStatus.RUNNING:
        record = record or run.fresh(step)
        try:
            record = _begin(run, step, record)
        except InputError as error:
            failed = error_json(error.code, error.message)
            return fail_step(run, step, record, failed)
    if record.wake_at is None or run.now >= record.wake_at:
        run.succeed(record, record.input)
        return None
    run.record(record)
    return _wait(run, record, WaitReason.TIMER)


def _begin(run: Run, step: Step, record: StepExecution) -> StepExecution:
    # What people have agreed to is in the record.
    asked = body_of(step).render(run.scope(), now=run.now) if record.input is None else record.input
    if "for" in asked:
        wake_at = run.now + timedelta(seconds=_seconds(asked["for"]))
    else:
        wake_at = _moment(asked["until"])
    return replace(record, status=StepStatus.WAITING, wake_at=wake_at, input={"until": rfc3339(wake_at)})


def _seconds(value: Json) -> float:
    try:
        return duration_s(value)
    except ValueError as error:
        raise InputError(f"how long to wait: {error}", code="bad_duration") from error


def _moment(value: Json) -> datetime:
    try:
        return parse_moment(value)
    except ValueError as error:
        raise InputError(f"until when to wait: {error}", code="bad_moment") from error


def _for_callback(run: Run, step: Step, record: StepExecution | None) -> Move | None:
    if record is None or record.status is StepStatus.RUNNING:
        record = replace(record or run.fresh(step), status=StepStatus.WAITING)
        if step.timeout_s is not None:
            record = replace(record, wake_at=run.now + timedelta(seconds=step.timeout_s))
    with run.hub.store.read(run.execution.tenant_id) as tx:
        came = callbacks.find(tx, run.execution.id, record.step_id)
    if came is not None:
        body = whole(run.hub.store.files, came["data"])
        output: JsonObject = {"body": body, "received_at": rfc3339(came["received_at"])}
        run.succeed(record, output)
        return None
    if record.wake_at is not None and run.now >= record.wake_at:
        error = error_json("timeout", f"no callback came within {step.timeout_s:g} s")
        return fail_step(run, step, record, error)
    run.record(record)
    return _wait(run, record, WaitReason.CALLBACK)


def _wait(run: Run, record: StepExecution, reason: WaitReason) -> Move:
    return Move(
        status=ExecutionStatus.WAITING,
        at=run.now,
        wait_reason=reason,
        wait_on=record.step_id if reason is WaitReason.CALLBACK else None,
        wake_at=record.wake_at,
    )
