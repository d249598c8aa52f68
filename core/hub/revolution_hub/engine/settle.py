"""settle: what a failed attempt or a look-up means for step, attempt and execution. Pure.

The drive records what is returned here; so does the watch when it takes a hanging step over. Both come to
the same end because both ask here.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from revolution_hub.engine import retry
from revolution_hub.engine.retry import Again, Decision, GiveUp, Reconnect, Unsure
from revolution_hub.errors import HubError, InputError, LimitError
from revolution_hub.model.change import Move
from revolution_hub.model.execution import Attempt, StepExecution, error_json
from revolution_hub.model.status import AttemptStatus, ExecutionStatus, StepStatus, WaitReason
from revolution_hub.model.strict_json import dump_json, strict_json
from revolution_sdk.connector import Found
from revolution_sdk.errors import ConnectorError
from revolution_sdk.types import Json, JsonObject

MOST_CHECKS = 6
CHECK_DELAY_S = 5.0
LARGEST_DETAILS = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The step and attempt as they are to be recorded. Without a `move` the drive goes on with the step."""

    step: StepExecution
    attempt: Attempt
    move: Move | None = None


def failed_attempt(
    decision: Decision,
    step: StepExecution,
    attempt: Attempt,
    error: JsonObject,
    now: datetime,
    *,
    can_confirm: bool,
) -> Settled:
    """Return the records for a failed attempt, according to what `retry.after_failure` decided."""
    ended = replace(attempt, status=AttemptStatus.FAILED, error=error, finished_at=now)
    match decision:
        case Again(0.0):
            return Settled(step=replace(step, error=error), attempt=ended)
        case Again(delay_s):
            wake_at = now + timedelta(seconds=delay_s)
            waiting = replace(step, status=StepStatus.WAITING, error=error, wake_at=wake_at)
            return Settled(step=waiting, attempt=ended, move=_wait(WaitReason.RETRY, now, wake_at=wake_at))
        case Reconnect():
            waiting = replace(step, status=StepStatus.WAITING, error=error)
            wait_on = step.connection_id or (step.uses or "").partition(".")[0]
            move = _wait(WaitReason.CONNECTION, now, wait_on=wait_on)
            return Settled(step=waiting, attempt=ended, move=move)
        case Unsure():
            dark = replace(ended, status=AttemptStatus.UNKNOWN)
            if can_confirm:
                return Settled(step=replace(step, error=error), attempt=dark)
            return uncertain(step, dark, error, now)
        case GiveUp():
            return _failed(step, ended, error, now)


def looked_up(
    answer: JsonObject | Found | ConnectorError | LimitError,
    step: StepExecution,
    attempt: Attempt,
    now: datetime,
    *,
    settled_at: datetime,
    exhausted: bool,
) -> Settled:
    """Return the records after `confirm` was asked.

    "Absent" counts only from `settled_at` on; before, the look-up is repeated then. It allows another
    attempt unless they are `exhausted`. A look-up that could not be made is repeated up to six times, five
    seconds apart and doubling; then a person is asked.
    """
    checked = replace(step, checks=step.checks + 1)
    if isinstance(answer, dict):
        done = replace(checked, status=StepStatus.SUCCEEDED, output=answer, error=None, finished_at=now)
        return Settled(
            step=done, attempt=replace(attempt, status=AttemptStatus.SUCCEEDED, error=None, finished_at=now)
        )
    ended = replace(attempt, status=AttemptStatus.FAILED, finished_at=attempt.finished_at or now)
    if answer is Found.ABSENT and now >= settled_at:
        if exhausted:
            return _failed(checked, ended, checked.error or dark_error(), now)
        return Settled(step=checked, attempt=ended)
    if answer is Found.UNKNOWN or checked.checks >= MOST_CHECKS:
        dark = replace(attempt, status=AttemptStatus.UNKNOWN)
        return uncertain(checked, dark, checked.error or dark_error(), now)
    later = settled_at if answer is Found.ABSENT else now + timedelta(seconds=CHECK_DELAY_S * 2**step.checks)
    waiting = replace(checked, status=StepStatus.WAITING, wake_at=later)
    return Settled(
        step=waiting,
        attempt=replace(attempt, status=AttemptStatus.UNKNOWN),
        move=_wait(WaitReason.RETRY, now, wake_at=later),
    )


