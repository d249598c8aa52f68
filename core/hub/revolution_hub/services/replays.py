"""Replays: an execution is repeated as another one, from its beginning or from any of its steps."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Literal

from revolution_hub.access.rbac import require
from revolution_hub.bus.quota import require_quota
from revolution_hub.engine.inputs import checked_inputs
from revolution_hub.engine.keys import keyed
from revolution_hub.engine.replay import Walked, taken_over, walk_to
from revolution_hub.engine.scope import GIVES_INPUTS
from revolution_hub.engine.versions import workflow_version
from revolution_hub.errors import ConflictError, InputError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.change import Duplicate, Start
from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.ids import new_id
from revolution_hub.model.json_schema import path_of
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.model.workflow import Step, StepKind, Workflow
from revolution_hub.services.guard import require_on_execution, require_some
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.services.retries import by_hand, definition_of, input_problems, part_of_another
from revolution_hub.services.selection import Outcomes, Selection, each, select
from revolution_hub.services.starts import DRAFT_VERSION
from revolution_hub.store import executions, workflows
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Tx
from revolution_sdk.types import Json, JsonObject

Which = int | Literal["same", "published", "draft"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How an execution is to be repeated.

    What is before `from_step` is taken over as it is; without one everything is done anew. `data` stands in
    place of the trigger's, if it is a tuple of one. `inputs` holds the input of the action at `from_step`.
    """

    from_step: str | None = None
    version: Which = "same"
    data: tuple[Json] | None = None
    inputs: JsonObject = field(default_factory=dict)

    @property
    def by_hand(self) -> bool:
        """Whether anything is run or handed in that nobody has published."""
        return self.version == "draft" or bool(self.inputs) or self.data is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What is repeated, and the definition it is to be repeated by."""

    execution: Execution
    steps: list[StepExecution]
    version: int
    definition: JsonObject | None
    workflow: Workflow


def replay_execution(
    hub: Hub, principal: Principal, execution_id: str, wish: Wish, once: Once | None = None
) -> tuple[str, bool]:
    """Start an execution that repeats this one; returns its id and whether it is new.

    The old one is left as it is, whatever its status. What is done anew is done under keys of its own, so
    that effects happen again. What is fed by hand needs the permission `connection:use` as well.
    """
    require_on_execution(hub, principal, "execution:start", execution_id)
    _bound_of(hub, principal, once)
    return _replay(hub, principal, execution_id, wish, once)


def replay_executions(
    hub: Hub, principal: Principal, which: Selection, wish: Wish, once: Once | None = None
) -> Outcomes:
    """Repeat many executions, each for itself. The same key never repeats one twice."""
    require_some(principal, "execution:start")
    bound = _bound_of(hub, principal, once)
    if which.wanted is not None and bound is not None:
        # What the first call made is not to be found by the second.
        which = Selection(wanted=replace(which.wanted, before_id=bound))
    ids, more = select(hub, principal, which)

    def do(one: str) -> str:
        require_on_execution(hub, principal, "execution:start", one)
        return _replay(hub, principal, one, wish, once)[0]

    return Outcomes(items=each(ids, do), more=more)


def _bound_of(hub: Hub, principal: Principal, once: Once | None) -> str | None:
    """Return an id made when this key came first; raises ConflictError if it came with another request."""
    if once is None:
        return None
    with hub.store.begin(principal.tenant_id) as tx:
        bound = first_made(tx, principal, once)
        if bound is None:
            bound = new_id("exe")
            remember(tx, principal, once, bound, hub.now())
    return bound


def _replay(
    hub: Hub, principal: Principal, execution_id: str, wish: Wish, once: Once | None
) -> tuple[str, bool]:
    with hub.store.read(principal.tenant_id) as tx:
        source = _read(tx, execution_id, wish)
    if wish.by_hand or by_hand(source.execution):
        require(principal, "connection:use")
    walked = _walked(source, wish)
    problems = [*walked.problems, *_input_problems(hub, walked, wish)]
    if problems:
        raise InputError("the execution cannot be repeated like this", problems)
    require_quota(hub, principal.tenant_id, principal.id)
    execution = _repeated(hub, principal, source, wish, once)
    steps = taken_over(walked, execution)
    if walked.step is not None and wish.inputs:
        steps += (_begun(execution, walked.step, wish.inputs[walked.step.id], len(steps)),)
    # A first claim finds fence 1 and knows that nothing is recorded; here something is.
    execution = replace(execution, fence=1 if steps else 0)
    entry = entry_of(principal, "execution.replay", execution_id, hub.now(), after=_said(wish))
    outcome = submit(hub.store, Start(execution=execution, steps=steps, entry=entry))
    hub.wake()
    return (outcome.of, False) if isinstance(outcome, Duplicate) else (execution.id, True)


def _said(wish: Wish) -> JsonObject:
    """Return how it differs from the one that is repeated, for the audit log, which keeps the names alone."""
    given = {"data": wish.data is not None, "from_step": wish.from_step, "inputs": bool(wish.inputs)}
    other = {"version": wish.version != "same"}
    return {name: True for name, value in {**given, **other}.items() if value}


def _read(tx: Tx, execution_id: str, wish: Wish) -> _Source:
    execution = executions.get(tx, execution_id)
    if execution.parent_id is not None and execution.block is not None:
        raise part_of_another(tx, execution)
    steps = executions.list_steps(tx, execution_id) if wish.from_step is not None else []
    version, definition = execution.version, execution.definition
    if wish.version == "same":
        workflow = definition_of(tx, execution)
    elif wish.version == "draft":
        version, definition = DRAFT_VERSION, workflows.get(tx, execution.workflow_id).document
        workflow = parse(definition)
    else:
        version, definition = _published(tx, execution.workflow_id, wish.version), None
        workflow = workflow_version(tx, execution.workflow_id, version)
    if execution.block is not None and execution.block not in workflow.blocks:
        raise ConflictError("this version has no on_failure steps", code="nothing_to_replay")
    return _Source(
        execution=execution, steps=steps, version=version, definition=definition, workflow=workflow
    )


def _published(tx: Tx, workflow_id: str, which: Which) -> int:
    if isinstance(which, int):
        return which
    published = workflows.get(tx, workflow_id).published_version
    if published is None:
        raise ConflictError("the workflow has no published version", code="not_published")
    return published


def _walked(source: _Source, wish: Wish) -> Walked:
    if wish.from_step is None:
        return Walked()
    block = source.execution.block
    body = source.workflow.steps if block is None else source.workflow.blocks[block]
    return walk_to(source.workflow, body, source.steps, wish.from_step)


def _input_problems(hub: Hub, walked: Walked, wish: Wish) -> list[Problem]:
    problems = []
    for step_id, value in wish.inputs.items():
        at = path_of([step_id], "inputs")
        step = walked.step
        if step_id != wish.from_step:
            message = "only the step to begin at takes another input"
            problems.append(Problem(path=at, message=message, code="not_begun_at"))
        elif step is not None and step.kind is not StepKind.ACTION:
            message = f"the step is {step.kind}, and only an action takes another input"
            problems.append(Problem(path=at, message=message, code="no_action"))
        elif step is not None:
            problems += input_problems(hub.catalog, str(step.uses), value, at)
    return problems


def _repeated(hub: Hub, principal: Principal, source: _Source, wish: Wish, once: Once | None) -> Execution:
    old, now = source.execution, hub.now()
    execution = Execution(
        id=new_id("exe"),
        tenant_id=old.tenant_id,
        workflow_id=old.workflow_id,
        version=source.version,
        definition=source.definition,
        status=ExecutionStatus.QUEUED,
        trigger=_trigger(source, wish),
        started_by=principal.id,
        idempotency_key=_key(principal, once, old.id),
        created_at=now,
        block=old.block,
        pins=old.pins,
        replay_of=old.id,
    )
    # Its workflow's own idempotency key is left out: this is meant to be done once more.
    return keyed(execution, source.workflow.concurrency if old.block is None else None, None)


def _trigger(source: _Source, wish: Wish) -> JsonObject:
    trigger = source.execution.trigger
    data = trigger.get("data") if wish.data is None else wish.data[0]
    if trigger.get("kind") in GIVES_INPUTS and (wish.data is not None or wish.version != "same"):
        data = checked_inputs(source.workflow, data)
    return trigger if wish.data is None and data == trigger.get("data") else {**trigger, "data": data}


def _key(principal: Principal, once: Once | None, execution_id: str) -> str | None:
    if once is None:
        return None
    text = f"{principal.id} {once.key} {execution_id}"
    return f"replay:{hashlib.sha256(text.encode()).hexdigest()}"


def _begun(execution: Execution, step: Step, value: Json, position: int) -> StepExecution:
    return StepExecution(
        execution_id=execution.id,
        tenant_id=execution.tenant_id,
        step_id=step.id,
        position=position,
        kind=str(step.kind),
        status=StepStatus.RUNNING,
        started_at=execution.created_at,
        uses=step.uses,
        input=value,
    )
