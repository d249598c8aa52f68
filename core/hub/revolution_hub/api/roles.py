"""/api/roles: what principals may; roles that come with the hub, and the tenant's own."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from revolution_hub.access.rbac import PERMISSIONS
from revolution_hub.api.doors import Model, json_body, once_of, revision_of, route
from revolution_hub.api.pages import NamedPageDep, page_json
from revolution_hub.api.views import role_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import roles
from revolution_hub.services.roles import Role
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["roles"])

_PERMISSIONS = Field(
    max_length=len(PERMISSIONS), description="names of permissions; none is a role like guest"
)
_DESCRIPTION = Field(default="", max_length=400, description="what the role is for")


class NewRoleBody(Model):
    """A new role of the tenant's own."""

    name: str = Field(min_length=1, max_length=32, description="lower case, digits, - and _; it stays")
    description: str = _DESCRIPTION
    permissions: list[str] = _PERMISSIONS


class RoleBody(Model):
    """A role as it should be from now on; its name stays."""

    description: str = _DESCRIPTION
    permissions: list[str] = _PERMISSIONS


@route(router, "GET", "/api/roles", permission="role:read")
def list_roles(hub: HubDep, principal: PrincipalDep, page: NamedPageDep) -> JsonObject:
    """List the tenant's own roles; on the first page also those that come with the hub."""
    found, last = roles.list_roles(hub, principal, page)
    return page_json([role_json(one) for one in found], last)


@route(router, "POST", "/api/roles", permission="role:write", status=201, body=NewRoleBody)
def create_role(
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[NewRoleBody, json_body(NewRoleBody)],
) -> JsonObject:
    """Make a role of permissions the principal has itself."""
    made = roles.create_role(hub, principal, body.name, body.description, body.permissions, once_of(request))
    response.headers["Location"] = f"/api/roles/{made.name}"
    return _answered(response, made)


@route(router, "GET", "/api/roles/{role}", permission="role:read")
def get_role(role: str, response: Response, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read a role: what it allows."""
    return _answered(response, roles.get_role(hub, principal, role))


@route(router, "PUT", "/api/roles/{role}", permission="role:write", body=RoleBody)
def replace_role(
    role: str,
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[RoleBody, json_body(RoleBody)],
) -> JsonObject:
    """Change what a role allows. It counts from the next request of everybody who has it."""
    revision = revision_of(request)
    changed = roles.replace_role(hub, principal, role, body.description, body.permissions, revision=revision)
    return _answered(response, changed)


@route(router, "DELETE", "/api/roles/{role}", permission="role:write", status=204)
def delete_role(role: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Delete a role nobody has, with what is shared with it."""
    roles.delete_role(hub, principal, role)


def _answered(response: Response, role: Role) -> JsonObject:
    if not role.built_in:
        response.headers["ETag"] = f'"{role.revision}"'
    return role_json(role)
