"""/api/session: signing in, who one is, acting in another tenant, and one's own sessions and password.

These routes need no permission: each is about whoever's cookie comes along, or comes before there is one.
"""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from revolution_hub.api.browser import SESSION, drop_cookie, set_cookie
from revolution_hub.api.doors import Model, json_body, public_route
from revolution_hub.api.pages import page_json
from revolution_hub.api.people_views import principal_json, session_json, visit_json
from revolution_hub.api.visits import (
    PasswordsDep,
    VisitDep,
    agent_of,
    anybody,
    count_login,
    origin_of,
    visit_of,
)
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.hub import Hub
from revolution_hub.services import invitations, members, new_passwords, sessions
from revolution_hub.services.sessions import Visit
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["session"])
OWN = "whoever's session it is, shown by its cookie; changes need the session's X-CSRF-Token"
LONG = 100_000
"""Longer texts are no passwords; those in between are refused like every wrong one."""


class LoginBody(Model):
    """Who signs in."""

    email: str = Field(max_length=LONG, description="the address of an invitation that was accepted")
    password: str = Field(max_length=LONG, description="the user's password")


class TenantChoice(Model):
    """Where a session acts."""

    tenant_id: str = Field(min_length=1, max_length=40, description="one of the session's tenants")


class PasswordBody(Model):
    """Another password."""

    present: str = Field(max_length=LONG, description="the one that counts until now")
    new: str = Field(max_length=LONG, description="the one that counts from now on")


class ResetBody(Model):
    """A new password by a link."""

    token: str = Field(min_length=1, max_length=200, description="what the link holds")
    password: str = Field(max_length=LONG, description="the one that counts from now on")


class AcceptBody(Model):
    """An invitation that is accepted by who is signed in."""

    token: str = Field(min_length=1, max_length=200, description="what the invitation's link holds")


@public_route(
    router, "POST", "/api/session", why="signing in; limited per account and client address", status=201
)
def log_in(
    request: Request,
    response: Response,
    hub: HubDep,
    passwords: PasswordsDep,
    body: Annotated[LoginBody, json_body(LoginBody, behind=anybody)],
) -> JsonObject:
    """Sign in by password. The cookie is the session; the answer has the token that changes need."""
    count_login(request, body.email)
    visit = sessions.log_in(
        hub, passwords, body.email, body.password, origin_of(request, hub), agent_of(request)
    )
    return signed_in(response, hub, visit)


@public_route(router, "GET", "/api/session", why=OWN)
def get_session(hub: HubDep, visit: VisitDep) -> JsonObject:
    """Read who is signed in, where one is a member, and the token that changes need."""
    return visit_json(visit, sessions.list_tenants_of(hub, visit))


@public_route(router, "DELETE", "/api/session", why=OWN, status=204)
def log_out(response: Response, hub: HubDep, visit: VisitDep) -> None:
    """Sign out: the session is over on the server, whoever has its cookie."""
    sessions.end_session(hub, visit, visit.session.id)
    drop_cookie(response, hub.settings, SESSION)


@public_route(router, "GET", "/api/principal", why="the API key or session that asks about itself")
def get_principal(principal: PrincipalDep) -> JsonObject:
    """Read who asks, in which tenant, and what that may do there at this moment."""
    return principal_json(principal)


@public_route(router, "PUT", "/api/session/tenant", why=OWN)
def switch_tenant(
    response: Response,
    hub: HubDep,
    visit: VisitDep,
    body: Annotated[TenantChoice, json_body(TenantChoice, behind=visit_of)],
) -> JsonObject:
    """Act in another tenant. The session goes on under another cookie and another X-CSRF-Token."""
    return signed_in(response, hub, sessions.switch_tenant(hub, visit, body.tenant_id))


@public_route(router, "DELETE", "/api/session/tenant", why=OWN)
def leave_tenant(response: Response, hub: HubDep, visit: VisitDep) -> JsonObject:
    """Leave the tenant the session acts in, for good: memberships and keys there end."""
    return signed_in(response, hub, members.leave(hub, visit))


@public_route(router, "POST", "/api/session/invitations", why=OWN, status=201)
def accept_invitation(
    response: Response,
    hub: HubDep,
    visit: VisitDep,
    body: Annotated[AcceptBody, json_body(AcceptBody, behind=visit_of)],
) -> JsonObject:
    """Accept an invitation as who one is already; the session acts in the new tenant then."""
    return signed_in(response, hub, invitations.accept_signed_in(hub, visit, body.token))


@public_route(router, "PUT", "/api/session/password", why=OWN)
def change_password(
    request: Request,
    response: Response,
    hub: HubDep,
    passwords: PasswordsDep,
    visit: VisitDep,
    body: Annotated[PasswordBody, json_body(PasswordBody, behind=visit_of)],
) -> JsonObject:
    """Set another password. Every other session ends, and this one goes on under another cookie."""
    count_login(request, visit.user.email)
    changed = new_passwords.change_password(hub, passwords, visit, body.present, body.new)
    return signed_in(response, hub, changed)


@public_route(
    router, "POST", "/api/passwords", why="an unguessable token made for one user, good once", status=204
)
def use_reset(
    request: Request,
    hub: HubDep,
    passwords: PasswordsDep,
    body: Annotated[ResetBody, json_body(ResetBody, behind=anybody)],
) -> None:
    """Set a new password by a link. Every session of the user ends; nobody is signed in by that."""
    new_passwords.use_reset(hub, passwords, body.token, body.password, origin_of(request, hub))


@public_route(router, "GET", "/api/sessions", why=OWN)
def list_sessions(hub: HubDep, visit: VisitDep) -> JsonObject:
    """List one's own sessions, the newest first."""
    found = sessions.list_sessions(hub, visit)
    return page_json([session_json(one, visit.session.id) for one in found], None)


@public_route(router, "DELETE", "/api/sessions", why=OWN, status=204)
def end_sessions(response: Response, hub: HubDep, visit: VisitDep) -> None:
    """Sign out everywhere, here included."""
    sessions.end_sessions(hub, visit)
    drop_cookie(response, hub.settings, SESSION)


@public_route(router, "DELETE", "/api/sessions/{session_id}", why=OWN, status=204)
def end_session(session_id: str, hub: HubDep, visit: VisitDep) -> None:
    """End one of one's own sessions."""
    sessions.end_session(hub, visit, session_id)


def signed_in(response: Response, hub: Hub, visit: Visit) -> JsonObject:
    """Let the browser keep the session's cookie, and tell it who that is."""
    set_cookie(response, hub.settings, SESSION, visit.token, hub.settings.session_s)
    return visit_json(visit, sessions.list_tenants_of(hub, visit))
