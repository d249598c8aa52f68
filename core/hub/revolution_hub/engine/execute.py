"""execute: one step with an action, from rendered input to recorded outcome.

The order is what makes it honest: the attempt is committed before anything leaves, its outcome right
after a `once` call, and an attempt found without outcome is looked up before it is ever repeated.
"""

import random
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from revolution_hub.crashpoint import reach
from revolution_hub.engine import retry, settle
from revolution_hub.engine.approve import OPEN, gate
from revolution_hub.engine.call import PluginBug, Target, call_action, checked_output, guarded_confirm
from revolution_hub.engine.compiled import body_of
from revolution_hub.engine.emits import Emits
from revolution_hub.engine.enabled import require_enabled
from revolution_hub.engine.mend import mend
from revolution_hub.engine.parts import IN_THE_DARK, ask, part_in_the_dark
from revolution_hub.engine.refused import mark_refused
from revolution_hub.engine.retry import Again, GiveUp
from revolution_hub.engine.run import Run, VoidError
from revolution_hub.engine.settle import Settled
from revolution_hub.engine.substeps import Substeps
from revolution_hub.engine.watch import GRACE_S, Call, Watch
from revolution_hub.errors import HubError, InputError, LimitError, PluginError
from revolution_hub.model.approval import Use
from revolution_hub.model.change import Move
from revolution_hub.model.connection import Connection
from revolution_hub.model.execution import Attempt, StepExecution, error_json
from revolution_hub.model.status import AttemptStatus, ExecutionStatus, StepStatus
from revolution_hub.model.workflow import Step
from revolution_hub.store import connections
from revolution_hub.store.errors import StoreError
from revolution_sdk.connector import Effect, Found
from revolution_sdk.errors import ConnectorError, CredentialError, RetryableError, UnknownOutcomeError
from revolution_sdk.types import Json, JsonObject

SHORTEST_S = 0.05
"""What an attempt gets at least of the time its step has left."""


def execute(run: Run, watch: Watch, step: Step) -> Move | None:
    """Bring an action's step one attempt further.

    Returns the move that ends or suspends the execution, None if the drive goes on: with the next step, or
    with this one again.
    """
    record = _timed(run, run.record_of(step) or run.fresh(step))
    if run.execution.pins is not None and step.id in run.execution.pins:
        run.succeed(record, run.execution.pins[step.id])
        return None
    if step.timeout_s is not None and _left_s(run, step, record) <= 0 and _settled(run, record):
        return _note(run, step, _too_late(run, step, record))
    return _perform(run, watch, step, record)


def _timed(run: Run, record: StepExecution) -> StepExecution:
    """Return the record; the time of a step that a person has tried anew begins with its next attempt."""
    tried = run.attempts_of(record)
    anew = record.forgiven and settle.tries_of(tried) == record.forgiven
    if not tried or (anew and tried[-1].status not in IN_THE_DARK):
        return replace(record, started_at=run.now)
    return record


def _perform(
    run: Run, watch: Watch, step: Step, record: StepExecution, within: Call | None = None
) -> Move | None:
    """Bring a step one attempt further, or a sub-step of the call `within` which it is made."""
    try:
        target = _target(run, step, record)
        record = _with_input(run, step, record, target)
        passed = OPEN if _is_dark(run, record) else gate(run, step, target, record)
    except StoreError:
        raise
    except HubError as error:
        return _note(run, step, _refuse(run, record, error))
    if passed.record is not None:
        run.record(passed.record)
        return passed.move
    run.connection_id = record.connection_id
    # What its outer call goes through already counts as one use.
    shared = within is not None and run.connection_id is not None and within.uses(run.connection_id)
    with watch.using(None if shared else run.connection_id) as admitted:
        if not admitted:
            # Too many calls through it at the moment. Nothing is recorded, so it costs neither an attempt nor
            # a crash, and no thread waits: the execution is claimed again when it is the connection's turn.
            return Move(status=ExecutionStatus.QUEUED, at=run.now)
        if _is_dark(run, record):
            return _note(run, step, _find_out(run, watch, step, target, record, within=within))
        return _attempt(run, watch, step, target, record, within=within, use=passed.use)


def _is_dark(run: Run, record: StepExecution) -> bool:
    last = run.last_attempt(record.step_id)
    return last is not None and last.status in IN_THE_DARK


