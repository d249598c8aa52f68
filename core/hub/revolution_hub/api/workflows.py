"""/api/workflows: drafts."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, once_of, revision_of, route
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.views import workflow_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import workflows
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["workflows"])


class WorkflowBody(Model):
    """A workflow definition under `document`."""

    document: JsonObject = Field(description="the definition, as on disk in YAML")


@route(router, "GET", "/api/workflows", permission="workflow:read", shared=True)
def list_workflows(
    hub: HubDep,
    principal: PrincipalDep,
    page: PageDep,
    name: Annotated[str | None, Query(max_length=200, description="only the workflow of this name")] = None,
) -> JsonObject:
    """List workflows."""
    found, last = workflows.list_workflows(hub, principal, page, name)
    return page_json([workflow_json(one) for one in found], last)


@route(router, "POST", "/api/workflows", permission="workflow:write", status=201, body=WorkflowBody)
def create_workflow(
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[WorkflowBody, json_body(WorkflowBody)],
) -> JsonObject:
    """Create a workflow draft. A definition with faults is refused with all of them."""
    stored = workflows.create_workflow(hub, principal, body.document, once_of(request))
    response.headers["ETag"] = f'"{stored.revision}"'
    response.headers["Location"] = f"/api/workflows/{stored.id}"
    return workflow_json(stored)


@route(router, "GET", "/api/workflows/{workflow_id}", permission="workflow:read", shared=True)
def get_workflow(workflow_id: str, response: Response, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read a workflow draft; its ETag is needed for changing it."""
    stored = workflows.get_workflow(hub, principal, workflow_id)
    response.headers["ETag"] = f'"{stored.revision}"'
    return workflow_json(stored)


@route(
    router, "PUT", "/api/workflows/{workflow_id}", permission="workflow:write", shared=True, body=WorkflowBody
)
def replace_workflow(
    workflow_id: str,
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[WorkflowBody, json_body(WorkflowBody)],
) -> JsonObject:
    """Change a workflow draft; wants the ETag that was read as If-Match."""
    stored = workflows.replace_workflow(hub, principal, workflow_id, body.document, revision_of(request))
    response.headers["ETag"] = f'"{stored.revision}"'
    return workflow_json(stored)


@route(router, "DELETE", "/api/workflows/{workflow_id}", permission="workflow:write", status=204)
def delete_workflow(workflow_id: str, request: Request, hub: HubDep, principal: PrincipalDep) -> None:
    """Delete a workflow, with If-Match only as it was read. Executions that run go on."""
    revision = revision_of(request) if "if-match" in request.headers else None
    workflows.delete_workflow(hub, principal, workflow_id, revision)
