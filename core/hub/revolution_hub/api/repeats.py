"""/api/workflow-executions/…: going on from a failed step, and repeating, one by one or many at once."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, once_of, route
from revolution_hub.api.execution_views import execution_json, outcomes_json
from revolution_hub.api.filters import SelectionBody, selection_of
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import replays, retries
from revolution_hub.services.replays import Wish
from revolution_sdk.types import Json, JsonObject

router = APIRouter(tags=["executions"])

Number = Annotated[int, Field(ge=1, le=999_999_999)]
Version = Number | Literal["same", "published", "draft"]
_VERSION = "the number of a version, same, published or draft"
_FROM = "what is before this step is taken over; without one everything is done anew"


class RetryBody(Model):
    """How an execution goes on."""

    input: JsonObject | None = Field(default=None, description="in place of the failed action's input")


class ReplayBody(Model):
    """How an execution is repeated."""

    from_step: str | None = Field(default=None, max_length=200, description=_FROM)
    version: Version = Field(default="same", description=_VERSION)
    data: Json = Field(default=None, description="in place of the trigger's data")
    inputs: dict[str, JsonObject] = Field(
        default_factory=dict, max_length=10, description="the input of the action at from_step, by its id"
    )


class ReplaysBody(SelectionBody):
    """Which executions are repeated, and how."""

    from_step: str | None = Field(default=None, max_length=200, description=_FROM)
    version: Version = Field(default="same", description=_VERSION)


@route(
    router,
    "POST",
    "/api/workflow-executions/retry",
    permission="execution:start",
    shared=True,
    body=SelectionBody,
)
def retry_executions(
    hub: HubDep, principal: PrincipalDep, body: Annotated[SelectionBody, json_body(SelectionBody)]
) -> JsonObject:
    """Let up to 500 executions go on from the step at which each failed; each has its own outcome."""
    return outcomes_json(retries.retry_executions(hub, principal, selection_of(body)), "status")


@route(
    router,
    "POST",
    "/api/workflow-executions/replay",
    permission="execution:start",
    shared=True,
    body=ReplaysBody,
)
def replay_executions(
    request: Request,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ReplaysBody, json_body(ReplaysBody)],
) -> JsonObject:
    """Repeat up to 500 executions; each has its own outcome. The same Idempotency-Key repeats none twice."""
    wish = Wish(from_step=body.from_step, version=body.version)
    made = replays.replay_executions(hub, principal, selection_of(body), wish, once_of(request))
    return outcomes_json(made, "execution_id")


@route(
    router,
    "POST",
    "/api/workflow-executions/{execution_id}/retry",
    permission="execution:start",
    shared=True,
    body=RetryBody,
)
def retry_execution(
    execution_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[RetryBody, json_body(RetryBody)],
) -> JsonObject:
    """Let an execution that has failed go on from the step that failed, under the same idempotency keys."""
    return execution_json(retries.retry_execution(hub, principal, execution_id, body.input))


@route(
    router,
    "POST",
    "/api/workflow-executions/{execution_id}/replay",
    permission="execution:start",
    shared=True,
    status=201,
    body=ReplayBody,
)
def replay_execution(
    execution_id: str,
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ReplayBody, json_body(ReplayBody)],
) -> JsonObject:
    """Repeat an execution as a new one. What is done anew has its effects once more."""
    wish = Wish(
        from_step=body.from_step,
        version=body.version,
        data=(body.data,) if "data" in body.model_fields_set else None,
        inputs=dict(body.inputs),
    )
    made, new = replays.replay_execution(hub, principal, execution_id, wish, once_of(request))
    if not new:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/api/workflow-executions/{made}"
    return {"execution_id": made}
