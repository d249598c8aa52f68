"""Executions: looking at them, ending them, and saying what happened in an uncertain step."""

from dataclasses import dataclass, replace
from enum import StrEnum

from revolution_hub.access.rbac import require
from revolution_hub.errors import ConflictError, InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.execution import Attempt, Execution, StepExecution, error_json
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import AttemptStatus, StepStatus, WaitReason
from revolution_hub.store import executions
from revolution_hub.store.paging import Page
from revolution_sdk.types import JsonObject


class Verdict(StrEnum):
    """What a person says about an uncertain step."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionDetail:
    """An execution with its steps in the order they were reached, and every attempt."""

    execution: Execution
    steps: list[StepExecution]
    attempts: list[Attempt]


def get_execution(hub: Hub, principal: Principal, execution_id: str) -> ExecutionDetail:
    """Return an execution with everything recorded in it, or raise NotFoundError."""
    require(principal, "execution:read")
    with hub.store.read(principal.tenant_id) as tx:
        return ExecutionDetail(
            execution=executions.get(tx, execution_id),
            steps=executions.list_steps(tx, execution_id),
            attempts=executions.list_attempts(tx, execution_id),
        )


def list_executions(
    hub: Hub,
    principal: Principal,
    page: Page,
    *,
    workflow_id: str | None = None,
    status: str | None = None,
    event_id: str | None = None,
) -> tuple[list[Execution], str | None]:
    """Return one page of executions, and the cursor for the next."""
    require(principal, "execution:read")
    with hub.store.read(principal.tenant_id) as tx:
        return executions.list_page(tx, page, workflow_id=workflow_id, status=status, event_id=event_id)


def cancel_execution(hub: Hub, principal: Principal, execution_id: str) -> Execution:
    """End an execution now; a call that is under way may still have its effect.

    Raises ConflictError if it has ended already.
    """
    require(principal, "execution:cancel")
    with hub.store.begin(principal.tenant_id) as tx:
        executions.get(tx, execution_id)
        if not executions.cancel(
            tx, execution_id, hub.now(), f"cancelled by {principal.name or principal.id}"
        ):
            raise ConflictError("the execution has already ended", code="already_ended")
        return executions.get(tx, execution_id)


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
    `did_not_happen` lets it be tried again.
    """
    require(principal, "execution:resolve")
    with hub.store.begin(principal.tenant_id) as tx:
        execution = executions.get(tx, execution_id)
        step = _uncertain_step(executions.list_steps(tx, execution_id), step_id)
        attempt = max(
            (one for one in executions.list_attempts(tx, execution_id) if one.step_id == step_id),
            key=lambda one: one.number,
        )
        _require_result(hub, step, verdict, result)
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
            executions.replace_step(tx, replace(step, status=StepStatus.WAITING, checks=0))
            executions.replace_attempt(
                tx, replace(attempt, status=AttemptStatus.FAILED, error=said, finished_at=hub.now())
            )
        resumed = executions.get(tx, execution_id)
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


def _require_result(hub: Hub, step: StepExecution, verdict: Verdict, result: JsonObject | None) -> None:
    if verdict is Verdict.DID_NOT_HAPPEN:
        return
    if result is None:
        problem = Problem(path="result", message="say with what result it happened", code="required")
        raise InputError("a result is needed", [problem])
    problems = (
        hub.catalog.check_output(str(step.uses), result) if hub.catalog.find_action(step.uses or "") else []
    )
    if problems:
        prefixed = [
            Problem(path=f"result.{one.path}" if one.path else "result", message=one.message, code=one.code)
            for one in problems
        ]
        raise InputError(f"the result does not fit {step.uses}", prefixed)
