"""spread: `parallel`, `for_each` and `call` are done by child executions, which are joined.

The parent's step, its children and the parent's waiting are one commit; a child's end and what it means for
its parent are another, under the lock on the parent's row. So neither can be lost.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from revolution_hub.engine.compiled import body_of, part_of
from revolution_hub.engine.emit import depth_of
from revolution_hub.engine.inputs import checked_inputs
from revolution_hub.engine.join import collect
from revolution_hub.engine.keys import keyed
from revolution_hub.engine.lane import first_share
from revolution_hub.engine.limits import require_depth, require_items
from revolution_hub.engine.mend import fail_by, fail_step
from revolution_hub.engine.run import Run
from revolution_hub.engine.versions import published_by_name, workflow_version
from revolution_hub.errors import HubError, InputError
from revolution_hub.model.change import Move
from revolution_hub.model.execution import Execution, StepExecution, error_json
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ExecutionStatus, StepStatus, WaitReason
from revolution_hub.model.time import rfc3339
from revolution_hub.model.workflow import Step, StepKind, Workflow, block_key
from revolution_hub.store import family
from revolution_hub.store.errors import StoreError
from revolution_hub.template.limits import DEFAULT
from revolution_sdk.types import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The workflow a `call` is for, in the version of this moment."""

    workflow_id: str
    version: int
    workflow: Workflow


def spread(run: Run, step: Step, called: Called | None = None) -> Move | None:
    """Begin the step's children, or join them; returns the move that waits for them or ends the execution.

    With `called` that is what is called, and nothing that was published since.
    """
    record = run.record_of(step)
    if record is None:
        return _begin(run, step, run.fresh(step, StepStatus.WAITING), called)
    if record.status is StepStatus.RUNNING:
        # People have agreed to it, with what is in its record.
        return _begin(run, step, replace(record, status=StepStatus.WAITING), called)
    joins = run.execution.joins or {}
    if joins.get("step") == record.step_id and joins.get("left") == 0:
        return _join(run, step, record)
    if _all_ended(run, record):
        return _join(run, step, record)
    if record.wake_at is not None and run.now >= record.wake_at:
        run.end_children(f"the step {step.id!r} of its parent took too long")
        error = error_json("timeout", f"the step was not done within {step.timeout_s:g} s")
        return fail_step(run, step, record, error)
    return _wait(record, run.now)


def items_of(run: Run, step: Step) -> list[Json]:
    """Return the items of a `for_each`; raises InputError if they are no list, LimitError if too many."""
    # Longer lists than other values, for each item is looked at by itself.
    limits = replace(DEFAULT, output_chars=max(DEFAULT.output_chars, run.hub.settings.payload_bytes))
    items = part_of(step, "items").render(run.scope(), limits, run.now)
    if not isinstance(items, list):
        raise InputError("a for_each goes through a list, and this is none", code="not_a_list")
    require_items(run.hub.settings, len(items))
    return items


def find_called(run: Run, step: Step) -> Called:
    """Return the workflow a `call` is for; raises NotFoundError if none of this name is published."""
    tenant_id = run.execution.tenant_id
    workflow_id, version = published_by_name(run.hub.store, tenant_id, str(step.target))
    with run.hub.store.read(tenant_id) as tx:
        workflow = workflow_version(tx, workflow_id, version)
    return Called(workflow_id=workflow_id, version=version, workflow=workflow)


def is_pinned(run: Run, step: Step) -> bool:
    """Tell whether a given result stands for what the step would call."""
    return run.execution.pins is not None and step.id in run.execution.pins


def _begin(run: Run, step: Step, record: StepExecution, called: Called | None) -> Move | None:
    if step.timeout_s is not None:
        record = replace(record, wake_at=run.now + timedelta(seconds=step.timeout_s))
    try:
        require_depth(run.hub.settings, run.execution.depth + 1)
        if step.kind is StepKind.PARALLEL:
            return _parallel(run, step, record)
        if step.kind is StepKind.FOR_EACH:
            return _for_each(run, step, record)
        return _call(run, step, record, called)
    except StoreError:
        raise
    except HubError as error:
        return fail_by(run, step, record, error)


