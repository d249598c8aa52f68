"""/api/invitations: how people come into a tenant."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, once_of, public_route, route
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.people_views import invitation_json, new_invitation_json
from revolution_hub.api.session import LONG, signed_in
from revolution_hub.api.visits import PasswordsDep, agent_of, anybody, origin_of
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.model.person import LONGEST_EMAIL, LONGEST_NAME
from revolution_hub.services import invitations
from revolution_hub.services.invitations import Newcomer
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["people"])


class InvitationBody(Model):
    """Who is invited, and as what."""

    email: str = Field(min_length=3, max_length=LONGEST_EMAIL, description="whose invitation it is")
    role: str = Field(min_length=1, max_length=40, description="a role that may do nothing you may not")


class NewcomerBody(Model):
    """A new user who accepts an invitation."""

    token: str = Field(min_length=1, max_length=200, description="what the invitation's link holds")
    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="what others call you")
    password: str = Field(max_length=LONG, description="by which you sign in from now on")
    email: str | None = Field(
        default=None, max_length=LONGEST_EMAIL, description="needed where the invitation names none"
    )


@route(router, "GET", "/api/invitations", permission="member:write")
def list_invitations(hub: HubDep, principal: PrincipalDep, page: PageDep) -> JsonObject:
    """List the tenant's invitations, used and revoked ones included."""
    found, last = invitations.list_invitations(hub, principal, page)
    return page_json([invitation_json(one) for one in found], last)


@route(router, "POST", "/api/invitations", permission="member:write", status=201, body=InvitationBody)
def invite(
    request: Request,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[InvitationBody, json_body(InvitationBody)],
) -> JsonObject:
    """Invite somebody. The token is shown this once; it is good once, for seven days."""
    made = invitations.invite(hub, principal, body.email, body.role, once_of(request))
    return new_invitation_json(made)


@route(router, "DELETE", "/api/invitations/{invitation_id}", permission="member:write", status=204)
def revoke_invitation(invitation_id: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Let an invitation lead nowhere from now on."""
    invitations.revoke_invitation(hub, principal, invitation_id)


@public_route(
    router,
    "POST",
    "/api/invitations/accept",
    why="an unguessable token made for one e-mail address, good once",
    status=201,
)
def accept_as_new(
    request: Request,
    response: Response,
    hub: HubDep,
    passwords: PasswordsDep,
    body: Annotated[NewcomerBody, json_body(NewcomerBody, behind=anybody)],
) -> JsonObject:
    """Become a user and a member, and be signed in. Who is a user already signs in first."""
    newcomer = Newcomer(name=body.name, password=body.password, email=body.email)
    visit = invitations.accept_as_new(
        hub, passwords, body.token, newcomer, origin_of(request, hub), agent_of(request)
    )
    return signed_in(response, hub, visit)
