"""parts: what the records of an action's sub-steps mean for the step they are parts of.

A part is recorded behind its step, under the step's key, a `/` and a name of its own.
"""

from dataclasses import replace

from revolution_hub.engine import settle
from revolution_hub.engine.run import Run
from revolution_hub.engine.settle import Settled
from revolution_hub.model.change import Move
from revolution_hub.model.execution import StepExecution
from revolution_hub.model.status import AttemptStatus
from revolution_sdk.connector import Effect

CALL = "call"
RECORD = "record"
"""The kinds of records parts leave."""

IN_THE_DARK = (AttemptStatus.STARTED, AttemptStatus.UNKNOWN)
"""Attempts nobody knows the outcome of."""


def part_key(record: StepExecution, name: str) -> str:
    """Return what a part of this step is recorded as."""
    return f"{record.step_id}/{name}"


def part_in_the_dark(run: Run, record: StepExecution) -> StepExecution | None:
    """Return a `once` part of which nobody knows whether it was done, None if there is none."""
    # Whatever a step records itself comes behind it, so most steps need no search.
    if run.position <= record.position + 1:
        return None
    prefix = part_key(record, "")
    for one in list(run.steps.values()):
        if one.step_id.startswith(prefix) and one.kind == CALL and not one.recorded:
            last = run.last_attempt(one.step_id)
            action = run.hub.catalog.find_action(one.uses or "")
            lasting = action is None or action.effect is Effect.ONCE
            if lasting and last is not None and last.status in IN_THE_DARK:
                return one
    return None


def ask_first(run: Run, settled: Settled) -> tuple[Settled, Settled] | None:
    """Return what to note instead of a step's end while a part of it is in the dark, None if none is.

    Whatever the action did about it, such a question is never dropped: a person answers it, then the action
    is entered again.
    """
    part = part_in_the_dark(run, settled.step)
    if part is None:
        return None
    last = run.attempts_of(part)[-1]
    error = part.error or last.error or settle.dark_error()
    dark = replace(last, status=AttemptStatus.UNKNOWN, error=error, finished_at=last.finished_at or run.now)
    asked = settle.uncertain(part, dark, error, run.now)
    outer = settle.suspended(settled.step, settled.attempt, asked.move, error, run.now)
    if settled.attempt.status is AttemptStatus.SUCCEEDED:
        return asked, outer
    return asked, replace(outer, attempt=settled.attempt)


def ask(run: Run, settled: Settled) -> Move | None:
    """Note what `ask_first` returns; returns the move, None if the step may end as it is settled."""
    asked = ask_first(run, settled)
    for one in asked or ():
        run.record(one.step, one.attempt)
    return asked[-1].move if asked is not None else None
