"""Executions: looking at them, ending them, and saying what happened in an uncertain step."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from revolution_hub.access.rbac import require
from revolution_hub.engine.settle import tries_of
from revolution_hub.errors import ConflictError, InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.execution import Attempt, Execution, StepExecution, error_json
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import AttemptStatus, StepStatus, WaitReason
from revolution_hub.services.guard import require_on_execution, require_some, visible
from revolution_hub.services.items import ItemCounts, children_by_step, counts_of, has_children, has_items
from revolution_hub.services.retries import part_of_another, placed
from revolution_hub.store import approvals, approvers, audit, details, endings, executions, usage
from revolution_hub.store.details import Child, UnderWay
from revolution_hub.store.family import living_descendants
from revolution_hub.store.listing import Filter, list_page
from revolution_hub.store.paging import Page
from revolution_hub.store.prune import finish, remove_one
from revolution_sdk.types import JsonObject


class Verdict(StrEnum):
    """What a person says about an uncertain step."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionDetail:
    """An execution with its steps in the order they were reached, every attempt, and its relatives.

    `children` are those of `parallel` and `call` by the step they do the work of, `items` what became of
    those of a `for_each`. So many steps as `left_out` says are not shown.
    """

    execution: Execution
    steps: list[StepExecution]
    attempts: list[Attempt]
    root_id: str
    replays: list[str] = field(default_factory=list)
    children: Mapping[str, list[Child]] = field(default_factory=dict)
    items: Mapping[str, ItemCounts] = field(default_factory=dict)
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """An execution that was ended, and the calls under way in it, which may still have their effect."""

    execution: Execution
    under_way: list[UnderWay]


def get_execution(
    hub: Hub, principal: Principal, execution_id: str, item: int | None = None
) -> ExecutionDetail:
    """Return an execution with everything recorded in it, or raise NotFoundError.

    With an `item`, of a child of a `for_each` only what belongs to the item of this index.
    """
    require_on_execution(hub, principal, "execution:read", execution_id)
    with hub.store.read(principal.tenant_id) as tx:
        execution = executions.get(tx, execution_id, strict=False)
        steps, left_out = details.list_shown_steps(tx, execution_id, item)
        children = children_by_step(tx, steps)
        return ExecutionDetail(
            execution=execution,
            steps=steps,
            attempts=details.list_shown_attempts(tx, execution_id, item),
            root_id=details.root_of(tx, execution_id),
            replays=details.list_replays(tx, execution_id),
            children={one.step_id: children[one.step_id] for one in steps if has_children(one)},
            items={one.step_id: counts_of(tx, one, children[one.step_id]) for one in steps if has_items(one)},
            left_out=left_out,
        )


def list_executions(
    hub: Hub, principal: Principal, page: Page, wanted: Filter | None = None
) -> tuple[list[Execution], str | None]:
    """Return one page of the executions the principal may see, and the cursor for the next."""
    require_some(principal, "execution:read")
    with hub.store.read(principal.tenant_id) as tx:
        only = visible(tx, principal, "execution:read")
        return list_page(tx, page, wanted or Filter(), only=only)


def cancel_execution(hub: Hub, principal: Principal, execution_id: str) -> Cancelled:
    """End an execution and everything below it now; a call that is under way may still have its effect.

    Raises ConflictError if it has ended already, or if it is a branch or an item of another one.
    """
    require(principal, "execution:cancel")
    with hub.store.begin(principal.tenant_id) as tx:
        execution = executions.get(tx, execution_id, strict=False)
        if execution.parent_id is not None and execution.block is not None:
            raise part_of_another(tx, execution)
        family = [execution_id, *living_descendants(tx.conn, [execution_id])]
        if not endings.cancel(tx, execution_id, hub.now(), f"cancelled by {principal.name or principal.id}"):
            raise ConflictError("the execution has already ended", code="already_ended")
        # Those it has fenced off can record nothing any more, so this is how they were left.
        under_way = details.list_under_way(tx, family)
        cancelled = executions.get(tx, execution_id, strict=False)
        audit.append(tx, entry_of(principal, "execution.cancel", execution_id, hub.now()))
    hub.wake()
    return Cancelled(execution=cancelled, under_way=under_way)


