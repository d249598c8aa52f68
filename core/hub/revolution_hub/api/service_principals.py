"""/api/service-principals: named principals that are nobody's, for what works without a person."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, once_of, route
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.people_views import service_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.model.person import LONGEST_NAME
from revolution_hub.services import service_principals
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["keys"])
SERVICES = "/api/service-principals"
SERVICE = SERVICES + "/{service_id}"


class ServiceBody(Model):
    """A new service principal."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="what it is: deployment, robot …")
    role: str = Field(min_length=1, max_length=40, description="a role that may do nothing you may not")


class ServiceChange(Model):
    """What is different about a service principal from now on."""

    name: str | None = Field(default=None, min_length=1, max_length=LONGEST_NAME, description="another name")
    role: str | None = Field(default=None, min_length=1, max_length=40, description="another role")


@route(router, "GET", SERVICES, permission="service:write")
def list_services(hub: HubDep, principal: PrincipalDep, page: PageDep) -> JsonObject:
    """List the tenant's service principals."""
    found, last = service_principals.list_services(hub, principal, page)
    return page_json([service_json(one) for one in found], last)


@route(router, "POST", SERVICES, permission="service:write", status=201, body=ServiceBody)
def create_service(
    request: Request,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ServiceBody, json_body(ServiceBody)],
) -> JsonObject:
    """Make a service principal. Its keys are made at /api/keys."""
    return service_json(
        service_principals.create_service(hub, principal, body.name, body.role, once_of(request))
    )


@route(router, "GET", SERVICE, permission="service:write")
def get_service(service_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read a service principal."""
    return service_json(service_principals.get_service(hub, principal, service_id))


@route(router, "PATCH", SERVICE, permission="service:write", body=ServiceChange)
def change_service(
    service_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ServiceChange, json_body(ServiceChange)],
) -> JsonObject:
    """Rename a service principal, or give it another role; its keys follow at once."""
    changed = service_principals.change_service(hub, principal, service_id, name=body.name, role=body.role)
    return service_json(changed)


@route(router, "DELETE", SERVICE, permission="service:write", status=204)
def remove_service(service_id: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Remove a service principal; its keys speak for nobody from this moment on."""
    service_principals.remove_service(hub, principal, service_id)