def describe(error: BaseException) -> JsonObject:
    """Return an error in the shape it is stored in. A connector's unforeseen exception keeps its type only.

    Its text is left out: it may quote a request, and with it a secret or a customer's data. Details that are
    no JSON or larger than 16 kB are left out as well.
    """
    told = _told(error) if isinstance(error, ConnectorError | HubError) else None
    return told or error_json("plugin_failed", f"the connector failed with {type(error).__name__[:200]}")


def _told(error: ConnectorError | HubError) -> JsonObject | None:
    try:
        return error_json(_text(error.code)[:100], _text(error.message), _storable(error.details))
    # An error class of a connector's own may be as broken as what it reports.
    except Exception:
        return None


def _text(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode().replace("\0", "")


def _storable(details: Json) -> JsonObject:
    try:
        kept = strict_json(dump_json(details).encode(), max_bytes=LARGEST_DETAILS)
    except (TypeError, ValueError, InputError):
        return {}
    return kept if isinstance(kept, dict) else {}


def tries_of(attempts: list[Attempt]) -> int:
    """Count the attempts that used up one of the retry policy's.

    One whose worker vanished, or whose action waited for a sub-step, uses up none.
    """
    return sum(
        1
        for one in attempts
        if one.status is not AttemptStatus.SUSPENDED and (one.error or {}).get("code") != retry.VANISHED
    )


def suspended(
    step: StepExecution, attempt: Attempt, move: Move | None, error: JsonObject | None, now: datetime
) -> Settled:
    """Return the records for a step whose action waits for a sub-step, which has brought this move.

    Unless the execution has to wait, it is queued and the action entered again.
    """
    waits = move is not None and move.status is ExecutionStatus.WAITING
    again = move if move is not None and waits else Move(status=ExecutionStatus.QUEUED, at=now)
    left = replace(
        step,
        status=StepStatus.WAITING if waits else StepStatus.RUNNING,
        output=None,
        error=error,
        wake_at=again.wake_at,
        finished_at=None,
    )
    ended = replace(attempt, status=AttemptStatus.SUSPENDED, error=None, finished_at=now)
    return Settled(step=left, attempt=ended, move=again)


def dark_error() -> JsonObject:
    """Return the error of what nobody knows the outcome of, where there is no other."""
    return error_json("unknown_outcome", "nobody knows whether it was done")


def _wait(
    reason: WaitReason, now: datetime, *, wake_at: datetime | None = None, wait_on: str | None = None
) -> Move:
    return Move(status=ExecutionStatus.WAITING, at=now, wait_reason=reason, wake_at=wake_at, wait_on=wait_on)


def uncertain(step: StepExecution, attempt: Attempt, error: JsonObject, now: datetime) -> Settled:
    """Return the records for a step only a person can settle."""
    dark = replace(step, status=StepStatus.UNCERTAIN, error=error)
    return Settled(step=dark, attempt=attempt, move=_wait(WaitReason.UNCERTAIN, now, wait_on=step.step_id))


def _failed(step: StepExecution, attempt: Attempt, error: JsonObject, now: datetime) -> Settled:
    failed = replace(step, status=StepStatus.FAILED, error=error, finished_at=now)
    return Settled(
        step=failed,
        attempt=attempt,
        move=Move(status=ExecutionStatus.FAILED, at=now, error=at_step(step, error)),
    )


def at_step(step: StepExecution, error: JsonObject) -> JsonObject:
    """Return an execution's error: the step's, and which step it was."""
    return {**error, "step": step.step_id}
