"""/api/members and /api/users: the people of a tenant, and of the installation."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, route
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.people_views import member_json, new_reset_json, user_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import members, new_passwords, users
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["people"])
MEMBER = "/api/members/{user_id}"
USER = "/api/users/{user_id}"


class RoleBody(Model):
    """What a member is from now on."""

    role: str = Field(min_length=1, max_length=40, description="a role that may do nothing you may not")


@route(router, "GET", "/api/members", permission="member:read")
def list_members(hub: HubDep, principal: PrincipalDep, page: PageDep) -> JsonObject:
    """List the tenant's members."""
    found, last = members.list_members(hub, principal, page)
    return page_json([member_json(one) for one in found], last)


@route(router, "GET", MEMBER, permission="member:read")
def get_member(user_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read a member."""
    return member_json(members.get_member(hub, principal, user_id))


@route(router, "PUT", MEMBER, permission="member:write", body=RoleBody)
def change_role(
    user_id: str, hub: HubDep, principal: PrincipalDep, body: Annotated[RoleBody, json_body(RoleBody)]
) -> JsonObject:
    """Give a member another role. Its sessions in this tenant end; its keys follow at once."""
    return member_json(members.change_role(hub, principal, user_id, body.role))


@route(router, "DELETE", MEMBER, permission="member:write", status=204)
def remove_member(user_id: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Let a user be no member any more, with its sessions, keys and invitations in this tenant."""
    members.remove_member(hub, principal, user_id)


@route(router, "POST", MEMBER + "/reset", permission="member:write", status=201)
def make_reset(user_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Make a link for a new password. It is shown this once; it is good once, for an hour."""
    return new_reset_json(new_passwords.make_reset(hub, principal, user_id))


@route(router, "GET", "/api/users", permission="user:manage")
def list_users(hub: HubDep, principal: PrincipalDep, page: PageDep) -> JsonObject:
    """List every user of the installation."""
    found, last = users.list_users(hub, principal, page)
    return page_json([user_json(one) for one in found], last)


@route(router, "GET", USER, permission="user:manage")
def get_user(user_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read a user."""
    return user_json(users.get_user(hub, principal, user_id))


@route(router, "POST", USER + "/disable", permission="user:manage")
def disable_user(user_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Let a user in nowhere: sessions end and keys stop working at once."""
    return user_json(users.disable_user(hub, principal, user_id))


@route(router, "POST", USER + "/enable", permission="user:manage")
def enable_user(user_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Let a disabled user in again."""
    return user_json(users.enable_user(hub, principal, user_id))


@route(router, "POST", USER + "/reset", permission="user:manage", status=201)
def make_reset_for_user(user_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Make a link for a new password of any user, as for a member."""
    return new_reset_json(new_passwords.make_reset_for_user(hub, principal, user_id))