def _parallel(run: Run, step: Step, record: StepExecution) -> Move:
    children = [
        _child(run, record, place, block=block_key(step.id, block.name))
        for place, block in enumerate(step.blocks)
    ]
    run.record(record)
    run.start(children, {"step": record.step_id, "left": len(children)})
    return _wait(record, run.now)


def _for_each(run: Run, step: Step, record: StepExecution) -> Move | None:
    items = items_of(run, step) if record.input is None else record.input["items"]
    record = replace(record, input={"items": items})
    if not items:
        run.succeed(record, {"items": [], "succeeded": 0, "failed": 0, "errors": []})
        return None
    lanes = min(step.loop.concurrency, len(items))
    each = max(1, min(first_share(step), math.ceil(len(items) / (2 * lanes))))
    block = block_key(step.id, step.blocks[0].name)
    children = [
        replace(
            _child(run, record, place, block=block),
            allotted={"round": 1, "items": list(range(place * each, min((place + 1) * each, len(items))))},
        )
        for place in range(lanes)
    ]
    joins = {
        "step": record.step_id,
        "left": lanes,
        "next": min(lanes * each, len(items)),
        "total": len(items),
        "returned": [],
        "stop": False,
    }
    run.record(record)
    run.start(children, joins)
    return _wait(record, run.now)


def _call(run: Run, step: Step, record: StepExecution, called: Called | None) -> Move | None:
    data = record.input if record.input is not None else body_of(step).render(run.scope(), now=run.now)
    record = replace(record, input=data)
    if is_pinned(run, step):
        run.succeed(record, (run.execution.pins or {})[step.id])
        return None
    called = called or find_called(run, step)
    trigger: JsonObject = {
        "kind": "call",
        "data": checked_inputs(called.workflow, data, at="with"),
        "execution_id": run.execution.id,
        "received_at": rfc3339(run.now),
    }
    if depth_of(run):
        trigger["depth"] = depth_of(run)
    child = replace(
        _child(run, record, 0, block=None),
        workflow_id=called.workflow_id,
        version=called.version,
        trigger=trigger,
    )
    run.record(record)
    run.start([keyed(child, called.workflow.concurrency, None)], {"step": record.step_id, "left": 1})
    return _wait(record, run.now)


def _child(run: Run, record: StepExecution, place: int, *, block: str | None) -> Execution:
    parent = run.execution
    return Execution(
        id=new_id("exe"),
        tenant_id=parent.tenant_id,
        workflow_id=parent.workflow_id,
        version=parent.version,
        status=ExecutionStatus.QUEUED,
        trigger={"kind": "parent"},
        created_at=run.now,
        parent_id=parent.id,
        parent_step=record.step_id,
        block=block,
        place=place,
        depth=parent.depth + 1,
        pins=parent.pins if block is not None else None,
    )


def _all_ended(run: Run, record: StepExecution) -> bool:
    # Counted again, for whoever counts off children might have failed to.
    with run.hub.store.read(run.execution.tenant_id) as tx:
        return all(one.ended for one in family.list_children(tx, run.execution.id, record.step_id))


def _join(run: Run, step: Step, record: StepExecution) -> Move | None:
    joined = collect(run, step, record)
    if joined.error is not None:
        return fail_step(run, step, replace(record, output=joined.output), joined.error)
    run.succeed(record, joined.output)
    return None


def _wait(record: StepExecution, now: datetime) -> Move:
    return Move(
        status=ExecutionStatus.WAITING,
        at=now,
        wait_reason=WaitReason.CHILDREN,
        wait_on=record.step_id[:80],
        wake_at=record.wake_at,
    )
