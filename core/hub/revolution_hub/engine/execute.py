"""execute: one step with an action, from rendered input to recorded outcome.

The order is what makes it honest: the attempt is committed before anything leaves, its outcome right
after a `once` call, and an attempt found without outcome is looked up before it is ever repeated.
"""

import random
from dataclasses import replace
from datetime import timedelta

from revolution_hub.crashpoint import reach
from revolution_hub.engine import retry, settle
from revolution_hub.engine.call import PluginBug, Target, call_action, checked_output, guarded_confirm
from revolution_hub.engine.compiled import body_of
from revolution_hub.engine.retry import Again, GiveUp
from revolution_hub.engine.run import Run
from revolution_hub.engine.settle import Settled
from revolution_hub.engine.watch import GRACE_S, Call, Watch
from revolution_hub.errors import HubError, InputError, LimitError, PluginError
from revolution_hub.model.change import Move
from revolution_hub.model.connection import Connection
from revolution_hub.model.execution import Attempt, StepExecution
from revolution_hub.model.status import AttemptStatus, ConnectionStatus, ExecutionStatus, StepStatus
from revolution_hub.model.workflow import Step
from revolution_hub.store import connections
from revolution_hub.store.tx import StoreError
from revolution_sdk.connector import Effect, Found
from revolution_sdk.errors import ConnectorError, CredentialError, RetryableError, UnknownOutcomeError
from revolution_sdk.types import Json, JsonObject

IN_THE_DARK = (AttemptStatus.STARTED, AttemptStatus.UNKNOWN)
"""Attempts nobody knows the outcome of."""


def execute(run: Run, watch: Watch, step: Step) -> Move | None:
    """Bring an action's step one attempt further.

    Returns the move that ends or suspends the execution, None if the drive goes on: with the next step, or
    with this one again.
    """
    record = run.steps.get(step.id) or run.fresh(step)
    try:
        target = _target(run, step, record)
        record = _with_input(run, step, record, target)
    except StoreError:
        raise
    except HubError as error:
        return _note(run, _refuse(run, record, error))
    run.connection_id = record.connection_id
    with watch.using(run.connection_id) as admitted:
        if not admitted:
            # Too many calls through it at the moment. Nothing is recorded, so it costs neither an attempt nor
            # a crash, and no thread waits: the execution is claimed again when it is the connection's turn.
            return Move(status=ExecutionStatus.QUEUED, at=run.now)
        return _call_or_look_up(run, watch, step, target, record)


def _call_or_look_up(
    run: Run, watch: Watch, step: Step, target: Target, record: StepExecution
) -> Move | None:
    last = run.last_attempt(step.id)
    if last is not None and last.status in IN_THE_DARK:
        return _note(run, _find_out(run, watch, step, target, record, last))
    return _attempt(run, watch, step, target, record)


def _target(run: Run, step: Step, record: StepExecution) -> Target:
    connector, action = run.hub.catalog.get_action(str(step.uses))
    with run.hub.store.read(run.execution.tenant_id) as tx:
        if record.connection_id is not None:
            chosen = connections.get(tx, record.connection_id)
            return Target(connector=connector, action=action, connection=chosen)
        connection = connections.find_for(tx, connector.name, step.connection)
    if connection is None and step.connection is not None:
        missing = f"there is no {connector.name} connection {step.connection!r}"
        raise PluginError(missing, code="connection_missing")
    return Target(connector=connector, action=action, connection=connection)


def _with_input(run: Run, step: Step, record: StepExecution, target: Target) -> StepExecution:
    # Without a connection at the first attempt, the one set up meanwhile is kept from here on.
    connection_id = target.connection.id if target.connection else None
    if record.input is not None:
        return replace(record, connection_id=connection_id)
    value: Json = body_of(step).render(run.scope(), now=run.now)
    problems = run.hub.catalog.check_input(target.name, value)
    if problems:
        raise InputError(f"the input of {target.name} is not valid", problems)
    return replace(record, input=value, connection_id=connection_id)


def _refuse(run: Run, record: StepExecution, error: HubError) -> Settled:
    described = settle.describe(error)
    last = run.last_attempt(record.step_id)
    action = run.hub.catalog.find_action(record.uses or "")
    # What may have happened stays a question when the means to look it up are gone.
    if last is not None and last.status in IN_THE_DARK and (action is None or action.effect is Effect.ONCE):
        return settle.uncertain(record, replace(last, status=AttemptStatus.UNKNOWN), described, run.now)
    attempt = replace(_new_attempt(run, record), status=AttemptStatus.FAILED)
    if isinstance(error, InputError):
        described["details"]["problems"] = [one.as_json() for one in error.problems[:20]]
    return settle.failed_attempt(GiveUp(), record, attempt, described, run.now, can_confirm=False)


