"""new_passwords: changing one's own, and links for those who have forgotten theirs."""

from dataclasses import dataclass
from datetime import timedelta

from revolution_hub.access.rbac import require
from revolution_hub.access.roles import require_over
from revolution_hub.access.tokens import RESET, hash_token, mint_token
from revolution_hub.errors import AccessError, ConflictError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_id
from revolution_hub.model.person import Reset
from revolution_hub.model.principal import Kind, Origin, Principal
from revolution_hub.services.joining import gone
from revolution_hub.services.sessions import Visit, login_failed, note, rotated, writing_for
from revolution_hub.store import across, audit, people, sessions, users
from revolution_hub.store.refusals import Refusals
from revolution_hub.store.tx import Tx
from revolution_hub.vault.passwords import Passwords

GOOD_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReset:
    """A link for a new password that was just made, and the token it holds."""

    stored: Reset
    token: str


def change_password(hub: Hub, passwords: Passwords, visit: Visit, present: str, new: str) -> Visit:
    """Set another password. Every other session of the user ends, and this one gets another token."""
    user = visit.user
    if user.password_hash is None:
        raise ConflictError("there is no password yet: ask for a link for a new one", code="no_password")
    if not passwords.verify(user.password_hash, present):
        hub.store.companion(Refusals).note(user.id, visit.origin, hub.now())
        raise login_failed()
    password_hash, now = passwords.hash_new(new, email=user.email, path="new"), hub.now()
    with writing_for(hub, visit) as tx:
        users.set_password(tx, user.id, password_hash, now)
        users.drop_resets(tx, user.id)
        sessions.remove_sessions(tx, user.id, besides=visit.session.id)
        note(tx, hub, visit, "user.password", user.id)
        return rotated(tx, visit, visit.signed_in.membership)


def make_reset(hub: Hub, principal: Principal, user_id: str) -> NewReset:
    """Make a link by which a member sets a new password.

    A password belongs to a person, and who has it has all of that person's tenants. So this is for those who
    are members of this tenant alone, and over whom the principal has a say; `user:manage` is for all.
    """
    require(principal, "member:write")
    everywhere = across.list_memberships(hub.store, user_id)
    with hub.store.begin(principal.tenant_id) as tx:
        role = people.get_member(tx, user_id).membership.role
        if "user:manage" not in principal.permissions:
            require_over(tx, principal, role)
            if len(everywhere) != 1:
                told = "the user is a member elsewhere too: whoever runs the installation makes the link"
                raise AccessError(told, code="member_elsewhere", details={"permission": "user:manage"})
        return _made(tx, hub, principal, user_id)


def make_reset_for_user(hub: Hub, principal: Principal, user_id: str) -> NewReset:
    """Make a link by which any user of the installation sets a new password."""
    require(principal, "user:manage")
    with hub.store.begin(principal.tenant_id) as tx:
        users.get_user(tx, user_id)
        return _made(tx, hub, principal, user_id)


def use_reset(hub: Hub, passwords: Passwords, token: str, password: str, origin: Origin) -> None:
    """Set a new password by a link. It is used up by that, and every session of the user ends."""
    now = hub.now()
    with hub.store.read_global() as tx:
        reset = users.find_reset(tx, hash_token(token), now)
        user = users.find_user(tx, reset.user_id) if reset is not None else None
    if reset is None or user is None or user.disabled_at is not None:
        raise gone()
    password_hash = passwords.hash_new(password, email=user.email)
    with hub.store.begin(reset.made_in) as tenant_tx:
        if not users.use_reset(tenant_tx, reset.id, now):
            raise gone()
        users.set_password(tenant_tx, user.id, password_hash, now)
        sessions.remove_sessions(tenant_tx, user.id)
        principal = Principal(
            id=user.id, tenant_id=reset.made_in, role="", name=user.name, kind=Kind.USER, origin=origin
        )
        audit.append(tenant_tx, entry_of(principal, "user.password", user.id, now))


def _made(tx: Tx, hub: Hub, principal: Principal, user_id: str) -> NewReset:
    token, now = mint_token(RESET), hub.now()
    made = Reset(
        id=new_id("pwd"),
        link_hash=hash_token(token),
        user_id=user_id,
        made_in=principal.tenant_id,
        created_by=principal.id,
        created_at=now,
        expires_at=now + GOOD_FOR,
    )
    users.add_reset(tx, made)
    audit.append(tx, entry_of(principal, "user.reset", user_id, now))
    return NewReset(stored=made, token=token)
