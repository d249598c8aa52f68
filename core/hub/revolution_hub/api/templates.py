"""/api/templates: trying a template out before it is part of a workflow."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, route
from revolution_hub.api.views import preview_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.model.strict_json import dump_json
from revolution_hub.services import templates
from revolution_sdk.types import Json, JsonObject

router = APIRouter(tags=["templates"])


class PreviewBody(Model):
    """A template, and what it is to be tried on: an execution, data given by hand, or both."""

    template: Json = Field(description="a text, or any JSON with templates in its texts")
    execution_id: str | None = Field(default=None, description="render with what this execution recorded")
    step_id: str | None = Field(default=None, description="only with what this step of it saw")
    data: JsonObject | None = Field(
        default=None, description="the scope by hand; its keys replace those of the execution's"
    )


@route(router, "POST", "/api/templates/preview", permission="execution:read", body=PreviewBody)
def preview_template(
    hub: HubDep, principal: PrincipalDep, body: Annotated[PreviewBody, json_body(PreviewBody)]
) -> Response:
    """Render a template and keep nothing. What is wrong with it comes back with line and column."""
    made = templates.preview(
        hub,
        principal,
        body.template,
        execution_id=body.execution_id,
        step_id=body.step_id,
        data=body.data,
    )
    # Written here, in the request's own thread: a large result would keep the framework from the others.
    return Response(dump_json(preview_json(made)), media_type="application/json")