def _target(run: Run, step: Step, record: StepExecution) -> Target:
    connector, action = run.hub.catalog.get_action(str(step.uses))
    config = require_enabled(run.hub, run.execution.tenant_id, connector, action.name)
    if record.connection_id is not None:
        with run.hub.store.read(run.execution.tenant_id) as tx:
            chosen = connections.get(tx, record.connection_id)
        return Target(connector=connector, action=action, connection=chosen, config=config)

    def find() -> Connection | None:
        with run.hub.store.read(run.execution.tenant_id) as tx:
            return connections.find_for(tx, connector.name, step.connection)

    # Step after step, and item after item, goes to the same place; after a failure it is looked for again.
    connection = find() if record.attempts else run.remembered((connector.name, step.connection), find)
    if connection is None and step.connection is not None:
        missing = f"there is no {connector.name} connection {step.connection!r}"
        raise PluginError(missing, code="connection_missing")
    return Target(connector=connector, action=action, connection=connection, config=config)


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


def _attempt(
    run: Run,
    watch: Watch,
    step: Step,
    target: Target,
    record: StepExecution,
    *,
    within: Call | None,
    use: Use | None = None,
) -> Move | None:
    attempt, before = _new_attempt(run, record), record
    record = replace(
        record, status=StepStatus.RUNNING, attempts=attempt.number, wake_at=None, error=None, checks=0
    )
    run.record(record, attempt)
    try:
        _commit_before(run, target.action.effect, use)
    except VoidError:
        # Nothing was recorded; looked at again, the gate says why.
        run.take_back(before, attempt)
        return None
    call = _call(run, step, target, record, attempt, within=within)
    emits = Emits(run, target, record)
    parts = Substeps(watch, call, _perform, emits)
    output: Json = None
    failure: Exception | None = None
    try:
        with watch.calling(call), closing(parts):
            reach("worker.before_effect")
            output = call_action(
                run.hub, target, record.input, _key(record), call.timeout_s, capabilities=parts
            )
    except (ConnectorError, HubError, PluginBug) as error:
        failure = error
    # Whether its action let Suspended pass or not.
    if parts.left is not None:
        return _suspend(run, step, record, attempt, parts)
    if failure is not None:
        return _after_error(run, step, target, record, attempt, failure)
    emits.note()
    return _succeed(run, step, target, record, attempt, output)


def _commit_before(run: Run, effect: Effect, use: Use | None) -> None:
    """Commit what a crash during the call must not undo, with it that an approval is used up."""
    if use is not None:
        run.flush(use=use)
        reach("approval.after_consume")
    elif effect in (Effect.ONCE, Effect.REPEATABLE) or run.execution.crashes:
        # After a crash any call is committed, so that the next one is blamed on the right step.
        run.flush()
    elif effect is Effect.READ and run.lane is None:
        # Reading may be repeated, so nobody waits for this commit: it only shows what is going on.
        run.show()


def _succeed(
    run: Run, step: Step, target: Target, record: StepExecution, attempt: Attempt, output: Json
) -> Move | None:
    reach("worker.after_effect")
    run.connection_id = None
    done = replace(record, status=StepStatus.SUCCEEDED, output=output, error=None, finished_at=run.now)
    ended = replace(attempt, status=AttemptStatus.SUCCEEDED, finished_at=run.now)
    move = _note(run, step, Settled(step=done, attempt=ended))
    if target.action.effect is Effect.ONCE:
        run.flush()
        reach("worker.after_record")
    return move


def _suspend(run: Run, step: Step, record: StepExecution, attempt: Attempt, parts: Substeps) -> Move | None:
    if isinstance(parts.left, BaseException):
        raise parts.left
    settled = settle.suspended(record, attempt, parts.left, parts.error, run.now)
    wake_at = settled.step.wake_at
    if step.timeout_s is not None and wake_at is not None and part_in_the_dark(run, record) is None:
        # It need not wait for longer than it may take; then it is told that its time is over.
        wake_at = min(wake_at, record.started_at + timedelta(seconds=step.timeout_s))
    move = replace(settled.move, wake_at=wake_at) if settled.move else None
    run.record(replace(settled.step, wake_at=wake_at), settled.attempt)
    return move