def _attempt(run: Run, watch: Watch, step: Step, target: Target, record: StepExecution) -> Move | None:
    attempt = _new_attempt(run, record)
    record = replace(
        record, status=StepStatus.RUNNING, attempts=attempt.number, wake_at=None, error=None, checks=0
    )
    run.record(record, attempt)
    # After a crash a pure call is committed as well, so that the next one is blamed on the right step.
    if target.action.effect is not Effect.PURE or run.execution.crashes:
        run.flush()
    try:
        with watch.calling(_call(run, step, target, record, attempt)):
            reach("worker.before_effect")
            output = call_action(run.hub, target, record.input, _key(record))
    except (ConnectorError, HubError, PluginBug) as error:
        return _after_error(run, step, target, record, attempt, error)
    reach("worker.after_effect")
    run.connection_id = None
    done = replace(record, status=StepStatus.SUCCEEDED, output=output, error=None, finished_at=run.now)
    run.record(done, replace(attempt, status=AttemptStatus.SUCCEEDED, finished_at=run.now))
    if target.action.effect is Effect.ONCE:
        run.flush()
        reach("worker.after_record")
    return None


def _call(
    run: Run, step: Step, target: Target, record: StepExecution, attempt: Attempt, *, looking_up: bool = False
) -> Call:
    return Call(
        run=run,
        pending=run.pending(),
        step=step,
        action=target.action,
        record=record,
        attempt=attempt,
        overdue_at=run.now + timedelta(seconds=target.action.timeout_s + GRACE_S),
        looking_up=looking_up,
    )


def _after_error(
    run: Run, step: Step, target: Target, record: StepExecution, attempt: Attempt, error: Exception
) -> Move | None:
    cause = error.error if isinstance(error, PluginBug) else error
    overtaken = isinstance(cause, CredentialError) and not _mark_refused(run, target.connection, cause)
    tries = settle.tries_of(run.attempts[step.id])
    known = cause if isinstance(cause, Exception) else RuntimeError(type(cause).__name__)
    decision = retry.after_failure(known, target.action.effect, tries, step.retry, random.random())
    settled = settle.failed_attempt(
        # A person has authorized the connection anew while the provider refused the old credential.
        Again(0.0) if overtaken else decision,
        record,
        attempt,
        settle.describe(cause),
        run.now,
        can_confirm=target.action.confirm is not None,
    )
    return _note(run, settled)


def _find_out(
    run: Run, watch: Watch, step: Step, target: Target, record: StepExecution, attempt: Attempt
) -> Settled:
    if attempt.status is AttemptStatus.STARTED:
        vanished = UnknownOutcomeError("the worker vanished during the call", code=retry.VANISHED)
        attempt = replace(attempt, error=settle.describe(vanished), finished_at=run.now)
        if target.action.effect is not Effect.ONCE or target.action.confirm is None:
            decision = retry.after_failure(vanished, target.action.effect, 1, step.retry, 0.0)
            return settle.failed_attempt(
                decision, record, attempt, attempt.error or {}, run.now, can_confirm=False
            )
    elif target.action.confirm is None:
        # The attempt is of a release that could look it up; this one cannot.
        return settle.uncertain(record, attempt, record.error or attempt.error or {}, run.now)
    dark = replace(attempt, status=AttemptStatus.UNKNOWN)
    with watch.calling(_call(run, step, target, record, dark, looking_up=True)):
        answer = _confirmed(run, target, record)
    return settle.looked_up(
        answer,
        record,
        attempt,
        run.now,
        settled_at=attempt.started_at + timedelta(seconds=target.action.confirm_after_s),
        exhausted=settle.tries_of([*run.attempts[step.id][:-1], attempt]) >= step.retry.attempts,
    )


def _confirmed(
    run: Run, target: Target, record: StepExecution
) -> JsonObject | Found | ConnectorError | LimitError:
    answer = guarded_confirm(run.hub, target, record.input, _key(record))
    if isinstance(answer, dict):
        try:
            return checked_output(run.hub, target, answer)
        except PluginError:
            return Found.UNKNOWN
    if isinstance(answer, RetryableError | UnknownOutcomeError | LimitError):
        return answer
    return answer if isinstance(answer, Found) else Found.UNKNOWN


def _note(run: Run, settled: Settled) -> Move | None:
    run.record(settled.step, settled.attempt)
    return settled.move


def _mark_refused(run: Run, connection: Connection | None, error: CredentialError) -> bool:
    """Mark the connection; False if a person has changed it since it was used."""
    if connection is None or connection.status is not ConnectionStatus.CONNECTED:
        return True
    reason = str(settle.describe(error)["message"])
    with run.hub.store.begin(run.execution.tenant_id) as tx:
        return connections.set_status(tx, connection, ConnectionStatus.NEEDS_REAUTH, reason, run.now)


def _new_attempt(run: Run, record: StepExecution) -> Attempt:
    last = run.last_attempt(record.step_id)
    return Attempt(
        execution_id=record.execution_id,
        tenant_id=record.tenant_id,
        step_id=record.step_id,
        number=last.number + 1 if last else 1,
        status=AttemptStatus.STARTED,
        started_at=run.now,
        worker=run.hub.process,
    )


def _key(record: StepExecution) -> str:
    return f"{record.execution_id}.{record.step_id}"
