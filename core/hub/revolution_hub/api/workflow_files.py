"""Workflows as files: /api/workflows/{id}/export, /api/workflows/import, /api/workflows/check."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Response as Answer
from fastapi.responses import Response
from pydantic import Field

from revolution_hub.api.doors import Model, file_body, json_body, once_of, route
from revolution_hub.api.lifecycle_views import imported_json, looked_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import workflow_files
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["workflows"])


class CheckBody(Model):
    """Documents that are to be kept and published together."""

    documents: list[JsonObject] = Field(max_length=500, description="the definitions")
    publish: bool = Field(
        default=True, description="whether each is published before those that start it are kept"
    )


@route(router, "GET", "/api/workflows/{workflow_id}/export", permission="workflow:read", shared=True)
def export_workflow(
    workflow_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    version: Annotated[
        str, Query(max_length=20, description="the number of a version, draft or published")
    ] = "draft",
) -> Response:
    """Read a workflow's document as YAML."""
    text = workflow_files.export_workflow(hub, principal, workflow_id, version)
    return Response(text, media_type="application/yaml")


@route(router, "POST", "/api/workflows/import", permission="workflow:write", status=201)
def import_workflow(
    request: Request,
    response: Answer,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[tuple[bytes, bool], file_body()],
    replace: Annotated[
        bool, Query(description="replace the draft of the same name, if there is one")
    ] = False,
) -> JsonObject:
    """Keep a YAML or JSON file as a draft. What is wrong in YAML comes back with line and column."""
    raw, is_yaml = body
    imported = workflow_files.import_workflow(
        hub, principal, raw, is_yaml=is_yaml, replacing=replace, once=once_of(request)
    )
    response.status_code = 201 if imported.outcome == "created" else 200
    response.headers["ETag"] = f'"{imported.workflow.revision}"'
    response.headers["Location"] = f"/api/workflows/{imported.workflow.id}"
    return imported_json(imported)


@route(router, "POST", "/api/workflows/check", permission="workflow:write", body=CheckBody)
def check_documents(
    hub: HubDep, principal: PrincipalDep, body: Annotated[CheckBody, json_body(CheckBody)]
) -> JsonObject:
    """Tell what is wrong with documents that are to be kept and published together. Nothing is kept."""
    looked = workflow_files.check_documents(hub, principal, body.documents, publish=body.publish)
    return {"items": [looked_json(one) for one in looked]}
