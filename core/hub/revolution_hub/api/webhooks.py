"""/api/workflows/{id}/webhook: a workflow's own address, and what senders prove themselves with."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, route
from revolution_hub.api.webhook_views import rotated_json, webhook_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.errors import InputError, Problem
from revolution_hub.model.durations import duration_s
from revolution_hub.services import webhooks
from revolution_hub.services.signing import LEAST_CHARACTERS, MOST_CHARACTERS
from revolution_hub.services.webhooks import DEFAULT_OVERLAP_S, LONGEST_OVERLAP_S, Rotation
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["workflows"])


class RotateBody(Model):
    """What is made anew, and how long what was there before goes on working."""

    what: list[Literal["secret", "address", "token"]] = Field(
        default=["secret"], min_length=1, max_length=3, description="secret, address or token"
    )
    secret: str | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_CHARACTERS,
        description="the secret the provider has made; without it the hub makes one",
    )
    token: str | None = Field(
        default=None,
        min_length=LEAST_CHARACTERS,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="the verify token; without it the hub makes one",
    )
    overlap: str | int | float | None = Field(
        default=None, description="a duration such as 24h, the default; 0 ends at once what was there"
    )
    of: Literal["published", "draft"] | None = Field(
        default=None, description="whose trigger the secret is for; by default the published version's"
    )


@route(router, "GET", "/api/workflows/{workflow_id}/webhook", permission="workflow:read", shared=True)
def get_webhook(workflow_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Show a workflow's address, how senders prove themselves, and what still works beside it."""
    return webhook_json(webhooks.get_webhook(hub, principal, workflow_id), hub.settings.public())


@route(
    router,
    "POST",
    "/api/workflows/{workflow_id}/webhook/rotate",
    permission="workflow:publish",
    body=RotateBody,
)
def rotate_webhook(
    workflow_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[RotateBody, json_body(RotateBody)],
) -> JsonObject:
    """Make a new secret, address or verify token. A secret the hub makes comes back this once."""
    rotation = Rotation(
        what=frozenset(body.what),
        secret=body.secret,
        token=body.token,
        overlap_s=_overlap_s(body.overlap),
        of=body.of,
    )
    rotated = webhooks.rotate_webhook(hub, principal, workflow_id, rotation)
    return rotated_json(rotated, hub.settings.public())


def _overlap_s(value: str | int | float | None) -> float:
    if value is None:
        return DEFAULT_OVERLAP_S
    try:
        found = duration_s(value)
    except ValueError as error:
        raise _refused(str(error)) from error
    if not 0 <= found <= LONGEST_OVERLAP_S:
        raise _refused("a duration from 0 to 30 days is needed here")
    return found


def _refused(message: str) -> InputError:
    return InputError("the body is not valid", [Problem(path="overlap", message=message)])