def _call(
    run: Run,
    step: Step,
    target: Target,
    record: StepExecution,
    attempt: Attempt,
    *,
    within: Call | None,
    looking_up: bool = False,
) -> Call:
    timeout_s = target.action.timeout_s
    # Time is no reason to leave a question open, be it the step's own or that of a sub-step.
    if step.timeout_s is not None and not looking_up and part_in_the_dark(run, record) is None:
        timeout_s = min(timeout_s, max(_left_s(run, step, record), SHORTEST_S))
    if within is not None:
        left_s = (within.ends_at - run.now).total_seconds()
        timeout_s = min(timeout_s, max(left_s, SHORTEST_S))
    ends_at = run.now + timedelta(seconds=timeout_s)
    return Call(
        run=run,
        pending=run.pending(),
        step=step,
        action=target.action,
        record=record,
        attempt=attempt,
        timeout_s=timeout_s,
        ends_at=ends_at,
        overdue_at=within.overdue_at if within else ends_at + timedelta(seconds=GRACE_S),
        looking_up=looking_up,
        outer=within,
    )


def _after_error(
    run: Run, step: Step, target: Target, record: StepExecution, attempt: Attempt, error: Exception
) -> Move | None:
    cause = error.error if isinstance(error, PluginBug) else error
    overtaken = isinstance(cause, CredentialError) and not _mark_refused(run, target.connection, cause)
    tries = settle.tries_of(run.attempts_of(record)) - record.forgiven
    known = cause if isinstance(cause, Exception) else RuntimeError(type(cause).__name__)
    decision = retry.after_failure(known, target.action.effect, tries, step.retry, random.random())
    described = settle.describe(cause)
    late = step.timeout_s is not None
    if late and isinstance(decision, Again) and decision.delay_s >= _left_s(run, step, record):
        decision, described = GiveUp(), _timeout(step, described)
    settled = settle.failed_attempt(
        # A person has authorized the connection anew while the provider refused the old credential.
        Again(0.0) if overtaken else decision,
        record,
        attempt,
        described,
        run.now,
        can_confirm=target.action.confirm is not None,
    )
    return _note(run, step, settled)


def _find_out(
    run: Run, watch: Watch, step: Step, target: Target, record: StepExecution, *, within: Call | None
) -> Settled:
    attempt = run.attempts_of(record)[-1]
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
    with watch.calling(_call(run, step, target, record, dark, within=within, looking_up=True)) as call:
        answer = _confirmed(run, target, record, call.timeout_s)
    return settle.looked_up(
        answer,
        record,
        attempt,
        run.now,
        settled_at=attempt.started_at + timedelta(seconds=target.action.confirm_after_s),
        exhausted=settle.tries_of([*run.attempts_of(record)[:-1], attempt]) - record.forgiven
        >= step.retry.attempts,
    )


def _confirmed(
    run: Run, target: Target, record: StepExecution, timeout_s: float
) -> JsonObject | Found | ConnectorError | LimitError:
    answer = guarded_confirm(run.hub, target, record.input, _key(record), timeout_s)
    if isinstance(answer, dict):
        try:
            return checked_output(run.hub, target, answer)
        except PluginError:
            return Found.UNKNOWN
    if isinstance(answer, RetryableError | UnknownOutcomeError | LimitError):
        return answer
    return answer if isinstance(answer, Found) else Found.UNKNOWN


def _note(run: Run, step: Step, settled: Settled) -> Move | None:
    over = settled.step.recorded or settled.step.status is StepStatus.UNCERTAIN
    asked = ask(run, settled) if over else None
    if asked is not None:
        return asked
    record, move = mend(run, step, settled.step, settled.move)
    run.record(record, settled.attempt)
    return move


def _left_s(run: Run, step: Step, record: StepExecution) -> float:
    """Return how many seconds the step has left of the time it may take in all."""
    return float(step.timeout_s or 0) - (run.now - record.started_at).total_seconds()


def _settled(run: Run, record: StepExecution) -> bool:
    last = run.last_attempt(record.step_id)
    return last is not None and last.status not in IN_THE_DARK and part_in_the_dark(run, record) is None


def _too_late(run: Run, step: Step, record: StepExecution) -> Settled:
    # The last attempt is known to have failed; another one would come too late.
    last = run.attempts_of(record)[-1]
    error = _timeout(step, record.error or last.error or {})
    failed = settle.failed_attempt(GiveUp(), record, last, error, run.now, can_confirm=False)
    return replace(failed, attempt=last)


def _timeout(step: Step, last: JsonObject) -> JsonObject:
    message = f"the step did not succeed within {step.timeout_s:g} s; at last: {last.get('message')}"
    return error_json("timeout", message, {"last": last.get("code")})


def _mark_refused(run: Run, connection: Connection | None, error: CredentialError) -> bool:
    """Mark the connection; False if a person has changed it since it was used."""
    if connection is None:
        return True
    return mark_refused(run.hub, connection, str(settle.describe(error)["message"]))


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
