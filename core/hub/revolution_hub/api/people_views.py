"""What people, sessions and invitations look like going out. No hash and no token but new ones, once."""

from revolution_hub.api.browser import csrf_token
from revolution_hub.model.person import (
    Identity,
    Invitation,
    Member,
    Membership,
    ServicePrincipal,
    Session,
    User,
)
from revolution_hub.model.principal import Principal
from revolution_hub.model.time import rfc3339
from revolution_hub.services.invitations import NewInvitation
from revolution_hub.services.new_passwords import NewReset
from revolution_hub.services.sessions import Visit
from revolution_sdk.types import JsonObject


def member_json(member: Member) -> JsonObject:
    """A member of the tenant."""
    return {
        "id": member.user.id,
        "email": member.user.email,
        "name": member.user.name,
        "role": member.membership.role,
        "disabled": member.user.disabled_at is not None,
        "added_by": member.membership.added_by,
        "created_at": rfc3339(member.membership.created_at),
    }


def user_json(user: User) -> JsonObject:
    """A user of the installation; whether there is a password, never what of it is kept."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "has_password": user.password_hash is not None,
        "disabled_at": rfc3339(user.disabled_at) if user.disabled_at else None,
        "created_at": rfc3339(user.created_at),
    }


def tenant_json(membership: Membership, name: str) -> JsonObject:
    """A tenant as one of its members sees it."""
    return {"id": membership.tenant_id, "name": name, "role": membership.role}


def invitation_json(invitation: Invitation) -> JsonObject:
    """An invitation; what leads in is not kept and never comes out again."""
    return {
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "created_by": invitation.created_by,
        "created_at": rfc3339(invitation.created_at),
        "expires_at": rfc3339(invitation.expires_at),
        "accepted_at": rfc3339(invitation.accepted_at) if invitation.accepted_at else None,
        "accepted_by": invitation.accepted_by,
        "revoked_at": rfc3339(invitation.revoked_at) if invitation.revoked_at else None,
    }


def new_invitation_json(made: NewInvitation) -> JsonObject:
    """An invitation that was just made, with the token that leads in."""
    return {**invitation_json(made.stored), "token": made.token}


def new_reset_json(made: NewReset) -> JsonObject:
    """A link for a new password that was just made, with its token."""
    return {
        "user_id": made.stored.user_id,
        "token": made.token,
        "expires_at": rfc3339(made.stored.expires_at),
    }


def session_json(session: Session, present: str) -> JsonObject:
    """One of a user's own sessions; `current` is the one that asks."""
    return {
        "id": session.id,
        "current": session.id == present,
        "tenant_id": session.active_tenant_id,
        "way": session.way,
        "address": session.address,
        "agent": session.agent,
        "created_at": rfc3339(session.created_at),
        "seen_at": rfc3339(session.seen_at),
        "expires_at": rfc3339(session.expires_at),
    }


def visit_json(visit: Visit, tenants: list[tuple[Membership, str]]) -> JsonObject:
    """Who is signed in, where that acts, and the token that changes have to come with."""
    return {
        "user": user_json(visit.user),
        "session": session_json(visit.session, visit.session.id),
        "tenants": [tenant_json(one, name) for one, name in tenants],
        "csrf_token": csrf_token(visit.token),
    }


def principal_json(principal: Principal) -> JsonObject:
    """Who asks, and what that may do at this moment."""
    return {
        "id": principal.id,
        "kind": str(principal.kind),
        "name": principal.name,
        "tenant_id": principal.tenant_id,
        "role": principal.role,
        "permissions": sorted(principal.permissions or principal.on_workflows),
        "workflows": None if principal.workflows is None else sorted(principal.workflows),
    }


def identity_json(identity: Identity) -> JsonObject:
    """What a provider calls a user."""
    return {
        "id": identity.id,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "created_at": rfc3339(identity.created_at),
    }


def service_json(service: ServicePrincipal) -> JsonObject:
    """A service principal."""
    return {
        "id": service.id,
        "name": service.name,
        "role": service.role,
        "created_by": service.created_by,
        "created_at": rfc3339(service.created_at),
    }
