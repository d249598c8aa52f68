"""Sessions: signing in, acting in one tenant at a time, and ending it. Nothing is kept in a token.

A session's token is random and stored as a hash; what a user may do is looked up with every request.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from revolution_hub.access.roles import permissions_within
from revolution_hub.access.tokens import SESSION, hash_token, mint_token
from revolution_hub.errors import AccessError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_id
from revolution_hub.model.person import Membership, Session, User, clean_email
from revolution_hub.model.principal import Kind, Origin, Principal
from revolution_hub.store import across, audit, people, sessions, users
from revolution_hub.store.refusals import Refusals
from revolution_hub.store.sessions import SignedIn
from revolution_hub.store.tx import AnyTx, GlobalTx, Tx
from revolution_hub.store.uses import Uses
from revolution_hub.vault.passwords import Passwords

LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that came with a session: the session, its token, and from where it came."""

    token: str
    signed_in: SignedIn
    origin: Origin

    @property
    def user(self) -> User:
        """Who is signed in."""
        return self.signed_in.user

    @property
    def session(self) -> Session:
        """The session itself."""
        return self.signed_in.session


def log_in(hub: Hub, passwords: Passwords, email: str, password: str, origin: Origin, agent: str) -> Visit:
    """Sign a user in by password. Raises AccessError `login_failed`, the same one whatever was wrong."""
    with hub.store.read_global() as tx:
        user = users.find_by_email(tx, _clean(email))
    known = user.password_hash if user is not None else None
    if not passwords.verify(known, password) or user is None or user.disabled_at is not None:
        hub.store.companion(Refusals).note(user.id if user is not None else None, origin, hub.now())
        raise login_failed()
    renewed = passwords.renewed(str(known), password)
    if renewed is not None:
        with hub.store.begin_global() as tx:
            users.set_password(tx, user.id, renewed, None)
    return open_session(hub, user, "password", origin, agent)


def open_session(hub: Hub, user: User, way: str, origin: Origin, agent: str) -> Visit:
    """Sign in somebody who has proven to be this user; acts in the tenant joined first, if there is one."""
    found = across.list_memberships(hub.store, user.id)
    membership = found[0][0] if found else None
    token, session = new_session(hub, user, way, origin, agent)
    if membership is None:
        with hub.store.begin_global() as tx:
            _require_enabled(users.find_user(tx, user.id))
            sessions.add_session(tx, session)
        return Visit(
            token=token, signed_in=SignedIn(session=session, user=user, membership=None), origin=origin
        )
    with hub.store.begin(membership.tenant_id) as tenant_tx:
        _require_enabled(users.find_user(tenant_tx, user.id))
        return start_in(tenant_tx, hub, token, session, user, origin)


def new_session(hub: Hub, user: User, way: str, origin: Origin, agent: str) -> tuple[str, Session]:
    """Return a token and the session to be kept for it, which acts nowhere yet."""
    token, now = mint_token(SESSION), hub.now()
    session = Session(
        id=new_id("ses"),
        cookie_hash=hash_token(token),
        user_id=user.id,
        active_tenant_id=None,
        created_at=now,
        seen_at=now,
        expires_at=now + timedelta(seconds=hub.settings.session_s),
        way=way,
        address=origin.address,
        agent=agent[:LONGEST_AGENT],
    )
    return token, session


def start_in(tx: Tx, hub: Hub, token: str, session: Session, user: User, origin: Origin) -> Visit:
    """Keep a new session that acts in the transaction's tenant, if its user is a member there."""
    membership = people.find_membership(tx, user.id)
    acting = replace(session, active_tenant_id=tx.tenant_id if membership else None)
    sessions.add_session(tx, acting)
    if membership is not None:
        entry = entry_of(
            principal_in(user, membership, origin), "session.start", session.id, session.created_at
        )
        audit.append(tx, entry)
    return Visit(
        token=token, signed_in=SignedIn(session=acting, user=user, membership=membership), origin=origin
    )


def find_visit(hub: Hub, token: str, origin: Origin) -> Visit:
    """Return the visit of who shows this token; raises AccessError `session_over` if it leads nowhere."""
    signed_in, now = across.find_session(hub.store, hash_token(token)), hub.now()
    idle = timedelta(seconds=hub.settings.session_idle_s)
    if signed_in is None or signed_in.session.is_over(now, idle) or signed_in.user.disabled_at is not None:
        raise AccessError("the session is over; sign in again", code="session_over")
    hub.store.companion(Uses).note_session(signed_in.session.id, signed_in.session.seen_at, now)
    return Visit(token=token, signed_in=signed_in, origin=origin)


