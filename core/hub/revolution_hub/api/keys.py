"""/api/keys: the tenant's API keys, each for whoever holds it and for no more than that one may."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, once_of, route
from revolution_hub.api.lifecycle_views import key_json, new_key_json
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.errors import InputError, Problem
from revolution_hub.model.time import parse_moment
from revolution_hub.services import keys
from revolution_hub.services.keys import WantedKey
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["keys"])

Id = Annotated[str, Field(min_length=1, max_length=40)]


class KeyBody(Model):
    """A new API key."""

    name: str = Field(min_length=1, max_length=200, description="who or what will use it")
    role: str = Field(
        min_length=1, max_length=40, description="one of /api/roles that may do nothing you may not"
    )
    permissions: list[Id] | None = Field(
        default=None, max_length=100, description="of the role's permissions only these"
    )
    workflows: list[Id] | None = Field(
        default=None, min_length=1, max_length=100, description="only with these workflows, and nothing else"
    )
    expires_at: str | None = Field(default=None, max_length=64, description="good until this moment")
    service_id: str | None = Field(
        default=None, min_length=1, max_length=40, description="the service principal it is for"
    )


@route(router, "GET", "/api/keys", permission="key:write")
def list_keys(hub: HubDep, principal: PrincipalDep, page: PageDep) -> JsonObject:
    """List the tenant's API keys, revoked ones included."""
    found, last = keys.list_keys(hub, principal, page)
    return page_json([key_json(one) for one in found], last)


@route(router, "POST", "/api/keys", permission="key:write", status=201, body=KeyBody)
def create_key(
    request: Request, hub: HubDep, principal: PrincipalDep, body: Annotated[KeyBody, json_body(KeyBody)]
) -> JsonObject:
    """Make an API key. It is shown this once."""
    wanted = WantedKey(
        name=body.name,
        role=body.role,
        permissions=None if body.permissions is None else tuple(body.permissions),
        workflows=None if body.workflows is None else tuple(body.workflows),
        expires_at=_moment(body.expires_at),
        service_id=body.service_id,
    )
    return new_key_json(keys.create_key(hub, principal, wanted, once_of(request)))


@route(router, "DELETE", "/api/keys/{key_id}", permission="key:write", status=204)
def revoke_key(key_id: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Revoke an API key at once and for good."""
    keys.revoke_key(hub, principal, key_id)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError as error:
        problem = Problem(path="expires_at", message=str(error), code="bad_moment")
        raise InputError("the body is not valid", [problem]) from error
