"""/api/workflows/{id}/dry-run: what would be done, without doing it."""

from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, route
from revolution_hub.api.lifecycle_views import dry_run_json
from revolution_hub.api.versions import HIGHEST
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.model.strict_json import dump_json
from revolution_hub.services import dry_run
from revolution_hub.services.dry_run import Rehearsal
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["workflows"])


class DryRunBody(Model):
    """What a workflow is tried on."""

    data: JsonObject = Field(default_factory=dict, description="what a manual start would hand in")
    version: Annotated[int, Field(ge=1, le=HIGHEST)] | Literal["draft", "published"] = Field(
        default="draft", description="the number of a version, draft or published"
    )
    pins: JsonObject | None = Field(default=None, description="results by step id that stand for calls")
    from_execution: str | None = Field(
        default=None, max_length=40, description="what calls gave in this execution stands for them, too"
    )


@route(
    router,
    "POST",
    "/api/workflows/{workflow_id}/dry-run",
    permission="workflow:read",
    shared=True,
    body=DryRunBody,
)
def try_workflow(
    workflow_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[DryRunBody, json_body(DryRunBody)],
) -> Response:
    """Walk through a workflow and show what each step would be given. Nothing is called and nothing kept."""
    wanted = Rehearsal(
        data=body.data, which=str(body.version), pins=body.pins, execution_id=body.from_execution
    )
    made = dry_run.dry_run(hub, principal, workflow_id, wanted)
    # Written here, in the request's own thread: a large result would keep the framework from the others.
    return Response(dump_json(dry_run_json(made)), media_type="application/json")
