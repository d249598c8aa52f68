"""admit: a step that is no call of an action comes to the gate as calls do, if people have to agree to it.

Its values are rendered before anybody is asked and kept in its record: they are shown, they are what the
digest is made of, and with them, rendered no more, the step is done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from revolution_hub.crashpoint import reach
from revolution_hub.engine.approval_content import ControlWord
from revolution_hub.engine.approve import PENDING, gate
from revolution_hub.engine.compiled import body_of
from revolution_hub.engine.control import holds
from revolution_hub.engine.emitted import problems_of_own
from revolution_hub.engine.inputs import checked_inputs
from revolution_hub.engine.mend import fail_by
from revolution_hub.engine.respond import response_of
from revolution_hub.engine.run import Run, VoidError
from revolution_hub.engine.spread import Called, find_called, is_pinned, items_of
from revolution_hub.errors import HubError, InputError, TemplateError
from revolution_hub.model.approval import Use
from revolution_hub.model.change import Move
from revolution_hub.model.execution import StepExecution
from revolution_hub.model.status import StepStatus
from revolution_hub.model.workflow import SPREADING, Step, StepKind
from revolution_hub.store.errors import StoreError
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether the step may be done now, and with `begun` that exactly with the values of this record.

    `called` is the workflow that was agreed to. One that is not admitted may bring a move.
    """

    admitted: bool = True
    begun: StepExecution | None = None
    called: Called | None = None
    move: Move | None = None


def admit(run: Run, step: Step) -> Admission:
    """Let a step with an approval be done, or wait, or fail because of what people said.

    Raises TemplateError if what they would be asked cannot be computed.
    """
    record = run.record_of(step)
    if step.kind is StepKind.CALL and is_pinned(run, step):
        return Admission()
    if record is not None and _goes_on(step, record):
        return Admission()
    record = record or run.fresh(step)
    try:
        if record.input is None:
            record = replace(record, input=_VALUES.get(step.kind, _body)(run, step))
        called = _called(run, step, record) if step.kind is StepKind.CALL else None
        passed = gate(run, step, _word(step, called), record)
    except (StoreError, TemplateError):
        raise
    except HubError as error:
        return Admission(admitted=False, move=fail_by(run, step, record, error))
    if passed.record is not None:
        run.record(passed.record)
        return Admission(admitted=False, move=passed.move)
    return _begin(run, record, passed.use, called)


def _goes_on(step: Step, record: StepExecution) -> bool:
    """Tell whether it has passed the gate and waits for its own end: a moment, a callback, its children."""
    if step.kind not in _LASTING or record.status is not StepStatus.WAITING:
        return False
    return (record.error or {}).get("code") != PENDING


def _begin(run: Run, record: StepExecution, use: Use | None, called: Called | None) -> Admission:
    begun = replace(record, status=StepStatus.RUNNING, error=None, wake_at=None, started_at=run.now)
    run.record(begun)
    if use is not None:
        try:
            run.flush(use=use)
        except VoidError:
            # Nothing was recorded; looked at again, the gate says why.
            run.record(record)
            return Admission(admitted=False)
        reach("approval.after_consume")
    return Admission(begun=begun, called=called)


def _called(run: Run, step: Step, record: StepExecution) -> Called:
    called = find_called(run, step)
    checked_inputs(called.workflow, record.input, at="with")
    return called


def _word(step: Step, called: Called | None) -> ControlWord:
    shown: JsonObject | None = None
    if called is not None:
        shown = {"name": step.target, "id": called.workflow_id, "version": called.version}
    return ControlWord(name=str(step.kind), called=shown, event=step.event)


def _body(run: Run, step: Step) -> JsonObject:
    values: JsonObject = body_of(step).render(run.scope(), now=run.now)
    return values


def _event(run: Run, step: Step) -> JsonObject:
    values = _body(run, step)
    problems = problems_of_own(str(step.event), values.get("data", {}))
    if problems:
        raise InputError("the event is not valid", problems)
    return values


def _answer(run: Run, step: Step) -> JsonObject:
    values = _body(run, step)
    response_of(values)
    return values


_LASTING = SPREADING | {StepKind.WAIT}
_VALUES: Mapping[StepKind, Callable[[Run, Step], JsonObject]] = {
    StepKind.BRANCH: lambda run, step: {"holds": holds(run, step)},
    StepKind.FOR_EACH: lambda run, step: {"items": items_of(run, step)},
    StepKind.EMIT: _event,
    StepKind.RESPOND: _answer,
}
"""What is agreed to, where that is more than rendering what stands under the word; nobody is asked for what
would be refused."""
