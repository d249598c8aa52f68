"""oidc: signing in at a provider. Issuer and subject alone say which user that is, never an e-mail address.

A login is held together by a secret that only the browser has: nonce and PKCE verifier are derived from it,
and the hub keeps nothing but hashes. The state leads back to it once, within ten minutes.
"""

from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest

from revolution_hub.access.tokens import derived, hash_token, mint_token
from revolution_hub.errors import AccessError, ConflictError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.ids import new_id
from revolution_hub.model.person import Identity, Invitation, PendingLogin, User, clean_email
from revolution_hub.model.principal import Origin
from revolution_hub.services.invitations import require_new
from revolution_hub.services.joining import join, open_invitation
from revolution_hub.services.sessions import (
    Visit,
    login_failed,
    new_session,
    note,
    open_session,
    start_in,
    writing_for,
)
from revolution_hub.settings import OidcProvider
from revolution_hub.store import users
from revolution_hub.store.tx import AnyTx
from revolution_hub.vault.oidc import Oidc, Said, Secrets

GOOD_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A login that was begun: where the browser goes, and the secret it keeps meanwhile."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What a browser comes back with from a provider."""

    state: str
    browser: str
    code: str | None
    issuer: str | None
    error: str | None


def begin_login(
    hub: Hub, oidc: Oidc, name: str, *, invitation: str | None = None, visit: Visit | None = None
) -> Begun:
    """Begin a login at a provider, to accept an invitation by it, or to link it to who is signed in."""
    provider = _provider(oidc, name)
    if invitation is not None:
        open_invitation(hub, hash_token(invitation))
    browser, state, now = mint_token("olb_"), mint_token("ols_"), hub.now()
    url = oidc.begin(provider, _secrets(browser, state))
    pending = PendingLogin(
        id=new_id("oid"),
        state_hash=hash_token(state),
        browser_hash=hash_token(browser),
        provider=name,
        created_at=now,
        expires_at=now + GOOD_FOR,
        user_id=visit.user.id if visit else None,
        invitation_hash=hash_token(invitation) if invitation else None,
    )
    with hub.store.begin_global() as tx:
        users.add_pending(tx, pending)
    return Begun(url=url, browser=browser)


def finish_login(
    hub: Hub, oidc: Oidc, name: str, back: Return, *, visit: Visit | None, origin: Origin, agent: str
) -> Visit:
    """Sign in who comes back from a provider, or link the provider; `visit` is who is signed in already."""
    provider = _provider(oidc, name)
    with hub.store.begin_global() as tx:
        pending = users.take_pending(tx, hash_token(back.state))
    if (
        pending is None
        or pending.provider != name
        or not compare_digest(pending.browser_hash, hash_token(back.browser))
        or pending.expires_at <= hub.now()
        or pending.user_id != (visit.user.id if visit and pending.user_id else None)
    ):
        raise AccessError("this login was not begun here, or too long ago; begin anew", code="login_state")
    if back.issuer is not None and back.issuer != provider.issuer:
        raise AccessError("the answer is of another provider", code="login_state")
    if back.error is not None or back.code is None:
        raise AccessError("the provider let nobody in", code="login_failed")
    said = oidc.finish(provider, back.code, _secrets(back.browser, back.state))
    if visit is not None and pending.user_id is not None:
        return _link(hub, visit, said)
    return _enter(hub, said, pending, origin, agent)


def list_identities(hub: Hub, visit: Visit) -> list[Identity]:
    """Return what providers call the user who is signed in."""
    with hub.store.read_global() as tx:
        return users.list_identities(tx, visit.user.id)


def unlink(hub: Hub, visit: Visit, identity_id: str) -> None:
    """Let a provider's subject lead to this user no more, unless it is the last way in."""
    with writing_for(hub, visit) as tx:
        user, linked = users.get_user(tx, visit.user.id), users.list_identities(tx, visit.user.id)
        if [one.id for one in linked] == [identity_id] and user.password_hash is None:
            raise ConflictError("this is the only way you come in by", code="last_way_in")
        if not users.remove_identity(tx, user.id, identity_id):
            raise NotFoundError("there is no such identity")
        note(tx, hub, visit, "identity.remove", identity_id)


def _enter(hub: Hub, said: Said, pending: PendingLogin, origin: Origin, agent: str) -> Visit:
    way = f"oidc:{pending.provider}"
    with hub.store.read_global() as tx:
        identity = users.find_identity(tx, said.issuer, said.subject)
        user = users.find_user(tx, identity.user_id) if identity is not None else None
    if user is not None and user.disabled_at is not None:
        raise login_failed()
    if pending.invitation_hash is not None:
        return _accept(hub, open_invitation(hub, pending.invitation_hash), said, user, (origin, agent, way))
    if user is None:
        told = "nobody here is linked to this login: accept an invitation, or link it while you are signed in"
        raise AccessError(told, code="unknown_identity")
    return open_session(hub, user, way, origin, agent)


def _accept(
    hub: Hub, invitation: Invitation, said: Said, user: User | None, came: tuple[Origin, str, str]
) -> Visit:
    origin, agent, way = came
    now, known = hub.now(), user
    email = known.email if known is not None else _verified(said)
    if invitation.email is not None and invitation.email != email:
        raise AccessError("the invitation is for another e-mail address", code="other_email")
    if known is None:
        known = User(id=new_id("usr"), email=email, name=said.name or email, created_at=now)
    token, session = new_session(hub, known, way, origin, agent)
    with hub.store.begin(invitation.tenant_id) as tx:
        if user is None:
            # Somebody who has this address already is not whoever the provider says, until linked by hand.
            require_new(users.add_user(tx, known))
            _add_identity(tx, hub, known.id, said)
        join(hub, tx, invitation, known, origin)
        return start_in(tx, hub, token, session, known, origin)


def _link(hub: Hub, visit: Visit, said: Said) -> Visit:
    with writing_for(hub, visit) as tx:
        identity = _add_identity(tx, hub, visit.user.id, said)
        note(tx, hub, visit, "identity.add", identity.id)
    return visit


def _add_identity(tx: AnyTx, hub: Hub, user_id: str, said: Said) -> Identity:
    identity = Identity(
        id=new_id("idn"), user_id=user_id, issuer=said.issuer, subject=said.subject, created_at=hub.now()
    )
    if not users.add_identity(tx, identity):
        raise ConflictError("this login is linked to a user already", code="identity_taken")
    return identity


def _verified(said: Said) -> str:
    try:
        return clean_email(said.email or "")
    except ValueError as error:
        told = "the provider has not verified an e-mail address that could be yours here"
        raise AccessError(told, code="email_not_verified") from error


def _provider(oidc: Oidc, name: str) -> OidcProvider:
    if name not in oidc.providers:
        raise NotFoundError("there is no such provider")
    return oidc.providers[name]


def _secrets(browser: str, state: str) -> Secrets:
    return Secrets(state=state, nonce=derived(browser, "nonce"), verifier=derived(browser, "verifier"))
