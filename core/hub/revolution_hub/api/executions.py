"""/api/workflow-executions: looking, ending, resolving."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from revolution_hub.api.doors import HubDep, Model, PrincipalDep, json_body, route
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.views import detail_json, execution_json
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.services import executions
from revolution_hub.services.executions import Verdict
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["executions"])


class ResolveBody(Model):
    """What a person found out about an uncertain step."""

    outcome: Literal["happened", "did_not_happen"] = Field(description="whether the action was carried out")
    result: JsonObject | None = Field(default=None, description="the action's result, if it happened")


@route(router, "GET", "/api/workflow-executions", permission="execution:read")
def list_executions(
    hub: HubDep,
    principal: PrincipalDep,
    page: PageDep,
    workflow_id: Annotated[str | None, Query(max_length=200, description="only of this workflow")] = None,
    status: Annotated[ExecutionStatus | None, Query(description="only with this status")] = None,
    event_id: Annotated[str | None, Query(max_length=40, description="only started by this event")] = None,
) -> JsonObject:
    """List executions."""
    found, last = executions.list_executions(
        hub, principal, page, workflow_id=workflow_id, status=status, event_id=event_id
    )
    return page_json([execution_json(one) for one in found], last)


@route(router, "GET", "/api/workflow-executions/{execution_id}", permission="execution:read")
def get_execution(execution_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read an execution with its steps and every attempt."""
    return detail_json(executions.get_execution(hub, principal, execution_id))


@route(router, "POST", "/api/workflow-executions/{execution_id}/cancel", permission="execution:cancel")
def cancel_execution(execution_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """End an execution now. A call that is under way may still have its effect."""
    return execution_json(executions.cancel_execution(hub, principal, execution_id))


@route(
    router,
    "POST",
    "/api/workflow-executions/{execution_id}/steps/{step_id}/resolve",
    permission="execution:resolve",
    body=ResolveBody,
)
def resolve_step(
    execution_id: str,
    step_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ResolveBody, json_body(ResolveBody)],
) -> JsonObject:
    """Say what happened in an uncertain step; the execution goes on accordingly."""
    verdict = Verdict(body.outcome)
    return execution_json(
        executions.resolve_step(hub, principal, execution_id, step_id, verdict, body.result)
    )
