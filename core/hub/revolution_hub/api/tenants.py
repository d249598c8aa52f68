"""/api/tenants: tenants of the installation."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from revolution_hub.api.doors import HubDep, Model, PrincipalDep, json_body, once_of, route
from revolution_hub.services import tenants
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["tenants"])


class TenantBody(Model):
    """A new tenant."""

    name: str = Field(min_length=1, max_length=200, description="what people call the team")


@route(router, "POST", "/api/tenants", permission="tenant:create", status=201, body=TenantBody)
def create_tenant(
    request: Request,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[TenantBody, json_body(TenantBody)],
) -> JsonObject:
    """Create a tenant. Its owner's API key is shown this once."""
    made = tenants.create_tenant(hub, principal, body.name, once_of(request))
    return {"id": made.id, "name": made.name, "api_key": made.api_key}