def principal_of_visit(hub: Hub, visit: Visit) -> Principal:
    """Return who asks, in the tenant the session acts in; raises AccessError `no_tenant` if there is none."""
    membership = visit.signed_in.membership
    if membership is None:
        raise AccessError("the session acts in no tenant; choose one", code="no_tenant")
    allowed = permissions_within(hub.store, membership.tenant_id, membership.role)
    return replace(principal_in(visit.user, membership, visit.origin), permissions=allowed)


def principal_in(user: User, membership: Membership, origin: Origin) -> Principal:
    """Return a user as the audit log names one; what the role allows is left out."""
    return Principal(
        id=user.id,
        tenant_id=membership.tenant_id,
        role=membership.role,
        name=user.name,
        kind=Kind.USER,
        origin=origin,
    )


def list_tenants_of(hub: Hub, visit: Visit) -> list[tuple[Membership, str]]:
    """Return where the user is a member, and what those tenants are called."""
    return across.list_memberships(hub.store, visit.user.id)


def switch_tenant(hub: Hub, visit: Visit, tenant_id: str) -> Visit:
    """Let the session act in another tenant of its user, under another token."""
    if all(one.tenant_id != tenant_id for one, _ in across.list_memberships(hub.store, visit.user.id)):
        raise NotFoundError("there is no such tenant")
    with hub.store.begin(tenant_id) as tx:
        membership = people.find_membership(tx, visit.user.id)
        if membership is None:
            raise NotFoundError("there is no such tenant")
        principal = principal_in(visit.user, membership, visit.origin)
        audit.append(tx, entry_of(principal, "session.switch", visit.session.id, hub.now()))
        return rotated(tx, visit, membership)


def rotated(tx: AnyTx, visit: Visit, membership: Membership | None) -> Visit:
    """Let the session go on under another token, acting where this membership is."""
    token = mint_token(SESSION)
    tenant_id = membership.tenant_id if membership else None
    if not sessions.rotate(tx, visit.session, hash_token(token), tenant_id):
        raise AccessError("the session is over; sign in again", code="session_over")
    session = replace(visit.session, cookie_hash=hash_token(token), active_tenant_id=tenant_id)
    return Visit(
        token=token,
        signed_in=SignedIn(session=session, user=visit.user, membership=membership),
        origin=visit.origin,
    )


def list_sessions(hub: Hub, visit: Visit) -> list[Session]:
    """Return the user's own sessions that are not over, the newest first."""
    now, idle = hub.now(), timedelta(seconds=hub.settings.session_idle_s)
    with hub.store.read_global() as tx:
        return [one for one in sessions.list_sessions(tx, visit.user.id) if not one.is_over(now, idle)]


def end_session(hub: Hub, visit: Visit, session_id: str) -> None:
    """End one of the user's own sessions, the one that asks included."""
    _end(hub, visit, session_id)


def end_sessions(hub: Hub, visit: Visit) -> None:
    """End every session of the user, the one that asks included."""
    _end(hub, visit, None)


@contextmanager
def writing_for(hub: Hub, visit: Visit) -> Iterator[Tx | GlobalTx]:
    """Write in the tenant the visit acts in, or in none if it acts in none, for what belongs to the user."""
    membership = visit.signed_in.membership
    if membership is None:
        with hub.store.begin_global() as tx:
            yield tx
    else:
        with hub.store.begin(membership.tenant_id) as tenant_tx:
            yield tenant_tx


def note(tx: AnyTx, hub: Hub, visit: Visit, action: str, target: str) -> None:
    """Add an entry to the audit log of the tenant the visit acts in; one that acts in none has no log."""
    membership = visit.signed_in.membership
    if membership is not None and isinstance(tx, Tx):
        principal = principal_in(visit.user, membership, visit.origin)
        audit.append(tx, entry_of(principal, action, target, hub.now()))


def _end(hub: Hub, visit: Visit, session_id: str | None) -> None:
    with writing_for(hub, visit) as tx:
        if session_id is None:
            sessions.remove_sessions(tx, visit.user.id)
        elif not sessions.remove_session(tx, visit.user.id, session_id):
            raise NotFoundError("there is no such session")
        note(tx, hub, visit, "session.end", session_id or visit.user.id)


def login_failed() -> AccessError:
    """Return the one answer to a wrong login."""
    return AccessError("e-mail address or password is wrong", code="login_failed")


def _clean(email: str) -> str:
    try:
        return clean_email(email)
    except ValueError:
        # Nobody has this address; it is looked up nonetheless, so that the answer takes as long.
        return ""


def _require_enabled(user: User | None) -> None:
    if user is None or user.disabled_at is not None:
        raise login_failed()
