"""/api/workflows/{id}/…: publishing, versions, differences."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, once_of, route
from revolution_hub.api.lifecycle_views import compared_json, version_json
from revolution_hub.api.pages import NumberedPageDep, page_json
from revolution_hub.api.views import published_json, workflow_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import versions
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["workflows"])

HIGHEST = 999_999_999
Which = Annotated[str, Query(max_length=20, description="the number of a version, draft or published")]


class RollbackBody(Model):
    """Which version is published again."""

    version: int = Field(ge=1, le=HIGHEST, description="whose document becomes the next version")
    draft: bool = Field(default=False, description="whether the draft becomes that document as well")


@route(router, "POST", "/api/workflows/{workflow_id}/publish", permission="workflow:publish")
def publish_workflow(workflow_id: str, request: Request, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Publish the draft as the next version. A webhook's address and, once, its signing secret come back.

    A draft that is published already stays the present version: `changed` is false then.
    """
    published = versions.publish_workflow(hub, principal, workflow_id, once_of(request))
    return published_json(published, hub.settings.public())


@route(
    router,
    "POST",
    "/api/workflows/{workflow_id}/rollback",
    permission="workflow:publish",
    body=RollbackBody,
)
def rollback_workflow(
    workflow_id: str,
    request: Request,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[RollbackBody, json_body(RollbackBody)],
) -> JsonObject:
    """Publish the document of an earlier version as the next version. The draft stays unless asked for."""
    published = versions.rollback_workflow(
        hub, principal, workflow_id, body.version, draft=body.draft, once=once_of(request)
    )
    return published_json(published, hub.settings.public())


@route(router, "POST", "/api/workflows/{workflow_id}/unpublish", permission="workflow:publish")
def unpublish_workflow(workflow_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Let nothing start the workflow any more. Executions that run go on, and the versions stay."""
    return workflow_json(versions.unpublish_workflow(hub, principal, workflow_id))


@route(router, "GET", "/api/workflows/{workflow_id}/versions", permission="workflow:read", shared=True)
def list_versions(
    workflow_id: str, hub: HubDep, principal: PrincipalDep, page: NumberedPageDep
) -> JsonObject:
    """List a workflow's versions: who published them, when, and which one is published."""
    workflow, found, last = versions.list_versions(hub, principal, workflow_id, page)
    return page_json([version_json(workflow, one) for one in found], last)


@route(
    router, "GET", "/api/workflows/{workflow_id}/versions/{version}", permission="workflow:read", shared=True
)
def get_version(
    workflow_id: str,
    version: Annotated[int, Path(ge=1, le=HIGHEST)],
    hub: HubDep,
    principal: PrincipalDep,
) -> JsonObject:
    """Read one version with its document."""
    workflow, found = versions.get_version(hub, principal, workflow_id, version)
    return {**version_json(workflow, found), "document": found.document}


@route(router, "GET", "/api/workflows/{workflow_id}/diff", permission="workflow:read", shared=True)
def compare_versions(
    workflow_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    before: Annotated[Which, Query(alias="from")] = versions.PUBLISHED,
    after: Annotated[Which, Query(alias="to")] = versions.DRAFT,
) -> JsonObject:
    """Tell what is different between two documents of a workflow, as a list and as a unified text."""
    return compared_json(versions.compare_versions(hub, principal, workflow_id, before, after))
