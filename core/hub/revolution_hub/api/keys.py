"""/api/keys: the tenant's API keys, each a principal of its own."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from revolution_hub.api.doors import HubDep, Model, PrincipalDep, json_body, once_of, route
from revolution_hub.api.lifecycle_views import key_json, new_key_json
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.services import keys
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["keys"])


class KeyBody(Model):
    """A new API key."""

    name: str = Field(min_length=1, max_length=200, description="who or what will use it")
    role: str = Field(min_length=1, max_length=40, description="owner, viewer or guest")


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
    return new_key_json(keys.create_key(hub, principal, body.name, body.role, once_of(request)))


@route(router, "DELETE", "/api/keys/{key_id}", permission="key:write", status=204)
def revoke_key(key_id: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Revoke an API key at once and for good."""
    keys.revoke_key(hub, principal, key_id)
