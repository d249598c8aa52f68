"""/api/workflows: drafts, publishing, starting by hand."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from revolution_hub.api.doors import (
    HubDep,
    Model,
    PrincipalDep,
    idempotency_key,
    json_body,
    once_of,
    revision_of,
    route,
)
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.views import published_json, workflow_json
from revolution_hub.services import workflows
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["workflows"])


class WorkflowBody(Model):
    """A workflow definition under `document`."""

    document: JsonObject = Field(description="the definition, as on disk in YAML")


class ExecuteBody(Model):
    """What a manual start hands to the workflow; templates read it as `inputs` and `trigger.data`."""

    data: JsonObject = Field(default_factory=dict, description="input of the execution")


@route(router, "GET", "/api/workflows", permission="workflow:read")
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


@route(router, "GET", "/api/workflows/{workflow_id}", permission="workflow:read")
def get_workflow(workflow_id: str, response: Response, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read a workflow draft; its ETag is needed for changing it."""
    stored = workflows.get_workflow(hub, principal, workflow_id)
    response.headers["ETag"] = f'"{stored.revision}"'
    return workflow_json(stored)


@route(router, "PUT", "/api/workflows/{workflow_id}", permission="workflow:write", body=WorkflowBody)
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
def delete_workflow(workflow_id: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Delete a workflow. Executions that run go on."""
    workflows.delete_workflow(hub, principal, workflow_id)


@route(router, "POST", "/api/workflows/{workflow_id}/publish", permission="workflow:publish")
def publish_workflow(workflow_id: str, request: Request, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Publish the draft as the next version. A webhook's address and, once, its signing secret come back."""
    published = workflows.publish_workflow(hub, principal, workflow_id, once_of(request))
    return published_json(published, hub.settings.public())


@route(
    router,
    "POST",
    "/api/workflows/{workflow_id}/execute",
    permission="execution:start",
    status=202,
    body=ExecuteBody,
)
def execute_workflow(
    workflow_id: str,
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ExecuteBody, json_body(ExecuteBody)],
) -> JsonObject:
    """Start the published version. The same Idempotency-Key starts it once."""
    key = idempotency_key(request)
    execution_id, new = workflows.execute_workflow(hub, principal, workflow_id, body.data, key)
    if not new:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/api/workflow-executions/{execution_id}"
    return {"execution_id": execution_id}
