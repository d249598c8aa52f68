"""/api/workflows/{id}/execute: starting by hand, and trying a draft with results pinned."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from revolution_hub.api.doors import Model, idempotency_key, json_body, route
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import starts
from revolution_hub.services.pins import Wanted
from revolution_hub.services.starts import Trial
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["workflows"])


class ExecuteBody(Model):
    """What a manual start hands to the workflow; templates read it as `inputs` and `trigger.data`."""

    data: JsonObject = Field(default_factory=dict, description="input of the execution")
    draft: bool = Field(default=False, description="run the draft instead of the published version")
    pins: JsonObject | None = Field(default=None, description="results by step id that stand for calls")
    pins_from: str | None = Field(
        default=None, max_length=40, description="pin the results of this execution"
    )
    pin_steps: list[str] | None = Field(
        default=None, max_length=2_000, description="only those of these steps; by default of all"
    )


@route(
    router,
    "POST",
    "/api/workflows/{workflow_id}/execute",
    permission="execution:start",
    shared=True,
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
    """Start the published version, or test the draft. The same Idempotency-Key starts it once."""
    wanted = Wanted(pins=body.pins, execution_id=body.pins_from, step_ids=body.pin_steps)
    execution_id, new = starts.execute_workflow(
        hub,
        principal,
        workflow_id,
        body.data,
        idempotency_key(request),
        Trial(draft=body.draft, wanted=wanted),
    )
    if not new:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/api/workflow-executions/{execution_id}"
    return {"execution_id": execution_id}