def delete_execution(hub: Hub, principal: Principal, execution_id: str) -> None:
    """Remove an execution that has ended, with its children and its files.

    Raises ConflictError if it has not, or if it is a part of another one. What it was started by can start
    one again.
    """
    require(principal, "execution:delete")
    with hub.store.begin(principal.tenant_id) as tx:
        usage.note_deleted(tx, execution_id, hub.now())
        gone = remove_one(tx, execution_id)
        audit.append(tx, entry_of(principal, "execution.delete", execution_id, hub.now()))
    finish(hub.store, [gone], threading.Event())


def resolve_step(
    hub: Hub,
    principal: Principal,
    execution_id: str,
    step_id: str,
    verdict: Verdict,
    result: JsonObject | None,
) -> Execution:
    """Say what happened in an uncertain step; the execution goes on accordingly.

    `happened` records the step as succeeded with `result`, which must follow the action's output schema;
    `did_not_happen` lets it be tried again, as often and as long as if it were the first time.
    """
    require(principal, "execution:resolve")
    with hub.store.begin(principal.tenant_id) as tx:
        execution = executions.get(tx, execution_id, strict=False)
        step = _uncertain_step(executions.list_steps(tx, execution_id, strict=False), step_id)
        attempts = [one for one in executions.list_attempts(tx, execution_id) if one.step_id == step_id]
        attempt = max(attempts, key=lambda one: one.number)
        result = _checked_result(hub, step, verdict, result)
        said = error_json("resolved", f"{principal.name or principal.id} said: {verdict}")
        if not executions.resume(tx, execution.id, WaitReason.UNCERTAIN):
            raise ConflictError("the execution does not wait for this", code="not_waiting")
        if verdict is Verdict.HAPPENED:
            done = replace(
                step, status=StepStatus.SUCCEEDED, output=result, error=None, finished_at=hub.now()
            )
            executions.replace_step(tx, done)
            executions.replace_attempt(
                tx, replace(attempt, status=AttemptStatus.SUCCEEDED, error=said, finished_at=hub.now())
            )
        else:
            tries = tries_of([one for one in attempts if one.number != attempt.number]) + 1
            executions.replace_step(tx, replace(step, status=StepStatus.WAITING, checks=0, forgiven=tries))
            executions.replace_attempt(
                tx, replace(attempt, status=AttemptStatus.FAILED, error=said, finished_at=hub.now())
            )
            approvals.close(tx, execution_id, step_id)
            approvers.add_requester(tx, details.root_of(tx, execution_id), principal.id)
        resumed = executions.get(tx, execution_id, strict=False)
        after = {step_id: str(verdict)}
        audit.append(tx, entry_of(principal, "execution.resolve", execution_id, hub.now(), after=after))
    hub.wake()
    return resumed


def read_for_hook(hub: Hub, tenant_id: str, execution_id: str) -> Execution:
    """Return an execution for the caller whose delivery started it; the hook has let it in already."""
    with hub.store.read(tenant_id) as tx:
        return executions.get(tx, execution_id)


def _uncertain_step(steps: list[StepExecution], step_id: str) -> StepExecution:
    step = next((one for one in steps if one.step_id == step_id), None)
    if step is None:
        raise NotFoundError("there is no such step in this execution")
    if step.status is not StepStatus.UNCERTAIN:
        raise ConflictError(f"the step is {step.status}, not uncertain", code="not_uncertain")
    return step


def _checked_result(
    hub: Hub, step: StepExecution, verdict: Verdict, result: JsonObject | None
) -> JsonObject | None:
    """Return what is recorded as the result; without one, an empty object where the action may give that."""
    if verdict is Verdict.DID_NOT_HAPPEN:
        return None
    known = hub.catalog.find_action(step.uses or "") is not None
    given = {} if result is None else result
    problems = hub.catalog.check_output(str(step.uses), given) if known else []
    if result is None and (problems or not known):
        problem = Problem(path="result", message="say with what result it happened", code="required")
        raise InputError("a result is needed", [problem])
    if problems:
        raise InputError(f"the result does not fit {step.uses}", placed("result", problems))
    return given
