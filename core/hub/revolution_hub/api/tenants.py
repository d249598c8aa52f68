"""/api/tenants: tenants of the installation, and the one a request is in."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, once_of, route
from revolution_hub.api.pages import page_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import tenants
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["tenants"])


class TenantBody(Model):
    """A new tenant, or a new name for one."""

    name: str = Field(min_length=1, max_length=200, description="what people call the team")


@route(router, "GET", "/api/tenants", permission="tenant:read")
def list_tenants(hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """List where a user is a member; of an API key it is the one tenant it is for."""
    found = tenants.list_tenants(hub, principal)
    return page_json([{"id": one.id, "name": one.name, "role": one.role} for one in found], None)


@route(router, "POST", "/api/tenants", permission="tenant:create", status=201, body=TenantBody)
def create_tenant(
    request: Request,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[TenantBody, json_body(TenantBody)],
) -> JsonObject:
    """Create a tenant. Its owner's API key is shown this once; a user who creates one is its owner."""
    made = tenants.create_tenant(hub, principal, body.name, once_of(request))
    return {"id": made.id, "name": made.name, "api_key": made.api_key}


@route(router, "PATCH", "/api/tenants/{tenant_id}", permission="tenant:write", body=TenantBody)
def rename_tenant(
    tenant_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[TenantBody, json_body(TenantBody)],
) -> JsonObject:
    """Give the tenant the request is in another name; there is no other here."""
    renamed = tenants.rename_tenant(hub, principal, tenant_id, body.name)
    return {"id": renamed.id, "name": renamed.name, "role": renamed.role}
