"""Invitations: how people come into a tenant. What leads in is shown once, to whoever made it."""

from dataclasses import dataclass
from datetime import timedelta

from revolution_hub.access.rbac import require
from revolution_hub.access.roles import require_may_give
from revolution_hub.access.tokens import INVITATION, hash_token, mint_token
from revolution_hub.errors import AccessError, ConflictError, InputError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_id
from revolution_hub.model.person import Invitation, User, clean_email
from revolution_hub.model.principal import Origin, Principal
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.services.joining import join, open_invitation
from revolution_hub.services.sessions import Visit, new_session, rotated, start_in
from revolution_hub.store import audit, invitations, users
from revolution_hub.store.paging import Page
from revolution_hub.vault.passwords import Passwords

GOOD_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """An invitation that was just made, and the token that leads in; repeated requests get none."""

    stored: Invitation
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """What somebody says who accepts an invitation as a new user. An invitation may settle the address."""

    name: str
    password: str
    email: str | None = None


def invite(hub: Hub, principal: Principal, email: str, role: str, once: Once | None = None) -> NewInvitation:
    """Invite the owner of an e-mail address; an earlier invitation of the same one is revoked."""
    require(principal, "member:write")
    address = _address(email)
    token, now = mint_token(INVITATION), hub.now()
    made = Invitation(
        id=new_id("inv"),
        tenant_id=principal.tenant_id,
        link_hash=hash_token(token),
        role=role,
        email=address,
        created_by=principal.id,
        created_at=now,
        expires_at=now + GOOD_FOR,
    )
    with hub.store.begin(principal.tenant_id) as tx:
        first = first_made(tx, principal, once)
        if first is not None:
            return NewInvitation(stored=invitations.get(tx, first), token=None)
        require_may_give(tx, principal, role)
        remember(tx, principal, once, made.id, now)
        invitations.add(tx, made)
        after = {"email": address, "role": role}
        audit.append(tx, entry_of(principal, "invitation.create", made.id, now, after=after))
    return NewInvitation(stored=made, token=token)


def list_invitations(hub: Hub, principal: Principal, page: Page) -> tuple[list[Invitation], str | None]:
    """Return one page of the tenant's invitations, and the cursor for the next."""
    require(principal, "member:write")
    with hub.store.read(principal.tenant_id) as tx:
        return invitations.list_page(tx, page)


def revoke_invitation(hub: Hub, principal: Principal, invitation_id: str) -> None:
    """Let an invitation lead nowhere from now on."""
    require(principal, "member:write")
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        invitations.get(tx, invitation_id)
        if invitations.revoke(tx, invitation_id, now):
            audit.append(tx, entry_of(principal, "invitation.revoke", invitation_id, now))


def accept_as_new(
    hub: Hub, passwords: Passwords, token: str, newcomer: Newcomer, origin: Origin, agent: str
) -> Visit:
    """Become a user and a member, and be signed in. Who is a user already is asked to sign in first."""
    invitation = open_invitation(hub, hash_token(token))
    email = _address_for(invitation, newcomer.email)
    password_hash = passwords.hash_new(newcomer.password, email=email)
    now = hub.now()
    user = User(
        id=new_id("usr"),
        email=email,
        name=newcomer.name,
        created_at=now,
        password_hash=password_hash,
        password_at=now,
    )
    session_token, session = new_session(hub, user, "password", origin, agent)
    with hub.store.begin(invitation.tenant_id) as tx:
        require_new(users.add_user(tx, user))
        join(hub, tx, invitation, user, origin)
        return start_in(tx, hub, session_token, session, user, origin)


def accept_signed_in(hub: Hub, visit: Visit, token: str) -> Visit:
    """Become a member as the user who is signed in; the session acts in the new tenant then."""
    invitation = open_invitation(hub, hash_token(token))
    if invitation.email is not None and invitation.email != visit.user.email:
        raise AccessError("the invitation is for another e-mail address", code="other_email")
    with hub.store.begin(invitation.tenant_id) as tx:
        membership = join(hub, tx, invitation, visit.user, visit.origin)
        return rotated(tx, visit, membership)


def require_new(is_new: bool) -> None:
    """Raise ConflictError `sign_in_first` unless nobody had the e-mail address."""
    if not is_new:
        told = "there is a user with this e-mail address: sign in first, and accept the invitation then"
        raise ConflictError(told, code="sign_in_first")


def _address_for(invitation: Invitation, given: str | None) -> str:
    if invitation.email is None:
        return _address(given or "")
    if given is not None and _address(given) != invitation.email:
        raise AccessError("the invitation is for another e-mail address", code="other_email")
    return invitation.email


def _address(email: str) -> str:
    try:
        return clean_email(email)
    except ValueError as error:
        raise InputError("there is no such address", [Problem(path="email", message=str(error))]) from error
