"""/api/workflow-executions: looking, ending, resolving."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, route
from revolution_hub.api.execution_views import cancelled_json, detail_json, execution_json, item_json
from revolution_hub.api.filters import FilterDep
from revolution_hub.api.pages import ItemPageDep, PageDep, page_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import executions, items
from revolution_hub.services.executions import Verdict
from revolution_hub.services.items import ItemStatus
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["executions"])

HIGHEST = 999_999_999


class ResolveBody(Model):
    """What a person found out about an uncertain step."""

    outcome: Literal["happened", "did_not_happen"] = Field(description="whether the action was carried out")
    result: JsonObject | None = Field(default=None, description="the action's result, if it happened")


@route(router, "GET", "/api/workflow-executions", permission="execution:read", shared=True)
def list_executions(hub: HubDep, principal: PrincipalDep, page: PageDep, wanted: FilterDep) -> JsonObject:
    """List executions; without `parent_id` those that are part of no other one."""
    found, last = executions.list_executions(hub, principal, page, wanted)
    return page_json([execution_json(one) for one in found], last)


@route(router, "GET", "/api/workflow-executions/{execution_id}", permission="execution:read", shared=True)
def get_execution(
    execution_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    item: Annotated[int | None, Query(ge=0, le=HIGHEST, description="only what belongs to this item")] = None,
) -> JsonObject:
    """Read an execution with its steps, every attempt, its children and its replays."""
    return detail_json(executions.get_execution(hub, principal, execution_id, item))


@route(
    router,
    "GET",
    # What stands in the path is a step's key, which may have a slash in it.
    "/api/workflow-executions/{execution_id}/steps/{step_id:path}/items",
    permission="execution:read",
    shared=True,
)
def list_items(
    execution_id: str,
    step_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    page: ItemPageDep,
    status: Annotated[ItemStatus | None, Query(description="only with this status")] = None,
) -> JsonObject:
    """List the items of a `for_each` in order, each with its result or error and the child that had it."""
    found, last = items.list_items(
        hub, principal, execution_id, step_id, limit=page.limit, after=page.after, status=status
    )
    return page_json([item_json(one) for one in found], last)


@route(router, "POST", "/api/workflow-executions/{execution_id}/cancel", permission="execution:cancel")
def cancel_execution(execution_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """End an execution and what belongs to it now. `under_way` names the calls that may have their effect."""
    return cancelled_json(executions.cancel_execution(hub, principal, execution_id))


@route(router, "DELETE", "/api/workflow-executions/{execution_id}", permission="execution:delete", status=204)
def delete_execution(execution_id: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Remove an execution that has ended, with everything recorded in it."""
    executions.delete_execution(hub, principal, execution_id)


@route(
    router,
    "POST",
    "/api/workflow-executions/{execution_id}/steps/{step_id:path}/resolve",
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
